"""Tests of {{project_name}}: plain pytest, offline, in a log of their own."""

from pathlib import Path

import pytest

from lllm import ParseError, auto_discover, build_agent
from lllm.config import load_agent_config
from lllm.llm import PROMPT_REGISTRY
from lllm.replay import replay

ROOT = Path(__file__).parent.parent


@pytest.fixture
def system(tmp_path):
    auto_discover(ROOT)
    env = {"LLLM_PROVIDER": "mock"}  # played by rules: the same each time
    config = load_agent_config(ROOT / "config/default.yaml", env=env, overrides=[f"log_dir={tmp_path}"])
    return build_agent(config.values)


def test_a_trip_is_priced(system):
    assert system("What does the fuel for 420 km cost?") == "The fuel costs 49.14 euros."


def test_the_model_mends_its_reply(system):
    system("What does the fuel for 420 km cost?", session_name="mended")
    handlers = [event for event in system.log_base.read_session("mended") if event.data.get("branch") == "retry"]
    assert len(handlers) == 1


def test_a_run_can_be_replayed(system):
    system("How much is the fuel for 100 km?", session_name="replayed")
    report = replay(system.log_base, "replayed")
    assert (report.status, report.result) == ("same", "The fuel costs 11.70 euros.")


def test_a_reply_without_tags_is_refused():
    auto_discover(ROOT)
    with pytest.raises(ParseError, match="<cost>"):
        PROMPT_REGISTRY["trip/planner"].parser("It costs 12.30 euros.")
