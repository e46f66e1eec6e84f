"""The public face: what can be imported from where, and what an import costs."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import lllm

ROOT = Path(__file__).parents[2]

PROMISED = {
    "lllm.llm": "Agent AgentBase AsyncAgentBase Dialog Prompts build_agent register_agent_class register_prompt "
    "PROMPT_REGISTRY AGENT_REGISTRY LLMCaller LLMResponder",
    "lllm.models": "Prompt Message Function FunctionCall MCP ParseError",
    "lllm.proxies": "BaseProxy Proxy ProxyRegistrator register_proxy get_proxy list_proxies load_builtin_proxies",
    "lllm.sandbox": "JupyterSandbox JupyterSession SandboxPolicy",
    "lllm.tools": "run_python api_docs python_function",
    "lllm.config": "find_config_file load_config load_agent_config load_project_config",
    "lllm.clients": "LLMProvider LLMConfig LLMResponse CognitiveAgent CognitiveConfig get_llm_client LLMClient "
    "OllamaBackend MLXBackend RemoteBackend MockBackend AgentScheduler ScheduledAgent Proposal local_complete "
    "cloud_complete",
    "lllm.discovery": "auto_discover",
    "lllm.log": "ReplayableLogBase LocalFileLog NoLog ReplaySession build_log_base",
    "lllm.const": "Roles Modalities APITypes Providers Features RCollections ModelCard find_model_card "
    "register_model_card CompletionCost",
    "lllm.utils": "PrintSystem StreamWrapper",
    "lllm.cli": "main",
}
PAIRS = [(home, name) for home, names in PROMISED.items() for name in names.split()]


@pytest.mark.parametrize(("home", "name"), PAIRS)
def test_a_promised_name_is_where_it_was_promised(home, name):
    """Import paths are a contract; nobody greps for where a class moved to."""
    assert getattr(importlib.import_module(home), name) is not None


@pytest.mark.parametrize("name", sorted({name for home, name in PAIRS if home not in {"lllm.cli", "lllm.config"}}))
def test_the_same_names_come_from_the_package_itself(name):
    """`from lllm import X` is what people type first."""
    assert getattr(lllm, name) is not None


def test_everything_in_all_resolves():
    """A face that names what is not there breaks `from lllm import *`."""
    assert [name for name in lllm.__all__ if getattr(lllm, name, None) is None] == []
    assert lllm.__version__ in dir(lllm) or "__version__" in dir(lllm)


def test_an_unknown_name_is_an_attribute_error():
    """Whatever probes a module with hasattr relies on it."""
    with pytest.raises(AttributeError, match="no attribute 'nope'"):
        _ = lllm.nope


def test_the_version_stands_in_two_places_and_is_one():
    """The wheel's metadata and what a log records."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["version"] == lllm.__version__


def loaded_by(code):
    """Return the names of the modules that a fresh interpreter holds after ``code``."""
    program = f"{code}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    return set(json.loads(done.stdout.splitlines()[-1]))


HEAVY = {"pydantic", "httpx", "jinja2", "yaml", "rich", "click", "asyncio", "ssl", "sqlite3"}


def test_importing_lllm_loads_nothing_heavy():
    """An import is paid by everybody, also by those who only want one name."""
    assert loaded_by("import lllm") & HEAVY == set()


def test_an_agent_on_the_mock_needs_no_http_and_no_validation():
    """The first answer of a newcomer comes from the mock; what it does not use it must not pay for."""
    loaded = loaded_by("from lllm import Agent; Agent.quick('be kind').ask('hello')")
    assert loaded & {"pydantic", "httpx", "jinja2", "yaml", "rich", "click"} == set()


def test_asking_over_http_does_not_load_the_command_line_of_httpx():
    """By itself, httpx imports its own command line, with click and rich, wherever those are installed."""
    loaded = loaded_by("import lllm.transport.over_httpx")
    assert "httpx" in loaded
    assert loaded & {"rich", "click", "httpx._main"} == set()
