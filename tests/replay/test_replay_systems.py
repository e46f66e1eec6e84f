"""Agent systems replay from the log alone: no config file, no key, no provider, no terminal, no folder."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest
from replay_scenes import World, echo_model

from lllm.errors import ConfigError, LimitExceeded, LogError, NotRegisteredError, SessionNotFound, Unauthorized
from lllm.llm.agent import Agent
from lllm.llm.base import AgentBase, AsyncAgentBase, build_agent
from lllm.llm.caller import LLMCaller
from lllm.llm.limits import Limits
from lllm.llm.session import Session
from lllm.log import LocalFileLog
from lllm.log.memory import MemoryLog
from lllm.log.redact import Redactor
from lllm.replay import replay
from lllm.testing import function_model

ONE = {"main": {"model_name": "m", "system_prompt": "You help.", "max_exception_retry": 1, "temperature": 0.5}}


def config(tmp_path, **other):
    return {"agent_configs": ONE, "provider": "mock", "log_dir": str(tmp_path / "logs"), "name": "sys", **other}


def define(body, kind=AgentBase):
    """Register the agent type ``sys`` anew: today's code."""
    return type("System", (kind,), {"agent_type": "sys", "call": body, "__module__": __name__})


def ask(self, task, **kwargs):
    dialog = self.agents["main"].init_dialog()
    dialog.send_message(f"{task} {sorted(kwargs.items())}")
    self.st.write("asking", task)
    with self.st.status("working") as status:
        status.markdown("...")
    return self.agents["main"].call(dialog)[0].content


def log_of(tmp_path):
    return LocalFileLog("sys", {"log_dir": str(tmp_path / "logs")})


def test_a_system_replays_from_its_header(tmp_path):
    """Config, task and arguments are in the log; a replay needs nothing else."""
    define(ask)
    result = build_agent(config(tmp_path, agent_type="sys"))("a task", session_name="s", depth=2)
    report = replay(log_of(tmp_path))
    assert (report.status, report.result, report.error) == ("same", result, "")
    assert report.replayed == report.events
    assert report.remarks == ()


def test_an_async_system_replays_also_in_a_running_loop(tmp_path):
    """A notebook has a loop running, and no second one may run in its thread."""

    async def call(self, task):
        dialog = self.agents["main"].init_dialog()
        dialog.send_message(task)
        return (await self.agents["main"].acall(dialog))[0].content

    define(call, AsyncAgentBase)
    asyncio.run(build_agent(config(tmp_path, agent_type="sys"))("a task", session_name="s"))

    async def notebook():
        return replay(log_of(tmp_path), "s").status

    assert replay(log_of(tmp_path), "s").status == "same"
    assert asyncio.run(notebook()) == "same"


def test_changed_code_of_a_system_differs(tmp_path):
    """The code that is registered today is what runs."""
    define(ask)
    build_agent(config(tmp_path, agent_type="sys"))("a task", session_name="s")
    define(lambda self, task: ask(self, task.upper()))
    report = replay(log_of(tmp_path), "s")
    assert (report.status, report.difference["id"]) == ("differs", "1/m1")


def test_a_replay_prints_nothing_and_makes_no_folder(tmp_path, monkeypatch, capsys):
    """It is asked what happened; it does not happen again."""
    monkeypatch.chdir(tmp_path)
    define(ask)
    build_agent(config(tmp_path, agent_type="sys", log_dir="elsewhere"))("a task", session_name="s")
    capsys.readouterr()
    log = LocalFileLog("sys", {"log_dir": "elsewhere"})
    before = sorted(tmp_path.rglob("*"))
    assert replay(log, "s").status == "same"
    assert sorted(tmp_path.rglob("*")) == before
    assert capsys.readouterr().out == ""


class Streamlit:
    """A stream with methods that a terminal has not."""

    def chat_message(self, *args, **options):
        return self

    def write(self, *args):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        pass


def test_a_replay_knows_every_method_of_every_stream(tmp_path):
    """Which stream ran is not in the log, and what it shows is not the matter."""

    def call(self, task):
        with self.st.chat_message("user", avatar="x") as block:
            block.write(task)

    system = define(call)(config(tmp_path), stream=Streamlit())
    system("a task", session_name="s")
    assert replay(log_of(tmp_path), "s").status == "same"


def test_a_replay_needs_no_provider_and_no_key(tmp_path, monkeypatch):
    """A log is replayed where its provider was never installed, and its key is not known."""
    from lllm.providers import build

    monkeypatch.setitem(build._BUILDERS, "special", lambda options: World(echo_model()).model)
    define(ask)
    agents = {"main": {**ONE["main"], "provider": "special", "provider_config": {"api_key": "k-12345678"}}}
    build_agent(config(tmp_path, agent_type="sys", agent_configs=agents))("a task", session_name="s")
    monkeypatch.delitem(build._BUILDERS, "special")
    assert replay(log_of(tmp_path), "s").status == "same"


