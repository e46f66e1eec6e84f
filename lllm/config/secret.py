"""Which values of a config are secrets: the one rule for files, for the log's header and for its redactor. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from lllm.utils import Secret

# What stands in a log in place of a secret. A replay gets it from the header in the secret's place and so does with it
# what was recorded: the redactor writes the same.
REDACTED = "[redacted]"

# Only at a key's end: `api_key_env` names a variable, `max_tokens` counts, `sort_key` and `prompt_cache_key` are data.
_KEY = re.compile(
    r"(?:(?:api|access|private|secret)[_-]?key|token|password|passwd|secret|credentials?|authorization|cookie)$",
    re.IGNORECASE,
)


def is_secret_key(key: str) -> bool:
    """Whether a text under this key is a secret: it is, or ends in, ``api_key``, ``token``, ``password``, ..."""
    return _KEY.search(key) is not None


def is_secret(key: str, value: Any) -> bool:
    """Whether a value is a secret: a ``Secret``, or a text under a key that names one; an empty text never is."""
    return isinstance(value, str) and value != "" and (isinstance(value, Secret) or is_secret_key(key))


def find_secrets(value: Any, key: str = "") -> Iterator[str]:
    """Yield the secrets of a config; what already stands in the place of one is none. Items of a list have its key."""
    if isinstance(value, Mapping):
        for name, part in cast("Mapping[Any, Any]", value).items():
            yield from find_secrets(part, str(name))
    elif isinstance(value, list | tuple):
        for part in cast("Sequence[Any]", value):
            yield from find_secrets(part, key)
    elif is_secret(key, value) and value != REDACTED:
        yield str(value)


def to_public(value: Any, key: str = "") -> Any:
    """Return a config as JSON data, as the log keeps it: ``[redacted]`` stands in the place of each secret."""
    if isinstance(value, Mapping):
        return {str(name): to_public(part, str(name)) for name, part in cast("Mapping[Any, Any]", value).items()}
    if isinstance(value, list | tuple):
        return [to_public(part, key) for part in cast("Sequence[Any]", value)]
    if is_secret(key, value):
        return REDACTED
    return value if isinstance(value, str | int | float | bool | None) else str(value)
