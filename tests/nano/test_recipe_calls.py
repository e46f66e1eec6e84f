"""Questions for the functions that people write themselves, and the calls that nano learns to make of them."""

from __future__ import annotations

import json
import re
from functools import cache
from random import Random

import pytest

from lllm.errors import ParseError
from lllm.models.function import Function
from lllm.nano.recipe.around.outside import build_outside
from lllm.nano.recipe.calls.functions import build_function, build_function_beside
from lllm.nano.recipe.calls.other_calls import CALLEES, OtherCall, ask_call, build_other_call, choose, fits
from lllm.nano.recipe.calls.other_results import build_wrong_arguments
from lllm.nano.recipe.chats import build_chat
from lllm.nano.recipe.language.operands import NUMBER_WORDS

CALL = re.compile(r'<tool_call>\n(\{"name": .*\})\n</tool_call>')
LISTED = re.compile(r"\nFunctions: (.*)<\|im_end\|>\n")


@cache
def calls(count: int = 2000, seed: int = 1) -> list[OtherCall]:
    random = Random(seed)
    return [build_other_call(random) for _ in range(count)]


def parameters_of(listed: str) -> list[str]:
    return [name for name in listed.partition("(")[2].rstrip(")").split(", ") if name]


def numbers_in(question: str) -> set[float]:
    text = question.replace("\u2212", "-").lower()
    found = {float(number.replace(",", "")) for number in re.findall(r"\d[\d,]*(?:\.\d+)?", text)}
    words = re.findall(r"[a-z]+", text)
    return found | {float(value) for value, word in enumerate(NUMBER_WORDS) if word in words}


def test_arguments_occur_in_the_question():
    """A value that the question does not give could only be made up."""
    for call in calls():
        for value in call.arguments.values():
            if isinstance(value, str):
                assert value in call.question, call
            else:
                assert float(value) in numbers_in(call.question), call


def test_a_call_has_known_parameters_in_their_order():
    """A function refuses what it does not take; one order is easier to learn than many."""
    for call in calls():
        listed = parameters_of(call.function)
        assert call.function.startswith(f"{call.name}(")
        assert list(call.arguments) == [name for name in listed if name in call.arguments]
        assert len(set(listed)) == len(listed)
        assert json.loads(json.dumps(call.arguments)) == call.arguments
        assert call.question.strip()
        assert call.result.strip()
        assert not re.search(r"[{}|\ue000\ue001]", call.question + call.result.replace("['", "")), call


def test_only_optional_parameters_are_left_out():
    """A call without a required argument fails."""
    for callee in CALLEES:
        required = {taken.slot for taken in callee.takes if not taken.optional}
        for pattern in (*callee.ways.nouns, *callee.ways.orders, *callee.ways.sentences, *callee.further):
            assert {slot.removesuffix("_raw") for slot in re.findall(r"\{(\w+)\}", pattern)} == required, pattern


def test_functions_and_their_skeletons_are_many():
    """What is narrow is learnt by heart."""
    assert len(CALLEES) >= 40
    for callee in CALLEES:
        assert sum(map(len, callee.ways)) >= 8, callee.names
    names = [name for callee in CALLEES for name in dict.fromkeys(callee.names.split())]
    assert len(names) == len(set(names))
    assert len({call.name for call in calls()}) > 300
    assert len({call.function for call in calls()}) > 900


def test_fuel_is_asked_for_as_the_starter_asks():
    """The project that a new user gets is the first that nano must serve."""
    (fuel,) = [callee for callee in CALLEES if "fuel_cost" in callee.names.split()]
    assert sum(map(len, fuel.ways)) >= 25
    random = Random(2)
    asked: set[str] = set()
    seen: set[tuple[str, ...]] = set()
    for _ in range(12000):
        chosen = choose(random)
        if chosen.callee is fuel:
            call = ask_call(random, chosen, further=random.random() < 0.2)
            asked.add(re.sub(r"\d[\d,.]*\d|\d", "#", call.question))
            seen.add(tuple(parameters_of(call.function)))
    assert {"What does the fuel for # km cost?", "How much is the fuel for # km?", "And for # km?"} <= asked
    assert {("distance_km",), ("distance_km", "litres_per_100_km", "euros_per_litre")} <= seen


