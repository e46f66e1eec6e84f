"""Costs, cards and the words of floor 0."""

import dataclasses
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lllm import const
from lllm.const import (
    MODEL_CARDS,
    NO_COST,
    CompletionCost,
    Features,
    ModelCard,
    find_model_card,
    register_model_card,
)

PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"
COUNT = st.integers(0, 10**9)
COSTS = st.builds(CompletionCost, COUNT, COUNT, COUNT, COUNT, st.none() | st.integers(0, 1000).map(float))


@pytest.fixture
def cards():
    """Give a test model cards of its own to register, and forget them after it."""
    before = dict(MODEL_CARDS)
    yield
    const._CARDS.clear()
    const._CARDS.update(before)


@given(COSTS, COSTS, COSTS)
def test_costs_add_up_in_any_order(one, two, three):
    """Parallel calls end in any order."""
    assert one + two == two + one
    assert (one + two) + three == one + (two + three)
    assert one + NO_COST == one
    assert (one + two).total_tokens == one.total_tokens + two.total_tokens


@given(COSTS, COSTS)
def test_an_unknown_price_makes_the_sum_unknown(one, two):
    """A sum that left a price out would look like a total."""
    known = one.cost_usd is not None and two.cost_usd is not None
    assert (one + two).cost_usd == (one.cost_usd + two.cost_usd if known else None)


def test_every_kind_of_token_is_summed():
    """Each is billed in its own way."""
    assert CompletionCost(1, 2, 3, 4, 0.5) + CompletionCost(10, 20, 30, 40, 0.25) == CompletionCost(
        11, 22, 33, 44, 0.75
    )
    assert CompletionCost(1, 2, 3, 4).total_tokens == 3
    assert CompletionCost().cost_usd is None
    assert NO_COST.cost_usd == 0


def test_a_price_is_for_a_million_tokens():
    """Dollars for a million, as vendors write it; reasoning tokens are a part of the completion."""
    card = ModelCard("m", input_price=2.0, output_price=10.0)
    usage = CompletionCost(1_000_000, 100_000, reasoning_tokens=50_000)
    assert card.price(usage) == dataclasses.replace(usage, cost_usd=3.0)


def test_cached_tokens_have_their_own_price():
    """Caches are what makes long dialogs affordable."""
    usage = CompletionCost(1_000_000, 0, 500_000)
    assert ModelCard("m", input_price=2.0, output_price=10.0).price(usage).cost_usd == 2.0
    assert ModelCard("m", input_price=2.0, cached_input_price=0.0, output_price=10.0).price(usage).cost_usd == 1.0


@pytest.mark.parametrize("prices", [{}, {"input_price": 1.0}, {"output_price": 1.0}])
def test_an_unknown_price_is_none_and_not_zero(prices):
    """A free model and an unknown one are not the same."""
    assert ModelCard("m", **prices).price(CompletionCost(5, 5)) == CompletionCost(5, 5)


def test_a_card_is_found_by_its_name_and_its_snapshots(cards):
    """Servers answer with the snapshot's name."""
    card = ModelCard("big", snapshots=("big-2020", "big-2021"), features=frozenset({Features.STREAMING}))
    register_model_card(card)
    assert {find_model_card(name) for name in ("big", "big-2020", "big-2021")} == {card}
    later = ModelCard("big")
    register_model_card(later)
    assert (find_model_card("big"), find_model_card("big-2020")) == (later, card)


def test_a_model_without_a_card_has_a_blank_one():
    """A model of yesterday works today; its price is unknown."""
    card = find_model_card("nobody/knows")
    assert card == ModelCard("nobody/knows")
    assert (card.input_price, card.max_tokens, card.features) == (None, None, frozenset())
    assert "nobody/knows" not in MODEL_CARDS


def test_the_mock_costs_nothing_and_that_is_known():
    """Tests of money need a model whose money is known."""
    assert find_model_card("mock").price(CompletionCost(5, 5)).cost_usd == 0


def test_the_version_is_the_packages():
    """Logs name the version that wrote them."""
    assert tomllib.loads(PYPROJECT.read_text())["project"]["version"] == const.VERSION
