"""What the plugin and its parts call things. pytest imports it at every start: it holds names only."""

from __future__ import annotations

MARK = "lllm_replay"
RECORDED = "lllm_recorded"


class LLLMDriftWarning(UserWarning):
    """Today's code does something else than was recorded, in a test that only wants to be told."""
