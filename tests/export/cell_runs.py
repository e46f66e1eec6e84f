"""Runs in which a model ran code and the code called services: whatever the cells wrote, wherever it may stand."""

from __future__ import annotations

from export_runs import Story, png

from lllm.utils import encode_json

CALL, CELL = "1/s0/f0", "1-s0-f0.v/0"
ROWS = {"rows": [1, 2, 3]}


def stream(text, name="stdout"):
    return {"output_type": "stream", "name": name, "text": text}


def shown(data, kind="display_data", **facts):
    return {"output_type": kind, "data": data, "metadata": {}, **facts}


def result_of(outputs=(), status="ok", count=3, **facts):
    return {"status": status, "outputs": list(outputs), "execution_count": count, **facts}


def value_of(result):
    """What the step of a cell comes to."""
    return {"result": result, "fresh": False, "alive": True}


PICTURE = shown({"image/png": png(), "text/plain": "<Figure>"})
MARKUP = shown(
    {"text/html": "<script>window.owned=1</script><b>bold</b>", "image/svg+xml": "<svg onload='window.owned=1'/>"}
)


def service(story, id_, endpoint="shop/sales/rows", params=None, value=None, cutoff=None):
    """One call of a service; without a value, its answer never came."""
    about = {"endpoint": endpoint, "params": {"n": 3} if params is None else params, "cutoff_date": cutoff}
    story.add("step", id_, name="proxy", about=about, repeatable=True)
    if value is not None:
        story.add("value", id_, 0.1, name="proxy", value=value)


def cell_run(
    result,
    *,
    code="import shop\nshop.open()",
    read="what the model read",
    text="plain",
    arguments=None,
    to_value=value_of,
):
    """Return a run of one cell that called a service, beside them what the code did without any model."""
    story = Story()
    add = story.add
    add("session.open", task="t", agent_type="analyst", seed=1)
    add("dialog.open", "1", agent="analyst")
    story.say("1/m0", "user", "How is tea?")
    raw = arguments or encode_json({"code": code})
    add("model.request", "1/s0", contract="c", n=1)
    story.reply("1/s0", "I compute.", [("run_python", raw)])
    add("function.call", CALL, name="run_python", arguments=raw, repeatable=True)
    add("step", CELL, name="cell", about={"code": code}, repeatable=True)
    service(story, "1-s0-f0.v~0.v/0", value={"data": ROWS | {"told": text}}, params={"n": 3, "q": text}, cutoff="2025")
    if result is not None:
        add("value", CELL, 0.5, name="cell", value=to_value(result))
        story.result(CALL, read)
        add("model.request", "1/s1", contract="c", n=3)
        story.reply("1/s1", "done")
        add("call.close", "1/s1", outcome="done")
    add("step", "v/0", name="cell", about={"code": f"1+1\n# {text}", "sandbox": "own"})
    service(story, "v~0.v/0", f"kb/{text}", [text], {"error": {"message": f"refused {text}"}})
    add("value", "v/0", 0.5, name="cell", value=value_of(result_of([shown({"text/plain": "2"})], count=1)))
    service(story, "v/1", "kb/open")
    add("session.close", status="ok", result="3")
    return story


def hostile_run(text):
    """Return a run with a hostile text wherever a cell or a service can put one."""
    left_out = {"lllm": {"left_out": {text: text}}}
    outputs = [
        stream(f"out {text}"),
        stream(f"err {text}", "stderr"),
        shown({"text/plain": f"p {text}"}, "execute_result", execution_count=3),
        shown({"text/html": f"h {text}"}),
        shown({"image/svg+xml": f"s {text}"}),
        shown({"text/markdown": f"m {text}"}),
        shown({"application/json": {"j": text}}),
        shown({"image/png": text}),
        shown({"image/jpeg": png()}),
        PICTURE | {"metadata": left_out},
        {"output_type": "error", "ename": f"E {text}", "evalue": f"v {text}", "traceback": [f"t {text}"]},
    ]
    facts = {"state_lost": True, "background": f"b {text}", "ename": f"T {text}", "evalue": f"w {text}"}
    return cell_run(
        result_of(outputs, "timeout", **facts), code=f"x = 1\n# {text}", read=f"read {text}", text=f"a {text}"
    )
