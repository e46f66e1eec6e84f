"""Parts of the browser's tool, each by itself: who may be asked and when, what fails closed, and where one begins."""

from __future__ import annotations

import asyncio
import sys
import threading
from base64 import b64encode
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from hostile_site import Elsewhere
from local_site import Answer, Site, to_page
from shop_site import PLACES, Shop
from surfer import Surfer, act, in_browser, open_log, policy_for

from lllm.errors import BrowserError, BrowserUnavailable, ConfigError
from lllm.llm.offers import _with_computer
from lllm.llm.session import Session
from lllm.log import MemoryLog
from lllm.models import Prompt
from lllm.tools.cua import BrowserPolicy, BrowserTool
from lllm.tools.cua.action import Action, Display, parse_action
from lllm.tools.cua.asking import Asking
from lllm.tools.cua.border import Border
from lllm.tools.cua.chromium import has_display
from lllm.tools.cua.engine import Engine
from lllm.tools.cua.functions import browser_functions
from lllm.tools.cua.life import BrowserLife, last_address
from lllm.tools.cua.pages import Pages
from lllm.tools.cua.passwords import pieces_of, reaches_password
from lllm.tools.cua.sight import take_picture

PATIENCE_S = 20


class NoFrames:
    """A page of which nothing can be learned."""

    frames = ("main",)

    def __init__(self):
        self.context, self.asked = self, 0

    async def new_cdp_session(self, _target):
        self.asked += 1
        raise RuntimeError("no such call any more")


def test_where_nobody_can_tell_it_may_be_a_password():
    """A browser in which the question has another name must not switch it off; it is asked twice."""
    page = NoFrames()
    assert asyncio.run(reaches_password(page, Action("type", text="x"))) is True
    assert page.asked == 2


@pytest.mark.parametrize("piece", [Action("type", text="\t"), Action("keypress", keys=("Shift", "Tab"))])
def test_keys_that_put_nothing_into_a_field_are_not_asked_about(piece):
    assert asyncio.run(reaches_password(NoFrames(), piece)) is False


def test_a_text_is_looked_at_field_by_field():
    """A tab leads into the next one."""
    texts = [piece.text for piece in pieces_of(Action("type", text="ada\tsecret\n"))]
    assert texts == ["ada", "\t", "secret", "\n"]


class Mover:
    """A tab that says what happens to it when it is told to go somewhere, in turn."""

    def __init__(self, *turns):
        self.turns, self.told = list(turns), []
        self.pages = Pages(BrowserPolicy(), Border(()), Asking(()))
        self.pages.page = self

    async def goto(self, url, **_options):
        self.told.append(url)
        turn = self.turns.pop(0)
        self.pages.moves += "moved" in turn
        if "fails" in turn:
            raise RuntimeError("Page.goto: net::ERR_ABORTED" if "aborted" in turn else "net::ERR_NAME_NOT_RESOLVED")

    def is_closed(self):
        return False

    def go(self):
        asyncio.run(self.pages.go_to("http://a.test/"))
        return len(self.told), self.pages.take_notes()


def test_a_page_that_goes_somewhere_by_itself_is_left_all_the_same():
    """Its own move ends ours; without another try it could hold the browser."""
    assert Mover("fails aborted moved", "fails aborted moved", "moved").go() == (3, ())
    tries, (note,) = Mover(*["fails aborted moved"] * 3).go()
    assert tries == 3
    assert note == "the page goes on by itself, and did not let go for http://a.test/"


def test_what_fails_by_itself_is_not_tried_again():
    """Such as an answer that is no page: it would be asked for again and again."""
    assert Mover("fails aborted").go() == (1, ("http://a.test/ led to no page",))
    mover = Mover("fails moved")
    with pytest.raises(RuntimeError):
        mover.go()
    assert len(mover.told) == 1


class Shown:
    """A page of which a picture can be taken, or something else happens, in turn."""

    def __init__(self, *turns):
        self.turns, self.asked = list(turns), []
        self.context = self

    def take(self, asked):
        self.asked.append(asked)
        turn = self.turns.pop(0)
        if isinstance(turn, Exception):
            raise turn
        return turn

    async def screenshot(self, timeout):  # noqa: ASYNC109 - its own face
        return self.take(timeout)

    async def new_cdp_session(self, _page):
        return self

    async def send(self, asked, _options):
        return {"data": b64encode(self.take(asked)).decode()}

    async def detach(self):
        pass

    def is_closed(self):
        return not self.turns


