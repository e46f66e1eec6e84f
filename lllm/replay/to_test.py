"""From a recorded session to a test that replays it: a file of a few lines, and the recording beside it."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree
from typing import Any

from lllm.errors import ConfigError, LLLMError, SessionNotFound
from lllm.log.local import LocalFileLog, check_name
from lllm.replay.facts import data_of
from lllm.replay.fixture import SESSIONS, save_fixture
from lllm.replay.text import printable

_NAME_CHARS, _TASK_CHARS = 40, 70
_TEST = '''"""Session {session} as a test.

Does today's code, offline, exactly what was recorded? {anew}
"""

import pytest


@pytest.mark.lllm_replay("{name}")
def test_{function}(lllm_replay):
    """Recorded on {day}: {asked}"""
    assert lllm_replay().status == "same"
'''


@dataclass(frozen=True, slots=True)
class SavedTest:
    """What was written.

    Attributes:
        session: the session's name.
        test: the test's file.
        recording: the folder of the recording.
        events: how many events it has.
        prompts: keys of prompts for which the session, a fork, has texts of its own. The test keeps to those texts.
    """

    session: str
    test: Path
    recording: Path
    events: int
    prompts: tuple[str, ...] = ()


def save_test(log: LocalFileLog, session: str, file: Path | None, *, folder: Path, name: str = "") -> SavedTest:
    """Write a pytest file that replays a session, and a copy of the session beside it.

    Args:
        log: where the session is.
        session: its name.
        file: the test's file; default: ``test_<name>.py`` in ``folder``.
        folder: the tests of the project.
        name: what test and recording are called; default: made from the task.

    Raises:
        ConfigError: the name cannot be used, or no agent system ran in the session, so that nobody knows what to run.
        LogExists: the recording is there already.
        LLLMError: the test's file is there already, or cannot be written.
    """
    header = log.read_header(session)
    if not header:
        raise SessionNotFound(f"session {session} has no events", hint="run the task again")
    _check_code(session, header)
    name = check_name(name or _default_name(session, header), "test")
    file = (file or folder / f"test_{_identifier(name)}.py").absolute()
    if file.exists():
        raise LLLMError("the file is there already", where=str(file), hint="choose another --name, or delete it")
    began_ts = log.describe_session(session).started_ts or 0.0
    recording = file.parent / SESSIONS / name
    events = save_fixture(log, session, recording)
    try:
        _write(file, render_test(session, name, header, began_ts, file=_shown(file)))
    except BaseException:
        rmtree(recording, ignore_errors=True)
        raise
    return SavedTest(session, file, recording, events, tuple(data_of(header.get("prompts"))))


def _check_code(session: str, header: Mapping[str, Any]) -> None:
    if not (header.get("agent_type") or header.get("chat")):
        raise ConfigError(
            f"session {session} was not made by an AgentBase, so a test must say what to run",
            hint="write one that calls the fixture: lllm_replay(run=your_function)",
        )


def _write(file: Path, text: str) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("x", encoding="utf-8") as out:
            out.write(text)
    except OSError as error:
        raise LLLMError(f"the test cannot be written: {error.strerror}", where=str(file)) from error


def _shown(file: Path) -> str:
    """Return a file as a command names it that is run in the working folder."""
    return file.relative_to(Path.cwd()).as_posix() if file.is_relative_to(Path.cwd()) else file.name


def render_test(session: str, name: str, header: Mapping[str, Any], ts: float, *, file: str) -> str:
    """Return the text of a test file. Whatever the task says, it can do nothing there but be read. Pure."""
    task = header.get("task")
    asked = " ".join(str(task if task is not None else f"a chat with {header.get('chat')}")[:400].split())
    anew = f"To record it anew, which runs the task for real:\npytest {_in_docstring(file)} --lllm-record all"
    cut = asked if len(asked) <= _TASK_CHARS else f"{asked[:_TASK_CHARS]}…"
    return _TEST.format(
        session=session,
        anew="A chat: to record it anew, talk again." if "chat" in header else anew,
        name=name,
        function=_identifier(name),
        day=time.strftime("%Y-%m-%d", time.gmtime(ts)),
        asked=_in_docstring(cut or "an empty task"),
    )


def _in_docstring(text: str) -> str:
    return printable(text).replace("\\", "\\\\").replace('"', '\\"')


def _default_name(session: str, header: Mapping[str, Any]) -> str:
    slug = _slug(str(header.get("task") or "")[:200])
    return slug or _slug(session) or "session"


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:_NAME_CHARS].strip("-")


def _identifier(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_").lower() or "session"
