"""Cells and service calls in transcripts, notebooks and the view: code as code, outputs seen, and nothing obeyed."""

from __future__ import annotations

import json
from itertools import product

import nbformat
import pytest
from cell_runs import CALL, CELL, MARKUP, PICTURE, cell_run, hostile_run, result_of, service, shown, stream, value_of
from export_runs import HOSTILE, Story, png
from markdown_it import MarkdownIt

from lllm.export.asked import parse_asked, render_call, render_item, tell_step
from lllm.export.cells import HINT, NOT_ISOLATED, CellView, ServiceView
from lllm.export.view import BROKEN, to_view
from lllm.utils import encode_json

ESCAPES = "\x1b[31mred\x1b[0m \x1b]0;owned\x07 \u200bhidden"


def view_of(story):
    return to_view(list(story.log.read_run(story.name)))


def function_of(story):
    """Return the entry of the function that ran the cell."""
    return next(e for dialog in view_of(story).dialogs for e in dialog.entries if e.who == "function")


def notebook_of(story):
    """Return the notebook, which is a valid one."""
    told = json.loads(story.export("ipynb"))
    nbformat.validate(told)
    return told


def code_cells(story):
    return [cell for cell in notebook_of(story)["cells"] if cell["cell_type"] == "code"]


def markup_of(markdown):
    """Return each token of a Markdown text but the contents of fences and code spans."""
    found = []
    for block in MarkdownIt("commonmark").parse(markdown):
        tokens = block.children if block.type == "inline" else [block]
        found += [(t.type, "" if t.type in {"fence", "code_inline"} else t.content) for t in tokens]
    return found


# --- the view -----------------------------------------------------------------------------------------------------


def test_a_cell_stands_with_the_function_that_ran_it_and_a_call_with_its_cell():
    view = view_of(cell_run(result_of([stream("hi\n")])))
    [cell] = function_of(cell_run(result_of([stream("hi\n")]))).made
    assert (cell.code, cell.status, cell.execution_count, cell.text()) == ("import shop\nshop.open()", "ok", 3, "hi")
    assert [(call.endpoint, call.params, call.status) for call in cell.services] == [
        ("shop/sales/rows", {"n": 3, "q": "plain"}, "ok")
    ]
    assert [(item.kind, item.status) for item in view.made] == [("cell", "ok"), ("service", "open")]
    assert view.made[0].services[0].error == "refused plain"
    assert view.values == [], "each is told once"


def test_a_cell_whose_process_died_is_told_as_open():
    """The function never returned, so its call stands for it; the cell may have happened all the same."""
    entry = function_of(cell_run(None))
    assert (entry.seq, entry.id, entry.name, entry.note) == (6, CALL, "run_python", BROKEN)
    assert [(item.kind, item.status) for item in entry.made] == [("cell", "open")]
    assert "No end of this cell is logged" in entry.made[0].text()
    assert [item.kind for item in view_of(cell_run(None)).made] == ["cell", "service"], "those of the code itself"
    assert "the cell ended" not in cell_run(None).export("md")
    assert cell_run(None).export("md").count("shop.open()") == 1


def test_a_cell_in_a_function_that_was_begun_twice_stands_with_it():
    """Resumed after a crash, a function has the scope of its second attempt."""
    story = Story()
    story.add("dialog.open", "1", agent="a")
    story.reply("1/s0", "", [("run_python", "{}")])
    story.add("function.call", CALL, name="run_python", arguments="{}")
    story.add("step", "1-s0-f0+1.v/0", name="cell", about={"code": "1"})
    story.add("value", "1-s0-f0+1.v/0", name="cell", value=value_of(result_of([stream("one")])))
    story.result(CALL, "one")
    assert [cell.text() for cell in function_of(story).made] == ["one"]


