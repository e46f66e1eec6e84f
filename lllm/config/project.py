"""``lllm.toml``: where it is looked for, and which folders it names.

Loading a project's files runs them, so the search for the config is narrow and its folders stay inside the project.
"""

from __future__ import annotations

import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from lllm.config.text import inside, load_text
from lllm.errors import ConfigError

CONFIG_NAMES = ("lllm.toml", ".lllm.toml", "LLLM.toml")
ENV_CONFIG = "LLLM_CONFIG"
DEFAULT_LOG_DIR = ".lllm/logs"  # counts from the project's folder


@dataclass(frozen=True, slots=True)
class ProjectConfig:
    """What ``lllm.toml`` says.

    Attributes:
        path: the file.
        root: its folder, links followed; every folder below is inside of it, and may be missing.
        prompt_folders, proxy_folders, agent_folders: absolute folders, in the order of the file.
        tables: every other table as plain data.
    """

    path: Path
    root: Path
    prompt_folders: tuple[Path, ...]
    proxy_folders: tuple[Path, ...]
    agent_folders: tuple[Path, ...]
    tables: dict[str, Any]


def find_config_file(start: Path | str | None = None, *, env: Mapping[str, str] | None = None) -> Path | None:
    """Find the config of a project.

    ``$LLLM_CONFIG`` (a file or a folder) decides, where ``env`` has it. Else the search goes upward from ``start``
    (default: the working directory). It ends with the first folder that is a repository's root or the user's home, and
    before a shared folder such as ``/tmp``, where anybody could have put a file.

    Returns:
        The file, or None.

    Raises:
        ConfigError: ``$LLLM_CONFIG`` or ``start`` names nothing.
    """
    if env and (named := env.get(ENV_CONFIG)):
        return _named(Path(named).expanduser(), f"${ENV_CONFIG}")
    if start is not None and not (named_path := Path(start)).is_dir():
        return _named(named_path, "start")
    folder = Path(start or ".").resolve()
    for place in (folder, *folder.parents):
        if place != folder and place.stat().st_mode & stat.S_ISVTX:
            return None
        if found := _in_folder(place):
            return found
        if place == _home() or (place / ".git").exists():
            return None
    return None


def find_project(path: Path, env: Mapping[str, str]) -> Path | None:
    """Find the config of the project that a file belongs to.

    ``$LLLM_CONFIG`` decides; else the search begins at the file, and then at the working directory.

    Raises:
        ConfigError: ``$LLLM_CONFIG`` names nothing.
    """
    near = find_config_file(path.parent, env=env) if path.parent.is_dir() else None
    return near or find_config_file(env=env)


def _named(path: Path, name: str) -> Path:
    found = path if path.is_file() else _in_folder(path)
    if found is None:
        what = f"holds none of {', '.join(CONFIG_NAMES)}" if path.is_dir() else "does not exist"
        raise ConfigError(f"{name} names {str(path)!r}, which {what}", hint=f"correct {name}")
    return found.absolute()


def _in_folder(folder: Path) -> Path | None:
    return next((path for name in CONFIG_NAMES if (path := folder / name).is_file()), None)


def _home() -> Path | None:
    try:
        return Path.home().resolve()
    except RuntimeError:  # pragma: no cover - a user without a home folder, as some containers have
        return None


def load_config(path: Path | str) -> ProjectConfig:
    """Read ``lllm.toml``.

    Raises:
        ConfigError: it cannot be read, is not TOML (with line and column), or names a folder outside of the project.
    """
    import tomllib  # noqa: PLC0415 - not needed by a run without a project

    path = Path(path).absolute()
    text = load_text(path)
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(*_split_place(str(error), path)[:1], where=_split_place(str(error), path)[1]) from None
    except RecursionError:
        raise ConfigError("nested too deep", where=str(path)) from None
    folders = {kind: _folders(tables, kind, path, text) for kind in ("prompts", "proxies", "agents")}
    rest = {name: value for name, value in tables.items() if name not in folders}
    root = path.parent.resolve()
    return ProjectConfig(path, root, folders["prompts"], folders["proxies"], folders["agents"], rest)


load_project_config = load_config
"""The name by which programs that use providers without agents know it."""


def _split_place(message: str, path: Path) -> tuple[str, str]:
    """Turn ``Reason (at line 3, column 5)`` into the reason and ``file:3:5``."""
    reason, _, place = message.partition(" (at ")
    digits = [part for part in place.replace(",", " ").replace(")", " ").split() if part.isdigit()]
    return reason, ":".join([str(path), *digits]) if len(digits) == 2 else str(path)


def _folders(tables: dict[str, Any], kind: str, path: Path, text: str) -> tuple[Path, ...]:
    table = tables.get(kind, {})
    if not isinstance(table, dict):
        raise ConfigError(f"{kind} is no table", where=_place(text, kind, path), hint=f"write [{kind}]")
    table = cast("dict[str, Any]", table)
    if unknown := sorted(table.keys() - {"folders"}):
        raise ConfigError(f"[{kind}] knows only folders, not {unknown[0]!r}", where=_place(text, unknown[0], path))
    names = table.get("folders", [])
    if not isinstance(names, list) or not all(isinstance(name, str) for name in cast("list[Any]", names)):
        raise ConfigError(f"[{kind}] folders is no list of texts", where=_place(text, "folders", path))
    return tuple(_folder(name, kind, path, text) for name in cast("list[str]", names))


def _folder(name: str, kind: str, path: Path, text: str) -> Path:
    place = _place(text, name, path)
    try:
        folder = path.parent / name
        if not inside(path.parent, folder):
            hint = "name a folder below the file; links are followed"
            raise ConfigError(f"[{kind}] folders: {name!r} leaves the project", where=place, hint=hint)
        return folder.resolve()
    except (OSError, ValueError, RuntimeError) as error:  # a link that goes in circles, or a NUL
        raise ConfigError(f"[{kind}] folders: {name!r} is no folder: {error}", where=place) from error


def _place(text: str, word: str, path: Path) -> str:
    """Return ``file:line:col`` of a word; ``tomllib`` keeps no places."""
    at = text.find(word)
    return f"{path}:{text.count(chr(10), 0, at) + 1}:{at - text.rfind(chr(10), 0, at)}" if at >= 0 else str(path)
