"""Two recorded runs side by side."""

import json
from dataclasses import replace

import pytest
from click.testing import CliRunner

from lllm.cli.app import cli
from lllm.llm.agent import Agent
from lllm.llm.session import Session
from lllm.log.local import LocalFileLog
from lllm.log.memory import MemoryLog
from lllm.replay.diff import diff_runs
from lllm.replay.diff_text import render_diff
from lllm.replay.fork import fork as run_fork
from lllm.testing import scripted_model
from lllm.utils import encode_json

CALL = {"calls": [{"name": "add", "arguments": {"a": 1}, "id": "call_1"}]}


def add(a: int, b: int = 1) -> int:
    """Add two numbers."""
    return a + b


def record(
    *replies, log=None, name="run", system="You help.", task="Add.", turns=1, functions=(add,), header=None, **more
):
    """Run a small program and return its events."""
    log = MemoryLog() if log is None else log
    agent = Agent.quick(system, provider=scripted_model(*replies), functions=list(functions), **more)
    with Session.open(log, name, header={"task": task, **(header or {})}) as session:
        dialog = agent.init_dialog()
        for _ in range(turns):
            dialog.send_message(task)
            reply, dialog, _calls = agent.call(dialog)
        session.result = reply.content
    return list(log.read_run(name))


def places(changes):
    return [(change.kind, change.id) for change in changes]


def test_two_runs_of_one_program_are_the_same():
    """Times, seeds, hashes and the ids that a server gives its calls differ every time."""
    other_id = {"calls": [{**CALL["calls"][0], "id": "call_2"}]}
    found = diff_runs(record(CALL, "Two."), record(other_id, "Two.", name="again"))
    assert found.is_same
    assert found.first is None
    assert [remark.partition(":")[0] for remark in found.remarks] == ["seed"]
    assert "same: both runs" in render_diff(found)


def test_a_changed_prompt_is_the_only_difference_where_the_model_says_the_same():
    """Requests hold the hash of all that was said; naming each of them would bury the one line that changed."""
    found = diff_runs(record("Yes.", system="You help.\nBe brief."), record("Yes.", system="You help.\nBe kind."))
    assert places(found.events) == [("message", "1/m0")]
    assert found.events[0].diff.splitlines()[1:] == [" You help.", "-Be brief.", "+Be kind."]
    assert (found.first.a_seq, found.first.b_seq) == (3, 3)


def test_what_follows_from_a_reply_is_shown_in_its_order():
    """A person reads down from the first difference to what came of it."""
    other = {"calls": [{"name": "add", "arguments": {"a": 5}}]}
    found = diff_runs(record(CALL, "Two."), record(other, "Six."))
    kinds = [change.kind for change in found.events]
    assert kinds == ["model.reply", "function.call", "function.result", "model.reply", "session.close"]
    assert found.first is found.events[0]
    assert (found.a.result, found.b.result) == ("Two.", "Six.")
    told = render_diff(found)
    assert "they part ways at reply 1/s0 (A seq" in told
    assert '-{"a":1}' in told
    assert '+{"a":5}' in told


def test_what_only_one_run_has_is_named():
    """A run that went on longer differs by that alone."""
    found = diff_runs(record("One.", "Two.", turns=2), record("One."))
    assert [change.b_seq is None for change in found.events] == [True, True, True, True, False]
    assert places(found.events)[0] == ("message", "1/m3")
    assert places(found.events)[-1] == ("session.close", "")
    assert "only in A: message 1/m3" in render_diff(found)
    turned = diff_runs(record("One."), record("One.", "Two.", turns=2))
    assert "only in B: message 1/m3" in render_diff(turned)
    assert turned.first.a_seq is None
    assert places(turned.events) == places(found.events)


def test_contracts_are_compared_part_by_part():
    """A function's description is part of what a model is told, and is in no message."""

    def changed(a: int, b: int = 1) -> int:
        """Add two numbers, quickly."""
        return a + b

    changed.__name__ = "add"
    found = diff_runs(record("Yes."), record("Yes.", functions=[changed], model="mock-2"))
    assert [change.id.partition(": ")[2] for change in found.contracts] == ["model", "functions"]
    assert "quickly" in found.contracts[1].diff
    assert found.events == ()
    assert not found.is_same
    assert "part ways at contract" in render_diff(found)


