"""A server of functions that a prompt names: what is declared, not how it is reached."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class MCP:
    """One MCP server of a prompt.

    Attributes:
        server_label: the name that functions of this server carry.
        server_url: where it answers.
        require_approval: whether its functions wait for the user.
        allowed_tools: names that may be called; None allows all.
    """

    server_label: str
    server_url: str
    require_approval: Literal["never", "manual", "auto"] = "never"
    allowed_tools: tuple[str, ...] | None = None
