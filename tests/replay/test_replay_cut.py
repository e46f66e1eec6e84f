"""A process can die at any event. What it left behind replays up to there, and no further."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from replay_scenes import SCENES, record, replayed

from lllm.log.memory import MemoryLog
from lllm.replay.journal import _LOOK_S, _OTHERS_S, _STRANGERS_S


def cut(log, length, name="s"):
    """Return a log that holds the first events of a session, as a killed process leaves them."""
    short = MemoryLog(redactor=log.redactor)
    session = short.open_session(name)
    for event in list(log.read_session(name))[:length]:
        session.append(event.kind, event.id, json.dumps(event.data), cause=event.cause)
    return short


# Of work that runs at the same time, a replay may come to the end of one part before it comes to another.
AT_ONCE = {
    "mapped",
    "amapped",
    "gathered",
    "workers_with_a_queue",
    "threads_over_dialogs_that_are_open",
    "threads_with_a_context_open_dialogs_as_answers_arrive",
}
AT_ONCE |= {"threads_in_scopes", "one_of_several_fails_while_the_others_wait", "a_stream_that_is_left_at_once"}


@pytest.mark.parametrize("scene", SCENES.values(), ids=lambda scene: scene.name)
def test_a_session_that_was_cut_off_anywhere_replays_to_its_end(scene):
    """A crash is no difference: the prefix agrees whole, and nothing is asked to find out what would come next."""
    log = MemoryLog()
    record(scene, log)
    events = list(log.read_session("s"))
    for length in range(1, len(events)):
        report = replayed(scene, cut(log, length))
        assert (report.status, report.difference) == ("ended", {}), length
        if scene.name not in AT_ONCE:
            assert report.replayed == report.events == length


def test_code_that_tries_again_for_ever_does_not_keep_a_replay_from_ending():
    """``except Exception`` in a loop would otherwise spin on the end of the recording."""
    log = MemoryLog()
    scene = SCENES["echo"]
    record(scene, log)
    stubborn = type(scene)("stubborn", _ask_until_it_works, scene.model)
    assert replayed(stubborn, cut(log, 5)).status == "ended"


def _ask_until_it_works(session, world):
    agent = world.agent()
    dialog = agent.init_dialog()
    dialog.send_message("hello")
    while True:
        try:
            return agent.call(dialog)[0].content
        except Exception:  # noqa: BLE001 - the point
            continue


def test_a_difference_before_the_cut_is_found():
    """A dead process is no excuse: what it did record is held against today's code."""
    log = MemoryLog()
    record(SCENES["two_dialogs"], log)

    def changed(session, world):
        one, two = world.agent("A"), world.agent("B")
        first, second = one.init_dialog(), two.init_dialog()
        first.send_message("x")
        first.send_message("one more")
        second.send_message(one.call(first)[0].content)

    scene = type(SCENES["echo"])("changed", changed, SCENES["echo"].model)
    report = replayed(scene, cut(log, 14))
    assert (report.status, report.difference["id"]) == ("differs", "1/m2")


def test_code_that_ends_before_the_cut_differs():
    """Today's code is over, and the recording, though cut off, has more."""
    log = MemoryLog()
    record(SCENES["echo"], log)
    scene = type(SCENES["echo"])("short", lambda session, world: world.agent().init_dialog() and None, None)
    report = replayed(scene, cut(log, 6))
    assert report.status == "differs"
    assert (report.difference["kind"], report.difference["seq"]) == ("message", 4)


def test_a_difference_at_the_cut_is_found():
    """What ran one after the other has an order, so code that turns elsewhere did not merely outlive the recording."""
    log = MemoryLog()
    record(SCENES["two_dialogs"], log)
    length = next(event.seq for event in log.read_session("s") if event.id == "2/m1")

    def changed(session, world):
        one, two = world.agent("A"), world.agent("B")
        first, _ = one.init_dialog(), two.init_dialog()
        first.send_message("x")
        one.call(first)
        first.send_message("y")

    scene = type(SCENES["echo"])("changed", changed, SCENES["echo"].model)
    report = replayed(scene, cut(log, length))
    assert (report.status, report.difference["seq"]) == ("differs", length)


def test_an_interrupt_between_two_events_replays_where_it_was():
    """Ctrl-C may come between any two lines of ours, also where no effect is under way."""
    log = MemoryLog()
    scene = SCENES["arrival_a_b"]
    record(scene, log)
    length = next(event.seq for event in log.read_session("s") if event.kind == "function.call")
    short = cut(log, length)
    session = short._sessions["s"]
    by = {"outcome": "failed", "reason": "cancelled", "by": "KeyboardInterrupt: "}
    session.append("call.close", "1/s0", json.dumps(by))
    session.append("session.close", "", json.dumps({"status": "failed", "error": "KeyboardInterrupt: "}))
    report = replayed(scene, short)
    assert (report.status, report.error) == ("same", "KeyboardInterrupt: ")


AT_THE_CUT = """
import sys
import threading
from lllm.llm.jobs import THREADS
from lllm.llm.session import Session
from lllm.log import MemoryLog
from lllm.replay import replay

log = MemoryLog()
session = Session.open(log, "s")
with session.active():
    session.now()
    session.frontend("text", {"args": ["the end"]})
session.journal.close()  # its process died
looks, may_end = 0, threading.Event()
other = threading.Thread(target=may_end.wait)

def look(*_):
    global looks
    looks += 1
    if sys.argv[1] == "ends" and looks == 3:
        may_end.set()
        other.join()

def again(session):
    session.now()
    if sys.argv[1] in ("stays", "ends"):
        other.start()
    session.step("other", int)

if sys.argv[1] == "stranger":
    other.start()
if sys.argv[1] == "idle":
    THREADS.submit(lambda: None)
    assert threading.active_count() == 2
    while THREADS.idle == 0:
        pass  # the thread has still to see that it is done
threading.Condition.wait_for = look
print(replay(log, "s", again).status, looks)
may_end.set()
"""


def looks_at_the_cut(others):
    """Return how often a replay looked, at the end of the recording, whether another thread has come."""
    command = [sys.executable, "-c", AT_THE_CUT, others]
    env = os.environ | {"PYTHONPATH": str(Path.cwd())}
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=env)
    assert done.stderr == ""
    status, looks = done.stdout.split()
    assert status == "differs"
    return int(looks)


def test_at_the_cut_nobody_is_waited_for_who_cannot_come():
    """A thread that has run a function is kept for the next; alone it does nothing that the recording could have."""
    assert looks_at_the_cut("idle") == 0


def test_at_the_cut_a_thread_is_waited_for_until_it_ends():
    """On a busy machine it may be long in coming; one that has ended will not."""
    assert looks_at_the_cut("stays") * _LOOK_S == _OTHERS_S
    assert looks_at_the_cut("ends") == 3


def test_at_the_cut_threads_that_were_there_before_are_not_waited_for_long():
    """Each notebook has some, which have nothing to do with the run."""
    assert looks_at_the_cut("stranger") * _LOOK_S == _STRANGERS_S
