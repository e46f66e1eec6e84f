"""What stands behind the functions by which a model drives a browser: one browser a session, each action a step of it.

A replay serves the functions' results, pictures included, and starts no browser. A session that goes on, resumed or
forked, has a new browser, which goes to where the last one was; the model is told that the rest is lost.
"""

from __future__ import annotations

import atexit
import inspect
from collections.abc import Hashable, Mapping, Sequence
from contextvars import ContextVar, copy_context
from functools import partial
from typing import Any

from lllm.errors import ApprovalDenied, BrowserError, ConfigError, ParseError
from lllm.llm.belongings import Belongings
from lllm.llm.outside import perform
from lllm.llm.place import user_scope
from lllm.llm.session import current_session
from lllm.models.returned import LastResult
from lllm.tools.cua.action import HARMLESS, Action, parse_action, to_fields
from lllm.tools.cua.approval import Approval, Approve
from lllm.tools.cua.engine import go_on
from lllm.tools.cua.life import STEP, BrowserLife
from lllm.tools.cua.policy import BrowserPolicy
from lllm.tools.cua.result import to_about, to_lines, to_result, to_text, to_value

APPROVAL = "approval"
"""What the log calls a question."""
_ENDED = "The keys that close a window ended the use of the browser."
_ASKING: ContextVar[bool] = ContextVar("lllm_browser_asking", default=False)
_LOOSE = Belongings()  # of code that runs outside of any session
atexit.register(_LOOSE.close)


class BrowserTool:
    """One browser for each session, and for each scope of it where work runs side by side.

    It is closed with the session, or with the item of a map, or the inner run, that it served.

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
        value = self._log_action(action)
        return to_result(to_text(value, self.policy.tree_chars), value)

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
                return LastResult(to_result("\n".join(to_lines([*notes, _ENDED])), value))
            value = self._log_action(action)
            notes += value["notes"]
        if value is None:
            value = self._log_action(Action("screenshot"))
            notes += value["notes"]
        return to_result("\n".join(to_lines(notes)), value)

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

    def _log_action(self, action: Action) -> dict[str, Any]:
        """Do one action as a step of the session; return what the log keeps of it."""
        if _ASKING.get():
            raise BrowserError("the browser waits for an approval, and can do nothing for who decides")
        session = current_session()
        check_cancelled = go_on if session is None else session.check_cancelled

        def make() -> dict[str, Any]:
            decide = partial(copy_context().run, self.decide)  # an approval is made within this step
            return to_value(self._find_life().act(action, decide, check_cancelled))

        return perform(STEP, to_about(action), make, repeatable=action.kind in HARMLESS)

    def _find_life(self) -> BrowserLife:
        session, scope = current_session(), user_scope()
        held = _LOOSE if session is None else session.belongings
        return held.get((self.policy, _to_key(self._approve)), partial(BrowserLife, self.policy, scope), scope)


class _Same:
    """Stands for an object that has no hash; equal to nothing but what stands for the same one."""

    def __init__(self, it: object) -> None:
        self._it = it

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self._it is other._it

    def __hash__(self) -> int:
        return id(self._it)


def _to_key(approve: Approve | None) -> Hashable:
    try:
        hash(approve)
    except TypeError:
        return _Same(approve)
    return approve


def _to_what(check: Any) -> str:
    """Return what a vendor says of a safety check."""
    fields = to_fields(check)
    return str(fields.get("message") or fields.get("code") or check)[:500]
