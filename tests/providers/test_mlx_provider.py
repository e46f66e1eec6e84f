"""The in-process provider, on a model that is written here: text, threads, errors. The real mlx-lm is in tests/servers."""

from __future__ import annotations

import asyncio
import json
import sys
import threading
from types import SimpleNamespace

import pytest
from chat_values import ask, history
from hypothesis import given
from hypothesis import strategies as st

from lllm.const import Finish, Roles
from lllm.errors import BadRequest, ConfigError, ContextOverflow, NotFound, ProviderError, ProviderTimeout
from lllm.models.call import FunctionCall
from lllm.models.function import Function
from lllm.models.message import Image, Message, Native
from lllm.models.request import Contract
from lllm.providers import build_provider, mlx_model, mlx_thread
from lllm.providers.mlx import MLXProvider
from lllm.providers.mlx_question import to_chat, to_question, to_settings
from lllm.providers.mlx_text import Marks, ReplyText
from lllm.providers.nano import FOLDER, HINT
from lllm.providers.wire.draft import Asked, Draft

MARKS = Marks(("<think>", "</think>"), ("<tool_call>", "</tool_call>"), ("STOP",))
WAIT_S = 20.0


def read(*pieces, where="text", marks=MARKS):
    """What a reply that came in ``pieces`` is."""
    text = ReplyText(Draft(Asked("m", "mlx")), marks, json.loads, where)
    for piece in pieces:
        text.feed(piece)
    text.end()
    return text.draft.to_message()


def comparable(message):
    calls = [(call.name, call.raw_arguments) for call in message.function_calls]
    return message.content, message.reasoning, calls, message.native


CALL = '<tool_call>\n{"name": "f", "arguments": {"x": 1}}\n</tool_call>'
TEXTS = {
    "plain": ("  a < b ", "  a < b ", "", []),
    "a thought": ("<think>\nhm\n</think>\n\nfour or\n five", "four or\n five", "\nhm\n", []),
    "a call": (f"Wait.\n{CALL}\n{CALL}", "Wait.\n", "", [("f", {"x": 1})] * 2),
    "a call in a thought": (f"<think>hm{CALL}", "", "hm", [("f", {"x": 1})]),
    "a thought without end": ("<think>hm", "", "hm", []),
    "a call without end": (CALL.removesuffix("</tool_call>"), "", "", [("f", {"x": 1})]),
    "the beginning of a mark": ("a <tool", "a <tool", "", []),
    "a stop": ("one STOP two", "one ", "", []),
    "a stop in a thought": ("<think>hm STOP </think>x", "", "hm ", []),
    "a call that is none": ("<tool_call>oops</tool_call> so", "<tool_call>oops</tool_call>so", "", []),
    "a call that is cut": ("<tool_call>oops", "<tool_call>oops", "", []),
    "an empty list of calls": ("<tool_call>[]</tool_call>", "<tool_call>[]</tool_call>", "", []),
    "two calls in one": (
        '<tool_call>[{"name": "f", "arguments": "{}"}, {"name": "g"}]</tool_call>',
        "",
        "",
        [("f", {}), ("g", {})],
    ),
}


@pytest.mark.parametrize(("text", "content", "reasoning", "calls"), TEXTS.values(), ids=TEXTS)
def test_a_models_text_is_sorted(text, content, reasoning, calls):
    """Nothing that was written is lost, and no mark reaches the user."""
    message = read(text)
    assert (message.content, message.reasoning) == (content, reasoning)
    assert [(call.name, call.arguments) for call in message.function_calls] == calls
    assert (message.native == Native("mlx")) == bool(reasoning)


@given(st.sampled_from([text for text, *_ in TEXTS.values()]), st.data())
def test_a_models_text_cut_anywhere_is_the_same(text, data):
    """Where one token ends and the next begins is the tokenizer's affair."""
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)))))
    pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert comparable(read(*pieces)) == comparable(read(text))


