"""``LLMProvider``: a model asked directly, with errors that users of httpx know, inside a session or without one."""

from __future__ import annotations

import asyncio
import json
import threading

import httpx
import pytest
from client_values import chat, streamed

from lllm.clients import LLMConfig, LLMProvider, LLMResponse
from lllm.config import load_config
from lllm.const import Roles
from lllm.errors import (
    CapabilityDenied,
    ConfigError,
    ConnectFailed,
    ProviderTimeout,
    RateLimited,
    StreamTruncated,
    Unauthorized,
)
from lllm.llm import Session
from lllm.log import MemoryLog
from lllm.models import Function, Message
from lllm.models.message import Image
from lllm.replay import replay
from lllm.testing import scripted_model

SAID = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello."}]


def provider(url, **options):
    return LLMProvider(LLMConfig(base_url=url, model="m", **options))


def call(llm, messages=SAID, **options):
    """Call, and close the connections while their loop still runs."""

    async def run():
        async with llm:
            return await llm.call(messages, **options)

    return asyncio.run(run())


def test_a_call_is_one_request(server):
    llm = provider(server.serve(chat()), temperature=0.7, max_tokens=9)
    response = call(llm, temperature=0.1)
    assert (response.content, response.finish_reason, response.tool_calls) == ("hey", "stop", ())
    assert response.usage["prompt_tokens"] == 10
    assert (response.tokens_used, response.cost_usd, response.cached, response.model) == (15, None, False, "m")
    (asked,) = server.requests
    assert asked == {"model": "m", "messages": SAID, "temperature": 0.1, "max_tokens": 9}


def test_without_an_event_loop(server):
    llm = provider(server.serve(chat("sync")))
    assert llm.call_sync("Hello.").content == "sync"
    llm.close()
    assert server.requests[0]["messages"] == [{"role": "user", "content": "Hello."}]


def test_messages_may_be_values_or_dicts(server):
    """Also one whose role is a plain text, as users write it, and pictures as parts."""
    parts = [
        {"type": "text", "text": "What?"},
        {"type": "image_url", "image_url": {"url": "data:image/gif;base64,QQ=="}},
    ]
    url = {"type": "image_url", "image_url": {"url": "http://x/y.png"}}
    call_ = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}}
    messages = [
        Message(role="user", content="Hi."),
        Message(Roles.USER, "See.", images=(Image("QQ=="),)),
        {"role": "developer", "content": "x"},
        {"role": "user", "content": parts},
        {"role": "user", "content": [url]},
        {"role": "assistant", "content": None, "tool_calls": [call_]},
        {"role": "tool", "tool_call_id": "c1", "content": "3"},
    ]
    call(provider(server.serve(chat())), messages)
    told = server.requests[0]["messages"]
    assert told[0] == {"role": "user", "content": "Hi."}
    assert told[1]["content"][1]["image_url"]["url"] == "data:image/png;base64,QQ=="
    assert told[2]["role"] == "system"
    assert told[3]["content"] == parts
    assert told[4]["content"] == [url]
    assert told[5] == {"role": "assistant", "content": None, "tool_calls": [call_]}
    assert told[6] == {"role": "tool", "tool_call_id": "c1", "content": "3"}


@pytest.mark.parametrize(
    ("messages", "says"),
    [
        ([], "no messages"),
        ([3], "message 0 is a Message or a dict"),
        ([{"role": "usr", "content": "x"}], "no role 'usr'"),
        ([{"role": "user", "contents": "x"}], "no field 'contents'"),
        ([{"role": "user", "content": [{"type": "audio"}]}], "text or image_url"),
    ],
)
def test_what_is_no_message_is_refused(server, messages, says):
    with pytest.raises(ConfigError, match=says):
        call(provider(server.serve(chat())), messages)
    assert server.requests == []


def look(city: str) -> str:
    """Look at the weather."""
    raise AssertionError(city)


