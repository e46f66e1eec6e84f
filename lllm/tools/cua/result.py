"""What was seen after an action: as the log keeps it, and as a model is told of it. Pure."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lllm.models.image import Image
from lllm.tools.cua.action import Action
from lllm.tools.cua.sight import Seen

_NOTE = "note: "


def to_about(action: Action) -> dict[str, Any]:
    """Return what the log says of an action before it is done; ``path`` is for who draws it."""
    told: dict[str, Any] = {"action": action.tell()}
    return {**told, "path": [[*point] for point in action.path]} if action.path else told


def to_value(seen: Seen) -> dict[str, Any]:
    """Return what was seen as plain JSON data."""
    return {
        "url": seen.url,
        "title": seen.title,
        "notes": list(seen.notes),
        "tree": seen.tree,
        "png": b64encode(seen.png).decode(),
    }


def to_text(value: Mapping[str, Any], tree_chars: int) -> str:
    """Return what a model reads beside the picture: where it is, what happened, and the page's structure."""
    tree: str = value["tree"]
    if len(tree) > tree_chars:
        tree = f"{tree[:tree_chars]}\n[cut: {tree_chars} of {len(tree)} characters]" if tree_chars else ""
    lines = [f"{value['title'] or '(no title)'} at {value['url']}", *to_lines(value["notes"]), tree]
    return "\n".join(filter(None, lines))


def to_lines(notes: Sequence[str]) -> Iterator[str]:
    """Yield a line for each note."""
    return (f"{_NOTE}{note}" for note in notes)


def to_result(text: str, value: Mapping[str, Any] | None) -> str | list[Any]:
    """Return a text with the picture that was taken, if one was."""
    return [text, Image(value["png"])] if value and value["png"] else text
