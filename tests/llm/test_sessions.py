"""Sessions: names, ids, values, work at the same time, and how a run begins and ends in its log."""

from __future__ import annotations

import asyncio
import json
import threading

import pytest
from world import World, add, calls

from lllm.errors import CallCancelled, ConfigError, LogError, LogExists, LogPoisoned
from lllm.llm import Session, current_session
from lllm.log import LocalFileLog, MemoryLog, NoLog
from lllm.utils import safe_name

TASKS = {
    "dots": "../../etc/passwd",
    "nul": "a\0b",
    "megabyte": "x" * 1_000_000,
    "surrogate": "\ud800 lone",
    "emoji": "🙂" * 1_000_000,
    "empty": "",
    "newlines": "a\nb\r\n\u2028c",
    "device": "CON",
    "dict": {"deep": [1, {"k": None}]},
    "null": None,
}


def opened(name="s", log=None, **options):
    return Session.open(log or MemoryLog(), name, **options)


def events_of(session, log, kind):
    return [event for event in log.read_session(session.name) if event.kind == kind]


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_any_task_is_data_and_never_a_path(task, tmp_path):
    """What a user typed ends in the log as it was, in a folder that nobody could have chosen."""
    log = LocalFileLog("l", {"log_dir": str(tmp_path / "logs"), "durability": "flush"})
    with Session.open(log, header={"task": task}) as session:
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["logs"]
    assert (tmp_path / "logs" / "l" / session.name).is_dir()
    assert len(session.name) <= 100
    assert next(iter(log.read_session(session.name))).data["task"] == task


@pytest.mark.parametrize("name", ["../up", "a/b", "nul\0", "x" * 5000, "🙂", "\udcff", "CON", "Überlauf", ".hidden"])
def test_any_session_name_becomes_a_safe_one(name, tmp_path):
    """A name from outside names a folder, and only one of our own."""
    log = LocalFileLog("l", {"log_dir": str(tmp_path / "logs"), "durability": "flush"})
    with Session.open(log, name) as session:
        pass
    assert session.name == safe_name(name)
    assert {path.name for path in (tmp_path / "logs" / "l").iterdir() if path.is_dir()} == {session.name}
    assert [path.name for path in tmp_path.iterdir()] == ["logs"]


def test_a_fresh_name_can_be_read_and_is_not_taken():
    """People look for a run by its time and its task."""
    log = MemoryLog()
    names = {Session.open(log, header={"task": "Add 1 and 2!"}).name for _ in range(50)}
    assert len(names) == 50
    assert all("-add-1-and-2-" in name for name in names)


def test_a_name_that_is_taken_is_refused():
    """A log is never written over."""
    log = MemoryLog()
    opened("s", log)
    with pytest.raises(LogExists):
        opened("s", log)


@pytest.mark.parametrize("task", [object(), {1, 2}, float("nan"), b"bytes"])
def test_a_task_that_is_no_json_is_refused_and_leaves_nothing(task, tmp_path):
    """A replay could not be given the same task; and the name must still be free for the next try."""
    log = LocalFileLog("l", {"log_dir": str(tmp_path), "durability": "flush"})
    with pytest.raises(ConfigError, match="plain JSON"):
        Session.open(log, "mine", header={"task": task})
    assert log.session_names() == []
    Session.open(log, "mine", header={"task": "fine"}).close()


@pytest.mark.parametrize("told", [{"m": {1: "a"}}, {"m": [{"deep": {None: 1}}]}, {"m": {True: 1}}, {"m": {0.5: 1}}])
def test_a_header_that_would_come_back_changed_is_refused(told):
    """JSON makes text of such keys, so the replay would run on other arguments than the run did."""
    log = MemoryLog()
    with pytest.raises(ConfigError, match="'kwargs' would come back"):
        Session.open(log, "s", header={"kwargs": told})
    assert log.session_names() == []


def test_tuples_in_a_header_come_back_as_lists():
    """JSON has no tuples; nothing is lost with them."""
    log = MemoryLog()
    opened("s", log, header={"task": ({"a": (1, [(2,)])},)})
    assert next(iter(log.read_session("s"))).data["task"] == [{"a": [1, [[2]]]}]


def test_the_header_tells_what_a_replay_needs():
    """Versions, the machine's table and the seed stand first in every log."""
    log = MemoryLog()
    session = opened("s", log, header={"task": "t"}, seed=7)
    header = next(iter(log.read_session("s")))
    assert (header.kind, header.seq) == ("session.open", 1)
    assert header.data["seed"] == 7
    assert {"lllm", "python", "machine", "session", "task"} <= header.data.keys()
    assert session.name == "s"


def test_a_session_closes_with_its_result():
    """The last event is the outcome."""
    log = MemoryLog()
    with opened("s", log) as session:
        session.result = {"answer": [1, 2]}
    assert events_of(session, log, "session.close")[0].data == {"status": "ok", "result": {"answer": [1, 2]}}


