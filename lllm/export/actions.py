"""What a model did in a browser, and what was asked about it, as a person reads them. Pure.

Both are steps of the session (``lllm.tools.cua`` makes them). A question that an action led to stands with it. A log
may come from anywhere: a picture is one only when its bytes are, and an approval was given only where that is said.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, cast

from lllm.export.facts import dict_of, text_of, to_number, to_text
from lllm.sandbox.shown.display import to_safe
from lllm.sandbox.shown.pictures import Picture, parse_picture

BROWSER, APPROVAL = "browser", "approval"  # the names of the steps; what makes them would be a heavy import
PNG = "image/png"
NO_PICTURE = f"[{PNG}: no such picture, or one that is too large]"
OPEN = "no end is logged"
_TEXT_CHARS, _MOST_NOTES, _MOST_PLACES = 2000, 100, 200


@dataclass(slots=True)
class ApprovalView:
    """One question whether something is allowed.

    Attributes:
        seq: of the event that began it.
        asked: what kind of thing it is about: ``leave, download, file, password`` or ``safety``.
        what: the address, the file, or what the model's vendor says.
        status: ``open`` when no answer is logged, ``failed`` when asking failed; of all else only a granted one is.
        by: who, or what, decided.
        error: what the asking failed of.
    """

    seq: int
    asked: str
    what: str
    status: Literal["open", "granted", "refused", "failed"] = "open"
    by: str = ""
    error: str = ""
    kind: Literal["approval"] = "approval"


@dataclass(slots=True)
class ActionView:
    """One action in a browser, and what was seen after it. Its texts are cut and safe to print, but for the tree.

    Attributes:
        seq: of the event that began it.
        action: in a line.
        status: ``open`` when neither a view nor an error is logged.
        url, title: of the page.
        notes: what happened that the picture does not tell.
        tree: what a screen reader is told of the page, as YAML; as it is logged.
        picture: of the page; None where none was taken, or where it is none.
        error: what it failed of.
        approvals: what was asked meanwhile.
        path: where the mouse was, in pixels of the picture: one place, or those of a drag; once the action has ended,
            none unless all of them are inside the picture.
    """

    seq: int
    action: str
    status: Literal["open", "ok", "failed"] = "open"
    url: str = ""
    title: str = ""
    notes: list[str] = field(default_factory=list[str])
    tree: str = ""
    picture: Picture | None = None
    error: str = ""
    approvals: list[ApprovalView] = field(default_factory=list[ApprovalView])
    path: list[tuple[float, float]] = field(default_factory=list[tuple[float, float]])
    kind: Literal["action"] = "action"


def parse_begun(seq: int, data: dict[str, Any]) -> ActionView | ApprovalView | None:
    """Return the action or the question that a step's event begins; None where the step is another one."""
    about, name = dict_of(data, "about"), text_of(data, "name")
    if name == BROWSER and isinstance(about.get("action"), str):
        return ActionView(seq, _cut(about["action"]), path=_path_of(about))
    if name == APPROVAL and isinstance(about.get("kind"), str) and isinstance(about.get("what"), str):
        return ApprovalView(seq, _cut(about["kind"]), _cut(about["what"]))
    return None


def parse_ended(seq: int, data: dict[str, Any]) -> ActionView | ApprovalView | None:
    """Return the action or the question that an event ends, as far as it alone tells; None where it ends none."""
    value, name = dict_of(data, "value"), text_of(data, "name")
    item: ActionView | ApprovalView | None = None
    if name == BROWSER and isinstance(value.get("url"), str) and isinstance(value.get("png"), str):
        item = ActionView(seq, "")
    elif name == APPROVAL and isinstance(value.get("granted"), bool):
        item = ApprovalView(seq, "", "")
    if item is not None:
        finish_action(item, data)
    return item


def finish_action(item: ActionView | ApprovalView, data: dict[str, Any]) -> None:
    """Write into an action or a question what came of it, as its event tells it."""
    value = dict_of(data, "value")
    if "error" in data:
        item.status, item.error = "failed", _cut(text_of(data, "error"))
    elif isinstance(item, ApprovalView):
        item.status, item.by = "granted" if value.get("granted") is True else "refused", _cut(text_of(value, "by"))
    else:
        item.status = "ok"
        item.url, item.title, item.tree = _cut(text_of(value, "url")), _cut(text_of(value, "title")), _tree_of(value)
        notes: Any = value.get("notes")
        told = cast("list[Any]", notes)[:_MOST_NOTES] if isinstance(notes, list) else []
        item.notes = [_cut(to_text(note)) for note in told]
        item.picture = parse_picture(PNG, value.get("png"))
        if value.get("png") and item.picture is None:
            item.notes.append(NO_PICTURE)
    if isinstance(item, ActionView) and not _is_inside(item.path, item.picture):
        item.path = []


def render_action(action: ActionView, limit_chars: int) -> str:
    """Return an action and what came of it on one line, each part of it cut, and its notes in lines below it."""
    notes = [f"  note: {to_line(note, 4 * limit_chars)}" for note in action.notes]
    asked = [f"  {render_approval(approval, limit_chars)}" for approval in action.approvals]
    first = f"{BROWSER}: {to_line(action.action, limit_chars)} -> {render_seen(action, limit_chars)}"
    return "\n".join([first, *notes, *asked])


def render_seen(action: ActionView, limit_chars: int) -> str:
    """Return on one line what came of an action."""
    if action.status == "open":
        return OPEN
    if action.status == "failed":
        return f"failed: {to_line(action.error, 2 * limit_chars)}"
    return f"{to_line(action.title, limit_chars) or '(no title)'} at {to_line(action.url, 2 * limit_chars)}"


def render_approval(approval: ApprovalView, limit_chars: int) -> str:
    """Return a question and its answer on one line."""
    asked = f"{to_line(approval.asked, limit_chars)} {to_line(approval.what, 2 * limit_chars)}"
    return f"{APPROVAL}: {asked} -> {render_answer(approval, limit_chars)}"


def render_answer(approval: ApprovalView, limit_chars: int) -> str:
    """Return on one line what was answered."""
    if approval.status == "open":
        return OPEN
    told = approval.error if approval.status == "failed" else approval.by
    return f"{approval.status} ({to_line(told, limit_chars)})" if told else approval.status


def to_line(text: str, limit_chars: int) -> str:
    """Return the start of a text on one line, safe to print."""
    line = " ".join(to_safe(text[: limit_chars * 4]).split())
    return line if len(line) <= limit_chars else f"{line[: limit_chars - 1]}…"


def _tree_of(value: dict[str, Any]) -> str:
    return value["tree"] if isinstance(value.get("tree"), str) else ""


def _path_of(about: dict[str, Any]) -> list[tuple[float, float]]:
    """Return the places of the mouse; none where one of them is none, or where they are too many."""
    told: Any = about.get("path")
    listed = cast("list[Any]", told) if isinstance(told, list) else []
    places = [place for place in map(_to_place, listed[:_MOST_PLACES]) if place is not None]
    return places if len(places) == len(listed) else []


def _to_place(told: Any) -> tuple[float, float] | None:
    pair = cast("list[Any]", told) if isinstance(told, list) else []
    numbers = [number for number in map(to_number, pair[:2]) if number is not None]
    return (numbers[0], numbers[1]) if len(numbers) == len(pair) == 2 else None


def _is_inside(path: list[tuple[float, float]], picture: Picture | None) -> bool:
    return picture is not None and all(0 <= x < picture.width and 0 <= y < picture.height for x, y in path)


def _cut(text: str) -> str:
    return to_safe(text[:_TEXT_CHARS])
