"""The MLX provider on the real mlx-lm, with a model whose keywords choose replies; whole agents, with log and replay.

Runs in an interpreter that has mlx-lm: ``LLLM_MLX_PYTHON`` names it, and it runs the tests as well.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import subprocess
import sys
from importlib.util import find_spec

import pytest

from lllm.const import Finish, Roles
from lllm.errors import ContextOverflow, ModelBehaviorError, NotFound, ProviderError, ProviderTimeout
from lllm.llm import Agent, TextEvent
from lllm.log import LocalFileLog
from lllm.models import Prompt
from lllm.models.history import History
from lllm.models.message import Message, message_to_dict
from lllm.models.request import Contract, ModelRequest
from lllm.providers.mlx import MLXProvider
from lllm.replay import replay
from lllm.utils import encode_json

pytestmark = [
    pytest.mark.server,
    pytest.mark.skipif(find_spec("mlx_lm") is None, reason="mlx-lm is not in this interpreter"),
]
DICE = {" one", " two", " three", " four", " five", " six"}


def add(a: int, b: int) -> int:
    """Add two integers."""
    return a + b


def get_weather(city: str) -> str:
    """Tell the weather of a city."""
    return f"sunny in {city}"


def ask(text, *, stream=False, **params):
    """A request that asks one question of the model."""
    message = Message(Roles.USER, text)
    grown = History().append(message, encode_json(message_to_dict(message)))
    return ModelRequest(Contract("tiny", params={"max_tokens": 60, **params}), grown, stream=stream)


@pytest.fixture(scope="module")
def provider(scripted_model):
    """The model in this process, loaded once."""
    made = MLXProvider(str(scripted_model), timeout_s=120)
    yield made
    made.close()


@pytest.fixture
def make_agent(provider, tmp_path):
    """Make an agent on the model in this process; its log is in the test's own folder."""
    agents = []

    def make(*functions, stand_in=None, **options):
        options = {"model_args": {"max_tokens": 60, "temperature": 0}, **options}
        prompt = Prompt(
            path="mlx/system",
            prompt="",
            functions_list=functions,
            parser=options.pop("parser", None),
            exception_prompt=options.pop("exception_prompt", "{error_message}"),
        )
        log = LocalFileLog("mlx", {"log_dir": str(tmp_path)})
        agents.append(
            Agent(
                name="agent",
                system_prompt=prompt,
                model="tiny",
                provider=stand_in or provider,
                log_base=log,
                **options,
            )
        )
        return agents[-1]

    yield make
    for agent in agents:
        agent.close()


def replays(make_agent, text, *functions, **options):
    """Whether the last session replays as it ran, where neither mlx-lm nor the model is."""
    agent = make_agent(*functions, stand_in=MLXProvider("nowhere"), **options)

    def again(session):
        dialog = agent.init_dialog(session=session)
        dialog.send_message(text)
        with contextlib.suppress(ModelBehaviorError, ProviderError):
            agent.call(dialog)

    modules = {name: None for name in sys.modules if name.partition(".")[0] in ("mlx", "mlx_lm", "transformers")}
    with pytest.MonkeyPatch.context() as patch:
        for name in modules:
            patch.setitem(sys.modules, name, None)
        return replay(agent.log_base, "last", run=again).status == "same"


def test_an_answer_in_this_process(make_agent):
    """The plainest run: asked, answered, logged, and replayed without mlx."""
    agent = make_agent()
    reply = agent.ask("hello")
    assert (reply.content, reply.finish) == ("Hello! How can I help you?", Finish.STOP)
    assert reply.usage.prompt_tokens > 0
    assert (reply.usage.completion_tokens, reply.usage.cost_usd) == (6, 0.0)
    agent.close()
    assert replays(make_agent, "hello")


def test_a_function_call_in_this_process(make_agent):
    """The model's own form of a call reaches a Python function, and its result reaches the model."""
    agent = make_agent(add)
    dialog = agent.init_dialog()
    dialog.send_message("sum")
    message, _, calls = agent.call(dialog)
    assert [(call.name, call.arguments, call.result) for call in calls] == [("add", {"a": 2, "b": 3}, 5)]
    assert message.content == "Tool said so; done now."
    agent.close()
    assert replays(make_agent, "sum", add)


