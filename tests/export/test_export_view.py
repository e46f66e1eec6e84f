"""A session as people read it."""

from __future__ import annotations

import pytest
from export_runs import Story, fork, trip

from lllm.export.view import to_view


def view_of(story):
    return to_view(list(story.log.read_run(story.name)))


def test_a_function_is_told_with_its_name_its_arguments_and_how_long_it_took():
    entries = [entry for entry in view_of(trip()).dialogs[0].entries if entry.who == "function"]
    assert [(e.name, e.arguments[:8], e.note, e.duration_s) for e in entries] == [
        ("run", '{"code":', "failed", 0.25),
        ("add", '{"a": 1}', "", 1.0),
        ("look", "", "not run again", None),
    ]


def test_an_attempt_that_could_not_be_used_stays_as_evidence():
    entries = [entry for entry in view_of(trip()).dialogs[0].entries if entry.pruned]
    assert [(entry.who, entry.seq, entry.id) for entry in entries] == [
        ("assistant", 21, "1/s2"),
        ("handler", 22, "1/s2/x"),
    ]


def test_tokens_and_money_are_those_of_every_reply():
    view = view_of(trip())
    assert (view.prompt_tokens, view.completion_tokens, view.cost_usd, view.status) == (50, 20, 1.25, "ok")


def test_runs_inside_a_session_and_its_prompts_are_told():
    view = view_of(trip("x"))
    assert [(run.agent_type, run.task, run.status, run.result) for run in view.runs] == [("helper", "x", "ok", "x")]
    assert [(c.agent, c.prompt, c.text, c.functions) for c in view.contracts] == [
        ("planner", "trip/planner", "prompt x", ["add"])
    ]


def test_only_what_belongs_to_a_dialog_makes_one():
    """A step, a run, a value or a kind of tomorrow is no dialog of nobody."""
    assert [dialog.id for dialog in view_of(trip()).dialogs] == ["1", "1-s1-f0.1", "sub.1", "2"]


def test_a_fork_names_its_parent():
    view = view_of(fork(trip()))
    assert (view.parent, view.parent_seq, view.events, view.result) == ("s", 5, 9, "forked")


def test_a_session_that_was_gone_on_with_is_open_until_it_is_closed_again():
    story = trip()
    story.add("session.resume", unfinished=[{"id": "1/s1/f0", "done": "again"}])
    view = view_of(story)
    assert (view.status, view.resumes) == ("open", [{"seq": 40, "unfinished": [{"id": "1/s1/f0", "done": "again"}]}])


@pytest.mark.parametrize("junk", [None, 7, "text", ["list"], {"deep": {"er": 1}}])
def test_a_log_that_holds_anything_is_still_told(junk):
    """A log may come from anywhere: whoever looks at one wants to see it, not our traceback."""
    story = Story()
    keys = (
        "message",
        "usage",
        "calls",
        "name",
        "task",
        "parent",
        "prompt",
        "functions",
        "error",
        "seconds",
        "at",
        "agent",
    )
    kinds = (
        "session.open",
        "dialog.open",
        "contract",
        "message",
        "model.request",
        "model.reply",
        "model.error",
        "wait",
    )
    for kind in (*kinds, "function.call", "function.result", "call.close", "value", "run.open", "run.close"):
        story.add(kind, "1/s0", **dict.fromkeys(keys, junk))
        story.add(kind, "1/s0")
        story.add(
            kind, "1/s0", message={"role": junk, "content": junk, "calls": [junk], "images": [junk]}, usage=[junk]
        )
    story.add("session.close", status=junk, result=junk)
    for format_ in ("html", "md", "jsonl", "ipynb", "otlp"):
        assert story.export(format_)
    assert story.export("jsonl", messages=True)
