"""A server of functions that a prompt names: what is declared, not how it is reached."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from typing import Literal

from lllm.errors import ConfigError

_LABEL = re.compile(r"[A-Za-z0-9_-]{1,32}")
_LISTS = ("args", "env_names", "allowed_tools")


def _no_texts() -> dict[str, str]:
    return {}


@dataclass(frozen=True, slots=True)
class MCP:
    """One MCP server of a prompt: a program that is started, or an address.

    Attributes:
        server_label: what the session calls it; letters, digits, ``_`` and ``-``, 32 at most. In a session, one label
            is one server.
        server_url: where it answers, over streamable HTTP.
        require_approval: whether its functions wait for the user; a call refuses all but ``never``.
        allowed_tools: names, as the server says them, that may be called; None allows all.
        command: in place of an address, a program that speaks over its standard input and output.
        args: the program's arguments.
        env: its environment, beside PATH, HOME and a few others that hold no secrets.
        env_names: variables of this process that it is given, too. Their values are kept out of the log.
        cwd: the folder that it runs in; default: this process's.
        headers: sent with each HTTP request. The values of secret ones, such as ``Authorization``, are kept out of the
            log.
        api_key_env: variable whose value is sent as ``Authorization: Bearer``, and kept out of the log.
        prefix: call each of its functions ``<server_label>_<tool>``, and not only those whose name another has, too.
        start_timeout_s: seconds until it must have told what it offers.
        timeout_s: seconds that one of its functions may take.
    """

    server_label: str
    server_url: str = ""
    require_approval: Literal["never", "manual", "auto"] = "never"
    allowed_tools: tuple[str, ...] | None = None
    _: KW_ONLY
    command: str = ""
    args: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=_no_texts, hash=False, repr=False)
    env_names: tuple[str, ...] = ()
    cwd: str = ""
    headers: Mapping[str, str] = field(default_factory=_no_texts, hash=False, repr=False)
    api_key_env: str = ""
    prefix: bool = False
    start_timeout_s: float = 30.0
    timeout_s: float = 60.0

    def __post_init__(self) -> None:
        if not _LABEL.fullmatch(self.server_label):
            told = f"{self.server_label!r:.80} is no label for a server: use letters, digits, _ and -, 32 at most"
            raise ConfigError(told)
        place = f"MCP server {self.server_label!r}"
        if bool(self.server_url) == bool(self.command):
            raise ConfigError(f"{place} needs either a server_url or a command", hint="give one of them")
        for name in _LISTS:
            items = getattr(self, name)
            if isinstance(items, str):
                raise ConfigError(f"{place}: {name} is one text, {items!r}", hint=f"write [{items!r}]")
            if items is not None:
                object.__setattr__(self, name, tuple(items))
        if not (self.timeout_s > 0 and self.start_timeout_s > 0):
            raise ConfigError(f"{place}: time-outs are seconds, more than 0")

    def is_same_server(self, other: MCP) -> bool:
        """Whether ``other`` is reached in the same way; what is taken of its functions may differ."""
        return self._way == other._way

    @property
    def _way(self) -> tuple[object, ...]:
        program = (self.command, self.args, dict(self.env), self.env_names, self.cwd)
        return (self.server_label, self.server_url, dict(self.headers), self.api_key_env, *program)
