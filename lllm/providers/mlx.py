"""A provider whose model runs in this process, on mlx-lm. All replies are made in one thread; see mlx_thread.py."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any, cast

from lllm.errors import ConfigError
from lllm.models.message import Message
from lllm.models.request import ModelRequest
from lllm.providers.base import Delta, OnDelta
from lllm.providers.grants import Grants
from lllm.providers.mlx_model import FAMILY, Place, forget_models
from lllm.providers.mlx_question import to_question
from lllm.providers.mlx_thread import Job, Post, in_model_thread
from lllm.providers.nano import to_shown
from lllm.providers.project import ProviderTables

MAX_TOKENS = 8192
TIMEOUT_S = 600.0


class MLXProvider:
    """A model in this process; mlx-lm is imported, and the model loaded, at the first call.

    Args:
        model_path: a folder, ``owner/name`` of a Hugging Face repository, or ``nano``, which comes with lllm; by
            default the name of the model that a request asks for is taken for one.
        name: what the provider is called in errors and logs.
        adapter_path: a folder of LoRA adapters.
        max_tokens: the limit on a reply's length where nobody names one.
        timeout_s: seconds for one attempt unless the call says otherwise, with loading and waiting for other calls.
        send_reasoning: give the model its earlier thoughts back, where its template takes them.

    Raises:
        ConfigError: a setting has the wrong type.
    """

    def __init__(
        self,
        model_path: str | None = None,
        *,
        name: str = "mlx",
        adapter_path: str | None = None,
        max_tokens: int = MAX_TOKENS,
        timeout_s: float = TIMEOUT_S,
        send_reasoning: bool = False,
    ) -> None:
        _check_settings(name, {"max_tokens": max_tokens}, int)
        _check_settings(name, {"timeout_s": timeout_s}, (int, float))
        _check_settings(name, {"model_path": model_path, "adapter_path": adapter_path}, str)
        self.name = name
        self._model_path, self._adapter_path = model_path, adapter_path
        self._max_tokens, self._timeout_s = max_tokens, timeout_s
        self._family = FAMILY if send_reasoning else ""
        self._places: set[Place] = set()
        # Which gates count; None takes those of the project's lllm.toml, as they are at each call.
        self.tables: ProviderTables | None = None
        self._grants = Grants()

    def describe(self) -> dict[str, Any]:
        """Return what a log keeps of the provider: ``name, api``, and as ``base_url`` the model's path if it is set."""
        return {"name": self.name, "api": "mlx", "base_url": to_shown(self._model_path or "")}

    def __repr__(self) -> str:
        return f"<MLXProvider {self._model_path or ''}>"

    def send(
        self, request: ModelRequest, *, timeout_s: float | None = None, on_delta: OnDelta | None = None
    ) -> Message[Any]:
        """Make one attempt and return the model's reply; see Provider."""
        inbox: SimpleQueue[Any] = SimpleQueue()
        job = self._start(request, timeout_s, inbox.put)
        try:
            while True:
                try:
                    item = inbox.get(timeout=job.left_s())
                except Empty:
                    raise job.late() from None
                if (message := _take(item, on_delta)) is not None:
                    return message
        finally:
            job.cancelled.set()

    async def asend(
        self, request: ModelRequest, *, timeout_s: float | None = None, on_delta: OnDelta | None = None
    ) -> Message[Any]:
        """Make one attempt, as :meth:`send` does; cancelling the task stops the model at the next token."""
        import asyncio  # noqa: PLC0415 - sync callers do not need it

        inbox: asyncio.Queue[Any] = asyncio.Queue()
        loop = asyncio.get_running_loop()

        def post(item: Any) -> None:
            with suppress(RuntimeError):  # the loop is closed, so nobody waits
                loop.call_soon_threadsafe(inbox.put_nowait, item)

        job = self._start(request, timeout_s, post)
        limit = asyncio.timeout(job.left_s())
        try:
            async with limit:
                while True:
                    if (message := _take(await inbox.get(), on_delta)) is not None:
                        return message
        except TimeoutError:
            if limit.expired():
                raise job.late() from None
            raise
        finally:
            job.cancelled.set()

    def _start(self, request: ModelRequest, timeout_s: float | None, post: Post) -> Job:
        """Hand a request to the thread of the models; what is wrong with it is told here, before it waits."""
        self._grants.check(self.tables, local=True, what=f"provider {self.name!r}")
        place = Place(self._model_path or request.contract.model, self._adapter_path)
        self._places.add(place)
        question = to_question(request, max_tokens=self._max_tokens, family=self._family)
        job = Job(self.name, place, question, self._timeout_s if timeout_s is None else timeout_s)
        job.streamed = request.stream
        in_model_thread(lambda: job.run(post))
        return job

    def close(self) -> None:
        """Let go of the models that this provider loaded, behind the calls that wait; a later call loads them anew."""
        if self._places:
            places, self._places = self._places, set()
            in_model_thread(lambda: forget_models(*places))

    async def aclose(self) -> None:
        """Let go of the models, as :meth:`close` does; nothing is waited for."""
        self.close()


def _check_settings(provider: str, settings: Mapping[str, Any], kind: type | tuple[type, ...]) -> None:
    """Refuse what a config file got wrong; None stands for what is not set."""
    for name, value in settings.items():
        if value is None:
            continue
        if (
            isinstance(value, bool)
            or not isinstance(value, kind)
            or not value
            or (kind is not str and not 0 < value < 1e7)
        ):
            raise ConfigError(f"provider {provider!r}: {name} may not be {value!r}")


def _take(item: Any, on_delta: OnDelta | None) -> Message[Any] | None:
    """Take what the model's thread posted: pieces are shown, a reply is returned, an error raised."""
    if isinstance(item, Message):
        return cast("Message[Any]", item)
    if isinstance(item, Exception):
        raise item
    for delta in cast("list[Delta]", item):
        if on_delta is not None:
            on_delta(delta)
    return None
