"""Mouse and keyboard: how each kind of action is done to a page."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

from lllm.tools.cua.action import Action

_RELEASE_S = 2.0
_DRAG_STEPS = 5
"""Pages look at how a drag moves, not only where it ends."""


async def perform(page: Any, action: Action) -> None:
    """Do to a page what mouse and keyboard can; other kinds are not done here."""
    hands = _HANDS.get(action.kind)
    if hands is None:
        return
    async with _held(page, action.keys if action.path else ()):
        await hands(page, action)


@asynccontextmanager
async def _held(page: Any, keys: tuple[str, ...]) -> AsyncGenerator[None]:
    for key in keys:
        await page.keyboard.down(key)
    try:
        yield
    finally:
        for key in reversed(keys):
            await _let_go(page.keyboard.up(key))


async def _let_go(released: Awaitable[Any]) -> None:
    """Let a key or a button go, also when the action has run out of its time: the next page would find it pressed."""
    with suppress(Exception):
        await asyncio.wait_for(released, _RELEASE_S)


async def _click(page: Any, action: Action) -> None:
    await page.mouse.click(*action.path[0], button=action.button)


async def _double_click(page: Any, action: Action) -> None:
    await page.mouse.dblclick(*action.path[0])


async def _move(page: Any, action: Action) -> None:
    await page.mouse.move(*action.path[0])


async def _drag(page: Any, action: Action) -> None:
    await page.mouse.move(*action.path[0])
    await page.mouse.down()
    try:
        for place in action.path[1:]:
            await page.mouse.move(*place, steps=_DRAG_STEPS)
    finally:
        await _let_go(page.mouse.up())


async def _scroll(page: Any, action: Action) -> None:
    await page.mouse.move(*action.path[0])
    await page.mouse.wheel(*action.scroll)


async def _press(page: Any, action: Action) -> None:
    async with _held(page, action.keys):
        pass


async def _type(page: Any, action: Action) -> None:
    if action.text == "\t":  # which Playwright would insert, and not press
        await page.keyboard.press("Tab")
    else:
        await page.keyboard.type(action.text)


async def _wait(_page: Any, action: Action) -> None:
    await asyncio.sleep(action.wait_ms / 1000)


_HANDS: Mapping[str, Callable[[Any, Action], Awaitable[None]]] = {
    "click": _click,
    "double_click": _double_click,
    "move": _move,
    "drag": _drag,
    "scroll": _scroll,
    "keypress": _press,
    "type": _type,
    "wait": _wait,
}
