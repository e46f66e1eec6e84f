"""What stands behind the functions by which a model drives a browser: one browser a session, each action a step of it.

A replay serves the functions' results, pictures included, and starts no browser. A session that goes on, resumed or
forked, has a new browser, which goes to where the last one was; the model is told that the rest is lost.
"""

from __future__ import annotations

import atexit
import inspect
from base64 import b64encode
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextvars import ContextVar, copy_context
from dataclasses import replace
from functools import partial
from threading import Lock
from typing import Any

from lllm.errors import ApprovalDenied, BrowserError, ConfigError, ParseError
from lllm.llm.belongings import Belongings
from lllm.llm.outside import earlier, perform
from lllm.llm.place import user_scope
from lllm.llm.session import current_session
from lllm.log.scopes import scope_of, to_user_scope
from lllm.models.image import Image
from lllm.models.returned import LastResult
from lllm.tools.cua.action import HARMLESS, Action, parse_action, to_fields
from lllm.tools.cua.approval import Approval, Approve
from lllm.tools.cua.asking import Decide
from lllm.tools.cua.engine import Engine
from lllm.tools.cua.policy import BrowserPolicy
from lllm.tools.cua.sight import Seen
from lllm.tools.cua.sites import ADDRESSES

STEP, APPROVAL = "browser", "approval"
LOST = "this is a new browser at the last one's address; what that held besides is lost"
_NOTE, _ENDED = "note: ", "The keys that close a window ended the use of the browser."
_ASKING: ContextVar[bool] = ContextVar("lllm_browser_asking", default=False)
_LOOSE = Belongings()  # of code that runs outside of any session
atexit.register(_LOOSE.close)


class BrowserTool:
    """One browser for each session, and for each scope of it where work runs side by side.

    Args:
        policy: what the browser may do.
        approve: decides what the policy asks about; None refuses all of it.

    Raises:
        ConfigError: ``approve`` is async; it is called in a thread of its own, and may block.
    """

    def __init__(self, policy: BrowserPolicy, approve: Approve | None = None) -> None:
        if not isinstance(policy, BrowserPolicy):  # pyright: ignore[reportUnnecessaryIsInstance] - a user's slip
            raise ConfigError(f"{policy!r:.60} is no BrowserPolicy")
        if inspect.iscoroutinefunction(approve):
            raise ConfigError("approve is async", hint="write plain def; it has a thread of its own")
        self.policy, self._approve = policy, approve

    def act(self, told: Mapping[str, Any]) -> str | list[Any] | LastResult:
        """Do one action; return what the model reads, and the picture that it sees.

        Keys that would close the window end the run: the model is to answer.

        Raises:
            ParseError: the action is none, or off the display.
        """
        action = parse_action(told, self.policy.display)
        if action.ends_run:
            return LastResult(_ENDED)
        value = self._perform(action)
        return _to_result(to_text(value, self.policy.tree_chars), value)

    def act_all(
        self, actions: Sequence[Any], pending_safety_checks: Sequence[Any] = ()
    ) -> str | list[Any] | LastResult:
        """Do what a vendor's tool asks for, once its safety checks were allowed; return notes, and the last picture.

        Raises:
            ApprovalDenied: a check was not allowed; the call ends.
        """
        for check in pending_safety_checks:
            if not self.decide("safety", what := _to_what(check)):
                raise ApprovalDenied(f"a safety check was not approved: {what}", hint="pass approve=, which decides")
        notes: list[str] = []
        value: Mapping[str, Any] | None = None
        for told in actions:
            try:
                action = parse_action(to_fields(told), self.policy.display)
            except ParseError as error:  # what follows was meant for what this would have led to
                notes.append(str(error))
                break
            if action.ends_run:
                return LastResult(_to_result("\n".join(_to_lines([*notes, _ENDED])), value))
            value = self._perform(action)
            notes += value["notes"]
        if value is None:
            value = self._perform(Action("screenshot"))
            notes += value["notes"]
        return _to_result("\n".join(_to_lines(notes)), value)

    def decide(self, kind: str, what: str) -> bool:
        """Return whether something is allowed; the question and the answer are an event."""
        told: dict[str, Any] = perform(
            APPROVAL, {"kind": kind, "what": what}, partial(self._ask, Approval(kind, what)), repeatable=True
        )
        return bool(told["granted"])

    def _ask(self, approval: Approval) -> dict[str, Any]:
        if self._approve is None:
            return {"granted": False, "by": "nobody was there to ask"}
        token = _ASKING.set(True)
        try:
            return {"granted": self._approve(approval) is True, "by": "asked"}
        except Exception as error:  # noqa: BLE001 - the user's code; without its yes it is a no
            return {"granted": False, "by": f"{type(error).__name__}: {error}"[:500]}
        finally:
            _ASKING.reset(token)

    def _perform(self, action: Action) -> dict[str, Any]:
        """Do one action as a step of the session; return what the log keeps of it."""
        if _ASKING.get():
            raise BrowserError("the browser waits for an approval, and can do nothing for who decides")

        session = current_session()
        check = _go_on if session is None else session.check_cancelled

        def make() -> dict[str, Any]:
            decide = partial(copy_context().run, self.decide)  # an approval is made within this step
            return to_value(self._find_life().act(action, decide, check))

        return perform(STEP, to_about(action), make, repeatable=action.kind in HARMLESS)

    def _find_life(self) -> BrowserLife:
        session, scope = current_session(), user_scope()
        held = _LOOSE if session is None else session.belongings
        approve = self._approve if isinstance(self._approve, Hashable) else id(self._approve)
        return held.get((self.policy, approve, scope), partial(BrowserLife, self.policy, scope), scope)


