"""The tree of errors: who acts is in the type, and every error can say where and what next."""

import inspect
import pickle
import re

import pytest

from lllm import errors
from lllm.errors import (
    ConfigError,
    LimitExceeded,
    LLLMError,
    ModelBehaviorError,
    NotRegisteredError,
    ProviderError,
    RateLimited,
    ReplayDiverged,
    StatusError,
    TransportError,
)

ALL = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, LLLMError)]


def drawn():
    """Return ``name -> parent`` of the tree at the top of the file."""
    parents, path = {}, {}
    for line in errors.__doc__.splitlines():
        if found := re.match(r"^((?:│   |    )*)(?:├── |└── )(\w+)", line):
            depth = len(found[1]) // 4 + 1
            path[depth] = found[2]
            parents[found[2]] = path.get(depth - 1, "LLLMError")
    return parents


def test_the_drawn_tree_is_the_tree():
    """Readers choose what to catch from the picture."""
    real = {kind.__name__: kind.__bases__[0].__name__ for kind in ALL if kind is not LLLMError}
    assert drawn() == real


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
def test_every_error_says_what_where_and_what_next(kind):
    """One line and a hint are all that a terminal shows."""
    error = kind("it broke", where="a.py:1:2", hint="mend it")
    assert (error.message, error.where, error.hint) == ("it broke", "a.py:1:2", "mend it")
    assert str(error) == "a.py:1:2: it broke"
    plain = kind("it broke")
    assert (str(plain), plain.where, plain.hint) == ("it broke", "", "")
    assert kind.__doc__


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
def test_every_error_survives_another_process(kind):
    """Worker processes hand their errors back."""
    error = pickle.loads(pickle.dumps(kind("it broke", where="a.py", hint="mend it")))
    assert (type(error), error.__dict__) == (kind, kind("it broke", where="a.py", hint="mend it").__dict__)


RETRYABLE = {
    "TransportError", "ConnectFailed", "ProviderTimeout", "ConnectionLost", "StreamTruncated",
    "Conflict", "RateLimited", "Overloaded", "ServerError", "BadReply",
}  # fmt: skip


@pytest.mark.parametrize(
    "kind", [kind for kind in ALL if issubclass(kind, ProviderError)], ids=lambda kind: kind.__name__
)
def test_each_provider_error_knows_whether_waiting_helps(kind):
    """A wrong key is not asked about three times."""
    assert kind("x").retryable == (kind.__name__ in RETRYABLE)
    assert kind("x", retryable=True).retryable is True
    assert kind("x", retryable=False).retryable is False


def test_a_provider_error_holds_the_facts_of_the_answer():
    """They are logged, and the machine decides by them."""
    facts = {
        "provider": "p", "retry_after_s": 2.0, "status": 429, "code": "slow", "request_id": "r", "excerpt": "e", "partial": "t",
    }  # fmt: skip
    error = RateLimited("x", **facts)
    assert facts.items() <= error.__dict__.items()
    bare = TransportError("x")
    assert (bare.status, bare.retry_after_s, bare.code, bare.partial) == (None, None, "", "")
    assert isinstance(error, StatusError)


def test_a_log_keeps_of_a_provider_error_what_is_known():
    """And the name by which a user of httpx catches it, who is to catch it in a replay, too."""
    error = RateLimited("x", provider="p", retry_after_s=0.0, status=429, hint="wait")
    expected = {"type": "RateLimited", "message": "x", "retryable": True, "provider": "p", "retry_after_s": 0.0}
    assert error.to_facts() == {**expected, "status": 429, "hint": "wait"}
    also = type("Late", (TransportError, type("ReadTimeout", (Exception,), {"__module__": "httpx"})), {})
    assert also("y").to_facts() == {"type": "Late", "message": "y", "retryable": True, "also": "ReadTimeout"}


def test_a_missing_key_is_a_key_error_that_reads_well():
    """KeyError shows the repr of its text; a user wants the text."""
    error = NotRegisteredError("no prompt is registered as 'x'", where="a.py:1")
    assert isinstance(error, KeyError)
    assert str(error) == "a.py:1: no prompt is registered as 'x'"


def test_some_errors_hold_more():
    """What failed is there as data, not only as text."""
    assert ModelBehaviorError("x", attempts=[1, 2]).attempts == (1, 2)
    assert ModelBehaviorError("x").attempts == ()
    assert LimitExceeded("x", limit="tokens").limit == "tokens"
    assert LimitExceeded("x").limit == ""
    assert ReplayDiverged("x", report={"seq": 3}).report == {"seq": 3}
    assert ReplayDiverged("x").report == {}


def test_catching_the_base_catches_all():
    """One except clause is enough for who wants no more."""
    for kind in ALL:
        with pytest.raises(LLLMError):
            raise kind("x")
    assert not issubclass(ConfigError, ProviderError)
