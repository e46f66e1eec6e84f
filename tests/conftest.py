"""What every test starts from: registries of its own, and no project that is found by chance."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from fault_server import FaultServer
from hypothesis import HealthCheck, settings

from lllm.providers.project import choose_project
from lllm.testing import isolated_registries

# No test fails because the machine does something else, too.
settings.register_profile("lllm", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("lllm")

pytest_plugins = ["pytester"]  # tests of the plugin run pytest


@pytest.fixture(autouse=True)
def own_registries(monkeypatch):
    """Let no test see what another registered, nor what lies in a folder above."""
    monkeypatch.setenv("LLLM_AUTO_DISCOVER", "0")
    monkeypatch.setenv("LLLM_PROVIDER", "mock")  # the starter's rules play; tests of nano ask for it
    with isolated_registries():
        yield
    choose_project(None)  # a command line may have named one


@pytest.fixture(scope="session")
def fault_server():
    """A server on a real loopback socket that misbehaves as it is told."""
    with FaultServer() as server:
        yield server