def test_only_the_layout_behind_a_mark_is_dropped():
    """The spaces between the words that follow are the text's own."""
    assert read("<think>a</think>", "\n", " ", "one", " two\n").content == "one two\n"


@given(st.text(alphabet="<>/thinkSTOP_call {}\n"), st.data())
def test_any_text_that_holds_no_mark_comes_through(text, data):
    """The marks are words that a user may write about."""
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6)))
    pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert read(*pieces, marks=Marks()).content == text
    if not any(mark in text for mark in ("<think>", "<tool_call>", "STOP")):
        assert read(*pieces).content == text


def test_a_broken_call_keeps_its_name():
    """So the machine can tell the model what is wrong with its arguments, in place of losing the call."""
    (call,) = read('<tool_call>\n{"name": "add", "arguments": {"a": 2, "b"\noops</tool_call>').function_calls
    assert (call.name, bool(call.fault)) == ("add", True)


@pytest.mark.parametrize("parsed", [{"name": "f", "arguments": {1, 2}}, {"name": "f", "arguments": {(1, 2): 3}}])
def test_arguments_that_are_no_json_are_kept_as_text(parsed):
    """Parsers of some models evaluate Python."""
    text = ReplyText(Draft(Asked()), MARKS, lambda _: parsed)
    text.feed(CALL)
    assert text.draft.to_message().function_calls[0].fault


@pytest.mark.parametrize("error", [KeyError("name"), SyntaxError("x"), RecursionError(), IndexError()], ids=repr)
def test_a_parser_of_calls_may_raise_anything(error):
    """There is one for each family of models, and what they read was written by a model."""

    def parse_call(_):
        raise error

    text = ReplyText(Draft(Asked()), MARKS, parse_call)
    text.feed(CALL)
    assert [call.name for call in text.draft.to_message().function_calls] == ["f"]


def test_a_thought_that_the_template_began_is_one():
    """Some templates open the thought themselves; the model's text then begins inside it."""
    message = read("hm</think>four", where="reasoning")
    assert (message.content, message.reasoning) == ("four", "hm")


def test_a_call_without_an_end_mark_lasts_to_the_end():
    """Such are the marks of some models."""
    message = read('[CALL]{"name": "f", "arguments": {}}', marks=Marks(call=("[CALL]", "")))
    assert [call.name for call in message.function_calls] == ["f"]


def test_how_a_reply_is_made():
    """Every argument in mlx-lm's words."""
    params = {"temperature": 0.5, "top_p": 0.9, "top_k": 3, "min_p": 0.1, "max_tokens": 7, "seed": 1, "stop": "x"}
    params |= {"top_logprobs": 2, "repetition_penalty": 1.1, "reasoning_effort": "none", "presence_penalty": None}
    extra = {"chat_template_kwargs": {"custom": 1}}
    settings = to_settings(Contract("m", params=params, extra_body=extra), 99)
    assert (settings.max_tokens, settings.seed, settings.stop, settings.top_logprobs) == (7, 1, ("x",), 2)
    assert settings.sampler == {"temp": 0.5, "top_p": 0.9, "top_k": 3, "min_p": 0.1}
    assert settings.penalties == {"repetition_penalty": 1.1}
    assert settings.template == {"enable_thinking": False, "reasoning_effort": "none", "custom": 1}
    plain = to_settings(Contract("m"), 99)
    assert (plain.max_tokens, plain.seed, plain.stop, plain.top_logprobs) == (99, None, (), None)
    assert (plain.sampler, plain.penalties, plain.template) == ({"temp": 0.0}, {}, {})
    assert to_settings(Contract("m", params={"logprobs": True}), 1).top_logprobs == 0
    assert to_settings(Contract("m", params={"logprobs": False}), 1).top_logprobs is None


