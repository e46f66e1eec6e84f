"""One thing in the code changes: the replay says which event differs first, where in it, and why."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

import pytest
from replay_scenes import SCENES, Scene, record, replayed, scripted_model

from lllm.errors import ParseError, ProviderError
from lllm.llm.agent import Agent
from lllm.log.memory import MemoryLog
from lllm.models.function import Function
from lllm.models.prompt import Prompt
from lllm.replay import render_report

REPLIES = (
    {"calls": [{"name": "add", "arguments": {"a": 1, "b": 2}, "id": "c0"}]},
    "three",
    "<3>",
    "second",
)


def program(session, world, depth=2):
    """Do a little of everything; ``world.changed`` names the one thing that is done otherwise."""
    changed = world.changed
    depth = 3 if changed == "default argument" else depth

    def add(a: int, b: int) -> int:
        """Add two numbers."""
        world.touch("add")
        return a + b

    if changed == "function docstring":
        add.__doc__ = "Add two integers."
    function = Function.from_callable(add)
    if changed == "function schema":
        function = Function("add", "Add two numbers.", {"a": {"type": "string"}, "b": {"type": "string"}}, function=add)

    def parse(text: str) -> str:
        strict = changed == "stricter parser" and text == "second"
        if (text == "three" and changed != "looser parser") or strict:
            raise ParseError("no digits" if changed != "parser's error text" else "there are no digits")
        return text

    task = Prompt(
        path="t/task",
        prompt="Work on {it}." if changed != "user prompt" else "Work hard on {it}.",
        functions_list=() if changed == "function removed" else (function,),
        parser=parse,
        exception_prompt="Again: {error_message}" if changed == "exception_prompt" else "Wrong: {error_message}",
        interrupt_prompt="Got: {call_results}" if changed == "interrupt_prompt" else "{call_results}",
    )
    system = "You calculate well." if changed == "system prompt" else "You calculate."
    agent = Agent(
        name="worker",
        system_prompt=Prompt(path="t/system", prompt=system),
        model="m2" if changed == "model" else "m1",
        provider=world.model,
        model_args={"temperature": 1.0 if changed == "temperature" else 1},
    )
    session.uuid4() if changed == "another value" else session.now()
    first, second = agent.init_dialog(), agent.init_dialog()
    first.send_message(task, {"it": f"depth {depth}" if changed != "prompt argument" else f"deep {depth}"})
    if changed == "extra message":
        first.send_message("And be quick.")
    second.send_message(task, {"it": "more"}, extra={"n": True if changed == "message extra" else 1})
    if changed == "extra value":
        session.now()
    told = _ask(agent, (second, first) if changed == "order of calls" else (first, second), changed)
    session.frontend("write", {"args": ["all done" if changed == "shown text" else "done"]})
    session.now()
    return [told, depth] if changed != "result" else [told, depth, "more"]


def _ask(agent, dialogs, changed):
    told = []
    for dialog in dialogs[:1] if changed == "call left out" else dialogs:
        args = {"top_p": 0.5} if changed == "argument of one call" and dialog is dialogs[1] else None
        told.append(agent.call(dialog, args=args)[0].parsed)
    return sorted(told)


@dataclass(frozen=True)
class Change:
    name: str
    kind: str
    id: str
    pointer: str
    cause: str


CONTRACT = "contract/worker|t/task|"
CHANGES = (
    Change("system prompt", "message", "1/m0", "/data/message/content", "system prompt"),
    Change("user prompt", "message", "1/m1", "/data/message/content", "a prompt, its arguments or the task"),
    Change("prompt argument", "message", "1/m1", "/data/message/content", "a prompt, its arguments or the task"),
    Change("default argument", "message", "1/m1", "/data/message/content", "a prompt, its arguments or the task"),
    Change(
        "function schema", "contract", CONTRACT, "/data/functions/0/parameters/properties/a/type", "function's schema"
    ),
    Change("function docstring", "contract", CONTRACT, "/data/functions/0/description", "docstring"),
    Change("function removed", "contract", CONTRACT, "/data/functions/0", "list of functions"),
    Change("stricter parser", "message", "2/s0/x", "/kind", "parser changed"),
    Change("looser parser", "call.close", "1/s1", "/kind", "parser changed"),
    Change("parser's error text", "message", "1/s1/x", "/data/message/content", "parser's error text"),
    Change("exception_prompt", "contract", CONTRACT, "/data/prompt/exception_prompt", "exception_prompt"),
    Change("interrupt_prompt", "contract", CONTRACT, "/data/prompt/interrupt_prompt", "interrupt"),
    Change("model", "contract", CONTRACT, "/data/model", "model's name"),
    Change("temperature", "contract", CONTRACT, "/data/params/temperature", "model's arguments"),
    Change("argument of one call", "model.request", "2/s0", "/data/contract/params/top_p", "model's arguments"),
    Change("order of calls", "model.request", "1/s0", "/cause", "another order"),
    Change("extra message", "message", "1/m2", "/id", "something else"),
    Change("message extra", "message", "2/m1", "/data/message/extra/n", "a prompt, its arguments"),
    Change("call left out", "model.request", "2/s0", "", "does not do this any more"),
    Change("extra value", "model.request", "1/s0", "/cause", "another order"),
    Change("another value", "value", "v/0", "/data/name", "other values"),
    Change("shown text", "frontend", "fe/0", "/data/args/0", "shows something else"),
    Change("result", "session.close", "", "/data/result/2", "changed"),
)
SCENE = Scene("program", program, lambda: scripted_model(*REPLIES))


def recorded() -> MemoryLog:
    log = MemoryLog()
    record(SCENE, log)
    return log


def test_the_unchanged_program_replays_the_same():
    """Else nothing below would mean anything."""
    assert replayed(SCENE, recorded()).status == "same"


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.name)
def test_a_change_is_found_at_its_first_event(change):
    """Who is told the right event, place and cause does not have to search."""
    log = recorded()
    report = replayed(SCENE, log, changed=change.name)
    found = report.difference
    assert report.status == "differs"
    assert (found["kind"], found["pointer"]) == (change.kind, change.pointer)
    assert found["id"] == change.id or (change.kind == "contract" and found["id"].startswith(change.id))
    assert change.cause in found["cause"]
    _seq_is_of_the_first_unlike_event(log, change, found)
    json.dumps(found)
    assert render_report(found)


def _seq_is_of_the_first_unlike_event(log, change, found):
    """Hold the reported place against a recording of the changed program, where that can be made."""
    fresh = MemoryLog()
    try:
        record(SCENE, fresh, world=_world(change.name))
    except ProviderError:
        return  # the script of replies does not fit the changed program
    skipped = {"session.open"} if change.kind == "contract" else {"session.open", "contract"}
    one, other = ([e for e in store.read_session("s") if e.kind not in skipped] for store in (log, fresh))
    unlike = next(a.seq for a, b in zip(one, other, strict=False) if _facts(a) != _facts(b))
    assert found["seq"] == unlike


def _facts(event) -> Any:
    data = {key: value for key, value in event.data.items() if key not in {"value", "provider"}}
    return event.kind, event.id.partition("|")[0], json.dumps(data)


def _world(changed):
    from replay_scenes import World

    return World(SCENE.model(), changed=changed)


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.name)
def test_user_code_cannot_hide_a_difference(change):
    """``except Exception: pass`` around everything is common; the difference must come out all the same."""

    def muffled(session, world):
        try:
            return program(session, world)
        except Exception:  # noqa: BLE001 - the point
            return "fine"

    log = recorded()
    plain = replayed(SCENE, log, changed=change.name)
    hidden = replayed(replace(SCENE, run=muffled), log, changed=change.name)
    assert hidden.difference == plain.difference


def test_user_code_that_catches_everything_cannot_hide_a_difference():
    """Not even with ``except BaseException``: the end of the session is an event too."""

    def muffled(session, world):
        try:
            return program(session, world)
        except BaseException:  # noqa: BLE001 - the point
            return [["<3>", "second"], 2]

    report = replayed(replace(SCENE, run=muffled), recorded(), changed="user prompt")
    assert (report.status, report.difference["id"]) == ("differs", "1/m1")


def test_a_value_of_another_type_is_a_difference():
    """Python holds 1, 1.0 and True for equal; a server does not."""
    log = MemoryLog()

    def run(session, world, value=1):
        session.frontend("write", {"value": value})

    record(replace(SCENE, run=run), log)
    for value in (1.0, True):
        report = replayed(replace(SCENE, run=lambda session, world, value=value: run(session, world, value)), log)
        assert report.difference["pointer"] == "/data/value"


def test_what_concurrent_work_leaves_out_is_found():
    """Order between parts does not count, but each part does."""
    log = MemoryLog()
    record(SCENES["mapped"], log)

    def fewer(session, world):
        agent = world.agent()
        return session.map(lambda item: [agent.ask(str(item)).content, session.uuid4()], range(11), concurrency=4)

    report = replayed(replace(SCENE, run=fewer), log)
    assert report.status == "differs"
    assert report.difference["id"].startswith("map-0-11.")
    assert report.difference["kind"] == "dialog.open"


def test_a_report_on_a_megabyte_is_short_and_quick():
    """A diff takes time with the square of its lines; a report of a megabyte helps nobody."""
    log = MemoryLog()
    long = "".join(f"line {i}\n" for i in range(60_000))

    def run(session, world, text=long):
        session.frontend("write", {"text": text})

    record(replace(SCENE, run=run), log)
    other = replace(SCENE, run=lambda session, world: run(session, world, long.replace("line 5000", "LINE 5000")))
    found = replayed(other, log).difference
    assert "-line 5000" in found["diff"]
    assert "+LINE 5000" in found["diff"]
    assert len(render_report(found)) < 40_000


def test_a_report_cannot_steer_a_terminal():
    """What a model or a user wrote is shown, not obeyed."""
    log = MemoryLog()

    def run(session, world, text="\x1b[2Jold\ud800\u202e"):
        session.frontend("wr\x1bite", {"text": f"{text}\nmore\x07"})

    record(replace(SCENE, run=run), log)
    found = replayed(replace(SCENE, run=lambda session, world: run(session, world, "\x9bnew")), log).difference
    text = render_report(found)
    assert all(char.isprintable() or char == "\n" for char in text)
    assert "\\x1b[2Jold" in text
    text.encode()


def test_nothing_counts_as_replayed_after_the_first_difference():
    """What runs on behind a difference proves nothing, even where it happens to agree."""
    log = MemoryLog()

    def run(session, world):
        try:
            session.frontend("write", {"text": world.changed})
        except BaseException:  # noqa: BLE001 - the point
            session.next_id("fe")
        with session.scope("later"):
            session.frontend("write", {})

    scene = replace(SCENE, run=run)
    record(scene, log)

    def stubborn(session, world):
        try:
            run(session, world)
        except BaseException:  # noqa: BLE001 - the point
            return

    report = replayed(replace(SCENE, run=stubborn), log, changed="else")
    assert (report.status, report.replayed) == ("differs", 1)
