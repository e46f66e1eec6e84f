"""One run. Every effect of a run passes through its session and is an event of its log.

Ids come from structure, never from chance: dialogs are numbered in the order in which they are opened, steps and
functions within them. Work that runs at the same time opens its dialogs in scopes of its own, so that the numbers do
not depend on who came first.
"""

from __future__ import annotations

import json
import platform
import random
import re
import threading
import time
import uuid
from collections.abc import Awaitable, Callable, Generator, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from dataclasses import dataclass
from itertools import count
from typing import Any, Self, TypeVar, cast

from lllm.const import NO_COST, VERSION, CompletionCost
from lllm.errors import CallCancelled, ConfigError, LogError
from lllm.llm.effects import Tape
from lllm.log.base import ReplayableLogBase, SessionLog
from lllm.machine.draw import table_hash
from lllm.models.plain import show, to_plain
from lllm.utils import encode_json, safe_name

T = TypeVar("T")
R = TypeVar("R")

_ASIDE = frozenset({"contract", "note"})  # they stand where they stand by chance

_current: ContextVar[Session | None] = ContextVar("lllm_session", default=None)
_scope: ContextVar[str] = ContextVar("lllm_scope", default="")
# The last event of this thread or task: a mark of its session, and its seq.
_before: ContextVar[tuple[object, int]] = ContextVar("lllm_before", default=(None, 0))


def current_session() -> Session | None:
    """Return the session that this code runs in, or None."""
    return _current.get()


@contextmanager
def function_scope(id_: str) -> Generator[None]:
    """Give a function that runs ids of its own, derived from its call's id, for dialogs that it opens itself."""
    token = _scope.set(f"{id_.replace('/', '-')}.")
    try:
        yield
    finally:
        _scope.reset(token)


@dataclass(frozen=True, slots=True)
class Limits:
    """What a call, or a session, may use up. None means no limit.

    Attributes:
        max_tokens: prompt and completion tokens.
        max_cost_usd: money, as far as prices are known.
        deadline_s: seconds from the start.
        max_total_wait_s: seconds of waiting between repeats of failed model calls, for each call.
    """

    max_tokens: int | None = None
    max_cost_usd: float | None = None
    deadline_s: float | None = None
    max_total_wait_s: float = 120.0


NO_LIMITS = Limits()