@pytest.mark.parametrize(
    ("contract", "says"),
    [
        ({"params": {"logit_bias": {}}}, "no model argument 'logit_bias'"),
        ({"params": {"tool_choice": "required"}}, "no tool_choice"),
        ({"params": {"temperature": "hot"}}, "temperature may not be 'hot'"),
        ({"params": {"max_tokens": 0}}, "max_tokens may not be 0"),
        ({"params": {"max_tokens": -1}}, "max_tokens may not be -1"),
        ({"params": {"seed": True}}, "seed may not be True"),
        ({"extra_body": {"top_k": 3}}, "does not know top_k"),
    ],
)
def test_what_mlx_has_no_word_for_is_refused(contract, says):
    """Before the call waits for a model that takes minutes to load."""
    with pytest.raises(ConfigError, match=says):
        MLXProvider("nowhere").send(ask(**contract))


def test_a_dialog_as_templates_take_it():
    """Arguments are objects, a result names its function, and earlier thoughts go to their own family."""
    calls = (FunctionCall("c1", "add", '{"a": 1}'), FunctionCall("c2", "sub", "{oops"))
    thought = Message(Roles.ASSISTANT, "x", reasoning="hm", native=Native("mlx"), function_calls=calls)
    results = [Message(Roles.TOOL, "1", tool_call_id=call.id) for call in calls]
    plain = to_chat(history("go", thought, *results))
    assert plain[1] == {
        "role": "assistant",
        "content": "x",
        "tool_calls": [
            {"id": "c1", "type": "function", "function": {"name": "add", "arguments": {"a": 1}}},
            {"id": "c2", "type": "function", "function": {"name": "sub", "arguments": {"invalid": "{oops"}}},
        ],
    }
    assert plain[3] == {"role": "tool", "content": "1", "tool_call_id": "c2", "name": "sub"}
    assert to_chat(history(thought), "mlx")[0]["reasoning_content"] == "hm"
    assert "reasoning_content" not in to_chat(history(thought), "other")[0]
    question = to_question(ask(functions=(Function("f", "F."),)), max_tokens=1)
    assert question.tools[0]["function"].keys() == {"name", "description", "parameters"}
    assert to_question(ask(), max_tokens=1).tools is None
    with pytest.raises(ConfigError, match="text alone"):
        to_chat(history(Message(Roles.USER, "?", images=(Image("QUJD"),))))


class FakeMLX:
    """Stands where mlx-lm and mlx do: a model that says what it is told to, when it is told to.

    ``gate`` is what each token behind the first waits for; ``closed`` is set when a reply is over or abandoned.
    """

    def __init__(self):
        self.words = ["one", " two", " three"]
        self.gate = self.closed = None
        self.error = self.load_error = None
        self.loads, self.seeds, self.cleared, self.made, self.prompts = [], [], [], 0, []
        self.template = "chat"
        self.limit, self.dtypes = None, []

    def load(self, path, adapter_path=None):
        if self.load_error:
            raise self.load_error
        self.loads.append((path, adapter_path))
        model = SimpleNamespace(args=SimpleNamespace(max_position_embeddings=self.limit), set_dtype=self.dtypes.append)
        return model, self

    has_thinking = has_tool_calling = False

    @property
    def has_chat_template(self):
        return bool(self.template)

    def apply_chat_template(self, messages, **options):
        if self.template == "broken":
            raise ValueError("roles must alternate")
        self.prompts.append(messages)
        return messages[-1]["content"]

    def encode(self, text, add_special_tokens):
        assert not add_special_tokens
        return list(range(len(text)))

    def stream_generate(self, model, tokenizer, ids, *, max_tokens, sampler, prompt_progress_callback):
        words, closed = list(self.words), self.closed
        prompt_progress_callback(0, len(ids))
        try:
            for number, word in enumerate(words, 1):
                if number > 1 and self.gate is not None:
                    self.gate.acquire(timeout=WAIT_S)
                if self.error:
                    raise self.error
                self.made += 1
                last = number in (len(words), max_tokens)
                reason = None if not last else "stop" if number == len(words) else "length"
                yield SimpleNamespace(text=word, token=0, logprobs=None, generation_tokens=number, finish_reason=reason)
                if last:
                    return
        finally:
            if closed is not None:
                closed.set()

    def modules(self):
        core = SimpleNamespace(
            random=SimpleNamespace(seed=self.seeds.append),
            clear_cache=lambda: self.cleared.append(1),
            float32="float32",
        )
        sampling = SimpleNamespace(make_sampler=lambda **options: options, make_logits_processors=None)
        package = SimpleNamespace(load=self.load, stream_generate=self.stream_generate)
        return {"mlx_lm": package, "mlx_lm.sample_utils": sampling, "mlx.core": core}


