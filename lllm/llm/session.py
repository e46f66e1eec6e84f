"""One run. Every effect of a run passes through its session and is an event of its log."""

from __future__ import annotations

import asyncio
import random
import threading
import time
import uuid
from collections.abc import Awaitable, Callable, Generator, Iterable, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from types import TracebackType
from typing import Any, Self, TypeVar, cast

from lllm.const import CompletionCost
from lllm.errors import CallCancelled, ConfigError
from lllm.llm.belongings import Belongings
from lllm.llm.current import CURRENT, refuse_in_replay
from lllm.llm.effects import Tape
from lllm.llm.fan import run_in_threads, run_on_loop
from lllm.llm.guarded import guarded
from lllm.llm.ids import Ids
from lllm.llm.kept import path_of, to_header, to_line
from lllm.llm.limits import NO_LIMITS, Limits, Spending
from lllm.llm.opening import draw_name, draw_seed, versions
from lllm.llm.place import SCOPE, ReplayStopped, scoped, user_scope
from lllm.llm.services import refuse_proxy
from lllm.llm.trace import session_span
from lllm.llm.trace_span import OpenSpan
from lllm.llm.values import arun_step, run_step, take_value
from lllm.log.base import ReplayableLogBase, SessionLog
from lllm.log.scopes import to_user_scope
from lllm.models.plain import to_data, to_plain
from lllm.utils import digest, encode_json, safe_name

T = TypeVar("T")
R = TypeVar("R")


