"""How servers of one wire format differ, as data. There are no subclasses: a new server is a new record."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

from lllm.errors import ConfigError
from lllm.transport.address import is_loopback


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One server, or one kind of server.

    Attributes:
        name: what the provider is called in errors and logs.
        base_url: address up to and without the format's own path, such as ``/chat/completions``.
        api: the wire format: ``chat``, ``responses``, ``anthropic``, ``ollama`` or ``ollama_generate``.
        family: whose servers understand each other's signed reasoning; default: ``name``.
        model: the model that is asked when nobody names one.
        key_header: which header holds the key: ``authorization`` behind "Bearer", or ``x-api-key``.
        base_url_env: environment variable that stands in for ``base_url``, as the server's own client reads it.
        api_key_env: environment variable that holds the key; empty for a server that wants none.
        timeout_s: seconds for one attempt, unless the call says otherwise.
        headers: sent with each request; never a place for a key.
        max_tokens_field: what the server calls the limit on a reply's length.
        system_role: role under which system messages are sent.
        stream_usage: ask for token counts at the end of a stream; strict servers refuse the question.
        json_mode: how a reply's JSON Schema is asked for: in full, as "some JSON", or not at all.
        send_reasoning: send the reasoning of earlier replies back in chat, as some reasoning models demand.
        reasoning_field: what the server calls reasoning that it is sent back in chat.
        bridge_results: say in chat that the model has answered functions' results, before anybody else speaks; strict
            servers demand that it has.
        system_turns: send later system messages as such in the anthropic format; only some models know them.
        max_tokens: the limit on a reply's length where the format demands one and nobody names it.
    """

    name: str
    base_url: str
    api: str = "chat"
    family: str = ""
    model: str = ""
    base_url_env: str = ""
    api_key_env: str = ""
    key_header: Literal["authorization", "x-api-key"] = "authorization"
    timeout_s: float = 600.0
    headers: tuple[tuple[str, str], ...] = ()
    max_tokens_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    system_role: Literal["system", "developer"] = "system"
    stream_usage: bool = True
    json_mode: Literal["json_schema", "json_object", "none"] = "json_schema"
    send_reasoning: bool = False
    reasoning_field: Literal["reasoning_content", "reasoning"] = "reasoning_content"
    bridge_results: bool = False
    system_turns: bool = False
    max_tokens: int = 8192
    dialect: str = field(init=False, repr=False, compare=False, default="")
    """Names everything above that changes a body, so that a rendered contract can be found again."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "base_url", check_base_url(self.base_url))
        object.__setattr__(self, "family", self.family or self.name)
        facts = (self.api, self.max_tokens_field, self.system_role, self.stream_usage, self.json_mode, self.max_tokens)
        object.__setattr__(self, "dialect", "/".join(map(str, facts)))

    @property
    def is_local(self) -> bool:
        """Whether the server runs on this machine: its address is a loopback one."""
        return is_loopback(urlsplit(self.base_url).hostname or "")


def check_base_url(url: str) -> str:
    """Return ``url`` without its last slash. Pure.

    Raises:
        ConfigError: it is no http address, or holds what would end up in logs (a password, a query).
    """
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        raise ConfigError("base_url is no address", hint="write it like http://localhost:8000/v1") from None
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise ConfigError("base_url must hold no user, password or query", hint="name the key with api_key_env")
    if not good or any(char.isspace() for char in url):
        raise ConfigError(f"base_url {url!r} is no http address", hint="write it like http://localhost:8000/v1")
    return url.rstrip("/")
