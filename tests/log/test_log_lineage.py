"""A fork's log and its parents', read as one run; and what a damaged or hostile parent makes of it."""

import itertools
import json
from dataclasses import replace

import pytest

from lllm.errors import LogCorrupt, SessionNotFound
from lllm.log import LocalFileLog, MemoryLog
from lllm.log.lineage import Placing, read_readable, to_parent


class Family:
    """Sessions that name each other as parents.

    Attributes:
        log: in memory.
    """

    def __init__(self):
        self.log = MemoryLog()

    def add(self, name, *events, parent=None):
        """Write a session: its header, then events as ``kind id text``."""
        header = {} if parent is None else {"parent": parent}
        with self.log.open_session(name) as session:
            session.append("session.open", "", json.dumps(header))
            for event in events:
                kind, id_, text = event.split()
                session.append(kind, id_, json.dumps({"text": text}))
        return name

    def point(self, name, seq):
        """Return what a fork's header says of its parent."""
        return {"session": name, "seq": seq, "chain": list(self.log.read_run(name))[seq - 1].h}

    def run(self, name):
        return [(e.seq, e.kind, e.id, e.data.get("text")) for e in self.log.read_run(name)]


@pytest.fixture
def family():
    made = Family()
    made.add("root", "value v/0 a", "message 1/m0 hello", "value v/1 b", "value v/2 c")
    return made


def test_a_session_without_a_parent_is_its_own_run(family):
    assert list(family.log.read_run("root")) == list(family.log.read_session("root"))


def test_a_fork_is_read_with_what_it_shares(family):
    family.add("child", "value v/1 B", parent=family.point("root", 3))
    assert family.run("child") == [
        (1, "session.open", "", None),
        (2, "value", "v/0", "a"),
        (3, "message", "1/m0", "hello"),
        (4, "value", "v/1", "B"),
    ]


def test_the_header_of_a_run_is_the_forks_own(family):
    family.add("child", parent=family.point("root", 3))
    assert next(iter(family.log.read_run("child"))).data["parent"]["session"] == "root"


def test_what_a_fork_says_anew_stands_in_its_place(family):
    family.add("child", "message 1/m0 hi", "value v/1 B", parent=family.point("root", 3))
    assert family.run("child")[2:] == [(3, "message", "1/m0", "hi"), (4, "value", "v/1", "B")]


def test_a_fork_replaces_what_was_said_and_never_what_was_answered(family):
    """A value of the past that stood in the fork again would be another past."""
    family.add("child", "value v/0 other", parent=family.point("root", 3))
    assert family.run("child")[1] == (2, "value", "v/0", "a")


def test_of_two_that_say_it_anew_the_first_counts(family):
    family.add("child", "message 1/m0 one", "message 1/m0 two", parent=family.point("root", 3))
    assert [text for _, kind, _, text in family.run("child") if kind == "message"] == ["one", "two"]


def test_a_fork_of_a_fork_is_read_through_both(family):
    family.add("child", "value v/1 B", "value v/2 C", parent=family.point("root", 3))
    family.add("grandchild", "value v/2 CC", parent=family.point("child", 4))
    assert [text for *_, text in family.run("grandchild")] == [None, "a", "hello", "B", "CC"]


def test_what_a_parent_wrote_later_is_no_part_of_its_fork(family):
    point = family.point("root", 3)
    family.add("child", parent=point)
    assert len(family.run("child")) == 3


def test_a_parent_that_is_gone_is_told(family):
    family.add("child", parent=family.point("root", 3))
    del family.log._sessions["root"]
    with pytest.raises(SessionNotFound, match="child was forked from root, which is not there") as raised:
        family.run("child")
    assert "backup" in raised.value.hint


@pytest.mark.parametrize("change", [{"chain": "0" * 32}, {"seq": 4}, {"seq": 99}])
def test_a_parent_that_is_another_one_now_is_told(family, change):
    family.add("child", parent=family.point("root", 3) | change)
    with pytest.raises(LogCorrupt, match="which is another one now"):
        family.run("child")


def test_its_own_events_can_be_read_without_the_parent(family):
    """`lllm log show` of what is left."""
    family.add("child", "value v/1 B", parent=family.point("root", 3))
    del family.log._sessions["root"]
    assert [e.kind for e in family.log.read_session("child")] == ["session.open", "value"]