def test_a_model_call_past_the_session_is_refused(tmp_path):
    """It is in no log, so a replay would have to send it, and never does."""

    def call(self, task):
        agent = self.agents["main"]
        dialog = agent.init_dialog()
        dialog.send_message(task)
        return LLMCaller(agent.provider).call(dialog, agent.system_prompt, "m").content

    define(call)
    build_agent(config(tmp_path, agent_type="sys"))("a task", session_name="s")
    report = replay(log_of(tmp_path), "s")
    assert report.status == "differs"
    assert "a replay is under way" in report.difference["got"]["error"]


def test_a_system_inside_a_system_is_a_part_of_its_session(tmp_path):
    """An agent that calls agents is one run: one log, one replay, and nothing of it is asked again."""
    inner = define(lambda self, task, tone="": ask(self, f"{task}, {tone}"))
    inner.agent_type = "inner"

    def call(self, task):
        system = inner(config(tmp_path, name="inner"))
        return [system(f"{task} {n}", tone="dry") for n in (1, 2)]

    define(call)
    result = build_agent(config(tmp_path, agent_type="sys"))("a", session_name="s")
    assert not (tmp_path / "logs" / "inner").exists()
    runs = [e for e in log_of(tmp_path).read_session("s") if e.kind.startswith("run.")]
    assert [(e.kind, e.id) for e in runs] == [(f"run.{k}", f"run@{n}") for n in (0, 1) for k in ("open", "close")]
    assert (runs[0].data["task"], runs[0].data["kwargs"]) == ("a 1", {"tone": "dry"})
    assert [run.data for run in runs[1::2]] == [{"status": "ok", "result": text} for text in result]
    report = replay(log_of(tmp_path), "s")
    assert (report.status, report.result) == ("same", result)


def test_a_run_inside_a_run_that_fails_is_logged_and_replayed(tmp_path):
    """The outer code may catch what the inner run raised, and does so again in a replay."""
    inner = define(lambda self, task: int(task))
    inner.agent_type = "inner"

    def call(self, task):
        try:
            return inner(config(tmp_path))(task)
        except ValueError as error:
            return f"caught {error}"

    define(call)
    result = build_agent(config(tmp_path, agent_type="sys"))("no number", session_name="s")
    assert result.startswith("caught invalid literal")
    closed = next(e for e in log_of(tmp_path).read_session("s") if e.kind == "run.close")
    assert closed.data["status"] == "failed"
    assert replay(log_of(tmp_path), "s").status == "same"


def test_a_session_opened_inside_a_replayed_one_is_refused(tmp_path):
    """A session of its own is no part of the recording: what it asks would be asked for real."""

    def call(self, task):
        with Session.open(log_of(tmp_path), f"inner-{len(list(log_of(tmp_path).session_names()))}") as session:
            return session.name

    define(call)
    build_agent(config(tmp_path, agent_type="sys"))("a task", session_name="s")
    sessions = sorted(log_of(tmp_path).session_names())
    report = replay(log_of(tmp_path), "s")
    assert report.status == "differs"
    assert "opens another session" in report.difference["got"]["error"]
    assert sorted(log_of(tmp_path).session_names()) == sessions


def test_an_agent_type_that_is_gone_is_named(tmp_path):
    """The user deleted or renamed the class; the error says which."""
    log = MemoryLog()
    with Session.open(log, "s", header={"agent_type": "gone", "task": "x", "kwargs": {}, "config": {}}):
        pass
    with pytest.raises(NotRegisteredError, match="gone"):
        replay(log, "s")


def test_a_session_without_a_system_needs_its_code():
    """Nobody can know which function a session ran; the hint says how to tell."""
    log = MemoryLog()
    with Session.open(log, "s") as session:
        World(echo_model()).agent().init_dialog(session=session)
    with pytest.raises(ConfigError) as error:
        replay(log, "s")
    assert "run=" in error.value.hint
    assert replay(log, "s", run=lambda s: World(echo_model()).agent().init_dialog()).status == "same"
    with pytest.raises(SessionNotFound):
        replay(log, "nothing")


