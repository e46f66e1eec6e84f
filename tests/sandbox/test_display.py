"""What a cell showed, for eyes: nothing in it is obeyed by a terminal or a page, and nothing hides."""

from __future__ import annotations

import html.parser
import struct
from base64 import b64encode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from notebook_rules import any_json, any_text

from lllm.sandbox.cell import CellResult
from lllm.sandbox.shown.display import NOTHING, STATE_LOST, cut_middle, to_parts, to_safe, to_text
from lllm.sandbox.shown.outputs import build_outputs
from lllm.sandbox.shown.pages import render_html, render_markdown
from lllm.sandbox.shown.pictures import parse_picture, to_size


def png(width=640, height=480):
    return b64encode(b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + struct.pack(">II", width, height) + b"\x08\x02").decode()


def jpeg(width=640, height=480, before=b"\xff\xe0\x00\x04ab"):
    frame = b"\xff\xc0\x00\x11\x08" + struct.pack(">HH", height, width) + b"\x03"
    return b64encode(b"\xff\xd8" + before + frame).decode()


def shown(**data):
    data = {key.replace("__", "/"): value for key, value in data.items()}
    return {"output_type": "display_data", "data": data, "metadata": {}}


def printed(text, name="stdout"):
    return {"output_type": "stream", "name": name, "text": text}


def read(*outputs, **facts):
    return to_text(CellResult("ok", outputs, **facts))


# --- text --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("safe\r\x1b[Kevil \u202e txt.exe", "safe␍␛[Kevil \\u202e txt.exe"),
        ("\x1b]0;title\x07\x1b]8;;http://evil\x1b\\x", "␛]0;title␇␛]8;;http://evil␛\\x"),
        ("\x9b2J\x85", "\\u009b2J\\u0085"),
        ("a\r\nb\tc", "a\nb\tc"),
        ("ab\x08\x7f", "ab␈␡"),
        ("\u2066x\u2069\u061c", "\\u2066x\\u2069\\u061c"),
        ("pay\u200bpal\ufeff\u00ad", "pay\\u200bpal\\ufeff\\u00ad"),
        ("\U000e0041\U000e0100\u3164", "\\U000e0041\\U000e0100\\u3164"),
        ("\ud800", "\\ud800"),
        ("naïve 日本 ✓️ \u0301", "naïve 日本 ✓️ \u0301"),
    ],
)
def test_signs_that_are_obeyed_or_unseen_are_shown(text, safe):
    assert to_safe(text) == safe


def test_a_progress_bar_is_told_in_short():
    """A hundred states of one line are of no use to a model, but that they were there is said."""
    assert to_safe("".join(f"\r{n}%" for n in range(101)) + "\nend") == "0%␍... written over 99 times ...␍100%\nend"
    assert to_safe("a\rb\rc") == "a␍b␍c"


@settings(max_examples=100)
@given(any_text)
def test_safe_text_stays_as_it_is(text):
    """So that it does no harm to make sure twice."""
    safe = to_safe(text)
    assert to_safe(safe) == safe
    assert not [c for c in safe if (ord(c) < 32 and c not in "\n\t") or 0x7F <= ord(c) < 0xA0]


@given(st.text(max_size=200), st.integers(0, 150))
def test_a_text_is_cut_in_its_middle_to_the_limit(text, limit):
    cut = cut_middle(text, limit)
    assert len(cut) <= limit
    assert cut == text or len(text) > limit


def test_a_cut_says_how_much_is_missing():
    cut = cut_middle("a" * 500 + "b" * 500, 100)
    assert cut.startswith("aaa")
    assert cut.endswith("bbb")
    assert "900 characters or more left out" in cut


# --- what a model reads ------------------------------------------------------------------------------------------------


def test_what_a_cell_printed_and_returned_is_read():
    result = {"output_type": "execute_result", "data": {"text/plain": "42"}, "metadata": {}, "execution_count": 1}
    assert read(printed("a\n"), printed("b\n", "stderr"), result) == "a\nb\n42"
    assert read() == NOTHING


def test_an_error_is_read_once_without_colours():
    """It stands in the outputs and in the result."""
    lines = ("\x1b[31mTraceback\x1b[0m", "ValueError: no")
    output = {"output_type": "error", "ename": "ValueError", "evalue": "no", "traceback": list(lines)}
    result = CellResult("error", (printed("before\n"), output), 1, "ValueError", "no", lines)
    assert to_text(result) == "before\nTraceback\nValueError: no"
    assert to_text(CellResult("error", (), 1, "ValueError", "no")) == "ValueError: no"
    assert read(output) == "Traceback\nValueError: no"


