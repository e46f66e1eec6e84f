"""AgentBase and build_agent: systems are registered by being defined, built from a config, and run in sessions."""

from __future__ import annotations

import asyncio
import threading
from enum import Enum

import pytest

from lllm.errors import BadRequest, ConfigError, DiscoveryError, LogExists, NotRegisteredError
from lllm.llm import AGENT_REGISTRY, AgentBase, AsyncAgentBase, build_agent, register_agent_class, register_prompt
from lllm.llm.limits import Limits
from lllm.models import Prompt
from lllm.providers.build import _BUILDERS, register_provider
from lllm.providers.mock import MockProvider
from lllm.replay import replay
from lllm.utils import PrintSystem, Secret

QUIET = PrintSystem(silent=True)


def config(**changed):
    return {
        "name": "demo",
        "log_type": "memory",
        "agent_type": "echo",
        "provider": "mock",
        "agent_configs": {"main": {"model_name": "m", "system_prompt": "Be {brief}."}},
        **changed,
    }


def define_echo():
    class Echo(AgentBase):
        agent_type = "echo"
        agent_group = ("main",)

        def call(self, task, **kwargs):
            self.st.write("working on", task)
            dialog = self.agents["main"].init_dialog()
            dialog.send_message(str(task))
            return self.agents["main"].call(dialog)[0].content

    return Echo


def events_of(system, kind=None, session=None):
    name = session or system.log_base.session_names()[-1]
    return [event for event in system.log_base.read_session(name) if kind in (None, event.kind)]


def test_a_class_is_registered_by_being_defined():
    """No list of agents to keep in step with the code."""
    echo = define_echo()
    assert AGENT_REGISTRY["echo"] is echo
    assert type(build_agent(config(), stream=QUIET)) is echo


def test_defining_it_again_in_the_same_file_replaces():
    """A notebook cell is run many times."""
    define_echo()
    second = define_echo()
    assert AGENT_REGISTRY["echo"] is second


def test_a_class_may_opt_out_and_an_unnamed_one_is_a_base():
    """Shared bases have no place in a config."""

    class Hidden(AgentBase, register=False):
        agent_type = "hidden"

    class Base(AgentBase):
        pass

    assert "hidden" not in AGENT_REGISTRY
    assert register_agent_class(Hidden) is Hidden
    assert AGENT_REGISTRY["hidden"] is Hidden
    with pytest.raises(ConfigError, match="Base has no agent_type"):
        register_agent_class(Base)


def test_a_subclass_without_a_type_of_its_own_does_not_take_its_parents():
    """Else defining a variant would silently change what configs build."""
    echo = define_echo()

    class Variant(echo):
        pass

    assert AGENT_REGISTRY["echo"] is echo


def test_two_files_cannot_share_a_type(tmp_path, monkeypatch):
    """Which one ran would depend on the order of imports; the error names both files."""
    source = "from lllm.llm import AgentBase\nclass A(AgentBase):\n    agent_type = 'twice'\n"
    for name in ("first_file_of_two", "second_file_of_two"):
        (tmp_path / f"{name}.py").write_text(source)
    monkeypatch.syspath_prepend(str(tmp_path))
    __import__("first_file_of_two")
    with pytest.raises(DiscoveryError, match=r"first_file_of_two\.py and in .*second_file_of_two\.py"):
        __import__("second_file_of_two")


def test_a_type_may_be_an_enum():
    """Projects keep their names in one place."""

    class Kind(Enum):
        ECHO = "kind-echo"

    class Echo(AgentBase):
        agent_type = Kind.ECHO

        def call(self, task, **kwargs):
            return task

    assert AGENT_REGISTRY["kind-echo"] is Echo
    for asked in (Kind.ECHO, "kind-echo"):
        system = build_agent(config(agent_type=asked), stream=QUIET)
        assert system("x") == "x"
    assert type(build_agent(config(), stream=QUIET, agent_type=Kind.ECHO)) is Echo
    assert events_of(system, "session.open")[0].data["agent_type"] == "kind-echo"


def test_an_unknown_type_offers_the_nearest():
    """A slip of the finger is answered with what was meant."""
    define_echo()
    with pytest.raises(NotRegisteredError) as caught:
        build_agent(config(agent_type="ehco"))
    assert caught.value.hint == "did you mean 'echo'?"
    with pytest.raises(ConfigError, match="names no agent_type"):
        build_agent(config(agent_type=None))


