"""A provider over HTTP: a format, a profile and a transport put together. Keys come from here; httpx does not."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lllm.config.secret import is_secret
from lllm.errors import BadRequest, ConfigError, ProviderError, StatusError
from lllm.models.message import Message
from lllm.models.request import ModelRequest
from lllm.providers.answers import Exchange, Question
from lllm.providers.base import OnDelta
from lllm.providers.grants import Grants
from lllm.providers.pace import find_pace
from lllm.providers.prices import with_price
from lllm.providers.project import ProviderTables
from lllm.providers.wire.profile import Profile
from lllm.transport.port import WireRequest
from lllm.utils import Secret

if TYPE_CHECKING:
    from lllm.transport.port import Transport

MIN_TIMEOUT_S = 0.001  # 0 would mean "do not wait" to a socket, which is no timeout


class HTTPProvider:
    """A model behind an HTTP address.

    Args:
        profile: which server, and what is special about it.
        api_key: the key; by default it is read from the profile's environment variable at each call.
        transport: how bytes travel; by default DefaultTransport, imported at the first call.
        environ: where the variable is looked up.
    """

    def __init__(
        self,
        profile: Profile,
        *,
        api_key: str | None = None,
        transport: Transport | None = None,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        self.profile = profile
        self._api_key = None if api_key is None else Secret(api_key, profile.api_key_env or "api_key")
        self._transport = transport
        self._environ = environ
        self._paced = "", find_pace(profile.base_url, "")  # the key that was used last, and its pace
        # Only ever set, so that threads need no lock; the profile itself stays as it was given.
        self._refuses_usage = False
        # Which gates and prices count; None takes those of the project's lllm.toml, as they are at each call.
        self.tables: ProviderTables | None = None
        self._grants = Grants()

    @property
    def name(self) -> str:
        """Name under which it was configured."""
        return self.profile.name

    def describe(self) -> dict[str, Any]:
        """Return what a log keeps of the provider: ``name, api, base_url``."""
        return {"name": self.profile.name, "api": self.profile.api, "base_url": self.profile.base_url}

    def __repr__(self) -> str:
        return f"<HTTPProvider {self.profile.name} at {self.profile.base_url}>"

    def send(
        self, request: ModelRequest, *, timeout_s: float | None = None, on_delta: OnDelta | None = None
    ) -> Message[Any]:
        """Make one attempt and return the model's reply; see Provider."""
        left_s = self._limit_s(timeout_s)
        end_s = time.monotonic() + left_s
        while True:
            exchange, transport = self._exchange(request, on_delta), self._use_transport()
            for nap_s in self._naps(exchange, left_s):
                time.sleep(nap_s)
                left_s = max(MIN_TIMEOUT_S, end_s - time.monotonic())
            try:
                transport.send(exchange.wire, exchange.secrets, exchange, left_s)
            except ProviderError as error:
                exchange.lose(error)
            if (message := self._finish(exchange)) is not None:
                return message
            left_s = max(MIN_TIMEOUT_S, end_s - time.monotonic())

    async def asend(
        self, request: ModelRequest, *, timeout_s: float | None = None, on_delta: OnDelta | None = None
    ) -> Message[Any]:
        """Make one attempt and return the model's reply; see Provider."""
        left_s = self._limit_s(timeout_s)
        end_s = time.monotonic() + left_s
        while True:
            exchange, transport = self._exchange(request, on_delta), self._use_transport()
            for nap_s in self._naps(exchange, left_s):
                await _sleep(nap_s)
                left_s = max(MIN_TIMEOUT_S, end_s - time.monotonic())
            try:
                await transport.asend(exchange.wire, exchange.secrets, exchange, left_s)
            except ProviderError as error:
                exchange.lose(error)
            if (message := self._finish(exchange)) is not None:
                return message
            left_s = max(MIN_TIMEOUT_S, end_s - time.monotonic())

    def fetch(self, path: str, *, timeout_s: float) -> bytes:
        """Return the body that stands at ``base_url`` + ``path``.

        Raises:
            ProviderError: it could not be had.
            ConfigError: a key is missing, or the project does not grant the server.
        """
        question = self._question(path)
        self._use_transport().send(question.wire, question.secrets, question, timeout_s)
        return question.body()

    async def afetch(self, path: str, *, timeout_s: float) -> bytes:
        """Async twin of :meth:`fetch`."""
        question = self._question(path)
        await self._use_transport().asend(question.wire, question.secrets, question, timeout_s)
        return question.body()

    def _question(self, path: str) -> Question:
        self._check_granted()
        headers = (("accept", "application/json"), *self.profile.headers)
        return Question(WireRequest("GET", self.profile.base_url + path, headers, b""), self.profile, self._key())

    def _check_granted(self) -> None:
        self._grants.check(self.tables, local=self.profile.is_local, what=f"provider {self.name!r}")

    def _exchange(self, request: ModelRequest, on_delta: OnDelta | None) -> Exchange:
        self._check_granted()
        profile = replace(self.profile, stream_usage=False) if self._refuses_usage else self.profile
        key = self._key()
        if key != self._paced[0]:
            self._paced = key, find_pace(self.profile.base_url, key)
        return Exchange(request, profile, key, on_delta, self._paced[1])

    def _naps(self, exchange: Exchange, timeout_s: float) -> Iterator[float]:
        """Yield the waits before a call may be sent: none, unless another call with the same key was just refused."""
        if exchange.pace.until_s is None:
            return
        try:
            yield from exchange.pace.naps(timeout_s)
        except StatusError as error:
            from lllm.transport.over_httpx import with_response  # noqa: PLC0415 - httpx is heavy

            error.provider = self.profile.name
            raise with_response(error, exchange.wire, {}, b"") from None
        exchange.sent_at = exchange.pace.refusals

    def _finish(self, exchange: Exchange) -> Message[Any] | None:
        """Return the reply; None when the request was refused for a question that is now no longer asked.

        That second request is no retry: the first one was never answered, and it happens once for a provider (once a
        call for those that were under way by then). It has what is left of the attempt's time.
        """
        try:
            reply = exchange.to_message()
        except ProviderError as error:
            asked = exchange.streamed and exchange.profile.stream_usage
            if asked and isinstance(error, BadRequest) and "stream_options" in error.excerpt:
                self._refuses_usage = True
                return None
            exchange.pace.failed(error, exchange.sent_at)
            error.provider = self.profile.name
            if self.profile.api_key_env and error.status == 401:  # the key
                error.hint = f"check the key in {self.profile.api_key_env}"
            raise
        exchange.pace.answered(exchange.sent_at)
        prices = (self.tables or self._grants.tables).prices  # not looked at anew: the reply is paid for
        return with_price(reply, exchange.model, self.profile.base_url, prices)

    def _limit_s(self, timeout_s: float | None) -> float:
        return self.profile.timeout_s if timeout_s is None else timeout_s

    def _key(self) -> str:
        """Return the key, or nothing for a server that wants none.

        Raises:
            ConfigError: it is missing, or cannot be a header.
        """
        variable, key = self.profile.api_key_env, self._read_key()
        if variable and not key:
            raise ConfigError(
                f"provider {self.name!r} needs a key: {variable} is not set", hint=f"export {variable}=..."
            )
        if not key.isascii() or not key.isprintable():
            raise ConfigError(f"the key in {variable or 'api_key'} holds characters that no header may hold")
        return key

    def _read_key(self) -> str:
        given = self._api_key
        return (self._environ.get(self.profile.api_key_env, "") if given is None else given).strip()

    def secrets(self) -> tuple[str, ...]:
        """Return the key as it is right now, and headers whose name says that they are secret; see Provider."""
        headers = (value for name, value in self.profile.headers if is_secret(name, value))
        return tuple(secret for secret in (self._read_key(), *headers) if secret)

    def _use_transport(self) -> Transport:
        if self._transport is None:
            from lllm.transport.default import DefaultTransport  # noqa: PLC0415 - asyncio and urllib

            self._transport = DefaultTransport()
        return self._transport

    def close(self) -> None:
        """Close connections that no call uses."""
        if self._transport is not None:
            self._transport.close()

    async def aclose(self) -> None:
        """Close connections of the running event loop that no call uses."""
        if self._transport is not None:
            await self._transport.aclose()


async def _sleep(seconds: float) -> None:
    import asyncio  # noqa: PLC0415 - heavy; whoever awaits this has it

    await asyncio.sleep(seconds)