def test_a_long_traceback_is_cut_in_its_middle():
    """Its last line says what, its first where in the cell."""
    lines = ("first", *["x" * 100] * 200, "ValueError: last")
    text = to_text(CellResult("error", (printed("p" * 9000),), 1, "ValueError", "last", lines), 3000)
    assert len(text) <= 3000
    assert text.startswith("ppp")
    assert "\nfirst\n" in text
    assert text.endswith("ValueError: last")
    assert text.count("left out") == 2


@pytest.mark.parametrize(
    ("status", "ename"), [("timeout", "CellTimeout"), ("died", "KernelDied"), ("output_limit", "OutputLimit")]
)
def test_why_a_cell_was_ended_is_told(status, ename):
    text = to_text(CellResult(status, (printed("x" * 9000),), 1, ename, "what happened"), 500)
    assert text.endswith(f"\n{ename}: what happened")
    assert len(text) <= 500
    stuck = CellResult(status, (), 1, ename, "what happened", ("line 3", "KeyboardInterrupt"))
    assert to_text(stuck) == f"line 3\nKeyboardInterrupt\n{ename}: what happened"


def test_lost_state_and_what_ran_on_are_told_first():
    text = read(printed("x" * 9000), state_lost=True, background="tick\n\x1b[2J")
    assert text.startswith(f"{STATE_LOST}\n[What earlier cells, still at work, wrote meanwhile:]\ntick\n␛[2J\nxxx")


def test_pictures_are_told():
    """A model that reads text reads that there is one."""
    assert read(shown(image__png=png(), text__plain="<Figure>")) == "<Figure>\n[image/png, 640x480, 26 bytes]"
    assert read(shown(image__jpeg=jpeg(3, 2))) == "[image/jpeg, 3x2, 18 bytes]"
    assert read(shown(image__png=jpeg())) == "[image/png: no such picture, or one that is too large]"
    assert [to_size(n) for n in (999, 12_400, 3_210_000)] == ["999 bytes", "12 kB", "3.2 MB"]


def test_what_has_no_text_is_read_as_its_source_or_named():
    assert read(shown(text__html="<b>x</b>")) == "[text/html]\n<b>x</b>"
    assert read(shown(text__html="<b>x</b>", text__plain="x")) == "x"
    assert read(shown(application__json={"a": [1, None]})) == '[application/json]\n{"a": [1, null]}'
    assert read(shown(application__pdf="AAAA")) == "[application/pdf, 4 bytes]"
    assert read(shown()) == NOTHING


@pytest.mark.parametrize("plain", ["<IPython.core.display.Markdown object>", "<m.f.<locals>.T object at 0x7f01aB>\n"])
@pytest.mark.parametrize(
    ("data", "told"),
    [
        ({"text__markdown": "# hi"}, "# hi"),
        ({"text__latex": "$x$"}, "$x$"),
        ({"text__html": "<b>x</b>"}, "[text/html]\n<b>x</b>"),
        ({"text__html": "<b>x</b>", "text__markdown": "**x**"}, "**x**"),
        ({"application__javascript": "alert(1)"}, "[application/javascript]\nalert(1)"),
        ({"application__pdf": "AAAA"}, "[application/pdf, 4 bytes]"),
        ({"image__png": png()}, "[image/png, 640x480, 26 bytes]"),
    ],
)
def test_what_an_object_shows_is_read_in_place_of_its_type(plain, data, told):
    """A model that displays Markdown reads its text, and not that there was some."""
    assert read(shown(text__plain=plain, **data)) == told


def test_a_plain_text_that_tells_something_stays():
    """Of a table, it is read better than HTML; of an object that shows nothing else, its type is all there is."""
    alone = "<m.T object at 0x7f01>"
    assert read(shown(text__plain=alone)) == alone
    assert read(shown(text__plain="   a\n0  1", text__html="<table>")) == "   a\n0  1"
    assert read(shown(text__plain="x**2", text__latex="$x^2$")) == "x**2"
    assert read(shown(text__plain=f"{alone} and more", text__html="<b>")) == f"{alone} and more"
    assert read(shown(text__plain="Table(3)", text__markdown="|a|")) == "|a|"


