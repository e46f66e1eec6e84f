"""Health of servers: a question that never raises, whatever the other end is."""

from __future__ import annotations

import asyncio
import json
import threading

import pytest
from chat_values import SHARED

from lllm.errors import BadReply, ConfigError
from lllm.providers import HTTPProvider, MockProvider, Profile, build_provider
from lllm.providers.health import acheck_health, check_health
from lllm.providers.wire.listing import parse_models

FILE = SHARED / "provider_faults.jsonl"
FAULTS = [json.loads(line) for line in FILE.read_text().splitlines()] if FILE.exists() else []
JSON = {"content-type": "application/json"}


def ask_health(provider, use_async, timeout_s=5.0):
    async def ask():
        try:
            return await acheck_health(provider, timeout_s)
        finally:
            await provider.aclose()

    if use_async:
        return asyncio.run(ask())
    try:
        return check_health(provider, timeout_s)
    finally:
        provider.close()


@pytest.mark.parametrize("use_async", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize(
    ("answer", "ok", "told"),
    [
        ({"status": 200, "body": '{"data":[{"id":"a"},{"id":"b"}]}'}, True, "2 models"),
        ({"status": 200, "body": ""}, True, "lists no models"),
        ({"status": 200, "body": "<html>"}, True, "lists no models"),
        ({"status": 404, "body": "Not Found"}, True, "has no list"),
        ({"status": 401, "body": '{"error":"no"}'}, False, "Unauthorized"),
        ({"status": 503, "body": '{"error":{"message":"Loading model"}}'}, False, "Loading model"),
        ({"status": 200, "body": "", "raw": "SSH-2.0-OpenSSH_9.2\r\n"}, False, ""),
        ({"status": 200, "body": "x", "close": "abort_before_headers"}, False, ""),
    ],
)
def test_a_server_is_well_when_it_answers(fault_server, answer, ok, told, use_async):
    """A list of models is a courtesy; an answer is what counts."""
    url = fault_server.add({"headers": JSON, **answer})
    health = ask_health(HTTPProvider(Profile(name="x", base_url=url)), use_async)
    assert (health.ok, told in health.told) == (ok, True), health
    assert fault_server.requests[-1][0].startswith(b"GET ")


@pytest.mark.parametrize("use_async", [False, True], ids=["sync", "async"])
def test_a_server_that_says_nothing_is_not_waited_for(fault_server, use_async):
    url = fault_server.add({"status": 200, "headers": {**JSON, "content-length": "5"}, "body": "", "close": "hang"})
    health = ask_health(HTTPProvider(Profile(name="x", base_url=url)), use_async, timeout_s=0.2)
    assert not health.ok
    assert "ProviderTimeout" in health.told


def test_nothing_listens_there():
    health = ask_health(HTTPProvider(Profile(name="x", base_url="http://127.0.0.1:9")), use_async=False)
    assert not health.ok
    assert "is the server running" in health.hint


def test_a_missing_key_is_told_and_nothing_is_sent(fault_server):
    url, asked = fault_server.add({"status": 200, "headers": JSON, "body": "{}"}), len(fault_server.requests)
    provider = HTTPProvider(Profile(name="x", base_url=url, api_key_env="KEY"), environ={})
    health = ask_health(provider, use_async=False)
    assert (health.ok, "KEY is not set" in health.told) == (False, True)
    assert len(fault_server.requests) == asked


def test_a_model_in_the_process_is_well():
    assert check_health(MockProvider()).ok
    assert asyncio.run(acheck_health(MockProvider())).ok


def test_a_model_in_the_process_may_lack_what_it_needs():
    class Lacking(MockProvider):
        def check_ready(self):
            raise ConfigError("no model here", hint="fetch one")

    health = check_health(Lacking())
    assert (health.ok, health.hint) == (False, "fetch one")


@pytest.mark.skipif(not FAULTS, reason="the list of faults is not beside this repository")
@pytest.mark.parametrize("fault", [f for f in FAULTS if f["api"] == "health"], ids=lambda f: f["name"])
def test_a_known_fault_of_health(fault, fault_server):
    known = {"close": "hang"} if fault.get("close") == "hang_before_headers" else {}
    headers = {"content-length": "5"} if known else {}
    url = fault_server.add({**fault, **known, "headers": {**fault["headers"], **headers}})
    health = ask_health(HTTPProvider(Profile(name="x", base_url=url)), use_async=False, timeout_s=0.3)
    assert health.ok == fault["expect"]["healthy"]


@pytest.mark.parametrize(
    ("api", "path"),
    [("chat", "/models"), ("anthropic", "/v1/models"), ("ollama", "/api/tags"), ("responses", "/models")],
)
def test_each_format_has_its_own_list(fault_server, api, path):
    """Anthropic's wants its version and its own header for the key."""
    url = fault_server.add({"status": 200, "headers": JSON, "body": '{"models":[{"name":"llama3:latest"}]}'})
    provider = build_provider(
        "anthropic" if api == "anthropic" else "local", {"base_url": url, "api": api, "api_key": "k"}
    )
    assert ask_health(provider, use_async=False).models == ("llama3:latest",)
    head = fault_server.requests[-1][0].lower()
    assert head.split()[1].endswith(path.encode())
    assert (b"x-api-key: k" in head, b"anthropic-version: " in head) == (api == "anthropic",) * 2


@pytest.mark.parametrize("body", [b"[]", b"3", b"{}", b"not json", b'{"object":"list"}'])
def test_what_is_no_list_is_refused(body):
    with pytest.raises(BadReply):
        parse_models(body)


def test_lists_of_models_come_in_two_forms():
    assert parse_models(b'{"models": null}') == ()
    assert parse_models(b'{"data":[{"id":"models/a"},3,{"id":""}],"models":[{"model":"b"}]}') == ("a",)


def test_a_server_that_sends_a_header_now_and_then_is_not_waited_for():
    """Each byte begins the wait of a sync read anew; the question ends all the same."""
    released = threading.Event()

    class Dribbles:
        profile = Profile(name="x", base_url="http://h")
        name = "x"

        def fetch(self, path, *, timeout_s):
            released.wait(10)
            return b"{}"

    health = check_health(Dribbles(), timeout_s=0.05)
    released.set()
    assert not health.ok
    assert "ProviderTimeout" in health.told
