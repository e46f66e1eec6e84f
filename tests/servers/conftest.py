"""Model servers that somebody else wrote, for agents."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from model_servers import litellm_proxy, llama_server, mlx_server, scripted_model

__all__ = ["litellm_proxy", "llama_server", "mlx_server", "scripted_model"]
