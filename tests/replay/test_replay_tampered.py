"""Each event of a recording counts: take one away, or change one fact of it, and the replay says so there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from replay_scenes import SCENES, record, replayed

from lllm.log.memory import MemoryLog
from lllm.replay.recording import Recording

# Where parts run at the same time, what is missing in one shows only when the others are through.
AT_ONCE = {"mapped", "amapped", "gathered", "workers_with_a_queue", "threads_over_dialogs_that_are_open"}
AT_ONCE |= {"threads_in_scopes", "one_of_several_fails_while_the_others_wait", "a_stream_that_is_left_at_once"}
IN_ORDER = [scene for scene in SCENES.values() if scene.name not in AT_ONCE]


def rewritten(events) -> MemoryLog:
    """Return a log that holds ``events``, with seq and cause counted anew."""
    log = MemoryLog()
    session = log.open_session("s")
    seqs = {0: 0}
    for event in events:
        known = max(seq for seq in seqs if seq <= event.cause)
        seqs[event.seq] = session.append(event.kind, event.id, json.dumps(event.data), cause=seqs[known])
    return log


@pytest.mark.parametrize("scene", IN_ORDER, ids=lambda scene: scene.name)
def test_an_event_that_is_missing_is_missed(scene):
    """Nothing that happened can be taken out of a recording without a replay noticing."""
    log = MemoryLog()
    record(scene, log)
    events = list(log.read_session("s"))
    passed_over = passed_over_by_replay(events) | broken_into(events)
    for i, event in enumerate(events[1:-1], 1):
        if event.seq in passed_over:
            continue
        report = replayed(scene, rewritten(events[:i] + events[i + 1 :]))
        assert report.status == "differs", (event.kind, event.id)


def passed_over_by_replay(events) -> set[int]:
    """Return the seqs of notes, of what functions did inside, and of contracts, which requests name again."""
    recording = Recording(events)
    free = {event.seq for event in events if recording.is_done(event)}
    return free | {event.seq for event in events if event.kind == "contract"}


def broken_into(events) -> set[int]:
    """Return the seqs of calls that the world broke into: it may as well have done so one event earlier."""
    ends = {event.id.partition("/")[0] for event in events if event.data.get("reason") in BREAKS}
    return {event.seq for event in events if event.id.partition("/")[0] in ends and "/s" in event.id}


BREAKS = {"cancelled", "deadline", "user_code"}
# How the world broke in; a replay follows it.
FOLLOWED = {"/reason", "/by", "/during", "/outcome", "/status"}
# Facts that no code can be held to: they say what came back, and today's code may make nothing of it.
ANSWERS = {"model.reply", "model.error", "value", "function.result"}


@pytest.mark.parametrize("scene", IN_ORDER, ids=lambda scene: scene.name)
def test_a_fact_that_was_changed_is_reported_where_it_stands(scene):
    """The report's pointer leads to the very fact."""
    log = MemoryLog()
    record(scene, log)
    events = list(log.read_session("s"))
    passed_over = passed_over_by_replay(events)
    for i, event in enumerate(events[1:], 1):
        if event.seq in passed_over or event.kind in ANSWERS:
            continue
        for pointer, data in changed_texts(event.data):
            if pointer in FOLLOWED or (event.kind, pointer) == ("call.close", "/error"):
                continue
            report = replayed(scene, rewritten([*events[:i], replace(event, data=data), *events[i + 1 :]]))
            assert report.status == "differs", (event.kind, event.id, pointer)
            assert (report.difference["seq"], report.difference["pointer"]) == (event.seq, f"/data{pointer}")


def changed_texts(data: Any, pointer: str = "") -> Iterator[tuple[str, Any]]:
    """Yield copies of plain data in each of which one text is longer, and where it stands."""
    if isinstance(data, str):
        yield pointer, f"{data}~"
    parts = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in parts:
        for where, other in changed_texts(value, f"{pointer}/{key}"):
            copy = data.copy()
            copy[key] = other
            yield where, copy
