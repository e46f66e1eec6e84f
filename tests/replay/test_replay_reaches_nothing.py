"""A replay asks no model, also where its code has lost its session, and gives back every error and name as it was."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

import httpx
import pytest
from replay_scenes import NoModel, World, echo_model, scripted_model

from lllm.errors import ConfigError, ProviderTimeout, RateLimited
from lllm.llm.agent import Agent
from lllm.llm.session import Session
from lllm.log import LocalFileLog
from lllm.log.base import ReplayableLogBase
from lllm.log.memory import MemoryLog
from lllm.replay import fork, replay
from lllm.transport.over_httpx import also_httpx, with_response
from lllm.transport.port import WireRequest


def in_thread(work):
    """Run work in a thread that knows no session, as the standard library starts it."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work).result()


def recorded(run):
    log = MemoryLog()
    with Session.open(log, "s", header={"session": "s"}) as session:
        session.result = run(session)
    return log


def test_an_agent_in_a_plain_thread_is_refused():
    """It would open a session of its own, ask the model, and spend money."""
    log = recorded(lambda session: in_thread(lambda: World(echo_model()).agent().ask("hi").content))
    model = NoModel()
    report = replay(log, "s", run=lambda session: in_thread(lambda: World(model).agent().ask("hi").content))
    assert (report.status, model.asked) == ("differs", 0)
    assert "a replay is under way" in report.difference["got"]["error"]


def test_the_way_to_do_it_is_named_and_works():
    """A thread that is started in a copy of the context knows its session."""

    def run(model):
        def work(session):
            agent = World(model).agent()
            return in_thread(lambda: None) or in_context(lambda: agent.ask("hi").content)

        return work

    def in_context(work):
        context = copy_context()
        return in_thread(lambda: context.run(work))

    assert replay(recorded(run(echo_model())), "s", run=run(NoModel())).status == "same"
    with pytest.raises(ConfigError) as caught:
        replay_and_do(lambda: Session.open(MemoryLog(), "other"))
    assert "session.map" in caught.value.hint
    assert "copy_context" in caught.value.hint


def replay_and_do(work):
    """Do work in a plain thread while a replay is under way, and return or raise what came of it."""
    found = []

    def run(session):
        with ThreadPoolExecutor(1) as pool:
            found.append(pool.submit(work))
            found[0].exception()

    replay(recorded(lambda session: None), "s", run=run)
    return found[0].result()


def test_a_session_that_was_open_before_is_refused_too():
    """An agent keeps its own session from call to call; a replay must not find it."""
    model = echo_model()
    log = MemoryLog()
    with Agent.quick(provider=model, log=log) as agent:
        dialog = agent.init_dialog()
        dialog.send_message("live")
        agent.call(dialog)
        before = list(log.read_session(agent.session.name))
        ways = (lambda: agent.ask("hi"), lambda: agent.call(dialog), agent.session.now, agent.session.uuid4)
        for way in ways:
            with pytest.raises(ConfigError, match="a replay is under way"):
                replay_and_do(way)
        assert list(log.read_session(agent.session.name)) == before
        assert agent.ask("again").content == "re: again"
    ids = [event.id for event in log.read_session(log.resolve("last")) if event.kind == "dialog.open"]
    assert ids == ["1", "2"]  # what was refused has used up no number


def test_a_live_session_is_refused_inside_the_replay_itself():
    """Code that kept a session from elsewhere would act through it for real."""
    live = Session.open(MemoryLog(), "live")
    ran = []
    with pytest.raises(ConfigError):
        _reraised(lambda session: live.step("x", ran.append, 1))
    assert ran == []
    live.close()


def _reraised(run):
    errors = []

    def keep(session):
        try:
            run(session)
        except ConfigError as error:
            errors.append(error)

    replay(recorded(lambda session: None), "s", run=keep)
    raise errors[0]


def test_a_session_that_goes_on_is_refused_in_a_replay_too():
    """What was resumed or forked acts for real, as a new session does: nothing of a replay may get into its log."""
    live = Agent.quick(provider=echo_model(), log=MemoryLog())
    log = recorded(lambda session: None)

    def run(session):
        dialog = live.init_dialog(session=session)
        with pytest.raises(ConfigError, match="a replay is under way"):
            _reraised(lambda _replayed: dialog.send_message("of the replay"))
        dialog.send_message("of the fork")

    forked = fork(log, "s", at=2, run=run)
    told = [event.data["message"]["content"] for event in log.read_run(forked.session) if event.kind == "message"]
    assert told == ["of the fork"]


def test_a_run_that_knows_its_session_goes_on_beside_a_replay():
    """Who replays in one thread may serve in another."""
    opened, go, done, told = threading.Event(), threading.Event(), threading.Event(), []

    def serve():
        with Session.open(MemoryLog(), "live"):
            opened.set()
            go.wait(10)
            told.append(World(echo_model()).agent().ask("hi").content)
        done.set()

    thread = threading.Thread(target=serve)
    log = recorded(lambda session: None)
    thread.start()
    assert opened.wait(10)  # opening one during the replay is refused
    replay(log, "s", run=lambda session: go.set() or done.wait(10))
    thread.join(10)
    assert told == ["re: hi"]


