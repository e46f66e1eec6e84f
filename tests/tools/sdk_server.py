"""An MCP server made with the official SDK: ``python sdk_server.py stdio``, or ``... http PORT`` on loopback."""

from __future__ import annotations

import sys

from mcp.server.mcpserver import MCPServer
from mcp_types import ToolAnnotations
from pydantic import BaseModel

server = MCPServer("shop", version="7")
STOCK = {"screw": 3}


class Item(BaseModel):
    name: str
    count: int


@server.tool(annotations=ToolAnnotations(read_only_hint=True))
def look_up(name: str) -> Item:
    """Tell how many of an item there are."""
    return Item(name=name, count=STOCK[name])


@server.tool()
def take(name: str, count: int = 1) -> str:
    """Take some of an item."""
    if STOCK[name] < count:
        raise ValueError(f"there are only {STOCK[name]}")
    STOCK[name] -= count
    return f"{STOCK[name]} left"


@server.tool()
def big(size: int) -> str:
    """Answer with so many letters."""
    return "x" * size


if __name__ == "__main__":
    if sys.argv[1] == "http":
        server.run("streamable-http", host="127.0.0.1", port=int(sys.argv[2]))
    else:
        server.run("stdio")
