"""Where the pieces meet: dialogs, agents, sessions, and the one loop that drives them."""

from lllm.llm.agent import Agent
from lllm.llm.base import AGENT_REGISTRY, AgentBase, AsyncAgentBase, build_agent, register_agent_class
from lllm.llm.caller import LLMCaller, LLMResponder
from lllm.llm.dialog import Dialog
from lllm.llm.limits import Limits
from lllm.llm.prompts import PROMPT_REGISTRY, Prompts, register_prompt
from lllm.llm.session import Session, current_session
from lllm.llm.stream import FinishedEvent, FunctionEvent, ReasoningEvent, StateEvent, StepEvent, StreamEvent, TextEvent

__all__ = [
    "AGENT_REGISTRY",
    "PROMPT_REGISTRY",
    "Agent",
    "AgentBase",
    "AsyncAgentBase",
    "Dialog",
    "FinishedEvent",
    "FunctionEvent",
    "LLMCaller",
    "LLMResponder",
    "Limits",
    "Prompts",
    "ReasoningEvent",
    "Session",
    "StateEvent",
    "StepEvent",
    "StreamEvent",
    "TextEvent",
    "build_agent",
    "current_session",
    "register_agent_class",
    "register_prompt",
]
