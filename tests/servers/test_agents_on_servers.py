"""Whole agents, with log and replay, on servers that others wrote and a model whose keywords choose its replies.

llama.cpp speaks three formats, mlx-lm one; litellm's proxy translates each of three into what its upstream speaks.
"""

from __future__ import annotations

import contextlib
import os
import signal
from dataclasses import replace

import pytest
from model_servers import SHARED, SILENT, all_ways, free_port, running

from lllm.errors import ConnectFailed, ModelBehaviorError, ProviderError
from lllm.llm import Agent, Limits, TextEvent
from lllm.log import LocalFileLog
from lllm.models import Prompt
from lllm.providers import build_provider
from lllm.replay import replay

pytestmark = pytest.mark.server


def add(a: int, b: int) -> int:
    """Add two integers."""
    return a + b


def get_weather(city: str) -> str:
    """Tell the weather of a city."""
    return f"sunny in {city}"


@pytest.fixture(params=all_ways())
def make_agent(request, tmp_path):
    """Make an agent on a real server; its log is in the test's own folder."""
    config = request.param.config(request)
    agents = []

    def make(*functions, exception_prompt="{error_message}", **options):
        options = {"model_args": {"max_tokens": 60, "temperature": 0}, **options}
        prompt = Prompt(
            path="servers/system",
            prompt="",
            functions_list=functions,
            parser=options.pop("parser", None),
            exception_prompt=exception_prompt,
        )
        agents.append(
            Agent(
                name="agent",
                system_prompt=prompt,
                model=request.param.model,
                provider=build_provider("openai_compatible", config),
                log_base=LocalFileLog("servers", {"log_dir": str(tmp_path)}),
                **options,
            )
        )
        return agents[-1]

    yield make
    for agent in agents:
        agent.close()
        agent.provider.close()


def replays(agent, text):
    """Whether the session replays as it ran, with the server out of reach."""
    agent.close()
    agent.provider.profile = replace(agent.provider.profile, base_url="http://127.0.0.1:1")

    def again(session):
        dialog = agent.init_dialog(session=session)
        dialog.send_message(text)
        with contextlib.suppress(ModelBehaviorError, ProviderError):
            agent.call(dialog)

    return replay(agent.log_base, "last", run=again).status == "same"


def test_an_answer(make_agent):
    """The plainest run: asked, answered, logged, replayed."""
    agent = make_agent()
    reply = agent.ask("hello")
    assert reply.content == "Hello! How can I help you?"
    assert reply.usage.completion_tokens > 0
    assert replays(agent, "hello")


def test_a_function_call(make_agent):
    """The server's own wire form of a call reaches a Python function, and its result reaches the model."""
    agent = make_agent(add)
    dialog = agent.init_dialog()
    dialog.send_message("sum")
    message, _, calls = agent.call(dialog)
    assert [(call.name, call.arguments, call.result) for call in calls] == [("add", {"a": 2, "b": 3}, 5)]
    assert message.content == "Tool said so; done now."
    assert replays(agent, "sum")


def test_parallel_calls(make_agent):
    """Two calls in one reply; both run, and enter the dialog in the model's order."""
    agent = make_agent(add, get_weather)
    dialog = agent.init_dialog()
    dialog.send_message("both")
    _, _, calls = agent.call(dialog)
    assert [(call.name, call.result) for call in calls] == [("add", 2), ("get_weather", "sunny in Rome")]
    assert [message.content for message in dialog if message.role == "tool"] == ["2", "sunny in Rome"]
    assert replays(agent, "both")


def test_a_malformed_call_that_the_machine_repairs(make_agent):
    """What a server makes of a broken call differs; the machine answers, and the model does better."""

    def greeting(text):
        from lllm.errors import ParseError

        if not text.startswith("Hello"):
            raise ParseError("greet the user")
        return text

    agent = make_agent(add, parser=greeting, exception_prompt="{error_message} hello")
    reply = agent.ask("badcall")
    assert reply.parsed == "Hello! How can I help you?"
    assert len(reply.execution_attempts) == 1


def test_a_cut_off_answer(make_agent, request):
    """The server says `length`; the reply is never taken for whole, and every attempt is kept."""
    if request.node.callspec.params["make_agent"] in SILENT:
        pytest.skip("llama.cpp calls a response completed that was cut off")
    agent = make_agent(model_args={"max_tokens": 6, "temperature": 0}, max_exception_retry=1)
    with pytest.raises(ModelBehaviorError, match="cut off") as caught:
        agent.ask("count")
    assert len(caught.value.attempts) == 2
    assert replays(agent, "count")


def test_text_streams_while_it_is_written(make_agent):
    """What is watched is what is logged."""
    agent = make_agent()
    dialog = agent.init_dialog()
    dialog.send_message("hello")
    events = list(agent.stream(dialog))
    text = "".join(event.text for event in events if isinstance(event, TextEvent))
    assert text.strip() == events[-1].message.content.strip() == "Hello! How can I help you?"
    assert replays(agent, "hello")


def test_a_killed_server(scripted_model, tmp_path):
    """The server dies between two turns: a named error, nothing of the dialog lost, and the log says what happened."""
    binary = SHARED / "bin" / "llama-server"
    if not os.access(binary, os.X_OK):
        pytest.skip(f"no {binary.name} in {binary.parent}")
    port = free_port()
    command = [str(binary), "-m", f"{scripted_model}.gguf", "--port", str(port), "-a", "tiny", "-c", "1024", "--jinja"]
    command += ["-ctk", "f32", "-ctv", "f32", "-fa", "off", "-t", "1"]
    log = LocalFileLog("servers", {"log_dir": str(tmp_path)})
    url = f"http://127.0.0.1:{port}/v1"
    with running(command, f"http://127.0.0.1:{port}/health") as process:
        options = {"model_args": {"temperature": 0}, "limits": Limits(max_total_wait_s=0)}
        agent = Agent.quick("", model="openai_compatible/tiny", provider={"base_url": url}, log=log, **options)
        dialog = agent.init_dialog()
        assert agent.ask("hello", dialog).content.startswith("Hello!")
        process.send_signal(signal.SIGKILL)
        process.wait(10)
        with pytest.raises(ConnectFailed):
            agent.ask("hello", dialog)
    assert [message.content for message in dialog][-1] == "hello"
    agent.close()
    kinds = [event.kind for event in log.read_session(log.resolve("last"))]
    assert kinds[-4:] == ["model.request", "model.error", "call.close", "session.close"]
