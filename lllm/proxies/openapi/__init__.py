"""From an OpenAPI 3 document to the text of a proxy module that a person edits. Everything here is pure.

What a document says is data: it stands in the module only inside literals of text and numbers, and in names that were
made anew from letters, digits and underscores.
"""

from lllm.proxies.openapi.document import MAX_BYTES, Document, parse_document
from lllm.proxies.openapi.module import render_module
from lllm.proxies.openapi.operations import build_plan
from lllm.proxies.openapi.plan import LeftOut, Plan, Wanted

__all__ = [
    "MAX_BYTES",
    "Document",
    "LeftOut",
    "Plan",
    "Wanted",
    "build_plan",
    "parse_document",
    "render_module",
]
