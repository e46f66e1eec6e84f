"""Pages that try to leave the allowed site, to wear the browser out, or to get what they may not have."""

from __future__ import annotations

import asyncio
import os
import signal
import time

import pytest
from hostile_site import ESCAPES, FIELDS, PLACES, SAME, TRAPS, Elsewhere, Hostile
from surfer import act, find_browsers, in_browser, policy_for

from lllm.errors import BrowserUnavailable
from lllm.tools.cua.action import Display, parse_action
from lllm.tools.cua.engine import Engine

pytestmark = in_browser

# One of each kind of attempt in CI; all of them take minutes.
_SAMPLE = {
    f"{kind}_{name}" for kind in ("link", "location", "tab", "open") for name in ("plain", "own_localhost", "file")
}
_SAMPLE |= {
    "go_webrtc_stun",
    "go_websocket",
    "go_fetch",
    "go_blob",
    "go_open_noopener",
    "go_form_get",
    "head_css_import",
}
_SAMPLE |= {"body_img", "body_iframe", "click_link_redirect", "answer_redirect_307", "answer_redirect_name"}
_QUICK = ("prompts", "dl_many", "chooser", "print", "geolocation", "camera", "loop", "close_opened", "moving")
_ACTION_S = 4.0


class Rider:
    """A browser on the hostile site."""

    def __init__(self, site, **options):
        self.site, self.asked = site, []
        self._policy = policy_for(site, **{"action_s": _ACTION_S, **options})
        self.engine = Engine(self._policy)

    def act(self, *told, **fields):
        return self.engine.act(parse_action(act(*told, **fields), Display()), self._ask)

    def visit(self, path):
        return self.act("goto", url=f"{self.site.url}{path}")

    def _ask(self, kind, what):
        self.asked.append((kind, what))
        return False


@pytest.fixture(scope="module")
def elsewhere():
    with Elsewhere() as elsewhere:
        yield elsewhere


@pytest.fixture(scope="module")
def rider(elsewhere):
    with Hostile(elsewhere.url) as site:
        rider = Rider(site)
        yield rider
        rider.engine.close()


def test_the_sample_is_made_of_attempts():
    assert {name for name, _ in ESCAPES} >= _SAMPLE
    assert {name for name, _ in TRAPS} >= set(_QUICK)


@pytest.mark.parametrize(
    ("name", "path"),
    [pytest.param(*one, id=one[0], marks=[pytest.mark.heavy] * (one[0] not in _SAMPLE)) for one in ESCAPES],
)
def test_nothing_gets_out_of_the_allowed_site(name, path, rider, elsewhere):
    """Not at loading, not by a click, under no other name, by no other protocol, and to no file."""
    first = rider.visit(path)
    seen = rider.act("click", PLACES["act"])
    assert elsewhere.touched == []
    # TLS to the allowed host and port is no way out.
    assert [what for what in rider.site.escaped if what != ("TLS", "")] == []
    for one in (first, seen):
        assert not one.url.startswith(("file:", "chrome:", "devtools:", "view-source:"))
        assert "root:x:" not in one.tree


@pytest.mark.parametrize(("name", "path"), SAME, ids=[name for name, _ in SAME])
def test_another_spelling_of_the_allowed_site_is_allowed(name, path, rider):
    rider.visit(path)
    assert rider.act("click", PLACES["act"]).title == f"The same: {name}"


@pytest.mark.parametrize(
    ("name", "path"),
    [pytest.param(*one, id=one[0], marks=[pytest.mark.heavy] * (one[0] not in _QUICK)) for one in TRAPS],
)
def test_a_trap_ends_in_bounded_time_and_the_browser_goes_on(name, path, rider):
    begun = time.monotonic()
    rider.visit(path)
    rider.act("click", PLACES["act"])
    rider.act("screenshot")
    assert time.monotonic() - begun < 120  # no measure, but the sum of all limits on a machine that does much else
    assert rider.visit("/").title == "A quiet page"


