"""What tests of tracing share."""

from __future__ import annotations

import pytest


@pytest.fixture
def spans():
    """Trace the test, and give it what came of that."""
    from trace_world import Spans

    from lllm.llm.trace import traced

    made = Spans()
    with traced(made.provider):
        yield made
