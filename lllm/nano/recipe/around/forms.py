"""The form that a system text asks an answer to have: the text, the answer in it, and answers that miss it. Pure."""

from __future__ import annotations

import json
import re
from random import Random
from typing import Literal, NamedTuple

from lllm.nano.recipe.around.asked import (
    JSON,
    LABEL,
    LABEL_INSIDE,
    LABELS,
    NUMBER_INSIDE,
    NUMBER_TYPES,
    PLAIN,
    RESULT,
    STRING_INSIDE,
    STRING_TYPES,
    TAG_INSIDE,
    TAGS,
)
from lllm.nano.recipe.around.other_roles import OTHER_BOTH, OTHER_ROLES, OTHER_USES
from lllm.nano.recipe.around.roles import ADJECTIVES, ASIDES, BOTH, NOUNS, ROLES, USES
from lllm.nano.recipe.language.names import build_name
from lllm.nano.recipe.language.phrase import capital, fill

Style = Literal["tags", "string", "number", "label", "plain"]

LEAST_CHARS, MOST_CHARS = 40, 400
_STYLES: tuple[Style, ...] = ("tags", "string", "number", "label", "plain")
_WEIGHTS = (0.5, 0.22, 0.13, 0.1, 0.05)
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_OTHER_UNNAMED = ("the function", "the function", "the functions", "the tools", "the right function")
_UNNAMED = ("the function", "the function", "the tool", "the function that is offered", "Python", "code")
_A = re.compile(r"\b([Aa]) (?=[aeiAEI]|of)")


class Form(NamedTuple):
    """A form of answers.

    Attributes:
        system: the system text that asks for it.
        style: ``tags``, JSON with a ``string`` or a ``number``, behind a ``label``, or ``plain``.
        name: of the tag or the key, or the label; empty of ``plain``.
    """

    system: str
    style: Style
    name: str

    def to_answer(self, printed: str) -> str:
        """Return what was printed in this form."""
        value = printed.strip()
        if self.style == "tags":
            return f"<{self.name}>{value}</{self.name}>"
        if self.style == "label":
            return f"{self.name}: {value}"
        if self.style == "plain":
            return value
        return f"{{{to_json(self.name)}: {self.to_value(value)}}}"

    def to_value(self, value: str) -> str:
        """Return what stands in the JSON: a number where one is asked for and this is one, else a string."""
        return value if self.style == "number" and _NUMBER.fullmatch(value) else to_json(value)


def to_json(text: str) -> str:
    """Return a text as a JSON string."""
    return json.dumps(text, ensure_ascii=False)


def build_form(random: Random, function: str = "run_python", *, runs_code: bool = True) -> Form:
    """Return a form, with a system text of 40 to 400 characters that asks for it.

    Args:
        random: where all chance comes from.
        function: what the offered function is called; four texts of five that speak of it name it.
        runs_code: whether that is what it does.
    """
    style = random.choices(_STYLES, _WEIGHTS)[0]
    name = _name(random, style)
    called = function if random.random() < 0.8 else random.choice(_UNNAMED if runs_code else _OTHER_UNNAMED)
    said = (ROLES, USES, BOTH) if runs_code else (OTHER_ROLES, OTHER_USES, OTHER_BOTH)
    while True:
        text = _in_layout(random, _sentences(random, _ask(random, style, name), called, said))
        if LEAST_CHARS <= len(text) <= MOST_CHARS:
            return Form(text, style, name)


def _name(random: Random, style: Style) -> str:
    if style == "plain":
        return ""
    return random.choice(LABELS) if style == "label" else build_name(random)


def _ask(random: Random, style: Style, name: str) -> str:
    """Return the sentence that asks for a form."""
    if style == "tags":
        start, end = f"<{name}>", f"</{name}>"
        shape = f"{start}{random.choice(TAG_INSIDE)}{end}"
        return _said(random, random.choice(TAGS), {"shape": shape, "open": start, "close": end, "name": name})
    if style == "label":
        label = f"{name}:"
        return _said(random, random.choice(LABEL), {"shape": f"{label} {random.choice(LABEL_INSIDE)}", "label": label})
    if style == "plain":
        return (
            _said(random, random.choice(PLAIN), {}) if random.random() < 0.7 else ""
        )  # nothing asked for is plain, too
    return _said(random, random.choice(JSON), _json_slots(random, style, name))


def _json_slots(random: Random, style: Style, name: str) -> dict[str, str]:
    is_text = style == "string"
    colon = random.choice((": ", ": ", ": ", ":"))
    shape = f'{{"{name}"{colon}{random.choice(STRING_INSIDE if is_text else NUMBER_INSIDE)}}}'
    schema = f'{{"type": "object", "properties": {{"{name}": {{"type": "{style}"}}}}, "required": ["{name}"]}}'
    said = random.choice(STRING_TYPES if is_text else NUMBER_TYPES)
    return {"shape": shape, "schema": schema, "name": name, "type": said}


def _said(random: Random, skeleton: str, slots: dict[str, str]) -> str:
    text = fill(random, skeleton, {**slots, "result": RESULT})
    return capital(text) if skeleton.startswith("$result") else text


def _sentences(random: Random, ask: str, function: str, said: tuple[tuple[str, ...], ...]) -> list[str]:
    """Return the sentences of a system text: who, what with, in which form, and what else; the order varies."""
    roles, uses, both = said
    slots = {"f": function}
    sentences: list[str] = []
    if random.random() < 0.75:
        sentences.append(_role(random, roles))
    if ask and random.random() < 0.2:
        return [*sentences, fill(random, random.choice(both), {**slots, "ask": _inside(ask)})]
    if random.random() < 0.8:
        use = fill(random, random.choice(uses), slots)
        is_name = use.startswith(function) and function not in (*_UNNAMED, *_OTHER_UNNAMED)
        sentences.append(use if is_name else capital(use))
    if ask:
        sentences.insert(_place(random, len(sentences)), ask)
    if random.random() < 0.25:
        sentences.insert(random.randint(0, len(sentences)), fill(random, random.choice(ASIDES), slots))
    return sentences


def _place(random: Random, count: int) -> int:
    """Return where the form is asked for: at the end, mostly."""
    return count if random.random() < 0.6 else random.randint(0, count)


def _role(random: Random, roles: tuple[str, ...]) -> str:
    text = fill(random, random.choice(roles), {"adjective": ADJECTIVES, "noun": NOUNS})
    return _A.sub(r"\1n ", capital(" ".join(text.split())))


def _inside(sentence: str) -> str:
    """Return a sentence to stand within another: its first letter small, where it is no name."""
    is_word = sentence[1:2].islower() or sentence.startswith("A ")
    return sentence[:1].lower() + sentence[1:] if is_word else sentence


def _in_layout(random: Random, sentences: list[str]) -> str:
    """Return the sentences as one text: in a row, mostly."""
    chance = random.random()
    if chance < 0.75 or len(sentences) == 1:
        return " ".join(sentences)
    if chance < 0.9:
        return "\n".join(sentences)
    if chance < 0.93:
        return "\n\n".join(sentences)
    mark = random.choice(("- ", "* ", "", "1"))
    return "\n".join(f"{f'{n}. ' if mark == '1' else mark}{sentence}" for n, sentence in enumerate(sentences, 1))
