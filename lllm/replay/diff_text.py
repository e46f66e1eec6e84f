"""The differences of two runs as text for a terminal. Users and models wrote what it shows: nothing may steer one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from lllm.replay.diff import Change, RunDiff
from lllm.replay.diverge import ABSENT
from lllm.replay.facts import RunFacts
from lllm.replay.text import printable
from lllm.utils import encode_json

INDENT = 4
"""The column in which the lines of a unified diff begin; further left stand the words about them."""

_SESSION = "session"
_MAX_DIALOGS = 20
_MAX_CHANGES = 12
_MAX_LINES = 40
_MAX_CHARS = 300
_HALF = " " * (INDENT // 2)
_WORDS = {
    "message": "message",
    "model.request": "request",
    "model.reply": "reply",
    "model.error": "failed request",
    "function.call": "function call",
    "function.result": "function result",
    "call.close": "end of the call",
    "session.close": "end of the run",
}


def render_diff(diff: RunDiff) -> str:
    """Return two runs' differences as lines of printable text; ``-`` is A, ``+`` is B."""
    lines = [*_render_facts(diff.a, diff.b), "", _verdict(diff)]
    for title, changes in (("settings", diff.header), ("prompts and contracts", diff.contracts)):
        if changes:
            lines += ["", title, *_render_changes(changes)]
    for title, changes in _groups(diff.events):
        lines += ["", title, *_render_changes(changes)]
    lines += ["", *(f"note: {remark}" for remark in diff.remarks)] if diff.remarks else []
    return "\n".join(printable(_cut(line)) for line in lines)


def _groups(events: Iterable[Change]) -> Iterator[tuple[str, Sequence[Change]]]:
    """Yield dialogs in the order of their first difference, then the session; of very many dialogs, the first."""
    groups: dict[str, list[Change]] = {}
    for change in events:
        groups.setdefault(_title(change), []).append(change)
    session = groups.pop(_SESSION, None)
    yield from islice(groups.items(), _MAX_DIALOGS)
    if len(groups) > _MAX_DIALOGS:
        yield f"… and {len(groups) - _MAX_DIALOGS} dialogs more; --json has all", ()
    if session is not None:
        yield _SESSION, session


def _render_facts(a: RunFacts, b: RunFacts) -> Iterator[str]:
    rows = [
        ("", "A", "B"),
        ("session", a.session, b.session),
        ("fork of", a.parent, b.parent),
        ("status", a.status, b.status),
        ("events", str(a.events), str(b.events)),
        ("model calls", str(a.steps), str(b.steps)),
        ("functions", str(a.calls), str(b.calls)),
        ("models", ", ".join(a.models), ", ".join(b.models)),
        ("tokens", f"{a.prompt_tokens} + {a.completion_tokens}", f"{b.prompt_tokens} + {b.completion_tokens}"),
        ("cost", _cost(a), _cost(b)),
        ("time", f"{a.wall_s:.1f} s", f"{b.wall_s:.1f} s"),
    ]
    width = max(len(row[1]) for row in rows) + 2
    yield from (f"{name:<12}{one:<{width}}{other}".rstrip() for name, one, other in rows if one or other)


def _cost(facts: RunFacts) -> str:
    return "unknown" if facts.cost_usd is None else f"${facts.cost_usd:.4f}"


def _verdict(diff: RunDiff) -> str:
    if diff.is_same:
        return "same: both runs asked, said and did the same"
    first = diff.first
    if first is None:
        return "differs: in settings only; both runs asked, said and did the same"
    return f"differs: they part ways at {_place(first)}"


def _place(change: Change) -> str:
    where = ("nothing" if seq is None else f"seq {seq}" for seq in (change.a_seq, change.b_seq))
    return f"{_name(change)} (A {next(where)}, B {next(where)})"


def _name(change: Change) -> str:
    return change.name or f"{_WORDS.get(change.kind, change.kind)} {change.id}".rstrip()


def _title(change: Change) -> str:
    if change.name and not change.dialog:
        return _SESSION
    return f"dialog {change.strand}" if change.strand[:1].isdigit() or "." in change.strand else _SESSION


def _render_changes(changes: Sequence[Change]) -> Iterator[str]:
    for change in changes[:_MAX_CHANGES]:
        yield from (f"{_HALF}{line}" for line in _render_change(change))
    if rest := len(changes) - _MAX_CHANGES:
        yield from [f"{_HALF}… and {rest} more; --json has all"] if rest > 0 else []


def _render_change(change: Change) -> Iterator[str]:
    if change.a_seq is None or change.b_seq is None:
        only, value = ("B", change.b) if change.a_seq is None else ("A", change.a)
        yield f"only in {only}: {_name(change)} (seq {change.seq})"
        yield f"{_HALF}{_HALF}{_short(value)}"
        return
    at = f" at {change.pointer}" if change.pointer and change.kind != "contract" else ""
    yield change.id if change.kind in {"header", "contract"} else f"{_place(change)}{at}"
    lines = change.diff.splitlines() or [f"-{_short(change.a)}", f"+{_short(change.b)}"]
    yield from (f"{_HALF}{line}" for line in _shortened(lines))


def _shortened(lines: Sequence[str]) -> Iterable[str]:
    if len(lines) <= _MAX_LINES:
        return lines
    return [*lines[:_MAX_LINES], f"… {len(lines) - _MAX_LINES} lines more; --json has all"]


def _short(value: object) -> str:
    return ABSENT if value == ABSENT else _cut(value if isinstance(value, str) else encode_json(value))


def _cut(line: str) -> str:
    return line if len(line) <= _MAX_CHARS else f"{line[: _MAX_CHARS - 1]}…"
