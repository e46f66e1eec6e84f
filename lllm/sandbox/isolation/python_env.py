"""Which Python runs inside a sandbox: this one, with the packages that this one has."""

from __future__ import annotations

import py_compile
import sys
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib.util import cache_from_source
from pathlib import Path

INSIDE = Path(__file__).parent.parent / "inside"
"""The programs that run inside; nothing else of lllm is needed there."""


@dataclass(frozen=True, slots=True)
class PythonEnv:
    """A Python and its packages, as the host sees them.

    Attributes:
        prefix: folder that holds ``bin`` and ``lib`` of the interpreter itself, never of a virtual environment.
        program: the interpreter, relative to ``prefix``.
        sites: folders of installed packages.
    """

    prefix: Path
    program: str
    sites: tuple[Path, ...]


@cache
def compile_inside() -> None:
    """Have the programs that run inside compiled: a sandbox could not keep what it compiles. Never fails."""
    for file in INSIDE.glob("*.py"):
        with suppress(OSError, py_compile.PyCompileError):
            if not Path(cache_from_source(str(file))).exists():
                py_compile.compile(str(file), doraise=True)


@cache
def find_python() -> PythonEnv:
    """Return the Python that runs this code; what runs inside is compiled for it."""
    compile_inside()
    prefix = Path(sys.base_prefix).resolve()
    program = Path(getattr(sys, "_base_executable", "") or sys.executable).resolve()
    if not program.is_relative_to(prefix):
        program = prefix / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}"
    sites = [
        Path(entry).resolve() for entry in sys.path if entry.rstrip("/").endswith(("site-packages", "dist-packages"))
    ]
    return PythonEnv(prefix, str(program.relative_to(prefix)), tuple(dict.fromkeys(sites)))
