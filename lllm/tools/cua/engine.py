"""A Chromium that is driven action by action. Everything of Playwright's runs on one event loop in one thread.

Callers block, from whichever thread; an agent's async call runs its functions in threads, so one engine serves both.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import CancelledError
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from typing import Any, TypeVar

from lllm.errors import BrowserError, BrowserUnavailable
from lllm.tools.cua.action import Action
from lllm.tools.cua.asking import Asking, Asks
from lllm.tools.cua.chromium import find_chromium, is_sandboxed, to_environment, to_switches
from lllm.tools.cua.gate import Gate
from lllm.tools.cua.hands import perform
from lllm.tools.cua.pages import Pages, first_line
from lllm.tools.cua.passwords import pieces_of, reaches_password
from lllm.tools.cua.policy import BrowserPolicy
from lllm.tools.cua.traffic import Traffic
from lllm.tools.loop import LoopThread

R = TypeVar("R")
_START_S, _LOOK_S, _CLOSE_S = 60.0, 8.0, 10.0
_NOTICE_S = 0.05
"""Until a page has begun to do what an action leads to."""
_QUIET_S = 3.0
"""How long a page that keeps loading is waited for after an action that has been done."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What a page showed after an action.

    Attributes:
        url, title: of the page.
        png: a picture of the viewport; empty where the page could not be looked at.
        tree: what a screen reader is told of the page, as Playwright writes it in YAML.
        notes: what happened meanwhile that the picture does not tell, such as a dialog.
    """

    url: str
    title: str
    png: bytes
    tree: str
    notes: tuple[str, ...] = ()


class Engine:
    """One browser with one profile, which is gone when it is closed.

    Args:
        policy: what it may do.

    Raises:
        BrowserUnavailable: Playwright or Chromium is missing, or it does not start.
    """

    def __init__(self, policy: BrowserPolicy) -> None:
        self._policy = policy
        self._path = find_chromium(policy.executable)
        self._playwright = _load_playwright()
        self._asking = Asking(policy.asks)
        self._pages = Pages(policy, self._asking)
        self._traffic = Traffic()
        self._gate = Gate(self._pages.allows_host, self._pages.names_host, policy.max_bytes)
        self._one = asyncio.Lock()
        self._browser: Any = None
        self._driver: Any = None
        self._thread = LoopThread("lllm-browser")
        try:
            self._do(self._open())
        except BaseException:
            self.close()
            raise

    def act(self, action: Action, asks: Asks) -> Seen:
        """Do one action, wait until the page has come to rest, and look at it. One at a time.

        Args:
            action: what is done.
            asks: decides what the policy asks about meanwhile.

        Raises:
            BrowserUnavailable: the browser had died, and does not start any more.
            BrowserError: it was closed meanwhile.
            Exception: what ``asks`` raises.
        """
        return self._do(self._act(action, asks))

    def close(self) -> None:
        """End the browser, whatever it does."""
        self._thread.close(self._shut(), _CLOSE_S)

    def _do(self, work: Coroutine[Any, Any, R]) -> R:
        """Have the engine's thread do something, and wait for it: each part of it has a limit of its own."""
        future = self._thread.submit(work)
        try:
            return future.result()
        except CancelledError as error:
            raise BrowserError("the browser was closed meanwhile") from error
        except BaseException:
            future.cancel()
            raise

    async def _open(self) -> None:
        if not self._gate.port:
            await self._gate.open()
        try:
            async with asyncio.timeout(_START_S):
                self._driver = self._driver or await self._playwright().start()
                self._browser = await self._driver.chromium.launch(
                    executable_path=self._path,
                    headless=self._policy.headless,
                    chromium_sandbox=is_sandboxed(),
                    args=to_switches(self._gate.port),
                    env=to_environment(),
                )
                await self._pages.open(await self._new_context())
        except Exception as error:
            told = first_line(error) or type(error).__name__
            raise BrowserUnavailable(f"{self._path} does not start: {told}", hint="lllm doctor") from error

    async def _new_context(self) -> Any:
        width, height = self._policy.display.width, self._policy.display.height
        context = await self._browser.new_context(
            viewport={"width": width, "height": height}, service_workers="block", accept_downloads=True
        )
        self._traffic.watch(context)
        return context

    async def _shut(self) -> None:
        for close in (self._browser and self._browser.close, self._driver and self._driver.stop, self._gate.close):
            if close:
                with suppress(Exception):
                    await asyncio.wait_for(close(), _CLOSE_S / 3)

    async def _act(self, action: Action, asks: Asks) -> Seen:
        async with self._one:
            self._asking.begin(asks)
            self._gate.begin()
            self._traffic.begin()
            if not self._browser.is_connected():
                await self._revive()
            await self._try(action)
            try:
                await self._settle()
                seen = await self._look()
            except Exception:  # noqa: BLE001 - Playwright's: it died meanwhile, whatever is noticed first of that
                await self._revive()
                seen = await self._look()
        if self._asking.failure is not None:
            raise self._asking.failure
        return seen

    async def _revive(self) -> None:
        """Start another browser in place of one that died."""
        with suppress(Exception):
            await asyncio.wait_for(self._browser.close(), _CLOSE_S)
        await self._open()
        self._pages.note("the browser died, and was started anew; what it held is lost")

    async def _try(self, action: Action) -> None:
        """Do an action; what keeps it from being done is told to the model."""
        try:
            async with self._asking.limited(self._policy.action_s):
                await self._perform(action)
        except TimeoutError:
            self._pages.note(f"the action was not over within {self._policy.action_s:g} s")
            await _within(self._pages.stop_loading(), None)
        except Exception as error:  # noqa: BLE001 - Playwright's, whose types need its import
            self._pages.note_failure(first_line(error))

    async def _perform(self, action: Action) -> None:
        page = await self._pages.shown()
        match action.kind:
            case "back":
                await self._pages.go_back()
            case "forward":
                await page.go_forward(wait_until="commit", timeout=0)
            case "goto":
                await self._go(page, action.text)
            case "type" | "keypress":
                await self._write(page, action)
            case _:  # a screenshot is what every action ends with
                await perform(page, action)

    async def _go(self, page: Any, url: str) -> None:
        """Go to an address; one of a scheme that no page of the web has is refused before the browser sees it."""
        if url.startswith(("http://", "https://")) or url == "about:blank":
            await page.goto(url, wait_until="commit", timeout=0)
        else:
            self._pages.note(f"going to {url[:200]} was refused: an address begins with http:// or https://")

    async def _write(self, page: Any, action: Action) -> None:
        """Type, piece by piece where a key may lead into another field: a password waits for an approval."""
        for piece in pieces_of(action):
            if await reaches_password(page, piece) and not await self._asking.ask("password", page.url[:200]):
                self._pages.note("typing into a password field was refused")
                return
            await perform(page, piece)

    async def _settle(self) -> None:
        """Wait a little for what an action has led to, and for what somebody is asked about."""
        await asyncio.sleep(_NOTICE_S)
        await self._traffic.rest(self._policy.settle_s, _QUIET_S)
        while self._asking.is_asking:
            await asyncio.sleep(_NOTICE_S)
            await self._traffic.rest(self._policy.settle_s, _QUIET_S)
        if self._gate.is_over:
            self._pages.note(f"loading was cut off at {self._policy.max_bytes:,} bytes")

    async def _look(self) -> Seen:
        page = await self._pages.shown()
        png, tree, title = await self._read(page)
        if title is None and not page.is_closed():
            self._pages.give_up()
        if not png:
            page = await self._pages.shown()
            png, tree, title = await self._read(page)
        return Seen(page.url, title or "", png, tree, self._pages.take_notes())

    async def _read(self, page: Any) -> tuple[bytes, str, str | None]:
        """Return a page's picture, tree and title; the title is None if it does not answer."""
        png = await _within(page.screenshot(timeout=0), None)
        if png is None:
            return b"", "", None
        tree: Awaitable[str] = page.locator("body").aria_snapshot(timeout=0)
        title: Awaitable[str] = page.title()
        told: tuple[str, str | None] = await _within(asyncio.gather(tree, title), ("", None))
        return png, *told


async def _within(answer: Awaitable[Any], otherwise: Any) -> Any:
    """Return what a page answers; something else if it does not, since it hangs or has gone."""
    with suppress(Exception):
        return await asyncio.wait_for(answer, _LOOK_S)
    return otherwise


def _load_playwright() -> Callable[[], Any]:
    try:
        return import_module("playwright.async_api").async_playwright
    except ImportError as error:
        raise BrowserUnavailable(f"Playwright cannot be imported: {error}", hint='pip install "lllm[cua]"') from error
