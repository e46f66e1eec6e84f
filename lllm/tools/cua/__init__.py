"""Computer use: a browser that a model drives, and that replays. Needs the extra ``cua`` and a Chromium."""

from lllm.tools.cua.action import Display
from lllm.tools.cua.approval import Approval, ask_at_terminal
from lllm.tools.cua.functions import browser_functions, computer_function
from lllm.tools.cua.policy import BrowserPolicy
from lllm.tools.cua.tool import BrowserTool

__all__ = [
    "Approval",
    "BrowserPolicy",
    "BrowserTool",
    "Display",
    "ask_at_terminal",
    "browser_functions",
    "computer_function",
]
