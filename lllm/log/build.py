"""From the log's keys in a config file to the log."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lllm.errors import ConfigError
from lllm.log.base import ReplayableLogBase
from lllm.log.local import LocalFileLog, check_name, to_redactor
from lllm.log.memory import MemoryLog, NoLog
from lllm.utils import safe_name

LOG_TYPES = ("localfile", "none", "memory")
DEFAULT_NAME = "lllm"


def build_log_base(config: Mapping[str, Any], base_name: str | None = None) -> ReplayableLogBase:
    """Return the log that a config asks for. Touches no disk.

    Args:
        config: ``log_type`` (``localfile`` by default, ``none``, ``memory``), ``log_dir``, ``name``,
            ``log_durability``, ``log_redact``, ``log_max_segment_bytes``. Other keys are left to others.
        base_name: name of the log's folder; by default the config's ``name``, made safe for a path.

    Raises:
        ConfigError: a value is unknown or cannot be used; the hint offers the nearest.
    """
    log_type = config.get("log_type") or "localfile"
    if log_type == "none":
        return NoLog()
    if log_type == "memory":
        return MemoryLog(to_redactor(config.get("log_redact")))
    if log_type != "localfile":
        raise _unknown(log_type)
    name = check_name(base_name, "log") if base_name is not None else _to_base_name(config.get("name"))
    return LocalFileLog(
        name,
        {
            "log_dir": config.get("log_dir"),
            "durability": config.get("log_durability"),
            "redact": config.get("log_redact"),
            "max_segment_bytes": config.get("log_max_segment_bytes"),
        },
    )


def _to_base_name(name: Any) -> str:
    """Return a folder name for the name of a system, which a person may have written with spaces."""
    text = str(name or DEFAULT_NAME)
    try:
        return check_name(text, "log")
    except ConfigError:
        return safe_name(text)


def _unknown(log_type: Any) -> ConfigError:
    from difflib import get_close_matches  # noqa: PLC0415 - only an error needs it

    near = get_close_matches(str(log_type), LOG_TYPES, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"use one of: {', '.join(LOG_TYPES)}"
    return ConfigError(f"log_type is {log_type!r:.80}", hint=hint)
