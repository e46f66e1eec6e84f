"""The film of a run in which a model drove a browser: a strip of frames in the page, and nothing in it is believed."""

from __future__ import annotations

import json
import re

import pytest
from browser import CHROMIUM, Browser
from export_runs import HOSTILE, Story, png, trip
from film_runs import CART, FRAMES, Film, acting, asking, seen, shopping

in_chromium = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine")


def block_of(story, name):
    """Return the lines of a page's data block."""
    blocks = re.findall(rf'data-name="{name}">\n(.*?)\n</script>', story.export("html"), re.DOTALL)
    return [json.loads(line) for block in blocks for line in block.split("\n")]


def index_of(story):
    [index] = block_of(story, "index")
    return index


def frames_of(story):
    """Return what the film's frames are of."""
    items = block_of(story, "cells")
    told = [items[at] for at in index_of(story)["film"]]
    return [item["action"] if item["kind"] == "action" else f"{item['asked']} {item['what']}" for item in told]


# --- what the page is told ----------------------------------------------------------------------------------------


def test_frames_stand_in_the_order_in_which_their_steps_began():
    assert frames_of(shopping()) == [caption for caption, _ in FRAMES]


def test_actions_side_by_side_are_frames_as_they_began():
    story = Film().act("click (1, 1)", seen())
    for id_ in ("v/0", "v/1"):
        story.add("step", id_, name="browser", about={"action": id_})
    for id_ in ("v/1", "v/0"):
        story.add("value", id_, name="browser", value=seen())
    assert frames_of(story) == ["click (1, 1)", "v/0", "v/1"]


def test_what_was_granted_is_no_frame_of_its_own():
    story = Film().act("click (1, 1)", seen()).ask("computer", {}, asking("safety", "x", granted=True))
    assert frames_of(story) == ["click (1, 1)"]


def test_texts_beside_the_events_are_safe_to_read():
    text = "\x1b[31mred\x1b[0m \u200bhidden"
    items = block_of(shopping(text), "cells")
    assert "hidden" in json.dumps(items)
    assert not {"\x1b", "\u200b"} & set(json.dumps(items, ensure_ascii=False).encode().decode("unicode_escape"))


def test_a_run_without_a_picture_has_no_film():
    for value in (seen(picture=""), seen(picture="bm8gcGljdHVyZQ=="), {"url": "u", "png": None}, 7, None):
        assert index_of(Film().act("click (1, 1)", value).end())["film"] == []
    assert index_of(trip())["film"] == []


def test_a_picture_stands_in_the_page_once():
    """It is large, and at least two events have it: what was seen, and what the model got."""
    small, large = png(9, 9), png(40, 40) + "A" * 400
    story = Film().act("click (1, 1)", seen(picture=large)).act("wait", seen(picture=large))
    story = story.act("click (2, 2)", seen(picture=small)).end()
    told, events = story.export("html"), story.export("jsonl")
    assert (told.count(large), events.count(large)) == (1, 4)
    assert told.count(small) == events.count(small) == 2
    assert [item["picture"] for item in block_of(story, "cells")] == [[40, 40], [40, 40], [9, 9]]


def test_a_page_without_large_pictures_has_its_events_as_they_are():
    """Whoever reads the file finds them; and a text that looks like the place of a picture is none."""
    text = "\u00a70\u00a7"
    story = Film(text).act("click (1, 1)", seen(picture=png(9, 9))).end()
    assert 'data-name="texts"' not in story.export("html")
    assert block_of(story, "events")[0]["data"]["task"] == text


@in_chromium
def test_a_text_that_looks_like_the_place_of_a_picture_is_a_text(show):
    large = png(40, 40) + "A" * 400
    browser = show(Film("Buy \u00a70\u00a7.").act("click (1, 1)", seen(picture=large)).end())
    assert "Buy \u00a70\u00a7." in browser.text("#app")
    assert browser.run("document.querySelector('#stage img').src.length") > len(large)


def test_steps_of_a_browser_stand_with_the_reply_that_asked_for_them():
    index = index_of(Film().act("click (1, 1)", seen(), asks=[asking("leave", "x", granted=True)]).end())
    assert [index["kinds"][kind] for kind in index["columns"]["kind"]][4:10] == [
        *("model.reply", "function.call", "step", "step", "value", "value")
    ]
    assert index["columns"]["owner"][3:11] == [4, -1, 4, 4, 4, 4, 4, 4]
    assert index["cells"] == [[8, "1-s0-f0.v~0.v/0", "1-s0-f0.v/0"], [9, "1-s0-f0.v/0", "1/s0/f0"]]
    assert index["columns"]["flags"][4] == 0


