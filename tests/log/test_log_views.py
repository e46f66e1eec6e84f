import re
import subprocess
import sys
from pathlib import Path

import pytest

import lllm.log
from lllm.errors import SessionNotFound
from lllm.log import KINDS, MemoryLog, ReplaySession
from lllm.utils import encode_json

EVENTS = [
    ("session.open", "", {"task": "t"}),
    ("dialog.open", "1", {"agent": "main", "parent": None, "at": 0}),
    ("message", "1/m0", {"message": {"role": "user", "content": "hi"}}),
    ("frontend", "fe/0", {"kind": "write", "args": ["hello"]}),
    ("model.request", "1/s0", {"new": ["1/m0"]}),
    ("model.reply", "1/s0", {"message": {"role": "assistant", "content": "yo"}, "usage": {}, "finish": "stop"}),
    ("function.result", "1/s0/f0", {"message": {"role": "tool", "content": "3"}}),
    ("session.close", "", {"status": "ok"}),
]


@pytest.fixture
def log():
    log = MemoryLog()
    with log.open_session("run-1") as opened:
        for kind, place, data in EVENTS:
            opened.append(kind, place, encode_json(data))
    return log


def test_activities_are_the_three_collections_in_order(log):
    """A person who retraces a run reads it as it happened, not sorted by kind."""
    view = ReplaySession(log, "run-1")
    assert [(entry["collection"], entry["id"]) for entry in view.activities] == [
        ("dialogs", "1"),
        ("messages", "1/m0"),
        ("frontend", "fe/0"),
        ("messages", "1/s0"),
        ("messages", "1/s0/f0"),
    ]
    assert [entry["seq"] for entry in view.activities] == [2, 3, 4, 6, 7]
    assert sorted(view.dialogs + view.messages + view.frontend, key=lambda entry: entry["seq"]) == view.activities


def test_an_entry_holds_the_events_facts(log):
    """The collections are the reading side of the log: nothing of an event may be lost."""
    entry = ReplaySession(log, "run").messages[1]
    assert entry.keys() == {"collection", "kind", "seq", "ts", "id", "data"}
    assert entry["data"] == EVENTS[5][2]


def test_a_session_may_be_named_as_on_the_command_line(log):
    """The same three ways everywhere."""
    assert ReplaySession(log, "last").session == "run-1"
    with pytest.raises(SessionNotFound):
        ReplaySession(log, "nothing")


def test_the_face_offers_every_name_it_lists():
    """The names are loaded on first use, so a wrong entry would show only then."""
    assert lllm.log.__all__ == sorted(lllm.log.__all__, key=lambda name: (not name.isupper(), name))
    assert all(getattr(lllm.log, name) is not None for name in lllm.log.__all__)
    with pytest.raises(AttributeError, match="nonsense"):
        _ = lllm.log.nonsense


def test_importing_the_log_loads_nothing_heavy():
    """A start of the command line pays for every import."""
    code = "import sys, lllm; before = set(sys.modules); import lllm.log.build; print(*set(sys.modules) - before)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert not {"sqlite3", "tempfile", "logging", "asyncio", "httpx", "pydantic", "difflib", "random"} & set(
        done.stdout.split()
    )


def test_the_reference_lists_every_kind_of_event():
    """A page that is not checked against the code is wrong after the next release."""
    page = (Path(__file__).parents[2] / "docs/reference/log.md").read_text()
    assert dict(re.findall(r"^\| `([a-z.]+)` \| (.+) \|$", page, re.MULTILINE)) == dict(KINDS)
