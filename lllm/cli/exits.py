"""Which exit code an error has, and how it is told. The only place that decides either."""

from __future__ import annotations

import os
import traceback
from typing import TypedDict

import click

from lllm.errors import (
    CallRefused,
    ConfigError,
    DiscoveryError,
    EventNotFound,
    LLLMError,
    NotRegisteredError,
    ReplayDiverged,
    SessionNotFound,
)

OK, FAILED, USAGE, DIFFERS, NOT_FOUND, INTERRUPTED = 0, 1, 2, 3, 4, 130

# The first row that fits decides.
_CODES: tuple[tuple[type[BaseException], int], ...] = (
    (KeyboardInterrupt, INTERRUPTED),
    (click.Abort, INTERRUPTED),
    (ReplayDiverged, DIFFERS),
    (SessionNotFound, NOT_FOUND),
    (EventNotFound, NOT_FOUND),
    (NotRegisteredError, NOT_FOUND),
    (ConfigError, USAGE),
    (CallRefused, USAGE),
    (DiscoveryError, USAGE),
    (click.UsageError, USAGE),
)
_TRACE_HINT = "run it again with --debug for the traceback"


class MissingError(LLLMError):
    """A file, a template or a name of the command line is not there; the user corrects it."""


class Told(TypedDict):
    """An error as ``--json`` shows it."""

    type: str
    message: str
    where: str
    hint: str
    exit_code: int


def exit_code_of(error: BaseException) -> int:
    """Return the exit code of what ended a verb. Pure."""
    if isinstance(error, MissingError):
        return NOT_FOUND
    return next((code for kind, code in _CODES if isinstance(error, kind)), FAILED)


def to_told(error: BaseException) -> Told:
    """Return what a person is told of an error: what, where, and what to do next."""
    error = unwrap(error)
    message, where, hint = str(error), "", ""
    if isinstance(error, KeyboardInterrupt | click.Abort):
        message = "interrupted"
    elif isinstance(error, LLLMError):
        message, where, hint = error.message, error.where, error.hint
    elif isinstance(error, click.ClickException):
        message, hint = error.format_message(), _usage_hint(error)
    else:
        message = f"{type(error).__name__}: {error}".removesuffix(": ")
        where, hint = last_place(error), _TRACE_HINT
    return Told(type=type(error).__name__, message=message, where=where, hint=hint, exit_code=exit_code_of(error))


def unwrap(error: BaseException) -> BaseException:
    """Return the end of a file that click took for an abort: it came from somebody's code, and is an error."""
    return error.__cause__ if isinstance(error, click.Abort) and isinstance(error.__cause__, EOFError) else error


def _usage_hint(error: click.ClickException) -> str:
    context = error.ctx if isinstance(error, click.UsageError) else None
    return f"see {context.command_path} --help" if context is not None else ""


def last_place(error: BaseException) -> str:
    """Return ``file:line`` of the last frame in the user's own files, else of the last frame; empty without any."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if frame.filename.startswith(os.getcwd() + os.sep)]  # noqa: PTH109 - a prefix
    frame = (own or frames or [None])[-1]
    return f"{frame.filename}:{frame.lineno}" if frame is not None else ""