def test_a_result_that_no_log_can_hold_is_named_by_its_type():
    """Its text would hold an address, and differ in every replay."""
    log = MemoryLog()
    with opened("s", log) as session:
        session.result = object()
    assert events_of(session, log, "session.close")[0].data == {"status": "ok", "result_type": "object"}


class Shy(Exception):
    """An error whose text cannot be had."""

    def __str__(self):
        raise RuntimeError


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ValueError("bad \ud800"), "ValueError: bad \ud800"),
        (KeyboardInterrupt(), "KeyboardInterrupt: "),
        (ConfigError("wrong", where="here"), "ConfigError: wrong"),
        (Shy(), "Shy: <Shy that cannot be shown: RuntimeError>"),
    ],
)
def test_a_session_that_fails_is_closed_with_its_error(error, text):
    """Whatever ended the run, its log is whole and says so; the error goes on."""
    log = MemoryLog()
    session = opened("s", log)
    with pytest.raises(type(error)), session:
        raise error
    assert session.closed
    assert events_of(session, log, "session.close")[0].data == {"status": "failed", "error": text}


def test_closing_twice_does_nothing():
    """``with`` and an explicit close go together."""
    log = MemoryLog()
    session = opened("s", log)
    session.close()
    session.close()
    assert len(events_of(session, log, "session.close")) == 1


def test_nothing_happens_in_a_closed_session():
    """An effect that no log takes is not performed."""
    world = World("never")
    world.dialog.send_message("go")
    world.session.close()
    with pytest.raises(LogError, match="closed"):
        world.agent.call(world.dialog)
    assert world.requests == []


def test_a_full_disk_stops_everything(tmp_path):
    """After the first event that was not written, nothing more is sent; closing lets the folder go."""
    log = LocalFileLog("l", {"log_dir": str(tmp_path), "durability": "flush"})
    world = World("never", log=log)
    world.dialog.send_message("go")
    world.session.journal._file.poison(OSError(28, "No space left on device"))
    with pytest.raises(LogPoisoned):
        world.agent.call(world.dialog)
    with pytest.raises(LogPoisoned):
        world.session.close()
    assert world.requests == []
    assert log.describe_session("run").status == "open"


def test_runs_without_a_log_are_runs():
    """NoLog keeps nothing and changes nothing."""
    log = NoLog()
    world = World(calls(("add", {"a": 1, "b": 2})), "three", functions=[add], log=log)
    assert world.ask()[0].content == "three"
    world.session.close()
    assert log.session_names() == []


# --- values that differ from run to run ---------------------------------------------------------------------------


def test_values_from_outside_are_events():
    """Clocks, chance and results of steps are what a replay reads in place of the world."""
    log = MemoryLog()
    session = opened("s", log)
    now, name, _ = session.now(), session.uuid4(), session.step("fetch", lambda a: {"a": a}, 3)
    values = events_of(session, log, "value")
    assert [(e.id, e.data["name"], e.data["value"]) for e in values] == [
        ("v/0", "now", now),
        ("v/1", "uuid4", name),
        ("v/2", "fetch", {"a": 3}),
    ]
    assert len(name) == 36


def test_async_steps_are_the_same_events():
    """The twin logs alike."""

    async def fetch(a):
        return [a]

    log = MemoryLog()
    session = opened("s", log)
    assert asyncio.run(session.astep("fetch", fetch, 1)) == [1]
    assert events_of(session, log, "value")[0].data == {"name": "fetch", "value": [1]}


@pytest.mark.parametrize("value", [object(), {1: 2}, float("nan"), {"k": {1}}, (object(),), b"x"])
def test_a_step_whose_result_would_come_back_changed_is_refused(value):
    """Live run and replay must get the same value, to the last key."""
    log = MemoryLog()
    session = opened("s", log)
    with pytest.raises(ConfigError, match="which a log cannot hold"):
        session.step("s", lambda: value)
    (kept,) = events_of(session, log, "value")
    assert kept.data["error"].startswith("ConfigError: step 's' returned"), "the log must not leave the step open"


def test_a_tuple_comes_back_as_a_list_in_both():
    """JSON knows no tuples; so the live run does not see one either."""
    assert opened().step("s", lambda: (1, "a")) == [1, "a"]


def test_random_numbers_follow_the_seed_and_the_scope():
    """A replay draws them again, also when work ran at the same time."""
    one, two, other = opened(seed=1), opened(seed=1), opened(seed=2)
    drawn = [one.random.random(), one.random.random()]
    assert [two.random.random(), two.random.random()] == drawn
    assert other.random.random() != drawn[0]
    with one.scope("a"), two.scope("a"):
        assert one.random.random() == two.random.random() != drawn[0]


# --- work at the same time ----------------------------------------------------------------------------------------