def test_a_step_of_the_users_own_named_cell_is_a_value_like_any():
    story = Story()
    for name, about in (("cell", None), ("cell", {"code": 3}), ("proxy", {"x": 1})):
        told = {"about": about} if about else {}
        story.add("step", f"v/{name}{len(told)}", name=name, **told)
        story.add("value", f"v/{name}{len(told)}", name=name, value=7)
    view = view_of(story)
    assert (len(view.values), view.made) == (3, [])


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (result_of([], "timeout", ename="CellTimeout", evalue="after 1 s"), "CellTimeout: after 1 s"),
        (result_of([], "died"), "died"),
        (result_of([], "error", state_lost=True), "The kernel was replaced"),
        (result_of([], "ok", background="late\n"), "late"),
        (
            result_of([{"output_type": "error", "ename": "E", "evalue": "v", "traceback": ["tb"]}], "error", ename="E"),
            "tb",
        ),
    ],
)
def test_what_went_wrong_is_told_once(value, told):
    assert function_of(cell_run(value)).made[0].text().count(told) == 1


def test_a_traceback_stands_without_its_last_line_again():
    error = {"output_type": "error", "ename": "E", "evalue": "v", "traceback": ["at line 1", "E: v"]}
    cell = function_of(cell_run(result_of([error], "error", ename="E", evalue="v"))).made[0]
    assert cell.text() == "at line 1\nE: v"


def test_a_cell_that_could_not_be_run_tells_why():
    story = Story()
    story.add("step", "v/0", name="cell", about={"code": "1"})
    story.add("value", "v/0", name="cell", error="SandboxUnavailable: install bubblewrap")
    [cell] = view_of(story).made
    assert (cell.status, cell.text()) == ("failed", f"SandboxUnavailable: install bubblewrap\n{HINT}")


def broken_run():
    """Return a run on a machine without a sandbox: its function raised through the call, and has no result."""
    story, error = Story(), "SandboxUnavailable: install bubblewrap"
    story.add("session.open", task="t")
    story.add("dialog.open", "1", agent="analyst")
    story.add("model.request", "1/s0", contract="c", n=1)
    raw = encode_json({"code": "import shop\nshop.open()"})
    story.reply("1/s0", "", [("run_python", raw)])
    story.add("function.call", CALL, name="run_python", arguments=raw)
    story.add("step", CELL, name="cell", about={"code": "import shop\nshop.open()"})
    story.add("value", CELL, name="cell", error=error)
    story.add("call.close", "1/s0", outcome="failed", error=error)
    story.add("session.close", status="failed", error=error)
    return story


def test_a_cell_without_a_sandbox_stands_with_the_call_that_ran_it():
    """Elsewhere nobody finds it; and what it says need not be said again where the call ends."""
    view = view_of(broken_run())
    reply, function, end = view.dialogs[0].entries
    assert (reply.who, function.who, function.id, end.who, end.is_told) == ("assistant", "function", CALL, "end", True)
    assert ([cell.status for cell in function.made], view.made) == (["failed"], [])
    told = broken_run().export("md")
    assert told.count("install bubblewrap") == 2, "at its head, and with the cell"
    assert told.count("shop.open()") == 1
    assert (
        told.index("## Dialog") < told.index("```python\nimport shop") < told.index("The call failed, of what stands")
    )
    assert HINT in told
    [cell] = code_cells(broken_run())
    assert [output["output_type"] for output in cell["outputs"]] == ["error", "stream"]
    assert HINT in broken_run().export("html")


def test_the_end_of_a_call_tells_what_no_cell_tells():
    """Another error than the cell's, or the same one of a function that did return."""
    story = Story()
    story.add("call.close", "1/s0", outcome="failed", error="LimitExceeded: no money left")
    [end] = view_of(story).dialogs[0].entries
    assert not end.is_told
    assert "no money left" in story.export("md")
    assert "no money left" in story.export("ipynb")


@pytest.mark.parametrize(("tier", "count"), [("none", 1), ("A", 0), ("B", 0), ("remote", 0), ("", 0)])
def test_a_cell_that_nothing_shut_in_says_so(tier, count):
    """Whoever reads it later must know that this code could do anything."""
    story = cell_run(result_of([stream("hi\n")], tier=tier))
    cell = function_of(story).made[0]
    assert (cell.text().count(NOT_ISOLATED), cell.tier, cell.is_isolated) == (count, tier, not count)
    for format_ in ("html", "md", "ipynb"):
        assert story.export(format_).count(NOT_ISOLATED) == count, format_
    told = [tell_step(event.data) for event in story.log.read_run("s")]
    assert ("cell ok, without isolation: hi" in told) == bool(count)


