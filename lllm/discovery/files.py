"""Which files of a folder are a project's: every ``*.py`` and ``*.prompt.md`` below it, in one order everywhere."""

from __future__ import annotations

import os
from pathlib import Path

from lllm.errors import DiscoveryError

PROMPT_SUFFIX = ".prompt.md"
Failures = dict[str, DiscoveryError]
"""Why something could not be loaded, by its path."""


def find_files(folder: Path, root: Path, failures: Failures) -> list[Path]:
    """Return the files to load, sorted by their path below ``folder`` as written with slashes.

    Names that start with ``_`` or ``.`` are private: they may be imported, and are not loaded. What cannot be read, or
    is a link out of ``root``, is put into ``failures``.
    """
    found: list[Path] = []
    todo, visited = [folder], {folder.resolve()}
    while todo:
        for entry in _entries(todo.pop(), failures):
            path = Path(entry.path)
            if entry.name.startswith(("_", ".")) or not _stays(entry, root, failures):
                continue
            if entry.is_dir():
                # A folder is entered once, so that links in circles end; a virtual environment is not the project's.
                if (real := path.resolve()) not in visited and not (path / "pyvenv.cfg").exists():
                    visited.add(real)
                    todo.append(path)
            elif entry.name.endswith((".py", PROMPT_SUFFIX)) and entry.is_file():
                found.append(path)
    return sorted(found, key=lambda path: path.relative_to(folder).as_posix())


def _entries(folder: Path, failures: Failures) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        failures[str(folder)] = DiscoveryError(f"cannot read the folder: {error.strerror}", where=str(folder))
        return []


def _stays(entry: os.DirEntry[str], root: Path, failures: Failures) -> bool:
    if not entry.is_symlink():
        return True
    try:
        target = Path(entry.path).resolve(strict=True)
    except (OSError, RuntimeError) as error:  # it leads nowhere, or in circles
        failures[entry.path] = DiscoveryError(f"cannot follow the link: {error}", where=entry.path)
        return False
    if target.is_relative_to(root):
        return True
    failures[entry.path] = DiscoveryError(f"the link leaves the project: {target}", where=entry.path)
    return False
