"""A provider that asks a question once: the reply is kept in a folder, and given to whoever asks the same again.

What is kept is what somebody could use. A reply that comes in is only noted; it is kept once the caller says that it
was usable (see ``judged_of``), and forgotten once somebody says that it was not. Of several who ask the same at the
same time one asks, and the others get the same reply.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256
from os import PathLike, fspath
from typing import Any, cast

from lllm.errors import ConfigError
from lllm.models.message import Message
from lllm.models.request import ModelRequest
from lllm.providers.base import Delta, OnDelta, Provider, secrets_of
from lllm.providers.cache_folder import CacheFolder, open_folder
from lllm.providers.cache_single_flight import Flight
from lllm.providers.deadline import Deadline
from lllm.providers.settings import check_keys
from lllm.utils import encode_json

MAX_BYTES = 256 << 20
MIN_BYTES = 256 << 10
_KEY_VERSION = 1
_OPTIONS = {"folder": str, "max_bytes": int, "scope": str}
_NO_MATTER = frozenset({"api_key", "api_key_env", "timeout_s", "stream_usage", "model"})


class CachedProvider:
    """Keeps the usable replies of ``inner``, and gives them again.

    A reply is found by all that a server could notice of the request (model, functions, format, parameters, every
    message), by what ``inner`` says of itself, and by ``scope``. Whether it is streamed does not count. Everything that
    is asked is kept, whatever its temperature: for another sample set another ``seed``, or another ``scope``.

    A reply that was kept, or came to somebody else who asked the same meanwhile, has ``cached=True``, the tokens that
    it had, and costs 0 dollars.

    Args:
        inner: who is asked.
        folder: where replies are kept, for all providers and processes that are given the same; made when needed.
        max_bytes: size of what is kept; what was not used for longest goes first. The journal beside it takes a few MB.
        scope: anything else that tells replies apart, such as a version of yours.

    Raises:
        ConfigError: ``max_bytes`` is less than 256 KiB.
    """

    def __init__(
        self, inner: Provider, folder: str | PathLike[str], *, max_bytes: int = MAX_BYTES, scope: str = ""
    ) -> None:
        if max_bytes < MIN_BYTES:
            raise ConfigError(f"a cache of {max_bytes} bytes holds nothing", hint=f"give it {MIN_BYTES} or more")
        self.inner = inner
        self._scope = scope
        self._folder: CacheFolder = open_folder(folder, max_bytes)

    @property
    def name(self) -> str:
        """Name under which it was configured."""
        return self.inner.name

    def describe(self) -> dict[str, Any]:
        """Return what a log keeps of the inner provider: with and without a cache, a run is the same run."""
        return self.inner.describe()

    def secrets(self) -> tuple[str, ...]:
        """Return what must stand in no log; see Provider."""
        return secrets_of(self.inner)

    def __repr__(self) -> str:
        return f"<CachedProvider of {self.inner!r} in {self._folder.path.parent}>"

    def send(
        self, request: ModelRequest, *, timeout_s: float | None = None, on_delta: OnDelta | None = None
    ) -> Message[Any]:
        """Return a kept reply, or make one attempt; see Provider."""
        key, deadline = self._key(request), Deadline(timeout_s)
        self._folder.open()
        while True:
            with self._folder.flights.join(key, is_async=False) as (flight, is_mine):
                if not is_mine:
                    reply = flight.wait(deadline.left_s())
                elif (reply := self._find(key, flight)) is None:
                    reply = self.inner.send(request, timeout_s=deadline.left_s(), on_delta=on_delta)
                    return self._land(key, flight, reply)
            if reply is not None:
                return _given(reply, request, on_delta)

    async def asend(
        self, request: ModelRequest, *, timeout_s: float | None = None, on_delta: OnDelta | None = None
    ) -> Message[Any]:
        """Return a kept reply, or make one attempt; see Provider.

        A kept reply is read on the event loop: that takes tens of microseconds, and by way of a thread it takes longer.
        """
        key, deadline = self._key(request), Deadline(timeout_s)
        if not self._folder.is_open:
            await asyncio.to_thread(self._folder.open)
        while True:
            with self._folder.flights.join(key, is_async=True) as (flight, is_mine):
                if not is_mine:
                    reply = await flight.await_(deadline.left_s())
                elif (reply := self._find(key, flight)) is None:
                    reply = await self.inner.asend(request, timeout_s=deadline.left_s(), on_delta=on_delta)
                    return self._land(key, flight, reply)
            if reply is not None:
                return _given(reply, request, on_delta)

    def _find(self, key: bytes, flight: Flight) -> Message[Any] | None:
        flight.reply = self._folder.find(key)
        return flight.reply

    def _land(self, key: bytes, flight: Flight, reply: Message[Any]) -> Message[Any]:
        self._folder.note_new(key)
        flight.reply = reply
        return reply

    def judged(self, request: ModelRequest, reply: Message[Any], *, usable: bool) -> None:
        """Take note of what a reply was worth: keep it, or never give it again. It waits for nothing.

        A reply that holds a key of ours is not kept.
        """
        if not usable:
            self._folder.forget(self._key(request))
        else:
            self._folder.keep(self._key(request), reply, secrets_of(self.inner))

    def _key(self, request: ModelRequest) -> bytes:
        """Return what a reply is found by. A retry of the machine has another history, so it has another key."""
        told = encode_json([_KEY_VERSION, self.inner.describe(), self._scope, request.contract.fingerprint])
        return sha256(told.encode() + request.history.chain).digest()

    def close(self) -> None:
        """Write what is still to be written, and close the inner provider's idle connections."""
        self._folder.close()
        self.inner.close()

    async def aclose(self) -> None:
        """Async twin of :meth:`close`."""
        await asyncio.to_thread(self._folder.close)
        await self.inner.aclose()


