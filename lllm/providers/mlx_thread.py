"""The one thread in which models of mlx-lm run, and what is done there for one call.

One, because mlx-lm's random state is the process's own (a seed would mean nothing beside another call), because arrays
belong to a thread, and because two replies at once are no faster on one machine. Calls wait in the order in which they
came, and their time runs meanwhile.
"""

from __future__ import annotations

import atexit
import time
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from threading import Event, Lock, Thread
from typing import Any

from lllm.errors import LLLMError, ProviderError, ProviderTimeout
from lllm.providers.mlx_model import FAMILY, Place, leave_thread, load_model, write_reply
from lllm.providers.mlx_question import Question
from lllm.providers.nano import to_shown
from lllm.providers.wire.draft import Asked, Draft

EXIT_S = 10.0
"""How long the end of the process waits for a model that is busy: it stops at its next token."""

MAX_WAIT_S = 1e6
"""A wait of more than this is none that a system could count."""

Post = Callable[[Any], None]
"""Takes the pieces of a reply, and at last the reply or the error."""


class _ModelThread(Thread):
    """Does what it is given, in order, until the process ends.

    It tidies up then, as no thread of a pool does: mlx (0.32, on Linux) aborts a process in which a thread has ended
    and left its streams behind.
    """

    def __init__(self) -> None:
        super().__init__(name="lllm-mlx", daemon=True)
        self.tasks: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self.leaving = Event()

    def run(self) -> None:
        while (task := self.tasks.get()) is not None:
            if not self.leaving.is_set():
                with suppress(Exception):  # a Job tells its own; that a model cannot be let go of helps nobody
                    task()
        with suppress(Exception):
            leave_thread()

    def leave(self) -> None:
        """End the thread, and wait for it a little."""
        self.leaving.set()
        self.tasks.put(None)
        self.join(EXIT_S)


_lock = Lock()
_threads: list[_ModelThread] = []  # one at most


def in_model_thread(task: Callable[[], None]) -> None:
    """Have ``task`` done in the thread of the models, behind what waits there; nothing is waited for."""
    with _lock:
        if not _threads or not _threads[0].is_alive():  # not alive: in the child of a fork
            _threads[:] = [_ModelThread()]
            _threads[0].start()
            atexit.register(_threads[0].leave)
    _threads[0].tasks.put(task)


def _is_leaving() -> bool:
    return bool(_threads) and _threads[0].leaving.is_set()


class _AbandonedError(Exception):
    """Nobody waits for the reply any more."""


class Job:
    """One reply that is asked for.

    Attributes:
        streamed: the pieces of the reply are posted, too.
        cancelled: set when nobody waits for it any more.
    """

    def __init__(self, provider: str, place: Place, question: Question, timeout_s: float) -> None:
        self._provider, self._place, self._question = provider, place, question
        self._timeout_s, self._end_s = timeout_s, time.monotonic() + timeout_s
        self._draft = Draft(Asked(to_shown(place.model), FAMILY))
        self.streamed = False
        self.cancelled = Event()

    def left_s(self) -> float:
        """Return the seconds that are left; whoever waits for the reply counts them."""
        return min(max(0.0, self._end_s - time.monotonic()), MAX_WAIT_S)

    def late(self) -> ProviderTimeout:
        """Return the error of an attempt whose time is over, with the text so far."""
        told = f"no whole answer within {self._timeout_s:g} s"
        return ProviderTimeout(told, provider=self._provider, partial=self._draft.partial)

    def run(self, post: Post) -> None:
        """Make the reply; called in the thread of the models. Whoever waits gets the reply or a named error."""
        try:
            self._check()
            write_reply(load_model(self._place), self._question, self._draft, lambda: self._step(post))
            self._show(post)
            post(self._draft.to_message())
        except _AbandonedError:
            return
        except LLLMError as error:
            if isinstance(error, ProviderError):
                error.provider, error.partial = self._provider, self._draft.partial
            post(error)
        except BaseException as error:  # noqa: BLE001 - else the caller would wait for nothing
            told = f"the model failed ({type(error).__name__}: {error})"
            post(ProviderError(told, provider=self._provider, partial=self._draft.partial))

    def _step(self, post: Post) -> None:
        self._check()
        self._show(post)

    def _check(self) -> None:
        if self.cancelled.is_set() or _is_leaving():
            raise _AbandonedError

    def _show(self, post: Post) -> None:
        deltas, self._draft.deltas = self._draft.deltas, []
        if deltas and self.streamed:
            post(deltas)
