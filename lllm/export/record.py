"""A run as an export reads it: once, event by event, without secrets, and as far as it can be read.

What was redacted when the run was recorded is redacted already. Here the log's redactor of today is applied again, so
that a pattern or a key that became known later holds for what is shared now.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, NamedTuple, cast

from lllm.errors import LogError, SessionNotFound
from lllm.export.facts import to_number
from lllm.log.base import ReplayableLogBase
from lllm.log.envelope import Event
from lllm.log.lineage import read_run
from lllm.utils import encode_json

# Stands for data that is nested more deeply than Python's JSON goes.
_UNREADABLE = '{"unreadable":"nested too deeply"}'


class Line(NamedTuple):
    """One event, and the same as one line of JSON in ASCII: keys ``seq, kind, cause, id, ts, data``."""

    event: Event
    text: str


class RunRecord:
    """One run, to be read from its beginning as often as wanted.

    Args:
        log: where it is.
        session: its whole name.

    Attributes:
        name: the session's name, without secrets.
        damage: why the last reading did not bring the whole run; empty when it did.
    """

    def __init__(self, log: ReplayableLogBase, session: str) -> None:
        self._log, self._session = log, session
        self._redact = log.redactor
        self.name = self._redact.redact_text(session)
        self.damage = ""

    def lines(self) -> Iterator[Line]:
        """Yield what can be read; afterwards ``damage`` tells what could not.

        Of a fork whose parent is not to be had, the fork's own events are read, with seqs of their own.

        Raises:
            SessionNotFound: there is no such session.
        """
        self.damage = ""
        count = 0
        try:
            for event in read_run(self._read_own_whole, self._session):
                count += 1
                yield to_line(event, self._redact)
        except LogError as error:
            self._note(error)
            if not count:
                for event in self._read_to_damage():
                    yield to_line(event, self._redact)

    def events(self) -> Iterator[Event]:
        """Yield the events alone; as ``lines`` does."""
        return (line.event for line in self.lines())

    def _read_own_whole(self, session: str) -> Iterator[Event]:
        """Yield a session's events; damage ends those of the one that is exported, and is an error in a parent."""
        return self._read_to_damage() if session == self._session else self._log.read_session(session)

    def _read_to_damage(self) -> Iterator[Event]:
        try:
            yield from self._log.read_session(self._session)
        except SessionNotFound:
            raise
        except LogError as error:
            self._note(error)

    def _note(self, error: LogError) -> None:
        # Without its place: a path of this machine is nobody else's business.
        self.damage = self.damage or self._redact.redact_text(error.message)


def to_line(event: Event, redact: Callable[[str], str]) -> Line:
    """Return an event without secrets, and as JSON. Pure."""
    id_json, data_json = encode_json(event.id), _encode(event.data)
    whole = f"[{id_json},{data_json}]"
    clean = redact(whole)
    if clean != whole or data_json == _UNREADABLE:
        id_, data = cast("tuple[str, dict[str, Any]]", json.loads(clean))
        event = replace(event, id=id_, data=data)
        id_json, data_json = encode_json(id_), encode_json(data)
    ts = to_number(event.ts) or 0.0
    if ts != event.ts:
        event = replace(event, ts=ts)
    head = f'{{"seq":{event.seq},"kind":{encode_json(event.kind)},"cause":{event.cause},"id":{id_json}'
    return Line(event, f'{head},"ts":{ts:.6f},"data":{data_json}}}')


def _encode(data: dict[str, Any]) -> str:
    try:
        return encode_json(data)
    except (ValueError, RecursionError):  # numbers that JSON does not have, which Python's reader lets pass
        pass
    try:
        return encode_json(json.loads(json.dumps(data), parse_constant=str))
    except (ValueError, RecursionError):
        return _UNREADABLE
