"""What a log keeps of the user's values and errors. What it could not give back as it was, it refuses. Pure."""

from __future__ import annotations

import json
from typing import Any, cast

from lllm.errors import ConfigError
from lllm.models.plain import show
from lllm.utils import encode_json


def to_line(error: BaseException) -> str:
    """Return what the log keeps of an error: its type and its text, 2,000 characters at most. Pure."""
    return f"{type(error).__name__}: {show(getattr(error, 'message', error))}"[:2000]


def listed(value: Any) -> Any:
    """Return a value with its tuples as the lists that JSON makes of them."""
    if isinstance(value, dict):
        return {key: listed(item) for key, item in cast("dict[Any, Any]", value).items()}
    if isinstance(value, list | tuple):
        return [listed(item) for item in cast("list[Any]", value)]
    return value


def path_of(kind: type[BaseException]) -> dict[str, str]:
    """Return where a replay finds an error's type, which the name of one of Python's own tells alone."""
    return {} if kind.__module__ == "builtins" else {"type": f"{kind.__module__}:{kind.__qualname__}"}


def to_header(told: dict[str, Any]) -> str:
    """Return a header as JSON text.

    Raises:
        ConfigError: a replay would get other data back.
    """
    try:
        data = encode_json(told)
        kept = json.loads(data)
        lost = next((key for key, value in told.items() if kept.get(key) != listed(value)), None)
    except (TypeError, ValueError, RecursionError) as error:
        raise ConfigError(f"a session's task and arguments must be plain JSON data: {error}") from error
    if lost is not None:
        raise ConfigError(
            f"a session's task and arguments must be plain JSON data: {lost!r} would come back from the log changed",
            hint="keys must be text: {'1': ...}, not {1: ...}",
        )
    return data
