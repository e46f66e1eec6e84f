"""Servers that are addresses, and servers made with the official SDK, over both of its transports."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import threading

import pytest
from mcp_scenes import HERE, Scene, calls
from odd_http import odd_http

from lllm.errors import ConfigError
from lllm.models import MCP
from lllm.replay import replay

pytest.importorskip("mcp", reason="the SDK is not installed: pip install 'lllm[mcp]'")

FACES = ("sync", "async")


@contextlib.contextmanager
def sdk_http():
    """Yield the address of the SDK's own server, in a process of its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, str(HERE / "sdk_server.py"), "http", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
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


@pytest.fixture(scope="module")
def sdk_url():
    with sdk_http() as url:
        yield url


@pytest.fixture
def web():
    with odd_http() as served:
        yield served


def sdk_server(way, request):
    if way == "stdio":
        return MCP("shop", command=sys.executable, args=[str(HERE / "sdk_server.py"), "stdio"])
    return MCP("shop", request.getfixturevalue("sdk_url"))


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("way", ["stdio", "http"])
def test_a_server_of_the_sdk_serves_an_agent(way, face, request):
    """The protocol's newest version, structured results, errors and defaults, over both transports."""
    asked = calls(("look_up", {"name": "screw"}), ("take", {"name": "screw", "count": 9}))
    with Scene(asked, "done", servers=[sdk_server(way, request)]) as scene:
        assert scene.ask(face=face) == "done"
    found, refused = scene.results
    assert found.result == {"name": "screw", "count": 3}
    assert '"count": 3' in found.result_str
    assert "Error executing tool take" in refused.result_str  # the SDK keeps the reason to itself
    assert refused.error_message
    (offer,) = scene.events("offer")
    assert (offer.data["name"], offer.data["version"], offer.data["protocol"]) == ("shop", "7", "2026-07-28")
    logged = [event.data.get("repeatable", False) for event in scene.events("function.call")]
    assert logged == [True, False]
    report = replay(scene.log, "run", run=lambda _: scene_again(asked, way, request))
    assert report.status == "same"


def scene_again(asked, way, request):
    """Do what the scene did, in the session that is current."""
    from mcp_scenes import agent_of

    agent, _ = agent_of(asked, "done", servers=[sdk_server(way, request)])
    agent.ask("go")


def test_a_long_result_is_whole(request):
    """A result over a megabyte is not rare, for a file that is read; the model is given what it can take of it."""
    with Scene(calls(("big", {"size": 3_000_000})), "done", servers=[sdk_server("http", request)]) as scene:
        scene.ask()
    assert scene.texts[0].endswith("[cut: 100000 of 3000000 characters]")


def test_arguments_that_do_not_fit_reach_no_server(request):
    """The model is told what is wrong in the words that it knows from other functions."""
    with Scene(calls(("take", {"name": 3})), "done", servers=[sdk_server("http", request)]) as scene:
        scene.ask()
    assert "name" in scene.texts[0]
    assert scene.events("function.call") == []


def test_headers_and_the_key_are_sent_and_not_logged(web, monkeypatch):
    """A server over HTTP mostly wants a key."""
    odd, url = web
    monkeypatch.setenv("ODD_KEY", "key-of-the-odd-one-123")
    server = MCP("odd", url, headers={"X-Team": "blue", "X-Api-Key": "another-secret-456"}, api_key_env="ODD_KEY")
    with Scene(
        calls(("echo", {"text": "key-of-the-odd-one-123 another-secret-456"})), "done", servers=[server]
    ) as scene:
        scene.ask()
    for headers, _ in odd.requests:
        told = {name.lower(): value for name, value in headers.items()}
        assert told["authorization"] == "Bearer key-of-the-odd-one-123"
        assert told["x-team"] == "blue"
    logged = b"".join(event.raw for event in scene.events()).decode()
    assert "odd-one" not in logged
    assert "another-secret" not in logged


def test_a_long_event_is_read(web):
    """A server that streams must not be worse off than one that does not; the SDK alone stops at a megabyte."""
    odd, url = web
    odd.mode = "events"
    with Scene(calls(("big", {"size": 2_000_000})), "done", servers=[MCP("odd", url)]) as scene:
        scene.ask()
    assert scene.texts[0].endswith("[cut: 100000 of 2000000 characters]")


FAULTS = {
    "endless": "it answered with more than 33554432 bytes",
    "gzip": "it compressed an answer, which it was asked not to do",
    "broken": "Server returned an error response",
    "page": "Unexpected content type: text/html",
    "lost": "broke off, and it is not known whether echo took effect: Session terminated",
}


@pytest.mark.parametrize("mode", FAULTS)
def test_an_answer_that_is_none_is_told_to_the_model(mode, web):
    """A function failed: the run goes on, and the next call finds the server again."""
    odd, url = web
    odd.mode = mode
    replies = [calls(("echo", {"text": "a"})), "one", calls(("echo", {"text": "back"})), "two"]
    with Scene(*replies, servers=[MCP("odd", url)]) as scene:
        scene.ask()
        odd.mode = "good"
        scene.ask()
    assert FAULTS[mode] in scene.texts[0]
    assert scene.texts[1] == "back"


@pytest.mark.parametrize("mode", ["endless", "gzip", "broken", "page"])
def test_a_list_that_is_none_is_a_named_error(mode, web):
    """The model is not asked with half of its functions."""
    odd, url = web
    odd.mode, odd.only = mode, "tools/list"
    with (
        Scene("done", servers=[MCP("odd", url)]) as scene,
        pytest.raises(ConfigError, match="MCP server 'odd' does not"),
    ):
        scene.ask()


def test_an_address_where_nobody_answers_is_a_named_error():
    """The user starts the server."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{probe.getsockname()[1]}/mcp"
    with (
        Scene("done", servers=[MCP("odd", url)]) as scene,
        pytest.raises(ConfigError, match="MCP server 'odd' does not"),
    ):
        scene.ask()


def test_names_that_two_servers_share_are_told_apart(web):
    """Each model function is one tool of one server; those that nobody else has keep their names."""
    _, url = web

    def echo(text: str) -> str:
        """Say it back."""
        return f"own {text}"

    servers = [
        MCP("a", url, allowed_tools=["echo", "pid"]),
        MCP("b", url, allowed_tools=["pid"]),
        MCP("c", url, prefix=True, allowed_tools=["env"]),
    ]
    with Scene(
        calls(("echo", {"text": "x"}), ("a_echo", {"text": "y"})), "done", servers=servers, functions=(echo,)
    ) as scene:
        scene.ask()
    names = [function.name for function in scene.requests[0].contract.functions]
    assert names == ["echo", "a_echo", "a_pid", "b_pid", "c_env"]
    assert scene.texts == ["own x", "y"]