@pytest.mark.parametrize(
    "tool",
    [
        look,
        Function("look", "Look at the weather.", {"city": {"type": "string"}}, required=["city"]),
        {
            "name": "look",
            "description": "Look at the weather.",
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
        },
        {
            "type": "function",
            "function": {
                "name": "look",
                "parameters": {"properties": {"city": {"type": "string"}}, "required": ["city"]},
            },
        },
    ],
)
def test_function_calls_are_handed_back_and_not_run(server, tool):
    """Whoever asks directly runs functions himself, once."""
    made = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": '{"city":"Rome"}'}}
    response = call(provider(server.serve(chat("", finish="tool_calls", tool_calls=[made]))), tools=[tool])
    assert response.finish_reason == "tool_calls"
    assert [(asked.name, asked.arguments, asked.id) for asked in response.tool_calls] == [
        ("look", {"city": "Rome"}, "c1")
    ]
    told = server.requests[0]["tools"][0]["function"]
    assert (told["name"], list(told["parameters"]["properties"])) == ("look", ["city"])


@pytest.mark.parametrize(
    ("answer", "finish", "text"),
    [
        (chat("", finish="stop"), "stop", ""),
        (chat("cut of", finish="length"), "length", "cut of"),
        (chat("", finish="content_filter"), "content_filter", ""),
        (chat(None, refusal="I will not."), "refusal", "I will not."),
    ],
)
def test_why_the_model_stopped_is_data(server, answer, finish, text):
    response = call(provider(server.serve(answer)))
    assert (response.finish_reason, response.content) == (finish, text)
    assert len(server.requests) == 1


# --- errors ----------------------------------------------------------------------------------------------------------


def fails(server, answer, kind, theirs, **options):
    llm = provider(server.serve(answer), **options)
    with pytest.raises(theirs) as caught:
        call(llm)
    assert isinstance(caught.value, kind)
    return caught.value


def test_users_of_httpx_catch_what_they_know(server):
    """Their except clauses read ``.response.status_code``."""
    body = {"headers": {"retry-after": "0"}, "body": '{"error":{"message":"no"}}'}
    error = fails(server, {"status": 429, **body}, RateLimited, httpx.HTTPStatusError)
    assert error.response.status_code == 429
    assert len(server.requests) == 3  # the machine's own retries came first
    error = fails(server, {"status": 401, **body}, Unauthorized, httpx.HTTPStatusError)
    assert error.response.status_code == 401
    assert len(server.requests) == 1


def test_a_timeout_is_one_for_users_of_httpx(server):
    hangs = {
        **chat(),
        "close": "hang",
        "headers": {"content-type": "application/json", "content-length": "99"},
        "body": "",
    }
    fails(server, hangs, ProviderTimeout, httpx.TimeoutException, timeout_ms=80)


def test_a_refused_connection_is_one_for_users_of_httpx():
    with pytest.raises(httpx.ConnectError) as caught:
        call(provider("http://127.0.0.1:9"))
    assert isinstance(caught.value, ConnectFailed)


def test_without_a_model_there_is_nothing_to_ask():
    with pytest.raises(ConfigError, match="no model"):
        LLMProvider(LLMConfig(base_url="http://localhost:1"))
    with pytest.raises(ConfigError, match="base_url"):
        LLMProvider(LLMConfig(model="m"))


def test_the_key_is_shown_nowhere():
    config = LLMConfig(base_url="http://localhost:1", model="m", api_key="sk-very-secret")
    assert "sk-very-secret" not in repr(config) + repr(LLMProvider(config).__dict__)


# --- streams ---------------------------------------------------------------------------------------------------------


def pieces(llm):
    async def run():
        async with llm:
            return [piece async for piece in llm.stream(SAID)]

    return asyncio.run(run())


def test_a_stream_gives_text_while_it_is_written(server):
    assert pieces(provider(server.serve(streamed("a", "b", "c")))) == ["a", "b", "c"]
    assert server.requests[0]["stream"] is True


def test_a_stream_that_breaks_off_never_looks_whole(server):
    """And what was shown is not begun anew: it cannot be unsaid."""
    llm = provider(server.serve(streamed("a", "b", done=False)))
    with pytest.raises(StreamTruncated) as caught:
        pieces(llm)
    assert caught.value.partial == "ab"
    assert len(server.requests) == 1


def test_a_stream_that_fails_before_its_first_piece_is_tried_again(server):
    refused = {"status": 503, "headers": {"retry-after": "0"}, "body": "{}"}
    assert pieces(provider(server.serve({**refused, "second": streamed("a")}))) == ["a"]


