"""One run. Every effect of a run passes through its session and is an event of its log.

Ids come from structure, never from chance: dialogs are numbered in the order in which they are opened, steps and
functions within them. Work that runs at the same time opens its dialogs in scopes of its own, so that the numbers do
not depend on who came first.
"""

from __future__ import annotations

import asyncio
import platform
import random
import re
import threading
import time
import uuid
from collections.abc import Awaitable, Callable, Generator, Iterable, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from itertools import count
from typing import Any, Self, TypeVar

from lllm.const import NO_COST, VERSION, CompletionCost
from lllm.errors import CallCancelled, ConfigError, LLLMError, LogFenced, LogPoisoned
from lllm.llm.effects import Tape
from lllm.llm.fan import run_in_threads, run_on_loop
from lllm.llm.kept import listed, path_of, to_header, to_line
from lllm.log.base import ReplayableLogBase, SessionLog
from lllm.machine.draw import table_hash
from lllm.models.plain import to_data, to_plain
from lllm.utils import encode_json, safe_name

T = TypeVar("T")
R = TypeVar("R")

_ASIDE = frozenset({"contract", "note"})  # they stand where they stand by chance

_current: ContextVar[Session | None] = ContextVar("lllm_session", default=None)
_scope: ContextVar[str] = ContextVar("lllm_scope", default="")
# The last event of this thread or task: a mark of its session, and its seq.
_before: ContextVar[tuple[object, int]] = ContextVar("lllm_before", default=(None, 0))
# The recordings that are being replayed in this process.
_tapes: set[Tape] = set()


class ReplayStopped(BaseException):
    """The replay is over. A BaseException, so that no ``except Exception`` of the user goes on, or tries for ever."""

    def __init__(self, failure: LLLMError) -> None:
        super().__init__(str(failure))
        self.failure = failure


def current_session() -> Session | None:
    """Return the session that this code runs in, or None."""
    return _current.get()


@contextmanager
def replaying(tape: Tape) -> Generator[None]:
    """While the block runs, refuse to act for real in any thread that cannot tell whose code it runs."""
    _tapes.add(tape)
    try:
        yield
    finally:
        _tapes.discard(tape)


