"""What a model may do with a browser, as values: read from what it said, checked against the display. Pure.

The kinds and their fields are those of the responses format's computer-use tool (read 2026-11), and ``goto``. Places
are pixels of the page's viewport, from its upper left corner.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

from lllm.errors import ConfigError, ParseError
from lllm.models.plain import show

MAX_TEXT_CHARS = 10_000
MAX_PLACES = 200
MAX_KEYS = 20
MAX_WAIT_MS = 30_000
MAX_DISPLAY = 8192
_DEFAULT_WAIT_MS = 1000
_MAX_PIXELS = 1_000_000
HARMLESS = frozenset({"screenshot", "move", "wait"})
"""Kinds that change nothing: doing one twice is as doing it once."""

_BUTTONS = {"left": "left", "right": "right", "middle": "middle", "wheel": "middle"}
_MODIFIERS = frozenset({"Control", "Alt", "Meta"})
_ENDS = (frozenset({"Control", "w"}), frozenset({"Alt", "F4"}), frozenset({"Meta", "w"}))
"""Chords that close a window: they end the run, and never reach the browser."""
_KEYS = {
    "ctrl": "Control", "control": "Control", "cmd": "Meta", "command": "Meta", "meta": "Meta", "super": "Meta",
    "win": "Meta", "alt": "Alt", "option": "Alt", "shift": "Shift", "enter": "Enter", "return": "Enter", "tab": "Tab",
    "esc": "Escape", "escape": "Escape", "space": " ", "backspace": "Backspace", "delete": "Delete", "del": "Delete",
    "insert": "Insert", "home": "Home", "end": "End", "pageup": "PageUp", "page_up": "PageUp", "pagedown": "PageDown",
    "page_down": "PageDown", "left": "ArrowLeft", "arrowleft": "ArrowLeft", "right": "ArrowRight",
    "arrowright": "ArrowRight", "up": "ArrowUp", "arrowup": "ArrowUp", "down": "ArrowDown", "arrowdown": "ArrowDown",
    "capslock": "CapsLock", "plus": "+", "minus": "-", "comma": ",", "period": ".", "slash": "/",
    **{f"f{number}": f"F{number}" for number in range(1, 13)},
}  # fmt: skip


class Point(NamedTuple):
    """A place in the viewport, in pixels."""

    x: int
    y: int


NOWHERE = Point(0, 0)


@dataclass(frozen=True, slots=True)
class Display:
    """The viewport that a model sees, in pixels.

    Raises:
        ConfigError: it has no such size.
    """

    width: int = 1280
    height: int = 800

    def __post_init__(self) -> None:
        for name in ("width", "height"):
            pixels: Any = getattr(self, name)
            if isinstance(pixels, bool) or not isinstance(pixels, int) or not 1 <= pixels <= MAX_DISPLAY:
                raise ConfigError(f"the display's {name} is {show(pixels):.40}; it must be 1 to {MAX_DISPLAY} pixels")


@dataclass(frozen=True, slots=True)
class Action:
    """One thing to do.

    Attributes:
        kind: ``click, double_click, drag, scroll, move, keypress, type, wait, screenshot, back, forward, goto``.
        path: where: one place, or those that a drag goes through.
        button: of a click.
        scroll: how far, in pixels, to the right and down.
        keys: that are pressed together, or held while the mouse does something; as Playwright names them.
        text: that is typed, or the address that is gone to.
        wait_ms: milliseconds.
    """

    kind: str
    path: tuple[Point, ...] = ()
    button: str = "left"
    scroll: Point = NOWHERE
    keys: tuple[str, ...] = ()
    text: str = ""
    wait_ms: int = 0

    @property
    def ends_run(self) -> bool:
        """Whether its keys would close the window."""
        pressed = {key.lower() if len(key) == 1 else key for key in self.keys}
        return any(chord <= pressed for chord in _ENDS)

    def tell(self) -> str:
        """Return the action in a line, for logs and approvals."""
        places = " ".join(f"({point.x}, {point.y})" for point in self.path)
        more = {
            "click": "" if self.button == "left" else f"with the {self.button} button",
            "scroll": f"by {self.scroll.x}, {self.scroll.y}",
            "type": repr(self.text),
            "goto": to_line(self.text),
            "wait": f"{self.wait_ms} ms",
        }.get(self.kind, "")
        return " ".join(part for part in ("+".join(self.keys), self.kind, places, more) if part)


def to_line(text: str) -> str:
    """Return a text that anybody may have written without what would begin a line, or move a terminal's cursor."""
    return "".join(char if char.isprintable() else "?" for char in text)


def to_fields(told: Any) -> Mapping[str, Any]:
    """Return what may be a mapping as one; an empty one where it is none."""
    return cast("Mapping[str, Any]", told) if isinstance(told, Mapping) else {}


def parse_action(told: Mapping[str, Any], display: Display) -> Action:
    """Return the action that a model asks for.

    Args:
        told: ``type`` and its fields: ``x, y, button``; ``path`` of ``{x, y}``; ``scroll_x, scroll_y``; ``keys``;
            ``text``; ``url``; ``ms``.
        display: whose bounds hold.

    Raises:
        ParseError: there is no such action, a field is missing or of a wrong type, or a place is off the display; the
            text is for the model.
    """
    kind = told.get("type")
    read = _READERS.get(kind) if isinstance(kind, str) else None
    if read is None:
        raise ParseError(f"there is no action {show(kind):.60}; there are: {', '.join(_READERS)}")
    return read(_Told(told, display))