def test_a_picture_that_fails_is_taken_again_without_waiting_for_the_page():
    """While it goes over to another one there is none, and a font may never come; that says nothing against the page."""
    page = Shown(TimeoutError("1500 ms: waiting for fonts"), RuntimeError("Unable to capture screenshot"), b"png")
    assert asyncio.run(take_picture(page)) == b"png"
    assert page.asked == [1500, *["Page.captureScreenshot"] * 2]


def test_of_a_page_that_has_gone_there_is_no_picture():
    page = Shown(RuntimeError("Target closed"))
    assert asyncio.run(take_picture(page)) == b""
    assert len(page.asked) == 1


@pytest.mark.parametrize(
    ("url", "host", "may_be_private"),
    [
        ("http://127.0.0.1:8000/", "127.0.0.1", True),
        ("http://[::1]:8000/", "::1", True),
        ("http://localhost:8000/", "localhost", True),
        ("http://evil.example:8000/", "evil.example", False),
        ("http://EVIL.example.:8000/", "evil.example", False),
    ],
)
def test_an_approved_name_leads_to_no_private_address_unless_it_says_so(url, host, may_be_private):
    """Who approves of a public name does not know what it stands for."""

    class Route:
        async def continue_(self):
            pass

    class Request:
        frame = type("Frame", (), {"parent_frame": None})

        def __init__(self, url):
            self.url = url

        def is_navigation_request(self):
            return True

    async def main():
        asking = Asking(("leave",))
        asking.begin(lambda _kind, _what: True)
        border = Border(())
        pages = Pages(BrowserPolicy(), border, asking)
        assert not border.allows_host(host, 8000)
        await pages._judge(Route(), Request(url))
        return border.allows_host(host, 8000), border.allows_private(host, 8000), border.allows_host(host, 8001)

    assert asyncio.run(main()) == (True, may_be_private, False)


def test_any_object_that_can_be_called_may_approve():
    """One with fields of its own has often no hash, and is still the same one for the next action."""

    @dataclass
    class Approver:
        sites: list

        def __call__(self, _approval):
            return True

    @dataclass(frozen=True)
    class Frozen:  # its hash is that of its fields, of which one has none
        sites: list

        def __call__(self, _approval):
            return True

    for kind in (Approver, Frozen):
        one, other = (BrowserTool(BrowserPolicy(), kind([])) for _ in range(2))
        with Session.open(MemoryLog(), "s"):
            assert one._find_life() is one._find_life()
            assert one._find_life() is not other._find_life()


def test_tools_of_one_policy_and_one_approver_have_one_browser():
    """A prompt that is built anew for each call goes on where the last one was."""

    class Desk:
        def approve(self, _approval):
            return True

    desk = Desk()
    with Session.open(MemoryLog(), "s"):
        one, other = (BrowserTool(BrowserPolicy(), desk.approve)._find_life() for _ in range(2))
        assert one is other


def test_an_approver_that_cannot_be_called_here_is_refused():
    async def approve(_approval):
        return True

    with pytest.raises(ConfigError, match="approve is async"):
        browser_functions(BrowserPolicy(), approve)


def test_a_life_that_is_closed_starts_no_browser():
    """A function that was given up must not start one after its session."""
    life = BrowserLife(BrowserPolicy(), "")
    life.close()
    with pytest.raises(BrowserError, match="closed"):
        life.act(Action("screenshot"), lambda _kind, _what: False, lambda: None)


@pytest.mark.parametrize(
    ("seen", "address"),
    [
        ([], ""),
        ([{"url": "http://a/"}, {"url": "http://b/"}], "http://b/"),
        ([{"url": "http://a/"}, {"url": "chrome-error://chromewebdata/"}], "http://a/"),
        ([{"url": "https://a/"}, BrowserError("it died"), None], "https://a/"),
        ([{"url": "about:blank"}], ""),
    ],
)
def test_a_browser_goes_on_where_the_last_page_was(seen, address):
    assert last_address(seen) == address


