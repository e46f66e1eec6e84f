"""The browser that serves a session, or one scope of it: started by the first action, closed with what it serves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from threading import Lock
from typing import Any

from lllm.errors import BrowserError
from lllm.llm.outside import earlier
from lllm.log.scopes import scope_of, to_user_scope
from lllm.tools.cua.action import Action, to_fields
from lllm.tools.cua.asking import Decide
from lllm.tools.cua.engine import Engine
from lllm.tools.cua.policy import BrowserPolicy
from lllm.tools.cua.sight import Seen
from lllm.tools.cua.sites import is_address

STEP = "browser"
"""What the log calls an action."""
LOST = "this is a new browser at the last one's address; what that held besides is lost"


class BrowserLife:
    """A browser that starts with the first action.

    Args:
        policy: what it may do.
        scope: the user's scope of the session that it serves.
    """

    def __init__(self, policy: BrowserPolicy, scope: str) -> None:
        self._policy, self._scope = policy, scope
        self._engine: Engine | None = None
        self._has_lost = self._is_closed = False
        self._lock = Lock()

    def act(self, action: Action, decide: Decide, check_cancelled: Callable[[], None]) -> Seen:
        """Do one action; see :meth:`Engine.act`.

        Raises:
            BrowserError: it is closed.
        """
        with self._lock:
            if self._is_closed:
                raise BrowserError("the browser is closed")
            engine = self._engine = self._engine or self._begin()
        seen = engine.act(action, decide, check_cancelled)
        lost, self._has_lost = self._has_lost, False
        return replace(seen, notes=(LOST, *seen.notes)) if lost else seen

    def close(self) -> None:
        """End the browser, whatever it does."""
        with self._lock:
            self._is_closed, engine = True, self._engine
        if engine is not None:
            engine.close()

    def _begin(self) -> Engine:
        seen = [value for id_, _, value in earlier(STEP) if to_user_scope(scope_of(id_)) == self._scope]
        self._has_lost = bool(seen)
        return Engine(self._policy, last_address(seen) or self._policy.start)


def last_address(seen: Sequence[Any]) -> str:
    """Return where a browser was last, from the values of its steps; empty if nowhere. Pure."""
    told = (str(to_fields(value).get("url", "")) for value in reversed(seen))
    return next(filter(is_address, told), "")