class Session:
    """One run and its log. Use it as a context manager, or let ``AgentBase`` open it.

    Args:
        journal: where events go.
        limits: for the whole session, over all its calls.
        seed: of ``random`` and of the jitter of waits; logged, so that a replay draws the same. None draws one.
        tape: a recording that answers in place of models, functions and clocks; None does everything for real.
    """

    def __init__(
        self,
        journal: SessionLog,
        *,
        limits: Limits = NO_LIMITS,
        seed: int | None = None,
        tape: Tape | None = None,
    ) -> None:
        self.journal = journal
        self.limits = limits
        self.seed = _draw_seed() if seed is None else seed
        self.tape = tape
        self.usage: CompletionCost = NO_COST
        self.redact = journal.redact
        self.result: Any = None
        # Told what calls do while they do it, where the caller names no listener; see lllm.llm.stream. Live only.
        self.listen: Callable[[Any], None] | None = None
        self.deadline: float | None = None if limits.deadline_s is None else time.monotonic() + limits.deadline_s
        self._counters: dict[str, count[int]] = {}
        self._randoms: dict[str, random.Random] = {}
        self._seen: set[str] = set()
        self._lock = threading.Lock()
        self._mark = object()
        self._cancelled = threading.Event()
        self._closed = False

    @classmethod
    def open(
        cls, log: ReplayableLogBase, name: str | None = None, *, header: Mapping[str, Any] | None = None, **options: Any
    ) -> Session:
        """Open a new session in a log.

        Args:
            log: the store.
            name: of the session, made safe; default: from the task and a random part.
            header: further data of the ``session.open`` event, such as ``task``, ``config``.
            options: ``limits, seed`` of the constructor.

        Raises:
            LogExists: the name is taken.
            ConfigError: the header is not plain JSON data, or this code is being replayed, in which a new session would
                run for real; no session is left behind.
        """
        outer = current_session()
        if outer is not None and outer.tape is not None:
            raise ConfigError(
                "a replayed session opens another session, which would run for real",
                hint="call the inner system through session.step, which logs its result",
            )
        told = dict(header or {})
        if options.get("seed") is None:
            options["seed"] = _draw_seed()
        safe = safe_name(name) if name else _fresh_name(str(told.get("task", "")))
        opening = {"lllm": VERSION, "python": platform.python_version(), "machine": table_hash(), "session": safe}
        try:
            data = encode_json({**opening, "seed": options["seed"], **told})
        except (TypeError, ValueError, RecursionError) as error:
            raise ConfigError(f"a session's task and arguments must be plain JSON data: {error}") from error
        session = cls(log.open_session(safe), **options)
        try:
            session.emit("session.open", "", session.redact(data))
        except BaseException:
            session.journal.close()
            raise
        return session

    @property
    def name(self) -> str:
        """The session's name in its log."""
        return self.journal.name

    # --- events -------------------------------------------------------------------------------------------------

    def emit(self, kind: str, id: str, data: str, cause: int = 0) -> int:  # noqa: A002 - the envelope's own word
        """Append one event; ``data`` is canonical JSON of an object. The log redacts it. Returns its seq.

        Without a ``cause`` it is the event before this one in the same thread or task, so that a log tells what came
        one after the other from what merely ran at the same time.
        """
        mark, last = _before.get()
        seq = self.journal.append(kind, id, data, cause=cause or (last if mark is self._mark else 0))
        if kind not in _ASIDE:
            _before.set((self._mark, seq))
        return seq

    def log(self, kind: str, id: str, data: Mapping[str, Any], cause: int = 0) -> int:  # noqa: A002 - as above
        """Append one event from plain data."""
        return self.emit(kind, id, encode_json(data), cause)

    def frontend(self, kind: str, args: Mapping[str, Any]) -> None:
        """Log what was shown to the user; ``self.st`` of an agent does this."""
        self.log("frontend", self.next_id("fe"), {"type": kind, **args})

    def note(self, text: str) -> None:
        """Log a remark for readers; a replay passes over it."""
        self.log("note", self.next_id("note"), {"text": text})

    def next_id(self, strand: str) -> str:
        """Return the next id of a strand in the current scope, such as ``fe/0``, ``a.fe/1``."""
        key = f"{_scope.get()}{strand}"
        return f"{key}/{next(self._counters.setdefault(key, count()))}"

    def next_dialog_id(self) -> str:
        """Return the next dialog's id: ``1``, ``2``, or ``a.1`` in scope ``a``."""
        scope = _scope.get()
        return f"{scope}{next(self._counters.setdefault(scope, count(1)))}"

    # --- values that differ from run to run -----------------------------------------------------------------------

    def now(self) -> float:
        """Return the wall clock, in seconds since 1970; a replay gets the recorded one."""
        return self._value("now", time.time)

    def uuid4(self) -> str:
        """Return a random UUID as text; a replay gets the recorded one."""
        return self._value("uuid4", lambda: str(uuid.uuid4()))

    def step(self, name: str, function: Callable[..., R], *args: Any) -> R:
        """Run ``function(*args)`` and log what it returns, which must be plain JSON data; a replay gets that.

        What it raises is logged, too, and raised again in a replay: as a subclass of the same type, with the same text.
        """
        return self._value(name, lambda: function(*args))

    async def astep(self, name: str, function: Callable[..., Awaitable[R]], *args: Any) -> R:
        """Async twin of :meth:`step`."""
        id_ = self.next_id("v")
        with self._keeping_errors(name, id_):
            value = self.tape.value(id_) if self.tape else await function(*args)
        return self._keep(name, id_, value)

    def _value(self, name: str, make: Callable[[], Any]) -> Any:
        id_ = self.next_id("v")
        with self._keeping_errors(name, id_):
            value = self.tape.value(id_) if self.tape else make()
        return self._keep(name, id_, value)

    @contextmanager
    def _keeping_errors(self, name: str, id_: str) -> Generator[None]:
        try:
            yield
        except LogError:  # the log's own, or a replay that differs: no result of the step
            raise
        except Exception as error:
            self.log("value", id_, {"name": name, "error": to_line(error)})
            raise

    def _keep(self, name: str, id_: str, value: Any) -> Any:
        plain = to_plain(value)[0]
        if plain != _listed(value):
            raise ConfigError(
                f"step {name!r} returned {type(value).__name__}, which a log cannot hold",
                hint="return str, numbers, lists and dicts with text keys",
            )
        self.log("value", id_, {"name": name, "value": plain})
        return plain

    @property
    def random(self) -> random.Random:
        """Random numbers that a replay draws again: seeded by the session, one stream a scope."""
        scope = _scope.get()
        return self._randoms.setdefault(scope, random.Random(f"{self.seed}:{scope}"))  # noqa: S311 - repeatable by design

    def jitter(self, id_: str) -> float:
        """Return a number in [0, 1) that depends on the seed, the session and ``id_`` only.

        Sessions that share a seed differ, so that those which failed together do not come back together.
        """
        return random.Random(f"{self.seed}:{self.name}:{id_}").random()  # noqa: S311 - repeatable by design

    # --- work at the same time -----------------------------------------------------------------------------------

    @contextmanager
    def scope(self, name: str) -> Generator[None]:
        """Give the block ids of its own, under ``name``: for work that runs beside other work."""
        token = _scope.set(f"{_scope.get()}{safe_name(name)}.")
        try:
            yield
        finally:
            _scope.reset(token)

    def map(self, function: Callable[[T], R], items: Iterable[T], *, concurrency: int = 8) -> list[R]:
        """Run ``function`` over items in threads, each in a scope of its own; results in the items' order.

        The first error, in the items' order, is raised, once those under way have ended; the others do not begin.
        """
        base = self._next_map()

        def one(index: int, item: T) -> R:
            with self.scope(f"{base}-{index}"):
                return function(item)

        with ThreadPoolExecutor(concurrency) as pool:
            futures = [pool.submit(copy_context().run, one, index, item) for index, item in enumerate(items)]
            try:
                return [future.result() for future in futures]
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    async def amap(self, function: Callable[[T], Awaitable[R]], items: Iterable[T], *, concurrency: int = 8) -> list[R]:
        """Async twin of :meth:`map`: on the running event loop, and an error cancels those under way."""
        import asyncio  # noqa: PLC0415 - only async users pay for it

        base = self._next_map()
        gate = asyncio.Semaphore(concurrency)

        async def one(index: int, item: T) -> R:
            async with gate:
                with self.scope(f"{base}-{index}"):
                    return await function(item)

        tasks = [asyncio.ensure_future(one(index, item)) for index, item in enumerate(items)]
        try:
            return list(await asyncio.gather(*tasks))
        finally:  # after an error, none may write to the log of a session that is closed meanwhile
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _next_map(self) -> str:
        return f"map-{self.next_id('map').rpartition('/')[2]}"

    # --- limits and ends -------------------------------------------------------------------------------------------

    def spend(self, usage: CompletionCost) -> None:
        """Add a reply's tokens and money to the session's."""
        with self._lock:
            self.usage = self.usage + usage

    def is_first(self, key: str) -> bool:
        """Whether nobody asked about ``key`` before; of two threads that ask at once, one is told so."""
        with self._lock:
            if key in self._seen:
                return False
            self._seen.add(key)
            return True

    def is_spent(self, dialog_id: str) -> bool:
        """Whether the session's tokens or money are used up, for the next call of a dialog.

        Calls that run at the same time spend in any order, so a replay is told what was found when it was recorded.
        """
        if self.tape is not None:
            return self.tape.is_spent(dialog_id)
        tokens, money = self.limits.max_tokens, self.limits.max_cost_usd
        return (tokens is not None and self.usage.total_tokens >= tokens) or (
            money is not None and (self.usage.cost_usd or 0.0) >= money
        )

    def cancel(self) -> None:
        """Stop every call of the session at its next effect; they raise CallCancelled. Any thread may call this."""
        self._cancelled.set()

    def wait(self, seconds: float) -> None:
        """Wait, unless the session is cancelled meanwhile, which raises CallCancelled."""
        self._cancelled.wait(seconds)
        self.check_cancelled()

    def check_cancelled(self) -> None:
        """Raise CallCancelled when somebody cancelled the session."""
        if self._cancelled.is_set():
            raise CallCancelled("the session was cancelled", where=f"session {self.name}")

    @contextmanager
    def active(self) -> Generator[Session]:
        """Make this the current session of the block."""
        token = _current.set(self)
        try:
            yield self
        finally:
            _current.reset(token)

    @property
    def closed(self) -> bool:
        """Whether the session takes no more events."""
        return self._closed

    def close(self, error: BaseException | None = None) -> None:
        """Log how the session ended, make it durable, and give up the lock. Closing twice does nothing."""
        if self._closed:
            return
        self._closed = True
        try:
            self.log("session.close", "", self._ending(error))
            self.journal.barrier()
        finally:
            self.journal.close()

    def _ending(self, error: BaseException | None) -> dict[str, Any]:
        if error is not None:
            return {"status": "failed", "error": to_line(error)}
        try:
            return {"status": "ok", "result": _plain(self.result)}
        except (TypeError, ValueError, RecursionError):
            return {"status": "ok", "result_type": type(self.result).__qualname__}

    def __enter__(self) -> Self:
        self._token = _current.set(self)
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        _current.reset(self._token)
        self.close(error)


def _listed(value: Any) -> Any:
    """Return a tuple as the list that JSON makes of it, and anything else as it is."""
    return [*cast("tuple[Any, ...]", value)] if isinstance(value, tuple) else value


def _draw_seed() -> int:
    return uuid.uuid4().int >> 96


def to_line(error: BaseException) -> str:
    """Return what the log keeps of an error: its type and its text, 2,000 characters at most. Pure."""
    return f"{type(error).__name__}: {show(getattr(error, 'message', error))}"[:2000]


def _plain(value: Any) -> Any:
    """Return a result as plain JSON data.

    Raises:
        TypeError, ValueError, RecursionError: it is none; its text would differ from run to run.
    """
    dump = getattr(value, "model_dump", None)
    return json.loads(encode_json(dump(mode="json") if dump else value))


def _fresh_name(task: str) -> str:
    """Return a name that sorts by time, can be read, and is not taken."""
    stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime())
    slug = re.sub(r"[^a-z0-9]+", "-", task[:40].lower()).strip("-")[:24].strip("-")
    return f"{stamp}-{slug or 'session'}-{uuid.uuid4().hex[:6]}"
