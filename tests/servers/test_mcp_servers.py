"""Agents with public MCP servers: of Python and of Node, over both transports, with replays that need none of them.

``LLLM_MCP_PYTHON`` names an interpreter in whose environment mcp-server-time and mcp-server-git are installed, and
``LLLM_MCP_NODE_MODULES`` a folder ``node_modules`` with @modelcontextprotocol's server-everything, server-filesystem and
server-memory. A test skips without what it needs.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import socket
import subprocess
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from lllm.errors import ConfigError
from lllm.llm import Agent, Session
from lllm.log import MemoryLog
from lllm.models import MCP, Prompt
from lllm.providers.script import Script
from lllm.replay import replay
from lllm.testing import function_model

pytestmark = pytest.mark.server
pytest.importorskip("mcp", reason="the SDK is not installed: pip install 'lllm[mcp]'")


def calls(*asked):
    return {"calls": [{"name": name, "arguments": arguments} for name, arguments in asked]}


def python_server(name, *args):
    """Return a server of Python; the test skips where it is not installed."""
    python = os.environ.get("LLLM_MCP_PYTHON", "")
    program = Path(python or "python").with_name(f"mcp-server-{name}")
    if not python or not program.exists():
        pytest.skip(f"LLLM_MCP_PYTHON names no interpreter that has mcp-server-{name}")
    return MCP(name, command=str(program), args=args)


def node_script(name):
    """Return the script of a server of Node; the test skips where it is not installed."""
    folder = os.environ.get("LLLM_MCP_NODE_MODULES", "")
    script = Path(folder, "@modelcontextprotocol", f"server-{name}", "dist", "index.js")
    if not folder or not script.exists() or shutil.which("node") is None:
        pytest.skip(f"LLLM_MCP_NODE_MODULES names no folder with server-{name}, or there is no node")
    return str(script)


def node_server(name, *args, **options):
    return MCP(name, command="node", args=[node_script(name), *args], **options)


class Ran:
    """A session of an agent with servers, and its replay without them.

    Attributes:
        texts: what the model read of each function's result.
        names: what the model was offered.
    """

    def __init__(self, *replies, servers, face="sync"):
        self.replies, self.servers, self.requests = replies, servers, []
        self.log, before = MemoryLog(), children()
        with Session.open(self.log, "run", header={"task": "t"}) as session:
            self.calls = self._run(session, servers, face)
            self.names = [function.name for function in self.requests[0].contract.functions]
        assert children() == before
        self.texts = [call.result_str for call in self.calls]
        self._replay()

    def _run(self, session, servers, face="sync"):
        script = Script(self.replies)

        def respond(request):
            self.requests.append(request)
            return script(request)

        prompt = Prompt(path="servers/mcp", prompt="", mcp_servers_list=servers)
        agent = Agent(name="a", system_prompt=prompt, model="m", provider=function_model(respond))
        dialog = agent.init_dialog(session=session)
        dialog.send_message("go")
        return (agent.call(dialog) if face == "sync" else asyncio.run(agent.acall(dialog)))[2]

    def _replay(self):
        gone = [replace(server, server_url="", command="gone-since-then", args=()) for server in self.servers]
        report = replay(self.log, "run", run=lambda session: self._run(session, gone) and None)
        assert (report.status, report.replayed) == ("same", report.events)


def children():
    """Return the processes that this one has started and that still run, where the system tells."""
    told = Path(f"/proc/{os.getpid()}/task").glob("*/children")
    return {pid for file in told for pid in file.read_text("utf-8").split()}


@pytest.mark.parametrize("face", ["sync", "async"])
def test_the_time_server_tells_the_time(face):
    """PyPI's mcp-server-time: the newest protocol, structured errors."""
    asked = calls(
        ("get_current_time", {"timezone": "Europe/Paris"}),
        ("convert_time", {"source_timezone": "UTC", "time": "12:00", "target_timezone": "Asia/Tokyo"}),
        ("get_current_time", {"timezone": "Nowhere/Land"}),
    )
    ran = Ran(asked, "done", servers=[python_server("time")], face=face)
    assert json.loads(ran.texts[0])["timezone"] == "Europe/Paris"
    assert "T21:00" in json.loads(ran.texts[1])["target"]["datetime"]
    assert "Nowhere/Land" in ran.texts[2]
    assert ran.calls[2].error_message


def test_the_git_server_reads_and_writes_a_repository(tmp_path):
    """PyPI's mcp-server-git: a server with effects, that says which of its tools have none."""
    for command in (
        ["init", "-q"],
        ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "--allow-empty", "-m", "first"],
    ):
        subprocess.run(["git", "-C", str(tmp_path), *command], check=True)
    where = {"repo_path": str(tmp_path)}
    asked = calls(("git_log", where), ("git_create_branch", {**where, "branch_name": "topic"}))
    ran = Ran(
        asked, calls(("git_status", where)), "done", servers=[python_server("git", "--repository", str(tmp_path))]
    )
    assert "first" in ran.texts[0]
    assert (
        "topic"
        in subprocess.run(["git", "-C", str(tmp_path), "branch"], check=True, capture_output=True, text=True).stdout
    )
    assert "branch" in ran.texts[2]