def test_parallel_calls_in_this_process(make_agent):
    """Two calls in one reply, with text before them."""
    agent = make_agent(add, get_weather)
    dialog = agent.init_dialog()
    dialog.send_message("both")
    _, _, calls = agent.call(dialog)
    assert [(call.name, call.result) for call in calls] == [("add", 2), ("get_weather", "sunny in Rome")]
    agent.close()
    assert replays(make_agent, "both", add, get_weather)


def test_a_malformed_call_in_this_process(make_agent):
    """The call keeps its name, so that the model is told what is wrong with its arguments."""
    agent = make_agent(add)
    dialog = agent.init_dialog()
    dialog.send_message("badcall")
    agent.call(dialog)
    results = [message.content for message in dialog if message.role == "tool"]
    assert len(results) == 1
    assert "not valid JSON" in results[0]
    agent.close()
    assert replays(make_agent, "badcall", add)


def test_a_cut_off_answer_in_this_process(make_agent):
    """A reply at its limit is never taken for whole."""
    options = {"model_args": {"max_tokens": 6, "temperature": 0}, "max_exception_retry": 1}
    agent = make_agent(**options)
    with pytest.raises(ModelBehaviorError, match="cut off") as caught:
        agent.ask("count")
    assert [attempt.content for attempt in caught.value.attempts] == ["n1 n2 n3 n4 n5 n6"] * 2
    agent.close()
    assert replays(make_agent, "count", **options)


def test_text_streams_in_this_process(make_agent):
    """What is watched is what is logged."""
    agent = make_agent()
    dialog = agent.init_dialog()
    dialog.send_message("count")
    events = list(agent.stream(dialog))
    pieces = [event.text for event in events if isinstance(event, TextEvent)]
    assert "".join(pieces).strip() == events[-1].message.content.strip()
    assert len(pieces) > 20


@pytest.mark.parametrize("text", ["hello", "sum", "both", "badcall", "json", "count", "think", "unicode", "dice"])
def test_a_stream_and_a_whole_reply_are_the_same(provider, text):
    """Whether a reply is watched must not change it."""
    seen = []
    settings = {"seed": 3, "temperature": 1, "top_logprobs": 3}
    streamed = provider.send(ask(text, stream=True, **settings), on_delta=seen.append)
    whole = asyncio.run(provider.asend(ask(text, **settings)))
    assert streamed == whole
    assert "".join(delta.text for delta in seen if delta.kind == "text") == whole.content
    assert "".join(delta.text for delta in seen if delta.kind == "reasoning") == whole.reasoning


def test_a_thought_is_told_apart(provider):
    """Its tokenizer names the marks; the thought is kept as it was written."""
    message = provider.send(ask("think"))
    assert (message.content, message.reasoning) == ("The answer is 4.", "\nLet me ponder.\n")
    assert message.usage.reasoning_tokens > 0
    assert "".join(logprob.token for logprob in provider.send(ask("think", logprobs=True)).logprobs).strip() == (
        "The answer is 4."
    )


def test_a_character_of_many_tokens_comes_whole(provider):
    """Half a character is none."""
    seen = []
    assert provider.send(ask("unicode", stream=True), on_delta=seen.append).content == "😀fin"
    assert [delta.text for delta in seen] == ["😀", "fin"]


def test_log_probabilities_are_exact(provider):
    """Six ways that are equally likely: each is the logarithm of a sixth."""
    (chosen,) = provider.send(ask("dice", top_logprobs=7)).logprobs
    assert chosen.token in DICE
    assert chosen.logprob == pytest.approx(-math.log(6), abs=1e-4)
    assert {token for token, _ in chosen.top[:6]} == DICE
    assert [logprob for _, logprob in chosen.top[:6]] == pytest.approx([-math.log(6)] * 6, abs=1e-4)
    assert chosen.top[6][1] < -10
    (alone,) = provider.send(ask("dice", logprobs=True)).logprobs
    assert alone.top == ()
    assert provider.send(ask("dice")).logprobs == ()
    (every,) = provider.send(ask("dice", top_logprobs=10**6)).logprobs
    assert sum(math.exp(logprob) for _, logprob in every.top) == pytest.approx(1, abs=1e-3)


def test_a_seed_repeats(provider):
    """The same seed, the same words; other seeds, other words; no seed, no repetition by accident."""
    first, second = (
        [provider.send(ask("dice", seed=seed, temperature=1)).content for seed in range(12)] for _ in range(2)
    )
    assert first == second
    assert len(set(first)) > 1
    unseeded = []
    for _ in range(12):
        provider.send(ask("dice", seed=1, temperature=1))
        unseeded.append(provider.send(ask("dice", temperature=1)).content)
    assert len(set(unseeded)) > 1


