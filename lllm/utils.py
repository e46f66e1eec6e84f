"""Small things that every floor may use: canonical JSON, safe names, visible text, and the stream faces.

Kept under a hundred lines of code by a test: what grows belongs beside its caller.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Generator
from contextlib import contextmanager
from hashlib import sha256
from json.encoder import encode_basestring_ascii
from typing import Any, Protocol, Self


class Secret(str):
    """A string that shows its name only where it is shown by ``repr``: in tracebacks, dataclasses and containers.

    Everywhere else it is its text, in JSON too, because JSON's encoder has no hook for a kind of string. So whoever
    reads a secret from its source also tells the log's redactor about it.
    """

    __slots__ = ("name",)

    def __new__(cls, value: str, name: str = "secret") -> Self:
        """Wrap ``value``; ``name`` is what readers see."""
        self = super().__new__(cls, value)
        self.name = name
        return self

    def __repr__(self) -> str:
        return f"Secret({self.name!r})"


_encoder = json.JSONEncoder(separators=(",", ":"), allow_nan=False)
# What ``JSONEncoder.encode`` makes anew at each call, which takes as long as encoding an event. CPython's own.
_make: Any = getattr(json.encoder, "c_make_encoder", None)
_encode_parts: Any = _make and _make(
    None, _encoder.default, encode_basestring_ascii, None, ":", ",", False, False, False
)


def encode_json(value: Any) -> str:
    """Return canonical JSON: no spaces, keys in insertion order, ASCII only, so that any str can be written.

    Raises:
        ValueError: NaN, infinity, a cycle, or containers nested deeper than Python's stack.
        TypeError: a value that JSON does not know.
    """
    if _encode_parts is None:
        return _encoder.encode(value)
    try:
        return "".join(_encode_parts(value, 0))
    except RecursionError as error:
        raise ValueError("a cycle, or nested too deep") from error


def digest(text: str | bytes) -> str:
    """Return 32 hex digits (128 bits) of SHA-256. Any text has one, lone surrogates included."""
    return sha256(text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text).hexdigest()[:32]


# Neither a dot at an end nor two in a row, and no name that Windows keeps for devices.
_SAFE = re.compile(r"(?!(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$))[a-z0-9](?!.*\.\.)[a-z0-9._-]{0,95}(?<!\.)")


def safe_name(text: str, limit: int = 48) -> str:
    """Return a name that is one path component on every system, of 100 characters at most. Pure.

    A text that is such a name already (lower-case letters, digits, dots, underscores and dashes) is returned as it is.
    Any other becomes at most ``limit`` readable characters and 64 bits of its hash, so that no two of them share one.
    """
    if _SAFE.fullmatch(text):
        return text
    slug = re.sub(r"[^a-z0-9]+", "-", text[:200].lower()).strip("-")[:limit].strip("-")
    return f"{slug or 'task'}-{digest(text)[:16]}"


# Control characters but line feed and tab, lone surrogates, and the signs that turn the direction of writing unseen.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


def visible(text: str) -> str:
    """Return a text in which signs that nobody would see, or that a terminal would obey, stand as others. Pure."""
    return _UNSEEN.sub(_shown, text)


def _shown(found: re.Match[str]) -> str:
    code = ord(found.group())
    return chr(0x2400 + code) if code < 0x20 else "␡" if code == 0x7F else f"\\u{code:04x}"


class FrontendLog(Protocol):
    """Whatever keeps frontend events: a session."""

    def frontend(self, kind: str, args: dict[str, Any]) -> None:
        """Log one frontend event."""
        ...


class PrintSystem:
    """A stream for terminals, with the method names of Streamlit. ``silent=True`` swallows everything."""

    def __init__(self, *, silent: bool = False) -> None:
        self.silent = silent

    def write(self, *values: Any) -> None:
        """Print values in one line; what the terminal has no character for is printed as its code."""
        if not self.silent:
            text, encoding = " ".join(str(value) for value in values), sys.stdout.encoding or "utf-8"
            sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding) + "\n")

    def markdown(self, text: str) -> None:
        """Print Markdown as it is."""
        self.write(text)

    def code(self, text: str, language: str = "") -> None:
        """Print a fenced block."""
        self.write(f"```{language}\n{text}\n```")

    def divider(self) -> None:
        """Print a rule."""
        self.write("-" * 40)

    def progress(self, value: float, text: str = "") -> None:
        """Print a share of 0 to 1 as per cent."""
        self.write(f"{value:.0%} {text}".rstrip())

    def error(self, text: str) -> None:
        """Print an error."""
        self.write(f"error: {text}")

    @contextmanager
    def status(self, label: str, **_: Any) -> Generator[PrintSystem]:
        """Print a heading; what is written inside stands below it."""
        self.write(label)
        yield self

    spinner = expander = status


class StreamWrapper:
    """Any Streamlit-like stream, with each call also logged as a frontend event of the session."""

    def __init__(self, stream: Any, log: Any = None, session: FrontendLog | None = None) -> None:
        self._stream, self._log, self._session = stream, log, session

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        target = getattr(self._stream, name)
        if not callable(target):
            return target

        def logged(*args: Any, **kwargs: Any) -> Any:
            if self._session is not None:
                told = {key: str(value) for key, value in kwargs.items()}
                self._session.frontend(name, {"args": [str(arg) for arg in args], "kwargs": told})
            result: Any = target(*args, **kwargs)
            return (
                StreamContext(result, self._stream, self._log, self._session) if hasattr(result, "__exit__") else result
            )

        return logged


class StreamContext(StreamWrapper):
    """A block of a stream (status, spinner, expander), in a ``with`` or not; what is written to it is logged too."""

    def __init__(self, block: Any, outer: Any, log: Any, session: FrontendLog | None) -> None:
        super().__init__(block, log, session)
        self._outer = outer

    def __enter__(self) -> StreamWrapper:
        inner = self._stream.__enter__()
        return StreamWrapper(self._outer if inner is None else inner, self._log, self._session)

    def __exit__(self, *exc: object) -> Any:
        return self._stream.__exit__(*exc)