def test_what_the_model_read_stands_once_also_of_a_cell_that_nothing_shut_in():
    story = cell_run(result_of([stream("just this\n")], tier="none"), read="just this")
    assert story.export("md").count("just this") == 1


# --- a call, as text ----------------------------------------------------------------------------------------------


def test_code_stands_in_lines_of_its_own():
    raw = json.dumps({"code": "a = 1\nprint(a)\n", "timeout": 3})
    assert render_call("run", raw) == 'run({"timeout": 3})\n  code:\n    a = 1\n    print(a)'
    assert render_call("run", '{"code": "x"}') == 'run({"code": "x"})'
    assert render_call("run", "not json\n") == "run(not json\n)"
    assert parse_asked(json.dumps({"a": 'say "hi"'})).texts == {"a": 'say "hi"'}
    assert parse_asked('{"code": "x", "n": 1}', without=["x"]) == ({}, '{"n": 1}')


@pytest.mark.parametrize("raw", ["", "[1]", "null", "3", '{"a": NaN}', "[" * 100_000, '{"a": {"b": []}}'])
def test_arguments_that_are_anything_are_shown_as_they_are(raw):
    assert render_call("f", raw) == f"f({raw})"


def test_one_event_tells_what_it_begins_or_ends():
    """For a terminal that follows a session, an event a line."""
    story = cell_run(result_of([stream("hi\nthere")]))
    told = [tell_step(event.data, limit_chars=60) for event in story.log.read_run("s")]
    assert [line for line in told if line] == [
        "runs import shop shop.open()",
        'calls shop/sales/rows(n=3, q="plain")',
        '-> {"rows": [1, 2, 3], "told": "plain"}',
        "cell ok: hi there",
        "runs 1+1 # plain",
        'calls kb/plain(["plain"])',
        "-> failed: refused plain",
        "cell ok: 2",
        "calls kb/open(n=3)",
    ]


# --- a transcript -------------------------------------------------------------------------------------------------


def test_a_transcript_shows_code_outputs_and_folded_calls():
    told = cell_run(result_of([stream("hi\n"), PICTURE, MARKUP])).export("md")
    assert "asks for `run_python`, see below" in told
    assert told.count("shop.open()") == 1, "code stands once, not also in the reply and as JSON"
    for part in (
        "```python\nimport shop\nshop.open()\n```",
        "```text\nhi\n```",
        "```text\n[image/png, 4x3, ",
        "```text\n[text/html]\n<script>window.owned=1</script><b>bold</b>\n```",
        '*#8: called* `shop/sales/rows(n=3, q="plain") -> {"rows": [1, 2, 3], "told": "plain"}`',
        "<details><summary>parameters and answer</summary>\n\nwithout data from `2025` on",
        "<details><summary>what the model read</summary>\n\n```text\nwhat the model read\n```",
        "## Cells and services of the code itself",
        "-> no answer is logged",
    ):
        assert part in told, part


def test_what_had_to_be_left_out_of_an_output_is_told():
    """The kernel's side says so in the output's metadata; whoever looks for a picture wants to know."""
    outputs = [shown({"text/plain": "<Figure>"}) | {"metadata": {"lllm": {"left_out": {"image/png": "too large"}}}}]
    assert "```text\n[image/png left out: too large]\n```" in cell_run(result_of(outputs)).export("md")


def test_what_the_model_read_stands_once_where_the_cell_says_the_same():
    told = cell_run(result_of([stream("just this\n")]), read="just this").export("md")
    assert (told.count("just this"), "what the model read" in told) == (1, False)


def test_a_call_that_was_pruned_or_never_ran_keeps_its_code():
    story = Story()
    story.reply("1/s0", "", [("run_python", json.dumps({"code": "one\ntwo"}))])
    assert "```text\nrun_python\n  code:\n    one\n    two\n```" in story.export("md")
    assert "    one\\n" in story.export("ipynb")


# --- a notebook ---------------------------------------------------------------------------------------------------


def test_a_notebook_holds_the_cell_with_its_picture():
    [cell, own] = code_cells(cell_run(result_of([stream("hi\n"), PICTURE], count=7)))
    assert ("".join(cell["source"]), cell["execution_count"]) == ("import shop\nshop.open()", 7)
    assert cell["outputs"][0] == {"output_type": "stream", "name": "stdout", "text": ["hi\n"]}
    assert cell["outputs"][1]["data"] == {"image/png": png(), "text/plain": ["<Figure>"]}
    assert own["outputs"][0]["data"] == {"text/plain": ["2"]}