def test_what_was_left_out_is_told():
    outputs = build_outputs([{"msg_type": "display_data", "content": {"data": {"image/png": "!", "a/\x1b[2J": ""}}}])
    assert read(*outputs) == "[image/png left out: not base64]\n[a/␛[2J left out: no MIME type]"


@settings(max_examples=60)
@given(
    st.lists(st.dictionaries(st.sampled_from(["output_type", "text", "data", "metadata", "traceback"]), any_json)),
    st.sampled_from(["stream", "error", "display_data"]),
    st.integers(0, 400),
)
def test_any_outputs_are_read_within_the_limit(outputs, kind, limit):
    """They may come out of a log or a notebook that somebody else wrote."""
    outputs = tuple({"output_type": kind, **output} for output in outputs)
    assert len(to_text(CellResult("error", outputs, 1, "E", "x" * 300, state_lost=True), limit)) <= limit
    Page.check(render_html(outputs))
    render_markdown(outputs)


# --- pictures ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mime", "text"),
    [
        ("image/png", "!!!notbase64"),
        ("image/png", b64encode(b"<svg onload=alert(1)>").decode()),
        ("image/png", b64encode(b"\x89PNG\r\n\x1a\n").decode()),
        ("image/png", png(0, 5)),
        ("image/png", png().replace("SUhEU", "SUhEV")),
        ("image/gif", jpeg()),
        ("image/png", png(60_000, 60_000)),
        ("image/png", {"a": 1}),
        ("image/svg+xml", png()),
        ("image/jpeg", png()),
        ("image/jpeg", b64encode(b"\xff\xd8\xff").decode()),
        ("image/jpeg", b64encode(b"\xff\xd8\xff\xe0\x00\x00" * 99).decode()),
    ],
)
def test_what_is_no_picture_is_not_shown_as_one(mime, text):
    """A browser that is given other bytes may find a script in them, or run out of memory."""
    assert parse_picture(mime, text) is None


def test_pictures_of_every_layout_are_measured():
    lines = [f"{png()[:10]}\n", png()[10:]]
    assert (parse_picture("image/png", lines).width, parse_picture("image/png", lines).base64) == (640, png())
    before = b"\xff\xff\xff\x01\xff\xe1\x00\x06\xff\xc0ab"
    assert parse_picture("image/jpeg", jpeg(5, 7, before)).height == 7


# --- pages -------------------------------------------------------------------------------------------------------------


class Page(html.parser.HTMLParser):
    """Checks that a page holds nothing but preformatted text and pictures from data."""

    def handle_starttag(self, tag, attrs):
        names = {name for name, _ in attrs}
        assert (tag, names) in (("pre", {"class"}), ("img", {"class", "width", "height", "alt", "src"}))
        assert all(value.startswith("data:image/") for name, value in attrs if name == "src")

    @classmethod
    def check(cls, text):
        page = cls()
        page.feed(text)
        page.close()


HOSTILE = "</pre><script>alert(1)</script><img src=x onerror=alert(1)>\n```\n# title\n![x](http://evil)"


def test_no_output_becomes_markup_of_a_page():
    outputs = [
        printed(HOSTILE),
        shown(text__html=HOSTILE),
        shown(image__svg_xml=HOSTILE) | {"data": {"image/svg+xml": HOSTILE}},
        shown(text__markdown=HOSTILE, image__png=png()),
        {"output_type": "error", "ename": HOSTILE, "evalue": HOSTILE, "traceback": [HOSTILE]},
    ]
    page = render_html(outputs)
    Page.check(page)
    assert page.count("<img ") == 1
    assert page.count("&lt;script&gt;") == 4
    assert '<pre class="out-source">[image/svg+xml]\n&lt;/pre&gt;' in page


def test_no_output_becomes_markup_of_a_transcript():
    from markdown_it import MarkdownIt

    outputs = [printed(HOSTILE), printed("````\n"), shown(text__html=HOSTILE), shown(image__png=png())]
    kinds = {token.type for token in MarkdownIt("commonmark").parse(render_markdown(outputs))}
    assert kinds == {"fence"}
    assert "[image/png, 640x480, 26 bytes]" in render_markdown(outputs)


def test_texts_of_a_page_are_cut():
    assert [len(part.text) for part in to_parts([printed("x" * 999), shown(text__plain="x" * 999)], 100)] == [100, 100]