def build_cached(provider: Provider, told: Any, settings: Mapping[str, Any]) -> Provider:
    """Return a provider with the cache that a config asks for.

    Args:
        provider: around which it is put.
        told: a folder, or a mapping of ``folder, max_bytes, scope``.
        settings: of the provider. Replies are kept apart by all of them that may change a reply.

    Raises:
        ConfigError: none of these, or a value of the wrong type.
    """
    options = cast("Mapping[str, Any]", {"folder": fspath(told)} if isinstance(told, str | PathLike) else told)
    hint = "cache: .llm_cache, or cache: {folder: .llm_cache, max_bytes: 100000000}"
    if not isinstance(told, str | PathLike | Mapping) or not options.get("folder"):
        raise ConfigError(f"provider {provider.name!r}: cache is a folder, or a mapping with one", hint=hint)
    check_keys(options, _OPTIONS, provider.name)
    for key, kind in _OPTIONS.items():
        if not isinstance(options.get(key, kind()), kind) or isinstance(options.get(key), bool):
            raise ConfigError(f"provider {provider.name!r}: {key} of its cache is no {kind.__name__}", hint=hint)
    rest = {key: value for key, value in settings.items() if key not in _NO_MATTER}
    scope = json.dumps([options.get("scope", ""), rest], sort_keys=True, default=_to_text)
    return CachedProvider(provider, options["folder"], max_bytes=options.get("max_bytes", MAX_BYTES), scope=scope)


def _to_text(value: Any) -> str:
    """Return what names a value in every process: a function's own text would hold its address. Pure."""
    return f"{value.__module__}:{value.__qualname__}" if hasattr(value, "__qualname__") else repr(value)


def tell_whole(reply: Message[Any], on_delta: OnDelta) -> None:
    """Tell a reply that was there already, as if it came in one piece."""
    if reply.reasoning:
        on_delta(Delta("reasoning", reply.reasoning))
    if reply.content:
        on_delta(Delta("text", reply.content))
    for index, call in enumerate(reply.function_calls):
        on_delta(Delta("call", call.raw_arguments, index, call.name))


def _given(reply: Message[Any], request: ModelRequest, on_delta: OnDelta | None) -> Message[Any]:
    if on_delta is not None and request.stream:
        tell_whole(reply, on_delta)
    return replace(reply, cached=True, usage=replace(reply.usage, cost_usd=0.0))
