"""Cells and service calls in the page: code, outputs and pictures with the function that ran them, all of it text."""

from __future__ import annotations

import json
import re

import pytest
from browser import CHROMIUM, Browser
from cell_runs import MARKUP, PICTURE, cell_run, hostile_run, result_of, shown, stream
from export_runs import HOSTILE, Story, trip

from lllm.export import html

in_chromium = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine")


def block_of(story, name):
    """Return the lines of a page's data block."""
    blocks = re.findall(rf'data-name="{name}">\n(.*?)\n</script>', story.export("html"), re.DOTALL)
    return [json.loads(line) for block in blocks for line in block.split("\n")]


def test_a_cell_is_shown_with_the_reply_that_asked_for_it():
    """And what the user's code ran by itself, with its cell."""
    [index] = block_of(cell_run(result_of([stream("hi")])), "index")
    owner = {row + 1: at + 1 for row, at in enumerate(index["columns"]["owner"]) if at >= 0}
    assert owner == dict.fromkeys((4, 6, 7, 8, 9, 10, 11), 5) | {12: 13} | dict.fromkeys((15, 16, 17), 18)
    assert index["cells"] == [
        [8, "1-s0-f0.v~0.v/0", "1-s0-f0.v/0"],
        [9, "1-s0-f0.v/0", "1/s0/f0"],
        [16, "v~0.v/0", "v/0"],
        [17, "v/0", ""],
    ]


def test_a_cell_that_failed_is_a_problem_and_one_that_did_not_is_none():
    for status, flags in (("ok", 0), ("timeout", 2), ("error", 2)):
        [index] = block_of(cell_run(result_of([], status)), "index")
        assert (index["columns"]["flags"][4], index["columns"]["flags"][9]) == (flags, flags)


def test_only_pictures_and_safe_texts_are_told_beside_the_events():
    cells = block_of(
        cell_run(result_of([stream("\x1b[1mbold\u200b"), PICTURE, MARKUP, shown({"image/png": "x"})])), "cells"
    )
    parts = cells[1]["parts"]
    assert [(part["kind"], "base64" in part) for part in parts] == [
        ("text", False),
        ("text", False),
        ("picture", True),
        ("source", False),
        ("note", False),
    ]
    assert parts[0]["text"] == "bold\\u200b"


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_of_a_cell_adds_an_element(text):
    tags = [re.findall(r"<[a-z/!][^>]*>", hostile_run(told).export("html")) for told in (text, "plain")]
    assert tags[0] == tags[1]


def test_the_pages_other_script_makes_no_markup_out_of_text_either():
    for name in html.SCRIPTS:
        script = html._load(name)
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|srcdoc|\beval\b|Function\(", script
        )
        assert not re.search(r"https?:|//[a-z]+\.|fetch\(|XMLHttpRequest|import\(|localStorage|</script|<!--", script)


def test_a_run_without_cells_has_no_block_for_them():
    assert 'data-name="cells"' not in trip().export("html")


# --- in a browser -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with Browser(tmp_path_factory.mktemp("profile")) as made:
        yield made


@pytest.fixture
def show(browser, tmp_path):
    """Export a story and open it; returns the browser."""

    def opened(story):
        path = tmp_path / "page.html"
        path.write_text(story.export("html"), "utf-8")
        browser.asked.clear()
        browser.problems.clear()
        browser.open(path)
        return browser

    return opened


@in_chromium
def test_code_outputs_and_a_picture_are_seen(show):
    browser = show(cell_run(result_of([stream("hi\n"), PICTURE, MARKUP], count=7)))
    keys = browser.text("#entries .fn .key").split("\n")
    assert keys == ["In [7]", "Out [7]", "In [1]", "Out [1]"]
    card = browser.text("#entries .r-assistant .fn")
    assert "import shop\nshop.open()" in card
    assert "hi\n" in card
    assert "<b>bold</b>" in card
    assert card.count("shop.open()") == 1
    images = "[...document.querySelectorAll('#entries .r-assistant img.picture')]"
    assert browser.run(f"{images}.map((image) => [image.complete, image.naturalWidth])") == [[True, 4]]


@in_chromium
def test_a_service_call_is_one_line_that_opens(show):
    browser = show(cell_run(result_of([])))
    fold = "document.querySelector('#entries .r-assistant .service details')"
    assert browser.text(".r-assistant .service summary").startswith('shop/sales/rows(n=3, q="plain") -> {"rows"')
    assert browser.run(f"{fold}.children.length") == 1
    browser.run(f"{fold}.open = true")
    browser.wait(f"{fold}.children.length === 2")
    told = browser.text(".r-assistant .service details")
    assert '"n": 3' in told
    assert '"told": "plain"' in told
    assert "without data from 2025 on" in told
    assert "refused plain" in browser.text(".r-step .service.bad summary")


@in_chromium
def test_a_hostile_cell_is_shown_as_text_and_reaches_nothing(show):
    for text in HOSTILE:
        browser = show(hostile_run(text))
        browser.run("document.querySelectorAll('details').forEach((fold) => { fold.open = true; })")
        browser.wait("[...document.querySelectorAll('details')].every((fold) => fold.children.length > 1)")
        assert browser.run("typeof window.owned") == "undefined"
        found = "document.querySelectorAll('#app script, #app svg, #app b.owned, #app iframe, #app h1').length"
        assert browser.run(found) == 1
        assert browser.run("document.querySelectorAll('#entries .r-assistant img').length") == 1, "the one picture"
        assert [url for url in browser.asked if not url.startswith(("file:", "data:image/png"))] == []
        assert browser.problems == []
        assert "an event that cannot be shown" not in browser.text("#entries")


@in_chromium
@pytest.mark.parametrize("junk", [None, 7, "text", ["list"], {"deep": {"er": 1}}])
def test_a_forged_cell_does_not_stop_the_page(show, junk):
    story = cell_run(result_of([junk, shown({"image/png": junk, "text/plain": junk})], junk, junk), text="x")
    story.add("step", "v/9", name="proxy", about={"endpoint": "e", "params": junk})
    story.add("value", "v/9", name="proxy", value=junk)
    browser = show(story)
    browser.run("document.querySelectorAll('details').forEach((fold) => { fold.open = true; })")
    browser.wait("[...document.querySelectorAll('details')].every((fold) => fold.children.length > 1)")
    assert "an event that cannot be shown" not in browser.text("#entries")
    assert browser.problems == []


@in_chromium
def test_long_arguments_of_any_function_are_texts_too(show):
    story = Story()
    story.reply("1/s0", "", [("note", json.dumps({"text": "long " * 20, "n": 1})), ("add", '{"a": "b"}')])
    browser = show(story)
    assert browser.text(".fn .key").split("\n") == ["text", "n"]
    assert '{"a": "b"}' in browser.text(".fn")
