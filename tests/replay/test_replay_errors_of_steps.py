"""A step of the user's code that raised when it was recorded raises the same today."""

from __future__ import annotations

import pytest

from lllm.llm import Session
from lllm.log import MemoryLog
from lllm.replay import replay


def read_file(session, ran):
    """Do what a user does about a file that may be missing."""

    def load():
        ran.append(1)
        raise FileNotFoundError("no such file: notes.txt")

    try:
        return session.step("load", load)
    except FileNotFoundError as error:
        return f"none: {error}"


def test_an_error_that_user_code_caught_is_raised_again_without_running_the_step():
    """Outside of the log, the file may be there by now; the replay must go the way that the run went."""
    log, ran = MemoryLog(), []
    with Session.open(log, "s") as session:
        session.result = read_file(session, ran)
    report = replay(log, "s", run=lambda session: read_file(session, ran))
    assert (report.status, report.result, ran) == ("same", "none: no such file: notes.txt", [1])


def test_a_seed_is_drawn_for_each_session_and_a_replay_draws_its_numbers_again():
    """Without a seed in the config, two runs differ; their replays do not."""
    log = MemoryLog()
    drawn = []
    for name in ("a", "b"):
        with Session.open(log, name) as session:
            session.result = session.random.random()
            drawn.append(session.result)
    assert drawn[0] != drawn[1]
    assert [replay(log, name, run=lambda s: s.random.random()).result for name in ("a", "b")] == drawn


def test_an_error_of_the_log_is_no_result_of_a_step():
    """A log that can no longer be written must not be asked to note that."""
    log = MemoryLog()
    session = Session.open(log, "s")
    session.journal.close()
    with pytest.raises(Exception, match="closed"):
        session.step("x", lambda: 1)
