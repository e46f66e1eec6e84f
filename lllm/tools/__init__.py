"""What agents work with beside models: Python in a sandbox, services, servers of functions.

Each name is loaded at first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lllm.tools.python import api_docs, python_function, run_python

__all__ = ["api_docs", "python_function", "run_python"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("lllm.tools.python"), name)
