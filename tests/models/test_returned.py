"""What a function may return beside plain data."""

from __future__ import annotations

import pytest

from lllm.errors import BrowserUnavailable
from lllm.models import Function, FunctionCall, Image, LastResult
from lllm.models.function import PICTURE
from lllm.models.returned import take_apart

PNG = Image("aGk=")
JPEG = Image("aG8=", "image/jpeg")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (PNG, ("", (PNG,), False)),
        (["seen", PNG], ("seen", (PNG,), False)),
        ((PNG, JPEG), ("", (PNG, JPEG), False)),
        (["a", PNG, "b"], (["a", "b"], (PNG,), False)),
        (["a", "b"], (["a", "b"], (), False)),
        ({"picture": 1}, ({"picture": 1}, (), False)),
        (LastResult("done"), ("done", (), True)),
        (LastResult(["done", PNG]), ("done", (PNG,), True)),
        (LastResult(), ("", (), True)),
    ],
)
def test_pictures_and_the_wish_to_end_are_no_data(value, expected):
    assert take_apart(value) == expected


def finish(value, **options):
    call = FunctionCall("c", "look", "{}")
    return Function("look", "", **options).finish(call, value)


def test_a_picture_alone_is_told_in_words_too():
    """Several servers refuse an empty result."""
    done = finish(PNG)
    assert (done.result_str, done.images, done.success) == (PICTURE, (PNG,), True)


def test_a_processor_sees_what_is_left_of_a_value():
    """It makes text, and would only show a picture's bytes."""
    done = finish(LastResult([{"n": 1}, PNG]), processor=lambda value, _call: str(value))
    assert (done.result_str, done.images, done.is_last) == ("{'n': 1}", (PNG,), True)


def test_calls_with_other_pictures_are_other_answers():
    assert finish(["x", PNG]) != finish(["x", JPEG])
    assert finish(["x", PNG]) == finish(["x", Image("aGk=")])


def test_what_ends_a_call_is_raised_by_a_function_that_is_called_by_hand_too():
    """In a notebook, a browser that is missing is an error and no text."""

    def look():
        raise BrowserUnavailable("none is there")

    with pytest.raises(BrowserUnavailable):
        Function("look", "", function=look)(FunctionCall("c", "look", "{}"))
