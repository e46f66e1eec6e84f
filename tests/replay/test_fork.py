"""Fork: a new session that shares a recorded one up to an event, and is live from there on."""

import asyncio

import pytest
from crashes import BUY, STAMP, Shop

from lllm.errors import LogCorrupt, LogError, LogExists, ReplayDiverged, SessionNotFound
from lllm.llm.agent import Agent
from lllm.llm.session import Session
from lllm.log import MemoryLog
from lllm.replay import fork, replay
from lllm.testing import scripted_model

END = "done: more, as the mail was sent"


@pytest.fixture
def shop(tmp_path):
    return Shop(tmp_path).record()


def ids(events):
    return [(e.kind, e.id) for e in events]


def own(shop, name):
    return list(shop.log.read_session(name))


# --- where it begins ---------------------------------------------------------------------------------------------------


def test_a_fork_begins_at_a_seq(shop):
    seq = shop.seq("model.request", "1/s1")
    report = fork(shop.log, "whole", seq, shop.run)
    assert report.served == seq - 1
    assert (shop.asked, shop.done) == (2, {"mail": 1, "stamp": 1})


def test_a_fork_begins_at_an_id(shop):
    report = fork(shop.log, "whole", "1/s1", shop.run)
    assert report.served == shop.seq("model.request", "1/s1") - 1


def test_a_fork_begins_at_the_last_model_call_by_default(shop):
    report = fork(shop.log, "whole", run=shop.run)
    assert report.served == shop.seq("model.request", "1/s2") - 1
    assert (shop.asked, shop.done) == (1, {})


@pytest.mark.parametrize("at", [0, 1, 27, "1", "99", "9/s9", -4, "²"])
def test_a_place_that_is_not_there_is_refused(shop, at):
    with pytest.raises(LogError, match="has no event"):
        fork(shop.log, "whole", at, shop.run)
    assert list(shop.log.session_names()) == ["whole"]


def test_of_a_run_that_died_the_whole_may_be_shared(shop):
    """A fork leaves the dead session as it is, where resume goes on in it."""
    name = shop.die_after("step", STAMP)
    before = shop.lines(name)
    end = len(shop.events(name)) + 1
    assert fork(shop.log, name, end, shop.run).result == END
    assert shop.lines(name) == before


def test_a_fork_at_any_event_is_the_run_that_would_have_been(shop):
    """Parent and child together are one run, and replay as one."""
    whole = shop.events()
    for seq in range(2, len(whole) + 1):
        shop.forget()
        report = fork(shop.log, "whole", seq, shop.run)
        assert report.result == END, seq
        events = shop.events(report.session)
        assert ids(events) == ids(whole), seq
        assert [e.seq for e in events] == list(range(1, len(whole) + 1)), seq
        shop.check_replays(report.session)


def test_what_the_parent_says_is_not_copied(shop):
    """A fork costs its own events, and its header."""
    seq = shop.seq("model.request", "1/s2")
    report = fork(shop.log, "whole", seq, shop.run)
    assert ids(own(shop, report.session)) == [("session.open", ""), *ids(shop.events()[seq - 1 :])]


def test_the_header_names_the_parent(shop):
    seq = shop.seq("model.request", "1/s2")
    report = fork(shop.log, "whole", seq, shop.run)
    header, parent = shop.events(report.session)[0].data, shop.events()
    assert header["parent"] == {"session": "whole", "seq": seq - 1, "chain": parent[seq - 2].h}
    assert header["forks"] == 1
    assert header["run_id"] != parent[0].data["run_id"]


def test_the_parent_stays_byte_for_byte(shop):
    before = shop.lines("whole")
    fork(shop.log, "whole", 15, shop.run)
    assert shop.lines("whole") == before


def test_a_function_that_was_under_way_runs_again(shop):
    """The fork is another life: in this one it has not happened."""
    fork(shop.log, "whole", shop.seq("function.result", BUY), shop.run)
    assert (shop.done["buy"], shop.done["look"], shop.done["pay"]) == (1, 1, 1)


