"""From a command line to the project it is about: its folder, its config, its log.

The project is that of ``$LLLM_CONFIG``, else of the config file that is named, else of the working folder. A config
that nobody names is ``config/default.yaml`` of the project.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lllm.cli.exits import MissingError
from lllm.config import AgentConfig, find_config_file, load_agent_config
from lllm.config.project import find_project
from lllm.errors import ConfigError, NotRegisteredError
from lllm.providers.project import choose_project
from lllm.registry import DISCOVERER

if TYPE_CHECKING:
    from lllm.discovery import Discovered
    from lllm.log.local import LocalFileLog

DEFAULT_CONFIG = Path("config", "default.yaml")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a project is.

    Attributes:
        root: the folder of ``lllm.toml``; without one, the working folder.
        toml: ``lllm.toml``, or None.
        config: the agent YAML; it may be missing.
        asked: the option that names the config, for commands that are shown; empty for the default one.
    """

    root: Path
    toml: Path | None
    config: Path
    asked: str = ""


def find_place(config: str | None = None) -> Place:
    """Find the project.

    Raises:
        MissingError: the config that is named does not exist.
        ConfigError: ``$LLLM_CONFIG`` names nothing.
    """
    named = Path(config).expanduser().absolute() if config is not None else None
    if named is not None and not named.is_file():
        raise MissingError(f"there is no config {config}", where=str(named), hint="name an agent YAML, or leave out -c")
    toml = find_project(named, os.environ) if named else find_config_file(env=os.environ)
    # Its gates, servers and prices hold, wherever the command was typed.
    choose_project(toml if named else None)
    root = toml.parent if toml else Path.cwd()
    return Place(root, toml, named or root / DEFAULT_CONFIG, f" -c {config}" if named else "")


def load_values(place: Place, settings: Sequence[str] = ()) -> AgentConfig:
    """Read the config.

    Raises:
        MissingError: there is none.
        ConfigError: it is wrong.
    """
    if not place.config.is_file():
        hint = "name one with -c FILE, or start a project: lllm create --name demo"
        raise MissingError("there is no config", where=str(place.config), hint=hint)
    return load_agent_config(place.config, env=os.environ, overrides=settings)


def agent_configs(values: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the agents of a config by name. Pure."""
    return values.get("agent_configs") or {}


def discover(place: Place, values: Mapping[str, Any]) -> Discovered:
    """Load the project's files. With ``auto_discover: false`` nothing loads them until the command has ended.

    Raises:
        DiscoveryError: two files define one key.
    """
    from lllm.discovery import Discovered, auto_discover  # noqa: PLC0415 - heavy

    if values.get("auto_discover") is False:
        if context := click.get_current_context(silent=True):
            context.with_resource(_no_discovery())  # also not when a registry is asked for what it lacks
        return Discovered(place.toml)
    with redirect_stdout(sys.stderr):  # what a file prints while it is loaded is no verb's data
        return auto_discover(place.toml) if place.toml else Discovered()


@contextmanager
def _no_discovery() -> Generator[None]:
    """Load no file in this block, in whichever thread; of a command, it is the rest."""
    before, DISCOVERER.run = DISCOVERER.run, lambda: None
    try:
        yield
    finally:
        DISCOVERER.run = before


def load_system(config: AgentConfig, agent_type: str | None, stream: Any) -> Any:
    """Return the agent system of a config, ready to run. The project's files may be run for it.

    Raises:
        NotRegisteredError: nothing is registered under the ``agent_type`` that the command line names.
        ConfigError: the config names what does not exist.
    """
    from lllm.llm.base import AGENT_REGISTRY, build_agent  # noqa: PLC0415 - heavy

    if agent_type is not None:
        _ = AGENT_REGISTRY[agent_type]
    try:
        return build_agent(config.values, stream=stream, agent_type=agent_type)
    except NotRegisteredError as error:
        raise ConfigError(error.message, where=str(config.path), hint=error.hint) from error


def open_log(place: Place, log_dir: str | None = None) -> LocalFileLog:
    """Return the log that a verb reads.

    Args:
        place: the project.
        log_dir: a folder of logs, or the folder of one log; None takes what the config says.

    Raises:
        ConfigError: the config keeps no log on disk.
        MissingError: there is no such folder, or no config.
    """
    from lllm.log.build import build_log_base  # noqa: PLC0415 - loaded when used
    from lllm.log.local import LocalFileLog  # noqa: PLC0415 - as above

    if log_dir is not None:
        return _open_folder(_one_log(Path(log_dir).expanduser().absolute(), place))
    config = load_values(place)
    log = build_log_base(config.values)
    if not isinstance(log, LocalFileLog):
        told = f"log_type is {config.values['log_type']}, so no session was kept"
        raise ConfigError(told, where=config.origins.get("log_type", str(config.path)), hint="set log_type: localfile")
    return log


def open_store(config: str | None, log_dir: str | None) -> LocalFileLog:
    """Return the log that a command line means by ``-c`` and ``--log-dir``; see :func:`open_log`.

    A folder that holds one log is read wherever it lies: whatever is wrong with the project here is no concern of it.
    """
    if log_dir is not None and config is None:
        logs = _find_logs(Path(log_dir).expanduser().absolute())
        if len(logs) == 1:
            return _open_folder(logs[0])
    return open_log(find_place(config), log_dir)


def _open_folder(folder: Path) -> LocalFileLog:
    from lllm.log.local import LocalFileLog  # noqa: PLC0415 - loaded when used

    return LocalFileLog(folder.name, {"log_dir": str(folder.parent)})


def _find_logs(folder: Path) -> list[Path]:
    """Return the logs of a folder: the folder itself when it holds sessions, else those in it that do."""
    if any(folder.glob("*/events-*.jsonl")):
        return [folder]
    return sorted({path.parent.parent for path in folder.glob("*/*/events-*.jsonl")})


def _one_log(folder: Path, place: Place) -> Path:
    """Return the folder of the log that is meant by a folder."""
    if not folder.is_dir():
        raise MissingError("there is no such folder", where=str(folder), hint="correct --log-dir")
    logs = _find_logs(folder)
    if len(logs) == 1:
        return logs[0]
    if place.config.is_file() and (name := load_values(place).values.get("name")):
        return folder / name
    told = f"it holds {len(logs)} logs: {', '.join(path.name for path in logs[:5])}" if logs else "it holds no sessions"
    raise MissingError(told, where=str(folder), hint="name one log's folder with --log-dir")
