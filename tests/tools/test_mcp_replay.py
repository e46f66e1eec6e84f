"""A run with servers is replayed without them: what they offered and what they answered is in the log."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

import pytest
from mcp_killed import run_of
from mcp_scenes import HERE, REPLIES, Scene, agent_of, calls, is_alive, lines, odd, rerun, started

from lllm.errors import ConfigError, ResumeUndecided
from lllm.log import LocalFileLog, MemoryLog
from lllm.models import MCP
from lllm.replay import fork, replay, resume, what_if
from lllm.replay.unfinished import TELL

pytest.importorskip("mcp", reason="the SDK is not installed: pip install 'lllm[mcp]'")


@pytest.fixture
def place(tmp_path):
    return tmp_path / "notes"


@pytest.mark.parametrize("face", ["sync", "async"])
def test_a_replay_starts_no_server(face, place):
    """The functions are made from the log, with the schemas that the model was told."""
    with Scene(*REPLIES, servers=[odd(place=place)]) as scene:
        scene.ask(face=face)
    report = replay(scene.log, "run", run=rerun(*REPLIES, servers=[MCP("odd", command="gone-since-then")]))
    assert (report.status, report.replayed) == ("same", report.events)
    assert len(started(place)) == 1


BLOCKED = """
import sys
sys.modules["mcp"] = sys.modules["mcp_types"] = sys.modules["anyio"] = None
from lllm.log import LocalFileLog
from lllm.models import MCP
from lllm.replay import replay
from mcp_scenes import REPLIES, rerun
log = LocalFileLog("demo", {"log_dir": sys.argv[1]})
print(replay(log, "run", run=rerun(*REPLIES, servers=[MCP("odd", command="no")])).status)
"""


def test_a_replay_needs_neither_the_sdk_nor_a_server(tmp_path):
    """A log is replayed on machines where neither is installed, such as CI's."""
    with Scene(*REPLIES, servers=[odd()], log=LocalFileLog("demo", {"log_dir": str(tmp_path)})) as scene:
        scene.ask()
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE), str(HERE.parents[1])]), "PATH": ""}
    done = subprocess.run(
        [sys.executable, "-c", BLOCKED, str(tmp_path)], env=env, capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.returncode) == ("same\n", 0), done.stderr


def test_another_server_differs(place):
    """Nobody knows what it would have offered."""
    with Scene(*REPLIES, servers=[odd(place=place)]) as scene:
        scene.ask()
    report = replay(scene.log, "run", run=rerun(*REPLIES, servers=[odd(label="other", place=place)]))
    assert report.status == "differs"
    assert report.difference["got"]["server"] == "other"
    assert len(started(place)) == 1


def test_fewer_functions_of_a_server_differ():
    """What may be called is part of what the model is told."""
    with Scene(*REPLIES, servers=[odd()]) as scene:
        scene.ask()
    report = replay(scene.log, "run", run=rerun(*REPLIES, servers=[odd(allowed_tools=["echo"])]))
    assert report.status == "differs"
    assert report.difference["kind"] == "contract"


def test_a_server_that_could_not_be_started_replays_as_that():
    """The run has ended in that error, and so does its replay, wherever the server is by then."""
    with Scene("done", servers=[odd("no-start")]) as scene, pytest.raises(ConfigError):
        scene.ask()

    def run(session):
        with pytest.raises(ConfigError, match="cannot read the key file"):
            rerun("done", servers=[odd("good")])(session)

    report = replay(scene.log, "run", run=run)
    assert (report.status, report.replayed) == ("same", report.events)


def test_what_is_offered_is_asked_and_logged_once(place):
    """A list that changes in the middle of a session would change what its dialogs are told."""
    with Scene("a", "b", servers=[odd(place=place)]) as scene:
        scene.ask()
        scene.ask()
    assert lines(place).count("list") == 1
    (offer,) = scene.events("offer")
    assert (offer.id, offer.data["server"], offer.data["name"]) == ("offer/odd", "odd", "odd")
    assert "echo" in [tool["name"] for tool in offer.data["tools"]]
    assert len(scene.events("contract")) == 1


def test_threads_that_need_a_server_at_once_start_one(place):
    """Which of them came first is chance, and a replay must not depend on it."""
    scene = Scene(*["done"] * 4, servers=[odd(place=place)])
    with scene:
        scene.session.map(lambda _: scene.ask(), range(4))
    assert len(started(place)) == 1
    assert lines(place).count("list") == 1
    assert len(scene.events("offer")) == 1

    def run(session):
        agent, _ = agent_of(*["done"] * 4, servers=[odd()])

        def ask(_):
            dialog = agent.init_dialog(session=session)
            dialog.send_message("go")
            agent.call(dialog)

        session.map(ask, range(4))

    assert replay(scene.log, "run", run=run).status == "same"


