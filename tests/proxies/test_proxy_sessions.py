"""Calls inside a session: each is an event, and a replay answers it from the log, without the service and the key."""

from __future__ import annotations

import asyncio
import json
import signal
import threading

import pytest
from loopback import KEY, Reply, Service, declare, proxy_of

from lllm.config import load_agent_config
from lllm.errors import CallCancelled, CallRefused, ConfigError, NotRegisteredError, ProxyError
from lllm.llm import AgentBase, AsyncAgentBase, Session, build_agent, register_agent_class
from lllm.llm.session import current_session
from lllm.log import MemoryLog
from lllm.log.build import build_log_base
from lllm.proxies import Proxy, register_proxy
from lllm.replay import replay
from lllm.testing.network import no_network

KEYED = {"api_key_env": "DEMO_KEY", "api_key_name": "api_key"}
CALLS = [
    ("demo/items/list", {"q": "tea"}),
    ("demo/items/one/info", {"id": "a1"}),
    ("demo/items/add", {"name": "x"}),
    ("demo/items/list", {"limit": 1}),
    ("demo/nothing", {}),
]


def told(error):
    """What a caller may go by; it must be the same in a replay."""
    return [type(error).__name__, error.message, error.status, error.retryable, error.hint]


class Shopper(AgentBase, register=False):
    agent_type = "shopper"

    def call(self, task, **kwargs):
        found = []
        for path, params in CALLS:
            try:
                found.append(self.proxy(path, params))
            except ProxyError as error:
                found.append(told(error))
        return found


class AsyncShopper(AsyncAgentBase, register=False):
    agent_type = "shopper"

    async def call(self, task, **kwargs):
        async def one(path, params):
            try:
                return await self.proxy.acall(path, params)
            except ProxyError as error:
                return told(error)

        return await self.session.amap(lambda call: one(*call), CALLS)


def config(folder, **more):
    return {
        "name": "shop",
        "agent_type": "shopper",
        "log_type": "localfile",
        "log_dir": str(folder),
        "activate_proxies": ["demo"],
        **more,
    }


@pytest.mark.parametrize("system", [Shopper, AsyncShopper])
def test_a_run_replays_without_the_service_and_the_key(system, tmp_path, monkeypatch):
    """Data, and errors with all that code may go by; nothing of the key is on the disk."""
    monkeypatch.setenv("DEMO_KEY", KEY)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    register_agent_class(system, overwrite=True)
    with Service() as service:
        service.says(*[Reply(json.dumps({"items": [{"you": KEY}]}).encode())])
        register_proxy("demo", declare(service.url, **KEYED))
        result = build_agent(config(tmp_path / "logs"))("buy", session_name="s")
        result = asyncio.run(result) if asyncio.iscoroutine(result) else result
        assert len(service.asked) == 3
    monkeypatch.delenv("DEMO_KEY")
    assert result[:3] == [{"items": [{"you": "[redacted]"}]}] * 3
    assert [error[0] for error in result[3:]] == ["CallRefused", "CallRefused"]
    with no_network():
        report = replay(build_log_base(config(tmp_path / "logs")), "s")
    assert (report.status, report.result) == ("same", result)
    disk = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert len(disk) > 3
    assert not [text for text in disk if b"service=0123" in text or b"service%3D0123" in text]


def test_an_error_of_the_service_comes_back_in_a_replay(service):
    """With its status, which code goes by."""
    service.says(Reply(b"busy", 503, (("retry-after", "600"),)))
    register_proxy("demo", declare(service.url))

    def run(session):
        with pytest.raises(ProxyError) as caught:
            Proxy(["demo"], cache=False)("demo/items/list", {"q": "x"})
        return told(caught.value)

    log = MemoryLog()
    with Session.open(log, "s") as session:
        session.result = run(session)
    service.close()
    report = replay(log, "s", run=run)
    assert report.status == "same"
    assert report.result == ["ProxyError", "demo/items/list: HTTP 503: busy", 503, True, ""]


def press_ctrl_c():
    """Send a real signal: Python's own mark of one wakes nobody who waits."""
    signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)


@pytest.mark.parametrize("by", ["a session", "its run", "Ctrl-C"])
def test_a_wait_between_attempts_ends_when_its_session_is_cancelled(service, way, by):
    """A service that says `later` must not hold who wants to stop; the log says what ended it."""
    service.says(Reply(b"busy", 503, (("retry-after", "59"),)))
    log = MemoryLog()
    with Session.open(log, "s") as session, session.open_run({}) as run:
        of = {"a session": session.cancel, "its run": run.cancel, "Ctrl-C": press_ctrl_c}[by]
        expected = KeyboardInterrupt if by == "Ctrl-C" else CallCancelled
        button = threading.Thread(target=lambda: (service.is_asked.wait(20), of()))
        button.start()
        with run.active(), pytest.raises(expected):
            way.call(proxy_of(declare(service.url)), timeout_s=60)
        button.join()
    told = [event.data for event in log.read_session("s") if event.kind == "value"]
    assert told[0]["error"].startswith(
        expected.__name__ if way.name == "sync" else (expected.__name__, "CancelledError")
    )
    assert len(service.asked) == 1