@pytest.mark.parametrize(
    "facts",
    [
        {"value": seen(), "asks": [asking("leave", "x", granted=False)]},
        {"value": seen(), "asks": [asking("leave", "x", granted="yes")]},
        {"error": "BrowserError: it died"},
    ],
)
def test_a_refusal_and_a_failure_are_problems(facts):
    index = index_of(Film().act("click (1, 1)", **facts).end())
    assert index["columns"]["flags"][4] == 2


def test_a_refusal_in_what_the_code_itself_did_is_a_problem_of_the_action():
    story = Story()
    acting("click (1, 1)", seen(), asks=[asking("leave", "x", granted=False)])(story, "v/0")
    index = index_of(story)
    assert index["columns"]["owner"] == [3, 3, 3, -1]
    assert index["columns"]["flags"][3] == 2


def test_a_refusal_in_an_action_that_never_ended_is_a_frame_of_its_own():
    """The process died; what was asked is known all the same, and stands with the function."""
    story = Film().act("click (1, 1)", seen())
    story.act("click (2, 2)", asks=[asking("leave", "far away", granted=False)])
    assert frames_of(story) == ["click (1, 1)", "leave far away"]
    assert index_of(story)["cells"][-1][2] == "1/s1/f0"


def test_a_users_own_step_of_such_a_name_is_a_value_like_any():
    story = Film().act("click (1, 1)", seen())
    for name, about in (("browser", {"action": 3}), ("browser", None), ("approval", {"kind": "leave"})):
        told = {"about": about} if about else {}
        story.add("step", f"v/{name}{len(told)}", name=name, **told)
        story.add("value", f"v/{name}{len(told)}", name=name, value=seen())
    assert len(index_of(story)["cells"]) == 1


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_of_a_browser_adds_an_element(text):
    tags = [re.findall(r"<[a-z/!][^>]*>", shopping(told).export("html")) for told in (text, "plain")]
    assert tags[0] == tags[1]


def test_pictures_of_messages_are_judged_by_their_bytes():
    gif, webp = "R0lGODlhAQABAAAAACw=", "UklGRiQAAABXRUJQVlA4"
    told = [
        *((kind, png()) for kind in ("image/png", "image/jpeg", "image/gif", "image/webp", "image/svg+xml")),
        *(("image/gif", gif), ("image/webp", webp), ("image/png", "javascript:1"), ("image/gif", "R0lG\nODlh" * 30)),
    ]
    story = Story()
    story.say("1/m0", "user", "look", images=[*({"media_type": m, "base64": b} for m, b in told), 7, None])
    assert index_of(story)["pictures"] == {"0": [1, 0, 0, 0, 0, 1, 1, 0, 1, 0, 0]}
    story = Film().ask("look", {}, images={"not": "a list"})
    assert index_of(story)["pictures"] == {}


HOSTILE_PATHS = [
    *(7, "12", {"0": [1, 2]}, None, [], [7], ["12"], [None]),
    *([[]], [[1]], [[1, 2, 3]], [{"x": 1, "y": 2}], [[[1], [2]]]),
    *([["1", "2"]], [[1, None]], [[True, 1]], [["1' onload='owned=1", 2]], [["<svg onload=owned=1>", 1]]),
    *([[-1, 2]], [[1, -0.5]], [[160, 2]], [[1, 100]], [[1e300, 2]], [[10**400, 2]]),
    *([[1, 2], [1, 200]], [[1, 2]] * 201, [[1, 2]] * 200 + [7], [*[[1, 2]] * 3, ["x", "y"]]),
]
"""What is no path, or has a place that is none of a picture of 160 by 100 pixels."""


def paths_of(story):
    return [item["path"] for item in block_of(story, "cells")]


@pytest.mark.parametrize("path", HOSTILE_PATHS)
def test_what_is_no_path_in_the_picture_is_none(path):
    """One place that is none spoils all of them: a line to somewhere else would tell what did not happen."""
    assert paths_of(Film().act("click", seen(picture=png(160, 100)), path=path)) == [[]]


@pytest.mark.parametrize("path", [[[0, 0]], [[159, 99.5]], [[1, 2], [3, 4]], [[1, 2]] * 200])
def test_places_in_the_picture_are_a_path(path):
    assert paths_of(Film().act("click", seen(picture=png(160, 100)), path=path)) == [path]


