"""Check: which recorded model calls would today's prompts, schemas and code change? Told before any money is spent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lllm.log.base import ReplayableLogBase
from lllm.replay.edits import CheckJournal
from lllm.replay.recording import Recording
from lllm.replay.rerun import Run
from lllm.replay.strict import run_offline


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What today's code would ask other than what was recorded.

    Attributes:
        session: its name.
        calls: how many model calls were recorded, each try counted; those inside functions and steps are not.
        changed: a divergence report of each call that would be another one.
        because: a divergence report of each other event that today's code says in other words: messages, results of
            functions as the model reads them, what is shown.
        stopped: the divergence report of the place where today's code does something else, so that what comes after
            cannot be told; empty when there is none.
        untold: how many calls come after that place.
        tokens: prompt and completion tokens that the changed calls had cost; a measure of what asking them anew costs.
    """

    session: str
    calls: int
    changed: Sequence[Mapping[str, Any]]
    because: Sequence[Mapping[str, Any]]
    stopped: Mapping[str, Any] = field(default_factory=dict[str, Any])
    untold: int = 0
    tokens: int = 0


def check(log: ReplayableLogBase, session: str = "last", run: Run | None = None) -> CheckReport:
    """Run today's code over a recorded session, offline, and return every model call that it would change.

    Recorded replies are served even where the question is another one today, so the report tells what would be asked
    first, not what a model would make of it.

    Args:
        log: where the session is.
        session: its name, a unique start of it, or ``last``.
        run: what the session ran; default: the ``AgentBase`` that its header names.

    Raises:
        LLLMError: as :func:`lllm.replay.replay` raises.
    """
    name = log.resolve(session)
    recording = Recording(log.read_run(name))
    journal = CheckJournal(name, recording, log.redactor)
    run_offline(journal, run)
    requests = [e for e in recording.events if e.kind == "model.request" and not recording.is_nested(e)]
    changed = [change for change in journal.changes if change["kind"] == "model.request"]
    return CheckReport(
        session=name,
        calls=len(requests),
        changed=changed,
        because=[change for change in journal.changes if change["kind"] != "model.request"],
        stopped=journal.difference,
        untold=sum(not recording.is_done(request) for request in requests) if journal.difference else 0,
        tokens=sum(_tokens(recording, str(change["id"])) for change in changed),
    )


def _tokens(recording: Recording, step_id: str) -> int:
    reply = recording.find("model.reply", step_id)
    return sum(reply.data["usage"][:2]) if reply is not None else 0
