"""The first difference between a recording and today's code: where, what, and what is likely behind it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, cast

from lllm.errors import ReplayDiverged
from lllm.log.envelope import Event
from lllm.replay.causes import ORDER, SHORTER, likely_cause
from lllm.replay.text import render_report, text_diff
from lllm.utils import encode_json

__all__ = ["compared", "diverged", "first_difference", "never_reached", "other_order", "render_report", "same"]

# Facts that may differ without changing what happened: where a model was reached, and what another fact stands for.
IGNORED: Mapping[str, frozenset[str]] = {"contract": frozenset({"provider"}), "value": frozenset({"type"})}
# Python shows an object by its address, which no two runs share. Only texts that Python made are read so.
_ADDRESS = re.compile(r"\bat 0x[0-9A-Fa-f]+")
SHOWN = frozenset({"frontend", "call.close", "session.close", "model.error", "run.open", "run.close"})

_ENDS = frozenset({"/status", "/outcome"})

ABSENT = "<absent>"


class _Absent:
    """Stands for what one side lacks; equal to nothing else."""


_ABSENT: Any = _Absent()


def same(kind: str, recorded: Mapping[str, Any], got: Mapping[str, Any]) -> bool:
    """Whether two events' data agree in everything that a replay holds the code to."""
    left, right = compared(kind, recorded), compared(kind, got)
    # Text first: Python holds 1, 1.0 and True for equal.
    return encode_json(left) == encode_json(right) or first_difference(left, right) is None


def compared(kind: str, data: Mapping[str, Any]) -> dict[str, Any]:
    """Return those facts of an event that a replay holds the code to."""
    ignored = IGNORED.get(kind, frozenset())
    told = {key: value for key, value in data.items() if key not in ignored}
    return cast("dict[str, Any]", _without_addresses(told)) if kind in SHOWN else told


def _without_addresses(value: Any) -> Any:
    if isinstance(value, str):
        return _ADDRESS.sub("at 0x…", value)
    if isinstance(value, list):
        return [_without_addresses(item) for item in cast("list[Any]", value)]
    if isinstance(value, dict):
        return {key: _without_addresses(item) for key, item in cast("dict[str, Any]", value).items()}
    return value


def first_difference(expected: Any, got: Any, pointer: str = "") -> tuple[str, Any, Any] | None:
    """Return ``(JSON pointer, expected, got)`` of the first place where two JSON values differ, or None.

    An absent value is shown as ``<absent>``. The order of an object's keys is no difference.
    """
    if isinstance(expected, dict) and isinstance(got, dict):
        left, right = cast("dict[str, Any]", expected), cast("dict[str, Any]", got)
        keys = [*left, *(key for key in right if key not in left)]
        parts = ((f"/{_escaped(key)}", left.get(key, _ABSENT), right.get(key, _ABSENT)) for key in keys)
    elif isinstance(expected, list) and isinstance(got, list):
        ours, theirs = cast("list[Any]", expected), cast("list[Any]", got)
        parts = ((f"/{i}", _at(ours, i), _at(theirs, i)) for i in range(max(len(ours), len(theirs))))
    elif type(cast("Any", expected)) is type(got) and expected == got:
        return None
    else:
        return pointer, _shown(expected), _shown(got)
    steps = cast("Iterator[tuple[str, Any, Any]]", parts)
    found = (first_difference(one, other, pointer + step) for step, one, other in steps)
    return next((difference for difference in found if difference is not None), None)


def _at(values: list[Any], index: int) -> Any:
    return values[index] if index < len(values) else _ABSENT


def _shown(value: Any) -> Any:
    return ABSENT if value is _ABSENT else value


def _escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")


def diverged(session: str, recorded: Event | None, kind: str, id_: str, data: Mapping[str, Any]) -> ReplayDiverged:
    """Return the error that tells of today's event ``(kind, id_, data)`` where ``recorded`` was expected."""
    if recorded is None or (recorded.kind, recorded.id) != (kind, id_):
        expected = {"kind": recorded.kind, "id": recorded.id, **recorded.data} if recorded else None
        got = {"kind": kind, "id": id_, **data}
        have = _name(recorded.kind, recorded.id) if recorded else "nothing more"
        message = f"the recording has {have}, today's code does {_name(kind, id_)}"
        # Two different events have no text in common that a diff could show.
        pointer = "" if recorded is None else "/id" if recorded.kind == kind else "/kind"
        found = (pointer, expected, got, "")
        return _error(session, recorded, message, found, (kind, id_, data))
    left, right = compared(kind, recorded.data), compared(kind, data)
    pointer, expected, got = first_difference(left, right) or ("", left, right)
    if pointer in _ENDS:  # that something failed says less than why
        pointer, expected, got = "", left, right
    message = f"{_name(kind, id_)} differs at /data{pointer}"
    found = (f"/data{pointer}", expected, got, text_diff(expected, got))
    return _error(session, recorded, message, found, (kind, id_, data))


def never_reached(session: str, event: Event, raised: str = "") -> ReplayDiverged:
    """Return the error that tells of a recorded event which today's code never came to, or passed over.

    ``raised`` is the error that today's code ended in, as ``Name: text``; empty when it ended well.
    """
    message = f"the recording has {_name(event.kind, event.id)}, which today's code does not do"
    got, cause = None, SHORTER
    if raised:
        message, got, cause = f"{message}: it raised {raised}", {"error": raised}, f"today's code raised {raised}"
    found = ("", {"kind": event.kind, "id": event.id, **event.data}, got, "")
    return _error(session, event, message, found, (event.kind, event.id, {}), cause=cause)


def other_order(session: str, event: Event, after: Event) -> ReplayDiverged:
    """Return the error that tells of an event that today comes after one that it came before."""
    name, other = _name(event.kind, event.id), _name(after.kind, after.id)
    found = ("/cause", f"before {other}", f"after {other}", "")
    message = f"{name} came before {other}, today's code does it later"
    return _error(session, event, message, found, (event.kind, event.id, {}), cause=ORDER)


def _name(kind: str, id_: str) -> str:
    return f"{kind} {id_}".rstrip()


def _error(
    session: str,
    recorded: Event | None,
    message: str,
    found: tuple[str, Any, Any, str],
    today: tuple[str, str, Mapping[str, Any]],
    cause: str = "",
) -> ReplayDiverged:
    kind, id_, data = today
    seq = recorded.seq if recorded else None
    report: dict[str, Any] = {"session": session, "seq": seq, "id": id_, "kind": kind}
    report |= dict(zip(("pointer", "expected", "got", "diff"), found, strict=True))
    report["cause"] = cause or likely_cause(recorded, kind, id_, found[0], data)
    where = f"session {session}, seq {seq if seq is not None else 'end'}"
    return ReplayDiverged(
        message, report=report | {"message": message}, where=where, hint=f"likely cause: {report['cause']}"
    )
