"""Dialogs: they only grow, they branch for nothing, and they carry the contract of the next turn."""

from __future__ import annotations

import sys

import pytest
from world import World, add, calls

from lllm.const import Roles
from lllm.errors import ConfigError, NotRegisteredError
from lllm.llm import PROMPT_REGISTRY, Dialog, Session
from lllm.log import MemoryLog, NoLog
from lllm.models import Prompt


def count_calls(work):
    """Return how many Python and C functions ``work`` calls."""
    total = 0

    def note(_frame, event, _arg):
        nonlocal total
        total += event in ("call", "c_call")

    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(None)
    return total


def open_dialog(n_messages=0):
    dialog = Dialog(Session.open(NoLog(), "d"))
    for number in range(n_messages):
        dialog.send_message(f"message {number}")
    return dialog


def test_growing_never_changes_what_was_there():
    """A history that somebody holds is evidence; a later message must not reach into it."""
    dialog = open_dialog(2)
    before, seen = dialog.history, dialog.messages
    dialog.send_message("third")
    assert (len(before), before.messages) == (2, seen)
    assert [m.content for m in dialog.messages] == ["message 0", "message 1", "third"]


def test_messages_cannot_be_assigned():
    """Append-only holds for each message too."""
    dialog = open_dialog(1)
    with pytest.raises(AttributeError):
        dialog.tail.content = "other"


def test_a_fork_goes_its_own_way():
    """What-if branches share what was said and nothing else."""
    dialog = open_dialog(2)
    fork = dialog.fork()
    fork.send_message("theirs")
    dialog.send_message("ours")
    assert [m.content for m in fork.messages][2:] == ["theirs"]
    assert [m.content for m in dialog.messages][2:] == ["ours"]
    assert fork.messages[1] is dialog.messages[1]


@pytest.mark.parametrize(("n", "left"), [(0, 4), (1, 3), (4, 0), (9, 0)])
def test_a_context_copy_lacks_the_last_messages(n, left):
    """``n`` larger than the dialog empties it; it never wraps around to the start."""
    dialog = open_dialog(4)
    copy = dialog.context_copy(n)
    assert [m.content for m in copy.messages] == [f"message {i}" for i in range(left)]
    assert len(dialog) == 4


@pytest.mark.parametrize("branch", [Dialog.fork, Dialog.context_copy])
def test_branching_costs_the_same_at_any_length(branch):
    """A search over hundreds of branches must not pay for the history at each of them."""
    short, long = open_dialog(3), open_dialog(600)
    assert count_calls(lambda: branch(long)) == count_calls(lambda: branch(short))


def test_a_branch_names_its_parent_in_the_log():
    """The log alone must tell from where a branch went on."""
    world = World()
    world.dialog.send_message("one")
    world.dialog.context_copy(1)
    opened = world.events("dialog.open")
    assert [(e.id, e.data) for e in opened] == [
        ("1", {"agent": "agent"}),
        ("2", {"agent": "agent", "parent": "1", "at": 1}),
    ]


def test_ids_come_from_the_order_of_opening():
    """Two runs of one program must name their dialogs, messages and steps alike."""
    world = World("a", calls(("add", {"a": 1, "b": 1})), "b", functions=[add])
    world.ask()
    world.ask()
    world.dialog.fork()
    found = [(e.kind, e.id) for e in world.events() if e.kind not in ("session.open", "contract")]
    assert found == [
        ("dialog.open", "1"),
        ("message", "1/m0"),
        ("message", "1/m1"),
        ("model.request", "1/s0"),
        ("model.reply", "1/s0"),
        ("call.close", "1/s0"),
        ("message", "1/m3"),
        ("model.request", "1/s1"),
        ("model.reply", "1/s1"),
        ("function.call", "1/s1/f0"),
        ("function.result", "1/s1/f0"),
        ("model.request", "1/s2"),
        ("model.reply", "1/s2"),
        ("call.close", "1/s2"),
        ("dialog.open", "2"),
    ]


def test_plain_text_keeps_the_contract():
    """A follow-up question must not silently take functions and parser away."""
    prompt = Prompt(path="t/p", prompt="ask", functions_list=[add], parser=str.upper)
    world = World("yes", prompt=prompt)
    reply, dialog, _ = world.ask("plain")
    assert dialog.top_prompt is prompt
    assert reply.parsed == "YES"
    assert [f.name for f in world.requests[0].contract.functions] == ["add"]


