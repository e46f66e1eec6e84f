"""Requests: what makes two of them the same."""

import dataclasses

import pytest

from lllm.errors import ConfigError
from lllm.models import Contract, Function, History, ModelRequest, Prompt
from lllm.models.request import build_contract

PARTS = {
    "model": "other",
    "functions": (Function("f"),),
    "format_schema": {"type": "object"},
    "params": {"temperature": 0},
    "extra_body": {"top_k": 1},
}


def test_the_fingerprint_covers_everything_that_a_server_could_notice():
    """Replay compares requests by it."""
    prints = {name: Contract(**({"model": "m"} | {name: value})).fingerprint for name, value in PARTS.items()}
    prints["nothing"] = Contract("m").fingerprint
    prints["format_name"] = Contract("m", format_name="x", format_schema={"type": "object"}).fingerprint
    assert len(set(prints.values())) == len(prints)
    assert Contract("m").fingerprint == Contract("m").fingerprint


def test_what_a_wire_format_keeps_does_not_count():
    """A cache is not content."""
    contract = Contract("m")
    before = contract.fingerprint
    contract.rendered["openai"] = b"{}"
    assert (contract.fingerprint, Contract("m").rendered) == (before, {})
    assert dataclasses.replace(contract).fingerprint == before


def test_a_contract_is_logged_as_plain_data():
    """It is what a difference is shown in."""
    contract = Contract("m", (Function("f", "Do."),), "answer", {"type": "object"}, {"seed": 1}, {"x": 2})
    assert contract.to_dict() == {
        "model": "m",
        "functions": [Function("f", "Do.").to_dict()],
        "format": {"name": "answer", "schema": {"type": "object"}},
        "params": {"seed": 1},
        "extra_body": {"x": 2},
    }
    assert Contract("m").to_dict()["format"] is None


def test_params_that_json_cannot_hold_are_refused_at_once():
    """They could not be sent either."""
    with pytest.raises(TypeError):
        Contract("m", params={"stop": object()})


def test_a_request_is_a_contract_and_a_history():
    """Streaming is how an answer is shown, not what is asked."""
    request = ModelRequest(Contract("m"), History())
    assert (request.stream, len(request.history)) == (False, 0)


def test_an_argument_names_no_other_model():
    """What is logged and priced would be one model, what is asked another."""
    with pytest.raises(ConfigError) as caught:
        build_contract("m", Prompt(path="p", prompt=""), offered=True, params={"model": "other"})
    assert "model_name" in caught.value.hint


def test_a_format_has_a_name_that_services_take():
    """They refuse brackets, and a generic's own name is full of them."""

    class Odd:
        pass

    Odd.__name__ = "Box[int, ü]" + "x" * 80
    prompt = Prompt(path="p", prompt="", format=list[int])
    object.__setattr__(prompt, "format", Odd)
    contract = build_contract("m", prompt, offered=True, params={})
    assert contract.format_name == ("Box_int____" + "x" * 80)[:64]