def test_agents_come_from_the_config():
    """Budgets, limits, model arguments and providers: the agent's own over the system's."""
    define_echo()
    prompt = register_prompt(Prompt(path="t/known", prompt="Known."))
    agents = {
        "main": {"model_name": "m1", "temperature": 0.5, "extra_body": {"k": 1}, "max_exception_retry": 1},
        "other": {
            "system_prompt_path": "t/known",
            "provider": "openai_compatible",
            "provider_config": {"base_url": "http://localhost:1/v1"},
            "model_name": "m2",
            "limits": {"max_tokens": 9},
        },
        "mocked": None,
    }
    asked = config(agent_configs=agents, max_exception_retry=7, max_interrupt_times=None, limits={"max_tokens": 5})

    class All(AgentBase):
        agent_type = "all"

        def call(self, task, **kwargs):
            return task

    built = build_agent(asked, stream=QUIET, agent_type="all").agents
    assert list(built) == ["main", "other", "mocked"]
    main, other = built["main"], built["other"]
    assert (main.model, main.max_exception_retry, main.max_interrupt_times) == ("m1", 1, None)
    assert main.model_args == {"temperature": 0.5, "extra_body": {"k": 1}}
    assert (main.limits, other.limits) == (Limits(max_tokens=5), Limits(max_tokens=9))
    assert (main.provider.name, other.provider.name) == ("mock", "openai_compatible")
    assert other.system_prompt is prompt
    assert other.max_exception_retry == 7
    assert built["mocked"].model == "mock"


def test_only_the_agents_of_the_group_are_built():
    """A config may serve several systems."""
    define_echo()
    both = {"main": {"model_name": "m"}, "unused": {"model_name": "m", "system_prompt_path": "no/such"}}
    assert list(build_agent(config(agent_configs=both), stream=QUIET).agents) == ["main"]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"agent_configs": {}}, "agent_configs lacks main"),
        ({"provider": "groq", "agent_configs": {"main": {}}}, "'main' has no model_name"),
        ({"limits": {"max_token": 5}}, "unknown limits: max_token"),
        ({"agent_configs": {"main": {"model_name": "m", "api_type": "telepathy"}}}, "telepathy"),
        ({"provider": "opnai"}, "no provider 'opnai'"),
    ],
)
def test_a_config_that_does_not_fit_is_refused_by_name(changed, words):
    """Found when the system is built, not in the middle of a paid run."""
    define_echo()
    with pytest.raises(ConfigError, match=words):
        build_agent(config(**changed), stream=QUIET)


def test_a_missing_prompt_offers_the_nearest():
    """As for every registry."""
    define_echo()
    register_prompt(Prompt(path="demo/system", prompt="x"))
    with pytest.raises(NotRegisteredError) as caught:
        build_agent(config(agent_configs={"main": {"model_name": "m", "system_prompt_path": "demo/sytem"}}))
    assert caught.value.hint == "did you mean 'demo/system'?"


def test_a_system_whose_name_has_spaces_has_a_log(tmp_path):
    """People write names for people; a folder is made of them safely."""
    define_echo()
    system = build_agent(config(name="My System", log_type="localfile", log_dir=str(tmp_path)), stream=QUIET)
    system("x")
    assert [path.name.startswith("my-system-") for path in tmp_path.iterdir()] == [True]


def test_a_run_is_a_session_with_everything_in_it():
    """Header, what was shown, the dialog, the outcome."""
    define_echo()
    system = build_agent(config(), stream=QUIET)
    assert system("hello", session_name="one", depth=2) == "This is a reply of the mock model."
    events = events_of(system, session="one")
    kinds = [event.kind for event in events]
    assert kinds[0] == "session.open"
    assert kinds[-1] == "session.close"
    assert events[0].data["task"] == "hello"
    assert events[0].data["kwargs"] == {"depth": 2}
    assert events[1].data == {"type": "write", "args": ["working on", "hello"], "kwargs": {}}
    assert events[-1].data == {"status": "ok", "result": "This is a reply of the mock model."}
    with pytest.raises(LogExists):
        system("hello", session_name="one")


def test_a_run_that_fails_is_closed_with_its_error():
    """The log of a crash is the one that is read most."""

    class Broken(AgentBase):
        agent_type = "broken"

        def call(self, task, **kwargs):
            raise ZeroDivisionError(task)

    system = build_agent(config(agent_type="broken"), stream=QUIET)
    with pytest.raises(ZeroDivisionError):
        system("x")
    assert events_of(system)[-1].data == {"status": "failed", "error": "ZeroDivisionError: x"}


def test_a_task_that_is_no_json_is_refused():
    """It could not be given to a replay."""
    define_echo()
    system = build_agent(config(), stream=QUIET)
    for task, extra in ((object(), {}), ("x", {"callback": print})):
        with pytest.raises(ConfigError, match="plain JSON"):
            system(task, **extra)
    assert system.log_base.session_names() == []