def test_a_fork_serves_the_list_and_starts_the_server_when_it_calls(place):
    """Before the fork nothing is asked again; behind it everything is live."""
    log = MemoryLog()
    with Scene(*REPLIES, servers=[odd(place=place)], log=log) as scene:
        scene.ask()
    at = next(event.seq for event in scene.events("model.request"))
    report = fork(log, "run", at=at, run=rerun(calls(("echo", {"text": "again"})), "else", servers=[odd(place=place)]))
    assert len(started(place)) == 2
    forked = list(log.read_session(report.session))
    assert [event.data["message"]["content"] for event in forked if event.kind == "function.result"] == ["again"]
    assert not [event for event in forked if event.kind == "offer"]
    assert not any(is_alive(pid) for pid in started(place))


@pytest.mark.parametrize("at", ["1/s0", "1/s1"])
def test_a_fork_that_only_asks_the_model_starts_no_server(at, place):
    """The list is in the log."""
    log = MemoryLog()
    with Scene(*REPLIES, servers=[odd(place=place)], log=log) as scene:
        scene.ask()
    fork(log, "run", at=at, run=rerun("else", servers=[odd(place=place)]))
    assert len(started(place)) == 1


def test_a_what_if_answers_functions_from_the_log(place):
    """Another model is tried, not another world."""
    with Scene(*REPLIES, servers=[odd(place=place)]) as scene:
        scene.ask()
    run = rerun(*REPLIES, servers=[odd(place=place)])
    report = what_if(scene.log, "run", run=run)
    assert len(started(place)) == 1
    again = replay(scene.log, report.session, run=run)
    assert again.status == "same", again.difference


def killed(tmp_path, place, tool):
    """Run the program, kill it in the middle of a function, and return its log and what is needed to go on."""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE), str(HERE.parents[1])])}
    command = [sys.executable, str(HERE / "mcp_killed.py"), str(tmp_path), str(place), tool]
    process = subprocess.Popen(command, env=env)
    woken = threading.Event()
    try:
        while tool not in lines(place):
            assert process.poll() is None
            woken.wait(0.02)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    return run_of(tmp_path, place, tool)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a process with its parent")
def test_a_kill_leaves_no_server_behind(tmp_path, place):
    """This one is in the middle of a call, and so does not see that its input has ended."""
    killed(tmp_path, place, "hang")
    (pid,) = started(place)
    woken = threading.Event()
    for _ in range(1000):  # the kernel needs a moment
        if not is_alive(pid):
            return
        woken.wait(0.02)
    os.kill(pid, signal.SIGKILL)
    pytest.fail("the server has outlived the process that started it")


def test_a_resume_asks_about_a_tool_that_may_have_acted(tmp_path, place):
    """Nothing says that it can be called twice."""
    log, servers, replies = killed(tmp_path, place, "hang")
    with pytest.raises(ResumeUndecided, match="function hang"):
        resume(log, "run", run=rerun(*replies, servers=servers))
    report = resume(log, "run", run=rerun(*replies[1:], servers=servers), decide=lambda _: TELL)
    assert report.unfinished[0].policy == "unknown"
    assert lines(place).count("hang") == 1
    assert len(started(place)) == 1  # the list is in the log, and nothing was called


def test_a_resume_calls_a_read_only_tool_again(tmp_path, place):
    """The server says that it only reads, so nobody need be asked."""
    log, servers, replies = killed(tmp_path, place, "wait")
    place.with_suffix(".go").touch()
    report = resume(log, "run", run=rerun(*replies[1:], servers=servers))
    assert report.unfinished[0].policy == "again"
    results = [event.data for event in log.read_session("run") if event.kind == "function.result"]
    assert results[0]["message"]["content"] == "waited for x"
    assert lines(place).count("list") <= 2  # ours, and the SDK's own on the new connection
    assert len([event for event in log.read_session("run") if event.kind == "offer"]) == 1


def test_one_label_is_one_server(place):
    """The log tells them apart by it."""
    with Scene("done", servers=[odd(place=place), odd("chatty", place=place)]) as scene:
        scene.fail(ConfigError, "two MCP servers have the label 'odd'")