def test_after_a_replay_everything_works_again():
    """Also after one that failed."""
    with pytest.raises(ConfigError):
        replay(recorded(lambda session: None), "s")
    assert in_thread(lambda: World(echo_model()).agent().ask("hi").content) == "re: hi"


# --- errors of models -------------------------------------------------------------------------------------------------

WIRE = WireRequest("POST", "http://model/v1", (), b"{}")


def limited():
    error = RateLimited(
        "slow down",
        provider="acme",
        retryable=False,
        retry_after_s=3.0,
        status=429,
        code="rate",
        request_id="r-1",
        excerpt="body",
        hint="wait",
    )
    return with_response(error, WIRE, {}, b"body")


def assert_is_ours(error):
    assert isinstance(error, RateLimited)


def asked(model):
    def run(session):
        try:
            World(model).agent().ask("go")
        except httpx.HTTPStatusError as error:
            assert_is_ours(error)
            return [error.to_facts(), error.response.status_code, error.response.text, str(error)]
        except httpx.TimeoutException as error:
            return [error.to_facts(), str(error)]

    return run


@pytest.mark.parametrize(
    "make", [limited, lambda: also_httpx(ProviderTimeout("late", retryable=False), httpx.ReadTimeout)]
)
def test_an_error_of_a_model_comes_back_whole(make):
    """Every fact, and the httpx error that it also was: user code may look at any."""
    log = recorded(asked(scripted_model(make())))
    result = list(log.read_session("s"))[-1].data["result"]
    assert result[0] == make().to_facts()
    report = replay(log, "s", run=asked(NoModel()))
    assert (report.status, report.result) == ("same", result)


def test_an_error_replays_where_httpx_is_not_loaded(monkeypatch):
    """A replay loads no network code only to name an error."""
    log = recorded(asked(scripted_model(limited())))

    def run(session):
        try:
            World(NoModel()).agent().ask("go")
        except RateLimited as error:
            return [error.to_facts(), error.status, error.excerpt, str(error)]

    monkeypatch.delitem(__import__("sys").modules, "httpx")
    assert replay(log, "s", run=run).result is not None


def test_logs_without_the_newer_facts_replay():
    """An older log tells less of an error."""
    log = recorded(asked(scripted_model(limited())))
    old = MemoryLog().open_session("s")
    store = MemoryLog()
    old = store.open_session("s")
    for event in log.read_session("s"):
        gone = ("also", "provider", "hint", "excerpt") if event.kind == "model.error" else ()
        data = {key: value for key, value in event.data.items() if key not in gone}
        old.append(event.kind, event.id, json.dumps(data), cause=event.cause)

    def run(session):
        with pytest.raises(RateLimited) as caught:
            World(NoModel()).agent().ask("go")
        assert (caught.value.provider, caught.value.status) == ("", 429)
        return [limited().to_facts(), 429, "body", str(caught.value)]

    assert replay(store, "s", run=run).status == "same"


# --- names and stores -------------------------------------------------------------------------------------------------


def test_a_session_folder_that_was_renamed_replays(tmp_path):
    """The name is drawn into the length of waits; a copy of a folder is still the same run."""
    log = LocalFileLog("l", {"log_dir": str(tmp_path), "durability": "flush"})

    def run(model):
        def work(session):
            return [World(model).agent().ask("go").content, session.name]

        return work

    with Session.open(log, "before") as session:
        session.result = run(scripted_model({"error": {"type": "Overloaded", "retry_after_s": 0.0}}, "ok"))(session)
    assert [e.data for e in log.read_session("before") if e.kind == "wait"] != []
    (tmp_path / "l" / "before").rename(tmp_path / "l" / "after")
    report = replay(log, "after", run=run(NoModel()))
    assert (report.session, report.status, report.difference) == ("after", "same", {})


def test_a_report_counts_calls_and_dialogs():
    """Nobody has to read the log again for two numbers."""

    def run(model):
        def work(session):
            agent = World(model).agent()
            dialog = agent.init_dialog()
            agent.ask("a", dialog), agent.ask("b", dialog), agent.ask("c")

        return work

    report = replay(recorded(run(echo_model())), "s", run=run(NoModel()))
    assert (report.steps, report.dialogs) == (3, 2)


def test_what_a_reader_does_to_an_event_stays_with_the_reader():
    """A file gives each reader a copy, and so does memory."""
    log = recorded(lambda session: session.frontend("write", {"args": ["shown"]}))
    for event in log.read_session("s"):
        event.data.clear()
    assert next(e.data["args"] for e in log.read_session("s") if e.kind == "frontend") == ["shown"]


class OwnStore(ReplayableLogBase):
    """A store of a user's, with the three methods that one needs."""

    def __init__(self):
        self._inner = MemoryLog()

    def open_session(self, session):
        return self._inner.open_session(session)

    def read_session(self, session):
        return self._inner.read_session(session)

    def session_names(self):
        return self._inner.session_names()


def test_a_store_of_the_users_own_has_a_redactor():
    """A replay redacts as the log did; who names no redactor has the built-in one."""
    log = OwnStore()
    key = "sk-" + "a1b2c3d4" * 4

    def run(session):
        session.frontend("write", {"args": [key]})

    with Session.open(log, "s") as session:
        run(session)
    assert replay(log, "s", run=run).status == "same"
    assert log.redactor is log.redactor
    assert key not in log.redactor(json.dumps([key]))
