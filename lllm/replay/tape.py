"""A recording that stands in for the world: what models, functions and clocks answered, in place of asking them.

It fails closed. Whatever today's code wants to do must be what the recording says comes next; there is no other source
of answers, no network, and nothing that could run a function.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from lllm.errors import LogError
from lllm.llm.effects import (
    AskModel,
    DeadlineHit,
    Effect,
    Effects,
    Job,
    ListTools,
    NextResult,
    Parse,
    Sleep,
    StartFunctions,
)
from lllm.llm.mcp_offers import offer_id
from lllm.llm.place import BEFORE
from lllm.llm.stream import Listener, ReasoningEvent, TextEvent
from lllm.log.envelope import Event
from lllm.log.scopes import strand_of
from lllm.machine.commands import Reason
from lllm.models.mcp import MCP
from lllm.models.message import Message, message_from_dict, reply_facts_from_dict
from lllm.replay.diverge import diverged
from lllm.replay.journal import TapeJournal
from lllm.replay.rebuilt import to_answered, to_cancellation, to_error, to_provider_error
from lllm.replay.turns import Turns

_BREAKS = frozenset({Reason.CANCELLED, Reason.DEADLINE})
# What ended a call in place of an answer: the user's code, or something that the user has to mend.
_ENDS = frozenset({Reason.USER_CODE, Reason.CONFIG})


class Tape:
    """What a session uses in place of the world."""

    offline = True

    def __init__(self, journal: TapeJournal) -> None:
        self.journal = journal

    def effects(self, live: Callable[[], Effects], listen: Listener | None = None) -> Effects:
        """Return what answers the effects of one call; ``live`` is not used."""
        del live
        return TapeEffects(self.journal, listen)

    def value(self, id: str, name: str, about: Mapping[str, Any] | None = None) -> Any:  # noqa: A002 - as above
        """Return a recorded value; it is held to its ``name`` when it is logged, and ``about`` was when it began."""
        del about
        event = self.journal.recording.peek(strand_of(id))
        if event is None or event.kind != "value" or event.id != id:
            raise self.journal.misfit("value", id, {"name": name}, BEFORE.get()[1])
        if "error" in event.data:
            raise self.journal.timed(to_error(event.data["error"], path=event.data.get("type", "")), event)
        return event.data["value"]

    def begun(self, id: str) -> int | None:  # noqa: A002 - the envelope's own word
        """Return how many items of a map had begun when one of them failed; None when it did not fail."""
        event = self.journal.recording.peek(strand_of(id))
        return event.data.get("begun") if event is not None and event.id == id else None

    def earlier(self, name: str) -> list[tuple[str, Mapping[str, Any], Any]]:
        """Return the recorded steps of a name."""
        return self.journal.recording.steps(name)

    def next_number(self, prefix: str, cause: int) -> int | None:
        """Return the number that was drawn for ``prefix`` right after event ``cause`` in its thread."""
        return self.journal.recording.claim(prefix, cause)

    def first_free(self, prefix: str, first: int) -> int:
        """Return the first number: what was never recorded differs, whatever it is called."""
        del prefix
        return first

    def key(self, id: str) -> str | None:  # noqa: A002 - the envelope's own word
        """Return the recorded key of an idempotent function's call."""
        call = self.journal.recording.find("function.call", id)
        return None if call is None else call.data.get("idempotency_key")

    def attempt(self, id: str) -> int:  # noqa: A002 - the envelope's own word
        """Return 0: no step runs again."""
        del id
        return 0

    def is_spent(self, dialog_id: str) -> bool | None:
        """Return whether the dialog's next call found the session's budget spent."""
        event = self.journal.recording.peek(dialog_id)
        return event is not None and reason_of(event) == Reason.SESSION_BUDGET


