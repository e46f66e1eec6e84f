"""Answers that miss the form that was asked for, and what the machine then says. Pure.

The faults are told by the parsers of this project themselves, so that the texts are those that a model will read.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from random import Random
from typing import Any, NamedTuple

from lllm.errors import ParseError
from lllm.models.prompt import EXCEPTION_PROMPT
from lllm.nano.recipe.around.forms import Form, to_json
from lllm.nano.recipe.around.missed_words import HINTS, JSON, PROSE, SAID, TAGS
from lllm.nano.recipe.language.names import build_name
from lllm.nano.recipe.language.phrase import fill
from lllm.parsing import JsonParser, TagParser

_TRIES = 20
# A parser takes long to make: names of one length share one, whose key is this, so many times.
_STAND_IN = "\u00f8"


class Missed(NamedTuple):
    """A badly formed answer.

    Attributes:
        reply: that misses the form.
        told: what the machine says then, as a message of the user's.
    """

    reply: str
    told: str


def build_missed(random: Random, form: Form, printed: str) -> Missed:
    """Return an answer that misses a form, and what is said of it: in the default words of a prompt, mostly."""
    value = printed.strip()
    wrong, fault = _wrong_reply(random, form, value)
    slots = {"name": form.name, "open": f"<{form.name}>", "close": f"</{form.name}>", "wrong": wrong[:200]}
    hint = fill(random, random.choice(HINTS[_kind(form)]), slots)
    fault = fault or hint
    if random.random() < 0.7:
        return Missed(wrong, EXCEPTION_PROMPT.format(error_message=fault))
    said = {"error": fault, "hint": hint, "n": str(random.randint(1, 3))}
    return Missed(wrong, fill(random, random.choice(SAID), said))


def find_fault(form: Form, reply: str) -> str | None:
    """Return what this project's parser for a form says of a reply; None where it takes it, empty where it has none."""
    if form.style in ("label", "plain"):
        is_right = reply.startswith(f"{form.name}: ") if form.name else False
        return None if is_right else ""
    if form.style == "tags":
        return _fault_of(TagParser(required_xml_tags=(form.name,)), reply)
    stand_in = _STAND_IN * len(form.name)
    fault = _fault_of(_json_parser(stand_in, form.style), reply.replace(form.name, stand_in))
    told = fault and fault.replace(stand_in, form.name)
    if _STAND_IN in reply or _STAND_IN in (told or ""):  # a text of its own, or a name that was cut
        return _fault_of(_json_parser(form.name, form.style), reply)
    return told


def _fault_of(parser: Callable[[str], Any], reply: str) -> str | None:
    try:
        parser(reply)
    except ParseError as error:
        return str(error)
    return None


def _wrong_reply(random: Random, form: Form, value: str) -> tuple[str, str]:
    slots = _slots(random, form, value)
    own = {"tags": TAGS, "json": JSON, "label": TAGS[:0], "plain": TAGS[:0]}[_kind(form)]
    for _ in range(_TRIES):
        skeletons = own if own and random.random() < 0.65 else PROSE
        wrong = fill(random, random.choice(skeletons), slots)
        fault = find_fault(form, wrong)
        if fault is not None and wrong != form.to_answer(value):
            return wrong, fault
    return "I am done.", find_fault(form, "I am done.") or ""


def _slots(random: Random, form: Form, value: str) -> dict[str, str]:
    other = build_name(random)
    name = form.name or "answer"
    return {
        "value": value,
        "json": form.to_value(value) if form.style == "number" else to_json(value),
        "name": name,
        "open": f"<{name}>",
        "close": f"</{name}>",
        "short": name[:-1] or "a",
        "upper": name.upper() if name != name.upper() else name.lower(),
        "other": other if other != name else f"my_{other}",
    }


def _kind(form: Form) -> str:
    return "json" if form.style in ("string", "number") else form.style


@lru_cache(maxsize=256)
def _json_parser(name: str, style: str) -> Callable[[str], Any]:
    from pydantic import create_model  # noqa: PLC0415 - heavy

    fields: dict[str, Any] = {name: (str if style == "string" else float, ...)}
    return JsonParser(create_model("Reply", **fields))
