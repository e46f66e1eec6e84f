"""The pytest plugin: the mark ``lllm_replay``, the fixture of the same name, and the option ``--lllm-record``.

pytest imports this module at every start, in projects that never heard of agents, too. So it holds names only; what
does the work is loaded once a test with the mark has been collected.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lllm.testing.names import MARK, RECORDED

if TYPE_CHECKING:
    from lllm.testing.replayer import Replayer

_MODES = ("none", "once", "new", "all")
_MARK_TOLD = (
    f"{MARK}(session, *, drift='error', task, kwargs, agent_type, config): replay a recorded session through today's "
    "code. session is a folder in sessions/ beside the test, or a path. drift ('error', 'warn' or 'ignore') says what "
    "a difference does. The rest says what to run when the session is recorded."
)
_RECORD_TOLD = (
    "Which sessions of tests marked lllm_replay are recorded by running their tasks for real: none (default); once: "
    "those that are missing; new: also those that differ; all."
)
_SESSIONS_TOLD = "Folder of recorded sessions, from the root folder. [default: sessions/ beside each test]"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Tell pytest of the option and of the setting."""
    group = parser.getgroup("lllm", "replay of recorded agent sessions")
    group.addoption("--lllm-record", choices=_MODES, default="none", help=_RECORD_TOLD)
    parser.addini("lllm_sessions", _SESSIONS_TOLD, default="")


def pytest_configure(config: pytest.Config) -> None:
    """Tell pytest of the mark."""
    config.addinivalue_line("markers", _MARK_TOLD)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Load what does the work, if there is any."""
    if any(item.get_closest_marker(MARK) for item in items):
        from lllm.testing.marked import MarkedTests  # noqa: PLC0415 - most runs need none of it

        config.pluginmanager.register(MarkedTests(), MARK)


@pytest.fixture
def lllm_replay(request: pytest.FixtureRequest) -> Replayer:
    """Replay the session of the test's mark, when it is called; returns the report.

    Its argument ``run`` is what ran in the session, where that was no AgentBase. Its attribute ``session_log`` has the
    recorded dialogs and messages.
    """
    from lllm.testing.marked import find_replayer  # noqa: PLC0415 - as above

    return find_replayer(request.node)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """List what was recorded, by whichever process did it."""
    if config.getoption("--lllm-record") == "none":
        return
    reports = (report for found in terminalreporter.stats.values() for report in found)
    told = {value for report in reports for key, value in getattr(report, "user_properties", ()) if key == RECORDED}
    if told:
        terminalreporter.section("lllm sessions")
        for line in sorted(told):
            terminalreporter.line(line)
