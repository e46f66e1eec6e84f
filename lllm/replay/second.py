"""A second log: what today's code said in a replay, written in the order and with the times of the recording.

Where nothing differs it has the same bytes. So two logs can be compared with any tool, and the format proves itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path

from lllm.errors import ConfigError
from lllm.log.envelope import Event
from lllm.log.local import LocalFileLog
from lllm.log.reader import list_segments
from lllm.replay.diverge import IGNORED, SHOWN
from lllm.utils import encode_json


class SecondLog:
    """What today's code said in place of each recorded event.

    Args:
        log: where the recording is.
        folder: where the copy will be; it may not be there yet.

    Raises:
        ConfigError: the folder is there.
    """

    def __init__(self, log: LocalFileLog, folder: Path) -> None:
        if folder.exists():
            raise ConfigError("the folder for the copy is there already", where=str(folder), hint="name a new one")
        self._log, self._folder = log, folder
        self._said: dict[bytes, str] = {}

    def take(self, recorded: Event, text: str) -> None:
        """Take note of what today's code said in the place of a recorded event."""
        self._said[recorded.raw] = _with_ignored(recorded, text)

    def save(self, session: str) -> Path:
        """Write the copy and return its folder.

        What a replay passes over is taken from the recording, and so are causes: which worker of a pool took which
        piece of work is chance, and a replay holds today's code to the order that was not.
        """
        times: list[float] = [0.0]
        twin = self._log.twin(self._folder, lambda: times[0])
        with twin.open_session(session) as copy:
            for event in self._log.read_session(session):
                times[0] = event.ts
                text = self._said.get(event.raw) or encode_json(event.data)
                copy.append(event.kind, event.id, text, cause=event.cause)
        return twin.session_path(session)


def _with_ignored(recorded: Event, text: str) -> str:
    """Return what was said with the recorded facts that may differ, such as where a model was reached."""
    if recorded.kind in SHOWN:
        return encode_json(recorded.data)
    if recorded.kind not in IGNORED:
        return text
    data = json.loads(text)
    ignored = IGNORED[recorded.kind] & data.keys() & recorded.data.keys()
    return encode_json(data | {key: recorded.data[key] for key in ignored})


def is_identical(one: Path, other: Path) -> bool:
    """Return whether two sessions' folders hold the same events, byte for byte."""
    return all(left == right for left, right in zip_longest(_lines(one), _lines(other)))


def _lines(folder: Path) -> Iterator[bytes]:
    for segment in list_segments(folder):
        with segment.open("rb") as file:
            yield from file
