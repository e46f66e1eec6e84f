"""Does a server answer? A question that costs nothing, takes two seconds at most, and never ends in an exception."""

from __future__ import annotations

import threading
import time
from contextvars import copy_context
from dataclasses import dataclass
from typing import Any

from lllm.errors import BadReply, LLLMError, NotFound, ProviderTimeout
from lllm.providers.base import Provider
from lllm.providers.wire.formats import load_format
from lllm.providers.wire.listing import parse_models

HEALTH_TIMEOUT_S = 2.0


@dataclass(frozen=True, slots=True)
class Health:
    """What a server said.

    Attributes:
        ok: it answers, and takes the key.
        told: in words.
        hint: what to do; empty where nothing is to be done.
        models: names of the models that it lists; a server need not list any.
        latency_s: seconds until the answer.
    """

    ok: bool
    told: str
    hint: str = ""
    models: tuple[str, ...] = ()
    latency_s: float = 0.0


def check_health(provider: Provider, timeout_s: float = HEALTH_TIMEOUT_S) -> Health:
    """Ask a server for its list of models; a model in the process is always well."""
    server = _innermost(provider)
    if not hasattr(server, "fetch"):
        return _in_process(server)
    found: list[Health] = []
    start_s = time.monotonic()

    def ask() -> None:
        try:
            found.append(_well(server.fetch(_path_of(server), timeout_s=timeout_s), start_s))
        except Exception as error:  # noqa: BLE001 - whatever it is, the server is not well
            found.append(_unwell(error, start_s))

    # A thread that may be left behind: a name that nobody resolves, or a server that sends a header now and then, would
    # hold a sync request for as long as it likes.
    asking = threading.Thread(target=copy_context().run, args=(ask,), name="lllm-health", daemon=True)
    asking.start()
    asking.join(timeout_s * 1.1)
    return found[0] if found else _unwell(ProviderTimeout(f"no whole answer within {timeout_s:g} s"), start_s)


async def acheck_health(provider: Provider, timeout_s: float = HEALTH_TIMEOUT_S) -> Health:
    """Async twin of :func:`check_health`; only cancelling the task ends it early."""
    server = _innermost(provider)
    if not hasattr(server, "fetch"):
        return _in_process(server)
    start_s = time.monotonic()
    try:
        return _well(await server.afetch(_path_of(server), timeout_s=timeout_s), start_s)
    except Exception as error:  # noqa: BLE001 - as above
        return _unwell(error, start_s)


def _innermost(provider: Any) -> Any:
    """Return the provider below all wrappers."""
    while (inner := getattr(provider, "inner", None)) is not None:
        provider = inner
    return provider


def _path_of(server: Any) -> str:
    return load_format(server.profile.api).models_path


def _in_process(provider: Any) -> Health:
    ready = getattr(provider, "check_ready", None)
    try:
        if ready is not None:
            ready()
    except Exception as error:  # noqa: BLE001 - as above
        return _unwell(error, time.monotonic())
    return Health(True, "runs in this process")


def _well(body: bytes, start_s: float) -> Health:
    latency_s = time.monotonic() - start_s
    try:
        models = parse_models(body)
    except BadReply:
        return Health(True, "answers, and lists no models", latency_s=latency_s)
    told = f"answers, {len(models)} models" if models else "answers, and lists no models"
    return Health(True, told, models=models, latency_s=latency_s)


def _unwell(error: Exception, start_s: float) -> Health:
    latency_s = time.monotonic() - start_s
    if isinstance(error, NotFound):  # a chat server need not have a list
        return Health(True, "answers, and has no list of models", latency_s=latency_s)
    hint = error.hint if isinstance(error, LLLMError) else ""
    return Health(False, f"{type(error).__name__}: {error}", hint, latency_s=latency_s)
