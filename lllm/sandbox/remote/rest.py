"""The requests that a Jupyter server answers: start a kernel, interrupt it, end it. And where its messages are.

Source: https://jupyter-server.readthedocs.io/en/latest/developers/rest-api.html (read 2026-11).
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import urlsplit

from lllm.errors import BadReply, ConfigError, ProviderError, SandboxUnavailable
from lllm.transport.address import is_loopback
from lllm.transport.default import DefaultTransport
from lllm.transport.port import Secrets, Transport, WireRequest
from lllm.utils import visible

_MAX_BODY_BYTES = 1 << 20
_SAID_CHARS = 200
_ID = re.compile(r"[0-9A-Za-z_.-]{1,100}")


class Gateway:
    """A Jupyter server, or a kernel gateway, and the token that it wants.

    Args:
        url: its address, without token, query or password.
        token_env: environment variable that holds the token; empty where it wants none.
        allow_plain_http: let token, code and outputs travel where everybody on the way can read and change them.
        transport: carries the requests.

    Raises:
        ConfigError: the address cannot be used, or the variable is not set.
    """

    def __init__(
        self, url: str, token_env: str, *, allow_plain_http: bool = False, transport: Transport | None = None
    ) -> None:
        self._url = _check_url(url, allow_plain_http=allow_plain_http)
        self._token = _read_token(token_env)
        self._transport = transport or DefaultTransport()

    @property
    def secrets(self) -> Secrets:
        """The header that holds the token."""
        return (("Authorization", f"token {self._token}"),) if self._token else ()

    def start(self, kernel_name: str, timeout_s: float) -> str:
        """Start a kernel; return its id.

        Raises:
            SandboxUnavailable: the server refuses, or there is none.
        """
        told = {"name": kernel_name} if kernel_name else {}
        data = self._send("POST", "/api/kernels", told, timeout_s)
        kernel_id = cast("dict[str, Any]", data).get("id") if isinstance(data, dict) else None
        if not isinstance(kernel_id, str) or not _ID.fullmatch(kernel_id):
            raise SandboxUnavailable(f"{self._url} started a kernel, and did not say which")
        return kernel_id

    def interrupt(self, kernel_id: str, timeout_s: float) -> None:
        """Interrupt the cell of a kernel.

        Raises:
            SandboxUnavailable: the server did not.
        """
        self._send("POST", f"/api/kernels/{kernel_id}/interrupt", {}, timeout_s)

    def end(self, kernel_id: str, timeout_s: float) -> None:
        """End a kernel.

        Raises:
            SandboxUnavailable: the server did not.
        """
        self._send("DELETE", f"/api/kernels/{kernel_id}", None, timeout_s)

    def channels_url(self, kernel_id: str, session: str) -> str:
        """Return the address of a kernel's messages."""
        return f"ws{self._url.removeprefix('http')}/api/kernels/{kernel_id}/channels?session_id={session}"

    def mask(self, text: str) -> str:
        """Return a text in which the token does not stand, whoever put it there."""
        return text.replace(self._token, "[token]") if self._token else text

    def _send(self, method: str, path: str, told: Any, timeout_s: float) -> Any:
        body = b"" if told is None else json.dumps(told).encode()
        headers = (("content-type", "application/json"),) if body else ()
        answer = _Answer()
        try:
            self._transport.send(WireRequest(method, self._url + path, headers, body), self.secrets, answer, timeout_s)
        except ProviderError as error:
            raise SandboxUnavailable(f"{self._url}: {self.mask(error.message)}", hint=error.hint) from None
        if not 200 <= answer.status < 300:
            said = visible(self.mask(answer.body.decode("utf-8", "replace")))[:_SAID_CHARS]
            hint = "the token is wrong or missing: give token_env" if answer.status in (401, 403) else ""
            raise SandboxUnavailable(f"{self._url} answered {answer.status} to {method} {path}: {said}", hint=hint)
        try:
            return json.loads(answer.body) if answer.body else None
        except (ValueError, RecursionError):
            raise SandboxUnavailable(f"{self._url} answered {method} {path} with what is no JSON") from None


class _Answer:
    """A short answer, whole."""

    def __init__(self) -> None:
        self.status, self.body = 0, b""

    def start(self, status: int, headers: Mapping[str, str]) -> None:
        del headers
        self.status = status

    def feed(self, chunk: bytes) -> None:
        self.body += chunk
        if len(self.body) > _MAX_BODY_BYTES:
            raise BadReply(f"an answer of more than {_MAX_BODY_BYTES:,} bytes", status=self.status)


def _check_url(url: str, *, allow_plain_http: bool) -> str:
    """Return the address without a slash at its end. What may hold a secret is not quoted."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError("the address of a gateway begins with https:// and a host")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ConfigError(
            f"the address of the gateway at {parts.hostname} has more than a host and a path",
            hint="addresses are logged: put the token into an environment variable, and name it as token_env",
        )
    if parts.scheme == "http" and not is_loopback(parts.hostname) and not allow_plain_http:
        raise ConfigError(
            f"http://{parts.hostname} would send token, code and results unencrypted",
            hint="https, or an ssh tunnel to localhost; on a network that you trust: allow_plain_http=True",
        )
    return url.rstrip("/")


def _read_token(token_env: str) -> str:
    if not token_env:
        return ""
    token = os.environ.get(token_env, "").strip()
    if not token:
        raise ConfigError(f"the token of the gateway is expected in {token_env}, which is not set")
    if not token.isascii() or not token.isprintable():
        raise ConfigError(f"the token in {token_env} has signs that no header can hold")
    return token
