"""Agent systems that a header can name, so that a session runs again without being told its code."""

from __future__ import annotations

import asyncio
import inspect

from lllm.llm.base import AgentBase, AsyncAgentBase, build_agent, register_agent_class
from lllm.llm.prompts import register_prompt
from lllm.log.build import build_log_base
from lllm.models.prompt import Prompt

RULES = [
    {"when": "", "system": "polite", "reply": "Dear {last}"},
    {"when": "", "reply": "re: {last}"},
]


def config(folder, **more):
    """Return the config of a system with one agent on a model that is played by rules."""
    return {
        "name": "greet",
        "agent_type": "greeter",
        "log_type": "localfile",
        "log_dir": str(folder),
        "provider": "mock",
        "provider_config": {"rules": RULES},
        "agent_configs": {"main": {"model_name": "m1", "system_prompt_path": "greet/main"}},
        **more,
    }


def register(system=None):
    """Register the prompt and the system that a config names."""
    register_prompt(Prompt(path="greet/main", prompt="You are short."), overwrite=True)
    register_agent_class(system or Greeter, overwrite=True)


class Greeter(AgentBase, register=False):
    """Asks twice."""

    agent_type = "greeter"
    agent_group = ("main",)

    def call(self, task, **kwargs):
        main = self.agents["main"]
        dialog = main.init_dialog()
        for text in (task, f"again {task}"):
            dialog.send_message(text)
            reply = main.call(dialog)[0]
        return reply.content


class AsyncGreeter(AsyncAgentBase, register=False):
    """Asks twice, async."""

    agent_type = "greeter"
    agent_group = ("main",)

    async def call(self, task, **kwargs):
        main = self.agents["main"]
        dialog = main.init_dialog()
        for text in (task, f"again {task}"):
            dialog.send_message(text)
            reply = (await main.acall(dialog))[0]
        return reply.content


async def _awaited(result):
    return await result


def greeted(folder, system=None, **more):
    """Run a system once, as session ``s``; return its log."""
    register(system)
    result = build_agent(config(folder, **more))("Ann", session_name="s")
    if inspect.isawaitable(result):
        asyncio.run(_awaited(result))
    return build_log_base(config(folder))