BARE = "<IPython.core.display.Some object>"
FORMS = {
    "text/html": "<b>x</b>\u200b",
    "image/svg+xml": "<svg>\x07</svg>",
    "text/markdown": "# x",
    "text/latex": "$x$",
    "image/gif": "R0lG",
    "application/json": {"a\u200b": ["\x1b", 1, None, True]},
}


def test_a_notebook_holds_what_a_cell_displayed_in_all_its_forms():
    """Jupyter shows the richest one; it does not run what stands in a notebook that it does not trust."""
    [cell, _] = code_cells(cell_run(result_of([shown({"text/plain": BARE, "image/png": png()} | FORMS)])))
    data = cell["outputs"][0]["data"]
    assert data.pop("image/png") == png()
    assert {kind: "".join(told) if isinstance(told, list) else told for kind, told in data.items()} == {
        "text/html": "<b>x</b>\\u200b",
        "image/svg+xml": "<svg>\u2407</svg>",
        "text/markdown": "# x",
        "text/latex": "$x$",
        "image/gif": "R0lG",
        "application/json": {"a\\u200b": ["\u241b", 1, None, True]},
    }


@pytest.mark.parametrize("kind", ["application/javascript", "application/pdf", "application/vnd.bokehjs_exec.v0+json"])
def test_a_notebook_holds_nothing_that_is_made_to_run(kind):
    [cell, _] = code_cells(cell_run(result_of([shown({kind: "QUJD", "text/plain": BARE})])))
    assert list(cell["outputs"][0]["data"]) == ["text/plain"]
    assert kind in "".join(cell["outputs"][0]["data"]["text/plain"])


@pytest.mark.parametrize("format_", ["md", "html", "ipynb"])
@pytest.mark.parametrize("kind", ["text/html", "image/svg+xml", "text/markdown", "text/latex", "image/png"])
def test_no_export_shows_the_type_of_an_object_in_its_place(format_, kind):
    """That is what Python prints of HTML, SVG, Markdown and pictures that are displayed."""
    story = cell_run(result_of([shown({"text/plain": BARE, kind: png() if kind == "image/png" else "# told"})]))
    told = story.export(format_)
    if format_ == "html":
        told = "".join(line for line in told.split("\n") if line.startswith('{"kind":"cell"'))
    assert "IPython" not in told
    assert ("# told" in told) == (kind != "image/png")


@pytest.mark.parametrize("kind", ["image/png", "image/jpeg"])
@pytest.mark.parametrize("data", ["javascript:1", "!!!", "AAAA", "", ["PHN2", "Zy8+"], {"a": 1}, None, 7])
def test_what_is_no_picture_is_not_shown_as_one(kind, data):
    story = cell_run(result_of([shown({kind: data})]))
    [cell, _] = code_cells(story)
    assert [list(output["data"]) for output in cell["outputs"]] in ([["text/plain"]], [])
    assert kind in story.export("md")


JUNK = [None, 7, "text", ["list"], {"deep": {"er": 1}}, True, float("1e99"), {"output_type": "stream", "text": {}}]


@pytest.mark.parametrize("junk", JUNK)
def test_a_forged_cell_is_told_and_makes_a_valid_notebook(junk):
    """A log may come from anywhere: each field of a result, an output and a display holds anything in turn."""
    outputs = [junk, {"output_type": "clear_output"}, {"output_type": "update_display_data", "data": {}}]
    for kind in ("stream", "display_data", "execute_result", "error"):
        outputs.append({"output_type": kind})
        keys = ("text", "name", "data", "metadata", "ename", "evalue", "traceback", "execution_count")
        outputs += [{"output_type": kind, key: junk} for key in keys]
        outputs.append(shown(dict.fromkeys(("text/plain", "image/png", "application/json", "bad mime\n"), junk), kind))
    keys = ("status", "ename", "evalue", "traceback", "state_lost", "background", "calls", "execution_count")
    values = [result_of(outputs), junk, {"outputs": junk}, result_of(outputs) | dict.fromkeys(keys, junk)]
    for value, to_value in product(values, (value_of, lambda told: told)):
        story = cell_run(value, to_value=to_value)
        assert notebook_of(story)
        assert "shop.open()" in story.export("md")
        assert story.export("html")


