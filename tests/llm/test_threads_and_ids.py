"""Ids come from a run's structure: a thread without a place in it may not take them from where another does."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

import pytest

from lllm.errors import ConfigError
from lllm.llm import Agent, Session
from lllm.log import MemoryLog
from lllm.replay import replay
from lllm.testing import function_model


@pytest.fixture
def session():
    with Session.open(MemoryLog(), "s") as session:
        yield session


def in_thread(function):
    """Run a function in a plain thread; return its result or its error."""
    ended = []

    def run():
        try:
            ended.append(function())
        except Exception as error:  # noqa: BLE001 - told to the caller
            ended.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return ended[0]


def ids(session, kind="value"):
    return [e.id for e in session.journal.events() if e.kind == kind]


def test_a_plain_thread_beside_others_is_refused(session):
    """Which number it gets would be chance, and no replay could tell who did what."""
    session.now()
    error = in_thread(session.now)
    assert isinstance(error, ConfigError)
    assert "no place in the session's order" in error.message
    assert "session.scope" in error.hint
    assert "session.map" in error.hint
    assert ids(session) == ["v/0"]


def test_every_kind_of_id_is_refused_there(session):
    agent = Agent.quick(provider=function_model(lambda _request: "hi"))
    session.now()
    for take in (
        session.uuid4,
        lambda: session.step("x", lambda: 1),
        lambda: session.frontend("text", {}),
        lambda: agent.init_dialog(session=session),
        lambda: session.map(str, [1]),
    ):
        assert isinstance(in_thread(take), ConfigError)


def test_a_thread_with_a_scope_of_its_own_is_welcome(session):
    session.now()

    def work():
        with session.scope("side"):
            return session.uuid4()

    assert isinstance(in_thread(work), str)
    assert ids(session) == ["v/0", "side.v/0"]


def test_two_threads_in_one_scope_are_refused(session):
    def work():
        with session.scope("side"):
            return session.uuid4()

    assert isinstance(in_thread(work), str)
    gate = threading.Barrier(2)  # thread ids are used again once a thread has ended

    def both():
        gate.wait()
        result = None
        try:
            result = work()
        except ConfigError as error:
            result = error
        gate.wait()
        return result

    with ThreadPoolExecutor(2) as pool:
        results = [future.result() for future in [pool.submit(both) for _ in range(2)]]
    assert any(isinstance(result, ConfigError) for result in results)


def test_a_thread_that_is_given_the_context_is_welcome(session):
    session.now()
    assert isinstance(in_thread(lambda: copy_context().run(session.uuid4)), ConfigError)  # the thread's own is empty
    context = copy_context()
    assert isinstance(in_thread(lambda: context.run(session.uuid4)), str)


def test_the_only_thread_that_uses_a_session_needs_no_place(session):
    """A worker that is given a session and nothing else is in nobody's way."""
    assert isinstance(in_thread(session.uuid4), str)


def test_the_work_of_a_map_has_places(session):
    session.now()
    session.map(lambda _item: session.uuid4(), range(3), concurrency=3)
    assert sorted(ids(session)) == ["map-0-0.v/0", "map-0-1.v/0", "map-0-2.v/0", "v/0"]


def test_the_user_of_a_refused_thread_can_go_on_after(session):
    session.now()
    in_thread(session.now)
    session.now()
    assert ids(session) == ["v/0", "v/1"]


def test_threads_with_the_context_replay():
    log = MemoryLog()

    def run(session):
        session.now()
        with ThreadPoolExecutor(3) as pool:
            futures = [pool.submit(copy_context().run, session.uuid4) for _ in range(3)]
            return sorted(future.result() for future in futures)

    with Session.open(log, "s") as session:
        session.result = run(session)
    report = replay(log, "s", run)
    assert (report.status, report.result) == ("same", session.result), report.difference
