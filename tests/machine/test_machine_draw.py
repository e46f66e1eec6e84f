"""The pictures of the table say what the table says."""

import re

from lllm.machine import TABLE, TERMINAL, State
from lllm.machine.draw import render_markdown, render_mermaid, rows, table_hash
from lllm.machine.transitions import STOPS
from lllm.utils import digest

N_ARROWS = sum(len(arrows) for arrows in TABLE.values())


def test_every_arrow_has_words_for_its_guard_and_its_action():
    """Readers of the docs see the docstrings of the code that runs, so none may be missing."""
    assert len(rows()) == N_ARROWS
    assert all(all(row) for row in rows())
    assert rows()[0] == ("READY", "Called", "Always", "AWAIT_MODEL", "CallModel")


def test_markdown_holds_one_line_for_each_arrow():
    """The docs' table is complete, and no word breaks its columns."""
    head, rule, *lines = render_markdown().splitlines()
    assert (head.count("|"), rule.count("|")) == (6, 6)
    assert len(lines) == N_ARROWS
    cells = [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in lines]
    assert cells == [tuple(row) for row in rows()]


def test_no_two_arrows_read_alike():
    """A row that reads like another hides a difference that the code knows."""
    assert len(set(rows())) == N_ARROWS


def test_mermaid_draws_every_arrow_that_does_not_merely_stop_a_call():
    """The stops are one note in place of a line for each of them and each state."""
    lines = render_mermaid().splitlines()
    drawn = [line for line in lines if re.fullmatch(r"    \w+ --> \w+: .+", line)]
    assert len(drawn) == N_ARROWS - len(STOPS) * len([state for state in State if state not in TERMINAL])
    assert lines[:2] == ["stateDiagram-v2", "    [*] --> READY"]
    assert {"    DONE --> [*]", "    FAILED --> [*]"} <= set(lines)
    assert lines[-1].endswith("BudgetSpent, Cancelled, DeadlinePassed, Misconfigured, UserCodeRaised")


def test_mermaid_labels_hold_nothing_that_ends_a_label():
    """Mermaid ends a label at a colon or a semicolon and takes the rest for states (its stateDiagram.jison, 2024)."""
    for line in render_mermaid().splitlines():
        label = line.partition(": ")[2]
        assert not set(label) & set(":;")


def test_the_hash_names_the_table():
    """A log says by which machine it was made; another table is another hash."""
    assert table_hash() == digest(render_markdown())
    assert re.fullmatch(r"[0-9a-f]{32}", table_hash())
