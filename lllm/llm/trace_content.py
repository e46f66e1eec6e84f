"""Whether prompts, replies, arguments and results may stand in traces: only where somebody says so."""

from __future__ import annotations

import os
from functools import lru_cache
from typing import Any, cast

from lllm.config.project import ENV_CONFIG
from lllm.errors import ConfigError

ENV_CONTENT = "LLLM_TRACE_CONTENT"
ENV_OTEL_CONTENT = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
_ON = frozenset({"1", "true", "yes", "on"})
# Besides "true", the values that the conventions' own library takes; the others tell content elsewhere, or nowhere.
_ON_SPANS = _ON | {"span_only", "span_and_event"}


def wants_content() -> bool:
    """Whether content is asked for: the environment decides where it speaks, else the project's file.

    Raises:
        ConfigError: ``[tracing]`` in ``lllm.toml`` is wrong.
    """
    own = os.environ.get(ENV_CONTENT, "").strip().lower()
    if own:
        return own in _ON
    theirs = os.environ.get(ENV_OTEL_CONTENT, "").strip().lower()
    return theirs in _ON_SPANS if theirs else _project_wants_content()


def _project_wants_content() -> bool:
    try:
        folder = os.getcwd()  # noqa: PTH109 - a text is all that is wanted
    except OSError:  # it is gone, and a project with it
        return False
    return _read_content(folder, os.environ.get(ENV_CONFIG, ""))


@lru_cache(maxsize=16)
def _read_content(folder: str, named: str) -> bool:
    """Return ``content`` of ``[tracing]`` in the project's file, which is read once for each folder and name.

    Raises:
        ConfigError: the table holds anything else.
    """
    from lllm.config.project import load_config  # noqa: PLC0415 - not needed where nothing is traced
    from lllm.providers.project import provider_tables  # noqa: PLC0415 - as above

    del folder, named
    path = provider_tables().path
    if path is None:
        return False
    table: Any = load_config(path).tables.get("tracing", {})
    if not isinstance(table, dict):
        raise ConfigError("tracing is no table", where=str(path), hint="write [tracing]")
    content = cast("dict[str, Any]", table).get("content", False)
    if unknown := sorted(cast("dict[str, Any]", table).keys() - {"content"}):
        raise ConfigError(f"[tracing] knows only content, not {unknown[0]!r}", where=str(path))
    if not isinstance(content, bool):
        raise ConfigError(f"[tracing] content is true or false, not {content!r}", where=str(path))
    return content
