"""Plain functions by which any model that sees pictures drives a browser, and the one of the responses format."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

from lllm.models.function import Function
from lllm.models.returned import LastResult
from lllm.providers.wire.responses_items import COMPUTER
from lllm.tools.cua.action import HARMLESS
from lllm.tools.cua.approval import Approve
from lllm.tools.cua.policy import BrowserPolicy
from lllm.tools.cua.tool import BrowserTool

_X = {"type": "integer", "description": "pixels from the left edge of the picture"}
_Y = {"type": "integer", "description": "pixels from its upper edge"}
_PLACE = {"x": _X, "y": _Y}
_POINT = {"type": "object", "properties": _PLACE, "required": ["x", "y"], "additionalProperties": False}
_BUTTON = {"type": "string", "enum": ["left", "right", "middle"], "description": "left by default"}
_PATH = {"type": "array", "items": _POINT, "description": "two places or more"}
_RIGHT = {"type": "integer", "description": "pixels to the right"}
_DOWN = {"type": "integer", "description": "pixels down; negative is up"}
_KEYS = {"type": "array", "items": {"type": "string"}, "description": "such as ['Ctrl', 'A'] or ['Enter']"}


class _Told(NamedTuple):
    """What a model is told of one function."""

    kind: str
    description: str
    properties: Mapping[str, Any]
    required: tuple[str, ...] = ()


_XY = ("x", "y")
_ALL = {
    "screenshot": _Told("screenshot", "Look at the page.", {}),
    "goto": _Told("goto", "Go to an address.", {"url": {"type": "string", "description": "with https://"}}, ("url",)),
    "click": _Told("click", "Click at a place of the picture.", {**_PLACE, "button": _BUTTON}, _XY),
    "double_click": _Told("double_click", "Click twice at a place of the picture.", _PLACE, _XY),
    "move": _Told("move", "Move the mouse to a place, without a click.", _PLACE, _XY),
    "drag": _Told("drag", "Press the mouse at the first place, let go at the last.", {"path": _PATH}, ("path",)),
    "scroll": _Told("scroll", "Turn the wheel over a place.", {**_PLACE, "scroll_x": _RIGHT, "scroll_y": _DOWN}, _XY),
    "press_keys": _Told("keypress", "Press keys together; Ctrl+W ends the run.", {"keys": _KEYS}, ("keys",)),
    "type_text": _Told("type", "Type a text where the cursor is.", {"text": {"type": "string"}}, ("text",)),
    "wait": _Told("wait", "Wait for the page.", {"ms": {"type": "integer", "description": "milliseconds"}}),
    "go_back": _Told("back", "Go back in the history; from the first page of a tab, to the tab before it.", {}),
    "go_forward": _Told("forward", "Go forward in the history.", {}),
}  # fmt: skip


def browser_functions(policy: BrowserPolicy, approve: Approve | None = None) -> tuple[Function, ...]:
    """Return the functions for a prompt's ``functions_list``; they share one browser a session.

    Args:
        policy: what the browser may load and do; without ``sites`` it is nothing.
        approve: decides what the policy asks about, while the browser waits; None refuses all of it.
    """
    tool = BrowserTool(policy, approve)
    return tuple(
        Function(
            name,
            told.description,
            told.properties,
            required=told.required,
            function=partial(_act, tool, told.kind),
            repeatable=told.kind in HARMLESS,
            allow_repeat=True,
            serial=True,
        )
        for name, told in _ALL.items()
    )


def computer_function(policy: BrowserPolicy, approve: Approve | None = None, *, preview: bool = False) -> Function:
    """Return the computer-use tool of the responses format, played by a browser here.

    Args:
        policy: see :func:`browser_functions`.
        approve: also decides about safety checks that the vendor reports (kind ``safety``).
        preview: declare it as the model ``computer-use-preview`` knows it.
    """
    display = policy.display
    size = {"display_width": display.width, "display_height": display.height}
    old = {"type": "computer_use_preview", **size, "environment": "browser"}
    return Function(
        COMPUTER,
        "Use a browser.",
        {"actions": {"type": "array"}, "pending_safety_checks": {"type": "array"}},
        required=["actions"],
        function=BrowserTool(policy, approve).act_all,
        allow_repeat=True,
        serial=True,
        vendor=old if preview else {"type": "computer"},
    )


def _act(tool: BrowserTool, kind: str, **fields: Any) -> str | list[Any] | LastResult:
    return tool.act({"type": kind, **fields})
