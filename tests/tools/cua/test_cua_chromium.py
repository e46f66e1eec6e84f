"""Which browser is taken, and what it gets of this process: not its secrets, and no way past the gate."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from lllm.errors import BrowserUnavailable
from lllm.tools.cua.chromium import (
    HINT,
    NAMES,
    find_chromium,
    is_sandboxed,
    to_environment,
    to_switches,
    version_of,
)

SECRETS = (
    "OPENAI_API_KEY",
    "ANTHROPIC_API_KEY",
    "AWS_SECRET_ACCESS_KEY",
    "GITHUB_TOKEN",
    "LLLM_CHROMIUM",
    "SSH_AUTH_SOCK",
)
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the programs that stand in are scripts of a shell")


@pytest.fixture
def programs(tmp_path, monkeypatch):
    """Return a folder that is the whole path on which programs are looked for."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("LLLM_CHROMIUM", raising=False)
    return tmp_path


def put(folder, name, script="exit 0", mode=0o755):
    """Write a program; return its path."""
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(mode)
    return str(path)


# --- which one -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_each_known_name_is_found_on_the_path(programs, name):
    path = put(programs, name)
    assert find_chromium() == path


def test_the_first_known_name_is_taken(programs):
    """A Chromium before a Chrome before an Edge."""
    paths = [put(programs, name) for name in reversed(NAMES)]
    assert find_chromium() == paths[-1]


def test_the_one_that_is_named_is_taken(programs, monkeypatch):
    """By its name or its path; before the variable, and that before the others."""
    put(programs, "chromium")
    mine, other = put(programs, "mine"), put(programs, "other")
    monkeypatch.setenv("LLLM_CHROMIUM", other)
    assert find_chromium("mine") == find_chromium(mine) == mine
    assert find_chromium() == find_chromium("") == other
    monkeypatch.setenv("LLLM_CHROMIUM", "mine")
    assert find_chromium() == mine
    monkeypatch.setenv("LLLM_CHROMIUM", "")
    assert find_chromium() == str(programs / "chromium")


@pytest.mark.parametrize("how", ["argument", "variable"])
def test_a_named_one_that_is_missing_is_not_replaced(programs, monkeypatch, how):
    """Whoever names one means that one."""
    put(programs, "chromium")
    if how == "variable":
        monkeypatch.setenv("LLLM_CHROMIUM", "brave")
    with pytest.raises(BrowserUnavailable, match="there is no browser 'brave'") as caught:
        find_chromium("brave" if how == "argument" else "")
    assert caught.value.hint == HINT


@pytest.mark.parametrize("what", ["folder", "text", "nothing", "device"])
def test_what_cannot_be_run_is_no_browser(programs, what):
    (programs / "folder").mkdir()
    put(programs, "text", mode=0o644)
    path = os.devnull if what == "device" else str(programs / what)
    with pytest.raises(BrowserUnavailable):
        find_chromium(path)


@pytest.mark.skipif(Path("/Applications").exists(), reason="one may be installed there")
def test_without_any_the_hint_is_how_to_get_one(programs):
    put(programs, "firefox")
    with pytest.raises(BrowserUnavailable, match="no Chromium was found") as caught:
        find_chromium()
    assert caught.value.hint == HINT
    assert "apt install chromium" in HINT
    assert "$LLLM_CHROMIUM" in HINT


# --- what it says of itself ------------------------------------------------------------------------------------------


def test_a_browser_tells_its_version(programs):
    script = '[ "$*" = "--version" ] && echo "Chromium 140.0 "; echo noise >&2'
    assert version_of(put(programs, "chromium", script)) == "Chromium 140.0"


@pytest.mark.parametrize("script", ["exit 1", "echo noise >&2"])
def test_a_browser_that_says_nothing_has_no_version(programs, script):
    """Doctor tells of it; nothing raises."""
    assert version_of(put(programs, "chromium", script)) == ""


def test_a_program_that_cannot_be_started_has_no_version(programs):
    assert version_of(str(programs / "gone")) == ""
    assert version_of(put(programs, "text", mode=0o644)) == ""


def test_a_version_in_another_encoding_raises_nothing(programs):
    version_of(put(programs, "chromium", "printf '\\377\\376'"))


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="there is no root here")
def test_chromium_is_sandboxed_but_for_root():
    """It refuses to start with its sandbox as root."""
    assert is_sandboxed() == (os.geteuid() != 0)


# --- what it gets ----------------------------------------------------------------------------------------------------


def test_the_browser_gets_no_secret_of_the_environment(monkeypatch):
    """A page that breaks out of its process would find it there."""
    for name in SECRETS:
        monkeypatch.setenv(name, "sk-secret")
    told = to_environment()
    assert told.keys().isdisjoint(SECRETS)
    assert "sk-secret" not in told.values()


def test_the_browser_gets_what_it_runs_by(monkeypatch):
    for name in ("PATH", "HOME", "LANG", "TMPDIR", "DISPLAY", "XDG_RUNTIME_DIR"):
        monkeypatch.setenv(name, f"value of {name}")
        assert to_environment()[name] == f"value of {name}"
        monkeypatch.delenv(name)
        assert name not in to_environment()


@pytest.mark.parametrize("name", ["HTTP_PROXY", "https_proxy", "NO_PROXY", "no_proxy", "ALL_PROXY", "SSLKEYLOGFILE"])
def test_the_environment_names_no_other_way_out(monkeypatch, name):
    """A browser reads the proxy from there too."""
    monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert name not in to_environment()


def test_everything_goes_through_the_gate():
    """This machine included, which a browser would go to by itself; and no UDP, which no proxy sees."""
    switches = to_switches(4321)
    assert [switch for switch in switches if "proxy-server" in switch] == ["--proxy-server=http://127.0.0.1:4321"]
    assert "--proxy-bypass-list=<-loopback>" in switches
    assert "--disable-quic" in switches
    assert "--force-webrtc-ip-handling-policy=disable_non_proxied_udp" in switches
    assert "--disable-background-networking" in switches
    assert not any("no-proxy" in switch or "disable-web-security" in switch for switch in switches)
    assert len(set(switches)) == len(switches)
    assert all(switch.startswith("--") for switch in switches)
