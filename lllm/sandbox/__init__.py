"""Code that a model wrote, run where it can reach nothing: no network, no files and no environment of the host.

Each name is loaded at first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lllm.sandbox.cell import Called, CellResult, Kernel, OnCall
    from lllm.sandbox.notebook.jupyter import JupyterSandbox
    from lllm.sandbox.notebook.session import JupyterSession
    from lllm.sandbox.policy import SandboxPolicy
    from lllm.sandbox.shown.display import to_safe, to_text
    from lllm.sandbox.shown.pages import render_html, render_markdown

__all__ = [
    "Called",
    "CellResult",
    "JupyterSandbox",
    "JupyterSession",
    "Kernel",
    "OnCall",
    "SandboxPolicy",
    "render_html",
    "render_markdown",
    "to_safe",
    "to_text",
]

_HOMES = {
    **dict.fromkeys(("Called", "CellResult", "Kernel", "OnCall"), "cell"),
    **dict.fromkeys(("to_safe", "to_text"), "shown.display"),
    **dict.fromkeys(("render_html", "render_markdown"), "shown.pages"),
    "JupyterSandbox": "notebook.jupyter",
    "JupyterSession": "notebook.session",
    "SandboxPolicy": "policy",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