def test_units_are_no_part_of_a_number():
    """``420km`` is 420, and ``2,500 km`` is 2500."""
    glued = [call for call in calls() if re.search(r"\dkm\b", call.question)]
    commas = [call for call in calls() if re.search(r"\d,\d{3}\b", call.question)]
    assert len(glued) > 30
    assert len(commas) > 30
    assert all(type(value) in (int, float, str) for call in calls() for value in call.arguments.values())


def test_a_question_fits_its_own_function():
    """Else the same function would be offered where something else is to be done."""
    misses = [call for call in calls() if not fits(call.question, call.function)]
    assert len(misses) <= len(calls()) // 500  # odd typos


def test_no_other_offered_function_would_fit():
    """Two right calls for one question teach nothing."""
    random = Random(3)
    alone = runs_code = 0
    for call in calls(800):
        offered = build_function_beside(random, call.function, call.question)
        assert offered.listed.count(call.function) == 1
        assert len({listed.partition("(")[0] for listed in offered.listed}) == len(offered.listed)
        assert not any(fits(call.question, other) for other in offered.others if other != call.function)
        alone += len(offered.listed) == 1
        runs_code += bool(offered.name)
    assert alone > 150
    assert 320 < runs_code < 480


def test_what_is_outside_is_no_question_for_a_function_that_is_offered():
    """A refusal beside a function that fits would teach not to call it."""
    assert fits("What's the weather like in Oslo?", "get_weather(city)")
    assert fits("whats the waether in oslo", "weather_in(place, day)")
    assert not fits("Who wrote Hamlet?", "get_weather(city)")
    assert not fits("Who wrote Hamlet?", "search(query)")
    assert fits("Who wrote Hamlet?", "search(query)", outside=True)
    random = Random(4)
    others = 0
    for _ in range(800):
        question = build_outside(random)
        offered = build_function(random, question, outside=True)
        others += len(offered.others)
        assert not any(fits(question, other, outside=True) for other in offered.others)
    assert others > 150


def test_chats_call_what_is_offered():
    """What nano learns to call is there, with these parameters; one chat in eight is about such a function."""
    kinds: list[str] = []
    others = 0
    for number in range(800):
        chat = build_chat(Random(f"calls/{number}"))
        kinds.append(chat.kind)
        found = LISTED.search(chat.text)
        listed = re.findall(r"(\w+)\(([^)]*)\)", found[1]) if found else []
        takes = {name: given.split(", ") for name, given in listed}
        for piece in chat.pieces:
            if piece.learned and (made := CALL.search(piece.text)):
                call = json.loads(made[1])
                assert set(call["arguments"]) <= set(takes[call["name"]])
                others += chat.kind == "call"
    assert 0.09 < kinds.count("call") / len(kinds) < 0.15
    assert others > 80


def test_a_refused_call_is_told_as_a_real_function_tells_it():
    """The message is the one that the model will meet."""

    def fuel_cost(distance_km: float, litres_per_100_km: float) -> str:
        """Price a trip."""
        return f"{distance_km}{litres_per_100_km}"

    signature = Function.from_callable(fuel_cost).signature
    random = Random(5)
    refused = 0
    for _ in range(200):
        wrong = build_wrong_arguments(random, {"distance_km": 420, "litres_per_100_km": 6})
        if wrong.arguments == {"distance_km": 420, "litres_per_100_km": 6}:
            assert wrong.error.startswith("Error: ")
        else:
            with pytest.raises(ParseError) as caught:
                signature.bind(wrong.arguments)
            assert wrong.error == f"Error: {caught.value}"
            refused += 1
    assert refused > 90


def test_a_seed_gives_the_same_again():
    """The training must be repeatable."""
    assert calls(200, seed=6) == [build_other_call(random) for random in [Random(6)] for _ in range(200)]
    first, second = (build_chat(Random("x/7")) for _ in range(2))
    assert first.text == second.text
