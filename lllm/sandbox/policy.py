"""How much a sandbox may use. Nothing here opens a door: no network, no files and no environment of the host, ever."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal

from lllm.errors import ConfigError

MiB = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxPolicy:
    """Limits of one kernel and of each of its cells.

    Attributes:
        memory_bytes: of each process, and of all processes of the kernel together.
        processes: processes and threads at once.
        cpu_s: seconds of CPU that one process may use in its life.
        tmp_bytes: files in ``/box`` (where cells run) and ``/tmp``, together for each.
        file_bytes: longest single file.
        open_files: file descriptors of one process.
        timeout_s: seconds that one cell may take, unless the call says otherwise.
        grace_s: seconds between an interrupt and the kill of a cell that goes on.
        output_bytes: what one cell may write or show.
        output_messages: how often one cell may do so.
        call_count: how often one session may call services.
        call_bytes: of one request to a service, and of one answer.
        min_tier: the weakest isolation that will do: ``A`` (own namespaces) or ``B`` (Landlock, in the host's own).
    """

    memory_bytes: int = 2048 * MiB
    processes: int = 64
    cpu_s: int = 600
    tmp_bytes: int = 256 * MiB
    file_bytes: int = 256 * MiB
    open_files: int = 256
    timeout_s: float = 60.0
    grace_s: float = 2.0
    output_bytes: int = 8 * MiB
    output_messages: int = 1000
    call_count: int = 1000
    call_bytes: int = 1 * MiB
    min_tier: Literal["A", "B"] = "B"

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            if item.name != "min_tier" and not value > 0:
                raise ConfigError(f"sandbox policy: {item.name} must be more than 0, not {value!r}")
        if self.min_tier not in ("A", "B"):
            raise ConfigError(f"sandbox policy: there is no tier {self.min_tier!r}", hint="A or B")
