"""What one stored line is: its fields, its hash chain, its checksum, and the kinds of event that exist.

A line is ``{"v":1,"seq":..,"kind":..,"cause":..,"id":..,"ts":..,"data":{..},"h":"..","crc":".."}`` and a newline, in
ASCII. ``h`` chains the line to the one before it, ``crc`` finds damage in the line alone. Both are taken over the
stored bytes, and checking hashes the bytes that were read: nothing is ever serialised again to be verified.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from itertools import product
from types import MappingProxyType
from typing import Any
from zlib import crc32

from lllm.errors import LogCorrupt, LogError
from lllm.utils import encode_json

VERSION = 1

# The part of ``json.loads`` that reads; the rest of it looks for blanks around, and a line has none.
_decoder: Any = json.JSONDecoder()
_scan: Callable[[str, int], tuple[dict[str, Any], int]] = _decoder.scan_once

# The chain hash that stands before the first event of every session.
GENESIS = "0" * 32

KINDS: Mapping[str, str] = MappingProxyType(
    {
        "session.open": "a session begins: task, agent type, versions, seed, configuration",
        "contract": "what a prompt asks for, when it is first used: its text, function schemas and parser",
        "offer": "what a server of functions offers, when it is first asked: names, descriptions, schemas, hints",
        "dialog.open": "a dialog begins, or is forked from a parent at a message",
        "message": "a message that no model and no function wrote: system, user, handler",
        "model.request": "a model is about to be asked: which contract, how many messages, and the hash of their chain",
        "model.reply": "the model's whole message, its token usage and why it stopped",
        "model.error": "a model call failed: named error, and whether it may be tried again",
        "function.call": "a function is about to run: its name and arguments",
        "function.result": "the message that the model reads as the function's result",
        "wait": "a pause before the next try, in seconds",
        "call.close": "an agent call ended: done, or failed for what reason",
        "step": "a step of the user's code is about to run; its value has the same id",
        "value": "something the code asked the outside world for: time, chance, a step's result",
        "frontend": "something that was shown to a person",
        "run.open": "an agent system is called inside the session; its id is the scope of what it does",
        "run.close": "that run ended: its status, its result or its error",
        "session.resume": "another process goes on with the session: what it asks again, and what nobody knows",
        "session.close": "a session ended: its status, its result or its error",
        "note": "a remark that replay does not need; a reader may skip it",
    }
)
IGNORABLE = frozenset({"note"})

# Lifts the stored fields of one old version to the next one. Files are never rewritten.
Upcasters = Mapping[int, Callable[[dict[str, Any]], dict[str, Any]]]
UPCASTERS: Upcasters = MappingProxyType({})

_TYPES: Mapping[str, tuple[type, ...]] = MappingProxyType(
    {"seq": (int,), "kind": (str,), "cause": (int,), "id": (str,), "ts": (int, float), "data": (dict,)}
)
_SHAPES = frozenset(product(*_TYPES.values()))
# ,"h":"<32>","crc":"<8>"}
_CRC_END, _H_END = -2 - 8, -2 - 8 - 8 - 1
_BODY_END = _H_END - 32 - 6


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a session, as it was read and verified.

    Attributes:
        v: version of the envelope, after lifting.
        seq: 1 for the first event of a session, then without a gap.
        kind: a key of ``KINDS``, or an unknown one if ``ign`` is set.
        cause: seq of the event before it in the same thread or task, or of the one that made it necessary where a
            call says so; 0 when there is none.
        id: place in the session's structure, such as ``1/s0/f0``.
        ts: seconds since 1970, of the writer's clock.
        data: the event's own facts; large texts are filled in by whoever has the blobs.
        ign: whether a reader that does not know the kind may skip it.
        raw: the stored line, without its newline.
        h: chain hash, 32 hex digits.
    """

    v: int
    seq: int
    kind: str
    cause: int
    id: str
    ts: float
    data: dict[str, Any]
    ign: bool
    raw: bytes
    h: str


def encode_line(  # noqa: PLR0913 - the fields of one line, in their order
    prev_hash: bytes | str,
    seq: int,
    kind: str,
    cause: int,
    id: str,  # noqa: A002
    ts: float,
    data_json: str,
    ign: bool = False,
) -> tuple[bytes, str]:
    """Return the stored line with its newline, and its chain hash.

    Pure. ``data_json`` is one JSON object as ``encode_json`` writes it; it is not parsed again.

    Raises:
        ValueError: ``data_json`` is not ASCII, not on one line, or no object.
    """
    if "\n" in data_json or data_json[:1] != "{" or data_json[-1:] != "}":
        raise ValueError("data_json must be one JSON object on one line")
    skip = '"ign":true,' if ign else ""
    body = (
        f'{{"v":{VERSION},"seq":{seq},"kind":"{kind}","cause":{cause},"id":{_quoted(id)},'
        f'"ts":{ts:.6f},{skip}"data":{data_json}'
    ).encode("ascii")
    h = _chain(prev_hash.encode("ascii") if isinstance(prev_hash, str) else prev_hash, body)
    tail = f',"h":"{h}"'.encode("ascii")
    return b'%b%b,"crc":"%08x"}\n' % (body, tail, crc32(tail, crc32(body))), h


