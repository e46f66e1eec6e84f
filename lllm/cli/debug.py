"""Where a replay stops, a debugger in the user's own code: the line whose call the recording would answer next."""

from __future__ import annotations

import inspect
import sys
import sysconfig
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lllm.log.envelope import Event

_OURS = str(Path(__file__).resolve().parents[1])
# What is stepped over: nobody debugs their agent by walking through these.
_SKIPPED = ("lllm", "lllm.*", "asyncio", "asyncio.*", "contextlib", "concurrent.*", "contextvars", "threading")


def open_debugger(event: Event) -> bool:
    """Open pdb on the frame of the user's code that the replay has come to, before ``event`` is served.

    Returns:
        Whether to go on with the replay: after ``c``, ``n`` and the like, not after ``q``.
    """
    import pdb  # noqa: PLC0415, T100 - a debugger is what was asked for

    frame = user_frame()
    sys.stderr.write(f"before seq {event.seq}, {event.kind} {event.id}; n, s and c go on, q ends the replay\n")
    debugger = pdb.Pdb(skip=_SKIPPED, stdin=sys.stdin, stdout=sys.stderr)
    debugger.set_trace(frame)  # so that n and s work; by itself it would stop only after this event
    debugger.interaction(frame, None)
    if debugger.quitting:
        sys.settrace(None)
    return not debugger.quitting


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
