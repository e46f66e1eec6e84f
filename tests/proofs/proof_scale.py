"""How much a proof does: a sample in every run, the full amount behind the mark ``heavy``, more by LLLM_PROOF_SCALE."""

from __future__ import annotations

import os

import pytest


def amounts(sample: int, full: int):
    """Run a test with ``amount`` set to a sample, and to the full amount where heavy tests were asked for.

    The environment's LLLM_PROOF_SCALE multiplies the full amount: 10 for ten times as much, 0.1 for a tenth.
    """
    wanted = max(1, round(full * float(os.environ.get("LLLM_PROOF_SCALE") or 1)))
    return pytest.mark.parametrize(
        "amount", [pytest.param(sample, id="sample"), pytest.param(wanted, id="full", marks=pytest.mark.heavy)]
    )