def test_settings_differ_where_they_matter():
    """Another task is a difference; another machine is not."""
    config = {"agents": {"a": {"model_name": "x"}}, "log_dir": "here"}
    other = {"agents": {"a": {"model_name": "y"}}, "log_dir": "there"}
    left = record("Yes.", task="Add.", header={"config": config})
    right = record("Yes.", task="Add.", header={"config": other})
    found = diff_runs(left, right)
    assert [(change.id, change.a, change.b) for change in found.header] == [("config.agents.a.model_name", "x", "y")]
    assert {remark.partition(":")[0] for remark in found.remarks} == {"seed", "config.log_dir"}
    assert found.first is None
    assert "differs: in settings only" in render_diff(found)


def test_values_by_chance_are_no_difference_and_others_are():
    """The clock says something else each time; what a step returned is what the code went on with."""

    def run(name, answer):
        log = MemoryLog()
        with Session.open(log, name) as session:
            session.now()
            session.uuid4()
            session.step("answer", lambda: answer)
        return list(log.read_run(name))

    assert diff_runs(run("a", 1), run("b", 1)).is_same
    found = diff_runs(run("a", 1), run("b", 2))
    assert [(change.id, change.a, change.b) for change in found.events] == [("v/2", 1, 2)]


def test_a_long_line_is_shown_from_where_it_differs():
    """A diff of lines that are cut before they differ would show two lines that look the same."""
    text = "x" * 100_000
    found = diff_runs(record(f"{text}A{text}"), record(f"{text}B{text}"))
    lines = render_diff(found).splitlines()
    assert any(line.strip().startswith("-…xxx") and "xAx" in line for line in lines)
    assert any(line.strip().startswith("+…xxx") and "xBx" in line for line in lines)
    assert max(map(len, lines)) <= 300


def test_a_run_of_very_many_dialogs_stays_readable():
    """Two batches that differ everywhere would fill the screen for minutes."""

    def run(word):
        log = MemoryLog()
        with Session.open(log, "many") as session:
            for _ in range(50):
                Agent.quick(provider=scripted_model(word)).ask("Go.")
            session.result = word
        return list(log.read_run("many"))

    found = diff_runs(run("Yes."), run("No."))
    lines = render_diff(found).splitlines()
    assert len(found.events) == 51
    assert len([line for line in lines if line.startswith("dialog ")]) == 20
    assert "… and 30 dialogs more; --json has all" in lines
    assert lines.index("session") > lines.index("dialog 20")


def test_a_run_whose_process_died_is_compared_as_far_as_it_goes():
    """The run that died is the one that somebody wants to compare."""
    whole = record(CALL, "Two.")
    cut = diff_runs(whole, whole[:7])
    assert (cut.a.status, cut.b.status) == ("ok", "open")
    assert all(change.b_seq is None for change in cut.events)
    assert cut.first.a_seq == 8
    assert not diff_runs(whole, []).is_same
    assert diff_runs([], []).is_same


def test_tokens_money_and_time_stand_side_by_side():
    """Whether the new prompt is worth its price is half of the question."""
    told = render_diff(diff_runs(record(CALL, "Two."), record("Two.", name="other")))
    rows = {line[:12].strip(): line[12:].split() for line in told.splitlines()[:9]}
    assert rows["model calls"] == ["2", "1"]
    assert rows["functions"] == ["1", "0"]
    assert rows["session"] == ["run", "other"]
    assert rows["cost"] == ["$0.0000", "$0.0000"]


def fork(log, parent, at, name, changed):
    """Write a fork of a session: what is changed in the shared part, and an end of its own."""
    events = list(log.read_run(parent))
    header = {**events[0].data, "parent": {"session": parent, "seq": at, "chain": events[at - 1].h}}
    with log.open_session(name) as journal:
        journal.append("session.open", "", encode_json(header))
        for event in [changed, *events[at:]]:
            journal.append(event.kind, event.id, encode_json(event.data), cause=event.cause)
    return list(log.read_run(name))