class BrowserLife:
    """A browser that starts with the first action.

    Args:
        policy: what it may do.
        scope: the user's scope of the session that it serves.
    """

    def __init__(self, policy: BrowserPolicy, scope: str) -> None:
        self._policy, self._scope = policy, scope
        self._engine: Engine | None = None
        self._is_second = self._is_closed = False
        self._lock = Lock()

    def act(self, action: Action, decide: Decide, check: Callable[[], None]) -> Seen:
        """Do one action; see :meth:`Engine.act`.

        Raises:
            BrowserError: it is closed.
        """
        with self._lock:
            if self._is_closed:
                raise BrowserError("the browser is closed")
            is_new = self._engine is None
            engine = self._engine = self._engine or self._begin()
        seen = engine.act(action, decide, check)
        return replace(seen, notes=(LOST, *seen.notes)) if is_new and self._is_second else seen

    def close(self) -> None:
        """End the browser, whatever it does."""
        with self._lock:
            self._is_closed, engine = True, self._engine
        if engine is not None:
            engine.close()

    def _begin(self) -> Engine:
        seen = [value for id_, _, value in earlier(STEP) if to_user_scope(scope_of(id_)) == self._scope]
        self._is_second = bool(seen)
        return Engine(self._policy, _last_address(seen) or self._policy.start)


def _go_on() -> None:
    """Give nothing up: outside of a session nobody can cancel anything."""


def _last_address(seen: Sequence[Any]) -> str:
    """Return where a browser was last, from the values of its steps; empty if nowhere. Pure."""
    told = (str(to_fields(value).get("url", "")) for value in reversed(seen))
    return next((address for address in told if address.startswith(ADDRESSES)), "")


def to_about(action: Action) -> dict[str, Any]:
    """Return what the log says of an action before it is done; ``path`` is for who draws it. Pure."""
    told: dict[str, Any] = {"action": action.tell()}
    return {**told, "path": [[*point] for point in action.path]} if action.path else told


def to_value(seen: Seen) -> dict[str, Any]:
    """Return what was seen as plain JSON data. Pure."""
    return {
        "url": seen.url,
        "title": seen.title,
        "notes": list(seen.notes),
        "tree": seen.tree,
        "png": b64encode(seen.png).decode(),
    }


def to_text(value: Mapping[str, Any], tree_chars: int) -> str:
    """Return what a model reads beside the picture: where it is, what happened, and the page's structure. Pure."""
    tree: str = value["tree"]
    if len(tree) > tree_chars:
        tree = f"{tree[:tree_chars]}\n[cut: {tree_chars} of {len(tree)} characters]" if tree_chars else ""
    lines = [f"{value['title'] or '(no title)'} at {value['url']}", *_to_lines(value["notes"]), tree]
    return "\n".join(filter(None, lines))


def _to_lines(notes: Sequence[str]) -> Iterator[str]:
    return (f"{_NOTE}{note}" for note in notes)


def _to_result(text: str, value: Mapping[str, Any] | None) -> str | list[Any]:
    """Return a text with the picture that was taken, if one was."""
    return [text, Image(value["png"])] if value and value["png"] else text


def _to_what(check: Any) -> str:
    """Return what a vendor says of a safety check."""
    fields = to_fields(check)
    return str(fields.get("message") or fields.get("code") or check)[:500]