def test_the_header_keeps_the_config_without_its_secrets():
    """A log is shown to others; a key in it is a key lost."""
    secrets = {
        "provider": "openai_compatible",
        "provider_config": {
            "base_url": "http://localhost:1/v1",
            "api_key": "sk-very-secret-1234567890",
            "api_key_env": "MY_KEY",
            "headers": {"x-session-token": "tok-123"},
        },
        "agent_configs": {"main": {"model_name": "m", "max_tokens": 100, "temperature": 0.5}},
        "db": {"password": "hunter2", "Client_Secret": "s", "passwd": "p", "token": ["t1", "t2"]},
    }
    define_echo()
    system = build_agent(config(**secrets), stream=QUIET)
    with system.open_session("t"):
        pass
    event = events_of(system, "session.open")[0]
    for leaked in (b"sk-very", b"tok-123", b"hunter2", b'"s"', b'"p"', b"t1"):
        assert leaked not in event.raw
    kept = event.data["config"]
    assert kept["provider_config"]["api_key_env"] == "MY_KEY"
    assert kept["provider_config"]["base_url"] == "http://localhost:1/v1"
    assert kept["agent_configs"]["main"] == {"model_name": "m", "max_tokens": 100, "temperature": 0.5}
    assert kept["db"]["password"] == "[redacted]"


class Leaky(MockProvider):
    """A provider with a key, which its model tells to everybody."""

    key = "tiger-lily-42-provider"

    def secrets(self):
        return (self.key,)


@pytest.fixture
def leaky():
    register_provider("leaky", lambda config: Leaky(config["replies"]), overwrite=True)
    yield "leaky"
    _BUILDERS.pop("leaky")


def test_no_secret_reaches_the_files_of_a_log(tmp_path, leaky):
    """Whoever gets the key to say it - task, model, function, frontend, error - the log does not repeat it."""
    password = "correct-horse-battery"
    call = {"calls": [{"name": "look", "arguments": {"where": password}}]}
    replies = [call, f"{Leaky.key} and {password}", {"error": {"type": "BadRequest", "message": Leaky.key}}]

    def look(where: str) -> list[str]:
        """Look."""
        return [where, Leaky.key, "x" * 9000 + password]

    class Tells(AgentBase):
        agent_type = "tells"

        def call(self, task, **kwargs):
            heard.append(task)
            dialog = self.agents["main"].init_dialog()
            dialog.send_message(Prompt(path="tell", prompt="{it}", functions_list=(look,)), {"it": task})
            heard.append(self.agents["main"].call(dialog)[0].content)
            self.st.write(heard)
            dialog.send_message("and now?")
            self.agents["main"].call(dialog)

    heard = []
    settings = {"provider": leaky, "provider_config": {"replies": replies}, "db": {"password": Secret(password)}}
    data = config(agent_type="tells", log_type="localfile", log_dir=str(tmp_path), **settings)
    with pytest.raises(BadRequest):
        build_agent(data, stream=QUIET)(f"{password} {Leaky.key}", note=Leaky.key)
    assert heard == [f"{password} {Leaky.key}", f"{Leaky.key} and {password}"]
    files = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert any(b"[redacted]" in data for data in files)
    for secret in (password, Leaky.key):
        assert [data for data in files if secret.encode() in data] == []


def test_a_key_that_comes_later_is_not_logged_either(leaky, monkeypatch):
    """Keys are read from the environment at each call, so the log asks again at each run."""
    define_echo()
    system = build_agent(config(provider=leaky, provider_config={"replies": ["a new-key-of-today"]}), stream=QUIET)
    system.agents["main"].provider.key = "new-key-of-today"
    assert system("x") == "a new-key-of-today"
    assert b"new-key-of-today" not in b"".join(event.raw for event in events_of(system))


def test_what_only_looks_like_a_secret_is_there_in_a_replay():
    """Replaced in the header, it would be missing in the replay's requests; a secret is missing in both."""

    class Sorts(AgentBase):
        agent_type = "sorts"

        def call(self, task, **kwargs):
            dialog = self.agents["main"].init_dialog()
            dialog.send_message(f"{self.config['sort_key']} {self.config['db']['password']}")
            return self.agents["main"].call(dialog)[0].content

    own = {"model_name": "m", "prompt_cache_key": "abc", "extra_body": {"stop_token_ids": [1, 2]}}
    data = config(agent_type="sorts", sort_key="name", db={"password": "correct-horse"}, agent_configs={"main": own})
    system = build_agent(data, stream=QUIET)
    system("x", session_name="s")
    report = replay(system.log_base, "s")
    assert (report.status, report.difference) == ("same", {})