@pytest.fixture
def mlx(monkeypatch):
    fake = FakeMLX()
    for name, module in fake.modules().items():
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setattr(mlx_model, "_loaded", type(mlx_model._loaded)())
    monkeypatch.setattr(mlx_model, "_homes", [])
    return fake


def call(provider, request, *, use_async, **options):
    return asyncio.run(provider.asend(request, **options)) if use_async else provider.send(request, **options)


both = pytest.mark.parametrize("use_async", [False, True], ids=["sync", "async"])


@both
def test_a_reply_is_watched_where_it_is_waited_for(mlx, tmp_path, use_async):
    """The model has a thread of its own; whoever watches the pieces must not be called from there."""
    threads, seen = set(), []

    def watch(delta):
        threads.add(threading.current_thread())
        seen.append(delta.text)

    provider = MLXProvider(str(tmp_path))
    message = call(provider, ask("hello", stream=True), use_async=use_async, on_delta=watch)
    assert (message.content, message.finish, message.model) == ("one two three", Finish.STOP, str(tmp_path))
    assert (message.usage.prompt_tokens, message.usage.completion_tokens, message.usage.cost_usd) == (5, 3, 0.0)
    assert (seen, threads) == (mlx.words, {threading.current_thread()})
    seen.clear()
    assert call(provider, ask("hello"), use_async=use_async, on_delta=watch) == message
    assert seen == []


@both
def test_mlx_lm_is_asked_for_with_the_command_that_installs_it(monkeypatch, use_async):
    """It is not there on most machines; nothing may fail before the first call, and that one must say what to do."""
    monkeypatch.setitem(sys.modules, "mlx_lm", None)
    provider = MLXProvider(".")
    with pytest.raises(ConfigError, match="mlx-lm cannot be imported") as caught:
        call(provider, ask(), use_async=use_async)
    assert 'pip install "lllm[mlx]"' in caught.value.hint


@pytest.mark.parametrize("path", ["./nope", "nope", "/no/such/model", "~/no-such-model", "a/b/c"])
def test_a_model_that_is_nowhere_is_not_looked_for_on_the_network(mlx, path):
    """A path with a typo is no repository."""
    with pytest.raises(NotFound, match="there is no model") as caught:
        MLXProvider().send(ask(model=path))
    assert (mlx.loads, caught.value.provider) == ([], "mlx")


def test_a_repository_is_asked_for_by_its_name(mlx):
    """The hub's own library fetches it, or finds what it has fetched."""
    assert MLXProvider("owner/name", adapter_path="lora").send(ask()).content == "one two three"
    assert mlx.loads == [("owner/name", "lora")]


@pytest.mark.parametrize(
    ("error", "kind"), [(FileNotFoundError("config.json"), NotFound), (ValueError("Model type x"), ProviderError)]
)
def test_a_model_that_cannot_be_loaded_is_named(mlx, tmp_path, error, kind):
    """What mlx-lm says stands in the message; to try again is no cure."""
    mlx.load_error = error
    with pytest.raises(ProviderError, match=str(error)) as caught:
        MLXProvider(str(tmp_path)).send(ask())
    assert (type(caught.value), caught.value.retryable, caught.value.provider) == (kind, False, "mlx")