class Session:
    """One run and its log. Use it as a context manager, or let ``AgentBase`` open it.

    Args:
        journal: where events go.
        limits: for the whole session, over all its calls.
        seed: of ``random`` and of the jitter of waits; logged, so that a replay draws the same. None draws one.
        tape: a recording that answers in place of models, functions and clocks; None does everything for real.
        name: what the session calls itself; default: its name in the log. In a replay it is the recorded one, whatever
            the log was renamed to since.
        run_id: a random name that no other run has.
        outer: the session that this run is a part of; see :meth:`open_run`.
    """

    def __init__(  # noqa: PLR0913 - all but the first are keyword-only
        self,
        journal: SessionLog,
        *,
        limits: Limits = NO_LIMITS,
        seed: int | None = None,
        tape: Tape | None = None,
        name: str = "",
        run_id: str = "",
        outer: Session | None = None,
    ) -> None:
        self.journal = journal
        self.name = name or journal.name
        self.run_id = run_id or uuid.uuid4().hex
        self.limits = limits
        self.seed = draw_seed() if seed is None else seed
        self.tape = tape
        self.outer = outer
        self.redact = journal.redact
        self.result: Any = None
        self._listen = outer.listen if outer else None
        # Loads the proxy of the system whose run this is.
        self.load_proxy: Callable[[], Any] = outer.load_proxy if outer else refuse_proxy
        # What it was opened with, such as agent_type and task, and the span that tells of it; see lllm.llm.trace.
        self.about: Mapping[str, Any] = {}
        self.span: OpenSpan | None = None
        self._spending = Spending(limits, outer._spending if outer else None)  # noqa: SLF001 - its own class
        self._ids = outer._ids if outer else Ids(tape)  # noqa: SLF001 - as above
        self.belongings: Belongings = outer.belongings if outer else Belongings()
        self._cancelled = threading.Event()
        self._runs: set[Session] = set()  # inside this one, and under way
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
            options: ``limits, seed, tape`` of the constructor.

        Raises:
            LogExists: the name is taken.
            ConfigError: the log could not give the header back as it is, or this code is being replayed, in which a new
                session would run for real; no session is left behind.
        """
        outer = current_session()
        if outer is not None and outer.offline:
            raise ConfigError(
                "a replayed session opens another session, which would run for real",
                hint="call the inner system itself, which is then a part of this session: system(task)",
            )
        refuse_in_replay()
        told = dict(header or {})
        if options.get("seed") is None:
            options["seed"] = draw_seed()
        safe = safe_name(name) if name else draw_name(str(told.get("task", "")))
        options["run_id"] = told.setdefault("run_id", uuid.uuid4().hex)
        opening = {**versions(), "session": safe, "seed": options["seed"]}
        data = to_header({**opening, **told})
        session = cls(log.open_session(safe), **options)
        session.about = told
        try:
            session.emit("session.open", "", session.redact(data))
        except BaseException:
            session.journal.close()
            raise
        return session

    @property
    def listen(self) -> Callable[[Any], None] | None:
        """Is told what calls and steps do while they do it; see :mod:`lllm.llm.stream`. One that raises is let go."""
        return self._listen

    @listen.setter
    def listen(self, listen: Callable[[Any], None] | None) -> None:
        self._listen = None if listen is None else guarded(listen)

    @contextmanager
    def open_run(self, told: Mapping[str, Any], limits: Limits = NO_LIMITS) -> Generator[Session]:
        """Open a run inside this session: of an agent system that the session's code, or one of its functions, calls.

        Its events stand in this session's log, in a scope of their own, and what it spends this session spends.

        Args:
            told: what is logged of it, such as ``agent_type`` and ``task``; what JSON cannot hold becomes text.
            limits: of the inner run; this session's hold as well.
        """
        self._check_place()
        id_ = self._ids.next_place("run")
        self.log("run.open", id_, to_plain(dict(told))[0])
        inner = Session(
            self.journal, limits=limits, seed=self.seed, tape=self.tape, name=self.name, run_id=self.run_id, outer=self
        )
        inner.about = told
        self._runs.add(inner)
        try:
            with inner.active(), scoped(f"{id_}."), session_span(inner):
                yield inner
        except BaseException as error:
            inner._end_run(id_, error)
            raise
        else:
            inner._end_run(id_)
        finally:
            self._runs.discard(inner)
            self.belongings.end_scope(to_user_scope(id_))

    def _end_run(self, id: str, error: BaseException | None = None) -> None:  # noqa: A002 - the envelope's own word
        """Log how an inner run ended; its log goes on."""
        self._closed = True
        if not (isinstance(error, ReplayStopped) or self.outer is None or self.outer.closed):
            self.outer.log("run.close", id, self._ending(error))

    # --- events -------------------------------------------------------------------------------------------------

    @property
    def offline(self) -> bool:
        """Whether nothing may be done for real, since the session is replayed."""
        return self.tape is not None and self.tape.offline

    def emit(self, kind: str, id: str, data: str, cause: int = 0) -> int:  # noqa: A002 - the envelope's own word
        """Append one event; ``data`` is canonical JSON of an object. The log redacts it. Returns its seq.

        Without a ``cause`` it is the event before this one in the same thread or task, so that a log tells what came
        one after the other from what merely ran at the same time.

        Raises:
            ConfigError: the session is live, and a replay runs this code.
        """
        self._check_place()
        seq = self.journal.append(kind, id, data, cause=cause or self._ids.last())
        self._ids.follow(kind, seq)
        return seq

    def _check_place(self) -> None:
        """Let a live session be closed anywhere, and used in no replay."""
        if not self._closed and not self.offline:
            refuse_in_replay()

    def last(self) -> int:
        """Return the seq of the event before this one in the same thread or task; 0 when there is none."""
        return self._ids.last()

    def log(self, kind: str, id: str, data: Mapping[str, Any], cause: int = 0) -> int:  # noqa: A002 - as above
        """Append one event from plain data."""
        return self.emit(kind, id, encode_json(data), cause)

    def frontend(self, kind: str, args: Mapping[str, Any]) -> None:
        """Log what was shown to the user; ``self.st`` of an agent does this."""
        self.log("frontend", self.next_id("fe"), {"type": kind, **args})

    def to_key(self, id: str) -> str:  # noqa: A002 - the envelope's own word
        """Return a key that call ``id`` has in every process that goes on with this run, and no other call."""
        recorded = self.tape.key(id) if self.tape else None
        return recorded or digest(f"{self.run_id}/{id}")

    def note(self, text: str) -> None:
        """Log a remark for readers; a replay passes over it."""
        self.log("note", self.next_id("note"), {"text": text})

    def next_id(self, strand: str) -> str:
        """Return the next id of a strand in the current scope, such as ``fe/0``, ``a.fe/1``."""
        self._check_place()
        return self._ids.next(strand)

    def next_dialog_id(self) -> str:
        """Return the next dialog's id: ``1``, ``2``, or ``a.1`` in scope ``a``."""
        self._check_place()
        return self._ids.next_dialog()

    # --- values that differ from run to run -----------------------------------------------------------------------

    def now(self) -> float:
        """Return the wall clock, in seconds since 1970; a replay gets the recorded one."""
        return take_value(self, "now", time.time)

    def uuid4(self) -> str:
        """Return a random UUID as text; a replay gets the recorded one."""
        return take_value(self, "uuid4", lambda: str(uuid.uuid4()))

    def step(self, name: str, function: Callable[..., R], *args: Any, repeatable: bool = False) -> R:
        """Run ``function(*args)`` and log what it returns, which must be plain JSON data; a replay gets that.

        What it raises is logged, too, and raised again in a replay: as a subclass of the same type, with the same text.
        What it does with this session, such as asking an agent, is logged for readers; a replay passes over it.

        Args:
            name: what the log calls it.
            function: sync; see :meth:`astep`.
            args: its arguments.
            repeatable: running it twice does no harm. It may then run without the log being on disk first, and runs
                again when the session is resumed in the middle of it.
        """
        return run_step(self, name, lambda: function(*args), repeatable=repeatable)

    async def astep(self, name: str, function: Callable[..., Awaitable[R]], *args: Any, repeatable: bool = False) -> R:
        """Async twin of :meth:`step`."""
        return await arun_step(self, name, lambda: function(*args), repeatable=repeatable)

    @property
    def random(self) -> random.Random:
        """Random numbers that a replay draws again: seeded by the session, one stream a scope."""
        return self._ids.random(self.seed)

    def jitter(self, id_: str) -> float:
        """Return a number in [0, 1) that depends on the seed, the session and ``id_`` only.

        Sessions that share a seed differ, so that those which failed together do not come back together.
        """
        return random.Random(f"{self.seed}:{self.name}:{id_}").random()  # noqa: S311 - repeatable by design

    @property
    def proxy(self) -> Any:
        """The proxy of the agent system whose run this is, for functions: see ``AgentBase.proxy``.

        Raises:
            ConfigError: it is the run of no agent system; set ``load_proxy``.
        """
        return self.load_proxy()

    # --- work at the same time -----------------------------------------------------------------------------------

    def scope(self, name: str) -> AbstractContextManager[None]:
        """Give a block ids of its own, under ``name``: for work that runs beside other work."""
        return scoped(f"{SCOPE.get()}{safe_name(name)}.")

    def end_scope(self) -> None:
        """Close what served the scope that this code stands in, which is over and will not come again."""
        self.belongings.end_scope(user_scope())

    async def aend_scope(self) -> None:
        """Async twin of :meth:`end_scope`: waits until all of it is closed, while the event loop goes on."""
        closing = self.belongings.end_scope(user_scope())
        if closing is not None:  # it closes, also if nobody waits for it any more
            await asyncio.to_thread(closing.join)

    def map(self, function: Callable[[T], R], items: Iterable[T], *, concurrency: int = 8) -> list[R]:
        """Run ``function`` over items in threads, each in a scope of its own; results in the items' order.

        A kernel or a browser that an item has had is closed at its end.
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

    @property
    def usage(self) -> CompletionCost:
        """Tokens and money of all replies so far."""
        return self._spending.usage

    @property
    def deadline(self) -> float | None:
        """Moment on the monotonic clock when the session's time is up, or None."""
        return self._spending.deadline

    def spend(self, usage: CompletionCost) -> None:
        """Add a reply's tokens and money to the session's."""
        self._spending.add(usage)

    def log_once(self, kind: str, id: str, data: Callable[[], Mapping[str, Any]]) -> None:  # noqa: A002 - as above
        """Append an event that a session has once. A thread that comes meanwhile waits until it is in the log."""
        self._ids.once(id, lambda: self.log(kind, id, data()))

    def is_spent(self, dialog_id: str) -> bool:
        """Whether the session's tokens or money are used up, for the next call of a dialog.

        Calls that run at the same time spend in any order, so a replay is told what was found when it was recorded.
        """
        recorded = None if self.tape is None else self.tape.is_spent(dialog_id)
        return self._spending.is_over if recorded is None else recorded

    def cancel(self) -> None:
        """Stop every call of the session at its next effect; they raise CallCancelled. Any thread may call this."""
        self._cancelled.set()
        for run in tuple(self._runs):  # one that waits must wake
            run.cancel()

    def wait(self, seconds: float) -> None:
        """Wait, unless the session is cancelled meanwhile, which raises CallCancelled."""
        self.check_cancelled()  # the outer session may have been cancelled before this run was known to it
        self._cancelled.wait(seconds)
        self.check_cancelled()

    def check_cancelled(self) -> None:
        """Raise CallCancelled when somebody cancelled the session, or the one that it is a part of."""
        if self._cancelled.is_set():
            raise CallCancelled("the session was cancelled", where=f"session {self.journal.name}")
        if self.outer is not None:
            self.outer.check_cancelled()

    @contextmanager
    def active(self) -> Generator[Session]:
        """Make this the current session of the block."""
        token = CURRENT.set(self)
        try:
            yield self
        finally:
            CURRENT.reset(token)

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
            self._let_go()

    def _let_go(self) -> None:
        with ExitStack() as stack:
            stack.callback(self.journal.close)
            stack.callback(self.belongings.close)

    def _ending(self, error: BaseException | None) -> dict[str, Any]:
        if error is not None:
            return {"status": "failed", "error": to_line(error)}
        try:
            return {"status": "ok", "result": to_data(self.result)}
        except (TypeError, ValueError, RecursionError):
            return {"status": "ok", "result_type": type(self.result).__qualname__}

    def __enter__(self) -> Self:
        # Its ids are its own, whatever scope of another session it is opened in: it is also replayed alone.
        self._tokens = CURRENT.set(self), SCOPE.set("")
        with ExitStack() as stack:  # what it enters may fail, and the session must then be closed
            stack.push(self._leave)
            if self.tape is not None:  # its session.open is recorded: what follows stands behind it, as it did
                self._ids.follow("session.open", 1)
            stack.enter_context(session_span(self))
            self._block = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._block.__exit__(kind, error, trace)

    def _leave(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        session, scope = self._tokens
        SCOPE.reset(scope)
        CURRENT.reset(session)
        self.close(error)


def current_session() -> Session | None:
    """Return the session that this code runs in, or None."""
    return cast("Session | None", CURRENT.get())