def _quoted(id: str) -> str:  # noqa: A002 - the field's name
    """Return an id as JSON text. Nearly all are plain; quoting those by hand costs a fifth of asking the encoder."""
    plain = id.isascii() and id.isprintable() and '"' not in id and "\\" not in id
    return f'"{id}"' if plain else encode_json(id)


def is_whole(line: bytes) -> bool:
    """Return whether a line (without newline) carries its own right checksum. Pure; says nothing about the chain."""
    crc = b'","crc":"%08x"}' % crc32(line[: _H_END + 1])
    return line.endswith(crc) and line[_BODY_END : _BODY_END + 6] == b',"h":"'


def decode_line(line: bytes, prev: Event | None, upcasters: Upcasters = UPCASTERS) -> Event:
    """Return the event of a stored line, verified against the event before it (None for the first).

    Pure. A trailing newline may be there or not.

    Raises:
        LogCorrupt: checksum, chain, seq or fields are wrong; the caller knows the place and adds it.
        LogError: the line is sound, but a newer lllm wrote it.
    """
    event = peek_line(line, upcasters)
    h = _chain((prev.h if prev else GENESIS).encode("ascii"), event.raw[:_BODY_END])
    if event.h != h:
        raise LogCorrupt("the line is whole, but not the one that followed: the hash chain is broken")
    seq = prev.seq + 1 if prev else 1
    if event.seq != seq:
        raise LogCorrupt(f"the event has seq {event.seq}, expected {seq}")
    return event


def peek_line(line: bytes, upcasters: Upcasters = UPCASTERS) -> Event:
    """Return the event of a stored line, verified by its own checksum only. Pure; raises as ``decode_line``."""
    line = line.removesuffix(b"\n")
    if not is_whole(line):
        raise LogCorrupt("the line is damaged: its checksum does not fit")
    fields = _to_fields(line, upcasters)
    kind, ign = fields["kind"], fields.get("ign") is True
    if kind not in KINDS and not ign:
        raise LogError(
            f"the event's kind {kind!r:.80} is unknown", hint="a newer lllm wrote this log: upgrade to read it"
        )
    h = line[_BODY_END + 6 : _H_END].decode("ascii")
    return Event(
        VERSION, fields["seq"], kind, fields["cause"], fields["id"], fields["ts"], fields["data"], ign, line, h
    )


def header_of(first: Event | None) -> dict[str, Any]:
    """Return the header that a session's first event holds; an empty one where it is none, as in a damaged log."""
    return first.data if first is not None and first.kind == "session.open" else {}


def stored_data(event: Event) -> str:
    """Return an event's data as the text that stands in its line; large texts are not filled in. Pure."""
    return event.raw[event.raw.index(b',"data":') + 8 : _BODY_END].decode("ascii")


def _chain(prev_hash: bytes, body: bytes) -> str:
    chain = sha256(prev_hash)
    chain.update(body)
    return chain.hexdigest()[:32]


def _to_fields(line: bytes, upcasters: Upcasters) -> dict[str, Any]:
    """Parse a line and lift it to today's version."""
    try:
        text = line.decode("ascii")
        fields, end = _scan(text, 0)
        if end != len(text):
            raise ValueError("something follows the object")  # noqa: TRY301 - told as any other fault
    except (ValueError, StopIteration, RecursionError) as error:
        raise LogCorrupt(f"the line is not JSON: {error}") from error
    version: Any = fields.get("v")
    if type(version) is not int:
        raise LogCorrupt(f"the line has no version: {version!r:.80}")
    if version > VERSION:
        raise LogError(
            f"the event has envelope version {version}, this lllm reads up to {VERSION}",
            hint="a newer lllm wrote this log: upgrade to read it",
        )
    for old in range(version, VERSION):
        if old not in upcasters:
            raise LogCorrupt(f"no envelope version {old} ever existed")
        fields = upcasters[old](fields)
    if tuple(map(type, map(fields.get, _TYPES))) not in _SHAPES:
        raise _misshapen(fields)
    return fields


def _misshapen(fields: Mapping[str, Any]) -> LogCorrupt:
    faults = (name for name, types in _TYPES.items() if type(fields.get(name)) not in types)
    name = next(faults)
    return LogCorrupt(f"the event's field {name!r} is {fields.get(name)!r:.80}")
