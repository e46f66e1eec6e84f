"""What lllm costs over HTTP, as ratios to a hand-written loop over aiohttp that does the same work and keeps no log.

    python tests/bench/over_http.py sequential | dialogs [COUNT] | turns [COUNT] | pause [SECONDS]   [--httpx]

The model is a server on the loopback device, in a process of its own; lllm has its log on, in ``flush``. Each side of a
comparison runs in processes of its own, and they take turns. ``sequential``: CPU of one call after the other, median of
blocks. ``dialogs``: so many at once of one function each, 200 ms a model call; wall, CPU, and memory a live dialog.
``turns``: CPU of one dialog. ``pause``: whether a turn after that many seconds still finds its connection. ``--httpx``
has lllm work over httpx, as it does where aiohttp is not installed. Run it on an idle machine.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

SCENARIOS = ("echo", "tool1", "tool10", "par4", "badjson1")
SYSTEM, PROMPT = "You are a helpful assistant. Use the tools when they help.", "What is the sum of the numbers?"
TURN = "This is message number %d of the dialog; please confirm that you have read all of it so far."
ROUNDS = 5


def add(a: int, b: int) -> int:
    """Add two integers and return the sum."""
    return a + b


def resident_kb(key):
    """Memory of this process: ``VmRSS`` now, ``VmHWM`` at most."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(key))


class Raw:
    """The loop that one would write by hand, over aiohttp."""

    def __init__(self, url, scenario, _folder):
        import aiohttp

        self.session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        self.url, self.scenario = f"{url}/chat/completions", scenario
        parameters = {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}}
        function = {"name": "add", "description": "Add two integers.", "parameters": parameters}
        self.extra = {"tools": [{"type": "function", "function": function}]} if scenario[:3] in ("too", "par") else {}

    async def ask(self, prompt, messages=None):
        messages = messages if messages is not None else [{"role": "system", "content": SYSTEM}]
        messages.append({"role": "user", "content": prompt})
        headers = {"content-type": "application/json", "authorization": "Bearer x"}
        while True:
            body = json.dumps({"model": "m", "messages": messages, **self.extra}).encode()
            async with self.session.post(self.url, data=body, headers=headers) as response:
                message = json.loads(await response.read())["choices"][0]["message"]
            messages.append(message)
            for call in message.get("tool_calls", ()):
                result = str(add(**json.loads(call["function"]["arguments"])))
                messages.append({"role": "tool", "tool_call_id": call["id"], "content": result})
            if message["content"] is not None and self.is_good(message["content"]):
                return messages
            if message["content"] is not None:
                messages.append({"role": "user", "content": "Please answer in JSON."})

    def is_good(self, text):
        """Whether the reply is what was asked for."""
        try:
            return self.scenario != "badjson1" or isinstance(json.loads(text)["answer"], int)
        except ValueError:
            return False

    async def turns(self, count):
        messages = [{"role": "system", "content": SYSTEM}]
        for turn in range(count):
            await self.ask(TURN % turn, messages)

    async def aclose(self):
        await self.session.close()


class Ours:
    """The same over lllm."""

    def __init__(self, url, scenario, folder):
        from lllm.llm import Agent
        from lllm.log import LocalFileLog

        options = {"functions": [add]} if scenario[:3] in ("too", "par") else {}
        if scenario == "badjson1":
            from pydantic import create_model

            options["format"] = create_model("Answer", answer=(int, ...), reason=(str, ...))
        log = LocalFileLog("bench", {"log_dir": folder, "durability": "flush"})
        provider = {"base_url": url}
        self.agent = Agent.quick(SYSTEM, model="local/m", provider=provider, log=log, max_interrupt_times=20, **options)

    async def ask(self, prompt):
        await self.agent.aask(prompt)

    async def turns(self, count):
        dialog = self.agent.init_dialog()
        for turn in range(count):
            await self.agent.aask(TURN % turn, dialog)

    async def aclose(self):
        self.agent.close()