def test_a_stream_may_be_left(server):
    async def run():
        async with provider(server.serve(streamed("a", "b", "c"))) as llm:
            stream = llm.stream(SAID)
            async for piece in stream:
                await stream.aclose()
                return piece
            return None

    assert asyncio.run(run()) == "a"


# --- by name ---------------------------------------------------------------------------------------------------------


def test_a_preset_by_name(monkeypatch):
    llm = LLMProvider.from_name("deepseek")
    assert (llm.name, llm.config.model) == ("deepseek", "deepseek-chat")
    with pytest.raises(ConfigError, match="DEEPSEEK_API_KEY is not set"):
        call(llm)


def test_an_unknown_name_is_offered_the_nearest():
    with pytest.raises(ConfigError) as caught:
        LLMProvider.from_name("deepsek")
    assert "deepseek" in caught.value.hint
    with pytest.raises(ConfigError, match="no model is named"):
        LLMProvider.from_name("groq")


def write(tmp_path, text):
    path = tmp_path / "lllm.toml"
    path.write_text(text)
    return path


def test_a_table_of_the_project_by_name(server, tmp_path):
    write(tmp_path, f'[llm.mine]\nbase_url = "{server.serve(chat())}"\nmodel = "tiny"\ntemperature = 0.25\n')
    call(LLMProvider.from_name("mine"))
    assert (server.requests[0]["model"], server.requests[0]["temperature"]) == ("tiny", 0.25)


def test_a_config_that_is_named_counts_and_not_that_of_the_folder(server, tmp_path, monkeypatch):
    """Its gates and prices, too."""
    url = server.serve(chat(model="tiny", usage=(1_000_000, 0)))
    other = tmp_path / "other"
    other.mkdir()
    table = f'[llm.mine]\nbase_url = "{url}"\nmodel = "tiny"\nmax_tokens = 5\n[prices.tiny]\ninput = 3\noutput = 0\n'
    write(other, table)
    write(tmp_path, "[capabilities]\n")
    config = load_config(other / "lllm.toml")
    response = call(LLMProvider.from_config("mine", config))
    assert (response.cost_usd, server.requests[0]["max_tokens"]) == (3.0, 5)
    write(other, table + "[capabilities]\nllm_cloud = true\n")
    with pytest.raises(CapabilityDenied):
        call(LLMProvider.from_config("mine", load_config(other / "lllm.toml")))
    with pytest.raises(ConfigError, match=r"no table \[llm.mne\]") as caught:
        LLMProvider.from_config("mne", config)
    assert "mine" in caught.value.hint


def test_tables_may_be_a_plain_mapping(server):
    tables = {"llm": {"x": {"base_url": server.serve(chat()), "model": "m"}}}
    assert call(LLMProvider.from_config("x", tables)).content == "hey"


# --- sessions --------------------------------------------------------------------------------------------------------


def test_inside_a_session_a_call_is_logged_and_replays():
    """What the document behind this face could not promise: the same answers again, without the model."""
    log, asked = MemoryLog(), []

    def program(session):
        llm = LLMProvider(LLMConfig(model="m"), provider=scripted_model("one", "two"))
        asked.append(1)
        session.result = [llm.call_sync(f"{i}").content for i in range(2)]

    with Session.open(log, "s", header={"task": "t"}) as session, session.active():
        program(session)
    assert session.result == ["one", "two"]
    report = replay(log, "s", program)
    assert (report.status, len(asked)) == ("same", 2)


def test_many_at_once_share_one_client(server):
    url = server.serve(chat())

    async def run():
        async with provider(url) as llm:
            return await asyncio.gather(*(llm.call(f"{i}") for i in range(20)))

    assert [response.content for response in asyncio.run(run())] == ["hey"] * 20
    assert sorted(int(asked["messages"][0]["content"]) for asked in server.requests) == list(range(20))


def test_calls_outside_of_sessions_can_be_kept(server):
    log = MemoryLog()
    llm = LLMProvider(LLMConfig(base_url=server.serve(chat()), model="m"), log=log)
    call(llm)
    (info,) = log.list_sessions()
    assert [e.kind for e in log.read_session(info.session)][-1] == "session.close"


