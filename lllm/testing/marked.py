"""What happens around a test that is marked ``lllm_replay``: its session is replayed, and it is on its own.

From the first fixture of its own on, a test has registries of its own and no network. What a fixture of a wider scope
registers, such as one of the module, stays.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

from lllm.testing.names import MARK
from lllm.testing.replayer import Replayer

_REPLAYER = pytest.StashKey[Replayer]()


def find_replayer(item: pytest.Item) -> Replayer:
    """Return what replays a marked test's session; fail a test that has no mark."""
    replayer = item.stash.get(_REPLAYER, None)
    if replayer is None:
        pytest.fail(f'the fixture {MARK} needs the mark: @pytest.mark.{MARK}("session")', pytrace=False)
    return replayer


class MarkedTests:
    """Hooks of pytest, in force once a marked test has been collected."""

    def __init__(self) -> None:
        self._current: Replayer | None = None

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """Get ready, before any fixture of the test."""
        mark = item.get_closest_marker(MARK)
        if mark is not None:
            self._current = item.stash[_REPLAYER] = Replayer(item, mark)
        return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, request: pytest.FixtureRequest) -> Generator[None, Any, Any]:
        """Put the test on its own before the first fixture that is its own; one of a wider scope has another node."""
        if replayer := request.node.stash.get(_REPLAYER, None):
            replayer.isolate()
        return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """Replay before the test's own code, unless it takes the fixture; then it says when."""
        replayer = item.stash.get(_REPLAYER, None)
        if replayer is None:
            return (yield)
        replayer.isolate()
        if MARK not in getattr(item, "fixturenames", ()):
            replayer()
        result = yield
        if not replayer.was_called:
            replayer()
        return result

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """Give back what was set aside, however the test ended."""
        try:
            return (yield)
        finally:
            if replayer := item.stash.get(_REPLAYER, None):
                replayer.end()

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        """Do the same where Ctrl-C or ``pytest.exit`` ended a test: what fixtures of the session do now is not its."""
        if self._current is not None:
            self._current.end()
