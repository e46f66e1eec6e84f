"""Fixtures of this folder; the model servers are shared with other folders' tests."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

from fault_server import FaultServer
from model_servers import litellm_proxy, llama_server, mlx_server, scripted_model

__all__ = ["litellm_proxy", "llama_server", "mlx_server", "scripted_model"]


@pytest.fixture(scope="session")
def fault_server():
    """A server on a real loopback socket that misbehaves as it is told."""
    with FaultServer() as server:
        yield server
