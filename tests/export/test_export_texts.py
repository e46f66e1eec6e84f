"""Transcripts, plain events, chat messages and notebooks: what they tell, and what cannot break out of them."""

from __future__ import annotations

import json

import pytest
from export_runs import HOSTILE, Story, fork, png, trip
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from lllm.export.markdown import code, fence

FORMATS = ("html", "md", "jsonl", "ipynb", "otlp")


def tokens_of(markdown):
    """Return every token of a Markdown text as (type, content); those of lines within theirs."""
    for block in MarkdownIt("commonmark").parse(markdown):
        if block.type == "inline":
            yield from ((token.type, token.content) for token in block.children)
        else:
            yield block.type, block.content


def markup_of(markdown):
    """Return what is no quotation: everything but the contents of fences and code spans."""
    return [pair if pair[0] not in {"fence", "code_inline"} else (pair[0], "") for pair in tokens_of(markdown)]


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("format_", ["md", "ipynb"])
def test_no_text_of_a_run_becomes_markup(format_, text):
    """A transcript is pasted into issues: it may not draw headings, load pictures or mention people by itself."""

    def texts(story):
        told = story.export(format_)
        if format_ == "md":
            return told
        return "\n\n".join("".join(c["source"]) for c in json.loads(told)["cells"] if c["cell_type"] == "markdown")

    assert markup_of(texts(trip(text))) == markup_of(texts(trip("plain")))


@pytest.mark.parametrize("format_", FORMATS)
def test_no_control_sign_is_written(format_):
    """An export goes to a terminal, too: escape sequences are shown there, never obeyed."""
    told = "".join(trip(text).export(format_) for text in HOSTILE)
    told = told.replace("\u202a-\u202e", "") if format_ == "html" else told
    assert not [sign for sign in told if (ord(sign) < 32 and sign not in "\n\t") or 0x7F <= ord(sign) < 0xA0]
    assert not set(told) & set("\u2028\u2029\u202e\ud800")


@settings(max_examples=300)
@given(st.text(alphabet=st.characters(codec=None) | st.sampled_from("`~\n <&|#*_[]!\\"), max_size=80))
def test_any_text_is_one_fence_or_one_span(text):
    assert [kind for kind, _ in tokens_of(f"a\n\n{fence(text)}\n# b\n")].count("fence") == 1
    assert [kind for kind, _ in tokens_of(f"x {code(text)} y")] == [
        "paragraph_open",
        "text",
        "code_inline",
        "text",
        "paragraph_close",
    ]


def test_a_transcript_tells_of_attempts_functions_forks_and_runs():
    told = trip().export("md")
    for part in (
        "# Session `s`",
        "ok, 39 events",
        "<summary>An attempt that could not be used (#21)</summary>",
        "### #13 Function `run`, `failed`, 0.25 s",
        "### #7 Model call failed",
        "waited",
        "## Dialog `2` of `planner`, forked from `1` at message 2",
        "called agent system `helper` (#29, ok)",
        "READY > AWAIT_MODEL > WAITING > AWAIT_MODEL > AWAIT_FUNCTIONS > AWAIT_MODEL > AWAIT_MODEL > DONE",
    ):
        assert part in told


def test_plain_events_are_those_of_the_whole_run():
    """Of a fork too: what it shares with its parent is part of it."""
    story = trip()
    lines = [json.loads(line) for line in fork(story).export("jsonl").splitlines()]
    assert [line["seq"] for line in lines] == list(range(1, 10))
    assert [line["kind"] for line in lines][-5:] == [
        "contract",
        "model.request",
        "model.reply",
        "call.close",
        "session.close",
    ]
    assert list(lines[0]) == ["seq", "kind", "cause", "id", "ts", "data"]
    assert lines[0]["data"]["parent"]["session"] == "s"


def test_chat_messages_are_what_each_dialog_holds():
    """No attempt that was pruned, results in the order of the calls, and a fork's own past."""
    chats = {c["dialog"]: c["messages"] for c in map(json.loads, trip("x").export("jsonl", messages=True).splitlines())}
    assert [m["role"] for m in chats["1"]] == ["system", "user", "assistant", "tool", "tool", "tool", "assistant"]
    assert [m.get("tool_call_id") for m in chats["1"]][3:6] == ["c0", "c1", "c2"]
    assert chats["1"][-1]["content"] == "usable"
    assert chats["1"][2]["tool_calls"][0] == {
        "id": "c0",
        "type": "function",
        "function": {"name": "add", "arguments": '{"a": 1}'},
    }
    assert chats["1"][1]["content"][1]["image_url"]["url"] == f"data:image/png;base64,{png()}"
    assert [m["content"] for m in chats["2"]][::2] == ["You compute.", "another way"]


def test_a_round_without_all_its_results_is_in_no_dialog():
    """A server refuses calls without results, so such messages could not be sent."""
    story = Story()
    story.add("dialog.open", "1", agent="a")
    story.reply("1/s0", "two", [("add", "{}"), ("add", "{}")])
    story.result("1/s0/f1", "1")
    assert json.loads(story.export("jsonl", messages=True))["messages"] == []


def test_a_notebook_has_code_cells_for_code_and_raw_ones_for_the_rest():
    cells = json.loads(trip("x").export("ipynb"))["cells"]
    [made] = [cell for cell in cells if cell["cell_type"] == "code"]
    assert "".join(made["source"]) == "print(1)\n# x"
    assert (made["outputs"][0]["name"], "".join(made["outputs"][0]["text"])) == ("stderr", "result x")
    raw = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "raw"]
    assert raw == ['#18 add({"a": 1})\n2', "#19 look() [not run again]\nnever ran"]
    assert len({cell["id"] for cell in cells}) == len(cells)
    assert [cell["attachments"] for cell in cells if "attachments" in cell] == [{"picture-0": {"image/png": png()}}]


def test_a_notebook_shows_only_pictures_that_hold_pixels():
    story = Story()
    for kind, data in (("image/svg+xml", "PHN2Zy8+"), ("image/png", '"><script>'), ("text/html", png())):
        story.say("1/m0", "user", "look", images=[{"media_type": kind, "base64": data}])
    assert "attachments" not in story.export("ipynb")


def test_a_notebook_is_valid():
    nbformat = pytest.importorskip("nbformat", reason="nbformat is not installed")
    for text in (*HOSTILE, "plain"):
        nbformat.validate(nbformat.reads(trip(text).export("ipynb"), as_version=4))


@pytest.mark.parametrize("format_", FORMATS)
def test_the_same_session_gives_the_same_bytes(format_):
    """An export can be committed: it changes only when the session does."""
    assert trip().export(format_) == trip().export(format_)


@pytest.mark.parametrize("format_", FORMATS)
def test_a_session_that_was_not_closed_is_exported_and_told_so(format_):
    told = trip(closed=False).export(format_)
    marks = {
        "md": "not closed",
        "ipynb": "Not closed",
        "html": '"status":"open"',
        "otlp": "unfinished",
        "jsonl": '"seq":38',
    }
    assert marks[format_] in told
    closed = trip().export(format_)
    assert marks[format_] not in closed or format_ == "jsonl"