def test_a_task_that_waits_between_attempts_can_be_cancelled(service):
    """What asyncio cancels ends at once, too."""
    service.says(Reply(b"busy", 503, (("retry-after", "59"),)))

    async def stopped():
        call = asyncio.create_task(proxy_of(declare(service.url)).acall("demo/items/list", {"q": "x"}, timeout_s=60))
        await asyncio.to_thread(service.is_asked.wait, 20)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call

    asyncio.run(stopped())


def test_each_call_is_an_event(service):
    """Who reads the log sees what was asked, under which cutoff, and what was only refused."""
    service.says({"items": []})
    register_proxy("demo", declare(service.url))
    proxy, log = Proxy(["demo"], "2024-01-01", cache=False), MemoryLog()
    with Session.open(log, "s"):
        proxy("demo/items/list", {"q": "x"})
        with pytest.raises(CallRefused):
            proxy("demo/items/add", {"name": "x"})
    steps = [event.data for event in log.read_session("s") if event.kind == "step"]
    about = {"endpoint": "demo/items/list", "params": {"q": "x"}, "cutoff_date": "2024-01-01"}
    assert steps[0] == {"name": "proxy", "about": about, "repeatable": True}
    assert "repeatable" not in steps[1]
    values = [event.data["value"] for event in log.read_session("s") if event.kind == "value"]
    assert values[0] == {"data": {"items": []}}
    assert values[1]["error"]["type"] == "CallRefused"


def test_a_replay_stops_where_another_call_is_made(service):
    """Another parameter, another cutoff: another answer, which nobody has."""
    service.says({"items": []})
    register_proxy("demo", declare(service.url))

    def run(params, cutoff):
        return lambda session: Proxy(["demo"], cutoff, cache=False)("demo/items/list", params)

    log = MemoryLog()
    with Session.open(log, "s") as session:
        session.result = run({"q": "x"}, None)(session)
    assert replay(log, "s", run=run({"q": "x"}, None)).status == "same"
    for other in (run({"q": "y"}, None), run({"q": "x"}, "2024-01-01")):
        assert replay(log, "s", run=other).status == "differs"
    assert len(service.asked) == 1


def look_up(q: str) -> str:
    """Look up."""
    return json.dumps(current_session().proxy("demo/items/list", {"q": q}))


class Outer(AgentBase, register=False):
    agent_type = "outer"

    def call(self, task, **kwargs):
        return look_up(task)


def test_functions_find_the_proxy_of_their_run(service, tmp_path):
    """They know the session, and not the system that offers them; so do those of a replay."""
    service.says({"items": []})
    register_proxy("demo", declare(service.url, cache_ttl_s=0.0))
    register_agent_class(Outer, overwrite=True)
    values = config(tmp_path, agent_type="outer", cutoff_date="2024-01-01")
    assert build_agent(values)("tea", session_name="s") == '{"items": []}'
    assert service.asked[0].path.endswith("until=2023-12-31")
    service.close()
    assert replay(build_log_base(values), "s").status == "same"


def test_a_session_without_a_system_has_no_proxy_until_it_is_given_one():
    """What may be called is somebody's decision."""
    with Session.open(MemoryLog(), "s") as session:
        with pytest.raises(ConfigError, match="this session has no proxy"):
            _ = session.proxy
        session.load_proxy = lambda: Proxy([])
        assert session.proxy.available() == []
        with session.open_run({}) as inner:
            assert inner.proxy.available() == []


def test_a_config_that_names_no_proxies_activates_none(tmp_path):
    """A service is called where somebody wrote that it may be."""
    register_proxy("demo", declare())
    more = {"log_type": "memory", "activate_proxies": None}
    assert Shopper(config(tmp_path, **more)).proxy.available() == []
    with pytest.raises(NotRegisteredError):
        _ = Shopper(config(tmp_path, log_type="memory", activate_proxies=["none"])).proxy


def test_a_config_file_says_what_may_be_called_and_until_when(tmp_path):
    """YAML knows dates of its own, which a cutoff must survive; null is none."""
    register_proxy("demo", declare())
    file = tmp_path / "agent.yaml"
    file.write_text(
        "name: shop\nlog_type: memory\nactivate_proxies: [demo]\ncutoff_date: 2024-01-01\ndeploy_mode: true\n"
    )
    told = {"activate_proxies": ["demo"], "cutoff_date": "2024-01-01", "deploy_mode": True}
    assert Shopper(load_agent_config(file, env={}).values).proxy.to_dict() == told
    file.write_text("name: shop\nlog_type: memory\ncutoff_date: null\n")
    told = {"activate_proxies": [], "cutoff_date": None, "deploy_mode": False}
    assert Shopper(load_agent_config(file, env={}).values).proxy.to_dict() == told
