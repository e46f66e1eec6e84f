"""What counts as right: values, not spellings; and nothing that a person would call wrong."""

from __future__ import annotations

import pytest
from grade import is_right


@pytest.mark.parametrize(
    ("expected", "got"),
    [
        ("12", "12"),
        ("12", "12.0"),
        ("12.0", " 12\n"),
        ("12", "12.0009"),
        ("-4", "-4.0"),
        ("0.6667", "0.66667"),
        ("123456.7", "123456.71"),
        ("[1, 2]", "[1,2]"),
        ("[1, 2]", "[1.0, 2.0]"),
        ("[]", "[]"),
        ("['a', 'b']", '["a", "b"]'),
        ("True", "True"),
        ("a b", " a b "),
        ("2024-03-05", "2024-03-05"),
        ("I cannot answer that.", "I cannot answer that."),
        ("1000000000000000000", "1000000000000000000"),
        ("1e+16", "10000000000000000"),
    ],
)
def test_right(expected, got):
    """As it is printed, or the same value printed otherwise."""
    assert is_right(expected, got)


@pytest.mark.parametrize(
    ("expected", "got"),
    [
        ("12", "13"),
        ("12", "12.002"),
        ("12", "12 km"),
        ("12", "twelve"),
        ("12", ""),
        ("12", "nan"),
        ("12", "1_2"),
        ("12", "[12]"),
        ("-4", "4"),
        ("6.667", "6.7"),
        ("0.0005", "0.0"),
        ("97406784", "97406785"),
        ("1000000000000000000", "1000000000000000001"),
        ("[1, 2]", "[2, 1]"),
        ("[1, 2]", "[1, 2, 3]"),
        ("[1, 2]", "1, 2"),
        ("[1, 2]", "(1, 2)"),
        ("[1, 2]", "[1, 2"),
        ("[1, 2]", "['1', '2']"),
        ("[1, 0]", "[True, False]"),
        ("[1, 2]", "[" * 5000),
        ("['a', 'b']", "['a', 'B']"),
        ("True", "False"),
        ("True", "true"),
        ("True", "1"),
        ("hello", "Hello"),
        ("a b", "a  b"),
        ("2024-03-05", "2024-3-5"),
        ("I cannot answer that.", "I cannot answer this."),
    ],
)
def test_wrong(expected, got):
    """Another value, another type, or more than the answer."""
    assert not is_right(expected, got)