def test_scopes_give_ids_of_their_own():
    """Two workers number their dialogs without knowing of each other."""
    session = opened()
    with session.scope("a"):
        ids = [session.next_dialog_id(), session.next_id("v")]
        with session.scope("b"):
            ids.append(session.next_dialog_id())
    with session.scope("a"):
        ids.append(session.next_dialog_id())
    ids.append(session.next_dialog_id())
    assert ids == ["a.1", "a.v/0", "a.b.1", "a.2", "1"]


def test_a_map_numbers_by_item_and_not_by_arrival():
    """Who comes first is chance; ids must not know it."""
    session = opened()
    gate = threading.Event()

    def work(n):
        if n == 0:
            assert gate.wait(10)
        found = (session.next_dialog_id(), current_session() is session)
        if n == 2:
            gate.set()
        return found

    with session:
        assert session.map(work, range(3)) == [(f"map-0-{n}.1", True) for n in range(3)]
        assert session.map(lambda n: session.next_dialog_id(), range(1)) == ["map-1-0.1"]


def test_an_amap_has_the_ids_of_a_map():
    """The twins agree, so a replay may use either."""
    session = opened()

    async def work(n):
        await asyncio.sleep(0)
        return session.next_dialog_id()

    assert asyncio.run(session.amap(work, range(3), concurrency=2)) == [f"map-0-{n}.1" for n in range(3)]


def test_ids_of_nested_maps_grow_with_the_depth_only():
    """Each level adds its own name once; doubling would end in hashes that nobody can read."""
    session = opened()

    def deeper(depth):
        return session.map(deeper, [depth - 1])[0] if depth else session.next_dialog_id()

    assert deeper(4) == "map-0-0." * 4 + "1"


def test_an_error_in_a_map_lets_the_rest_not_begin():
    """Five hundred paid calls should not follow the one that failed."""
    begun = []

    def work(n):
        begun.append(n)
        raise ValueError(n)

    with pytest.raises(ValueError, match="0"):
        opened().map(work, range(500), concurrency=1)
    assert len(begun) < 500


def test_an_error_in_an_amap_stops_the_others():
    """Tasks that outlive it would write into a session that is closed."""
    ended = []

    async def work(n):
        if n == 0:
            raise ValueError(n)
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(n)

    async def main():
        with pytest.raises(ValueError, match="0"):
            await opened().amap(work, range(3))
        return list(ended)

    assert asyncio.run(main()) == [1, 2]


def test_a_contract_is_logged_once_however_many_ask_at_once():
    """Who meets at its first use goes on when it is logged: no request is in the log before its contract."""
    session = opened()
    barrier, logged = threading.Barrier(8), []

    def told():
        threading.Event().wait(0.02)
        logged.append("contract")
        return {}

    def ask(_):
        barrier.wait(10)
        session.log_once("contract", "k", told)
        return len(logged)

    assert session.map(ask, range(8), concurrency=8) == [1] * 8


def test_a_wait_ends_when_the_session_is_cancelled():
    """Any thread may press the button."""
    session = opened()
    session.cancel()
    with pytest.raises(CallCancelled):
        session.wait(100)


def test_the_current_session_is_the_innermost():
    """Agents find their session by themselves, and the outer one is back afterwards."""
    assert current_session() is None
    with opened("a") as outer:
        with opened("b") as inner:
            assert current_session() is inner
        assert current_session() is outer
    assert current_session() is None


def test_what_was_shown_and_noted_is_in_the_log():
    """The frontend collection is what a person saw; a note is for readers only."""
    log = MemoryLog()
    session = opened("s", log)
    session.frontend("write", {"args": ["hi"]})
    session.note("remark")
    assert events_of(session, log, "frontend")[0].data == {"type": "write", "args": ["hi"]}
    note = events_of(session, log, "note")[0]
    assert (note.data, note.ign) == ({"text": "remark"}, True)


def test_every_line_of_a_log_is_plain_json(tmp_path):
    """A person with jq, or another program, reads it without us."""
    log = LocalFileLog("l", {"log_dir": str(tmp_path), "durability": "flush"})
    world = World(calls(("add", {"a": 1, "b": 2})), "\ud800 🙂", functions=[add], log=log)
    with world.session:
        world.ask()
    lines = b"".join(path.read_bytes() for path in sorted((tmp_path / "l" / "run").glob("events-*.jsonl"))).splitlines()
    assert [json.loads(line)["seq"] for line in lines] == list(range(1, len(lines) + 1))


def test_ctrl_c_in_a_map_ends_what_is_under_way():
    """An item may wait for a long time, or for somebody who has gone."""
    session, waits, ends = opened(), threading.Event(), []

    def work(item):
        if not item:
            assert waits.wait(20)
            raise KeyboardInterrupt
        waits.set()
        try:
            session.wait(20)
        except CallCancelled as error:
            ends.append(error)

    with pytest.raises(KeyboardInterrupt):
        session.map(work, range(2), concurrency=2)
    assert len(ends) == 1
