"""What a session owns lives as long as what it serves."""

from __future__ import annotations

import asyncio
import threading

import pytest

from lllm.errors import LogError
from lllm.llm import Session
from lllm.llm.belongings import Belongings
from lllm.llm.place import user_scope
from lllm.log import MemoryLog

PATIENCE_S = 20


class Owned:
    """Something that holds on to the world, and knows when it may let go."""

    def __init__(self):
        self.closing, self.closed = threading.Event(), threading.Event()
        self.may_close = threading.Event()
        self.may_close.set()

    def close(self):
        self.closing.set()
        assert self.may_close.wait(PATIENCE_S)
        self.closed.set()


@pytest.fixture
def session():
    with Session.open(MemoryLog(), "s") as session:
        yield session


def take(session, name="it"):
    """Return what code at this place of the session has of a name."""
    return session.belongings.get((name, user_scope()), Owned, user_scope())


def test_a_key_is_made_once_and_closed_with_the_session():
    with Session.open(MemoryLog(), "s") as session:
        first = take(session)
        assert take(session) is first
        assert take(session, "other") is not first
        assert not first.closed.is_set()
    assert first.closed.is_set()
    with pytest.raises(LogError, match="closed"):
        take(session)


def test_an_item_of_a_map_closes_what_served_it_when_it_is_over(session):
    """A thousand items would else hold a thousand browsers."""
    kept = take(session)
    before: list[Owned] = []

    def work(_item):
        for owned in before:
            assert owned.closed.wait(PATIENCE_S)
        with session.scope("inner"):
            inner = take(session)
        before.extend([inner, take(session)])

    session.map(work, range(3), concurrency=1)
    assert len(set(before)) == 6
    assert all(owned.closed.wait(PATIENCE_S) for owned in before)
    assert not kept.closed.is_set()
    assert take(session) is kept


def test_an_item_closes_nothing_of_the_items_beside_it(session):
    """Also not of number 11, whose scope begins as that of number 1 does."""
    both, held = threading.Barrier(2, timeout=PATIENCE_S), {}

    def work(item):
        held[item] = take(session)
        if item not in (1, 11):
            return
        both.wait()
        if item == 11:
            assert held[1].closed.wait(PATIENCE_S)
            assert not held[11].closed.is_set()

    session.map(work, range(12), concurrency=12)


def test_an_item_that_fails_closes_what_served_it(session):
    held = []

    def work(_item):
        held.append(take(session))
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        session.map(work, [1])
    assert held[0].closed.wait(PATIENCE_S)


def test_an_item_on_the_event_loop_does_not_hold_it_up_by_closing(session):
    """A browser takes its time to end, and the other items go on meanwhile."""
    held = {}

    async def work(item):
        held[item] = take(session)
        held[item].may_close.clear()
        if item:
            await asyncio.to_thread(held[0].closing.wait, PATIENCE_S)
            held[0].may_close.set()
            held[1].may_close.set()

    asyncio.run(session.amap(work, range(2)))
    assert all(owned.closed.is_set() for owned in held.values())


def test_items_that_are_cancelled_close_what_served_them(session):
    """Twice cancelled, as items are whose time is up, and more of them than the loop has threads."""
    held = []

    async def work(_item):
        held.append(take(session))
        await asyncio.sleep(PATIENCE_S)

    async def main():
        async with asyncio.timeout(0.05):
            await session.amap(work, range(60), concurrency=60)

    with pytest.raises(TimeoutError):
        asyncio.run(main())
    assert len(held) == 60
    assert all(owned.closed.wait(PATIENCE_S) for owned in held)


def test_no_more_is_open_at_once_than_items_run_at_once(session):
    """However long it takes to close: else a map of short items would have a browser for each of them."""
    counts = []

    def work(_item):
        held.append(take(session))
        counts.append(sum(not owned.closed.is_set() for owned in held))

    async def awork(item):
        work(item)

    held = []
    session.map(work, range(20), concurrency=2)
    held = []
    asyncio.run(session.amap(awork, range(20), concurrency=2))
    assert len(counts) == 40
    assert max(counts) <= 2


@pytest.mark.parametrize("is_async", [False, True])
def test_a_run_inside_a_session_closes_what_served_it(session, is_async):
    async def arun():
        return run_inside()

    def run_inside():
        with session.open_run({}) as run:
            held = take(run)
            assert take(session) is held
        return held

    held = asyncio.run(arun()) if is_async else run_inside()
    assert held.closed.wait(PATIENCE_S)
    assert take(session) is not held


def test_a_run_on_the_event_loop_does_not_hold_it_up_by_closing(session):
    async def arun():
        with session.open_run({}) as run:
            held = take(run)
            held.may_close.clear()
        assert not held.closed.is_set()
        held.may_close.set()
        return held

    assert asyncio.run(arun()).closed.wait(PATIENCE_S)


def test_who_asks_for_what_is_over_is_late(session):
    """A thread that was given up would else have a new browser, which nobody closes before the session ends."""
    scopes = []

    def work(_item):
        take(session)
        scopes.append(user_scope())

    session.map(work, range(1))
    for scope in (scopes[0], f"{scopes[0]}.inner"):
        with pytest.raises(LogError, match="is over"):
            session.belongings.get("it", Owned, scope)
    assert session.belongings.get("it", Owned, f"{scopes[0]}0") is not None


def test_a_scope_that_may_come_again_keeps_what_serves_it(session):
    with session.scope("a"):
        held = take(session)
    with session.scope("a"):
        assert take(session) is held
    assert not held.closed.is_set()


def test_the_end_of_the_session_waits_for_what_is_being_closed():
    """A program that ended meanwhile would leave a process behind."""

    class Waker(Owned):
        def close(self):
            held.may_close.set()

    async def arun(session):
        with session.open_run({}) as run:
            held = take(run)
            held.may_close.clear()
        return held

    with Session.open(MemoryLog(), "s") as session:
        session.belongings.get("waker", Waker)
        held = asyncio.run(arun(session))
    assert held.closed.is_set()


def test_what_one_raises_does_not_keep_the_others_open():
    class Broken(Owned):
        def close(self):
            super().close()
            raise OSError("no")

    belongings = Belongings()
    held = [belongings.get(number, Broken if number == 1 else Owned) for number in range(3)]
    with pytest.raises(OSError, match="no"):
        belongings.close()
    assert all(owned.closed.is_set() for owned in held)


def test_what_an_item_could_not_close_fails_the_session_and_not_the_item():
    """The item's work is done; that something may be left behind is told where everything ends."""

    class Broken(Owned):
        def close(self):
            raise OSError("still there")

    def work(_item):
        session.belongings.get("it", Broken, user_scope())
        return "done"

    session = Session.open(MemoryLog(), "s")
    with pytest.raises(OSError, match="still there"), session:
        assert session.map(work, [1]) == ["done"]
