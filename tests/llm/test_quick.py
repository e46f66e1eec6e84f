"""Agent.quick: three lines from nothing to an answer, and a log that is closed whatever happens to the agent."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import textwrap
from pathlib import Path

import pydantic
import pytest

from lllm.errors import ConfigError, ModelBehaviorError
from lllm.llm import Agent
from lllm.log import LocalFileLog, MemoryLog
from lllm.providers.script import DEFAULT_TEXT
from lllm.testing import function_model, scripted_model

ROOT = Path(__file__).parents[2]


class Sum(pydantic.BaseModel):
    total: int


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


def test_three_lines_give_an_answer():
    """No config, no folder, no key."""
    agent = Agent.quick("Be brief.")
    assert agent.ask("hi").parsed == DEFAULT_TEXT
    assert asyncio.run(agent.aask("hi")).content == DEFAULT_TEXT
    agent.close()


def test_a_format_gives_a_parsed_value():
    """The reply is the user's own type, mended by the model when it does not fit."""
    with Agent.quick("Add.", format=Sum, provider=scripted_model("{}", '{"total": 3}')) as agent:
        reply = agent.ask("1 and 2")
    assert reply.parsed == Sum(total=3)
    assert "total" in reply.execution_attempts[0].error_message


def test_a_parser_gives_a_parsed_value():
    """Any callable will do."""
    with Agent.quick(parser=str.upper, provider=scripted_model("a")) as agent:
        assert agent.ask("x").parsed == "A"


def test_functions_are_plain_callables():
    """Signature and docstring are all that is needed."""
    model = scripted_model({"calls": [{"name": "add", "arguments": {"a": 1, "b": 2}}]}, "3")
    with Agent.quick("Add.", functions=[add], provider=model) as agent:
        dialog = agent.init_dialog()
        dialog.send_message("1 and 2")
        reply, _, made = agent.call(dialog)
    assert (reply.content, made[0].result) == ("3", 3)


def test_each_ask_is_a_dialog_of_its_own_unless_one_is_given():
    """Memory between questions is asked for by name."""
    seen = []

    def respond(request):
        seen.append([m.content for m in request.history])
        return "ok"

    with Agent.quick("S", provider=function_model(respond)) as agent:
        agent.ask("one")
        dialog = agent.init_dialog()
        agent.ask("two", dialog)
        agent.ask("three", dialog)
    assert seen == [["S", "one"], ["S", "two"], ["S", "two", "ok", "three"]]


def test_without_a_system_prompt_nothing_is_said_for_it():
    """An empty system message is refused by some servers."""
    with Agent.quick() as agent:
        assert len(agent.init_dialog()) == 0


def test_braces_of_a_plain_prompt_are_text():
    """JSON in a system prompt must not be taken for fields."""
    with Agent.quick('Answer {"like": "this"}') as agent:
        assert agent.init_dialog().system.content == 'Answer {"like": "this"}'


@pytest.mark.parametrize(
    ("model", "options", "name", "provider"),
    [
        ("mock", {}, "mock", "mock"),
        ("mock/some-model", {}, "some-model", "mock"),
        ("openai/gpt-4o-mini", {"provider": {"api_key": "k"}}, "gpt-4o-mini", "openai"),
        ("local/org/model", {}, "org/model", "local"),
        ("org/model", {"provider": scripted_model()}, "org/model", "mock"),
    ],
)
def test_the_models_name_says_where_it_is_served(model, options, name, provider):
    """``provider/model``; with a provider of one's own, the whole text is the model's name."""
    agent = Agent.quick(model=model, **options)
    assert (agent.model, agent.provider.name) == (name, provider)


def test_an_unknown_provider_offers_the_nearest():
    """The commonest slip there is."""
    with pytest.raises(ConfigError) as caught:
        Agent.quick(model="opnai/gpt-4o-mini")
    assert caught.value.hint == "did you mean 'openai'?"


def test_a_provider_by_name_is_refused_with_where_the_name_goes():
    """A config says ``provider: mine``, so that people try it here; an AttributeError explained nothing."""
    with pytest.raises(ConfigError, match="not a name") as caught:
        Agent.quick(model="tiny", provider="mine")
    assert caught.value.hint == "model='mine/...' names one"


def test_an_unknown_option_is_refused_by_name():
    """Silently ignored, a misspelt limit would be no limit."""
    with pytest.raises(ConfigError, match="no option 'max_interupt_times'"):
        Agent.quick(max_interupt_times=1)


def test_options_of_an_agent_pass_through():
    """Whoever needs more than three lines need not change the way in."""
    with Agent.quick(provider=scripted_model("x", "y"), format=int, max_exception_retry=1, name="n") as agent:
        assert agent.name == "n"
        with pytest.raises(ModelBehaviorError):
            agent.ask("q")


@pytest.mark.parametrize("kind", [str, Path])
def test_a_folder_is_enough_for_a_log(tmp_path, kind):
    """A text or a path."""
    with Agent.quick("S", log=kind(tmp_path)) as agent:
        agent.ask("hi")
        name = agent.session.name
    log = LocalFileLog("quick", {"log_dir": str(tmp_path)})
    events = list(log.read_session(name))
    assert (events[0].kind, events[-1].kind) == ("session.open", "session.close")
    assert len([e for e in events if e.kind == "model.reply"]) == 1


def test_with_closes_the_session_and_the_next_call_opens_another():
    """Leaving the block is the end of a run, not of the agent."""
    log = MemoryLog()
    agent = Agent.quick(log=log)
    for _ in range(2):
        with agent:
            agent.ask("hi")
    assert len(log.session_names()) == 2
    assert {log.describe_session(name).status for name in log.session_names()} == {"ok"}


def test_an_agent_that_is_dropped_closes_its_session():
    """Three lines have no ``with``; their log must be whole all the same."""
    log = MemoryLog()
    agent = Agent.quick(log=log)
    agent.ask("hi")
    name = agent.session.name
    assert log.describe_session(name).status == "open"
    del agent
    gc.collect()
    assert log.describe_session(name).status == "ok"


def test_a_program_that_just_ends_closes_its_session(tmp_path):
    """The last line of a script is the end of its run."""
    script = f"""
        from lllm.llm import Agent
        agent = Agent.quick("S", log={str(tmp_path)!r})
        agent.ask("hi")
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(script)], check=True, cwd=ROOT)
    log = LocalFileLog("quick", {"log_dir": str(tmp_path)})
    assert log.describe_session(log.resolve("last")).status == "ok"


def test_a_function_that_hangs_does_not_hold_up_the_end_of_the_program(tmp_path):
    """A thread that cannot be killed must not keep a process alive."""
    script = """
        import threading
        from lllm.llm import Agent
        from lllm.models import Function
        from lllm.testing import scripted_model

        def hang() -> None:
            threading.Event().wait()

        model = scripted_model({"calls": [{"name": "hang", "arguments": {}}]}, "went on")
        agent = Agent.quick("S", functions=[Function.from_callable(hang, timeout_s=0.01)], provider=model)
        print(agent.ask("hi").content)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        check=True,
        cwd=ROOT,
        timeout=30,
        capture_output=True,
        text=True,
    )
    assert done.stdout == "went on\n"