def refuse_in_replay() -> None:
    """Refuse to act for real where a replay runs this code, or may do so.

    A plain thread does not know its session. So, while anything is replayed, one without a session may not act.

    Raises:
        ConfigError: this is such a place.
    """
    session = current_session()
    if _tapes if session is None else session.tape is not None:
        raise ConfigError(
            "a replay is under way, and this would act for real: its session is none of the replay's",
            hint="give work to threads through session.map, or start them with contextvars.copy_context().run",
        )


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
        max_cost_usd: money; for a session as far as prices are known, for a call the price must be known.
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
        name: what the session calls itself; default: its name in the log. In a replay it is the recorded one, whatever
            the log was renamed to since.
    """

    def __init__(
        self,
        journal: SessionLog,
        *,
        limits: Limits = NO_LIMITS,
        seed: int | None = None,
        tape: Tape | None = None,
        name: str = "",
    ) -> None:
        self.journal = journal
        self.name = name or journal.name
        self.limits = limits
        self.seed = _draw_seed() if seed is None else seed
        self.tape = tape
        self.usage: CompletionCost = NO_COST
        self._known_usd = 0.0
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
            ConfigError: the log could not give the header back as it is, or this code is being replayed, in which a new
                session would run for real; no session is left behind.
        """
        outer = current_session()
        if outer is not None and outer.tape is not None:
            raise ConfigError(
                "a replayed session opens another session, which would run for real",
                hint="call the inner system through session.step, which logs its result",
            )
        refuse_in_replay()
        told = dict(header or {})
        if options.get("seed") is None:
            options["seed"] = _draw_seed()
        safe = safe_name(name) if name else _fresh_name(str(told.get("task", "")))
        opening = {"lllm": VERSION, "python": platform.python_version(), "machine": table_hash(), "session": safe}
        data = to_header({**opening, "seed": options["seed"], **told})
        session = cls(log.open_session(safe), **options)
        try:
            session.emit("session.open", "", session.redact(data))
        except BaseException:
            session.journal.close()
            raise
        return session

    # --- events -------------------------------------------------------------------------------------------------

    def emit(self, kind: str, id: str, data: str, cause: int = 0) -> int:  # noqa: A002 - the envelope's own word
        """Append one event; ``data`` is canonical JSON of an object. The log redacts it. Returns its seq.

        Without a ``cause`` it is the event before this one in the same thread or task, so that a log tells what came
        one after the other from what merely ran at the same time.

        Raises:
            ConfigError: the session is live, and a replay runs this code.
        """
        self._check_place()
        seq = self.journal.append(kind, id, data, cause=cause or self._last())
        if kind not in _ASIDE:
            _before.set((self._mark, seq))
        return seq

    def _check_place(self) -> None:
        """Let a live session be closed anywhere, and used in no replay."""
        if self.tape is None and not self._closed:
            refuse_in_replay()

    def _last(self) -> int:
        """Return the seq of the event before this one in the same thread or task; 0 when there is none."""
        mark, last = _before.get()
        return last if mark is self._mark else 0

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
        self._check_place()
        key = f"{_scope.get()}{strand}"
        return f"{key}/{next(self._counters.setdefault(key, count()))}"

    def next_dialog_id(self) -> str:
        """Return the next dialog's id: ``1``, ``2``, or ``a.1`` in scope ``a``."""
        self._check_place()
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
        What it does with this session, such as asking an agent, is logged for readers; a replay passes over it.
        """
        return self._value(name, lambda: function(*args))

    async def astep(self, name: str, function: Callable[..., Awaitable[R]], *args: Any) -> R:
        """Async twin of :meth:`step`."""
        id_, cause = self.next_id("v"), self._last()
        with self._making(name, id_, cause):
            value = await _recorded(self.tape, id_) if self.tape else await function(*args)
        return self._keep(name, id_, value, cause)

    def _value(self, name: str, make: Callable[[], Any]) -> Any:
        id_, cause = self.next_id("v"), self._last()
        with self._making(name, id_, cause):
            value = self.tape.value(id_) if self.tape else make()
        return self._keep(name, id_, value, cause)

    @contextmanager
    def _making(self, name: str, id_: str, cause: int) -> Generator[None]:
        """Give what makes a value ids of its own, and log what it raises, cancellation and exit included."""
        try:
            with function_scope(id_.replace("/", "~")):  # a mark that no scope of the user's can have
                yield
        except (ReplayStopped, LogPoisoned, LogFenced):  # no end of the step, but of all
            raise
        except BaseException as error:
            if not self._closed:
                self.log("value", id_, {"name": name, "error": to_line(error), **path_of(type(error))}, cause)
            raise

    def _keep(self, name: str, id_: str, value: Any, cause: int) -> Any:
        plain = to_plain(value)[0]
        if plain != listed(value):
            raise ConfigError(
                f"step {name!r} returned {type(value).__name__}, which a log cannot hold",
                hint="return str, numbers, lists and dicts with text keys",
            )
        self.log("value", id_, {"name": name, "value": plain}, cause)
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
        return run_in_threads(self, self._next_map(), function, list(items), concurrency)

    async def amap(self, function: Callable[[T], Awaitable[R]], items: Iterable[T], *, concurrency: int = 8) -> list[R]:
        """Async twin of :meth:`map`: on the running event loop, and an error cancels those under way."""
        return await run_on_loop(self, self._next_map(), function, list(items), concurrency)

    def log_failed_map(self, id: str, begun: int, error: BaseException) -> None:  # noqa: A002 - the envelope's own word
        """Log how many items of a map had begun when one of them failed, which a replay could not know."""
        if not self._closed:
            self.log("value", id, {"name": "map", "begun": begun, "error": to_line(error), **path_of(type(error))})

    def _next_map(self) -> str:
        return self.next_id(f"map-{self.next_id('map').rpartition('/')[2]}")

    # --- limits and ends -------------------------------------------------------------------------------------------

    def spend(self, usage: CompletionCost) -> None:
        """Add a reply's tokens and money to the session's."""
        with self._lock:
            self.usage = self.usage + usage
            self._known_usd += usage.cost_usd or 0.0  # a sum that one reply without a price does not make unknown

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
            money is not None and self._known_usd >= money
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
            return {"status": "ok", "result": to_data(self.result)}
        except (TypeError, ValueError, RecursionError):
            return {"status": "ok", "result_type": type(self.result).__qualname__}

    def __enter__(self) -> Self:
        # Its ids are its own, whatever scope of another session it is opened in: it is also replayed alone.
        self._tokens = _current.set(self), _scope.set("")
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        session, scope = self._tokens
        _scope.reset(scope)
        _current.reset(session)
        self.close(error)


async def _recorded(tape: Tape, id_: str) -> Any:
    """Return a recorded value. A cancellation comes from where it came from, if that takes no longer than it took."""
    try:
        return tape.value(id_)
    except asyncio.CancelledError as error:
        await asyncio.sleep(getattr(error, "after_s", 0.0))  # asyncio.timeout turns only its own into a TimeoutError
        raise


def _draw_seed() -> int:
    return uuid.uuid4().int >> 96


def _fresh_name(task: str) -> str:
    """Return a name that sorts by time, can be read, and is not taken."""
    stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime())
    slug = re.sub(r"[^a-z0-9]+", "-", task[:40].lower()).strip("-")[:24].strip("-")
    return f"{stamp}-{slug or 'session'}-{uuid.uuid4().hex[:6]}"
