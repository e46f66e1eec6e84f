"""YAML to plain data, built from the parser's events: no tag makes an object, and depth costs no stack.

The library's own builder recurses, and with libyaml behind it a line of brackets ends the process. Aliases share what
they name, so reading them costs nothing; whoever walks the data bounds how far.
"""

from __future__ import annotations

from typing import Any, cast

from lllm.config.source import parse_scalar
from lllm.errors import ConfigError

MAX_DEPTH = 200
MAX_VALUES = 1_000_000
_TAG = "tag:yaml.org,2002:"
_TAGS = {None, "!", *(_TAG + name for name in ("str", "int", "float", "bool", "null", "map", "seq"))}
_NO_TEXT = frozenset("~nNtTfF.+-0123456789<")
"""Signs that a plain scalar begins with if it may be something else than a text."""


def parse_yaml(text: str, where: str, max_values: int = MAX_VALUES) -> Any:
    """Parse one YAML document with the scalars of YAML 1.2. Pure.

    Raises:
        ConfigError: it is not YAML, too deep, of more than ``max_values``, or uses ``<<``, tags or containers as keys.
    """
    import yaml  # noqa: PLC0415 - heavy

    library: Any = yaml  # it has no types
    builder = _Builder(where, max_values)
    try:
        # The loader of libyaml is ten times as fast; not every build of the library has it.
        for event in library.parse(text, Loader=getattr(library, "CSafeLoader", library.SafeLoader)):
            builder.take(type(event).__name__, event)
    except library.MarkedYAMLError as error:
        told = ", ".join(part for part in (error.context, error.problem) if part)
        raise builder.refused(f"not YAML: {told}", error.problem_mark or error.context_mark) from None
    except library.YAMLError as error:
        raise ConfigError(f"not YAML: {' '.join(str(error).split()):.200}", where=where) from None
    return builder.root


class _Builder:
    """Puts one event after the other in its place."""

    def __init__(self, where: str, max_values: int) -> None:
        self.root: Any = None
        self._where, self._max_values = where, max_values
        self._open: list[Any] = []
        self._keys: list[Any] = []  # of each open mapping, the key that waits for its value
        self._anchors: dict[str, Any] = {}
        self._documents = self._values = 0

    def refused(self, told: str, mark: Any) -> ConfigError:
        """Return the error of a place."""
        place = f"{self._where}:{mark.line + 1}:{mark.column + 1}" if mark else self._where
        return ConfigError(told, where=place)

    def take(self, kind: str, event: Any) -> None:
        """Take an event of the parser."""
        if kind == "DocumentStartEvent":
            self._documents += 1
            if self._documents > 1:
                raise self.refused("not one YAML document, but several", event.start_mark)
        elif kind == "AliasEvent":
            if event.anchor not in self._anchors:
                raise self.refused(f"not YAML: the alias {event.anchor!r:.60} names nothing", event.start_mark)
            self._put(self._anchors[event.anchor], event)
        elif kind == "ScalarEvent":
            self._add(self._read(event), event)
        elif kind in {"MappingStartEvent", "SequenceStartEvent"}:
            self._begin({} if kind[0] == "M" else [], event)
        elif kind in {"MappingEndEvent", "SequenceEndEvent"}:
            self._open.pop()
            self._keys.pop()

    def _begin(self, container: Any, event: Any) -> None:
        if len(self._open) >= MAX_DEPTH:
            raise self.refused(f"nested deeper than {MAX_DEPTH}", event.start_mark)
        self._add(container, event)
        self._open.append(container)
        self._keys.append(_NO_KEY)

    def _add(self, value: Any, event: Any) -> None:
        if event.tag not in _TAGS:
            raise self.refused(f"the tag {event.tag!r:.80} means nothing here", event.start_mark)
        if event.anchor is not None:
            self._anchors[event.anchor] = value
        self._put(value, event)

    def _put(self, value: Any, event: Any) -> None:
        """Put a value where it belongs: the root, the end of a list, or a mapping's next key or its value."""
        self._values += 1
        if self._values > self._max_values:
            raise self.refused(f"more than {self._max_values:,} values; as JSON they may be read", event.start_mark)
        if not self._open:
            self.root = value
            return
        parent, key = self._open[-1], self._keys[-1]
        if isinstance(parent, list):
            cast("list[Any]", parent).append(value)
        elif key is not _NO_KEY:
            parent[key] = value
            self._keys[-1] = _NO_KEY
        elif isinstance(value, dict | list):
            raise self.refused("a key must be a text", event.start_mark)
        elif value == "<<":
            raise self.refused("<< is not read here", event.start_mark)
        else:
            self._keys[-1] = value

    def _read(self, event: Any) -> Any:
        text: str = event.value
        plain = event.implicit[0] or (event.tag or "").removeprefix(_TAG) in {"int", "float", "bool", "null"}
        if not plain or (text and text[0] not in _NO_TEXT):
            return text
        try:
            return parse_scalar(text)
        except ValueError:  # a number of more digits than Python reads
            raise self.refused(f"{text!r:.60} is no number", event.start_mark) from None


_NO_KEY: Any = object()
