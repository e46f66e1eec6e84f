"""Events on disk: what is stored, how it gets there, how it is read back and verified.

``envelope`` is the format of a line, ``file`` writes lines, ``reader`` verifies them, ``recovery`` repairs and
explains, ``blobs`` keeps large texts, ``redact`` takes secrets out, ``local`` and ``memory`` are the stores, ``views``
the collections. Names are loaded when they are first used, so that a run without a log does not pay for one.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lllm.log.base import ReplayableLogBase, SessionInfo, SessionLog
    from lllm.log.build import build_log_base
    from lllm.log.envelope import GENESIS, IGNORABLE, KINDS, Event, decode_line, encode_line
    from lllm.log.local import LocalFileLog
    from lllm.log.memory import MemoryLog, NoLog
    from lllm.log.recovery import FsckReport, fsck
    from lllm.log.redact import Redactor
    from lllm.log.views import ReplaySession

_HOMES = {
    "GENESIS": "envelope",
    "IGNORABLE": "envelope",
    "KINDS": "envelope",
    "Event": "envelope",
    "FsckReport": "recovery",
    "LocalFileLog": "local",
    "MemoryLog": "memory",
    "NoLog": "memory",
    "Redactor": "redact",
    "ReplaySession": "views",
    "ReplayableLogBase": "base",
    "SessionInfo": "base",
    "SessionLog": "base",
    "build_log_base": "build",
    "decode_line": "envelope",
    "encode_line": "envelope",
    "fsck": "recovery",
}

__all__ = [
    "GENESIS",
    "IGNORABLE",
    "KINDS",
    "Event",
    "FsckReport",
    "LocalFileLog",
    "MemoryLog",
    "NoLog",
    "Redactor",
    "ReplaySession",
    "ReplayableLogBase",
    "SessionInfo",
    "SessionLog",
    "build_log_base",
    "decode_line",
    "encode_line",
    "fsck",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"lllm.log.{home}"), name)
    return value
