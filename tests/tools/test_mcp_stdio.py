"""Servers that are programs: their tools are functions, their ends are told, and none is left behind."""

from __future__ import annotations

import contextlib
import json
import os
import threading

import pytest
from mcp_scenes import Scene, calls, has_entry, is_alive, lines, odd, started

from lllm.errors import ConfigError
from lllm.models import MCP
from lllm.utils import digest

pytest.importorskip("mcp", reason="the SDK is not installed: pip install 'lllm[mcp]'")

FACES = ("sync", "async")


@pytest.fixture
def place(tmp_path):
    return tmp_path / "notes"


@pytest.mark.parametrize("face", FACES)
def test_a_tool_is_a_function_like_any_other(face, place):
    """Offered with its schema, called with its arguments, answered in the dialog, and logged."""
    with Scene(calls(("echo", {"text": "hello"})), "done", servers=[odd(place=place)]) as scene:
        assert scene.ask(face=face) == "done"
    offered = {function.name: function for function in scene.requests[0].contract.functions}
    assert offered["echo"].to_dict()["parameters"] == {
        "type": "object",
        "properties": {"text": {"type": "string"}},
        "required": ["text"],
    }
    assert offered["echo"].description == "Do echo."
    assert scene.texts == ["hello"]
    assert [event.data["name"] for event in scene.events("function.call")] == ["echo"]


@pytest.mark.parametrize("face", FACES)
def test_a_server_is_started_once_a_session_and_stopped_with_it(face, place):
    """Its state, such as an open file, must last from call to call, and no process may be left."""
    replies = [calls(("pid", {}), ("echo", {"text": "a"})), "one", calls(("pid", {})), "two"]
    with Scene(*replies, servers=[odd(place=place)]) as scene:
        scene.ask(face=face)
        scene.ask(face=face)
    (pid,) = started(place)
    assert scene.texts == [str(pid), "a", str(pid)]
    assert not is_alive(pid)
    assert lines(place)[-1] == "end"  # it was let end by itself


def test_no_process_is_left_when_the_call_raises(place):
    """An error, Ctrl-C among them, ends the session, and the session its servers."""
    with contextlib.suppress(KeyboardInterrupt), Scene("done", servers=[odd(place=place)]) as scene:
        scene.ask()
        raise KeyboardInterrupt
    assert not is_alive(*started(place))


def test_a_stubborn_server_is_ended_with_all_that_it_has_started(place):
    """Servers are started by npx, uvx and shells; to end those alone would leave the server."""
    with Scene("done", servers=[odd("stubborn", place)]) as scene:
        scene.ask()
    assert len(started(place)) == 2
    assert not any(is_alive(pid) for pid in started(place))


def test_the_environment_of_a_server_is_clean(place, monkeypatch):
    """Our own keys are in ours; a server gets what it is given, and what programs need to run."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-nobody-else-12345678")
    monkeypatch.setenv("SHOP_TOKEN", "token-of-the-shop-1234")
    server = odd(place=place, env={"MODE": "test"}, env_names=["SHOP_TOKEN"])
    told = []
    with Scene(calls(("env", {})), "done", servers=[server]) as scene:
        scene.ask()
        told = json.loads(scene.texts[0])
    assert told["MODE"] == "test"
    assert told["SHOP_TOKEN"] == "token-of-the-shop-1234"
    assert "OPENAI_API_KEY" not in told
    assert set(told) - {"MODE", "SHOP_TOKEN", "LC_CTYPE"} <= {"PATH", "HOME", "USER", "LANG", "LC_ALL", "TMPDIR"}


def test_a_server_s_secrets_are_not_in_the_log(place, monkeypatch):
    """A server may say its key back, in a result or in a description; the log is what people share."""
    monkeypatch.setenv("SHOP_TOKEN", "token-of-the-shop-1234")
    server = odd(place=place, env={"API_KEY": "key-of-the-shop-5678"}, env_names=["SHOP_TOKEN"])
    asked = calls(("env", {}), ("echo", {"text": "token-of-the-shop-1234"}))
    with Scene(asked, "done", servers=[server]) as scene:
        scene.ask()
    logged = b"".join(event.raw for event in scene.events()).decode()
    assert "[redacted]" in logged
    # What the log does not have, the model is not told either: a replay must make the same functions.
    assert "key-_redacted_" in [function.name for function in scene.requests[0].contract.functions]
    assert "token-of-the-shop" not in logged
    assert "key-of-the-shop" not in logged


def test_a_secret_that_is_not_set_is_named(place):
    """The user exports it; a server without its key fails later and tells less."""
    with Scene("done", servers=[odd(place=place, env_names=["NO_SUCH_TOKEN"])]) as scene:
        scene.fail(ConfigError, "MCP server 'odd': the variable NO_SUCH_TOKEN is not set")
    assert started(place) == []


def test_a_failing_tool_is_a_result_that_the_model_reads():
    """The model chose the arguments, and can choose better ones."""
    with Scene(calls(("fail", {"text": "a.txt"})), "done", servers=[odd()]) as scene:
        assert scene.ask() == "done"
    assert scene.texts == ["Error: no such file: a.txt"]
    assert scene.results[0].error_message == "no such file: a.txt"


def test_what_a_model_cannot_be_shown_is_told_in_a_line():
    """A function's result is text; to drop the rest without a word would mislead."""
    with Scene(calls(("picture", {})), "done", servers=[odd()]) as scene:
        scene.ask()
    assert scene.texts == ["see\n[image image/png, 3 bytes, not shown]\n[resource file:///x x]"]