async def sequential(side, url, folder, _):
    """CPU milliseconds a call, for each scenario."""
    taken = {}
    for scenario in SCENARIOS:
        agent, blocks = side(f"{url}/{scenario}/0", scenario, folder), []
        for _ in range(8):
            began = time.process_time()
            for _ in range(20):
                await agent.ask(PROMPT)
            blocks.append((time.process_time() - began) / 20 * 1e3)
        taken[f"{scenario}, CPU ms a call"] = statistics.median(blocks[1:])
        await agent.aclose()
    return taken


async def dialogs(side, url, folder, count):
    """Many dialogs at once."""
    agent = side(f"{url}/tool1/0", "tool1", folder)
    await agent.ask(PROMPT)
    await agent.aclose()
    before, wall, cpu = resident_kb("VmRSS"), time.perf_counter(), time.process_time()
    agent = side(f"{url}/tool1/200", "tool1", folder)
    ends = await asyncio.gather(*[agent.ask(PROMPT) for _ in range(count)], return_exceptions=True)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    await agent.aclose()
    failed = sum(isinstance(end, Exception) for end in ends)
    memory = (resident_kb("VmHWM") - before) / count
    return {"wall s": wall, "CPU s": cpu, "kB a dialog": memory, "failed": failed}


async def turns(side, url, folder, count):
    """One long dialog."""
    agent = side(f"{url}/echo/0", "echo", folder)
    await agent.ask(PROMPT)
    began = time.process_time()
    await agent.turns(count)
    taken = time.process_time() - began
    await agent.aclose()
    return {"CPU s": taken}


async def pause(side, url, folder, count):
    """Two turns with a pause between them: how many connections that took."""

    def opened():
        with urllib.request.urlopen(f"{url}/connections") as response:
            return int(response.read())

    before = opened()
    agent = side(f"{url}/echo/0", "echo", folder)
    await agent.ask(PROMPT)
    await asyncio.sleep(count)
    await agent.ask(PROMPT)
    await agent.aclose()
    return {"connections": opened() - before - 1}


KINDS = {"sequential": (sequential, 0), "dialogs": (dialogs, 1000), "turns": (turns, 400), "pause": (pause, 65)}


def measure(side, kind, count, url, *, httpx):
    """Run one side of one comparison in a process of its own."""
    command = [sys.executable, __file__, "--side", side, kind, str(count), url, *(["--httpx"] if httpx else [])]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout)


def run_side(side, kind, count, url):
    """Be that process."""
    if "--httpx" in sys.argv:
        sys.modules["aiohttp"] = None
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(asyncio.run(KINDS[kind][0]({"raw": Raw, "ours": Ours}[side], url, folder, int(count)))))


def main():
    """Compare, and print the ratios."""
    words = [word for word in sys.argv[1:] if word != "--httpx"]
    if words[:1] == ["--side"]:
        run_side(*words[1:])
        return
    kind = words[0]
    count = int(words[1]) if len(words) > 1 else KINDS[kind][1]
    server = subprocess.Popen(
        [sys.executable, Path(__file__).with_name("model_server.py")], stdout=subprocess.PIPE, text=True
    )
    try:
        url = f"http://127.0.0.1:{server.stdout.readline().strip()}"
        rounds = 1 if kind == "pause" or count > 1000 else ROUNDS
        taken = {"raw": [], "ours": []}
        for _ in range(rounds):
            for side, results in taken.items():
                results.append(measure(side, kind, count, url, httpx=side == "ours" and "--httpx" in sys.argv))
    finally:
        server.kill()
        server.wait()
    print(f"{kind} {count or ''}, {rounds} rounds".ljust(28) + "     raw      lllm    ratio")
    for name in taken["raw"][0]:
        raw, ours = (statistics.median(result[name] for result in taken[side]) for side in ("raw", "ours"))
        print(f"{name:28s} {raw:7.3f} {ours:9.3f} {ours / raw if raw else float('nan'):7.2f}x")


if __name__ == "__main__":
    main()
