"""The page: one file that fetches nothing, in which no text of a run becomes markup or code."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser

import pytest
from browser import CHROMIUM, Browser
from export_runs import HOSTILE, Story, png, trip

from lllm.export import html

in_chromium = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine")


class Page(HTMLParser):
    """The elements of a page, and what stands in its scripts and styles."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.texts, self.policy = [], [], ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if dict(attrs).get("http-equiv") == "Content-Security-Policy":
            self.policy = dict(attrs)["content"]
        if tag in {"script", "style"}:
            self.texts.append("")

    def handle_data(self, data):
        if self.cdata_elem:
            self.texts[-1] += data


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_of_a_run_adds_an_element(text):
    assert [tag for tag, _ in Page(trip(text).export("html")).tags] == [
        tag for tag, _ in Page(trip().export("html")).tags
    ]


def test_every_event_is_in_the_page_as_it_is():
    for text in HOSTILE:
        story = trip(text)
        blocks = re.findall(
            r'<script type="application/json" data-name="events">\n(.*?)\n</script>', story.export("html"), re.DOTALL
        )
        shown = [json.loads(line) for block in blocks for line in block.split("\n")]
        assert shown == [json.loads(line) for line in story.export("jsonl").splitlines()]


def test_the_policy_lets_only_the_pages_own_script_run_and_nothing_be_fetched():
    page = Page(trip().export("html"))
    rules = dict(rule.strip().split(" ", 1) for rule in page.policy.split(";"))
    style, *_, script = page.texts
    assert rules == {
        "default-src": "'none'",
        "script-src": f"'sha256-{b64encode(sha256(script.encode()).digest()).decode()}'",
        "style-src": f"'sha256-{b64encode(sha256(style.encode()).digest()).decode()}'",
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    assert not [attrs for _, attrs in page.tags if {"src", "href", "style", "onclick", "onload"} & set(attrs)]


def test_the_script_makes_no_markup_out_of_text():
    """A policy is the second wall; the first is that nothing here parses markup or runs text."""
    script = html._load("page.js")
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|srcdoc|\beval\b|Function\(", script
    )
    assert not re.search(r"https?:|//[a-z]+\.|fetch\(|XMLHttpRequest|import\(|localStorage|</script|<!--", script)
    assert "</style" not in html._load("page.css")
    assert "url(" not in html._load("page.css")


def test_events_stand_in_blocks_that_a_browser_can_hold(monkeypatch):
    monkeypatch.setattr(html, "_BLOCK_CHARS", 500)
    story = trip()
    told = story.export("html")
    assert told.count('data-name="events"') > 5
    shown = re.findall(r'^\{"seq":(\d+),', told, re.MULTILINE)
    assert [int(seq) for seq in shown] == list(range(1, 40))


def test_the_index_pairs_what_is_shown_together():
    told = json.loads(re.search(r'data-name="index">\n(.*)\n</script>', trip().export("html"))[1])
    owner = {row + 1: at + 1 for row, at in enumerate(told["columns"]["owner"]) if at >= 0}
    functions = {11: 10, 12: 10, 13: 10, 18: 10, 19: 10}
    requests = {6: 7, 9: 10, 15: 16, 20: 21, 23: 24, 31: 32}
    assert owner == functions | requests | {27: 28}
    flags = {row + 1: flag for row, flag in enumerate(told["columns"]["flags"]) if flag}
    assert flags == {7: 2, 10: 2, 13: 2, 21: 3, 22: 1}
    assert (told["status"], told["tokens"], told["cost_usd"], told["counts"]["function.call"]) == (
        "ok",
        [50, 20, 10],
        1.25,
        2,
    )


# --- in a browser -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with Browser(tmp_path_factory.mktemp("profile")) as made:
        yield made


@pytest.fixture
def show(browser, tmp_path):
    """Export a story and open it; returns the browser."""

    def opened(story, place=""):
        path = tmp_path / "page.html"
        path.write_text(story.export("html"), "utf-8")
        browser.asked.clear()
        browser.problems.clear()
        browser.open(path, place)
        return browser

    return opened


def search(browser, text):
    browser.run(
        f"(() => {{ document.getElementById('found').textContent = ''; const q = document.getElementById('query'); q.value = {json.dumps(text)}; q.dispatchEvent(new Event('input')); }})()"
    )
    browser.wait("document.getElementById('found').textContent !== ''")
    return browser.text("#found")


@in_chromium
def test_a_hostile_run_is_shown_as_text_and_reaches_nothing(show):
    """The one test that counts: a real browser, every hostile text everywhere, all of it on the screen at once."""
    for text in HOSTILE:
        browser = show(trip(text))
        browser.run("document.querySelectorAll('details').forEach((fold) => { fold.open = true; })")
        assert browser.run("typeof window.owned") == "undefined"
        assert (
            browser.run(
                "[...document.querySelectorAll('#app script, #app svg, #app b.owned, #app iframe, #app h1')].length"
            )
            == 1
        )
        assert [url for url in browser.asked if not url.startswith(("file:", "data:image/png"))] == []
        assert browser.problems == []
        assert "an event that cannot be shown" not in browser.text("#entries")
    assert "</details></summary>" in browser.text("#entries")


@in_chromium
def test_the_page_tells_what_happened(show):
    browser = show(trip("Hello."))
    head = browser.text("#head")
    for part in ("task Hello.", "ok", "result Hello.", "10.8 s", "50 + 20", "$1.2500", "39"):
        assert part in head
    assert browser.text("#entries .fn .who").split("\n") == ["add", "run", "look"]
    assert "result Hello." in browser.text("#entries .fn .part")
    assert browser.run("document.querySelectorAll('#spans .span').length") == 15
    assert browser.run("document.querySelectorAll('#entries details').length") >= 2
    assert "could not be used" in browser.text("#entries .pruned")
    assert (
        browser.run(
            "document.querySelector('img.picture').complete && document.querySelector('img.picture').naturalWidth"
        )
        == 4
    )
    assert browser.text("#side .name").split("\n") == [
        "All",
        "1 · planner",
        "1-s1-f0.1 · inner",
        "sub.1 · deep",
        "↳ 2 · planner",
    ]


@in_chromium
def test_an_event_opens_with_the_command_that_forks_there(show):
    browser = show(trip(), "#e13")
    assert "Event #13" in browser.text("#drawer")
    assert "lllm fork s@13" in browser.text("#drawer .command")
    assert '"error": "ValueError: Hello."' in browser.text("#drawer .json")
    assert browser.text(".at .seq").split("\n")[0] == "#10", "the reply that the function belongs to"


@in_chromium
def test_a_search_finds_text_in_functions_and_in_any_script(show):
    browser = show(trip("Grüße </b> 東京"))
    assert search(browser, "never RAN") == "1 shown"
    assert search(browser, "grüße </b> 東") == "13 shown"
    assert "Grüße </b> 東" in browser.text("mark")
    assert "user Grüße </b> 東京" in browser.text("#entries"), "a mark leaves nothing out"
    assert search(browser, "</B>") == "13 shown"
    assert search(browser, "nowhere to be found") == "0 shown"


@in_chromium
def test_kinds_and_dialogs_can_be_picked(show):
    browser = show(trip())
    browser.run("[...document.querySelectorAll('#kinds button')].find((b) => b.textContent === 'Problems').click()")
    assert browser.text("#found") == "3 shown"
    browser.run("[...document.querySelectorAll('#side button')].find((b) => b.textContent.includes('inner')).click()")
    assert browser.text("#found") == "0 shown"


@in_chromium
def test_pictures_that_are_more_than_pixels_are_not_shown(show):
    story = Story()
    images = [("image/svg+xml", "PHN2Zy8+"), ("image/png", "javascript:1"), ("text/html", png()), ("image/png", png())]
    story.say("1/m0", "user", "look", images=[{"media_type": kind, "base64": data} for kind, data in images])
    browser = show(story)
    assert browser.run("document.querySelectorAll('img').length") == 1
    assert browser.text("#entries").count("a picture that is not shown") == 3


@in_chromium
def test_a_text_of_ten_megabytes_does_not_stop_the_page(show):
    story = Story()
    story.say("1/m0", "user", "word " * 2_000_000)
    browser = show(story)
    assert browser.run("document.querySelector('#entries pre').textContent.length") == 6000
    assert "Show more" in browser.text("#entries button.more")


def crowd(dialogs):
    story = Story()
    story.add("session.open", task="t")
    for number in range(dialogs):
        story.add("dialog.open", f"map-0-{number}.1", agent="reader")
        story.say(f"map-0-{number}.1/m0", "user", f"message of {number}")
        story.add("model.request", f"map-0-{number}.1/s0", contract="c", n=1)
        story.reply(f"map-0-{number}.1/s0", "short", (), 0.25)
        story.add("call.close", f"map-0-{number}.1/s0", outcome="done")
    return story


@in_chromium
@pytest.mark.parametrize("dialogs", [400, pytest.param(20_000, marks=pytest.mark.heavy)])
def test_only_what_is_near_the_window_is_in_the_document(show, dialogs):
    """A page of 100,000 events stays usable; any of them can be gone to."""
    browser = show(crowd(dialogs), f"#e{dialogs * 2 + 2}")
    browser.wait("document.querySelector('.at')")
    assert browser.run("document.querySelectorAll('*').length") < 9000
    box = "document.querySelector('.at').getBoundingClientRect()"
    browser.wait(f"{box}.top > 0 && {box}.bottom < innerHeight")
    assert search(browser, f"message of {dialogs - 1}") == "1 shown"
