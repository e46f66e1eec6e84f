"""Sentences out of skeletons: ``(a|b|)`` is one of several, ``$name`` is a slot. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from random import Random

_CHOICE = re.compile(r"\(([^()]*\|[^()]*)\)")
_SLOT = re.compile(r"\$([a-z_]+)")
_BLANKS = re.compile(r"  +")

Slots = Mapping[str, str | Sequence[str]]


def fill(random: Random, skeleton: str, slots: Slots) -> str:
    """Return a sentence of a skeleton.

    Args:
        random: where all chance comes from.
        skeleton: ``(a|b|)`` is one of its parts, which may hold more of such; ``$name`` is a slot; a bracket without
            ``|`` is a bracket.
        slots: a text, which is put in as it is, or several to choose from, which are skeletons again.

    Raises:
        KeyError: the skeleton names a slot that there is not.
    """
    while "(" in skeleton:
        chosen = _CHOICE.sub(lambda found: random.choice(_parts(found[1])), skeleton)
        if chosen == skeleton:
            break
        skeleton = chosen
    skeleton = _BLANKS.sub(" ", skeleton).strip()
    return _SLOT.sub(lambda found: _slot(random, slots[found[1]], slots), skeleton)


def capital(text: str) -> str:
    """Return a text whose first letter is a capital."""
    return text[:1].upper() + text[1:]


@lru_cache(maxsize=4096)
def _parts(text: str) -> tuple[str, ...]:
    return tuple(text.split("|"))


def _slot(random: Random, value: str | Sequence[str], slots: Slots) -> str:
    return value if isinstance(value, str) else fill(random, random.choice(value), slots)
