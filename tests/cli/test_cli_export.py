"""``lllm log export``: what is written where."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

TASK = "What does the fuel for 420 km cost?"


@pytest.fixture
def session(project, lllm, lllm_json):
    """A session of the starter; returns its name."""
    assert lllm("run", TASK).exit_code == 0
    return lllm_json("log", "list")[1][0]["session"]


@pytest.mark.parametrize(
    ("format_", "part"), [("md", "# Session"), ("jsonl", '{"seq":1,'), ("otlp", '{"resourceSpans"')]
)
def test_text_goes_to_stdout(session, lllm, project, format_, part):
    """So that it can be piped on; nothing is left in the folder."""
    before = sorted(project.iterdir())
    result = lllm("log", "export", session, f"--{format_}")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith(part)
    assert sorted(project.iterdir()) == before


@pytest.mark.parametrize("format_", ["html", "ipynb"])
def test_a_page_and_a_notebook_go_to_a_file_of_the_sessions_name(session, lllm, project, format_):
    result = lllm("log", "export", f"--{format_}")
    assert (result.exit_code, result.stdout) == (0, "")
    path = project / f"{session}.{format_}"
    assert f"{path.name}: " in result.stderr
    again = lllm("log", "export", f"--{format_}")
    assert (again.exit_code, "--force" in again.stderr) == (2, True)
    assert lllm("log", "export", f"--{format_}", "--force").exit_code == 0
    assert lllm("log", "export", f"--{format_}", "-o", "-").stdout == path.read_text("utf-8")


def test_json_tells_what_was_written(session, lllm, lllm_json, project):
    code, told = lllm_json("log", "export", "--md", "-o", "a.md")
    assert (code, told["session"], told["format"], told["file"], told["damage"]) == (0, session, "md", "a.md", "")
    assert told["bytes"] == (project / "a.md").stat().st_size
    assert lllm_json("log", "export", "--md")[0] == 2, "one stdout cannot hold both"


def test_options_that_mean_nothing_are_refused(session, lllm):
    for words in ((), ("--html", "--messages"), ("--md", "--content")):
        assert lllm("log", "export", *words).exit_code == 2
    assert lllm("log", "export", "nobody", "--md").exit_code == 4


def test_messages_of_dialogs_can_be_had(session, lllm):
    [dialog] = [json.loads(line) for line in lllm("log", "export", "--jsonl", "--messages").stdout.splitlines()]
    assert [message["role"] for message in dialog["messages"]] == ["system", "user", "assistant", "tool", "assistant"]


def test_what_is_left_of_a_damaged_session_is_written_and_told_of(session, lllm, lllm_json, project):
    folder = lllm_json("log", "path")[1]["path"]
    [events] = Path(folder).glob("events-*.jsonl")
    lines = events.read_bytes().split(b"\n")
    lines[5] = lines[5].replace(b":", b";", 1)
    events.write_bytes(b"\n".join(lines))
    result = lllm("log", "export", session, "--jsonl")
    assert (result.exit_code, len(result.stdout.splitlines())) == (1, 5)
    assert "not the whole run" in result.stderr
    assert "lllm log fsck" in result.stderr
    assert lllm("log", "export", session, "--html").exit_code == 1
    assert "damaged" in (project / f"{session}.html").read_text("utf-8")


def test_a_pattern_of_todays_config_holds_also_where_the_folder_is_named(session, lllm, project):
    """``--log-dir`` says where the log is; it is no way around what must not be shared."""
    config = project / "config/default.yaml"
    config.write_text(config.read_text("utf-8") + "log_redact: ['420 km']\n", "utf-8")
    for words in ((), ("--log-dir", ".lllm/logs"), ("--log-dir", str(project / ".lllm/logs"))):
        told = lllm("log", "export", session, "--jsonl", *words).stdout
        assert "[redacted]" in told
        assert "420 km" not in told
