"""Exports: a run as a page, a transcript, plain events, a notebook or traces, without secrets."""

from lllm.export.formats import FORMATS, Choice, render_run
from lllm.export.record import RunRecord
from lllm.export.save import save_chunks

__all__ = ["FORMATS", "Choice", "RunRecord", "render_run", "save_chunks"]
