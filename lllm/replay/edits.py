"""What changed code may say anew in the recorded past of a fork, or of a check: questions, never answers."""

from __future__ import annotations

from typing import Any, Protocol

from lllm.errors import ReplayDiverged
from lllm.log.envelope import Event
from lllm.log.lineage import REPLACEABLE
from lllm.log.redact import Redactor
from lllm.replay.journal import TapeJournal
from lllm.replay.live import LiveJournal, Writer
from lllm.replay.recording import Recording


def is_edit(recorded: Event, kind: str, id_: str) -> bool:
    """Whether today's event is the recorded one, said in other words. Pure."""
    return kind in REPLACEABLE and (recorded.kind, recorded.id) == (kind, id_)


class Editor(Writer, Protocol):
    """Where a fork's events are written, the ones that it says anew among them."""

    def replace(self, kind: str, id_: str, text: str, cause: int) -> None:
        """Write an event that stands in the place of the recorded one of its kind and id."""
        ...


class CheckJournal(TapeJournal):
    """Goes on where a strict replay would stop, as long as today's code does the same things in other words.

    Attributes:
        changes: a divergence report of each event that differs, in the order in which today's code came to them.
    """

    def __init__(self, name: str, recording: Recording, redact: Redactor) -> None:
        super().__init__(name, recording, redact)
        self.changes: list[dict[str, Any]] = []

    def _changed(self, recorded: Event, kind: str, id_: str, text: str, cause: int) -> None:
        told = self.to_difference(recorded, kind, id_, text, cause)
        if not isinstance(told, ReplayDiverged) or not is_edit(recorded, kind, id_):
            raise self.fail(told)
        self.changes.append({**told.report, "seq": recorded.seq, "id": id_, "kind": kind})

    def _contract_changed(self, recorded: Event, text: str) -> None:
        """Say nothing: the requests that it stands behind tell of it."""


class ForkJournal(LiveJournal):
    """Lets changed code say its past anew, and writes that down in the fork's own log."""

    def __init__(self, name: str, recording: Recording, editor: Editor, redact: Redactor) -> None:
        super().__init__(name, recording, editor, redact)
        self._editor = editor

    def _changed(self, recorded: Event, kind: str, id_: str, text: str, cause: int) -> None:
        if not is_edit(recorded, kind, id_):
            super()._changed(recorded, kind, id_, text, cause)
        if kind == "model.request":
            self._write_contracts()
        self._replace(kind, id_, text, cause)

    def _contract_changed(self, recorded: Event, text: str) -> None:
        self._replace("contract", recorded.id, text, 0)

    def _replace(self, kind: str, id_: str, text: str, cause: int) -> None:
        self._editor.replace(kind, id_, text, cause)
