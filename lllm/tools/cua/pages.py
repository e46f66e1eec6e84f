"""The open tabs, and what pages do without being asked to: dialogs, new tabs, downloads, file choosers, leaving."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any

from lllm.tools.cua.asking import Asking
from lllm.tools.cua.border import Border
from lllm.tools.cua.policy import BrowserPolicy
from lllm.tools.cua.sites import BLANK, is_address, to_place

_MAX_NOTES, _MORE = 20, "something else happened"
_MAX_TOLD_CHARS = 300
_ABORTED = "ERR_ABORTED"
_OURS = ("ERR_BLOCKED_BY_CLIENT", _ABORTED)
"""How a request fails that we refused, or that something else took the place of."""
_TRIES, _NOTICE_S = 3, 0.05
"""How often a page that goes elsewhere is told to go where it should, and how soon it is known that it did."""
_OF_ERRORS = "chrome-error:"
"""How the address of the page begins that tells of a failure."""
_NOTED_ELSEWHERE = ("net::ERR", "Download is starting")
_NO_NAME = re.compile(r"[^\w. -]+")


class Pages:
    """The tabs of one browser.

    Args:
        policy: what they may do.
        border: where they may go.
        asking: asks about the rest.

    Attributes:
        page: the tab that is shown; None while there is none.
        moves: how often what is shown has become another page, or another tab.
        notes: what happened that a picture does not tell, since they were last taken: how often, by what is told.
    """

    def __init__(self, policy: BrowserPolicy, border: Border, asking: Asking) -> None:
        self._policy, self._border, self._asking = policy, border, asking
        self._context: Any = None
        self._work: set[asyncio.Task[Any]] = set()
        self.page: Any = None
        self.moves = 0
        self._coming: dict[Any, Any] = {}  # the request of the page that a tab goes over to
        self.notes: Counter[str] = Counter()

    async def open(self, context: Any) -> None:
        """Begin with a browser's context, in a blank tab."""
        self._context, self.page = context, None
        await context.route("**/*", self._judge)
        await context.route_web_socket("**/*", self._judge_socket)
        context.on("page", self._take_page)
        await context.new_page()

    async def shown(self) -> Any:
        """Return the tab that is shown; a new one if there is none."""
        if self.page is None or self.page.is_closed():
            await self._context.new_page()
        return self.page

    def give_up(self) -> None:
        """Close a tab that does not answer."""
        self.note("the page does not answer, and was closed; what it held is lost")
        page, self.page = self.page, None
        self._begin(page.close())

    def is_leaving(self, page: Any) -> bool:
        """Whether a tab has set out for another page, and cannot be looked at before that comes."""
        return page in self._coming

    async def wait_for_page(self, seconds: float) -> bool:
        """Wait for a page that the tab has set out for, such as the answer to a form; return whether it came."""
        coming, end = self._coming.get(self.page), asyncio.get_running_loop().time() + seconds
        while coming is not None and self._coming.get(self.page) is coming:  # an event cannot tell that it did not
            if asyncio.get_running_loop().time() > end:
                return False
            await asyncio.sleep(_NOTICE_S)
        return True

    async def stop_loading(self) -> None:
        """Stop what the tab is loading: until it comes, or never does, the tab could not be looked at."""
        self._coming.pop(self.page, None)
        session = await self._context.new_cdp_session(self.page)
        await session.send("Page.stopLoading")

    async def go_to(self, url: str) -> None:
        """Go to an address; one of a scheme that no page of the web has is refused before the browser sees it.

        A page that goes somewhere by itself meanwhile may take its place, and is left all the same if that can be.
        """
        if not is_address(url) and url != BLANK:
            self.note(f"going to {url[:200]} was refused: an address begins with http:// or https://")
            return
        for _ in range(_TRIES):
            page, moves = await self.shown(), self.moves
            try:
                await page.goto(url, wait_until="commit", timeout=0)
            except Exception as error:
                if _ABORTED not in str(error):
                    raise
                await asyncio.sleep(_NOTICE_S)
                if moves == self.moves:
                    self.note(f"{_short(url)} led to no page")
                    return
            else:
                return
        self.note(f"the page goes on by itself, and did not let go for {_short(url)}")

    async def go_back(self) -> None:
        """Go back in the history of the tab; from its first page, back to the tab before it."""
        others = [page for page in self._context.pages if page is not self.page]
        if others and await self._is_at_first():
            await self.page.close()
        else:
            await self.page.go_back(wait_until="commit", timeout=0)

    def note(self, text: str) -> None:
        """Tell the model of something."""
        self.notes[text if text in self.notes or len(self.notes) < _MAX_NOTES else _MORE] += 1

    def note_failure(self, text: str) -> None:
        """Tell the model of what the browser raised, unless it was noted when it happened."""
        if not any(known in text for known in _NOTED_ELSEWHERE):
            self.note(f"the browser says: {text}")

    def take_notes(self) -> tuple[str, ...]:
        """Return what is to be told, once."""
        notes, self.notes = self.notes, Counter()
        return tuple(f"{text} ({times} times)" if times > 1 else text for text, times in notes.items())

    # --- tabs ------------------------------------------------------------------------------------------------------

    def _take_page(self, page: Any) -> None:
        """Go on in a tab that was opened, by us or by another page."""
        if self.page is not None and not self.page.is_closed():
            if len(self._context.pages) > self._policy.max_tabs:
                self.note("a new tab was closed at once: too many are open")
                self._begin(page.close())
                return
            self.note("a new tab was opened, and is shown now; going back from its first page closes it")
        self.page = page
        self.moves += 1
        page.on("dialog", self._answer)
        page.on("crash", self._tell_crash)
        page.on("close", self._leave)
        page.on("download", self._take_download)
        page.on("filechooser", self._take_chooser)
        page.on("requestfailed", self._tell_failure)
        page.on("framenavigated", self._count)

    def _leave(self, page: Any) -> None:
        self._coming.pop(page, None)
        if page is self.page:
            others = [other for other in self._context.pages if other is not page]
            self.page = others[-1] if others else None
            self.moves += 1
            self.note("the tab was closed")

    def _count(self, frame: Any) -> None:
        """Count a new page of the tab that is shown, and not what a page calls its address or does in a frame."""
        if frame.parent_frame is not None:
            return
        coming = self._coming.get(frame.page)
        if frame.url.startswith(_OF_ERRORS) or (coming is not None and _leads_to(coming, frame.url)):
            self._coming.pop(frame.page, None)
            self.moves += frame.page is self.page

    async def _is_at_first(self) -> bool:
        session = await self._context.new_cdp_session(self.page)
        history = await session.send("Page.getNavigationHistory")
        return history["currentIndex"] == 0

    def _tell_crash(self, page: Any) -> None:
        self._coming.pop(page, None)
        self.note("the page crashed")

    def _tell_failure(self, request: Any) -> None:
        """Tell why a page is not there; what it only wanted to load beside itself is its own business."""
        if not _is_page(request):
            return
        first = _first_of(request)
        self._coming = {page: coming for page, coming in self._coming.items() if coming is not first}
        if request.failure and not request.failure.endswith(_OURS):
            self.note(f"{_short(request.url)} could not be loaded: {_short(request.failure)}")

    # --- what waits for an answer ------------------------------------------------------------------------------------

    async def _answer(self, dialog: Any) -> None:
        """Answer a dialog at once, since its page stands still meanwhile."""
        accepts = dialog.type in ("alert", "beforeunload") or self._policy.accepts_dialogs
        told = f"{_short(dialog.message)!r}; it was {'accepted' if accepts else 'declined'}"
        self.note(f"a dialog ({dialog.type}) said {told}")
        with suppress(Exception):  # its page may be gone
            await (dialog.accept() if accepts else dialog.dismiss())

    async def _take_download(self, download: Any) -> None:
        name = _NO_NAME.sub("_", Path(download.suggested_filename).name)[:100].strip(". ") or "download"
        what = f"{name} from {_short(download.url)}"
        if not self._policy.downloads or not await self._asking.ask("download", what):
            self.note(f"a download was refused: {name}")
            with suppress(Exception):  # its page may be gone
                await download.cancel()
            return
        try:
            place = Path(self._policy.downloads) / name
            place.open("xb").close()  # it is ours from now on: nothing else is overwritten
            await download.save_as(place)
        except Exception as error:  # noqa: BLE001 - Playwright's, or the disk's; the model reads it
            self.note(f"{name} could not be saved: {first_line(error)}")
        else:
            self.note(f"a download was saved as {name}")

    async def _take_chooser(self, chooser: Any) -> None:
        files = self._policy.uploads if chooser.is_multiple() else self._policy.uploads[:1]
        names = ", ".join(Path(file).name for file in files)
        if files and await self._asking.ask("file", f"{names} for {_short(chooser.page.url)}"):
            try:
                await chooser.set_files(list(files))
            except Exception as error:  # noqa: BLE001 - Playwright's; the model reads it
                self.note(f"{names} could not be chosen: {first_line(error)}")
            else:
                self.note(f"a file chooser was opened, and {names} chosen")
        else:
            self.note("a file chooser was opened; no file was chosen")

    # --- what is loaded ----------------------------------------------------------------------------------------------

    async def _judge(self, route: Any, request: Any) -> None:
        """Let a request through, or not. What does not come past here, such as a redirect, comes to the gate."""
        url: str = request.url
        is_page = _is_page(request)
        allowed = self._border.allows(url)
        place = to_place(url)
        if not allowed and is_page and place is not None and await self._asking.ask("leave", _short(url)):
            self._border.open_for(place)
            allowed = True
        with suppress(Exception):  # its page may be gone
            if allowed:
                if is_page and (page := _page_of(request)) is not None:
                    self._coming[page] = request
                await route.continue_()
            else:
                self.note(f"{'leaving for' if is_page else 'loading'} {_short(url)} was refused")
                await route.abort("blockedbyclient")

    def _judge_socket(self, route: Any) -> None:
        if self._border.allows(route.url):
            route.connect_to_server()
        else:
            self.note(f"a connection to {_short(route.url)} was refused")

    def _begin(self, work: Coroutine[Any, Any, Any]) -> None:
        """Do something beside; what it raises is nobody's concern, since its page is going."""
        task = asyncio.get_running_loop().create_task(work)
        self._work.add(task)
        task.add_done_callback(self._end)

    def _end(self, task: asyncio.Task[Any]) -> None:
        self._work.discard(task)
        if not task.cancelled():
            task.exception()


def first_line(error: Exception) -> str:
    """Return what an error says, in a line."""
    return _short(str(error).strip().split("\n", 1)[0])


def _short(text: str) -> str:
    return text if len(text) <= _MAX_TOLD_CHARS else f"{text[:_MAX_TOLD_CHARS]}..."


def _is_page(request: Any) -> bool:
    if not request.is_navigation_request():
        return False
    try:
        return request.frame.parent_frame is None
    except Exception:  # noqa: BLE001 - Playwright's: a page that is only being opened has no frame yet
        return True


def _leads_to(request: Any, url: str) -> bool:
    """Whether a page is the one that was asked for, or that the answer led on to."""
    while request.redirected_to is not None:
        request = request.redirected_to
    return request.url.partition("#")[0] == url.partition("#")[0]


def _first_of(request: Any) -> Any:
    """Return the request whose answer led on to this one."""
    while request.redirected_from is not None:
        request = request.redirected_from
    return request


def _page_of(request: Any) -> Any:
    """Return the tab that a request is of; None for one that is only being opened."""
    try:
        return request.frame.page
    except Exception:  # noqa: BLE001 - as above
        return None
