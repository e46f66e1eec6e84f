"""The text of an in-process model, sorted into text, thoughts and calls. Pure.

The model writes thoughts and calls between marks that its tokenizer names; how its text was cut is chance.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from lllm.providers.wire.draft import Draft
from lllm.providers.wire.loose import to_arguments_text, to_dict, to_text

_NAME_IN_CALL = re.compile(r'(?:"name"\s*:\s*"|<function=)([\w.-]+)')


@dataclass(frozen=True, slots=True)
class Marks:
    """Texts between which a model thinks and calls; an empty beginning means that it does neither.

    Attributes:
        think: beginning and end of a thought.
        call: beginning and end of a call; with no end it lasts to the end of the reply.
        stop: texts that end the reply.
    """

    think: tuple[str, str] = ("", "")
    call: tuple[str, str] = ("", "")
    stop: tuple[str, ...] = ()

    def leading_out(self, where: str) -> dict[str, str]:
        """Return the marks that count in a part of the reply, each with the part that it leads to."""
        leads = {
            "text": {self.think[0]: "reasoning", self.call[0]: "call"},
            "reasoning": {self.think[1]: "text", self.call[0]: "call"},
            "call": {self.call[1]: "text"},
        }[where]
        return {mark: part for mark, part in (leads | dict.fromkeys(self.stop, "end")).items() if mark}


ParseCall = Callable[[str], Any]
"""Reads what stands between the marks of a call: one call or several, each ``{name, arguments, id?}``."""


class ReplyText:
    """Sorts a model's text, however it was cut, into the text, the thoughts and the calls of a draft.

    Args:
        draft: what is filled.
        marks: of the model.
        parse_call: may raise anything; what it cannot read is kept as it was written.
        where: in which part the reply begins: ``text``, or ``reasoning`` where the template has begun a thought.
    """

    def __init__(self, draft: Draft, marks: Marks, parse_call: ParseCall, where: str = "text") -> None:
        self.draft, self.where = draft, where
        self._marks, self._parse_call = marks, parse_call
        self._held = ""  # could be the beginning of a mark
        self._call: list[str] = []
        self._fresh = False  # behind a mark: white space there is layout

    @property
    def ended(self) -> bool:
        """Whether a text that ends the reply has come."""
        return self.where == "end"

    def feed(self, text: str) -> None:
        """Take the next piece."""
        self._held += text
        while not self.ended:
            leads = self._marks.leading_out(self.where)
            found = [(at, -len(mark), mark) for mark in leads if (at := self._held.find(mark)) >= 0]
            if not found:
                self._pass_on(len(self._held) - _overlap(self._held, leads))
                return
            at, _, mark = min(found)
            self._pass_on(at)
            self._held = self._held[len(mark) :]
            self._enter(leads[mark], mark)

    def end(self) -> None:
        """Take note that no more text comes: what was held back is no mark, and a call that is open is all there is."""
        if not self.ended:
            self._pass_on(len(self._held))
            self._enter("end", "")

    def _enter(self, where: str, mark: str) -> None:
        if self.where == "call":
            self._finish_call("" if where == "end" else mark)
        self.where, self._fresh = where, True

    def _pass_on(self, length: int) -> None:
        text, self._held = self._held[:length], self._held[length:]
        if self.where == "call":
            self._call.append(text)
        elif self.where == "reasoning":
            self.draft.add_reasoning(text, goes_back=True)
        else:
            text = text.lstrip() if self._fresh else text
            self._fresh = self._fresh and not text
            self.draft.add_text(text)

    def _finish_call(self, mark: str) -> None:
        written = "".join(self._call)
        self._call.clear()
        calls = self._read_calls(written)
        if not calls:  # nothing that was written is lost
            self.draft.add_text(f"{self._marks.call[0]}{written}{mark}")
        for call_id, name, arguments in calls:
            self.draft.add_arguments(self.draft.add_call(None, call_id, name), arguments)

    def _read_calls(self, written: str) -> list[tuple[str, str, str]]:
        """Return id, name and arguments of the calls; a broken one keeps its name, so that the model is told."""
        try:
            parsed = self._parse_call(written)
        except Exception:  # noqa: BLE001 - a parser of somebody else's, on what a model wrote
            parsed = None
        calls = [to_dict(call) for call in (parsed if isinstance(parsed, list) else [parsed])]  # pyright: ignore[reportUnknownVariableType]
        if all(to_text(call.get("name")) for call in calls):
            return [(to_text(call.get("id")), call["name"], _to_json(call.get("arguments"))) for call in calls]
        name = _NAME_IN_CALL.search(written)
        return [("", name[1], written.strip())] if name else []


def _overlap(text: str, marks: Mapping[str, str]) -> int:
    """Return the length of the longest end of ``text`` that begins a mark."""
    longest = max(map(len, marks), default=1) - 1
    ends = range(min(longest, len(text)), 0, -1)
    return next((size for size in ends if any(mark.startswith(text[-size:]) for mark in marks)), 0)


def _to_json(arguments: Any) -> str:
    try:
        return to_arguments_text(arguments)
    except (TypeError, ValueError):  # a parser may make sets, or keys that are tuples
        return str(arguments)
