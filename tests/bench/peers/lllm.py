"""lllm with its log on, in ``flush``, over aiohttp where that is installed: the same work as every other peer of the comparison.

One agent, one session; each call is a dialog of its own in that session's log.
"""

import os
import shutil
import tempfile

MODE = "async"
DISTS = ["lllm", "httpx", "pydantic"]
PERSIST = "LocalFileLog, flush"
_DIRS = []


def load():
    global C, Agent, LocalFileLog
    import common as C

    from lllm.llm import Agent
    from lllm.log import LocalFileLog

    os.environ["OPENAI_API_KEY"] = C.KEY


def answer_type():
    from pydantic import BaseModel

    class Answer(BaseModel):
        answer: int
        reason: str

    return Answer


def build(url, scenario, folder=None):
    if folder is None:
        folder = tempfile.mkdtemp(dir=os.environ.get("BENCH_TMP"))
        _DIRS.append(folder)
    options = {}
    if C.uses_tools(scenario):
        options["functions"] = [C.add]
    if scenario.startswith("bad"):
        options["format"] = answer_type()
    return Agent.quick(
        C.SYSTEM,
        model="openai/" + C.MODEL,
        provider={"base_url": url},
        log=LocalFileLog("bench", {"log_dir": folder, "durability": "flush"}),
        max_interrupt_times=20,
        **options,
    )


async def call(agent, prompt):
    return (await agent.aask(prompt)).parsed


async def growth(url, turns, turn):
    agent = build(url, "echo")
    dialog = agent.init_dialog()
    for i in range(turns):
        reply = await agent.aask(turn(i), dialog)
    agent.close()
    return reply.content


def persist_build(url, scenario, folder):
    return build(url, scenario, folder)


async def persist_call(agent, prompt, i):
    return (await agent.aask(prompt)).parsed


async def persist_dialog(url, folder, turns, turn, mark):
    agent = build(url, "echo", folder)
    dialog = agent.init_dialog()
    for i in range(turns):
        reply = await agent.aask(turn(i), dialog)
        mark(i)
    return reply.content


def remove_logs():
    for folder in _DIRS:
        shutil.rmtree(folder, ignore_errors=True)