def test_a_model_is_loaded_once_and_few_are_kept(mlx, tmp_path):
    """Loading takes seconds to minutes, and a machine holds few models."""
    places = [tmp_path / name for name in "abc"]
    for place in places:
        place.mkdir()
    provider = MLXProvider()
    for name in "abaca":
        provider.send(ask(model=str(tmp_path / name)))
    assert [path[-1] for path, _ in mlx.loads] == ["a", "b", "c"]
    provider.send(ask(model=str(tmp_path / "b")))
    assert [path[-1] for path, _ in mlx.loads] == ["a", "b", "c", "b"]
    assert list(mlx_model._loaded) == [mlx_model.Place(str(tmp_path / name)) for name in "ab"]


@both
def test_a_closed_provider_lets_go_of_its_models(mlx, tmp_path, use_async):
    """They are gigabytes; a later call loads them anew."""
    provider = MLXProvider(str(tmp_path))
    provider.close()
    provider.send(ask())
    if use_async:
        asyncio.run(provider.aclose())
    else:
        provider.close()
    provider.send(ask())
    assert (len(mlx.loads), len(mlx.cleared)) == (2, 1)


def test_a_provider_that_was_never_asked_is_closed_for_nothing(monkeypatch):
    """Health checks and listings build providers and close them: no thread is started for that."""
    monkeypatch.setattr(mlx_thread, "_threads", [])
    MLXProvider("nowhere").close()
    assert mlx_thread._threads == []


def test_a_fork_of_a_process_that_used_mlx_is_told_so(mlx, tmp_path, monkeypatch):
    """Mlx itself would wait for ever, and so would the end of the process."""
    provider = MLXProvider(str(tmp_path))
    provider.send(ask())
    monkeypatch.setattr(mlx_model, "_homes", [-1])  # as if that had been another process
    with pytest.raises(ConfigError, match="fork") as caught:
        provider.send(ask())
    assert "spawn" in caught.value.hint


def test_a_cancelled_call_stops_the_model(mlx, tmp_path):
    """A model that goes on writing for nobody blocks everybody."""
    mlx.gate, mlx.closed = threading.Semaphore(0), threading.Event()

    async def cancel_at_the_first_word():
        first = asyncio.Event()
        task = asyncio.create_task(provider.asend(ask(stream=True), on_delta=lambda _: first.set()))
        await first.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        mlx.gate.release()

    provider = MLXProvider(str(tmp_path))
    asyncio.run(cancel_at_the_first_word())
    assert mlx.closed.wait(WAIT_S)
    assert mlx.made == 2
    mlx.gate = None
    assert provider.send(ask()).content == "one two three"


@both
def test_a_watcher_that_raises_stops_the_model(mlx, tmp_path, use_async):
    """What ``on_delta`` raises ends the attempt, and reaches the caller as it is."""
    mlx.gate, mlx.closed = threading.Semaphore(0), threading.Event()

    def watch(_):
        mlx.gate.release()
        raise TimeoutError("enough")  # also one that looks like our own

    with pytest.raises(TimeoutError, match="enough") as caught:
        call(MLXProvider(str(tmp_path)), ask(stream=True), use_async=use_async, on_delta=watch)
    assert not isinstance(caught.value, ProviderError)
    assert mlx.closed.wait(WAIT_S)
    assert mlx.made < 3


@both
def test_time_is_over_also_for_a_model_that_hangs(mlx, tmp_path, use_async):
    """The caller is told in time, with the text so far; the model stops when it next can."""
    mlx.gate, mlx.closed = threading.Semaphore(0), threading.Event()
    provider = MLXProvider(str(tmp_path))
    provider.send(ask(params={"max_tokens": 1}))  # so that loading takes no time
    with pytest.raises(ProviderTimeout) as caught:
        call(provider, ask(), use_async=use_async, timeout_s=1)
    assert (caught.value.partial, caught.value.retryable, caught.value.provider) == ("one", True, "mlx")
    mlx.closed.clear()
    mlx.gate.release()
    assert mlx.closed.wait(WAIT_S)


def test_no_time_at_all_asks_nobody(mlx, tmp_path):
    """A call that is late before it begins must not occupy the model."""
    with pytest.raises(ProviderTimeout):
        MLXProvider("late/model").send(ask(), timeout_s=0)
    assert MLXProvider(str(tmp_path)).send(ask(), timeout_s=float("inf")).content == "one two three"
    assert (mlx.made, mlx.loads) == (3, [(str(tmp_path), None)])


