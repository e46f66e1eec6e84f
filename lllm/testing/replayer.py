"""The replay of one test: find the session, record it if that was asked for, replay it, and judge the report."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import ExitStack, contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from lllm.config.project import find_project
from lllm.discovery import auto_discover
from lllm.errors import ConfigError, LLLMError, LogExists, SessionNotFound
from lllm.llm.talk import offline_run
from lllm.log.local import LocalFileLog
from lllm.log.views import ReplaySession
from lllm.replay import ReplayReport, replay
from lllm.replay.fixture import find_fixture
from lllm.replay.rerun import Run
from lllm.testing.models import isolated_registries
from lllm.testing.names import RECORDED, LLLMDriftWarning
from lllm.testing.network import no_network
from lllm.testing.record import record
from lllm.testing.spec import Spec, find_folder, to_spec
from lllm.testing.told import render_command, render_drift, render_error

_RECORDED_NOW = pytest.StashKey[set[Path]]()


class Replayer:
    """Replays the session of one test; call it.

    Attributes:
        was_called: whether the session has been replayed.
    """

    def __init__(self, item: pytest.Item, mark: pytest.Mark) -> None:
        self._item, self._mark = item, mark
        self._own = ExitStack()
        self._offline = ExitStack()
        self._is_isolated = False
        self._unrecorded = ""
        self.was_called = False

    def __call__(self, run: Run | None = None) -> ReplayReport:
        """Replay the session through today's code and return the report.

        A difference fails the test, warns, or does nothing, as the mark says. What the recorded run raised is in the
        report, and is no failure.

        Args:
            run: what ran in the session, given the session; default: the AgentBase that its header names.
        """
        self.was_called = True
        with _told():
            report = self._recorded_and_replayed(run)
        if report.status == "differs":
            self._drifted(report)
        return report

    @property
    def session_log(self) -> ReplaySession:
        """The recorded session: its dialogs, its messages, what was shown, and all of them in order."""
        with _told():
            return ReplaySession(*self._find())

    @cached_property
    def _spec(self) -> Spec:
        return to_spec(self._mark.args, self._mark.kwargs)

    @property
    def _folder(self) -> Path:
        set_ = str(self._item.config.getini("lllm_sessions") or "")
        return find_folder(self._spec, self._item.path.parent, self._item.config.rootpath / set_ if set_ else None)

    @cached_property
    def _toml(self) -> Path | None:
        return find_project(self._item.path, os.environ)

    # --- a test on its own ------------------------------------------------------------------------------------------

    def isolate(self) -> None:
        """Give the test registries of its own, filled with what the project has, and take away its network."""
        if self._is_isolated:
            return
        self._is_isolated = True
        with _told():
            if self._toml is not None:
                auto_discover(self._toml)  # not inside: a project is loaded once, for all tests
            self._own.enter_context(isolated_registries())
        self._own.callback(self._offline.close)
        self._offline.enter_context(no_network())

    def end(self) -> None:
        """Give back what was set aside."""
        self._own.close()

    @contextmanager
    def _online(self) -> Generator[None]:
        self._offline.close()
        try:
            yield
        finally:
            self._offline.enter_context(no_network())

    # --- record and replay ------------------------------------------------------------------------------------------

    def _recorded_and_replayed(self, run: Run | None) -> ReplayReport:
        mode = self._item.config.getoption("--lllm-record")
        done = self._item.config.stash.setdefault(_RECORDED_NOW, set())
        folder = self._folder
        is_there = folder.is_dir()
        if (mode == "all" and folder not in done) or (mode != "none" and not is_there):
            self._record(folder, run, replace=mode == "all")
        report = self._replay(run)
        if mode == "new" and report.status == "differs" and folder not in done:
            try:
                self._record(folder, run, replace=True)
            except ConfigError as error:  # the difference itself says more
                self._unrecorded = render_error(error)
            else:
                report = self._replay(run)
        return report

    def _replay(self, run: Run | None) -> ReplayReport:
        log, session = self._find()
        header = log.read_header(session)
        return replay(log, session, run or offline_run(header))

    def _find(self) -> tuple[LocalFileLog, str]:
        try:
            return find_fixture(self._folder)
        except SessionNotFound as error:
            hint = "record it with --lllm-record once, if the mark says what to run, or make it with `lllm log to-test`"
            raise SessionNotFound(error.message, where=error.where, hint=hint) from None

    def _record(self, folder: Path, run: Run | None, *, replace: bool) -> None:
        if self._spec.is_path:
            told = "a session that is named by its path is never recorded over"
            raise ConfigError(told, where=str(folder), hint="name a folder of sessions/, without a slash")
        header: dict[str, Any] = {}
        with suppress(LLLMError):  # without one that can be read, the mark must say all
            log, session = find_fixture(folder)
            header = log.read_header(session)
        root = self._toml.parent if self._toml else self._item.config.rootpath
        word = "replaced" if folder.is_dir() else "recorded"
        with self._online(), suppress(LogExists):  # somebody else's, of this moment, is as good
            record(self._spec, folder, root, header=header, run=run, replace=replace)
        self._item.config.stash[_RECORDED_NOW].add(folder)
        self._item.user_properties.append((RECORDED, f"{word} {_relative(folder, self._item)}"))

    def _drifted(self, report: ReplayReport) -> None:
        if self._spec.drift == "ignore":
            return
        log, session = find_fixture(self._folder)
        command = "" if self._spec.is_path or self._unrecorded else render_command(_place(self._item))
        text = render_drift(report, session, _relative(log.folder, self._item), command)
        text = "\n".join(filter(None, (text, self._unrecorded)))
        if self._spec.drift == "warn":
            with suppress(LLLMDriftWarning):  # raised where warnings are errors: it fails the test, too
                self._item.warn(LLLMDriftWarning(text))
                return
        pytest.fail(text, pytrace=False)


@contextmanager
def _told() -> Generator[None]:
    """Fail the test with the text of an error of lllm: where in pytest it was raised helps nobody."""
    try:
        yield
    except LLLMError as error:
        raise pytest.fail.Exception(render_error(error), pytrace=False) from None


def _relative(path: Path, item: pytest.Item) -> str:
    """Return a path as seen from where pytest was started."""
    here = item.config.invocation_params.dir
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


def _place(item: pytest.Item) -> str:
    """Return what names a test to pytest, from where it was started."""
    return "::".join([_relative(item.path, item), *item.nodeid.split("::")[1:]])