# --- forks of forks, and what becomes of parents -----------------------------------------------------------------------


def test_a_fork_can_be_forked(shop):
    one = fork(shop.log, "whole", "1/s1", shop.run).session
    two = fork(shop.log, one, "1/s2", shop.run).session
    three = fork(shop.log, two, 9, shop.run).session
    assert ids(shop.events(two)) == ids(shop.events(three)) == ids(shop.events())
    assert shop.events(three)[0].data["forks"] == 3
    for name in (one, two, three):
        shop.check_replays(name)


def test_a_fork_of_a_fork_may_begin_before_its_parent_did(shop):
    one = fork(shop.log, "whole", "1/s2", shop.run).session
    two = fork(shop.log, one, "1/s1", shop.run).session
    assert shop.events(two)[0].data["parent"]["session"] == one
    shop.check_replays(two)


def test_forks_are_numbered_and_may_be_named(shop):
    one = fork(shop.log, "whole", run=shop.run).session
    two = fork(shop.log, one, run=shop.run).session
    named = fork(shop.log, "whole", run=shop.run, name="better prompt").session
    assert (one, two) == ("whole-fork1", "whole-fork2")
    assert named in shop.log.session_names()


def test_a_taken_name_is_refused(shop):
    with pytest.raises(LogExists):
        fork(shop.log, "whole", run=shop.run, name="whole")


def test_a_fork_whose_parent_is_gone_says_so(shop):
    name = fork(shop.log, "whole", run=shop.run).session
    for file in (shop.log.folder / "whole").iterdir():
        file.unlink()
    (shop.log.folder / "whole").rmdir()
    for act in (shop.events, lambda name: fork(shop.log, name, run=shop.run), lambda name: replay(shop.log, name)):
        with pytest.raises(SessionNotFound, match="forked from whole"):
            act(name)


def test_a_fork_whose_parent_was_changed_says_so(shop):
    """The chain hash in the header holds every event before the fork."""
    name = fork(shop.log, "whole", run=shop.run).session
    other = Shop(shop.log.folder.parent / "other").record()
    shop.file("whole").write_bytes(other.file("whole").read_bytes())
    with pytest.raises(LogCorrupt, match="which is another one now"):
        shop.events(name)


def test_what_the_parent_did_later_is_no_concern_of_the_fork(shop):
    dead = shop.die_after("model.reply", "1/s1")
    name = fork(shop.log, dead, "1/s1", shop.run).session
    shop.file(dead).write_bytes(shop.file("whole").read_bytes())
    shop.check_replays(name)


# --- nothing is left of what never was ---------------------------------------------------------------------------------


def test_a_fork_that_never_goes_live_leaves_nothing(shop):
    """Its log is made when its first new event comes."""

    def run(session):
        shop.run(session)
        raise AssertionError("not reached")

    shop.prompt = ""  # no system message: another thing, not other words
    with pytest.raises(ReplayDiverged):
        fork(shop.log, "whole", "1/s2", run)
    assert [path.name for path in shop.log.folder.iterdir() if path.name.startswith("whole-")] == []
    assert list(shop.log.session_names()) == ["whole"]


def test_code_that_does_other_things_is_told_where_a_fork_could_begin(shop):
    shop.extra = lambda session: session.step("new", lambda: 1)
    with pytest.raises(ReplayDiverged) as raised:
        fork(shop.log, "whole", "1/s2", shop.run)
    begin = raised.value.report["seq"]
    assert begin == shop.seq("step", "v/1")
    assert raised.value.hint == f"fork before the difference: lllm fork whole@{begin}"
    assert not shop.done
    assert fork(shop.log, "whole", begin, shop.run).result == END


def test_changed_words_alone_leave_nothing_when_the_code_then_does_other_things(shop):
    """What is said anew is kept back until something new follows."""
    shop.prompt = "You buy with care."
    shop.extra = lambda session: session.step("new", lambda: 1)
    with pytest.raises(ReplayDiverged):
        fork(shop.log, "whole", "1/s2", shop.run)
    assert list(shop.log.session_names()) == ["whole"]


