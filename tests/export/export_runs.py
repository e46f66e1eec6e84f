"""Runs to export, event by event, with a clock of their own: what every kind of export has to tell of."""

from __future__ import annotations

import base64
import struct
import zlib

from lllm.export import Choice, RunRecord, render_run
from lllm.log import MemoryLog
from lllm.utils import encode_json

START = 1_795_240_000.0

# What breaks out of a page, a script, a fence, a span, a terminal or the direction of writing, where it may.
HOSTILE = [
    "</script><script>window.owned = 1</script>",
    "</script x='owned' ",
    "<!--<script>",
    "<img src=x onerror='window.owned=1'><svg onload='window.owned=1'>",
    "]]></style></title></textarea><h1>owned</h1>",
    "```\n# owned\n~~~\n`````\n<b>owned</b>",
    "` ``owned`` `",
    "![](http://example.org/owned.png) [owned](javascript:window.owned=1) @owned",
    "line\u2028separator\u2029",
    "\u202eowned\u202c \x1b[31mred\x1b[0m \x00 \x07",
    "\ud800 lone",
    "{{owned}} ${window.owned=1} <!-- data --> <!-- script -->",
    "</details></summary>\n\n# owned\n\n---\n",
]


def png(width=4, height=3):
    """Return a picture as base64."""
    rows = b"".join(b"\0" + bytes([40, 120, 200]) * width for _ in range(height))

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    body = head + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return base64.b64encode(b"\x89PNG\r\n\x1a\n" + body).decode()


class Story:
    """A session that is written by hand."""

    def __init__(self, log=None, name="s"):
        self.now = START
        self.log = log or MemoryLog(clock=lambda: self.now)
        self.name = name
        self.session = self.log.open_session(name)

    def add(self, kind, id_="", after_s=0.0, **data):
        self.now += after_s
        return self.session.append(kind, id_, encode_json(data))

    def say(self, id_, role, content, **facts):
        branch = facts.pop("branch", None)
        told = {"branch": branch} if branch else {}
        return self.add("message", id_, message={"role": role, "content": content, **facts}, **told)

    def reply(self, id_, content, calls=(), after_s=0.0, **facts):
        asked = [{"id": f"c{n}", "name": name, "arguments": args} for n, (name, args) in enumerate(calls)]
        message = {"role": "assistant", "content": content, "creator": "planner", **({"calls": asked} if calls else {})}
        told = {"message": message, "usage": [10, 4, 2, 0], "model": "m-1", "cost_usd": 0.25} | facts
        return self.add("model.reply", id_, after_s, **told)

    def result(self, id_, content, after_s=0.0, **facts):
        message = {"role": "tool", "content": content, "tool_call_id": f"c{id_[-1]}"}
        return self.add("function.result", id_, after_s, message=message, **facts)

    def export(self, format_, **options):
        return export(self.log, self.name, format_, **options)


def export(log, name, format_, **options):
    """Return an export, whole."""
    return "".join(render_run(RunRecord(log, name), Choice(format_, **options)))


def trip(text="Hello.", *, closed=True, log=None, name="s"):
    """Return a run with one of everything; ``text`` stands wherever somebody else's text may stand."""
    story = Story(log, name)
    add, say, reply, result = story.add, story.say, story.reply, story.result
    add("session.open", task=f"task {text}", agent_type="trip", seed=1)
    add("dialog.open", "1", agent="planner")
    say("1/m0", "system", "You compute.")
    say("1/m1", "user", f"user {text}", images=[{"media_type": "image/png", "base64": png()}])
    prompt = {"path": "trip/planner", "source": f"prompt {text}"}
    facts = {"agent": "planner", "provider": {"name": "openai"}, "model": "m", "functions": [{"name": "add"}]}
    add("contract", "contract/x", **facts, prompt=prompt, params={"temperature": 0.5, "seed": 3}, fingerprint="f1")
    add("model.request", "1/s0", 0.5, contract="f1", n=2)
    add("model.error", "1/s0", 1.0, type="RateLimited", message=f"error {text}", retryable=True)
    add("wait", "1/s0", seconds=2.0)
    add("model.request", "1/s1", 2.0, contract="f1", n=2, recall=1)
    code = encode_json({"code": f"print(1)\n# {text}"})
    reply("1/s1", f"reply {text}", [("add", '{"a": 1}'), ("run", code), ("look", "{}")], 3.0)
    add("function.call", "1/s1/f0", name="add", arguments='{"a": 1}')
    add("function.call", "1/s1/f1", name="run", arguments=code)
    result("1/s1/f1", f"result {text}", 0.25, error=f"ValueError: {text}")
    add("dialog.open", "1-s1-f0.1", agent="inner")
    add("model.request", "1-s1-f0.1/s0", contract="f1", n=0)
    reply("1-s1-f0.1/s0", "inner answer", (), 0.5)
    add("call.close", "1-s1-f0.1/s0", outcome="done")
    result("1/s1/f0", "2", 0.25)
    result("1/s1/f2", "never ran", ran=False, name="look")
    add("model.request", "1/s2", contract="f1", n=6)
    reply("1/s2", f"unusable {text}", (), 1.0)
    say("1/s2/x", "user", f"handler {text}", creator="exception", branch="retry")
    add("model.request", "1/s3", contract="f1", n=8, retry=1)
    reply("1/s3", "usable", (), 1.0)
    add("call.close", "1/s3", outcome="done")
    add("value", "v/0", name="now", value=12.5)
    add("step", "v/1", name="book")
    add("value", "v/1", 0.75, name="book", value={"seat": text})
    add("run.open", "sub", agent_type="helper", task=text, kwargs={})
    add("dialog.open", "sub.1", agent="deep")
    add("model.request", "sub.1/s0", contract="f1", n=0)
    reply("sub.1/s0", "deep answer", (), 0.5)
    add("call.close", "sub.1/s0", outcome="done")
    add("run.close", "sub", status="ok", result=text)
    add("dialog.open", "2", agent="planner", parent="1", at=2)
    say("2/m2", "user", "another way")
    add("frontend", "fe/0", type="write", args=[text])
    add("note", "note/0", text=text)
    if closed:
        add("session.close", status="ok", result=f"result {text}")
    return story


def fork(story, name="child", seq=5):
    """Return a fork of a story: it shares the events up to ``seq``."""
    events = list(story.log.read_session(story.name))
    child = Story(story.log, name)
    parent = {"session": story.name, "seq": seq, "chain": events[seq - 1].h}
    child.add("session.open", task="task forked", agent_type="trip", seed=1, parent=parent)
    child.add("model.request", "1/s0", contract="f1", n=2)
    child.reply("1/s0", "forked answer")
    child.add("call.close", "1/s0", outcome="done")
    child.add("session.close", status="ok", result="forked")
    return child
