"""What agents work with beside models: Python in a sandbox, a browser, services, servers of functions.

Each name is loaded at first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lllm.tools.python import python_function, run_python
    from lllm.tools.service_docs import api_docs

_PLACES = {"api_docs": "service_docs", "python_function": "python", "run_python": "python"}
__all__ = ["api_docs", "python_function", "run_python"]


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"lllm.tools.{_PLACES[name]}"), name)
