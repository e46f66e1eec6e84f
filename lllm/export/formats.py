"""Which formats there are, and which of their options mean anything."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from types import MappingProxyType
from typing import NamedTuple

from lllm.export.record import RunRecord


@dataclass(frozen=True, slots=True)
class Choice:
    """How to export.

    Attributes:
        format: a key of ``FORMATS``.
        messages: of ``jsonl``: the dialogs' messages in place of the events.
        content: of ``otlp``: texts of messages, arguments and results, too.
    """

    format: str
    messages: bool = False
    content: bool = False


class Format(NamedTuple):
    """One format: its file's ending, what it is, whether it is to be read in a terminal, and its module."""

    ending: str
    told: str
    is_text: bool
    module: str


FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        "html": Format("html", "one page for a browser, without a network", False, "lllm.export.html"),
        "md": Format("md", "a transcript for an issue or a review", True, "lllm.export.markdown"),
        "jsonl": Format("jsonl", "the events as plain lines, texts filled in", True, "lllm.export.jsonl"),
        "ipynb": Format("ipynb", "a notebook", False, "lllm.export.notebook"),
        "otlp": Format("json", "OpenTelemetry traces, as JSON", True, "lllm.export.otlp"),
    }
)


def render_run(record: RunRecord, choice: Choice) -> Iterator[str]:
    """Yield a run's export, piece by piece: the same bytes for the same session. ``record.damage`` is set at the end.

    Raises:
        KeyError: there is no such format.
        SessionNotFound: there is no such session.
    """
    render: Callable[[RunRecord, Choice], Iterator[str]] = import_module(FORMATS[choice.format].module).render
    return render(record, choice)