def parse_keys(told: Any) -> tuple[str, ...]:
    """Return keys as Playwright names them, from a list or from a text such as ``Ctrl+Shift+T``.

    Raises:
        ParseError: there are none, or one is no key.
    """
    listed = cast("list[Any]", told) if isinstance(told, list) else [told]
    if not 1 <= len(listed) <= MAX_KEYS or not all(isinstance(key, str) and key for key in listed):
        raise ParseError("keys must be a list of names of keys, such as ['Ctrl', 'A']")
    keys = [_to_key(part) for key in cast("list[str]", listed) for part in _split(key)]
    if _MODIFIERS.isdisjoint(keys) or "Shift" in keys:
        return tuple(keys)
    return tuple(key.lower() if len(key) == 1 else key for key in keys)  # Ctrl+A is no Ctrl+Shift+A


def _split(chord: str) -> list[str]:
    """Return the keys of ``Ctrl+A``; a plus at the end, behind another one, is a key itself."""
    if len(chord) == 1:
        return [chord]
    if chord.endswith("++"):
        return [*chord[:-2].split("+"), "+"]
    return chord.split("+")


def _to_key(name: str) -> str:
    name = name.strip() or name
    known = _KEYS.get(name.lower().replace(" ", ""))
    if known is not None:
        return known
    if len(name) == 1 and name.isprintable():
        return name
    raise ParseError(f"there is no key {name[:40]!r}")


class _Told:
    """Reads the fields of an action."""

    def __init__(self, told: Mapping[str, Any], display: Display) -> None:
        self._told, self._display = told, display

    def whole(self, name: str, default: int | None = None) -> int:
        value: Any = self._told.get(name)
        value = default if value is None else value
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if is_number and -_MAX_PIXELS <= value <= _MAX_PIXELS:  # which no NaN is
            return round(value)
        raise ParseError(f"{name} must be a number, not {show(value):.40}")

    def text(self, name: str) -> str:
        value = self._told.get(name)
        if not isinstance(value, str) or not value:
            raise ParseError(f"{name} must be a text")
        if len(value) > MAX_TEXT_CHARS:
            raise ParseError(f"{name} has {len(value)} characters; {MAX_TEXT_CHARS} are allowed")
        return value

    def button(self) -> str:
        name = self._told.get("button") or "left"
        if name in ("back", "forward"):  # a mouse's own keys for them
            return name
        if not isinstance(name, str) or name not in _BUTTONS:
            raise ParseError(f"there is no button {show(name):.40}; there are: {', '.join(_BUTTONS)}")
        return _BUTTONS[name]

    def held(self) -> tuple[str, ...]:
        """Return the keys that are held meanwhile."""
        return parse_keys(self._told["keys"]) if self._told.get("keys") else ()

    def keys(self) -> tuple[str, ...]:
        return parse_keys(self._told.get("keys"))

    def place(self) -> tuple[Point, ...]:
        return (self._on_display(Point(self.whole("x"), self.whole("y"))),)

    def path(self) -> tuple[Point, ...]:
        told = self._told.get("path")
        if not isinstance(told, list) or not 2 <= len(cast("list[Any]", told)) <= MAX_PLACES:
            raise ParseError(f"path must be a list of 2 to {MAX_PLACES} places")
        return tuple(self._step_of_path(item) for item in cast("list[Any]", told))

    def _step_of_path(self, item: Any) -> Point:
        pair = cast("list[Any]", item) if isinstance(item, list) else []
        fields = dict(zip("xy", pair, strict=True)) if len(pair) == 2 else to_fields(item)
        return _Told(fields, self._display).place()[0]

    def _on_display(self, point: Point) -> Point:
        width, height = self._display.width, self._display.height
        if not (0 <= point.x < width and 0 <= point.y < height):
            raise ParseError(f"({point.x}, {point.y}) is off the display, which is {width} wide and {height} high")
        return point


def _click(told: _Told) -> Action:
    button = told.button()
    if button in ("back", "forward"):
        return Action(button)
    return Action("click", told.place(), button, keys=told.held())


def _scroll(told: _Told) -> Action:
    far = Point(told.whole("scroll_x", 0), told.whole("scroll_y", 0))
    return Action("scroll", told.place(), scroll=far, keys=told.held())


def _wait(told: _Told) -> Action:
    return Action("wait", wait_ms=min(max(told.whole("ms", _DEFAULT_WAIT_MS), 0), MAX_WAIT_MS))


_READERS: Mapping[str, Callable[[_Told], Action]] = {
    "click": _click,
    "double_click": lambda told: Action("double_click", told.place(), keys=told.held()),
    "move": lambda told: Action("move", told.place(), keys=told.held()),
    "drag": lambda told: Action("drag", told.path(), keys=told.held()),
    "scroll": _scroll,
    "keypress": lambda told: Action("keypress", keys=told.keys()),
    "type": lambda told: Action("type", text=told.text("text")),
    "wait": _wait,
    "screenshot": lambda _told: Action("screenshot"),
    "back": lambda _told: Action("back"),
    "forward": lambda _told: Action("forward"),
    "goto": lambda told: Action("goto", text=told.text("url")),
}
