"""What a mark ``lllm_replay`` asks for, and where its session is. Pure but for looking whether a folder is there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from lllm.errors import ConfigError
from lllm.replay.fixture import SESSIONS

Drift = Literal["error", "warn", "ignore"]


@dataclass(frozen=True, slots=True)
class Spec:
    """The arguments of a mark.

    Attributes:
        session: a folder of ``sessions/`` beside the test, or a path from the test's folder.
        drift: what a difference does to the test.
        task, kwargs: what is run when the session is recorded; None: what the recording has.
        agent_type: which system runs; empty: that of the recording, else of the config.
        config: an agent YAML, from the project's folder, or its values; None: those of the recording, else
            ``config/default.yaml``.
    """

    session: str
    drift: Drift = "error"
    task: Any = None
    kwargs: Mapping[str, Any] = field(default_factory=dict[str, Any])
    agent_type: str = ""
    config: str | Path | Mapping[str, Any] | None = None

    @property
    def is_path(self) -> bool:
        """Whether the session is named by a path."""
        return "/" in self.session or "\\" in self.session


def to_spec(args: tuple[Any, ...], options: Mapping[str, Any]) -> Spec:
    """Return what a mark asks for.

    Raises:
        ConfigError: its arguments do not fit.
    """
    try:
        spec = Spec(_session(*args), **options)
    except TypeError as error:
        told = str(error).replace("Spec.__init__()", "it").replace("_session()", "it")
        raise ConfigError(f"@pytest.mark.lllm_replay: {told}") from None
    if spec.drift not in get_args(Drift):
        known = ", ".join(get_args(Drift))
        raise ConfigError(f"@pytest.mark.lllm_replay: drift is {spec.drift!r:.80}", hint=f"use one of: {known}")
    return spec


def _session(session: Any = None) -> str:
    if not isinstance(session, str | Path) or not str(session):
        raise TypeError(f"the session is {session!r:.80}, expected a name or a path")
    return str(session)


def find_folder(spec: Spec, beside: Path, sessions: Path | None) -> Path:
    """Return the folder of a session, whether it is there or not.

    Args:
        spec: names it.
        beside: the test's folder.
        sessions: the project's own folder of sessions, if it has set one.
    """
    if spec.is_path:
        return beside / Path(spec.session).expanduser()
    folders = [folder / spec.session for folder in (sessions, beside / SESSIONS) if folder is not None]
    return next((folder for folder in folders if folder.is_dir()), folders[0])
