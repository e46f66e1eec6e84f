"""Ids tell where in a run an event stands; whoever writes one and whoever reads it go by one rule."""

from __future__ import annotations

import pytest

from lllm.llm.place import SCOPE, function_scope, step_scope
from lllm.log.scopes import (
    is_in_step,
    is_within,
    scope_of,
    scopes_around,
    strand_of,
    to_scope,
    to_user_scope,
    without_attempts,
)


@pytest.mark.parametrize(
    ("id_", "strand", "scope"),
    [
        ("1/s2/f0", "1", ""),
        ("a.1/s0", "a.1", "a"),
        ("a.1-s2-f0+1.3/s0", "a.1-s2-f0+1.3", "a.1-s2-f0+1"),
        ("v/0", "v/0", ""),
        ("a.v/12", "a.v/12", "a"),
        ("v~0.1/m0", "v~0.1", "v~0"),
        ("run@0.1/s0", "run@0.1", "run@0"),
        ("vv/1", "vv", ""),
        ("", "", ""),
    ],
)
def test_an_id_names_its_strand_and_its_scope(id_, strand, scope):
    """A replay holds today's code to the order of each strand; each value is one of its own."""
    assert (strand_of(id_), scope_of(id_)) == (strand, scope)


@pytest.mark.parametrize(
    ("entered", "scope"),
    [
        (function_scope("1/s0/f0"), "1-s0-f0"),
        (function_scope("a.1/s0/f0", 2), "a.1-s0-f0+2"),
        (step_scope("v/0"), "v~0"),
        (step_scope("a.v/1", 1), "a.v~1+1"),
    ],
)
def test_what_code_enters_is_what_readers_expect(entered, scope):
    """The session names scopes, and replays and exports look them up: one of them alone may not change."""
    with entered:
        assert SCOPE.get() == f"{scope}."
    id_, _, attempt = scope.partition("+")
    is_step = "~" in id_
    id_ = id_.replace("~" if is_step else "-", "/")
    assert to_scope(id_, is_step=is_step, attempt=int(attempt or 0)) == scope


@pytest.mark.parametrize(
    ("scope", "own"),
    [
        ("", ""),
        ("a", "a"),
        ("1-s0-f0", ""),
        ("a.1-s0-f0+1", "a"),
        ("a.1-s0-f0.v~0", "a"),
        ("1-s0-f0+1.a", "1-s0-f0.a"),
        ("run@0.2-s1-f0", "run@0"),
        ("part-f1", "part-f1"),
    ],
)
def test_what_functions_and_steps_open_stands_in_a_scope_of_the_users(scope, own):
    """A kernel serves one such scope: also in a second attempt, and whatever the user calls it."""
    assert to_user_scope(scope) == own


def test_a_second_attempt_does_the_same_work():
    """It draws the numbers that the first one drew, and stands in the same place of a timeline."""
    assert without_attempts("1-s0-f0+1") == "1-s0-f0"
    assert without_attempts("a.1-s0-f0+12.1-s1-f2+3.") == "a.1-s0-f0.1-s1-f2."
    assert without_attempts("a.b") == "a.b"


def test_scopes_stand_in_one_another():
    """What is asked inside of something belongs to the innermost that is known."""
    assert list(scopes_around("a.1-s0-f0.run@0")) == ["a.1-s0-f0.run@0", "a.1-s0-f0", "a"]
    assert list(scopes_around("")) == []
    assert is_within("a.b", "a.b")
    assert is_within("a.b.c", "a.b")
    assert not is_within("a.bc", "a.b"), "another name that begins alike"
    assert not is_within("a", "a.b")


def test_no_scope_of_a_user_is_taken_for_a_steps():
    """What happened inside a step is passed over; work of the user's own is compared."""
    assert is_in_step("a.v~0.b")
    assert not is_in_step("v-0.a")
