"""``api_docs``: a function by which a model reads the documentation of the services that its run may call."""

from __future__ import annotations

from lllm.errors import FunctionError
from lllm.llm.session import current_session
from lllm.models.function import Function


def _read_docs(endpoints: list[str]) -> str:
    session = current_session()
    if session is None:
        raise FunctionError("no session is open here, so no proxies are active")
    return session.proxy.retrieve_api_docs(endpoints)


api_docs = Function(
    "api_docs",
    "Read the documentation of service endpoints: their parameters and what they answer.",
    {"endpoints": {"type": "array", "items": {"type": "string"}, "description": "such as fred/series/observations"}},
    required=["endpoints"],
    function=_read_docs,
    repeatable=True,
)
"""Tells a model about the endpoints of the active proxies. List it beside ``run_python``."""
