"""Ollama's ``/api/generate``, reply side: the reader of ``/api/chat`` takes its answers, too."""

from __future__ import annotations

from lllm.providers.wire.ollama_reply import parse_reply, read_stream

__all__ = ["parse_reply", "read_stream"]