def test_seeds_repeat_among_many_calls(provider):
    """Calls of many tasks do not disturb each other's seeds."""

    async def many():
        requests = [ask("dice", seed=number % 6, temperature=1) for number in range(30)]
        return [message.content for message in await asyncio.gather(*map(provider.asend, requests))]

    got = asyncio.run(many())
    assert got == got[:6] * 5


@pytest.mark.parametrize("params", [{"top_k": 1}, {"top_p": 0.01}, {"min_p": 0.9}])
def test_a_sampler_is_as_it_was_asked_for(provider, params):
    """Sampling hot wanders off; with one candidate it cannot."""
    settings = {"temperature": 9, "seed": 1, "max_tokens": 9}
    assert provider.send(ask("count", **settings, **params)).content == "n1 n2 n3 n4 n5 n6 n7 n8 n9"
    assert provider.send(ask("count", **settings)).content != "n1 n2 n3 n4 n5 n6 n7 n8 n9"


def test_a_stop_text_ends_a_real_reply(provider):
    """Also one that begins within a token."""
    message = provider.send(ask("count", stop=["5 n6"]))
    assert (message.content, message.finish) == ("n1 n2 n3 n4 n", Finish.STOP)


def test_a_cancelled_task_stops_a_real_model(provider):
    """An endless reply, cancelled: the next call is answered at once."""

    async def cancel():
        started = asyncio.Event()
        endless = ask("loop", stream=True, max_tokens=100_000)
        task = asyncio.create_task(provider.asend(endless, on_delta=lambda _: started.set()))
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return await provider.asend(ask("hello"), timeout_s=30)

    assert asyncio.run(cancel()).content.startswith("Hello!")


def test_time_is_over_between_tokens(provider):
    """An endless reply within a time: what was written is kept."""
    provider.send(ask("hello"))
    with pytest.raises(ProviderTimeout) as caught:
        provider.send(ask("loop", max_tokens=1000), timeout_s=0.2)
    assert caught.value.partial.startswith("~la ~li")


def test_a_dialog_beyond_the_context_is_refused(provider):
    """The model's own limit is 1024 tokens."""
    with pytest.raises(ContextOverflow, match="context 1024"):
        provider.send(ask("x" * 2000))
    assert provider.send(ask("loop" + "x" * 1000, max_tokens=100)).usage.completion_tokens < 24


def test_models_that_are_none(tmp_path):
    """Named errors, whatever is found at a path."""
    with pytest.raises(NotFound):
        MLXProvider(str(tmp_path)).send(ask("hello"))
    (tmp_path / "config.json").write_text('{"model_type": "no-such-type"}')
    with pytest.raises(ProviderError, match="cannot be loaded"):
        MLXProvider(str(tmp_path)).send(ask("hello"))


def test_an_argument_that_the_sampler_refuses(provider):
    """What only the model's size tells is found while it samples."""
    with pytest.raises(ProviderError, match="min_p"):
        provider.send(ask("hello", temperature=1, min_p=7.0))
    assert provider.send(ask("hello")).content.startswith("Hello!")


FORK = """
import os
from lllm.errors import ConfigError
child = os.fork()
if not child:
    with suppress(ConfigError):
        provider.send(ask('hello'), timeout_s=20)
        sys.exit(1)
    sys.exit(0)
assert os.waitpid(child, 0)[1] == 0
"""
ENDS = {
    "done": "",
    "forked": FORK,
    "late": "with suppress(ProviderTimeout): provider.send(ask('loop', max_tokens=900), timeout_s=0.2)",
    "while it writes": "provider.send(ask('loop', stream=True, max_tokens=900), on_delta=lambda _: sys.exit(0))",
}


@pytest.mark.parametrize("last", ENDS.values(), ids=ENDS)
def test_a_process_that_used_a_model_ends_well(scripted_model, last):
    """Mlx aborts a process whose threads left something behind: the work is done, and the exit code says it failed."""
    code = f"""
import sys
from contextlib import suppress
sys.path[:0] = {sys.path[:3]!r}
from lllm.errors import ProviderTimeout
from test_mlx_in_process import MLXProvider, ask
provider = MLXProvider({str(scripted_model)!r})
assert provider.send(ask('hello')).content.startswith('Hello!')
{last}
"""
    for _ in range(3):
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=100)
        assert done.returncode == 0, done.stderr[-2000:]
