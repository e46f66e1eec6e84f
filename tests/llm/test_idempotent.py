"""Idempotency keys: whoever a function calls takes the second request with a key for the first."""

import pytest
from world import World, calls

from lllm.errors import ConfigError
from lllm.llm.agent import Agent
from lllm.llm.session import Session
from lllm.log import MemoryLog
from lllm.models import Function
from lllm.replay import replay, resume
from lllm.testing import scripted_model

SEEN = []


def pay(amount: int, key: str) -> str:
    """Pay."""
    SEEN.append(key)
    return f"paid {amount}"


@pytest.fixture(autouse=True)
def nothing_seen():
    SEEN.clear()


def payer(**options):
    return Function.from_callable(pay, idempotent="key", **options)


def test_the_model_is_not_offered_the_key():
    """It could neither know nor choose it."""
    parameters = payer().to_dict()["parameters"]
    assert list(parameters["properties"]) == ["amount"]
    assert "key" not in parameters["required"]


def test_a_model_that_gives_a_key_is_told_that_there_is_none():
    world = World(calls(("pay", {"amount": 1, "key": "mine"})), "ok", functions=[payer()])
    world.ask()
    assert SEEN == []
    (result,) = world.events("function.result")
    assert "key" in result.data["message"]["content"]


def test_the_key_is_in_the_log_before_the_call():
    world = World(calls(("pay", {"amount": 1})), "ok", functions=[payer()])
    world.ask()
    (call,) = world.events("function.call")
    assert [call.data["idempotency_key"]] == SEEN
    assert call.data["arguments"] == '{"amount":1}'


def test_two_calls_have_two_keys():
    """Two payments of the same amount are two payments."""
    world = World(calls(("pay", {"amount": 1}), ("pay", {"amount": 1})), "ok", functions=[payer(allow_repeat=True)])
    world.ask()
    assert len(set(SEEN)) == len(SEEN) == 2


def test_two_runs_of_one_task_have_two_keys():
    log = MemoryLog()
    for name in "ab":
        with Session.open(log, name, header={"task": "t"}, seed=1) as session:
            session.to_key("1/s0/f0")
            SEEN.append(session.to_key("1/s0/f0"))
    assert SEEN[0] != SEEN[1]


def test_one_call_has_one_key_however_often_it_is_asked_for():
    with Session.open(MemoryLog(), "s") as session:
        assert session.to_key("1/s0/f0") == session.to_key("1/s0/f0")
        assert session.to_key("1/s0/f0") != session.to_key("1/s0/f1")


def test_a_resumed_session_gives_the_same_key():
    """That is what it is for."""
    log, died = MemoryLog(), []

    def run(session):
        def dying(amount: int, key: str) -> str:
            """Pay."""
            SEEN.append(key)
            if not died:
                died.append(1)
                session.journal.close()  # as if the process had died in the middle of it
            return f"paid {amount}"

        function = Function.from_callable(dying, name="pay", idempotent="key")
        model = scripted_model("ok" if died else calls(("pay", {"amount": 1})))
        agent = Agent.quick(provider=model, functions=[function])
        dialog = agent.init_dialog(session=session)
        dialog.send_message("go")
        return agent.call(dialog)[0].content

    session = Session.open(log, "s")
    with pytest.raises(Exception, match="closed"):
        run(session)
    assert resume(log, "s", run).result == "ok"
    assert len(SEEN) == 2
    assert SEEN[0] == SEEN[1]
    assert replay(log, "s", run).status == "same"
    assert len(SEEN) == 2


def test_a_callable_without_the_parameter_is_refused():
    """Else the key would reach nobody, and a resumed session would pay twice."""

    def deaf(amount: int) -> str:
        """Pay."""
        return str(amount)

    with pytest.raises(ConfigError, match="key"):
        Function.from_callable(deaf, idempotent="key").to_dict()


def test_a_key_may_have_a_default_in_the_callable():
    """So that the function can be called without lllm, too."""

    def gentle(amount: int, key: str = "") -> str:
        """Pay."""
        SEEN.append(key)
        return str(amount)

    function = Function.from_callable(gentle, idempotent="key")
    assert list(function.to_dict()["parameters"]["properties"]) == ["amount"]
    World(calls(("gentle", {"amount": 1})), "ok", functions=[function]).ask()
    assert len(SEEN) == 1
    assert SEEN[0]


def test_an_async_function_gets_its_key():
    async def later(amount: int, key: str) -> str:
        """Pay."""
        SEEN.append(key)
        return str(amount)

    world = World(calls(("later", {"amount": 1})), "ok", functions=[Function.from_callable(later, idempotent="key")])
    world.ask_on("async")
    assert [world.events("function.call")[0].data["idempotency_key"]] == SEEN