def test_a_fork_against_its_parent_shows_just_what_changed(tmp_path):
    """Its log holds little; the run that it stands for is whole."""
    log = LocalFileLog("logs", {"log_dir": str(tmp_path)})
    parent = record(CALL, "Two.", log=log)
    said = {"message": {**parent[2].data["message"], "content": "You rule."}}
    child = fork(log, "run", 5, "child", replace(parent[2], data=said))
    found = diff_runs(parent, child)
    assert places(found.events) == [("message", "1/m0")]
    assert found.header == ()
    assert found.contracts == ()
    assert found.b.parent == "run@6"


def test_a_fork_that_was_run_differs_from_where_it_begins(tmp_path):
    """The other prompt, and the reply that it got; no event that both share."""
    log = LocalFileLog("logs", {"log_dir": str(tmp_path)})
    parent = record(CALL, "Two.", log=log)

    def program(session):
        agent = Agent.quick("You rule.", provider=scripted_model("Three."), functions=[add])
        dialog = agent.init_dialog()
        dialog.send_message("Add.")
        session.result = agent.call(dialog)[0].content

    run_fork(log, "run", "1/s1", program, name="child")
    found = diff_runs(parent, log.read_run("child"))
    assert places(found.events) == [("message", "1/m0"), ("model.reply", "1/s1"), ("session.close", "")]
    assert [change.id for change in found.contracts] == ["agent quick/system: prompt.source"]
    assert found.header == ()
    assert found.b.parent == "run@10"


def test_a_log_that_lies_cannot_break_or_steer_the_comparison():
    """Whoever sends a log may have put anything into it."""
    events = record(CALL, "Two.", "\x1b[31mred", turns=2)
    strange = [None, 1, [], {}, "\x1b]0;title\x07", [[{}]], {"calls": 3, "content": ["\u202e"]}, {"calls": [3]}]
    for value in strange:
        for position, event in enumerate(events):
            for key in event.data:
                lie = [*events[:position], replace(event, data={**event.data, key: value}), *events[position + 1 :]]
                found = diff_runs(events, lie)
                assert "\x1b" not in render_diff(found)
                json.dumps(found.to_dict())


# --- the verb ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def log(tmp_path):
    log = LocalFileLog("logs", {"log_dir": str(tmp_path)})
    record(CALL, "Two.", log=log, name="first")
    record(CALL, "Two.", log=log, name="same")
    record(CALL, "Three.", log=log, name="other")
    return log


def diff(log, *args):
    return CliRunner().invoke(cli, ["log", "diff", *args, "--log-dir", str(log.folder)])


def test_exit_codes_tell_same_from_different(log):
    """A script asks whether two runs agree, and reads no text."""
    assert diff(log, "first", "same").exit_code == 0
    differs = diff(log, "first", "other")
    assert differs.exit_code == 3
    assert "-Two." in differs.stdout
    assert diff(log, "first", "nowhere").exit_code == 4


def test_json_has_all_of_it(log):
    """What the text cuts short, a program gets whole."""
    told = json.loads(diff(log, "first", "other", "--json").stdout)
    assert told["same"] is False
    assert told["first"]["kind"] == "model.reply"
    assert [change["kind"] for change in told["events"]] == ["model.reply", "session.close"]
    assert (told["a"]["session"], told["b"]["session"]) == ("first", "other")
    assert told["damage"] == {"a": "", "b": ""}


def test_a_damaged_session_is_compared_up_to_the_damage_which_is_told(log):
    """What can be read is worth reading, and is not taken for all."""
    file = log.folder / "other" / "events-000001.jsonl"
    lines = file.read_bytes().split(b"\n")
    lines[6] = lines[6].replace(b"call_1", b"call_9")
    file.write_bytes(b"\n".join(lines))
    done = diff(log, "first", "other")
    assert done.exit_code == 1
    assert "only in A" in done.stdout
    assert "lllm log fsck other" in done.stderr
    assert json.loads(diff(log, "first", "other", "--json").stdout)["damage"]["b"]