def test_calls_wait_for_each_other(mlx, tmp_path):
    """The random state is one for the whole process: two replies at once would mix their seeds."""
    mlx.gate = threading.Semaphore(0)
    provider, started = MLXProvider(str(tmp_path)), threading.Event()
    replies = {}

    def ask_for(number, on_delta=None):
        request = ask(stream=True, params={"seed": number})
        replies[number] = provider.send(request, on_delta=on_delta).content

    threads = [threading.Thread(target=ask_for, args=(0, lambda _: started.set()))]
    threads[0].start()
    assert started.wait(WAIT_S)
    threads += [threading.Thread(target=ask_for, args=(number,)) for number in (1, 2)]
    for thread in threads[1:]:
        thread.start()
    assert len(mlx.seeds) == 1
    mlx.gate.release(6)
    for thread in threads:
        thread.join(WAIT_S)
    assert replies == dict.fromkeys(range(3), "one two three")
    assert len(set(mlx.seeds)) == 3


def test_many_calls_of_one_event_loop_are_all_answered(mlx, tmp_path):
    """Fifty at once wait in one queue; a loop that is closed meanwhile hurts nobody."""
    provider = MLXProvider(str(tmp_path))

    async def many():
        return await asyncio.gather(*(provider.asend(ask(stream=True)) for _ in range(50)))

    assert {message.content for message in asyncio.run(many())} == {"one two three"}


def test_a_call_without_a_seed_has_a_fresh_one(mlx, tmp_path):
    """Behind a seeded call the random state is known: an unseeded one must not repeat with it."""
    provider = MLXProvider(str(tmp_path))
    for params in ({"seed": 7}, {}, {"seed": 7}, {}):
        provider.send(ask(params=params))
    first, fresh, again, other = mlx.seeds
    assert first == again
    assert fresh != other


def test_a_retry_does_not_draw_the_numbers_of_its_slip(mlx, tmp_path):
    """With the same ones a model tends to say the same again, however it is told off."""
    provider = MLXProvider(str(tmp_path))
    for text in ("hello", "hello", "not so"):
        provider.send(ask(text, params={"seed": 7}))
    first, same, retry = mlx.seeds
    assert first == same != retry
    provider.send(ask("hello", params={"seed": 2**64 + 7}))
    assert mlx.seeds[-1] == first
    for _ in range(2):
        provider.send(ask("hello", params={"seed": 0}))
    assert mlx.seeds[-1] == mlx.seeds[-2] != first


def test_the_model_in_the_box_is_loaded_by_its_name(mlx, tmp_path, monkeypatch):
    """From the package, wherever the program runs; and computed in 32 bits, which no other model is."""
    monkeypatch.chdir(tmp_path)
    assert MLXProvider("nano").send(ask()).model == MLXProvider(str(FOLDER)).send(ask()).model == "nano"
    mlx.loads.clear()
    mlx.dtypes.clear()
    mlx_model.forget_models(*mlx_model._loaded)
    MLXProvider("nano").send(ask())
    assert (mlx.loads, mlx.dtypes) == ([(str(FOLDER), None)], ["float32"])
    MLXProvider(str(tmp_path)).send(ask())
    assert mlx.dtypes == ["float32"]


@pytest.mark.parametrize("error", [ImportError, RuntimeError, OSError])
def test_a_package_that_is_broken_is_told_with_the_command(mlx, monkeypatch, error):
    """Whatever its import raises: what mends it is the same."""

    def fail(_name):
        raise error("no library")

    monkeypatch.setattr(mlx_model, "import_module", fail)
    with pytest.raises(ConfigError, match="no library") as caught:
        MLXProvider("nano").send(ask())
    assert caught.value.hint == HINT


