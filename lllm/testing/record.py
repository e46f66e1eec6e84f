"""Run for real what a test replays, and keep the session: whole, and only if a replay of it does the same."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

from lllm.config import load_agent_config
from lllm.config.secret import REDACTED
from lllm.errors import ConfigError, ReplayDiverged
from lllm.llm.base import build_agent
from lllm.llm.session import Session
from lllm.log.build import build_log_base
from lllm.log.local import LocalFileLog
from lllm.replay import replay
from lllm.replay.fixture import find_fixture, save_fixture
from lllm.replay.rerun import Run, finished
from lllm.testing.spec import Spec
from lllm.utils import encode_json, safe_name

_DEFAULT_CONFIG = Path("config", "default.yaml")


def record(spec: Spec, target: Path, root: Path, *, header: Mapping[str, Any], run: Run | None, replace: bool) -> None:
    """Run a test's task for real and keep its session in ``target``.

    Args:
        spec: what the mark says.
        target: the folder of the recording.
        root: the project's folder.
        header: that of the recording which is there already; empty without one.
        run: what ran in the session, where that is no agent system.
        replace: whether a recording that is there gives way.

    Raises:
        ConfigError: nothing says what to run.
        ReplayDiverged: the code does something else each time, so that no recording of it is of use; none is kept.
        LogExists: somebody else has recorded it meanwhile.
        Exception: whatever the task raised; nothing is kept.
    """
    name = safe_name(target.name)
    config = dict(_to_config(spec, root, header))
    with TemporaryDirectory(prefix="lllm-record-") as folder:
        told = {**config, "log_type": "localfile", "log_dir": folder}
        log = build_log_base(told, "recorded")
        if run is not None:
            _run_function(log, name, run, spec)
        else:
            log = _run_system(told, config, name, spec, header)
        kept = cast("LocalFileLog", log)
        report = replay(*find_fixture(kept.folder), run)  # as the test will read it
        if report.status == "differs":
            raise ReplayDiverged("its replay does something else", report=dict(report.difference))
        save_fixture(kept, name, target, replace=replace)


def _run_function(log: Any, name: str, run: Run, spec: Spec) -> None:
    with Session.open(log, name, header={"task": spec.task} if spec.task is not None else {}) as session:
        result = finished(run(session))
        if session.result is None:
            session.result = result


def _run_system(
    told: Mapping[str, Any], config: Mapping[str, Any], name: str, spec: Spec, header: Mapping[str, Any]
) -> Any:
    if spec.task is None and "chat" in header:
        raise ConfigError(
            "nobody can repeat a chat: what the user would type today is not known",
            hint="talk again with `lllm chat`, then make the test anew with `lllm log to-test`",
        )
    task = spec.task if spec.task is not None else header.get("task")
    if task is None:
        raise ConfigError(
            "nothing says what to run",
            hint='add task="..." to the mark, or call the fixture: lllm_replay(run=your_function)',
        )
    agent_type = spec.agent_type or str(header.get("agent_type") or "") or None
    system = build_agent(told, agent_type=agent_type)
    # The recording is for every machine: it says nothing of where it was made.
    system.config = {key: value for key, value in config.items() if key != "log_dir"}
    kwargs = spec.kwargs or header.get("kwargs") or {}
    finished(system(task, session_name=name, **kwargs))
    return system.log_base


def _to_config(spec: Spec, root: Path, header: Mapping[str, Any]) -> Mapping[str, Any]:
    if isinstance(spec.config, Mapping):
        return spec.config
    if spec.config is not None:
        return load_agent_config(root / spec.config, env=os.environ).values
    if recorded := header.get("config"):
        return _check_secrets(recorded)
    default = root / _DEFAULT_CONFIG
    return load_agent_config(default, env=os.environ).values if default.is_file() else {}


def _check_secrets(config: Any) -> Any:
    """Return a recorded config; refuse one that lacks a key, or a pattern of what must not be recorded."""
    if REDACTED in encode_json(config):
        raise ConfigError(
            "the recorded config held secrets, which no log keeps",
            hint='name the config in the mark: config="config/default.yaml"',
        )
    return config
