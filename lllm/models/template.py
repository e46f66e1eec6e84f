"""The two template languages of prompts: ``{name}`` fields, and Jinja for ``*.prompt.md`` files.

Both are strict: an argument that is missing or left over is an error. Fields are plain names, and Jinja runs in a
sandbox; no text of a model or a function is ever taken for a template.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from string import Formatter
from typing import Any

from lllm.errors import ConfigError

Segments = tuple[tuple[str, str | None], ...]


def parse_fields(text: str, path: str) -> Segments:
    """Split a text into ``(literal, field name or None)``. Pure.

    Raises:
        ConfigError: a field is not a plain name, so that no text can reach into the objects it is given.
    """
    segments: list[tuple[str, str | None]] = []
    at = 0  # where in the text the next part begins
    try:
        for literal, name, spec, conversion in Formatter().parse(text):
            # A doubled brace comes as a part of its own, and as one brace.
            at += len(literal) + (name is None and literal.endswith(("{", "}")))
            if name is not None:
                shown = name + (f"!{conversion}" if conversion else "") + (f":{spec}" if spec else "")
                if shown != name or not name.isidentifier():
                    raise ConfigError(
                        f"prompt {path!r}: {{{shown}}} is no field: only {{name}} is",
                        where=_place(text, at),
                        hint="write {{ and }} for braces",
                    )
                at += len(name) + 2
            segments.append((literal, name))
    except ValueError as error:
        raise ConfigError(
            f"prompt {path!r}: {error}", where=_place(text, at), hint="write {{ and }} for braces"
        ) from error
    return tuple(segments)


def _place(text: str, at: int) -> str:
    line = text.count("\n", 0, at) + 1
    return f"line {line}, column {at - text.rfind(chr(10), 0, at)} of the prompt"


def render_fields(segments: Segments, args: Mapping[str, Any], path: str) -> str:
    """Put arguments into their fields. Pure; an argument's text is never looked at as a template."""
    names = {name for _, name in segments if name is not None}
    missing, extra = sorted(names - args.keys()), sorted(args.keys() - names)
    if missing or extra:
        told = [f"missing: {', '.join(missing)}"] if missing else []
        told += [f"not in the text: {', '.join(extra)}"] if extra else []
        raise ConfigError(f"prompt {path!r}: arguments do not fit ({'; '.join(told)})")
    return "".join([literal + (str(args[name]) if name is not None else "") for literal, name in segments])


def render_once(template: str, name: str, value: str) -> str:
    """Render a handler's text, which has one field at most."""
    return "".join([literal + (value if field == name else "") for literal, field in parse_fields(template, "handler")])


def require_fields(template: str, names: set[str], what: str) -> None:
    """Check that a handler's text holds exactly these fields.

    Raises:
        ConfigError: it does not.
    """
    found = {name for _, name in parse_fields(template, what) if name is not None}
    if found != names:
        wanted = ", ".join(f"{{{name}}}" for name in names) or "no field"
        raise ConfigError(f"prompt {what} must hold {wanted}, and holds {sorted(found) or 'none'}")


@cache
def _environment() -> Any:
    from jinja2 import StrictUndefined  # noqa: PLC0415 - heavy, and only for *.prompt.md
    from jinja2.sandbox import ImmutableSandboxedEnvironment  # noqa: PLC0415 - as above

    return ImmutableSandboxedEnvironment(undefined=StrictUndefined, trim_blocks=True, keep_trailing_newline=True)


def jinja_fields(text: str, path: str) -> frozenset[str]:
    """Return the names that a Jinja template needs.

    Raises:
        ConfigError: the template does not compile; with its line.
    """
    from jinja2 import TemplateError, meta  # noqa: PLC0415 - heavy

    try:
        return frozenset(meta.find_undeclared_variables(_environment().parse(text)))
    except TemplateError as error:
        where = f"line {getattr(error, 'lineno', '?')} of the prompt"
        raise ConfigError(f"prompt {path!r}: {error}", where=where) from error


def render_jinja(text: str, args: Mapping[str, Any], path: str) -> str:
    """Render a project's own Jinja template in a sandbox where an unknown name is an error.

    Raises:
        ConfigError: an argument is missing where it is needed, or left over, or the template does what it may not.
    """
    if extra := sorted(args.keys() - jinja_fields(text, path)):
        raise ConfigError(f"prompt {path!r}: arguments do not fit (not in the text: {', '.join(extra)})")
    try:
        return _environment().from_string(text).render(args)
    except Exception as error:  # a template computes, so it may raise anything
        raise ConfigError(f"prompt {path!r}: {type(error).__name__}: {error}") from error
