"""What a session is opened with where its caller does not say: its name, its seed, and the versions that made it."""

from __future__ import annotations

import platform
import re
import time
import uuid

from lllm.const import VERSION
from lllm.machine.draw import table_hash


def versions() -> dict[str, str]:
    """Return what makes a session's events: the versions of lllm and Python, and the hash of the machine's table."""
    return {"lllm": VERSION, "python": platform.python_version(), "machine": table_hash()}


def draw_seed() -> int:
    """Return a number that no other session has."""
    return uuid.uuid4().int >> 96


def draw_name(task: str) -> str:
    """Return a name that sorts by time, can be read, and is not taken."""
    stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime())
    slug = re.sub(r"[^a-z0-9]+", "-", task[:40].lower()).strip("-")[:24].strip("-")
    return f"{stamp}-{slug or 'session'}-{uuid.uuid4().hex[:6]}"