def test_what_is_offered_of_a_prompts_browser_is_made_once():
    """Contracts and requests are kept by prompt: another one each turn would be made anew each turn."""
    prompt = Prompt(path="p", prompt="x", computer_use_config={"sites": ["a.example"]})
    assert _with_computer(prompt) is _with_computer(prompt)


def test_only_what_changes_nothing_is_done_again_by_itself():
    repeatable = {function.name for function in browser_functions(BrowserPolicy()) if function.repeatable}
    assert repeatable == {"screenshot", "move", "wait"}


@pytest.mark.parametrize(
    ("options", "told", "hint"),
    [
        ({"sites": ("shop.test",), "start": "shop.test"}, "and no address", "http://"),
        ({"sites": ("shop.test",), "start": "http://other.test/"}, "sites does not allow", "sites allows: shop.test"),
        ({"start": "http://other.test/"}, "sites does not allow", "sites allows: nothing"),
        ({"action_s": "5"}, "must be a number", ""),
        ({"max_bytes": float("nan")}, "must be a number", ""),
        ({"display": (800, 600)}, "display is", "Display("),
    ],
)
def test_a_policy_that_cannot_be_meant_says_so_at_once(options, told, hint):
    with pytest.raises(ConfigError, match=told) as caught:
        BrowserPolicy(**options)
    assert hint in caught.value.hint


def test_arguments_in_the_wrong_order_are_an_error():
    with pytest.raises(ConfigError, match="is no BrowserPolicy"):
        browser_functions(print, BrowserPolicy())


@pytest.mark.parametrize(
    ("options", "told"),
    [({"uploads": ("no-such-file",)}, "no-such-file"), ({"downloads": "/dev/null/down"}, "/dev/null/down")],
)
def test_what_cannot_be_saved_or_handed_over_is_told_before_anybody_is_asked(options, told):
    pytest.importorskip("playwright", reason="Playwright is not installed")
    with pytest.raises(BrowserUnavailable, match=told):
        Engine(BrowserPolicy(executable=sys.executable, **options))


def test_a_window_without_a_display_says_so(monkeypatch):
    pytest.importorskip("playwright", reason="Playwright is not installed")
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    if has_display():
        pytest.skip("nobody can tell here")
    with pytest.raises(BrowserUnavailable, match="no display"):
        Engine(BrowserPolicy(executable=sys.executable, headless=False))


# --- in a browser ------------------------------------------------------------------------------------------------------


class Late(Site):
    """A page that leaves by itself, a moment after it was looked at."""

    def __init__(self, elsewhere):
        super().__init__()
        self._elsewhere = elsewhere

    def answer(self, asked):
        script = f"setTimeout(()=>location='{self._elsewhere}/late',1200)"
        return Answer(f"<!doctype html><title>late</title><script>{script}</script>")


@in_browser
def test_what_a_page_does_between_two_actions_is_asked_of_nobody():
    """The action whose approver said yes is over; another one may not be for this."""
    asked = []

    def decide(kind, what):
        asked.append((kind, what))
        return True

    with Elsewhere() as elsewhere, Late(elsewhere.url) as site:
        engine = Engine(policy_for(site))
        try:
            engine.act(parse_action(act("goto", url=f"{site.url}/"), Display()), decide)
            assert asked == []
            site.closing.wait(1.6)
            seen = engine.act(Action("screenshot"), decide)
        finally:
            engine.close()
        assert (asked, elsewhere.touched) == ([], [])
        assert any("leaving for" in note and "was refused" in note for note in seen.notes)


class Slow(Site):
    """A form that is answered when ``may_answer`` is set, a font that never comes, and what leads to no page."""

    def __init__(self):
        super().__init__()
        self.may_answer, self.asked = threading.Event(), []

    def answer(self, asked):
        self.asked.append((asked.method, asked.path))
        if asked.path == "/font":
            self.closing.wait(PATIENCE_S)
        if asked.method == "POST":
            self.may_answer.wait(PATIENCE_S)
            return Answer("<title>Thanks</title>Thanks")
        if asked.path == "/nothing":
            return Answer(status=204)
        if asked.path == "/turn":
            return to_page("/nothing")
        if asked.path == "/link":
            return Answer("<title>A link</title><a href=/turn style='position:fixed;inset:0'>Go</a>")
        style = "@font-face{font-family:f;src:url(/font)}body{font-family:f}" if asked.path == "/fonts" else ""
        script = "setInterval(()=>history.replaceState(0,'','?'+Math.random()),20)" if asked.path == "/busy" else ""
        button = "<form method=post action=/send><button style='position:fixed;inset:0'>Send</button></form>"
        return Answer(f"<title>A form</title><style>{style}</style>{button}<script>{script}</script>")


