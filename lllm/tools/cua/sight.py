"""What a page shows: its picture, its title, and its structure as a screen reader is told of it."""

from __future__ import annotations

import asyncio
from base64 import b64decode
from collections.abc import Awaitable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

LOOK_S = 8.0
"""How long a page is waited for that does not answer."""
_PICTURE_S = 1.5
"""Of the first try to take one; each further one has twice as long."""
_TREE_S = 4.0
_PAUSE_S = 0.05
_CRASHED = "crashed"
_MAX_ADDRESS_CHARS, _MAX_TITLE_CHARS, _MAX_TREE_CHARS = 2000, 500, 200_000
"""Of what a page says of itself, in the log; the model reads less of the tree."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What a page showed after an action.

    Attributes:
        url, title: of the page.
        png: a picture of the viewport; empty where the page could not be looked at.
        tree: what a screen reader is told of the page, as Playwright writes it in YAML.
        notes: what happened meanwhile that the picture does not tell, such as a dialog.
        hangs: whether the page does not answer.
    """

    url: str
    title: str
    png: bytes
    tree: str
    notes: tuple[str, ...] = ()
    hangs: bool = False


async def look_at(page: Any, *, with_tree: bool) -> Seen:
    """Return what a page shows now; of one that does not answer, what was to be had."""
    png, title, tree, hangs = await take_picture(page), "", "", False
    if png:
        try:
            title = await asyncio.wait_for(page.title(), LOOK_S)
        except TimeoutError:
            hangs = True
        except Exception:  # noqa: BLE001 - Playwright's: it is on its way to another page, of which is known soon
            await asyncio.sleep(_PAUSE_S)
        else:
            tree = await within(_read_tree(page), _TREE_S) if with_tree else ""
    notes = ("the page's structure could not be read",) if tree is None else ()
    return Seen(
        page.url[:_MAX_ADDRESS_CHARS],
        title[:_MAX_TITLE_CHARS],
        png,
        (tree or "")[:_MAX_TREE_CHARS],
        notes,
        hangs or not png,
    )


async def take_picture(page: Any) -> bytes:
    """Return a page's picture, or nothing if it does not answer.

    One that is taken while its page goes over to another one fails, or never comes: it is taken again. The first try
    is Playwright's, which hides the cursor and waits for fonts; those that follow wait for nothing.
    """
    now = asyncio.get_running_loop().time
    end, try_s, take = now() + LOOK_S, _PICTURE_S, _take
    while (left_s := end - now()) > 0:
        limit_s = min(left_s, try_s)
        try:
            return await asyncio.wait_for(take(page, limit_s), limit_s + _PAUSE_S)
        except Exception as error:  # noqa: BLE001 - Playwright's
            if page.is_closed() or _CRASHED in str(error):
                break
        await asyncio.sleep(_PAUSE_S)
        try_s, take = 2 * try_s, _take_at_once
    return b""


async def _take(page: Any, limit_s: float) -> bytes:
    # A limit of its own: Playwright takes the next one only when it has given up on this one.
    return await page.screenshot(timeout=1000 * limit_s)


async def _take_at_once(page: Any, _limit_s: float) -> bytes:
    session = await page.context.new_cdp_session(page)
    try:
        told = await session.send("Page.captureScreenshot", {"format": "png"})
    finally:
        await within(session.detach())
    return b64decode(told["data"])


async def _read_tree(page: Any) -> str:
    has_body = await page.locator("body").count()  # which a picture, or a page that threw it away, has not
    return await page.locator("body" if has_body else ":root").first.aria_snapshot(timeout=0)


async def within(answer: Awaitable[Any], seconds: float = LOOK_S) -> Any:
    """Return what a page, or its browser, answers in time; None if it does not, since it hangs or has gone."""
    with suppress(Exception):
        return await asyncio.wait_for(answer, seconds)
    return None
