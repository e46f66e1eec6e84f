"""Where a replay stops, a debugger in the user's own code: the line whose call the recording would answer next."""

from __future__ import annotations

import inspect
import linecache
import sys
import sysconfig
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pdb import Pdb

    from lllm.log.envelope import Event

_OURS = str(Path(__file__).resolve().parents[1])
# What is stepped over: nobody debugs their agent by walking through these.
_SKIPPED = ("lllm", "lllm.*", "asyncio", "asyncio.*", "contextlib", "concurrent.*", "contextvars", "threading")


class Stop:
    """What happens where a replay stops.

    Args:
        debugs: open pdb there.

    Attributes:
        told: the event before which it stopped.
        place: the line of the user's code, and its function.
        seq: of that event; 0 as long as it did not stop.
    """

    def __init__(self, *, debugs: bool) -> None:
        self._debugs = debugs
        self._debugger: Pdb | None = None
        self.told = self.place = ""
        self.seq = 0

    def __call__(self, event: Event) -> bool:
        """Take note of the place; return whether to go on with the replay."""
        frame = user_frame()
        self.told = f"seq {event.seq}, {event.kind} {event.id}".rstrip()
        self.seq = event.seq
        code = frame.f_code
        self.place = f"{code.co_filename}:{frame.f_lineno} {code.co_name}: {_line_of(frame)}"
        if self._debugs:
            self._debugger = _debug(frame, self.told)
        return self._debugs and not self.was_quit

    @property
    def was_quit(self) -> bool:
        """Whether the debugger was told to end the replay, there or further on."""
        return self._debugger is not None and self._debugger.quitting


def _line_of(frame: FrameType) -> str:
    return linecache.getline(frame.f_code.co_filename, frame.f_lineno).strip()


def _debug(frame: FrameType, told: str) -> Pdb:
    """Open pdb on a frame, and have it stop further on if it is told so: ``n``, ``s``, a breakpoint."""
    from pdb import Pdb  # noqa: PLC0415 - a debugger is what was asked for

    sys.stderr.write(f"before {told}; n, s and c go on, q ends the replay\n")
    debugger = Pdb(skip=_SKIPPED, stdin=sys.stdin, stdout=sys.stderr)
    debugger.reset()
    debugger.botframe = _outermost(frame)  # without one, `c` stops at the next line of any code
    debugger.interaction(frame, None)
    is_done = debugger.stoplineno == -1 and not debugger.breaks  # it was told to continue, and has nowhere to stop
    if not (debugger.quitting or is_done):
        _trace(debugger, frame)
    return debugger


def _trace(debugger: Pdb, frame: FrameType) -> None:
    """Have a debugger stop as it was told to, from here on: what ``set_trace`` does before it asks what to do."""
    at: FrameType | None = frame
    while at is not None:
        at.f_trace = debugger.trace_dispatch
        at = at.f_back
    sys.settrace(debugger.trace_dispatch)


def _outermost(frame: FrameType) -> FrameType:
    while frame.f_back is not None:
        frame = frame.f_back
    return frame


def user_frame() -> FrameType:
    """Return the innermost frame of this stack that is neither lllm's nor of an installed package."""
    frame = outermost = inspect.currentframe()
    while frame is not None:
        if not _is_foreign(frame.f_code.co_filename):
            return frame
        outermost, frame = frame, frame.f_back
    assert outermost is not None
    return outermost


def _is_foreign(filename: str) -> bool:
    paths = sysconfig.get_paths()
    return filename.startswith((_OURS, "<frozen", *(paths[name] for name in ("stdlib", "purelib", "platlib"))))