def test_a_page_that_does_not_stay_is_looked_at_all_the_same(rider):
    """A picture that is taken while a page goes over to another one fails, or never comes."""
    rider.visit("/wander")
    for _ in range(4):
        seen = rider.act("screenshot")
        assert set(seen.notes) <= {"the page went on to another one while it was looked at"}
        assert seen.png


_HIDDEN = {"password", "morph", "framed", "shadow", "shadow_open", "poisoned"}


@pytest.mark.parametrize(("name", "path"), FIELDS, ids=[name for name, _ in FIELDS])
def test_a_password_field_is_found_wherever_it_stands(name, path, rider):
    """In frames, in closed shadow trees, where the page lies about the focus, and when a field turns into one."""
    rider.asked.clear()
    rider.site.typed.clear()
    rider.visit(path)
    rider.act("click", PLACES["field"])
    rider.act("type", text="hunter2")
    asked = [kind for kind, _ in rider.asked]
    assert (asked == ["password"]) is (name in _HIDDEN)
    if name in _HIDDEN:
        assert not any("hunter" in one.text for one in rider.site.typed)


def test_what_a_page_says_is_only_text(rider):
    """What would talk a model into something comes to it as the page's words, with nothing of ours before them."""
    seen = rider.visit("/talk")
    assert seen.notes == ()
    assert "ignore" in seen.tree.lower()


def test_too_much_is_cut_off(rider, elsewhere):
    """A page of fifty megabytes, where two are allowed."""
    with Hostile(elsewhere.url) as site:
        small = Rider(site, max_bytes=2_000_000)
        try:
            seen = small.visit("/big")
            assert "loading was cut off at 2,000,000 bytes" in seen.notes
            assert small.visit("/").title == "A quiet page"
        finally:
            small.engine.close()


def test_a_page_that_hangs_is_given_up_and_the_next_one_works(rider):
    seen = rider.visit("/hang")
    if "the page does not answer, and was closed; what it held is lost" not in seen.notes:  # it hangs a moment later
        seen = rider.act("screenshot")
    assert "the page does not answer, and was closed; what it held is lost" in seen.notes
    assert rider.visit("/").title == "A quiet page"


def test_a_page_that_crashes_is_given_up_at_once(rider):
    rider.visit("/")
    page = rider.engine._pages.page

    async def crash():
        crashed = asyncio.Event()
        page.once("crash", lambda _page: crashed.set())
        session = await page.context.new_cdp_session(page)
        sent = asyncio.ensure_future(session.send("Page.crash"))  # nobody is left to answer it
        await crashed.wait()
        sent.cancel()

    rider.engine._thread.submit(crash()).result(30)
    seen = rider.act("screenshot")
    assert seen.notes == ("the page crashed", "the page does not answer, and was closed; what it held is lost")
    assert seen.url == "about:blank"
    assert rider.visit("/").title == "A quiet page"


def test_a_browser_that_is_killed_is_started_anew(elsewhere):
    with Hostile(elsewhere.url) as site:
        rider = Rider(site)
        try:
            rider.visit("/")
            for pid in find_browsers():
                os.kill(pid, signal.SIGKILL)
            seen = rider.act("screenshot")
            assert "the browser died, and was started anew at its address; what it held besides is lost" in seen.notes
            assert seen.title == "A quiet page"
        finally:
            rider.engine.close()


def test_what_is_no_browser_cannot_be_started(elsewhere, tmp_path):
    broken = tmp_path / "chromium"
    broken.write_text("#!/bin/sh\necho no display >&2\nexit 1\n", "utf-8")
    broken.chmod(0o755)
    with Hostile(elsewhere.url) as site:
        rider = Rider(site, executable=str(broken))
        with pytest.raises(BrowserUnavailable, match="does not start") as caught:
            rider.visit("/")
        rider.engine.close()
    assert caught.value.hint


def test_notes_that_repeat_are_counted(rider):
    """A page that asks for ever must not fill the model's context."""
    notes = rider.visit("/prompts").notes
    assert len(notes) <= 21