class TapeEffects:
    """Performs the effects of one call from a recording."""

    def __init__(self, journal: TapeJournal, listen: Listener | None) -> None:
        self._journal = journal
        self._listen = listen
        self._turns = Turns(journal.recording, lambda: journal.failure is not None)
        self._jobs: dict[int, Job] = {}
        self._id = ""
        self._reply_seq = 0

    def perform(self, effect: Effect) -> Any:
        """Answer one effect with what was recorded, when it is its turn."""
        self._turns.wait(self._turn_of(effect))
        return self._answer(effect)

    async def aperform(self, effect: Effect) -> Any:
        """Async twin of :meth:`perform`."""
        await self._turns.await_turn(self._turn_of(effect))
        return self._answer(effect)

    def _turn_of(self, effect: Effect) -> int:
        """Return the seq of the recorded event that answers an effect; 0 for one that nobody waits for.

        A call that had no answer when its session was closed, or its process died, has waited until then.
        """
        if isinstance(effect, AskModel):
            self._id = effect.id
        if not isinstance(effect, AskModel | NextResult | Sleep):
            return 0
        recording = self._journal.recording
        event = self._peek() or recording.closing
        return event.seq if event is not None else len(recording.events) + 1

    def _answer(self, effect: Effect) -> Any:
        match effect:
            case AskModel(id_):
                return self._reply(self._next(id_))
            case StartFunctions(jobs):
                self._jobs = {job.ordinal: job for job in jobs}
            case NextResult():
                return self._result(self._next(self._id))
            case Sleep():
                self._break_in(self._peek())
            case ListTools(id_, server):
                return self._offer(id_, server)
            case Parse(parse):
                self._stop_before_parser()
                return parse()
            case _:
                return None
        return None

    def _offer(self, id_: str, server: MCP) -> str:
        """Return what a server offered; a call that ended before its first request ends as it did then."""
        self._id = id_
        ended = self._peek()
        self._break_in(ended)
        if ended is not None and ended.kind == "call.close" and "error" in ended.data:
            raise to_error(ended.data["error"])
        if text := self._journal.recording.offer(offer_id(server)):
            return text
        if ended is None and not self._journal.recording.is_whole:
            raise self._journal.ended(id_)
        raise self._journal.misfit("offer", id_, {"server": server.server_label})

    def _stop_before_parser(self) -> None:
        """Run no parser that was never seen to end: it may be what the recorded process hung in."""
        following, recording = self._peek(), self._journal.recording
        if following is None and not recording.is_whole and recording.follower(self._reply_seq, self._id) is None:
            raise self._journal.ended(self._id)
        self._break_in(following)

    def _peek(self) -> Event | None:
        return self._journal.recording.peek(strand_of(self._id))

    def _next(self, id_: str) -> Event:
        event = self._peek()
        if event is None and self._journal.recording.is_whole:
            raise LogError("when this was recorded, the session was closed before this call had its answer", where=id_)
        if event is None:
            raise self._journal.ended(id_)
        self._break_in(event)
        if reason_of(event) in _ENDS:
            raise to_error(event.data["error"])
        return event

    def _break_in(self, event: Event | None) -> None:
        """End the effect as it ended when it was recorded: cancelled, or out of time."""
        reason = reason_of(event) if event is not None else ""
        if event is None or reason not in _BREAKS:
            return
        if reason == Reason.DEADLINE:
            raise DeadlineHit(event.data["during"])
        raise self._journal.timed(to_cancellation(event.data.get("by", "")), event)

    def _reply(self, event: Event) -> Message[Any]:
        if event.kind == "model.error":
            self._tell(event.data.get("partial", ""))
            raise to_provider_error(event.data)
        if event.kind != "model.reply":
            raise self._journal.fail(diverged(self._journal.name, event, "model.reply", self._id, {}))
        self._reply_seq = event.seq
        reply = message_from_dict(event.data["message"], **reply_facts_from_dict(event.data))
        self._tell(reply.content, reply.reasoning)
        return reply

    def _tell(self, text: str, reasoning: str = "") -> None:
        if self._listen is None:
            return
        if reasoning:
            self._listen(ReasoningEvent(reasoning))
        if text:
            self._listen(TextEvent(text))

    def _result(self, event: Event) -> tuple[int, Any]:
        ordinal = int(event.id.rpartition("/f")[2]) if event.kind == "function.result" else -1
        job = self._jobs.pop(ordinal, None)
        if job is None:
            raise self._journal.fail(diverged(self._journal.name, event, "function.result", self._id, {}))
        return ordinal, to_answered(job.call, event.data)


def reason_of(event: Event) -> str:
    """Return why a call failed, from its ``call.close``; empty for any other event."""
    return event.data.get("reason", "") if event.kind == "call.close" else ""