def test_a_remark_about_the_past_is_kept_if_something_new_follows(shop):
    """It makes no fork by itself, and stands in the fork's own log once there is one, with the seq that it was told."""
    seqs = []

    def remarking(session):
        session.note("today")
        seqs.append(session.journal.append("note", "note/9", '{"text":"more"}'))
        return shop.run(session)

    def other(session):
        session.note("today")
        raise ValueError("at once")

    with pytest.raises(ReplayDiverged):
        fork(shop.log, "whole", "1/s2", other)
    assert list(shop.log.session_names()) == ["whole"]
    name = fork(shop.log, "whole", "1/s2", remarking).session
    notes = [(event.seq, event.data["text"]) for event in shop.events(name) if event.kind == "note"]
    shared = shop.seq("model.request", "1/s2") - 1
    assert notes == [(shared + 1, "today"), (shared + 2, "more")]
    assert seqs == [shared + 2]


def test_code_that_raises_in_its_past_leaves_no_fork(shop):
    def run(session):
        session.now()
        raise ValueError("at once")

    with pytest.raises(ReplayDiverged, match=r"dialog\.open 1, which today's code does not do"):
        fork(shop.log, "whole", "1/s2", run)
    assert list(shop.log.session_names()) == ["whole"]


def test_an_error_in_the_live_part_is_raised_and_logged(shop):
    def run(session):
        shop.run(session)
        raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        fork(shop.log, "whole", run=run)
    assert shop.events("whole-fork1")[-1].data == {"status": "failed", "error": "ValueError: mine"}


def test_its_name_is_told_as_soon_as_there_is_one(shop):
    """Who watches a fork that runs for long wants to look at its log meanwhile."""
    told = []

    def opened(name):
        told.append((name, shop.asked))

    fork(shop.log, "whole", run=shop.run, on_open=opened)
    assert told == [("whole-fork1", 0)]


# --- code that says its past in other words ----------------------------------------------------------------------------


def test_other_words_in_the_past_stand_in_the_forks_log(shop):
    """So the fork replays with the changed code, and its parent with the old."""
    shop.prompt = "You buy with care."
    name = fork(shop.log, "whole", "1/s2", shop.run).session
    system = next(e for e in shop.events(name) if e.id == "1/m0")
    assert system.data["message"]["content"] == "You buy with care."
    assert shop.done == {}
    shop.check_replays(name)
    shop.prompt = "You buy."
    shop.check_replays("whole")
    assert replay(shop.log, name, shop.run).status == "differs"


def test_replies_of_the_past_stay_what_they_were(shop):
    shop.prompt = "You buy with care."
    name = fork(shop.log, "whole", "1/s2", shop.run).session
    replies = [[e.data for e in shop.events(of) if e.kind == "model.reply"][:2] for of in ("whole", name)]
    assert replies[0] == replies[1]


def test_a_fork_of_a_changed_fork_keeps_the_change(shop):
    shop.prompt = "You buy with care."
    one = fork(shop.log, "whole", "1/s2", shop.run).session
    shop.forget()
    two = fork(shop.log, one, "1/s1", shop.run).session
    shop.check_replays(two)
    assert len(own(shop, two)) < len(shop.events(two))  # it says nothing anew


# --- other logs, other callers -----------------------------------------------------------------------------------------


def test_a_session_in_memory_can_be_forked(tmp_path):
    shop = Shop(tmp_path)
    shop.log = MemoryLog()
    shop.record()
    report = fork(shop.log, "whole", "1/s2", shop.run)
    assert report.result == END
    shop.check_replays(report.session)


def test_fork_works_where_a_loop_is_running_and_for_async_code(tmp_path):
    log = MemoryLog()

    async def run(session):
        agent = Agent.quick(provider=scripted_model("one", "two"))
        return (await agent.aask("x")).content

    with Session.open(log, "s") as session:
        session.result = asyncio.run(run(session))

    async def main():
        return fork(log, "s", run=run).result

    assert asyncio.run(main()) == "one"