def test_what_an_agents_own_session_held_can_be_replayed():
    """``Agent.quick`` needs no session in the code; its log replays all the same."""
    log = MemoryLog()

    def work(agent):
        agent.ask("one")
        agent.ask("two")

    with Agent.quick("You help.", provider=echo_model(), log=log) as agent:
        work(agent)
    fresh = Agent.quick("You help.", provider=echo_model(), log=MemoryLog())
    assert replay(log, "last", run=lambda session: work(fresh)).status == "same"
    assert list(fresh.log_base.session_names()) == []


def test_patterns_that_the_log_redacts_are_redacted_in_its_replay():
    """Else a secret in today's code would look like a change of it."""
    log = MemoryLog(Redactor(patterns=[r"customer-\d+"]))

    def run(session):
        return World(echo_model()).agent("You serve customer-1234.").ask("hi customer-77").content

    with Session.open(log, "s") as session:
        session.result = run(session)
    assert "[redacted]" in str(list(log.read_session("s"))[2].data)
    assert replay(log, "s", run=run).status == "same"


def test_a_real_interrupt_stops_a_replay_and_is_no_difference():
    """Ctrl-C during a replay is the user's, not the recording's."""
    log = MemoryLog()
    with Session.open(log, "s") as session:
        session.frontend("write", {})

    def run(session):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        replay(log, "s", run=run)


def test_the_limits_of_a_recorded_session_are_not_measured_again():
    """Who ran out of a shared budget depends on who came first; the recording knows."""
    log = MemoryLog()

    def run(session):
        agent = World(echo_model()).agent()

        def one(item):
            try:
                return agent.ask("x" * 40).content
            except LimitExceeded as error:
                return type(error).__name__

        return session.map(one, range(6), concurrency=3)

    with Session.open(log, "s", limits=Limits(max_tokens=40)) as session:
        session.result = run(session)
    assert "LimitExceeded" in session.result
    assert replay(log, "s", run=run).status == "same"


def test_other_versions_are_remarks():
    """Another Python explains a difference, but is none."""
    log = MemoryLog()
    with Session.open(log, "s", header={"python": "3.9.1"}):
        pass
    report = replay(log, "s", run=lambda session: None)
    assert report.status == "same"
    assert report.remarks[0].startswith("python was 3.9.1, is ")


def test_no_event_is_taken_after_the_end():
    """Work that outlives its session is refused by a replay as it was by the log."""
    log = MemoryLog()
    with Session.open(log, "s"):
        pass
    kept = []
    assert replay(log, "s", run=kept.append).status == "same"
    with pytest.raises(LogError):
        kept[0].frontend("write", {})


PROGRAM = """
import sys
from replay_scenes import SCENES, record, replayed
from lllm.log import LocalFileLog
log = LocalFileLog("scenes", {"log_dir": sys.argv[2], "durability": "flush"})
for scene in SCENES.values():
    if scene.name.startswith("deadline"):
        continue
    if sys.argv[1] == "record":
        record(scene, log, scene.name.replace("_", "-"))
    else:
        report = replayed(scene, log, scene.name.replace("_", "-"))
        assert report.status == "same", (scene.name, report.difference)
"""


def test_a_session_replays_in_a_new_process_whatever_its_hash_seed(tmp_path):
    """Python orders sets anew in each process; nothing that is logged may depend on it."""
    here = Path(__file__).parent
    for verb, seed in (("record", "1"), ("replay", "2"), ("replay", "random")):
        env = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join([str(here), str(here.parents[1])])}
        command = [sys.executable, "-c", PROGRAM, verb, str(tmp_path)]
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-2000:]


def test_a_replayed_system_has_no_log_of_its_own(tmp_path):
    """What it logs beside its session must not land among the recordings."""
    seen = []
    define(lambda self, task: seen.append(type(self.log_base).__name__))
    build_agent(config(tmp_path, agent_type="sys"))("a task", session_name="s")
    assert replay(log_of(tmp_path), "s").status == "same"
    assert seen == ["LocalFileLog", "NoLog"]


def test_a_call_that_its_session_did_not_wait_for_replays(tmp_path):
    """One of two calls fails, the session closes, and the other never has an answer."""

    async def respond(request):
        await asyncio.sleep(0.01 if request.history[-1].content == "0" else 5)
        raise Unauthorized("no")

    async def call(self, task):
        if self.session.tape is None:
            self.agents["main"].provider = function_model(respond)
        await asyncio.gather(*(self.agents["main"].aask(text) for text in "01"))

    define(call, AsyncAgentBase)
    with pytest.raises(Unauthorized):
        asyncio.run(build_agent(config(tmp_path, agent_type="sys"))("a task", session_name="s"))
    kinds = [event.kind for event in log_of(tmp_path).read_session("s")]
    assert kinds.count("call.close") == 1
    assert replay(log_of(tmp_path), "s").status == "same"