def test_there_is_no_path_without_a_picture():
    story = Film().act("click", seen(picture=""), path=[[1, 1]]).act("click", error="TypeError", path=[[1, 1]])
    assert paths_of(story) == [[], []]


# --- in a browser -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with Browser(tmp_path_factory.mktemp("profile")) as made:
        yield made


@pytest.fixture
def show(browser, tmp_path):
    """Export a story and open it; returns the browser."""

    def opened(story, *, is_film=True):
        path = tmp_path / "page.html"
        path.write_text(story.export("html"), "utf-8")
        browser.asked.clear()
        browser.problems.clear()
        browser.open(path)
        if is_film:
            browser.wait("document.querySelector('#strip .shot').firstChild")
        return browser

    return opened


def press(browser, key):
    for kind in ("keyDown", "keyUp"):
        text = {"text": "\r"} if key == "Enter" and kind == "keyDown" else {}
        browser.send("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=KEYS[key], **text)


KEYS = {"Enter": 13, "End": 35, "Home": 36, "ArrowLeft": 37, "ArrowRight": 39}


def frames(browser):
    """Return of each frame its number, caption and mark."""
    return browser.run(
        """[...document.querySelectorAll('#strip .frame')].map((frame) => [
        frame.querySelector('.caption').textContent, (frame.querySelector('.mark') || {}).textContent || ''])"""
    )


def is_in_view(selector):
    box = f"document.querySelector({json.dumps(selector)}).getBoundingClientRect()"
    return f"{box}.top > 0 && {box}.bottom < innerHeight"


@in_chromium
def test_the_strip_has_a_frame_for_each_action_and_each_refusal(show):
    browser = show(shopping())
    assert frames(browser) == [[f"{at} {caption}", mark] for at, (caption, mark) in enumerate(FRAMES, 1)]
    assert browser.text("#film-head .bad").split("\n") == ["1 failed", "2 refused"]
    browser.wait("document.querySelectorAll('#strip img').length === 3")
    assert browser.run(
        "[...document.querySelectorAll('#strip img')].map((image) => [image.alt, image.naturalWidth])"
    ) == [
        ["screenshot of Shop", 4],
        ["screenshot of Cart", 4],
        ["screenshot of Cart", 4],
    ]
    assert browser.run("document.querySelectorAll('#strip .frame')[2].getAttribute('aria-label')") == (
        "Frame 3 of 7: type 'tea', refused"
    )
    assert [url for url in browser.asked if not url.startswith(("file:", "data:image/png"))] == []
    assert browser.problems == []


@in_chromium
def test_a_click_goes_to_the_step_in_the_transcript(show):
    """To a question that no action led to, as well; the big picture is of the same frame."""
    browser = show(shopping())
    for at, step in ((6, "1-s6-f0.v/0"), (5, "1-s5-f0.v/0"), (0, "1-s0-f0.v/0")):
        browser.run(f"document.querySelectorAll('#strip .frame')[{at}].click()")
        browser.wait(is_in_view("#entries :focus"))
        assert browser.run("document.activeElement.dataset.step") == step
        assert browser.run("document.querySelectorAll('.entry.at').length") == 1
        assert browser.text("#film-head [aria-live]") == f"{at + 1} of 7"


@in_chromium
def test_a_click_goes_to_an_attempt_that_is_folded(show):
    story = Film().act("click (1, 1)", seen())
    story.add("call.close", "1/s0", outcome="failed", reason="model_behavior")
    browser = show(story)
    assert browser.run("document.querySelector('#entries .pruned > details').open") is False
    browser.run("document.querySelector('#strip .frame').click()")
    browser.wait("document.querySelector('#entries .pruned [data-step]').offsetHeight > 0")
    browser.wait(is_in_view(".pruned [data-step]"))


@in_chromium
def test_a_click_shows_the_event_where_the_transcript_leaves_the_step_out(show):
    browser = show(shopping())
    browser.run("[...document.querySelectorAll('#kinds button')].find((b) => b.textContent === 'Runs').click()")
    browser.run("document.querySelectorAll('#strip .frame')[1].click()")
    assert "Event #14" in browser.text("#drawer")


@in_chromium
def test_keys_go_through_the_strip_and_to_the_transcript(show):
    browser = show(shopping())
    chosen = "[...document.querySelectorAll('#strip .frame')].indexOf(document.activeElement)"
    browser.run("document.querySelector('#strip .frame').focus()")
    for key, at in (("ArrowRight", 1), ("ArrowRight", 2), ("ArrowLeft", 1), ("End", 6), ("ArrowRight", 6), ("Home", 0)):
        press(browser, key)
        assert browser.run(chosen) == at
        assert browser.run("document.querySelectorAll('#strip .frame[tabindex=\"0\"]').length") == 1
    press(browser, "ArrowRight")
    assert browser.text("#stage .did").startswith("click (10, 20)")
    press(browser, "Enter")
    browser.wait("document.activeElement.dataset.step === '1-s1-f0.v/0'")


@in_chromium
def test_the_big_picture_goes_on_and_back_beside_what_is_known_of_it(show):
    browser = show(shopping())
    back, on = (
        "document.querySelectorAll('#film-head button')[0]",
        "document.querySelectorAll('#film-head button')[1]",
    )
    assert browser.run(f"{back}.disabled") is True
    assert browser.text("#stage .seen") == "Shophttps://shop.test/"
    browser.run(f"{on}.click()")
    assert browser.text("#stage .notes li").split("\n") == ["a dialog said: Welcome", "it was closed"]
    browser.run(f"{on}.click()")
    assert browser.text("#stage .approval .pill").split("\n") == ["granted", "refused"]
    assert browser.run("document.querySelectorAll('#stage img').length") == 1
    browser.run(f"{on}.click()")
    assert "BrowserError: it died" in browser.text("#stage .bad")
    assert browser.text("#stage .none") == "no picture"
    browser.run(f"{back}.click()")
    assert browser.text("#film-head [aria-live]") == "3 of 7"
    browser.run("document.querySelector('#stage .more').click()")
    browser.wait(is_in_view("#entries :focus .picture"))


@in_chromium
def test_an_action_in_the_transcript_shows_what_was_seen_and_folds_the_structure(show):
    browser = show(shopping())
    told = browser.text("#entries .action").split("\n")
    assert len([line for line in told if line]) >= 6
    assert browser.text("#entries .action .seen b").split("\n") == ["Shop", "Cart", "Cart", "Cart", "Cart"]
    assert browser.run("document.querySelectorAll('#entries .action img').length") == 3
    assert browser.text("#entries .approval.bad b").split("\n") == ["leave", "safety"]
    assert browser.text("#entries .approval:not(.bad) b") == "password"
    assert browser.text("#entries .fn summary").split("\n").count("What the model read") == 6
    assert "heading" not in browser.text("#entries")
    browser.run("document.querySelectorAll('#entries .action details').forEach((fold) => { fold.open = true; })")
    browser.wait("document.querySelector('#entries').textContent.includes('heading \"Shop\"')")


@in_chromium
def test_what_is_no_picture_is_not_shown_as_one(show):
    story = Film().act("click (1, 1)", seen())
    forged = [
        "bm8gcGljdHVyZQ==",
        "PHN2Zy8+",
        "javascript:1",
        png()[:-6] + "!!",
        "R0lGODlhAQABAAAAACw=",
        7,
        ["x"],
        {"a": 1},
    ]
    for value in forged:
        story.act("look", seen(picture=value))
    browser = show(story.end())
    browser.run("document.querySelectorAll('details').forEach((fold) => { fold.open = true; })")
    browser.wait("[...document.querySelectorAll('details')].every((fold) => fold.children.length > 1)")
    assert len(frames(browser)) == len(forged) + 1
    assert browser.run("document.querySelectorAll('#strip img').length") == 1
    pictures = "[...new Set([...document.querySelectorAll('img')].map((image) => image.naturalWidth))]"
    assert browser.run(pictures) == [4]
    assert browser.text("#entries .notes").count("no such picture") == len(forged)
    assert browser.problems == []


@in_chromium
def test_hostile_texts_of_a_browser_are_shown_as_text_and_reach_nothing(show):
    for text in HOSTILE:
        browser = show(shopping(text))
        for at in range(len(FRAMES)):
            browser.run(f"document.querySelectorAll('#strip .frame')[{at}].click()")
            browser.run("document.querySelectorAll('details').forEach((fold) => { fold.open = true; })")
            browser.wait("[...document.querySelectorAll('details')].every((fold) => fold.children.length > 1)")
            assert browser.run("document.activeElement.dataset.step") == f"1-s{at}-f0.v/0"
        assert browser.run("typeof window.owned") == "undefined"
        found = "#app script, #app svg, #app b.owned, #app iframe, #app a, #app style, #app title, #app textarea"
        assert browser.run(f"document.querySelectorAll('{found}').length") == 0
        assert browser.run("document.querySelectorAll('#app h1').length") == 1
        assert [url for url in browser.asked if not url.startswith(("file:", "data:image/png"))] == []
        assert browser.problems == []
        assert "an event that cannot be shown" not in browser.text("#entries")
    assert "</details></summary>" in browser.text("#strip")
    assert "</details></summary>" in browser.text("#entries .action details")


@in_chromium
@pytest.mark.parametrize("junk", [None, 7, "text", ["list"], {"deep": {"er": 1}}])
def test_a_forged_step_does_not_stop_the_page(show, junk):
    story = Film().act("click (1, 1)", seen())
    story.act("look", {"url": junk, "title": junk, "notes": junk, "tree": junk, "png": junk})
    story.ask("browse", {}, lambda told, id_: told.add("value", id_, name="browser", value=junk))
    story.ask("browse", {}, asking(str(junk), str(junk), granted=junk, by=junk) if junk else acting("x", junk))
    browser = show(story)
    browser.run("document.querySelectorAll('details').forEach((fold) => { fold.open = true; })")
    browser.wait("[...document.querySelectorAll('details')].every((fold) => fold.children.length > 1)")
    assert "an event that cannot be shown" not in browser.text("#entries")
    assert browser.problems == []


@in_chromium
def test_only_frames_that_are_near_have_their_pictures(show):
    story = Film()
    for at in range(200):
        story.act(f"click ({at}, 1)", seen())
    browser = show(story.end())
    assert len(frames(browser)) == 200
    assert 3 <= browser.run("document.querySelectorAll('#strip img').length") < 30
    browser.run("document.querySelectorAll('#strip .frame')[0].focus()")
    press(browser, "End")
    browser.wait("document.querySelector('#strip .frame:last-child img')")
    browser.wait("document.querySelectorAll('#strip img').length < 30")
    assert browser.run("document.querySelector('#strip .frame:first-child img')") is None


@in_chromium
def test_a_run_without_pictures_shows_no_film(show):
    browser = show(Film().act("click (1, 1)", seen(picture="")).end(), is_film=False)
    assert browser.run("document.getElementById('film').hidden") is True
    assert browser.text("#entries .action .seen b") == "Shop"


@in_chromium
def test_pictures_that_a_function_returned_are_shown_with_its_result(show):
    images = [("image/png", png()), ("image/png", "bm8="), ("image/svg+xml", "PHN2Zy8+")]
    story = Film().ask(
        "plot", {}, text="two plots", images=[{"media_type": m, "base64": b, "url": ""} for m, b in images]
    )
    story.ask("link", {}, images=[{"media_type": "image/png", "base64": "", "url": "https://example.org/owned.png"}])
    browser = show(story.end(), is_film=False)
    assert browser.run("[...document.querySelectorAll('#entries .fn img')].map((image) => image.naturalWidth)") == [4]
    told = browser.text("#entries .fn p")
    assert told.count("a picture that is not shown") == 3
    assert "https://example.org/owned.png" in told
    assert [url for url in browser.asked if not url.startswith(("file:", "data:image/png"))] == []


@in_chromium
def test_a_search_does_not_look_into_pictures(show):
    """In the letters of a large one, any short word is found."""
    picture = png(40, 40)[:-8] + "TeaTeaQ" * 400
    picture = picture[: len(picture) // 4 * 4]
    story = Film("Buy coffee.").act("click (1, 1)", seen(CART, picture=picture, tree="- text: Grüße"))
    browser = show(story.end())
    for text, found in (("teatea", "0 shown"), ("cart", "1 shown"), ("grüße", "1 shown"), ("coffee", "2 shown")):
        browser.run("document.getElementById('found').textContent = ''")
        browser.run(f"document.getElementById('query').value = {json.dumps(text)}")
        browser.run("document.getElementById('query').dispatchEvent(new Event('input'))")
        browser.wait("document.getElementById('found').textContent !== ''")
        assert (text, browser.text("#found")) == (text, found)


DRAWN = """[...document.querySelectorAll('.marks')].map((marks) => {
    const { left, top, width, height } = marks.parentNode.querySelector('img').getBoundingClientRect();
    const image = marks.parentNode.querySelector('img'), edge = image.clientLeft;
    const scale = Math.min((width - 2 * edge) / image.naturalWidth, (height - 2 * edge) / image.naturalHeight);
    const from = [left + (width - scale * image.naturalWidth) / 2, top + (height - scale * image.naturalHeight) / 2];
    const placeOf = (x, y) => [x, y].map((at, axis) => (at - from[axis]) / scale);
    const middle = (box) => placeOf(box.left + box.width / 2, box.top + box.height / 2);
    const points = (line) => [...line.points].map((point) => point.matrixTransform(line.getScreenCTM()));
    return { scale, rings: [...marks.querySelectorAll('circle')].map((ring) => middle(ring.getBoundingClientRect())),
        ways: [...marks.querySelectorAll('polyline')].map((line) => points(line).map(({ x, y }) => placeOf(x, y))) }; })"""
"""Of each picture that is pointed into: how large a pixel of it is shown, and its rings and ways, in its pixels."""


def assert_near(scale, places, expected):
    """Assert that places of a picture are shown at most two pixels of the screen away from where they should be."""
    assert len(places) == len(expected)
    for place, where in zip(places, expected, strict=True):
        assert max(abs(a - b) * scale for a, b in zip(place, where, strict=True)) < 2, (place, where)


@in_chromium
@pytest.mark.parametrize("size", [(1280, 800), (1280, 300), (400, 1200), (60, 40)])
@pytest.mark.parametrize("width", [1400, 700])
def test_a_ring_is_where_the_mouse_was_however_large_the_picture_is_shown(show, size, width):
    """Twice in two colours: in the film's big picture, and in the transcript's; the small ones have none."""
    x, y = size[0] * 0.9, size[1] * 0.2
    browser = show(Film().act("click", seen(picture=png(*size)), path=[[x, y]]).end())
    try:
        browser.send("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
        drawn = browser.run(DRAWN)
    finally:
        browser.send("Emulation.clearDeviceMetricsOverride")
    assert len(drawn) == 2
    for one in drawn:
        assert_near(one["scale"], one["rings"], [[x, y]] * 2)
        assert one["ways"] == []
    assert browser.run("document.querySelectorAll('#strip .marks').length") == 0
    assert browser.problems == []


@in_chromium
def test_a_drag_is_a_way_with_a_ring_at_its_end(show):
    path = [[100, 100], [500, 120.5], [900, 600]]
    browser = show(Film().act("drag", seen(picture=png(1280, 800)), path=path).end())
    for one in browser.run(DRAWN):
        assert_near(one["scale"], one["rings"], path[-1:] * 2)
        assert len(one["ways"]) == 2
        for way in one["ways"]:
            assert_near(one["scale"], way, path)


@in_chromium
def test_marks_are_in_nobodys_way(show):
    """They are no part of what was seen: neither read aloud, nor in the way of the mouse."""
    browser = show(Film().act("click", seen(picture=png(1280, 800)), path=[[640, 400]]).end())
    assert (
        browser.run("[...document.querySelectorAll('.marks')].map((node) => node.getAttribute('aria-hidden'))")
        == ["true"] * 2
    )
    ring = "document.querySelector('#stage circle').getBoundingClientRect()"
    assert browser.run(f"document.elementFromPoint({ring}.left, {ring}.top + {ring}.height / 2).tagName") == "IMG"
    colours = "[...document.querySelectorAll('#stage circle')].map((ring) => getComputedStyle(ring).stroke)"
    assert len(set(browser.run(colours))) == 2


@in_chromium
def test_a_hostile_path_draws_nothing(show):
    story = Film()
    for path in HOSTILE_PATHS:
        story.act("click", seen(picture=png(160, 100)), path=path)
    browser = show(story.act("click", seen(picture=png(160, 100)), path=[[1, 1]]).end())
    for at in range(len(HOSTILE_PATHS)):
        browser.run(f"document.querySelectorAll('#strip .frame')[{at}].click()")
        browser.wait(f"document.activeElement.dataset.step === '1-s{at}-f0.v/0'")
        assert browser.run("document.querySelectorAll('#stage img').length") == 1
        assert browser.run("document.querySelectorAll('#stage svg, :focus svg').length") == 0
    browser.run("document.querySelector('#strip .frame:last-child').click()")
    assert browser.run("document.querySelectorAll('#stage .marks').length") == 1
    assert browser.run("typeof window.owned") == "undefined"
    assert browser.problems == []