@pytest.fixture
def slow():
    with Slow() as site:
        yield site


@contextmanager
def engine_on(site, path, **options):
    engine = Engine(policy_for(site, **options), f"{site.url}{path}")
    try:
        yield lambda kind, **fields: engine.act(Action(kind, **fields), lambda _kind, _what: False)
    finally:
        engine.close()


@in_browser
def test_a_form_whose_answer_never_comes_is_given_up_and_not_its_page(slow):
    """What stands in the form is still there; only loading is stopped, as it is for an address."""
    with engine_on(slow, "/", action_s=4.0) as do:
        seen = do("click", path=((50, 50),))
        assert seen.notes == ("the next page did not come within 4 s, and was given up",)
        assert (seen.title, seen.url) == ("A form", f"{slow.url}/")
        slow.may_answer.set()
        assert do("click", path=((50, 50),)).title == "Thanks"


def test_a_page_that_has_set_out_for_another_one_is_waited_for_until_that_comes():
    """However long a look takes: the answer to a form may take longer."""

    async def main():
        pages = Pages(BrowserPolicy(), Border(()), Asking(()))
        pages.page, pages._coming["tab"] = "tab", "request"
        assert not await pages.wait_for_page(0)
        waiting = asyncio.ensure_future(pages.wait_for_page(PATIENCE_S))
        done, _ = await asyncio.wait([waiting], timeout=0.2)
        assert (done, pages.is_leaving("tab")) == (set(), True)
        pages._tell_crash("tab")
        assert await waiting

    asyncio.run(main())


@in_browser
def test_a_font_that_never_comes_costs_no_page(slow):
    with engine_on(slow, "/fonts") as do:
        seen = do("screenshot")
        assert (seen.title, seen.notes) == ("A form", ())
        assert seen.png


@in_browser
def test_an_address_that_leads_to_no_page_is_asked_for_once(slow):
    """Also where the page calls itself something else all the time, which is no way to another one."""
    with engine_on(slow, "/busy") as do:
        do("screenshot")
        seen = do("goto", text=f"{slow.url}/nothing")
        assert seen.notes == (f"{slow.url}/nothing led to no page",)
        assert seen.title == "A form"
    assert slow.asked.count(("GET", "/nothing")) == 1


@in_browser
def test_nobody_waits_for_a_page_that_a_redirect_does_not_lead_to(slow):
    with engine_on(slow, "/link", action_s=2.0) as do:
        seen = do("click", path=((50, 50),))
        assert (seen.title, seen.notes) == ("A link", ())
    assert slow.asked.count(("GET", "/nothing")) == 1


@in_browser
def test_after_its_end_an_engine_says_so():
    engine = Engine(BrowserPolicy())
    engine.close()
    with pytest.raises(BrowserError, match="closed"):
        engine.act(Action("screenshot"), lambda _kind, _what: False)


@in_browser
def test_a_tool_is_used_again_after_its_browser_was_closed_with_a_session():
    """Each session has a browser of its own; so has what runs in none."""
    tool = BrowserTool(BrowserPolicy())
    for name in "st":
        with Session.open(MemoryLog(), name):
            assert tool.act(act("screenshot"))[0].endswith("about:blank")


@in_browser
@pytest.mark.parametrize("number", range(3))
def test_the_first_action_finds_the_page_that_it_begins_at(number, tmp_path):
    """What comes before a page is ready would be lost without a word."""
    with Shop() as shop:
        policy = policy_for(shop, start=f"{shop.url}/keys")
        actions = [act("click", PLACES["keys.text"]), act("type", text="first"), act("click", PLACES["keys.save"])]
        Surfer(policy, actions).live(open_log(tmp_path))
        assert shop.notes == ["first"]