def test_structured_content_is_data_for_code():
    """The text is for the model; whoever reads the calls of a dialog wants the data."""
    with Scene(calls(("append", {"text": "a"})), "done", servers=[odd()]) as scene:
        scene.ask()
    assert scene.results[0].result == {"appended": "a"}
    assert scene.texts == ["appended"]


@pytest.mark.parametrize("face", FACES)
def test_a_server_that_dies_is_told_to_the_model_and_started_again(face, place):
    """The run goes on; whether the call took effect nobody knows, and the model is told so."""
    replies = [calls(("die", {"code": 9})), calls(("echo", {"text": "back"})), "done"]
    with Scene(*replies, servers=[odd(place=place)]) as scene:
        assert scene.ask(face=face) == "done"
    told, again = scene.texts
    assert told.startswith("Error: MCP server 'odd' broke off, and it is not known whether die took effect")
    assert "it ended with exit code 9; stderr: out of memory" in told
    assert again == "back"
    assert len(started(place)) == 2
    assert len(scene.events("offer")) == 1


def test_a_server_that_died_between_calls_is_started_again(place):
    """Nothing was under way, so nothing is unknown: the call is simply made."""
    ended = threading.Event()
    with Scene(
        calls(("pid", {})), "one", calls(("echo", {"text": "back"})), "two", servers=[odd(place=place)]
    ) as scene:
        scene.ask()
        os.kill(int(scene.texts[0]), 9)
        while has_entry(int(scene.texts[0])):  # until it is known that it has ended
            ended.wait(0.01)
        scene.ask()
    assert scene.texts[1] == "back"


@pytest.mark.parametrize("face", FACES)
def test_a_tool_that_hangs_is_given_up(face, place):
    """The server lives on: others may be using it."""
    replies = [calls(("hang", {})), "done"]
    with Scene(*replies, servers=[odd("polite", place, timeout_s=0.3)]) as scene:
        assert scene.ask(face=face) == "done"
    assert "did not" in scene.texts[0]
    assert "0.3 s" in scene.texts[0]
    assert not any(is_alive(pid) for pid in started(place))


REFUSED = {
    "no-start": "ended with exit code 3; stderr: cannot read the key file",
    "silent": r"MCP server 'odd' did not say within 1\.0 s what it offers",
    "endless-line": "it said more than 33554432 bytes without being asked for more",
    "bad-schema": "tool 'echo': its schema cannot be used: type is 7",
    "no-object": "does not say what it offers: .*Input should be 'object'",
    "no-schema": "does not say what it offers",
    "huge": "at most 1000 are taken, and 1000000 characters of JSON",
    "twice": "offers twice: 'echo'",
    "pages": "its list of functions has more than 100 pages",
}


@pytest.mark.parametrize("mode", REFUSED)
def test_what_cannot_be_offered_is_a_named_error(mode, place):
    """The user must act: before the model is asked, so that nothing is paid for."""
    patience_s = 1.0 if mode == "silent" else 30.0
    with Scene("done", servers=[odd(mode, place, start_timeout_s=patience_s)]) as scene:
        scene.fail(ConfigError, REFUSED[mode])
    assert scene.requests == []
    assert scene.events("offer") == []
    assert scene.events("call.close")[0].data["reason"] == "config"
    assert not any(is_alive(pid) for pid in started(place))


def test_a_program_that_is_not_there_is_named():
    """Npx and uvx are often missing."""
    with Scene("done", servers=[MCP("shop", command="no-such-program-anywhere")]) as scene:
        scene.fail(ConfigError, "MCP server 'shop': there is no program 'no-such-program-anywhere'")


def test_endless_notifications_end_the_connection():
    """A server that never stops talking would fill the memory, or keep a core busy for ever."""
    with Scene(calls(("flood", {})), "done", servers=[odd()]) as scene:
        assert scene.ask() == "done"
    assert "it said more than 33554432 bytes without being asked for more" in scene.texts[0]


def test_a_server_may_say_much_if_it_is_asked_often():
    """The bound is for one that does not stop."""
    asked = [calls(("big", {"size": 10_000_000})) for _ in range(4)]
    with Scene(*asked, "done", servers=[odd()]) as scene:
        scene.ask()
    assert all(text.endswith("[cut: 100000 of 10000000 characters]") for text in scene.texts)


def test_lines_that_are_no_messages_are_passed_over():
    """Servers print what they do to where only messages belong."""
    with Scene(calls(("echo", {"text": "a"})), "done", servers=[odd("chatty")]) as scene:
        scene.ask()
    assert scene.texts == ["a"]


def test_odd_names_become_names_that_models_take():
    """Servers name tools with dots, slashes and worse; the name that the server knows is what it is called by."""
    with Scene("done", servers=[odd("odd-names")]) as scene:
        scene.ask()
    names = [function.name for function in scene.requests[0].contract.functions]
    assert names == ["files_read_601e4eb6", "files_read_2b733164", "__31mred_", f"{'x' * 55}_{digest('x' * 90)[:8]}"]


def test_two_sessions_have_servers_of_their_own(place):
    """A server keeps state; one session must not see another's."""
    scenes = [Scene(calls(("pid", {})), "done", servers=[odd(place=place)], name=name) for name in ("a", "b")]
    with scenes[0], scenes[1]:
        threads = [threading.Thread(target=scene.ask) for scene in scenes]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len({scene.texts[0] for scene in scenes}) == 2
    assert not any(is_alive(pid) for pid in started(place))