@pytest.mark.parametrize("names", [("a", "a"), ("a", "b", "a"), ("a", "b", "c", "a")])
def test_a_ring_of_parents_ends_in_an_error(names):
    """No log that lllm writes has one; a hostile log must not hang a reader."""
    family = Family()
    for name, parent in itertools.pairwise(names):
        family.add(name, parent={"session": parent, "seq": 1, "chain": "0" * 32})
    with pytest.raises(LogCorrupt, match="one of its own parents"):
        family.run(names[0])


def test_a_ring_further_up_ends_in_an_error(family):
    """The session that is read need not be part of it."""
    for name, parent in [("child", "a"), ("a", "b"), ("b", "a")]:
        family.add(name, parent={"session": parent, "seq": 1, "chain": "0" * 32})
    with pytest.raises(LogCorrupt, match="session a is one of its own parents"):
        family.run("child")


def test_a_long_line_of_parents_is_read(family):
    """Whoever tries a thousand prompts one after the other forks a thousand times."""
    name = "root"
    for number in range(1000):
        chain = list(family.log.read_session(name))[-1 if number else 2].h
        parent = {"session": name, "seq": 3 + number, "chain": chain}
        name = family.add(f"child{number}", f"value x/{number} v", parent=parent)
    assert len(family.run(name)) == 1003


def test_of_a_parent_that_lost_its_own_it_is_told_which(family):
    """Restoring the one that is still there would help nobody."""
    family.add("child", "value v/1 B", parent=family.point("root", 3))
    family.add("grandchild", parent=family.point("child", 4))
    del family.log._sessions["root"]
    with pytest.raises(SessionNotFound, match="session child was forked from root, which is not there"):
        family.run("grandchild")


@pytest.mark.parametrize(
    "parent",
    [
        3,
        "root",
        [],
        {},
        ["root", 3, "x"],
        {"session": "root"},
        {"session": "root", "seq": "3", "chain": "x"},
        {"session": "root", "seq": True, "chain": "x"},
        {"session": "root", "seq": 0, "chain": "x"},
        {"session": "root", "seq": -1, "chain": "x"},
        {"session": "root", "seq": 1.0, "chain": "x"},
        {"session": None, "seq": 1, "chain": "x"},
        {"session": "root", "seq": 1, "chain": None},
    ],
)
def test_a_parent_that_cannot_be_is_a_damaged_log(family, parent):
    """Headers come from disk, and anybody may have written them."""
    with pytest.raises(LogCorrupt, match="the session's parent is"):
        to_parent({"parent": parent})
    family.add("child", parent=parent)
    with pytest.raises(LogCorrupt):
        family.run("child")


@pytest.mark.parametrize("name", ["../root", "/etc", "a/b", "", "\0", "x" * 5000])
def test_a_parent_outside_the_log_is_never_opened(tmp_path, name):
    """A header must not make a reader look into other folders."""
    outside = LocalFileLog("outside", {"log_dir": str(tmp_path)})
    with outside.open_session("root") as session:
        session.append("session.open", "", "{}")
    log = LocalFileLog("outside", {"log_dir": str(tmp_path / "outside")})
    with log.open_session("child") as session:
        session.append("session.open", "", json.dumps({"parent": {"session": name, "seq": 1, "chain": "x"}}))
    with pytest.raises((SessionNotFound, LogCorrupt)):
        list(log.read_run("child"))


def test_an_event_that_is_taken_back_leaves_its_place_free(family):
    """Who reads while a fork is written may see an event that its writer then takes back."""
    shared = list(family.log.read_run("root"))[:3]
    said = shared[-1]
    placing = Placing(shared)
    assert placing.place(replace(said, seq=2)) == (said, True)
    placing.take_back(2)
    assert placing.place(replace(said, seq=2)) == (said, True)
    placing.take_back(7)
    assert placing.place(replace(said, seq=3)) == (replace(said, seq=5), False)


def test_no_parent_is_none():
    assert to_parent({}) is None
    assert to_parent({"parent": None}) is None


def test_what_can_be_read_comes_with_what_stopped_it():
    """What stands before a damage is worth seeing."""

    def reading():
        yield 1
        yield 2
        raise LogCorrupt("damaged")

    events, damage = read_readable(reading())
    assert (events, str(damage)) == ([1, 2], "damaged")
    assert read_readable([1]) == ([1], None)
