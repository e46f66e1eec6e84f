"""A chat as a program over a session: what the user types is a value of the session, so that a chat can be replayed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from lllm.errors import CallCancelled, ConfigError, LLLMError, LogError
from lllm.llm.agent import Agent
from lllm.llm.build import build_one
from lllm.llm.dialog import Dialog
from lllm.llm.session import Session
from lllm.log.base import ReplayableLogBase
from lllm.log.memory import NoLog

Read = Callable[[], str | None]
"""Returns the user's next line; None when the chat is over."""
Tell = Callable[[str, str], None]
"""Shows ``(kind, text)``; the kinds are reply, error and info."""

HELP = "/exit ends, /undo takes the last turn back, /fork goes on in a branch, /back leaves the branch"


@dataclass(slots=True)
class _Branch:
    """A dialog, and how long it was before each of the user's turns."""

    dialog: Dialog
    marks: list[int] = field(default_factory=list[int])


class Talk:
    """One chat with one agent.

    Args:
        agent: who answers.
        session: the open session; every line read is logged in it.
        read, tell: the user.
    """

    def __init__(self, agent: Agent[Any], session: Session, read: Read, tell: Tell) -> None:
        self._agent, self._session, self._read, self._tell = agent, session, read, tell
        self._branches = [_Branch(agent.init_dialog(session=session))]
        self.turns: list[dict[str, str]] = []

    def run(self) -> int:
        """Talk until the user has enough; return how many turns were answered."""
        while True:
            line = self._session.step("input", self._read, repeatable=True)
            if line is None or line.strip() == "/exit":
                return sum("reply" in turn for turn in self.turns)
            if line.startswith("/"):
                self._command(line.strip())
            elif line.strip():
                self._answer(line)

    def _answer(self, line: str) -> None:
        """Do one turn; one that fails is taken out of the dialog again, so that the next begins clean."""
        branch = self._branches[-1]
        mark = len(branch.dialog)
        branch.dialog.send_message(line)
        try:
            reply = self._agent.call(branch.dialog)[0]
        except LogError:  # nothing that is said now would be kept, or the replay has found a difference
            raise
        except (LLLMError, KeyboardInterrupt) as error:
            self._cut(mark)
            stopped = isinstance(error, KeyboardInterrupt | CallCancelled)
            self._told(line, "error", "stopped; that turn is taken back" if stopped else str(error))
        else:
            branch.marks.append(mark)
            self._told(line, "reply", reply.content)

    def _told(self, line: str, kind: str, text: str) -> None:
        self.turns.append({"user": line, kind: text})
        self._tell(kind, text)

    def _cut(self, mark: int) -> None:
        branch = self._branches[-1]
        branch.dialog = branch.dialog.context_copy(len(branch.dialog) - mark)

    def _command(self, command: str) -> None:
        branch = self._branches[-1]
        if command == "/undo" and branch.marks:
            self._cut(branch.marks.pop())
            self._tell("info", "the last turn is taken back")
        elif command == "/fork":
            self._branches.append(_Branch(branch.dialog.fork(), list(branch.marks)))
            self._tell("info", f"branch {len(self._branches) - 1}; /back leaves it")
        elif command == "/back" and len(self._branches) > 1:
            self._branches.pop()
            self._tell("info", "back where the branch began")
        else:
            self._tell("info", HELP)


def build_talker(values: Mapping[str, Any], name: str, log: ReplayableLogBase) -> Agent[Any]:
    """Return the agent of a config that a chat is with.

    Raises:
        ConfigError: it is not there, as when a header was written by hand.
    """
    known: Mapping[str, Any] = values.get("agent_configs") or {}
    if name not in known:
        raise ConfigError(f"no agent is configured as {name!r:.80}", hint=f"there are: {', '.join(known) or 'none'}")
    return build_one(name, known[name], values, log)


def offline_run(header: Mapping[str, Any]) -> Callable[[Session], int] | None:
    """Return what the session of a header ran that no AgentBase made: a chat, whose user is the recording, for replay.

    None for any other session: the header names its AgentBase.

    Raises:
        ConfigError: the header is no chat's: it names an agent that it does not configure.
    """
    if "chat" not in header:
        return None
    agent = build_talker(header["config"], header["chat"], NoLog())

    def run(session: Session) -> int:
        return Talk(agent, session, lambda: None, lambda _kind, _text: None).run()

    return run