@both
@pytest.mark.parametrize("error", [RuntimeError("out of memory"), KeyError("x"), SystemExit(1)], ids=repr)
def test_a_model_that_fails_is_a_named_error(mlx, tmp_path, error, use_async):
    """Whatever is raised in its thread: a caller that waits for nothing would wait for ever."""
    mlx.error = error
    with pytest.raises(ProviderError, match="the model failed") as caught:
        call(MLXProvider(str(tmp_path)), ask(), use_async=use_async)
    assert type(error).__name__ in str(caught.value)
    mlx.error = None
    assert MLXProvider(str(tmp_path)).send(ask()).content == "one two three"


def test_a_model_without_a_template_is_refused(mlx, tmp_path):
    """A base model would go on with the dialog in place of answering it."""
    mlx.template = ""
    with pytest.raises(ConfigError, match="no chat template"):
        MLXProvider(str(tmp_path)).send(ask())


def test_what_a_template_refuses_is_a_bad_request(mlx, tmp_path):
    """Some models want the roles in turn; what the template says is what the user must read."""
    mlx.template = "broken"
    with pytest.raises(BadRequest, match="roles must alternate"):
        MLXProvider(str(tmp_path)).send(ask())


def test_what_the_sampler_refuses_is_a_bad_request(mlx, tmp_path):
    """An older mlx-lm knows fewer arguments."""
    with pytest.raises(BadRequest, match="refuses a model argument"):
        MLXProvider(str(tmp_path)).send(ask(params={"repetition_penalty": 1.5}))


def test_the_context_of_a_model_is_its_limit(mlx, tmp_path):
    """Behind it a model writes nonsense; a reply that fills the rest of it is cut off, not longer."""
    mlx.limit = 7
    provider = MLXProvider(str(tmp_path))
    message = provider.send(ask("hello"))
    assert (message.content, message.finish) == ("one two", Finish.LENGTH)
    with pytest.raises(ContextOverflow, match="the dialog has 7 tokens, and the model's context 7"):
        provider.send(ask("hello, you"[:7]))


def test_a_limit_that_nobody_names_is_the_providers(mlx, tmp_path):
    """A model may write for ever."""
    mlx.words = [str(number) for number in range(9)]
    provider = MLXProvider(str(tmp_path), max_tokens=2)
    assert provider.send(ask()).content == "01"
    assert provider.send(ask(params={"max_tokens": 3})).content == "012"


def test_a_stop_text_ends_the_reply(mlx, tmp_path):
    """Also one that lies across two tokens; it is no part of the reply."""
    mlx.words = ["one", " tw", "o three", " four"]
    message = MLXProvider(str(tmp_path)).send(ask(params={"stop": ["two t", "four"]}))
    assert (message.content, message.finish, mlx.made) == ("one ", Finish.STOP, 3)
    cut = MLXProvider(str(tmp_path)).send(ask(params={"stop": "two t", "max_tokens": 3}))
    assert cut.finish is Finish.STOP
    mlx.words, seen = ["one", " tw"], []
    request = ask(stream=True, params={"stop": "two t"})
    message = MLXProvider(str(tmp_path)).send(request, on_delta=lambda delta: seen.append(delta.text))
    assert message.content == "".join(seen) == "one tw"


def test_a_log_is_told_which_model_it_is(mlx, tmp_path):
    """The path is what a replay shows; nothing is loaded for it."""
    assert MLXProvider("p").describe() == {"name": "mlx", "api": "mlx", "base_url": "p"}
    assert MLXProvider(name="mine").describe() == {"name": "mine", "api": "mlx", "base_url": ""}
    assert mlx.loads == []


@pytest.mark.parametrize(
    "settings",
    [
        {"max_tokens": 0},
        {"max_tokens": 1.5},
        {"timeout_s": -1},
        {"timeout_s": "fast"},
        {"timeout_s": True},
        {"model_path": 3},
        {"adapter_path": 3},
    ],
)
def test_a_wrong_setting_of_mlx_is_refused(settings):
    """From a config file, before a model is loaded for it."""
    with pytest.raises(ConfigError, match=next(iter(settings))):
        build_provider("mlx", settings)