def test_the_filesystem_server_stays_in_its_folder(tmp_path):
    """Npm's server-filesystem: structured results, and refusals that the model reads."""
    (tmp_path / "a.txt").write_text("hello", "utf-8")
    asked = calls(
        ("read_text_file", {"path": str(tmp_path / "a.txt")}),
        ("write_file", {"path": str(tmp_path / "b.txt"), "content": "new"}),
        ("read_text_file", {"path": "/etc/passwd"}),
    )
    ran = Ran(asked, "done", servers=[node_server("filesystem", str(tmp_path))])
    assert ran.texts[0] == "hello"
    assert (tmp_path / "b.txt").read_text("utf-8") == "new"
    assert "Access denied" in ran.texts[2]
    events = {
        e.data["name"]: e.data.get("repeatable", False)
        for e in ran.log.read_session("run")
        if e.kind == "function.call"
    }
    assert events["read_text_file"]


def test_the_memory_server_keeps_its_state_from_call_to_call(tmp_path):
    """Npm's server-memory: nested arguments, and a place for its data that is named in its environment."""
    entity = {"name": "Ada", "entityType": "person", "observations": ["wrote a program"]}
    server = node_server("memory", env={"MEMORY_FILE_PATH": str(tmp_path / "memory.jsonl")})
    replies = [
        calls(("create_entities", {"entities": [entity]})),
        calls(("search_nodes", {"query": "program"})),
        "done",
    ]
    ran = Ran(*replies, servers=[server])
    assert "Ada" in ran.texts[1]
    assert "Ada" in (tmp_path / "memory.jsonl").read_text("utf-8")


EVERYTHING = calls(
    ("echo", {"message": "hello"}),
    ("get-sum", {"a": 2, "b": 40}),
    ("get-tiny-image", {}),
    ("get-structured-content", {"location": "Chicago"}),
    ("get-env", {}),
)


def check_everything(ran, monkeypatch_secret):
    echo, total, image, weather, env = ran.texts
    assert echo == "Echo: hello"
    assert "42" in total
    assert "[image image/png," in image
    assert "temperature" in ran.calls[3].result
    assert "temperature" in weather
    assert monkeypatch_secret not in env


def test_the_server_of_everything_over_stdio(monkeypatch):
    """Npm's server-everything: what the protocol knows, over a program's input and output, beside another server."""
    monkeypatch.setenv("OWN_API_KEY", "sk-of-this-process-1234567890")
    server = node_server("everything")
    ran = Ran(EVERYTHING, "done", servers=[server, python_server("time")])
    check_everything(ran, "sk-of-this-process")
    assert "get_current_time" in ran.names


@contextlib.contextmanager
def everything_over_http():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    env = {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], "PORT": str(port)}
    command = ["node", node_script("everything"), "streamableHttp"]
    process = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    woken = threading.Event()
    try:
        while True:
            assert process.poll() is None
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            woken.wait(0.05)
        yield f"http://127.0.0.1:{port}/mcp"
    finally:
        process.terminate()
        process.wait()


@pytest.mark.parametrize("face", ["sync", "async"])
def test_the_server_of_everything_over_http(face):
    """The same over streamable HTTP, where the server keeps a session of its own."""
    with everything_over_http() as url:
        ran = Ran(EVERYTHING, "done", servers=[MCP("everything", url)], face=face)
    check_everything(ran, "sk-of-this-process")


def test_two_servers_of_one_kind_are_told_apart(tmp_path):
    """Each sees its own folder only."""
    servers = []
    for name in ("left", "right"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "f").write_text(name, "utf-8")
        allowed = ["read_text_file"]
        servers.append(
            MCP(name, command="node", args=[node_script("filesystem"), str(tmp_path / name)], allowed_tools=allowed)
        )
    asked = calls(
        ("left_read_text_file", {"path": str(tmp_path / "left" / "f")}),
        ("right_read_text_file", {"path": str(tmp_path / "left" / "f")}),
    )
    ran = Ran(asked, "done", servers=servers)
    assert ran.names == ["left_read_text_file", "right_read_text_file"]
    assert ran.texts[0] == "left"
    assert "Access denied" in ran.texts[1]


def test_a_server_that_cannot_start_says_why(tmp_path):
    """What it prints is what helps: a folder that is not there."""
    with pytest.raises(ConfigError, match=r"(?s)MCP server 'filesystem'.*no-such-folder"):
        Ran("done", servers=[node_server("filesystem", str(tmp_path / "no-such-folder"))])