def test_limits_of_a_session_come_from_the_config():
    """What one run may spend is the operator's to say; an empty setting is none."""
    define_echo()
    system = build_agent(config(session_limits={"max_tokens": 5}), stream=QUIET)
    with system.open_session("t") as session:
        assert session.limits == Limits(max_tokens=5)
    with build_agent(config(session_limits=None), stream=QUIET).open_session("t") as session:
        assert session.limits == Limits()


def test_settings_that_nobody_reads_are_refused():
    """Accepted and ignored is the worst answer to a setting."""
    define_echo()
    system = build_agent(config(session_limits={"max_total_wait_s": 5}), stream=QUIET)
    with pytest.raises(ConfigError, match="limit of each call"):
        system("x")
    with pytest.raises(ConfigError, match="'response' is asked for, and provider 'anthropic' speaks 'anthropic'"):
        build_agent(config(provider="anthropic", agent_configs={"main": {"model_name": "m", "api_type": "response"}}))


def test_an_agent_chooses_among_the_formats_of_its_server():
    """One service, one key, two formats: the agent's api_type says which."""
    define_echo()
    system = build_agent(config(provider="openai", agent_configs={"main": {"api_type": "response"}}))
    assert system.agents["main"].provider.describe()["api"] == "responses"
    assert system.agents["main"].model == "gpt-4o-mini"


def test_the_seed_of_the_config_is_the_sessions():
    """Zero is a seed."""
    define_echo()
    system = build_agent(config(random_seed=5), stream=QUIET)
    system("x")
    assert events_of(system, "session.open")[0].data["seed"] == 5


def test_the_session_is_there_only_in_a_run():
    """Outside, the error says how to get one."""
    define_echo()
    system = build_agent(config(), stream=QUIET)
    with pytest.raises(ConfigError, match="no session is open"):
        _ = system.session
    system.st.write("shown, not logged")
    assert system.log_base.session_names() == []


def test_blocks_of_the_stream_are_logged_too():
    """What stands in a status or an expander was shown as well."""

    class Shows(AgentBase):
        agent_type = "shows"

        def call(self, task, **kwargs):
            with self.st.status("thinking") as status:
                status.write("deep")
            self.st.divider()

    system = build_agent(config(agent_type="shows"), stream=QUIET)
    system("x")
    assert [event.data["type"] for event in events_of(system, "frontend")] == ["status", "write", "divider"]


def test_runs_of_one_system_in_threads_keep_apart():
    """A server has one system and many requests."""

    class Meets(AgentBase):
        agent_type = "meets"

        def call(self, task, **kwargs):
            barrier.wait(10)
            self.st.write(task)
            answer = self.agents["main"].init_dialog().send_message(task).content
            barrier.wait(10)
            return [answer, self.session.name]

    barrier = threading.Barrier(4)
    system = build_agent(config(agent_type="meets"), stream=QUIET)
    results = {}
    threads = [
        threading.Thread(target=lambda n=n: results.update({n: system(f"task {n}", session_name=f"s{n}")}))
        for n in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {n: [f"task {n}", f"s{n}"] for n in range(4)}
    for n in range(4):
        events = events_of(system, session=f"s{n}")
        assert [e.id for e in events if e.kind == "dialog.open"] == ["1"]
        assert [e.data["args"] for e in events if e.kind == "frontend"] == [[f"task {n}"]]


def test_runs_of_one_async_system_in_tasks_keep_apart():
    """The same on one event loop."""

    class Meets(AsyncAgentBase):
        agent_type = "meets-async"

        async def call(self, task, **kwargs):
            arrived.append(task)
            if len(arrived) == 4:
                all_here.set()
            await all_here.wait()
            reply = await self.agents["main"].aask(task)
            return [self.session.name, reply.content]

    arrived, all_here = [], None
    system = build_agent(config(agent_type="meets-async"), stream=QUIET)

    async def main():
        nonlocal all_here
        all_here = asyncio.Event()
        return await asyncio.gather(*(system(f"task {n}", session_name=f"s{n}") for n in range(4)))

    found = asyncio.run(main())
    assert [name for name, _ in found] == ["s0", "s1", "s2", "s3"]
    for n in range(4):
        events = events_of(system, session=f"s{n}")
        assert [e.data["message"]["content"] for e in events if e.kind == "message"][1:] == [f"task {n}"]
        assert events[-1].data["status"] == "ok"


def test_an_agent_outside_a_run_has_a_session_of_its_own():
    """Trying an agent by hand works, and is logged where the system logs."""
    define_echo()
    system = build_agent(config(), stream=QUIET)
    with system.agents["main"] as agent:
        agent.ask("hi")
    assert [e.kind for e in events_of(system)][-1] == "session.close"
