"""What a function may return beside plain data: pictures, and that its result is the last one. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

from lllm.models.image import Image


@dataclass(frozen=True, slots=True)
class LastResult:
    """What a function returns to end the rounds of functions: the model answers, and can call none any more.

    Attributes:
        value: what it would have returned otherwise.
    """

    value: Any = ""


class Returned(NamedTuple):
    """A function's value, taken apart.

    Attributes:
        value: what is left of it without its pictures.
        images: those.
        is_last: whether no further round of functions follows.
    """

    value: Any
    images: tuple[Image, ...]
    is_last: bool


def take_apart(value: Any) -> Returned:
    """Return the parts of what a function returned.

    Pictures are an Image, or items of a list or tuple; one item that is left stands for itself.
    """
    is_last = isinstance(value, LastResult)
    if is_last:
        value = value.value
    if isinstance(value, Image):
        return Returned("", (value,), is_last)
    if not isinstance(value, list | tuple):
        return Returned(value, (), is_last)
    items = cast("Sequence[Any]", value)
    pictures = tuple(item for item in items if isinstance(item, Image))
    if not pictures:
        return Returned(items, (), is_last)
    others = [item for item in items if not isinstance(item, Image)]
    return Returned(others[0] if len(others) == 1 else others or "", pictures, is_last)
