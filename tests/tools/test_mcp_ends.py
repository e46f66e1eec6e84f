"""What breaks into a call while a server starts or works: time that is up, a cancel, Ctrl-C, the program's end."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading

import pytest
from mcp_scenes import HERE, Scene, agent_of, calls, is_alive, lines, odd, started

from lllm.errors import CallCancelled, ConfigError, LimitExceeded
from lllm.llm import Limits
from lllm.replay import replay

pytest.importorskip("mcp", reason="the SDK is not installed: pip install 'lllm[mcp]'")

FACES = ("sync", "async")


@pytest.fixture
def place(tmp_path):
    return tmp_path / "notes"


def wait_for(word, place):
    """Return when a server has noted a word."""
    woken = threading.Event()
    while not any(line.startswith(word) for line in lines(place)):
        woken.wait(0.01)


def same(scene, *replies, raises, **options):
    """Whether the scene's call, which raised, does the same in a replay."""

    def run(session):
        agent, _ = agent_of(*replies, servers=[odd()], **options)
        dialog = agent.init_dialog(session=session)
        dialog.send_message("go")
        with pytest.raises(raises):
            agent.call(dialog)

    return replay(scene.log, "run", run=run).status == "same"


@pytest.mark.parametrize("face", FACES)
def test_a_deadline_ends_the_wait_for_a_server(face, place):
    """A call may take so long, whatever it waits for; and its replay ends there, too."""
    options = {"limits": Limits(deadline_s=0.3)}
    with Scene("done", servers=[odd("polite-silent", place)], **options) as scene:
        scene.fail(LimitExceeded, "the deadline passed during an MCP server's start", face)
    assert not any(is_alive(pid) for pid in started(place))
    assert same(scene, "done", raises=LimitExceeded, **options)


@pytest.mark.parametrize("face", FACES)
def test_a_deadline_ends_the_wait_for_a_function(face, place):
    """The server's function is given up; the server ends with the session."""
    with Scene("started", calls(("hang", {})), "done", servers=[odd("polite", place)]) as scene:
        scene.ask()
        scene.agent.limits = Limits(deadline_s=0.3)
        scene.fail(LimitExceeded, "the deadline passed during function hang", face)
    assert not any(is_alive(pid) for pid in started(place))


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize(
    ("mode", "reply", "word"), [("polite-silent", "done", "start"), ("polite", calls(("hang", {})), "hang")]
)
def test_a_session_that_is_cancelled_waits_for_no_server(mode, reply, word, face, place):
    """Somebody pressed stop."""
    with Scene(reply, "done", servers=[odd(mode, place)]) as scene:

        def stop():
            wait_for(word, place)
            scene.session.cancel()

        thread = threading.Thread(target=stop)
        thread.start()
        with pytest.raises(CallCancelled):
            scene.ask(face=face)
        thread.join()
    assert not any(is_alive(pid) for pid in started(place))


def test_a_task_that_is_cancelled_leaves_the_server_to_the_others(place):
    """One of two dialogs is given up; the other has waited for the same list, and gets it."""
    with Scene("done", "done", servers=[odd(place=place)]) as scene:

        async def main():
            dialogs = [scene.agent.init_dialog(session=scene.session) for _ in range(2)]
            for dialog in dialogs:
                dialog.send_message("go")
            first, second = (asyncio.create_task(scene.agent.acall(dialog)) for dialog in dialogs)
            await asyncio.sleep(0)
            first.cancel()
            with pytest.raises(asyncio.CancelledError):
                await first
            return (await second)[0].content

        assert asyncio.run(main()) == "done"
    assert len(started(place)) == 1


def test_a_failed_start_is_tried_again(tmp_path, place):
    """The user has mended it; a program that runs for weeks must not be restarted for that."""
    server = odd(place=place, cwd=str(tmp_path / "later"))
    with Scene("done", servers=[server]) as scene:
        scene.fail(ConfigError, "MCP server 'odd'")
        (tmp_path / "later").mkdir()
        assert scene.ask() == "done"


PROGRAM = """
import sys
from mcp_scenes import agent_of, calls, odd
agent, _ = agent_of(calls(("echo", {"text": "a"})), calls((sys.argv[2], {})), "done", servers=[odd(place=sys.argv[1])])
if sys.argv[2] == "exit":
    agent.ask("go")
    sys.exit(7)
agent.ask("go")
"""


def program(place, what, **options):
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE), str(HERE.parents[1])])}
    command = [sys.executable, "-W", "error", "-c", PROGRAM, str(place), what]
    return subprocess.Popen(command, env=env, stderr=subprocess.PIPE, text=True, **options)


def test_a_program_that_ends_leaves_no_server_behind(place):
    """Nobody closed the agent; and nothing is printed that a user would have to understand."""
    process = program(place, "exit")
    _, told = process.communicate()
    assert (process.returncode, told) == (7, "")
    assert not is_alive(*started(place))


def test_ctrl_c_leaves_no_server_behind(place):
    """It comes in the middle of a function; the server has not seen it, as it is none of the terminal's."""
    process = program(place, "hang")
    wait_for("hang", place)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate()
    assert told.rstrip().endswith("KeyboardInterrupt")
    assert told.count("Traceback") == 1
    assert not is_alive(*started(place))
