"""Frozen values that every floor above speaks in."""

from lllm.errors import ParseError
from lllm.models.call import FunctionCall
from lllm.models.function import Function
from lllm.models.history import History
from lllm.models.image import Image
from lllm.models.mcp import MCP
from lllm.models.message import Attempt, Message, TokenLogprob
from lllm.models.prompt import Prompt
from lllm.models.request import Contract, ModelRequest
from lllm.models.returned import LastResult

__all__ = [
    "MCP",
    "Attempt",
    "Contract",
    "Function",
    "FunctionCall",
    "History",
    "Image",
    "LastResult",
    "Message",
    "ModelRequest",
    "ParseError",
    "Prompt",
    "TokenLogprob",
]