def test_a_response_can_be_made_by_hand():
    """For tests of one's own code."""
    made = LLMResponse(content="x", finish_reason="stop", usage={"prompt_tokens": 10, "completion_tokens": 5})
    assert (made.tokens_used, made.tool_calls, json.dumps(dict(made.usage))) == (
        15,
        (),
        '{"prompt_tokens": 10, "completion_tokens": 5}',
    )


# --- what must not break it ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("log", [None, MemoryLog()], ids=["unlogged", "logged"])
def test_threads_may_share_one_client(log):
    """Without a session there is no order that a replay could miss."""
    llm = LLMProvider(LLMConfig(model="m"), provider=scripted_model(*["x"] * 40), log=log)
    ready, found = threading.Barrier(8), []

    def ask():
        ready.wait(10)
        found.extend(llm.call_sync("q").content for _ in range(5))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    llm.close()
    assert found == ["x"] * 40
    if log is not None:
        (info,) = log.list_sessions()  # two would be one too many: nobody closes it
        assert sum(event.kind == "model.reply" for event in log.read_session(info.session)) == 40


@pytest.mark.parametrize(
    "message",
    [
        {"role": "user", "content": b"abc"},
        {"role": "user", "content": 5},
        {"role": "user", "content": ["x"]},
        {"role": "user", "content": {"type": "text", "text": "x"}},
        {"role": "user", "content": [{"type": "image_url"}]},
        {"role": "user", "content": [{"type": "image_url", "image_url": "http://x"}]},
        {"role": "assistant", "tool_calls": {"id": "a"}},
        {"role": "assistant", "tool_calls": [{"id": "a"}]},
        {"role": "assistant", "tool_calls": [3]},
        {"role": "user", "content": "x", "images": ["abc"]},
    ],
    ids=repr,
)
def test_a_message_of_no_known_shape_is_named(server, message):
    with pytest.raises(ConfigError, match="message 0"):
        call(provider(server.serve(chat())), [message])
    assert server.requests == []


def test_no_text_is_not_the_word_none(server):
    parts = ({"type": "text", "text": None}, {"type": "text", "text": "x"})
    call(provider(server.serve(chat())), [{"role": "user", "content": parts}], tools=None)
    assert server.requests[0]["messages"][0]["content"].strip() == "x"


def test_the_whole_schema_of_a_function_is_sent(server):
    """One that refers to ``$defs`` is refused by servers without them."""
    parameters = {
        "type": "object",
        "properties": {"a": {"$ref": "#/$defs/A"}},
        "$defs": {"A": {"type": "string"}},
        "additionalProperties": {"type": "string"},
    }
    call(provider(server.serve(chat())), tools=[{"name": "f", "description": None, "parameters": parameters}])
    told = server.requests[0]["tools"][0]["function"]
    assert told["parameters"] == {**parameters, "required": []}
    assert told.get("description") != "None"
    with pytest.raises(ConfigError, match="JSON Schema"):
        call(provider(server.serve(chat())), tools=[{"name": "f", "parameters": [1]}])


@pytest.mark.parametrize("value", [float("nan"), object()])
def test_a_model_argument_that_cannot_be_sent_is_named(server, value):
    with pytest.raises(ConfigError, match="temperature cannot be sent"):
        call(provider(server.serve(chat())), temperature=value)
    with pytest.raises(ConfigError, match="temperature cannot be sent"):
        provider("http://h", temperature=value)


@pytest.mark.parametrize("value", ["x", True, float("nan"), float("inf"), 0])
def test_a_timeout_that_is_none_is_refused(value):
    with pytest.raises(ConfigError, match="timeout"):
        provider("http://h", timeout_ms=value)


@pytest.mark.parametrize("use_async", [False, True], ids=["sync", "async"])
def test_an_httpx_error_knows_its_request(use_async):
    """The first example of httpx's own page on exceptions reads it; without, it would raise in the except clause."""
    llm = provider("http://127.0.0.1:9", api_key="sk-very-secret")
    with pytest.raises(httpx.RequestError) as caught:
        call(llm) if use_async else llm.call_sync("x")
    request = caught.value.request
    assert str(request.url) == "http://127.0.0.1:9/chat/completions"
    assert "sk-very-secret" not in str(request.headers.raw)
    assert "authorization" not in request.headers
