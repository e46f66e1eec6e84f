"""What took how long, and within what."""

from __future__ import annotations

from export_runs import START, Story, trip

from lllm.export.spans import to_spans


def spans_of(story):
    return to_spans(story.log.read_run(story.name))


def by_id(story):
    spans = spans_of(story)
    return {span.id: (span, spans[span.parent].id if span.parent >= 0 else None) for span in spans}


def test_everything_that_takes_time_is_a_span_within_what_asked_for_it():
    """An agent inside of a function belongs to that function; only so can a person see where the time went."""
    parents = {id_: parent for id_, (_, parent) in by_id(trip()).items()}
    assert parents == {
        "": None,
        "1/call/0": "",
        "1/s0": "1/call/0",
        "1/s0/wait": "1/call/0",
        "1/s1": "1/call/0",
        "1/s1/f0": "1/call/0",
        "1/s1/f1": "1/call/0",
        "1-s1-f0.1/call/0": "1/s1/f0",
        "1-s1-f0.1/s0": "1-s1-f0.1/call/0",
        "1/s2": "1/call/0",
        "1/s3": "1/call/0",
        "v/1": "",
        "sub": "",
        "sub.1/call/0": "sub",
        "sub.1/s0": "sub.1/call/0",
    }


def test_a_span_lasts_from_intent_to_result():
    found = by_id(trip())
    lasted = {id_: (span.end - span.start, span.status) for id_, (span, _) in found.items()}
    assert lasted["1/s0"] == (1.0, "failed")
    assert lasted["1/s0/wait"] == (2.0, "ok")
    assert lasted["1/s1"] == (3.0, "ok")
    assert lasted["1/s1/f0"] == (1.0, "ok")
    assert lasted["1/s1/f1"] == (0.25, "failed")
    assert lasted["v/1"] == (0.75, "ok")
    assert found[""][0].start == START


def test_what_a_killed_session_was_doing_has_no_end():
    story = Story()
    story.add("session.open", task="t")
    story.add("model.request", "1/s0", contract="c", n=1)
    story.add("wait", "2/s0", seconds=5)
    assert [(span.kind, span.end, span.status) for span in spans_of(story)] == [
        ("session", None, "open"),
        ("call", None, "open"),
        ("model", None, "open"),
        ("call", None, "open"),
        ("wait", None, "open"),
    ]


def test_a_step_that_ran_again_after_a_crash_is_two_spans():
    """Ids must stay unique: a collector keeps one span an id, and the time before the crash would be lost."""
    story = Story()
    story.add("session.open", task="t")
    story.add("step", "v/0", name="pay")
    story.add("session.resume", again=["v/0"])
    story.add("step", "v/0", name="pay")
    story.add("dialog.open", "v~0+1.1", agent="a")
    story.add("model.request", "v~0+1.1/s0", contract="c", n=1)
    story.add("value", "v/0", name="pay", value=1)
    found = by_id(story)
    assert [found["v/0"][0].status, found["v/0#1"][0].status] == ["open", "ok"]
    assert found["v~0+1.1/call/0"][1] == "v/0#1"


def test_a_function_of_which_nobody_knows_whether_it_ran_is_told_so():
    story = Story()
    story.add("session.open", task="t")
    story.add("function.call", "1/s0/f0", name="pay", arguments="{}")
    story.result("1/s0/f0", "unknown", unknown=True)
    assert spans_of(story)[-1].status == "unknown"


def test_scopes_of_the_user_belong_to_what_they_are_in():
    """``session.map`` in a function: its dialogs stand three scopes deep."""
    story = Story()
    story.add("session.open", task="t")
    story.add("function.call", "a.1/s0/f0", name="look", arguments="{}")
    story.add("model.request", "a.1-s0-f0.map-0-3.deep.1/s0", contract="c", n=1)
    assert by_id(story)["a.1-s0-f0.map-0-3.deep.1/call/0"][1] == "a.1/s0/f0"
