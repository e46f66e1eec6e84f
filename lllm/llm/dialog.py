"""A conversation: a handle on a history that only grows, and the contract of the turn to come."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from lllm.const import NO_COST, CompletionCost, Roles
from lllm.errors import ConfigError
from lllm.llm.session import Session
from lllm.models.history import History
from lllm.models.message import Image, Message, message_from_dict, message_to_dict
from lllm.models.prompt import Prompt
from lllm.utils import encode_json


class Dialog:
    """One conversation of one agent in one session. Messages are appended, never changed.

    Attributes:
        id: its name in the session's log, derived from the order in which dialogs are opened.
        history: the messages; an immutable value.
        top_prompt: the contract of the next turn: parser, format, functions, handlers. Plain text does not change it.
        cost: tokens and money of all replies of this dialog, the unusable ones included. A fork starts at zero.
    """

    def __init__(
        self,
        session: Session,
        *,
        agent: str = "",
        history: History | None = None,
        top_prompt: Prompt[Any] | None = None,
        parent: Dialog | None = None,
    ) -> None:
        self.session = session
        self.agent = agent
        self.history = History() if history is None else history
        self.top_prompt = top_prompt
        self.cost: CompletionCost = NO_COST
        self.id = session.next_dialog_id()
        self._steps = 0
        self._free = [True]
        opened: dict[str, Any] = {"agent": agent}
        if parent is not None:
            opened |= {"parent": parent.id, "at": len(self.history)}
        session.log("dialog.open", self.id, opened)

    @contextmanager
    def in_call(self) -> Generator[None]:
        """Hold the dialog for one call: two at once would write into each other's history.

        Raises:
            ConfigError: a call is under way on it, in this thread or another.
        """
        try:
            self._free.pop()  # one step of the interpreter, so that of two threads one gets it
        except IndexError:
            raise ConfigError(f"a call is under way on dialog {self.id}", hint="fork() it for work beside it") from None
        try:
            yield
        finally:
            self._free.append(True)

    # --- growing -------------------------------------------------------------------------------------------------

    def append(self, message: Message[Any]) -> Message[Any]:
        """Append a message and log it."""
        body = self.encode(message)
        self.session.emit("message", f"{self.id}/m{len(self.history)}", f'{{"message":{body}}}')
        self.history = self.history.append(message, body)
        return message

    def encode(self, message: Message[Any]) -> str:
        """Return a message as the log keeps it, so that the request's fingerprint can be checked against the log.

        Raises:
            ConfigError: its ``extra`` is not plain JSON data.
        """
        try:
            return self.session.redact(encode_json(message_to_dict(message)))
        except (TypeError, ValueError, RecursionError) as error:
            raise ConfigError(f"a message must be plain JSON data: {error}", hint="look at its extra") from error

    def keep(self, message: Message[Any], body: str) -> None:
        """Append a message that another event has logged already."""
        self.history = self.history.append(message, body)

    @property
    def next_step_id(self) -> str:
        """The id of the next model call."""
        return f"{self.id}/s{self._steps}"

    def count_step(self) -> None:
        """Take note that the next model call has been logged."""
        self._steps += 1

    def send_message(
        self,
        prompt: Prompt[Any] | str,
        prompt_args: Mapping[str, Any] | None = None,
        creator: str = "user",
        extra: Mapping[str, Any] | None = None,
        role: Roles = Roles.USER,
    ) -> Message[Any]:
        """Append a message from a prompt, whose contract then holds for the next turn, or from plain text.

        Raises:
            ConfigError: the arguments do not fit the prompt, or plain text is given with arguments.
        """
        if isinstance(prompt, Prompt):
            text = prompt(**(prompt_args or {}))
            self.top_prompt = prompt
        elif prompt_args:
            raise ConfigError("plain text has no fields, so prompt_args cannot be used", hint="send a Prompt")
        elif not isinstance(prompt, str):  # pyright: ignore[reportUnnecessaryIsInstance] - such as a task that is data
            raise ConfigError(f"a message is text or a Prompt, not {type(prompt).__name__}", hint="make it text first")
        else:
            text = prompt
        return self.append(Message(Roles(role), text, creator, extra=dict(extra or {})))

    def send_base64_image(
        self,
        image: str,
        caption: str = "",
        *,
        media_type: str = "image/png",
        creator: str = "user",
        extra: Mapping[str, Any] | None = None,
    ) -> Message[Any]:
        """Append a picture, given as base64 text, with a caption."""
        picture = Image(image, media_type)
        return self.append(Message(Roles.USER, caption, creator, images=(picture,), extra=dict(extra or {})))

    def fork(self) -> Dialog:
        """Return a dialog that shares everything so far and goes its own way. O(1)."""
        return self._branch(self.history)

    def context_copy(self, n: int = 1) -> Dialog:
        """Return a fork without the last ``n`` messages. O(1)."""
        return self._branch(self.history.prefix(max(0, len(self.history) - n)))

    def _branch(self, history: History) -> Dialog:
        return Dialog(self.session, agent=self.agent, history=history, top_prompt=self.top_prompt, parent=self)

    # --- looking -------------------------------------------------------------------------------------------------

    @property
    def messages(self) -> tuple[Message[Any], ...]:
        """All messages, oldest first."""
        return self.history.messages

    @property
    def tail(self) -> Message[Any] | None:
        """The last message."""
        return self.history[-1] if len(self.history) else None

    @property
    def system(self) -> Message[Any] | None:
        """The first message, when it is a system message."""
        first = self.history[0] if len(self.history) else None
        return first if first is not None and first.role is Roles.SYSTEM else None

    def overview(self, max_length: int = 100, *, remove_tail: bool = False) -> str:
        """Return the dialog as text, one line a message, each cut at ``max_length`` characters."""
        shown = self.messages[:-1] if remove_tail else self.messages
        return "\n".join(_line(message, max_length) for message in shown)

    def to_dict(self) -> dict[str, Any]:
        """Return the dialog as plain JSON data: keys ``id, agent, messages, top_prompt``."""
        return {
            "id": self.id,
            "agent": self.agent,
            "messages": [message_to_dict(message) for message in self.history],
            "top_prompt": self.top_prompt.path if self.top_prompt else None,
        }

    @classmethod
    def from_dict(
        cls, data: Mapping[str, Any], session: Session, prompts: Mapping[str, Prompt[Any]] | None = None
    ) -> Dialog:
        """Return a new dialog of ``session`` with the messages of :meth:`to_dict`.

        Args:
            data: what ``to_dict`` returned.
            session: where the new dialog is logged.
            prompts: where ``top_prompt`` is looked up, such as a registry.

        Raises:
            NotRegisteredError: ``top_prompt`` is not in ``prompts``.
        """
        dialog = cls(session, agent=data.get("agent", ""))
        dialog.extend(message_from_dict(message) for message in data["messages"])
        path = data.get("top_prompt")
        if path is not None and prompts is not None:
            dialog.top_prompt = prompts[path]
        return dialog

    def extend(self, messages: Iterable[Message[Any]]) -> None:
        """Append several messages."""
        for message in messages:
            self.append(message)

    def __len__(self) -> int:
        return len(self.history)

    def __iter__(self) -> Iterator[Message[Any]]:
        return iter(self.history)

    def __repr__(self) -> str:
        return f"<Dialog {self.id} of {self.agent or 'nobody'}, {len(self)} messages>"


def _line(message: Message[Any], max_length: int) -> str:
    calls = ", ".join(f"{call.name}({call.raw_arguments})" for call in message.function_calls)
    text = " ".join(f"{message.content} {calls}".split())
    return f"[{message.role.value}] {text if len(text) <= max_length else text[: max_length - 1] + '…'}"
