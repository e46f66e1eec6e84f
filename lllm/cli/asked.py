"""What a command line of ``lllm run`` asks for."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, cast

import click


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The command line of ``lllm run``."""

    words: tuple[str, ...]
    config: str | None
    settings: tuple[str, ...]
    session: str | None
    no_stream: bool
    kwargs: str | None
    tasks: str | None
    concurrency: int
    out: str | None


def parse_kwargs(text: str | None) -> dict[str, Any]:
    """Return the value of ``--kwargs``. Pure.

    Raises:
        UsageError: it is no JSON object, or has a key that is taken.
    """
    try:
        value: Any = json.loads(text) if text is not None else {}
    except (ValueError, RecursionError) as error:
        raise click.UsageError(f"--kwargs is not JSON: {error}") from None
    return check_kwargs(value, "--kwargs")


def check_kwargs(value: Any, what: str) -> dict[str, Any]:
    """Return ``value`` if it can be passed on as keyword arguments.

    Raises:
        UsageError: it cannot.
    """
    if not isinstance(value, dict):
        raise click.UsageError(f"{what}: expected a JSON object")
    told = cast("dict[str, Any]", value)
    if taken := {"self", "task", "session_name"} & told.keys():
        raise click.UsageError(f"{what}: the key {min(taken)!r} is taken")
    return told
