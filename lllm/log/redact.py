"""What is taken out of an event before it is hashed and kept: known secrets, and texts that look like keys.

Redaction works on the strings inside the JSON, never across their quotes, so the result is always JSON of the same
shape. Most events hold nothing to redact; for those the price is a few substring searches and no parsing.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from lllm.config.secret import REDACTED
from lllm.errors import ConfigError
from lllm.log.walk import Node, containers
from lllm.utils import encode_json

# A shorter known secret would eat ordinary words ("test", "none").
MIN_SECRET_CHARS = 8

# A text that must be present in the JSON -> the shape it may be part of. The marker is only there to be cheap to
# search. Shapes hold no quote and no backslash, so that JSON inside a string stays JSON. The digit that some ask for
# keeps words such as "sk-learn-style-estimators" in place.
KEY_SHAPES: Mapping[str, str] = MappingProxyType(
    {
        "sk-": r"(?<![A-Za-z0-9])sk-(?=[A-Za-z_-]*[0-9])[A-Za-z0-9_-]{20,}",
        "earer ": r"(?<![A-Za-z0-9])[Bb]earer +(?=[A-Za-z._~+/-]*[0-9])[A-Za-z0-9._~+/-]{20,}=*",
        "AKIA": r"(?<![A-Za-z0-9])AKIA[0-9A-Z]{16}(?![A-Za-z0-9])",
        "ghp_": r"ghp_[A-Za-z0-9]{36,}",
        "gho_": r"gho_[A-Za-z0-9]{36,}",
        "github_pat_": r"github_pat_[A-Za-z0-9_]{22,}",
        "AIza": r"AIza[0-9A-Za-z_-]{35}",
        "xox": r"(?<![A-Za-z0-9])xox[abprs]-[A-Za-z0-9-]{10,}",
        "hf_": r"(?<![A-Za-z0-9])hf_[A-Za-z0-9]{30,}",
    }
)


class Redactor:
    """Replace secrets in JSON text by ``[redacted]``.

    Args:
        patterns: regular expressions, applied to each string of the data. They cost a parse of every event.
        secrets: values to take out wherever they stand; those under eight characters are left alone.
        shapes: marker -> expression; by default ``KEY_SHAPES``. Pass ``{}`` for none.

    Raises:
        ConfigError: a pattern is no regular expression.
    """

    def __init__(
        self, patterns: Iterable[str] = (), secrets: Iterable[str] = (), shapes: Mapping[str, str] = KEY_SHAPES
    ) -> None:
        self._markers = tuple(shapes)
        self._shapes = tuple(re.compile(shape) for shape in shapes.values())
        self._patterns = tuple(_compile(pattern) for pattern in patterns)
        # Replaced whole when a secret is added, so that readers in other threads need no lock; who adds one does.
        self._plain: tuple[str, ...] = ()
        self._needles: tuple[str, ...] = self._markers
        self._adding = threading.Lock()
        for secret in secrets:
            self.add(secret)

    def add(self, secret: str) -> None:
        """Take ``secret`` out from now on, also where it stands in JSON inside a string. Any thread may call this."""
        if len(secret) < MIN_SECRET_CHARS or secret in self._plain:
            return
        once = _escaped(secret)
        # In a text, and in JSON in a text, up to twice: as we write it, or as others do who leave letters as they are.
        forms = (secret, once, _escaped(once), json.dumps(secret, ensure_ascii=False)[1:-1])
        with self._adding:
            # Longest first: a secret that is part of another must not leave the rest of it behind.
            self._plain = tuple(sorted({*self._plain, *forms}, key=len, reverse=True))
            self._needles = tuple(dict.fromkeys((*self._needles, *map(_escaped, forms))))

    def __call__(self, data_json: str) -> str:
        """Return JSON text without secrets; the text itself when there is none. Pure."""
        if not self._patterns:
            for needle in self._needles:
                if needle in data_json:
                    break
            else:
                return data_json
        try:
            data = json.loads(data_json)
        except (ValueError, RecursionError):
            return self.redact_text(data_json)
        changed = [self._redact_node(node) for node in containers(data)]
        return encode_json(data) if any(changed) else data_json

    def redact_text(self, text: str) -> str:
        """Return one plain string without secrets. Pure."""
        for secret in self._plain:
            if secret in text:
                text = text.replace(secret, REDACTED)
        for expression in (*self._shapes, *self._patterns):
            text = expression.sub(REDACTED, text)
        return text

    def _redact_node(self, node: Node) -> bool:
        """Clean the strings and keys that stand directly in ``node``; return whether there was any."""
        if isinstance(node, dict):
            items = {self.redact_text(key): self._redact_leaf(value) for key, value in node.items()}
            if items == node:
                return False
            node.clear()
            node.update(items)
            return True
        values = [self._redact_leaf(value) for value in node]
        if values == node:
            return False
        node[:] = values
        return True

    def _redact_leaf(self, value: Any) -> Any:
        return self.redact_text(value) if isinstance(value, str) else value


def _escaped(text: str) -> str:
    return encode_json(text)[1:-1]


def _compile(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern)
    except re.error as error:
        raise ConfigError(f"log_redact: {pattern!r} is no regular expression: {error}") from error
