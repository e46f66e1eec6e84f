"""What tracing needs of a process, each shown in one of its own: nothing, or the provider that the program has set."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ENV = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2]), "LLLM_AUTO_DISCOVER": "0"}

RUN = """
from lllm import AgentBase
from lllm.llm import Agent
from lllm.testing import scripted_model

def add(a: int, b: int) -> int:
    "Add."
    return a + b

class Sums(AgentBase):
    agent_type = "sums"

    def call(self, task, **_):
        asked = {"calls": [{"name": "add", "arguments": {"a": 1, "b": 2}}]}
        return Agent.quick(provider=scripted_model(asked, "3"), model="m", functions=[add]).ask(task).content

assert Sums({"name": "x", "log_type": "memory"})("1 and 2") == "3"
"""

BLOCKED = """
import sys

class Nowhere:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "opentelemetry":
            raise ImportError(name)

sys.meta_path.insert(0, Nowhere())
"""

SDK = """
import json, sys
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

kept = InMemorySpanExporter()
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(kept))
"""

TOLD = "\nprint(json.dumps([span.name for span in kept.get_finished_spans()]))\n"


def run(code, **env):
    """Run code in a process of its own; return what it prints."""
    command = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, env=ENV | env)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def test_a_run_without_opentelemetry_is_a_run():
    """It is an extra: who has not installed it must not notice."""
    run(BLOCKED + RUN)


def test_lllm_does_not_import_opentelemetry_by_itself():
    """An import that costs more than a call is for those who want spans."""
    run(RUN + "\nimport sys\nassert not [name for name in sys.modules if name.startswith('opentelemetry')]\n")


def test_the_provider_of_the_process_gets_the_spans():
    """This is all that a program does to be traced."""
    told = json.loads(run(SDK + "trace.set_tracer_provider(provider)\n" + RUN + TOLD))
    assert told == ["chat m", "execute_tool add", "chat m", "invoke_agent agent", "invoke_workflow sums"]


def test_without_a_provider_or_with_the_switch_off_there_are_none():
    """OpenTelemetry in the process, for another library's sake, asks for nothing."""
    assert json.loads(run(SDK + RUN + TOLD)) == []
    assert json.loads(run(SDK + "trace.set_tracer_provider(provider)\n" + RUN + TOLD, LLLM_TRACE="0")) == []
