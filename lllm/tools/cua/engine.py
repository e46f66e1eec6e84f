"""A Chromium that is driven action by action. Everything of Playwright's runs on one event loop in one thread.

Callers block, from whichever thread; an agent's async call runs its functions in threads, so one engine serves both.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import CancelledError, wait
from contextlib import suppress
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

from lllm.errors import BrowserError, BrowserUnavailable
from lllm.tools.cua.action import Action
from lllm.tools.cua.asking import Asking, Decide
from lllm.tools.cua.border import Border
from lllm.tools.cua.chromium import find_chromium, has_display, is_sandboxed, to_environment, to_switches
from lllm.tools.cua.gate import Gate
from lllm.tools.cua.hands import perform
from lllm.tools.cua.pages import Pages, first_line
from lllm.tools.cua.passwords import pieces_of, reaches_password
from lllm.tools.cua.policy import BrowserPolicy
from lllm.tools.cua.sight import LOOK_S, Seen, look_at, within
from lllm.tools.cua.sites import is_address
from lllm.tools.cua.traffic import Traffic
from lllm.tools.loop import LoopThread

_START_S, _CLOSE_S = 60.0, 10.0
_LOOKING_S, _MORE_LOOKS = 6.0, 2
"""How long a page that does not stay is looked at again, and how often, before it is taken as it is."""
_CHECK_S = 0.5
"""How soon it is seen that an action is to be given up."""
_NOTICE_S = 0.05
"""Until a page has begun to do what an action leads to."""
_QUIET_S = 3.0
"""How long a page that keeps loading is waited for after an action that has been done."""


def go_on() -> None:
    """Give nothing up: where there is no session, nobody can cancel anything."""


class Engine:
    """One browser with one profile, which is gone when it is closed. It starts with the first action.

    Args:
        policy: what it may do.
        address: where it begins, and where it goes when it has to be started anew; empty for a blank page.

    Raises:
        BrowserUnavailable: Playwright or Chromium is missing.
    """

    def __init__(self, policy: BrowserPolicy, address: str = "") -> None:
        self._policy, self._address = policy, address
        self._path = find_chromium(policy.executable)
        _check_folders(policy)
        if not policy.headless and not has_display():
            raise BrowserUnavailable("there is no display for a window", hint="leave headless as it is")
        self._playwright = _load_playwright()
        self._asking = Asking(policy.asks)
        border = Border(policy.sites)
        self._pages = Pages(policy, border, self._asking)
        self._traffic = Traffic()
        self._gate = Gate(border, policy.max_bytes)
        self._one = asyncio.Lock()
        self._browser: Any = None
        self._driver: Any = None
        self._starting: asyncio.Task[Any] | None = None
        self._acting: asyncio.Task[Any] | None = None
        self._has_arrived = self._is_closing = False
        self._thread = LoopThread("lllm-browser")

    def act(self, action: Action, decide: Decide, check_cancelled: Callable[[], None] = go_on) -> Seen:
        """Do one action, wait until the page has come to rest, and look at it. One at a time.

        Args:
            action: what is done.
            decide: decides what the policy asks about meanwhile.
            check_cancelled: raises where the action is to be given up.

        Raises:
            BrowserUnavailable: the browser does not start.
            BrowserError: it was closed.
            Exception: what ``decide`` or ``check_cancelled`` raises.
        """
        work = self._act(action, decide)
        try:
            future = self._thread.submit(work)
        except RuntimeError as error:
            work.close()
            raise BrowserError("the browser is closed") from error
        try:
            while not future.done() and not self._is_closing:  # each part of it has a limit of its own
                wait([future], timeout=_CHECK_S)
                check_cancelled()
            return future.result(_CLOSE_S)
        except (CancelledError, TimeoutError) as error:
            if not self._is_closing:
                raise
            raise BrowserError("the browser was closed meanwhile") from error
        except BaseException:
            future.cancel()
            raise

    def close(self) -> None:
        """End the browser, whatever it does."""
        self._is_closing = True
        self._thread.close(self._shut(), _CLOSE_S)

    async def _act(self, action: Action, decide: Decide) -> Seen:
        async with self._one:
            if self._is_closing:
                raise BrowserError("the browser is closed")
            self._acting = asyncio.current_task()
            self._asking.begin(decide)
            try:
                seen = await self._act_alone(action)
            finally:
                self._asking.end()
                self._acting = None
        if self._asking.failure is not None:
            raise self._asking.failure
        return seen

    async def _act_alone(self, action: Action) -> Seen:
        self._gate.begin()
        self._traffic.begin()
        if self._browser is None:
            await self._open()
        elif not self._is_alive():
            await self._revive()
        if not self._has_arrived and action.kind != "goto":
            await self._arrive()
        self._has_arrived = True
        await self._try(action)
        try:
            return await self._see()
        except Exception as error:
            if self._is_alive() and not self._is_of_playwright(error):
                raise
            await self._revive()
            return await self._see()

    def _is_alive(self) -> bool:
        return self._browser.is_connected()

    # --- opening and closing ---------------------------------------------------------------------------------------

    async def _arrive(self) -> None:
        """Go to where it begins, and wait there: an action that comes before a page is ready is lost."""
        if self._address:
            await self._try(Action("goto", text=self._address))
            await self._settle()

    async def _revive(self) -> None:
        """Start another browser in place of one that died, at the address that it was at."""
        with suppress(Exception):
            await asyncio.wait_for(self._browser.close(), _CLOSE_S)
        await self._open()
        self._pages.note("the browser died, and was started anew at its address; what it held besides is lost")
        await self._arrive()

    async def _open(self) -> None:
        if self._is_closing:
            raise BrowserError("the browser is closed")
        asyncio.get_running_loop().set_exception_handler(self._pass_over)
        if not self._gate.port:
            await self._gate.open()
        try:
            async with asyncio.timeout(_START_S):
                try:
                    await self._launch()
                except Exception:
                    if self._driver is None:
                        raise
                    self._driver = self._starting = None  # it may have died, too
                    await self._launch()
        except Exception as error:
            told = first_line(error) or type(error).__name__
            raise BrowserUnavailable(f"{self._path} does not start: {told}", hint="lllm doctor") from error

    async def _launch(self) -> None:
        if self._starting is None:  # a task, so that what is begun can be ended, also if nobody waits for it any more
            self._starting = asyncio.get_running_loop().create_task(self._playwright.async_playwright().start())
        self._driver = await asyncio.shield(self._starting)
        browser = await self._driver.chromium.launch(
            executable_path=self._path,
            headless=self._policy.headless,
            chromium_sandbox=is_sandboxed(),
            args=to_switches(self._gate.port),
            env=to_environment(),
        )
        try:
            await self._pages.open(await self._new_context(browser))
        except BaseException:
            await within(browser.close())
            raise
        self._browser = browser

    async def _new_context(self, browser: Any) -> Any:
        width, height = self._policy.display.width, self._policy.display.height
        context = await browser.new_context(
            viewport={"width": width, "height": height}, service_workers="block", accept_downloads=True
        )
        self._traffic.watch(context)
        return context

    async def _shut(self) -> None:
        if self._acting is not None:
            self._acting.cancel()
            await asyncio.wait({self._acting}, timeout=_CLOSE_S / 5)
        if self._starting is not None:
            with suppress(Exception):
                self._driver = await asyncio.wait_for(asyncio.shield(self._starting), _CLOSE_S / 5)
        for close in (self._browser and self._browser.close, self._driver and self._driver.stop, self._gate.close):
            if close:
                with suppress(Exception):
                    await asyncio.wait_for(close(), _CLOSE_S / 5)

    # --- acting and looking ----------------------------------------------------------------------------------------

    async def _try(self, action: Action) -> None:
        """Do an action; what keeps it from being done is told to the model."""
        try:
            async with self._asking.limited(self._policy.action_s + action.wait_ms / 1000):
                await self._perform(action)
        except TimeoutError:
            self._pages.note(f"the action was not over within {self._policy.action_s:g} s")
            await within(self._pages.stop_loading())
        except Exception as error:
            if not self._is_of_playwright(error):
                raise
            self._pages.note_failure(first_line(error))

    def _pass_over(self, loop: asyncio.AbstractEventLoop, told: dict[str, Any]) -> None:
        """Say nothing of how an action ended in the browser that was given up here."""
        error = told.get("exception")
        if not (isinstance(error, Exception) and self._is_of_playwright(error)):
            loop.default_exception_handler(told)

    def _is_of_playwright(self, error: Exception) -> bool:
        """Whether an error says that something is wrong with page, browser or driver, and not with our code."""
        return isinstance(error, self._playwright.Error) or type(error) is Exception  # so it tells of its driver's end

    async def _perform(self, action: Action) -> None:
        page = await self._pages.shown()
        match action.kind:
            case "back":
                await self._pages.go_back()
            case "forward":
                await page.go_forward(wait_until="commit", timeout=0)
            case "goto":
                await self._pages.go_to(action.text)
            case "type" | "keypress":
                await self._write(page, action)
            case _:  # a screenshot is what every action ends with
                await perform(page, action)

    async def _write(self, page: Any, action: Action) -> None:
        """Type, piece by piece where a key may lead into another field: a password waits for an approval."""
        for piece in pieces_of(action):
            if await reaches_password(page, piece) and not await self._asking.ask("password", page.url[:200]):
                self._pages.note("typing into a password field was refused")
                return
            await perform(page, piece)

    async def _see(self) -> Seen:
        """Wait for what an action has led to, and for what somebody is asked about, and look."""
        while True:
            await self._settle()
            seen = await self._look()
            if not self._asking.is_asking:
                if self._gate.is_over:
                    self._pages.note(f"loading was cut off at {self._policy.max_bytes:,} bytes")
                return replace(seen, notes=(*self._pages.take_notes(), *seen.notes))

    async def _settle(self) -> None:
        await asyncio.sleep(_NOTICE_S)
        await self._traffic.rest(self._policy.settle_s, _QUIET_S)
        while self._asking.is_asking:
            await asyncio.sleep(_NOTICE_S)
            await self._traffic.rest(self._policy.settle_s, _QUIET_S)
        if not await self._pages.wait_for_page(self._policy.action_s):
            self._pages.note(f"the next page did not come within {self._policy.action_s:g} s, and was given up")
            await within(self._pages.stop_loading())

    async def _look(self) -> Seen:
        """Look at the page; again, if it went over to another one meanwhile: that would be half of each."""
        now = asyncio.get_running_loop().time
        end = now() + _LOOKING_S
        moves, seen = self._pages.moves, await self._look_once()
        for _ in range(_MORE_LOOKS):
            stays = moves == self._pages.moves and not self._pages.is_leaving(self._pages.page)
            if seen.png and (stays or now() > end):
                break
            await self._settle()
            moves, seen = self._pages.moves, await self._look_once()
        if moves != self._pages.moves:
            self._pages.note("the page went on to another one while it was looked at")
        return seen

    async def _look_once(self) -> Seen:
        page = await asyncio.wait_for(self._pages.shown(), LOOK_S)
        seen = await look_at(page, with_tree=self._policy.tree_chars > 0)
        if seen.hangs and not page.is_closed() and not self._pages.is_leaving(page):
            self._pages.give_up()
        if is_address(seen.url) and seen.url == page.url:  # and not cut
            self._address = seen.url
        return seen


def _check_folders(policy: BrowserPolicy) -> None:
    """See that what may be saved and handed over can be, before anybody is asked about it."""
    try:
        if policy.downloads:
            Path(policy.downloads).mkdir(parents=True, exist_ok=True)
        for file in policy.uploads:
            Path(file).open("rb").close()
    except OSError as error:
        raise BrowserUnavailable(f"downloads or uploads of the policy: {error}", hint="mend the path") from error


def _load_playwright() -> Any:
    try:
        return import_module("playwright.async_api")
    except ImportError as error:
        raise BrowserUnavailable(f"Playwright cannot be imported: {error}", hint='pip install "lllm[cua]"') from error