@pytest.mark.parametrize("junk", JUNK)
def test_a_forged_service_call_is_told(junk):
    story = Story()
    for number, value in enumerate([junk, {"data": junk}, {"error": junk}, {"error": {"message": junk}}]):
        service(story, f"v/{number}", params=junk, value=value)
    assert [item.kind for item in view_of(story).made] == ["service"] * 4
    assert story.export("md").count("*#") == 4


# --- whatever they write ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", [*HOSTILE, ESCAPES])
@pytest.mark.parametrize("format_", ["md", "ipynb"])
def test_no_text_of_a_cell_or_a_service_becomes_markup(format_, text):
    def texts(story):
        if format_ == "md":
            return story.export(format_)
        cells = notebook_of(story)["cells"]
        return "\n\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")

    assert markup_of(texts(hostile_run(text))) == markup_of(texts(hostile_run("plain")))


@pytest.mark.parametrize("format_", ["html", "md", "jsonl", "ipynb", "otlp"])
def test_no_control_sign_of_a_cell_is_written(format_):
    """Escape sequences, hidden signs, and those that turn the direction of writing are shown in no export as such."""
    told = "".join(hostile_run(text).export(format_) for text in [*HOSTILE, ESCAPES])
    told = told.replace("\u202a-\u202e", "") if format_ == "html" else told
    assert not [sign for sign in told if (ord(sign) < 32 and sign not in "\n\t") or 0x7F <= ord(sign) < 0xA0]
    assert not set(told) & set("\u2028\u2029\u202e\ud800")


def test_a_notebooks_texts_hold_no_control_sign_either():
    """In its file they are escaped; what opens it would write them to a terminal."""
    for text in [*HOSTILE, ESCAPES]:
        told = json.dumps(notebook_of(hostile_run(text)), ensure_ascii=False)
        assert not set(told) & set("\x1b\x07\x00\u202e\u2028"), told


def test_signs_that_nobody_sees_are_seen_in_outputs_and_answers():
    """They hide whole messages to whoever reads on: a model, or a person who copies."""
    cell = function_of(hostile_run("a\u200b\U000e0041b")).made[0]
    for told in (cell.text(), *map(render_item, cell.services)):
        assert "\\u200b\\U000e0041" in told
        assert not set(told) & set("\u200b\U000e0041")


def test_parameters_and_answers_show_them_too():
    story = Story()
    service(story, "v/0", params={"a\u200b": "\u200b"}, value={"data": "\u200b"})
    assert "\u200b" not in story.export("md")


def test_a_forged_status_is_harmless():
    story = cell_run(result_of([], ESCAPES))
    told = json.dumps(notebook_of(story), ensure_ascii=False) + story.export("md")
    assert not set(told) & set("\x1b\x07\u200b")
    assert "\u241b" in told


def test_an_answer_that_is_nested_deeply_is_told():
    """A service may answer anything that JSON can say, also what takes more of Python's stack to write than to read."""
    story = Story()
    service(story, "v/0", value={"data": json.loads("[" * 900 + "]" * 900)})
    for format_ in ("html", "md", "ipynb"):
        assert "shop/sales/rows" in story.export(format_)
    answer: list = []
    for _ in range(100_000):
        answer = [answer]
    assert render_item(ServiceView(1, "e", {}, status="ok", answer=answer)) == "e() -> [nested too deeply to be shown]"


def test_a_huge_output_is_cut_in_exports_and_kept_in_the_log():
    told = cell_run(result_of([stream("x" * 3_000_000)]))
    assert len(told.export("md")) < 120_000
    assert "characters or more left out" in told.export("md")
    assert len(told.export("jsonl")) > 3_000_000


def test_views_are_plain_data():
    """``lllm log show --json`` writes them."""
    from dataclasses import asdict

    told = json.loads(json.dumps(asdict(view_of(cell_run(result_of([PICTURE]))))))
    assert [item["kind"] for item in told["made"]] == ["cell", "service"]
    assert {CellView(0, "").kind, ServiceView(0, "").kind} == {"cell", "service"}
    assert CELL
