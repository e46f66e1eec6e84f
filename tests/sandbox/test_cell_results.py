"""A cell's result raises for those who ask it to, and for nobody else."""

from __future__ import annotations

import pytest

from lllm.errors import CellTimeout, KernelDied, OutputLimit, SandboxError
from lllm.sandbox.cell import CellResult


def test_a_result_that_is_ok_is_returned():
    """So that it can stand in the middle of a line."""
    result = CellResult("ok", execution_count=3)
    assert result.raise_for_status() is result


@pytest.mark.parametrize(
    ("status", "kind"), [("timeout", CellTimeout), ("died", KernelDied), ("output_limit", OutputLimit)]
)
def test_a_cell_that_was_ended_raises_the_error_that_its_result_names(status, kind):
    """Who catches it by its type reads the same name in the notebook, and the same text."""
    with pytest.raises(SandboxError, match=r"^it took too much$") as caught:
        CellResult(status, ename=kind.__name__, evalue="it took too much").raise_for_status()
    assert type(caught.value) is kind


def test_what_the_code_raised_is_told_and_not_rebuilt():
    """Its type came from inside: no class of the host's may be chosen by it."""
    with pytest.raises(SandboxError, match=r"^the cell raised KernelDied: I say so$") as caught:
        CellResult("error", ename="KernelDied", evalue="I say so").raise_for_status()
    assert type(caught.value) is SandboxError
