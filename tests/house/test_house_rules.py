"""House rules that a linter does not know: sizes, fakes, and what the tree must not hold."""

from __future__ import annotations

import ast
import io
import tokenize
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "lllm").rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))


def code_lines(text):
    """Count lines that hold code: no blanks, no comments, no docstrings."""
    skip = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
    lines = set()
    fresh = True
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in skip and not (token.type == tokenize.STRING and fresh):
            lines.update(range(token.start[0], token.end[0] + 1))
        fresh = token.type in {tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.NL, tokenize.COMMENT}
    return len(lines)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_has_one_job(path):
    """At 300 lines of code, a second job has moved in."""
    assert code_lines(path.read_text("utf-8")) <= 300


def test_functions_are_short():
    """A function of more than 50 lines is two."""
    long = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno - node.lineno - len((ast.get_docstring(node) or "").splitlines()) > 50
    ]
    assert long == []


def test_utils_stays_small():
    """What grows in utils belongs beside its caller."""
    assert code_lines((ROOT / "lllm" / "utils.py").read_text("utf-8")) <= 100


def test_tests_neither_mock_nor_sleep():
    """A mock tests the mock, and a sleep is either too short or too long; fakes are in lllm.testing, for users too."""
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in TESTS
        if path != Path(__file__) and "bench" not in path.parts
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if is_mock_or_sleep(node)
    ]
    assert found == []


def is_mock_or_sleep(node):
    """Whether a piece of a test mocks or sleeps. Code in texts, such as cells that a sandbox runs, may do so."""
    match node:
        case ast.Import(names=names):
            return any(name.name == "unittest.mock" for name in names)
        case ast.ImportFrom(module="unittest.mock"):
            return True
        case ast.ImportFrom(module="unittest", names=names):
            return any(name.name == "mock" for name in names)
        case ast.Call(func=ast.Attribute(value=ast.Name(id="time"), attr="sleep")):
            return True
    return False


@pytest.mark.parametrize(
    ("code", "is_found"),
    [
        ("import unittest.mock", True),
        ("from unittest import mock", True),
        ("from unittest.mock import patch", True),
        ("time.sleep(1)", True),
        ("run('time.sleep(1)')", False),
        ("import time", False),
    ],
)
def test_the_rule_on_mocks_and_sleeps_finds_them(code, is_found):
    """A rule that finds nothing would pass for ever."""
    assert any(map(is_mock_or_sleep, ast.walk(ast.parse(code)))) == is_found


def test_nobody_inside_imports_the_roof():
    """A room that imports lllm itself makes the whole house one cycle."""
    found = [
        str(path.relative_to(ROOT))
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Import) and any(alias.name == "lllm" for alias in node.names)
    ]
    assert found == []
