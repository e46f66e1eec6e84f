"""What a server says becomes lllm's values; and what is said where the SDK is missing."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from mcp_scenes import HERE

from lllm.models.offer import ToolReply
from lllm.tools.mcp_reply import parse_reply, parse_tool

TEXT = {"type": "text", "text": "a"}
PARTS = {
    "text": (TEXT, "a"),
    "image": ({"type": "image", "data": "AAAAAAAA", "mimeType": "image/png"}, "[image image/png, 6 bytes, not shown]"),
    "audio": ({"type": "audio", "data": "", "mimeType": "audio/wav"}, "[audio audio/wav, 0 bytes, not shown]"),
    "link": ({"type": "resource_link", "uri": "file:///a", "name": "a"}, "[resource file:///a a]"),
    "text file": ({"type": "resource", "resource": {"uri": "file:///a", "text": "inside"}}, "inside"),
    "other file": (
        {"type": "resource", "resource": {"uri": "file:///a", "mimeType": "application/pdf", "blob": "AAAA"}},
        "[resource file:///a application/pdf, 3 bytes, not shown]",
    ),
    "no file": ({"type": "resource"}, "[resource  , 0 bytes, not shown]"),
    "new": ({"type": "hologram"}, "[hologram, not shown]"),
}


@pytest.mark.parametrize("name", PARTS)
def test_each_part_is_a_text(name):
    """Nothing is dropped without a word."""
    part, text = PARTS[name]
    assert parse_reply({"content": [part, TEXT]}) == ToolReply(f"{text}\na")


def test_structured_content_is_read_where_there_is_no_text():
    """Otherwise the model would read nothing."""
    assert parse_reply({"structuredContent": {"n": 1}}) == ToolReply('{"n":1}', {"n": 1})
    assert parse_reply({"content": [TEXT], "structuredContent": {"n": 1}}) == ToolReply("a", {"n": 1})
    assert parse_reply({"content": [], "isError": True}) == ToolReply("", None, is_error=True)


def test_of_a_tool_is_kept_what_makes_a_function():
    """Icons, titles and output schemas would fill the log; a hint that is none is no promise."""
    told = {
        "name": "t",
        "title": "T",
        "description": "Do t.",
        "inputSchema": {"type": "object"},
        "outputSchema": {"type": "object"},
        "annotations": {"title": "T", "readOnlyHint": True, "idempotentHint": "yes"},
    }
    kept = {
        "name": "t",
        "description": "Do t.",
        "inputSchema": {"type": "object"},
        "annotations": {"readOnlyHint": True},
    }
    assert parse_tool(told) == kept
    assert parse_tool({"name": "t", "inputSchema": {}}) == {"name": "t", "inputSchema": {}}


def test_what_to_install_is_named():
    """The SDK is an extra; the error comes where a server is needed, and says the command."""
    program = (
        "import sys; sys.modules['mcp'] = None\n"
        "from mcp_scenes import agent_of, odd\n"
        "from lllm.errors import ConfigError\n"
        "try: agent_of('done', servers=[odd()])[0].ask('go')\n"
        "except ConfigError as error: print(error.message, '-', error.hint)\n"
    )
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE), str(HERE.parents[1])])}
    done = subprocess.run([sys.executable, "-c", program], env=env, capture_output=True, text=True, check=False)
    assert done.stdout == "MCP servers need the SDK `mcp`, version 2 - pip install 'lllm[mcp]'\n", done.stderr


def test_naming_a_server_loads_no_sdk():
    """A prompt with servers is imported by every command, and the SDK takes a second and 45 MB."""
    program = (
        "import sys; from lllm import MCP, Agent, Prompt, Session; import lllm.tools.mcp\n"
        "Prompt(path='p', prompt='', mcp_servers_list=[MCP('a', command='b')]); Agent.quick()\n"
        "print([name for name in ('mcp', 'mcp_types', 'httpx2', 'anyio') if name in sys.modules])"
    )
    env = {**os.environ, "PYTHONPATH": str(HERE.parents[1])}
    done = subprocess.run([sys.executable, "-c", program], env=env, capture_output=True, text=True, check=False)
    assert done.stdout == "[]\n", done.stderr
