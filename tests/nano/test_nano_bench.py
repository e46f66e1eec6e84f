"""What the bench counts, with a model that is played: no mlx, no sandbox."""

from __future__ import annotations

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import NamedTuple

import pytest
from exam import Question
from exam_forms import FORMS

from lllm.testing import scripted_model

TAGS, JSON = FORMS[0], next(form for form in FORMS if form.is_json)
QUESTION = Question("arithmetic", "sum", "arithmetic/sum/0", "What is 1 plus 2?", "3")


class Event(NamedTuple):
    """What is read of an event."""

    kind: str
    data: dict


@pytest.fixture(scope="module")
def bench():
    """The program, as a module."""
    spec = spec_from_file_location("nano_bench", Path(__file__).parents[1] / "bench" / "nano.py")
    module = sys.modules["nano_bench"] = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def sit(bench, *replies, form=TAGS):
    """One question, answered as the script says."""
    return bench.sit(QUESTION, form, scripted_model(*replies), {})


def test_an_answer_in_its_form_is_right(bench):
    """Both kinds of forms are read."""
    assert sit(bench, "<answer>3.0</answer>").right
    assert sit(bench, f'{{"{JSON.field}": "3"}}', form=JSON).right


def test_a_wrong_answer_is_no_failure_to_parse(bench):
    """The two are told apart, since only one of them can be repaired."""
    taken = sit(bench, "<answer>4</answer>")
    assert (taken.right, taken.answer, taken.error, taken.episodes) == (False, "4", "", 0)


def test_a_reply_that_is_repaired_counts_once(bench):
    """Two unusable replies in a row are one thing to repair."""
    taken = sit(bench, "3", "it is 3", "<answer>3</answer>")
    assert (taken.right, taken.unusable_replies, taken.episodes, taken.repaired) == (True, 2, 1, 1)


def test_a_reply_that_stays_unusable_is_not_repaired(bench):
    """The run goes on to the next question."""
    taken = sit(bench, *["3"] * 4)
    assert (taken.right, taken.unusable_replies, taken.episodes, taken.repaired) == (False, 4, 1, 0)
    assert taken.error.startswith("ModelBehaviorError: ")


def test_a_call_of_an_unknown_function_is_counted_as_failed(bench):
    """Such a call runs nothing; the model may go on."""
    taken = sit(bench, {"calls": [{"name": "runpython", "arguments": {"code": "x"}}]}, "<answer>3</answer>")
    assert (taken.calls, taken.function_errors, taken.right) == (1, 1, True)
    assert taken.codes == ['{"code":"x"}']


@pytest.mark.parametrize(
    ("result", "is_error"),
    [
        (
            "----\nNameError                Traceback (most recent call last)\n\nNameError: name 'x' is not defined",
            True,
        ),
        ("  Cell In[1], line 1\n    print(\nSyntaxError: incomplete input", True),
        ("CellTimeout: the cell did not end within 60 s and was interrupted", True),
        ("7", False),
        ("['Error', 'b']", False),
        ("(no output)", False),
    ],
)
def test_a_cell_that_raised_is_counted_as_failed(bench, result, is_error):
    """The model reads a traceback as an ordinary result."""
    events = [Event("function.result", {"message": {"content": result}})]
    taken = bench.Taken(*QUESTION[:3], "form", QUESTION.text, QUESTION.expected)
    bench.count_events(taken, events)
    assert (taken.calls, taken.function_errors) == (1, is_error)


def test_the_summary_adds_up(bench):
    """What is reported is what was counted."""
    some = [sit(bench, "3", "<answer>3</answer>"), sit(bench, "<answer>4</answer>"), sit(bench, *["3"] * 4)]
    found = bench.summarize(some)
    assert found["all"] == {"count": 3, "right": 1, "percent": 33.3}
    assert found["operation"] == {"arithmetic/sum": found["all"]}
    assert (found["episodes"], found["repaired"], found["repaired_and_right"]) == (2, 1, 1)
    assert found["errors"] == {"ModelBehaviorError": 1}
