"""Run one project file as a module of a name that nothing else has."""

from __future__ import annotations

import re
import sys
import traceback
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from lllm.errors import DiscoveryError
from lllm.utils import digest


class ProjectLoader(SourceFileLoader):
    """Runs one reading of a file: no bytecode is written, and its source stays known when the file goes away."""

    def __init__(self, name: str, path: Path) -> None:
        super().__init__(name, str(path))
        self.source = path.read_bytes()

    def get_data(self, path: Any) -> bytes:
        """Return the source that was read at first."""
        return self.source if str(path) == self.path else super().get_data(path)

    def get_code(self, fullname: str) -> CodeType:
        """Compile the source; a stale bytecode file is never believed."""
        return self.source_to_code(self.source, self.get_filename(fullname))


def load_module(path: Path, root: Path) -> ModuleType:
    """Run a file, or return its module where another project file has imported it already.

    The project's package must be open. The module stands in ``sys.modules`` while it runs, as dataclasses and pickle
    need, and no longer if it fails.

    Raises:
        DiscoveryError: the file cannot be read or compiled, or raised; with the last place in it. The user acts.
    """
    names = [name for name in (unique_name(path, root), import_name(path, root)) if name]
    for name in names:
        if (known := sys.modules.get(name)) and getattr(known, "__file__", None) == str(path):
            sys.modules.setdefault(names[0], known)
            return known
    try:
        loader = ProjectLoader(names[0], path)
        module = module_from_spec(_spec(names[0], path, loader))
    except OSError as error:
        raise DiscoveryError(f"cannot read the file: {error.strerror}", where=f"{path}:1:1") from error
    _run(module, loader, [name for name in names if name not in sys.modules])
    return module


def _spec(name: str, path: Path, loader: ProjectLoader) -> ModuleSpec:
    spec = spec_from_file_location(name, path, loader=loader)
    assert spec is not None, "a loader was given"
    return spec


def _run(module: ModuleType, loader: ProjectLoader, names: list[str]) -> None:
    sys.modules.update(dict.fromkeys(names, module))
    try:
        loader.exec_module(module)
    except BaseException as error:
        for name in names:
            sys.modules.pop(name, None)
        if isinstance(error, Exception | SystemExit):  # Ctrl-C stays what it is
            raise to_failure(Path(loader.path), error) from error
        raise


def open_package(root: Path) -> None:
    """Make the project's own package, below which its modules stand and import each other relatively."""
    name = _package(root)
    if name not in sys.modules:
        package = ModuleType(name, f"Files of the project {root}.")
        package.__path__ = [str(root)]
        sys.modules[name] = package
    if str(root) not in sys.path:
        sys.path.append(str(root))  # at the end, so that no file of a project shadows a library


def close_package(root: Path) -> None:
    """Forget the project's modules, under every name that they have, so that loading runs the files again."""
    prefix = _package(root) + "."
    ours = {id(module) for name, module in sys.modules.items() if name.startswith(prefix)}
    for name in [name for name, module in sys.modules.items() if id(module) in ours]:
        del sys.modules[name]


def _package(root: Path) -> str:
    return f"lllm_project_{digest(str(root))[:8]}"


def unique_name(path: Path, root: Path) -> str:
    """Return ``lllm_project_<hash>.<folders>.<stem>``; parts that are no Python name get a hash of their own."""
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join([_package(root), *(_part(part) for part in parts)])


def _part(text: str) -> str:
    return text if text.isidentifier() else f"{re.sub(r'[^0-9A-Za-z]', '_', text)}_{digest(text)[:6]}"


def import_name(path: Path, root: Path) -> str:
    """Return the name by which an ``import`` of another project file finds this one; empty when none does.

    The module is known under it too: a file that runs twice would define everything twice.
    """
    parts = path.relative_to(root).with_suffix("").parts
    top = parts[0]
    if top in sys.stdlib_module_names or not all(part.isidentifier() for part in parts):
        return ""
    spec = PathFinder.find_spec(top)
    if spec is None:
        return ""
    inside = [Path(place) for place in spec.submodule_search_locations or ()]
    return ".".join(parts) if spec.origin == str(path) or root / top in inside else ""


def to_failure(path: Path, error: BaseException) -> DiscoveryError:
    """Return what to tell of a file that raised: the error, and the last place of it that lies in the file. Pure."""
    told = traceback.format_exception_only(error)[-1].strip()
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    line, column = 1, 1
    if isinstance(error, SyntaxError) and error.filename == str(path):
        line, column = error.lineno or 1, error.offset or 1
    elif frames:
        line, column = frames[-1].lineno or 1, (frames[-1].colno or 0) + 1
    return DiscoveryError(f"cannot be loaded: {told[:500]}", where=f"{path}:{line}:{max(column, 1)}")