def test_a_sent_prompt_brings_its_own_contract():
    """The newest prompt says what the next reply must look like, until another one is sent."""
    world = World("a", "b", functions=[add])
    world.dialog.send_message(Prompt(path="t/loud", prompt="say {word}", parser=str.upper), {"word": "x"})
    assert world.dialog.tail.content == "say x"
    assert world.agent.call(world.dialog)[0].parsed == "A"
    assert world.requests[0].contract.functions == ()
    assert world.ask("and now?")[0].parsed == "B"


def test_plain_text_has_no_fields():
    """Arguments that go nowhere are a slip that the user should hear of."""
    with pytest.raises(ConfigError, match="no fields"):
        open_dialog().send_message("hello {name}", {"name": "x"})


def test_a_sent_message_carries_role_creator_and_extra():
    """Imported conversations have assistants in them, and users keep data of their own beside a message."""
    message = open_dialog().send_message("hi", role=Roles.ASSISTANT, creator="importer", extra={"k": [1]})
    assert (message.role, message.creator, message.extra) == (Roles.ASSISTANT, "importer", {"k": [1]})


def test_extra_that_no_log_can_hold_is_refused_by_name():
    """A bare TypeError from deep inside would not say what to change; and the dialog must stay as it was."""
    dialog = open_dialog(1)
    with pytest.raises(ConfigError, match="plain JSON"):
        dialog.send_message("hi", extra={"k": object()})
    assert len(dialog) == 1


def test_an_image_reaches_the_model_and_the_log():
    """Pictures are content as much as text is."""
    world = World("a cat")
    sent = world.dialog.send_base64_image("aGk=", "what is it?", media_type="image/jpeg")
    world.agent.call(world.dialog)
    assert world.requests[0].history[-1] is sent
    assert world.events("message")[-1].data["message"]["images"] == [{"media_type": "image/jpeg", "base64": "aGk="}]


def test_a_dialog_survives_its_dict():
    """Dialogs are stored and taken up again, contract included."""
    prompt = Prompt(path="t/p", prompt="Be brief.", functions_list=[add])
    world = World(calls(("add", {"a": 1, "b": 2})), "three", prompt=prompt)
    world.dialog.send_base64_image("aGk=", "x")
    world.ask()
    other = Session.open(MemoryLog(), "other")
    back = Dialog.from_dict(world.dialog.to_dict(), other, {"t/p": prompt})
    assert back.to_dict() == world.dialog.to_dict()
    assert back.top_prompt is prompt
    assert back.history.chain == world.dialog.history.chain


def test_a_dict_without_its_prompt_is_refused():
    """A dialog whose contract is gone would answer another question than before."""
    data = {"id": "1", "agent": "a", "messages": [], "top_prompt": "gone/prompt"}
    with pytest.raises(NotRegisteredError, match="gone/prompt"):
        Dialog.from_dict(data, Session.open(NoLog(), "s"), PROMPT_REGISTRY)


def test_an_overview_has_a_line_for_each_message():
    """A person looks at a dialog in a terminal: one line each, cut at the width asked for."""
    world = World(calls(("add", {"a": 1, "b": 2})), "a\n long " + "x" * 200, functions=[add])
    world.ask()
    lines = world.dialog.overview(30).splitlines()
    assert lines[:4] == ["[system] Be brief.", "[user] go", '[assistant] add({"a":1,"b":2})', "[tool] 3"]
    assert lines[4].startswith("[assistant] a long xxx")
    assert len(lines[4]) == len("[assistant] ") + 30
    assert len(world.dialog.overview(remove_tail=True).splitlines()) == 4


def test_cost_counts_the_replies_that_could_not_be_used():
    """They were paid for."""
    prompt = Prompt(path="t/num", prompt="n", format=int)
    world = World("no number", "4", prompt=prompt)
    reply, dialog, _ = world.ask()
    replies = world.events("model.reply")
    paid = [e.data["usage"][0] + e.data["usage"][1] for e in replies]
    assert len(paid) == 2
    assert dialog.cost.total_tokens == sum(paid) == world.session.usage.total_tokens
    assert reply.usage.total_tokens == paid[1]
    assert dialog.fork().cost.total_tokens == 0


def test_the_head_and_the_tail_of_a_dialog():
    """Small things that every caller writes by hand otherwise."""
    empty = open_dialog()
    assert (empty.tail, empty.system, len(empty)) == (None, None, 0)
    world = World()
    assert world.dialog.system is world.dialog.tail is world.dialog.messages[0]
    user_first = open_dialog(1)
    assert user_first.system is None
