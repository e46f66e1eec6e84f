"""Whatever ran, runs again the same way: from both stores, without a model, a function or a network."""

from __future__ import annotations

import json
import socket
from dataclasses import asdict

import pytest
from replay_scenes import SCENES, NoModel, World, record, replayed

from lllm.log import LocalFileLog
from lllm.log.memory import MemoryLog
from lllm.replay import replay


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    def refuse(*args):
        raise AssertionError("a replay opened a connection")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket.socket, "connect_ex", refuse)


@pytest.fixture(params=["memory", "localfile"])
def log(request, tmp_path):
    if request.param == "memory":
        return MemoryLog()
    return LocalFileLog("scenes", {"log_dir": str(tmp_path), "durability": "flush"})


@pytest.mark.parametrize("scene", SCENES.values(), ids=lambda scene: scene.name)
def test_a_recorded_run_replays_the_same(scene, log):
    """The promise itself: no false alarm, every event met, nothing asked and nothing run."""
    record(scene, log)
    report = replayed(scene, log)
    assert (report.status, report.difference) == ("same", {})
    assert report.replayed == report.events
    json.dumps(asdict(report))


@pytest.mark.parametrize("scene", SCENES.values(), ids=lambda scene: scene.name)
def test_a_replay_gives_back_the_recorded_result_and_error(scene):
    """A replay is worth nothing if the code it runs again sees other values than it saw."""
    log = MemoryLog()
    record(scene, log)
    closed = list(log.read_session("s"))[-1].data
    report = replayed(scene, log)
    if scene.error is not None:
        assert report.error.split(":")[0] == closed["error"].split(":")[0]
    else:
        assert json.loads(log.redactor(json.dumps(report.result))) == closed["result"]


def test_a_replay_leaves_the_log_as_it_was(tmp_path):
    """A replay writes nothing: not into the session, not beside it."""
    log = LocalFileLog("scenes", {"log_dir": str(tmp_path), "durability": "flush"})
    scene = SCENES["large_messages"]
    record(scene, log)
    before = {path: path.stat().st_mtime_ns for path in sorted(tmp_path.rglob("*"))}
    replayed(scene, log)
    assert before == {path: path.stat().st_mtime_ns for path in sorted(tmp_path.rglob("*"))}


def test_a_run_with_a_stream_replays_without_one():
    """Streaming is presentation: the log is the same, so code without it does the same."""
    log = MemoryLog()
    record(SCENES["streamed"], log)

    def plain(session):
        agent = World(NoModel()).agent()
        dialog = agent.init_dialog()
        dialog.send_message("tell me more than one word")
        text = agent.call(dialog)[0].content
        return [text, text]

    assert replay(log, "s", run=plain).status == "same"
