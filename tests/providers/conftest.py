"""Fixtures of this folder: the model servers, which are shared with other folders' tests."""

from __future__ import annotations

from model_servers import litellm_proxy, llama_server, mlx_server, scripted_model

__all__ = ["litellm_proxy", "llama_server", "mlx_server", "scripted_model"]
