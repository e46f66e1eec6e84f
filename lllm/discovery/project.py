"""Load a project once, whoever asks first and from whichever thread."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from threading import RLock

from lllm.config import ProjectConfig, find_config_file, load_config
from lllm.config.project import ENV_CONFIG
from lllm.discovery.collect import Collector, registries
from lllm.discovery.files import PROMPT_SUFFIX, Failures, find_files
from lllm.discovery.modules import ProjectLoader, close_package, load_module, open_package
from lllm.discovery.prompt_file import load_prompt_file
from lllm.errors import ConfigError, DiscoveryError

ENV_SWITCH = "LLLM_AUTO_DISCOVER"
_OFF = {"0", "false", "no", "off"}


@dataclass(frozen=True, slots=True)
class Discovered:
    """What one project gave.

    Attributes:
        config: its ``lllm.toml``; None when there is no project.
        modules: names of the modules that ran, in the order of running.
        prompts, proxies: the keys that were registered, in the order of the files.
        failures: path of a file or folder -> why it could not be loaded. Every registry has a copy.
    """

    config: Path | None = None
    modules: tuple[str, ...] = ()
    prompts: tuple[str, ...] = ()
    proxies: tuple[str, ...] = ()
    failures: Failures = field(default_factory=dict[str, DiscoveryError])


class _Projects:
    """The projects that this process has loaded."""

    def __init__(self) -> None:
        self.lock = RLock()
        self.done: dict[Path, tuple[Discovered, DiscoveryError | None]] = {}
        self.loading: set[Path] = set()
        self.looked: set[tuple[str, str]] = set()


_PROJECTS = _Projects()


def auto_discover(start: Path | str | None = None, *, force: bool = False) -> Discovered:
    """Load the files of a project into the registries, once for each ``lllm.toml``.

    Args:
        start: a folder to search upward from, or the file itself. Default: ``$LLLM_CONFIG``, else the working folder.
        force: run the files again, as after an edit.

    Returns:
        What was found. A file that looks something up while it is being loaded gets an empty answer.

    Raises:
        ConfigError: the ``lllm.toml`` that is named does not exist, or is wrong.
        DiscoveryError: two files define one key; names both places. All other files are loaded nevertheless.
    """
    with _PROJECTS.lock:
        found = find_config_file(start, env=os.environ if start is None else None)
        if found is None:
            return Discovered()
        path = found.resolve()
        if path in _PROJECTS.loading:
            return Discovered(path)
        if force or path not in _PROJECTS.done:
            _load_once(path)
        discovered, clash = _PROJECTS.done[path]
    if clash is not None:
        raise DiscoveryError(clash.message, where=clash.where, hint=clash.hint)
    return discovered


def discover_once() -> None:
    """Load the project of the working directory, unless ``LLLM_AUTO_DISCOVER`` is ``0``, ``false``, ``no`` or ``off``.

    Registries call this when they are asked for what they lack. Another thread waits until loading is done.
    """
    if os.environ.get(ENV_SWITCH, "").strip().lower() in _OFF:
        return
    place = (_working_folder(), os.environ.get(ENV_CONFIG, ""))
    if place in _PROJECTS.looked:
        return
    auto_discover()
    if not _PROJECTS.loading:
        _PROJECTS.looked.add(place)


def _working_folder() -> str:
    try:
        return str(Path.cwd())
    except FileNotFoundError:  # it was deleted under us
        return ""


def _load_once(path: Path) -> None:
    config = load_config(path)
    _PROJECTS.loading.add(path)
    try:
        if path in _PROJECTS.done:
            _forget(config, _PROJECTS.done[path][0])
        _PROJECTS.done[path] = _load(config)
    finally:
        _PROJECTS.loading.discard(path)


def _forget(config: ProjectConfig, old: Discovered) -> None:
    close_package(config.root)
    for registry in registries():
        for path in old.failures:
            registry.failures.pop(path, None)


def _load(config: ProjectConfig) -> tuple[Discovered, DiscoveryError | None]:
    failures: Failures = {}
    collector = Collector()
    modules: list[str] = []
    open_package(config.root)
    for path in _files(config, failures):
        try:
            if path.name.endswith(PROMPT_SUFFIX):
                _load_prompt(path, collector)
            else:
                modules.append(_load_python(path, config.root, collector))
        except DiscoveryError as error:
            failures[str(path)] = error
    failures |= {path: error for path, error in collector.clashes.items() if path not in failures}
    for registry in registries():
        registry.failures.update(failures)
    found = Discovered(config.path, tuple(modules), tuple(collector.prompts), tuple(collector.proxies), failures)
    return found, next(iter(collector.clashes.values()), None)


def _files(config: ProjectConfig, failures: Failures) -> list[Path]:
    """Return the files of all folders, each once, folder by folder."""
    files: dict[Path, None] = {}
    for folder in (*config.prompt_folders, *config.proxy_folders, *config.agent_folders):
        files |= dict.fromkeys(find_files(folder, config.root, failures))
    return list(files)


def _load_python(path: Path, root: Path, collector: Collector) -> str:
    module = load_module(path, root)
    loader = getattr(module, "__loader__", None)
    # A module that another file imported has no source in memory.
    source = loader.source if isinstance(loader, ProjectLoader) else path.read_bytes()
    collector.add_module(module, path, source)
    return module.__name__


def _load_prompt(path: Path, collector: Collector) -> None:
    try:
        prompt = load_prompt_file(path)
    except ConfigError as error:
        raise DiscoveryError(error.message, where=error.where or f"{path}:1:1", hint=error.hint) from error
    collector.add_prompt(prompt, path.name.removesuffix(PROMPT_SUFFIX), f"{path}:1:1")
