"""Whether what is typed ends up in a password field.

The question is asked in a world of its own beside the page's, where a page cannot change what the answer is made of. A
page that shows a password field as something else is not seen through.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

from lllm.tools.cua.action import Action

_ANSWER_S, _TRIES = 5.0, 2
_WORLD = "lllm"
_FOCUSED = """(() => { let e = document.activeElement;
while (e && e.shadowRoot && e.shadowRoot.activeElement) e = e.shadowRoot.activeElement;
return e })()"""
_MOVES = re.compile(r"([\t\n\r])")
"""What leads into another field while one types."""
_ARROWS = ("ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown")
_MOVERS = ("Enter", "Tab", "Escape", "Home", "End", "PageUp", "PageDown", *_ARROWS)
_HARMLESS = frozenset({"Control", "Alt", "Meta", "Shift", "Backspace", "Delete", *_MOVERS})
"""Keys that put nothing into a field."""


def pieces_of(action: Action) -> Iterator[Action]:
    """Yield the parts of a text that are typed into one field each; other actions as they are. Pure."""
    if action.kind != "type":
        yield action
        return
    for text in filter(None, _MOVES.split(action.text)):
        yield replace(action, text=text)


async def reaches_password(page: Any, piece: Action) -> bool:
    """Whether a piece puts something into a password field of a page, or of a frame in it; or may, for all we know."""
    if _MOVES.fullmatch(piece.text) or (piece.keys and _HARMLESS.issuperset(piece.keys)):
        return False
    for _ in range(_TRIES):
        with suppress(Exception):  # Playwright's: a frame that goes while it is looked at; then look again
            async with asyncio.timeout(_ANSWER_S):
                return await _is_in_password(page)
    return True


async def _is_in_password(page: Any) -> bool:
    for target in (page, *page.frames[1:]):
        try:
            session = await page.context.new_cdp_session(target)
        except Exception:
            if target is page:
                raise
            continue  # a frame without a process of its own is in its page's, and one that has gone in none
        try:
            tree = await session.send("Page.getFrameTree")
            for frame in _frames_of(tree["frameTree"]):
                if await _has_password(session, frame):
                    return True
        finally:
            with suppress(Exception):
                await session.detach()
    return False


def _frames_of(tree: dict[str, Any]) -> Iterator[str]:
    yield tree["frame"]["id"]
    for child in tree.get("childFrames", ()):
        yield from _frames_of(child)


async def _has_password(session: Any, frame: str) -> bool:
    world = await session.send("Page.createIsolatedWorld", {"frameId": frame, "worldName": _WORLD})
    place = {"expression": _FOCUSED, "contextId": world["executionContextId"]}
    focused = (await session.send("Runtime.evaluate", place))["result"].get("objectId")
    if focused is None:
        return False
    # All of it, since the element may be what holds a closed shadow tree, which no script can look into.
    told = await session.send("DOM.describeNode", {"objectId": focused, "depth": -1, "pierce": True})
    return _is_password(told["node"]) or any(map(_hides_password, told["node"].get("shadowRoots", ())))


def _hides_password(node: dict[str, Any]) -> bool:
    inside = [*node.get("children", ()), *node.get("shadowRoots", ())]
    return any(_is_password(child) or _hides_password(child) for child in inside)


def _is_password(node: dict[str, Any]) -> bool:
    names = node.get("attributes", [])
    told = dict(zip(names[::2], names[1::2], strict=False))
    return node.get("nodeName") == "INPUT" and str(told.get("type", "")).strip().lower() == "password"
