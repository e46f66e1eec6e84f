"""Frozen values that every floor above speaks in."""

from lllm.errors import ParseError
from lllm.models.call import FunctionCall
from lllm.models.function import Function
from lllm.models.history import History
from lllm.models.mcp import MCP
from lllm.models.message import Attempt, Image, Message, TokenLogprob
from lllm.models.prompt import Prompt
from lllm.models.request import Contract, ModelRequest

__all__ = [
    "MCP",
    "Attempt",
    "Contract",
    "Function",
    "FunctionCall",
    "History",
    "Image",
    "Message",
    "ModelRequest",
    "ParseError",
    "Prompt",
    "TokenLogprob",
]
