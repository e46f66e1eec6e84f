"""An MCP server of the standard library alone, over stdio, that behaves or misbehaves as its first argument says.

It starts in a few hundredths of a second, and can say what no server made with an SDK would say.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

IS_PROGRAM = __name__ == "__main__"  # not where odd_http.py takes its answers from here
MODE = sys.argv[1] if IS_PROGRAM else "good"
PLACE = Path(sys.argv[2]) if IS_PROGRAM and len(sys.argv) > 2 else None


def tool(name, properties=None, **more):
    schema = {"type": "object", "properties": properties or {}, "required": [*(properties or {})]}
    return {"name": name, "description": f"Do {name}.", "inputSchema": schema, **more}


TEXT, READ_ONLY = {"type": "string"}, {"annotations": {"readOnlyHint": True}}
GOOD = [
    tool("echo", {"text": TEXT}, **READ_ONLY),
    tool("append", {"text": TEXT}),
    tool("fail", {"text": TEXT}),
    tool("env"),
    tool("die", {"code": {"type": "integer"}}),
    tool("hang"),
    tool("wait", {"place": TEXT}, **READ_ONLY),
    tool("flood"),
    tool("picture"),
    tool("pid"),
    tool("big", {"size": {"type": "integer"}}, **READ_ONLY),
    tool(f"key-{os.environ['SHOP_TOKEN']}") if "SHOP_TOKEN" in os.environ else tool("key"),
]
LISTS = {
    "bad-schema": [tool("echo", {"text": {"type": 7}})],
    "no-object": [{"name": "echo", "inputSchema": {"type": "array"}}],
    "no-schema": [{"name": "echo"}],
    "odd-names": [tool("files.read"), tool("files/read"), tool("\u001b[31mred\n"), tool("x" * 90)],
    "huge": [tool("echo", {"text": {"type": "string", "description": "d" * 1_100_000}})],
    "twice": [tool("echo"), tool("echo")],
}


def say(message):
    sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
    sys.stdout.flush()


def note(text):
    """Leave a mark that a test can count."""
    if PLACE is not None:
        with PLACE.open("a", encoding="utf-8") as file:
            file.write(f"{text}\n")


def texts(text, **more):
    return {"content": [{"type": "text", "text": text}], **more}


def stay():
    """Answer nothing for longer than any test waits; a polite server ends with its input."""
    if MODE.startswith("polite"):
        sys.stdin.read()
        sys.exit()
    threading.Event().wait(600)


def append(text):
    note(f"append {text}")
    return texts("appended", structuredContent={"appended": text})


def die(code):
    print("out of memory", file=sys.stderr, flush=True)
    os._exit(code)


def hang():
    note("hang")
    stay()


def wait(place):
    """Hang, unless somebody has said by a file that it may go on."""
    if PLACE.with_suffix(".go").exists():
        return texts(f"waited for {place}")
    note("wait")
    return stay()


def flood():
    while True:
        say({"method": "notifications/message", "params": {"level": "info", "data": "x" * 60_000}})


def picture():
    image = {"type": "image", "data": "AAAA", "mimeType": "image/png"}
    link = {"type": "resource_link", "uri": "file:///x", "name": "x"}
    return {"content": [{"type": "text", "text": "see"}, image, link]}


CALLS = {
    "echo": texts,
    "append": append,
    "fail": lambda text: texts(f"no such file: {text}", isError=True),
    "env": lambda: texts(json.dumps(dict(os.environ))),
    "die": die,
    "hang": hang,
    "wait": wait,
    "flood": flood,
    "picture": picture,
    "big": lambda size: texts("x" * size),
    "pid": lambda: texts(str(os.getpid())),
}


def answer(request):
    method, params = request["method"], request.get("params") or {}
    if method == "initialize":
        info = {"name": "odd", "version": "1"}
        return {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": info}
    if method == "tools/list":
        note("list")
        if MODE == "pages":  # of which there is no end
            return {"tools": [tool(f"t{params.get('cursor', 0)}")], "nextCursor": str(int(params.get("cursor", 0)) + 1)}
        return {"tools": LISTS.get(MODE, GOOD)}
    if method == "tools/call":
        return CALLS[params["name"]](**params.get("arguments") or {})
    return None


def be_odd():
    """Do what the mode says before the first message is read."""
    if MODE == "no-start":
        print("cannot read the key file", file=sys.stderr, flush=True)
        sys.exit(3)
    if MODE in ("silent", "polite-silent"):
        stay()
    if MODE == "chatty":
        print("listening on stdio...", flush=True)
    while MODE == "endless-line":
        sys.stdout.write("x" * 65536)
    if MODE == "stubborn":  # neither its input's end nor SIGTERM ends it, and it has started another
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        child = subprocess.Popen([sys.executable, "-c", "import threading; threading.Event().wait(600)"])
        note(f"start {child.pid}")


def main():
    note(f"start {os.getpid()}")
    be_odd()
    for line in sys.stdin:
        request = json.loads(line)
        if "id" in request:
            result = answer(request)
            error = {"code": -32601, "message": f"no method {request['method']}"}
            say({"id": request["id"], **({"result": result} if result else {"error": error})})
    note("end")
    if MODE == "stubborn":
        stay()


if IS_PROGRAM:
    main()
