"""Resume: a session whose process died goes on, and nothing that may have happened happens twice unasked."""

import asyncio
import json

import pytest
from crashes import BUY, LOOK, MAIL, PAY, STAMP, Shop

from lllm.errors import ConfigError, LogError, LogFenced, OutcomeUnknown, ReplayDiverged, ResumeUndecided
from lllm.export.spans import to_spans
from lllm.export.view import to_view
from lllm.llm.agent import Agent
from lllm.llm.session import Session
from lllm.log import MemoryLog
from lllm.models.function import Function
from lllm.models.prompt import Prompt
from lllm.replay import AGAIN, TELL, Decision, replay, resume
from lllm.replay.recording import Recording
from lllm.replay.unfinished import find_unfinished
from lllm.testing import function_model, scripted_model

END = "done: more, as the mail was sent"


@pytest.fixture
def shop(tmp_path):
    return Shop(tmp_path).record()


def never(unknown):
    raise AssertionError(f"asked about {unknown.id}")


def policies(shop, name):
    return {item.id: item.policy for item in find_unfinished(Recording(shop.events(name)))}


# --- what each thing that was under way becomes ------------------------------------------------------------------------


def test_what_was_under_way_is_told_with_its_policy(shop):
    """A model call costs money and nothing else; a function says itself whether it may run twice."""
    name = shop.die_after("function.call", PAY)
    assert policies(shop, name) == {BUY: "unknown", LOOK: "again", PAY: "again"}


def test_functions_whose_round_never_began_just_start(shop):
    """Their round begins when the intents of all calls are in the log; before that none can have run."""
    name = shop.die_after("function.call", LOOK)
    assert policies(shop, name) == {BUY: "start", LOOK: "start"}
    report = resume(shop.log, name, shop.run, decide=never)
    assert report.result == END
    assert (shop.done["buy"], shop.done["look"], shop.done["pay"]) == (1, 1, 1)


def test_an_open_model_call_is_asked_again(shop):
    name = shop.die_after("model.request", "1/s1")
    report = resume(shop.log, name, shop.run, decide=never)
    assert [(item.kind, item.name, item.policy) for item in report.unfinished] == [("model", "agent", "again")]
    assert shop.asked == 2  # the open one, and the one behind the mail
    assert "buy" not in shop.done


def test_repeatable_and_idempotent_functions_run_again_unasked(shop):
    name = shop.die_after("function.result", BUY)
    report = resume(shop.log, name, shop.run, decide=never)
    assert (shop.done["buy"], shop.done["look"], shop.done["pay"]) == (0, 1, 1)
    assert report.result == END
    shop.check_replays(name)


def test_a_function_that_may_have_run_is_run_again_only_when_told(shop):
    name = shop.die_after("function.call", PAY)
    resume(shop.log, name, shop.run, decide=lambda _unknown: AGAIN)
    assert shop.done["buy"] == 1
    shop.check_replays(name)


def test_the_model_can_be_told_that_nobody_knows(shop):
    """The model may then look for itself."""
    name = shop.die_after("function.call", PAY)
    resume(shop.log, name, shop.run, decide=lambda _unknown: TELL)
    told = next(e.data for e in shop.events(name) if (e.kind, e.id) == ("function.result", BUY))
    assert "nobody knows whether it took effect" in told["message"]["content"]
    assert told["unknown"] is True
    assert "buy" not in shop.done
    shop.check_replays(name)


def test_whoever_looks_at_the_log_sees_what_is_unknown(shop):
    """It is neither a success nor a failure, in no picture of the session."""
    name = shop.die_after("function.call", PAY)
    resume(shop.log, name, shop.run, decide=lambda _unknown: TELL)
    events = shop.events(name)
    notes = {entry.seq: entry.note for dialog in to_view(events).dialogs for entry in dialog.entries}
    (seq,) = (e.seq for e in events if (e.kind, e.id) == ("function.result", BUY))
    assert notes[seq] == "unknown: it may have run"
    assert {span.id: span.status for span in to_spans(events)}[BUY] == "unknown"


def test_a_result_can_be_given_by_whoever_looked(shop):
    name = shop.die_after("function.call", PAY)
    resume(shop.log, name, shop.run, decide=lambda _unknown: Decision("answer", {"order": 7}))
    told = next(e.data for e in shop.events(name) if (e.kind, e.id) == ("function.result", BUY))
    assert json.loads(told["message"]["content"]) == {"order": 7}
    assert "buy" not in shop.done
    shop.check_replays(name)


def test_a_step_that_may_have_run_raises_when_nobody_knows(shop):
    """Plain code has no model to tell: it gets an error that it can catch."""
    name = shop.die_after("step", MAIL)
    with pytest.raises(OutcomeUnknown):
        resume(shop.log, name, shop.run, decide=lambda _unknown: TELL)
    assert not shop.done
    assert replay(shop.log, name, shop.run).error.startswith("OutcomeUnknown")


def test_a_step_can_be_answered(shop):
    name = shop.die_after("step", MAIL)
    report = resume(shop.log, name, shop.run, decide=lambda _unknown: Decision("answer", "lost"))
    assert report.result == "done: more, as the mail was lost"
    assert "mail" not in shop.done
    shop.check_replays(name)


def test_a_step_is_done_again_when_told(shop):
    name = shop.die_after("step", MAIL)
    resume(shop.log, name, shop.run, decide=lambda _unknown: AGAIN)
    assert shop.done["mail"] == 1
    shop.check_replays(name)


def test_a_repeatable_step_is_done_again_unasked(shop):
    name = shop.die_after("step", STAMP)
    resume(shop.log, name, shop.run, decide=never)
    assert (shop.done["stamp"], shop.done["mail"]) == (1, 0)


def test_a_session_that_died_at_any_event_ends_as_it_would_have(shop):
    """What has a result is never done again, wherever the process died."""
    events = shop.events()
    for count in range(1, len(events)):
        name = shop.keep(count, f"died-{count}")
        shop.forget()
        report = resume(shop.log, name, shop.run, decide=lambda _unknown: AGAIN)
        assert report.result == END, count
        known = {e.id for e in events[:count] if e.kind in ("function.result", "value")}
        served = {"buy": BUY, "look": LOOK, "pay": PAY, "mail": MAIL, "stamp": STAMP}
        assert shop.done == {effect: 1 for effect, id_ in served.items() if id_ not in known}, count
        shop.check_replays(name)


# --- nothing is done before all is decided -----------------------------------------------------------------------------


def test_undecided_tells_what_is_known_and_does_nothing(shop):
    name = shop.die_after("function.call", PAY)
    before = shop.lines(name)
    with pytest.raises(ResumeUndecided) as raised:
        resume(shop.log, name, shop.run)
    (unknown,) = raised.value.unknown
    assert (unknown.id, unknown.kind, unknown.name, unknown.arguments) == (BUY, "function", "buy", '{"item":"a"}')
    assert unknown.begun_ts == shop.events()[unknown.seq - 1].ts
    assert not shop.done
    assert not shop.asked
    assert shop.lines(name) == before


def test_after_undecided_the_log_is_free_for_the_next_try(shop):
    name = shop.die_after("step", MAIL)
    with pytest.raises(ResumeUndecided):
        resume(shop.log, name, shop.run)
    assert resume(shop.log, name, shop.run, decide=lambda _unknown: AGAIN).result == END


def test_unknown_tells_what_it_had_done_inside(tmp_path):
    """A function that asks agents itself leaves a trace of how far it came."""
    shop = Shop(tmp_path)
    shop.extra = lambda session: session.step("order", lambda: session.step("call the shop", lambda: "ok"))
    shop.record()
    inner = next(e for e in shop.events() if e.kind == "value" and e.data["name"] == "call the shop")
    name = shop.keep(inner.seq)
    with pytest.raises(ResumeUndecided) as raised:
        resume(shop.log, name, shop.run)
    (unknown,) = raised.value.unknown
    assert unknown.name == "order"
    assert unknown.inside == (f"value {inner.id} call the shop",)


def test_a_function_that_runs_again_does_not_use_its_old_ids(tmp_path):
    """What its first try logged inside of it stays readable beside the second."""
    shop = Shop(tmp_path)
    shop.extra = lambda session: session.step("order", lambda: session.step("inner", lambda: "ok"), repeatable=True)
    shop.record()
    name = shop.keep(next(e.seq for e in shop.events() if e.data.get("name") == "inner"))
    resume(shop.log, name, shop.run, decide=never)
    ids = [(e.kind, e.id) for e in shop.events(name)]
    assert len(ids) == len(set(ids))
    assert [id_ for kind, id_ in ids if kind == "step" and "~" in id_] == ["v~1.v/0", "v~1+1.v/0"]
    shop.check_replays(name)


def test_changed_code_is_refused_before_anything_is_done_or_written(shop):
    name = shop.die_after("model.request", "1/s1")
    before = shop.lines(name)
    shop.prompt = "You buy much."
    with pytest.raises(ReplayDiverged):
        resume(shop.log, name, shop.run)
    assert (shop.done, shop.asked) == ({}, 0)
    assert shop.lines(name) == before


def test_code_that_skips_a_recorded_step_is_refused(shop):
    """The last event is a step's value; code that does not take that step any more has done something else."""
    name = shop.die_after("value", MAIL)
    before = shop.lines(name)

    def run(session):
        session.now()
        session.step("another", shop.did("another", 1))

    with pytest.raises(ReplayDiverged):
        resume(shop.log, name, run)
    assert not shop.done
    assert shop.lines(name) == before


# --- which sessions go on ----------------------------------------------------------------------------------------------


def test_a_session_whose_process_lives_is_refused(shop):
    with Session.open(shop.log, "alive", header={"task": "t"}), pytest.raises(LogFenced):
        resume(shop.log, "alive", shop.run)


def test_a_session_in_memory_whose_writer_lives_is_refused():
    log = MemoryLog()
    with Session.open(log, "alive"), pytest.raises(LogFenced):
        resume(log, "alive", lambda _session: None)


def test_a_session_in_memory_goes_on():
    log = MemoryLog()
    session = Session.open(log, "s")
    session.step("first", lambda: 1)
    session.journal.close()  # no session.close: as if the process had died

    def run(session):
        return session.step("first", lambda: 0) + session.step("second", lambda: 2)

    assert resume(log, "s", run).result == 3


def test_a_session_that_ended_is_refused_and_told_how_to_fork(shop):
    with pytest.raises(LogError, match="came to its end") as raised:
        resume(shop.log, "whole", shop.run)
    assert raised.value.hint.endswith(f"lllm fork whole@{shop.seq('model.request', '1/s2')}")


def test_a_finished_session_is_not_left_locked(shop):
    for _ in range(2):
        with pytest.raises(LogError, match="came to its end"):
            resume(shop.log, "whole", shop.run)


def test_a_torn_tail_is_set_aside(shop):
    """A line that was being written when the power went is no event."""
    name = shop.die_after("step", STAMP, tail=b'{"seq":21,"ki')
    report = resume(shop.log, name, shop.run)
    assert report.result == END
    assert [e.kind for e in shop.events(name)][-1] == "session.close"
    shop.check_replays(name)


def test_a_log_damaged_in_its_middle_is_refused_and_left_as_it_is(shop):
    name = shop.keep(20)
    lines = shop.lines(name)
    lines[8] = lines[8].replace(b"buy", b"bye")
    shop.file(name).write_bytes(b"".join(lines))
    with pytest.raises(LogError):
        resume(shop.log, name, shop.run)
    assert shop.lines(name) == lines
    assert not shop.done


def test_a_session_of_no_agent_system_wants_its_code(shop):
    with pytest.raises(ConfigError, match="no code to run"):
        resume(shop.log, shop.die_after("step", STAMP))


# --- what a resumed session is -----------------------------------------------------------------------------------------


def test_the_log_tells_that_it_went_on_and_what_was_decided(shop):
    name = shop.die_after("function.call", PAY)
    last = shop.events(name)[-1].seq
    resume(shop.log, name, shop.run, decide=lambda _unknown: TELL)
    (event,) = [e for e in shop.events(name) if e.kind == "session.resume"]
    assert event.seq == last + 1
    assert (event.data["resumed"], event.data["after"]) == (1, last)
    assert [(u["id"], u["done"]) for u in event.data["unfinished"]] == [(BUY, "tell"), (LOOK, "again"), (PAY, "again")]


def test_what_was_there_stays_byte_for_byte(shop):
    name = shop.die_after("step", STAMP)
    before = shop.lines(name)
    resume(shop.log, name, shop.run)
    assert shop.lines(name)[: len(before)] == before


def test_a_session_can_be_resumed_twice(shop):
    """The second process may die, too; the third serves what both had done."""
    name = shop.die_after("function.result", BUY)
    resume(shop.log, name, shop.run)
    again = shop.keep(shop.seq("step", STAMP, of=name), "died-again", of=name)
    shop.forget()
    assert resume(shop.log, again, shop.run, decide=never).result == END
    assert shop.done == {"stamp": 1}
    assert [e.data["resumed"] for e in shop.events(again) if e.kind == "session.resume"] == [1, 2]
    shop.check_replays(again)


def test_the_report_counts_what_was_served_and_what_is_new(shop):
    name = shop.die_after("step", STAMP)
    served = len(shop.events(name))
    report = resume(shop.log, name, shop.run)
    assert (report.session, report.served) == (name, served)
    assert report.written == len(shop.events(name)) - served


def test_usage_is_that_of_the_whole_run(shop):
    name = shop.die_after("step", STAMP)
    usages = [e.data["usage"][0] for e in shop.events() if e.kind == "model.reply"]
    assert resume(shop.log, name, shop.run).usage.prompt_tokens == sum(usages)


def test_random_numbers_go_on_as_in_one_process(shop):
    """A seeded stream starts where the dead process left it."""
    drawn = []
    shop.extra = lambda session: drawn.append([session.random.random() for _ in range(3)])
    resume(shop.log, shop.die_after("step", STAMP), shop.run)
    resume(shop.log, shop.die_after("model.request", "1/s1", "early"), shop.run)
    assert drawn[0] == drawn[1]


def test_async_code_goes_on(tmp_path):
    """Tasks that ran at the same time are served what each had, and the rest is done."""
    done = []

    def build():
        async def order(item: str) -> str:
            """Order."""
            done.append(item)
            return item

        model = function_model(
            lambda request: (
                {"calls": [{"name": "order", "arguments": {"item": request.history[-1].content}, "id": "c"}]}
                if request.history[-1].role.value == "user"
                else f"got {request.history[-1].content}"
            )
        )
        return Agent.quick("x", provider=model, functions=[Function.from_callable(order, repeatable=True)])

    async def run(session):
        agent = build()
        dialogs = [agent.init_dialog(session=session) for _ in range(3)]
        for number, dialog in enumerate(dialogs):
            dialog.send_message(f"item {number}")
        replies = await asyncio.gather(*(agent.acall(dialog) for dialog in dialogs))
        return [await session.astep("end", _later), *(reply[0].content for reply in replies)]

    async def _later():
        return "end"

    shop = Shop(tmp_path)
    with Session.open(shop.log, "whole", header={"task": "t"}) as session:
        whole = session.result = asyncio.run(run(session))
    events = shop.events()
    for count in range(1, len(events)):
        done.clear()
        name = shop.keep(count, f"died-{count}")
        assert resume(shop.log, name, run, decide=lambda _unknown: AGAIN).result == whole, count
        results = sum(e.kind == "function.result" for e in events[:count])
        assert len(done) == 3 - results, count
        report = replay(shop.log, name, run)
        assert (report.status, report.result) == ("same", whole), (count, report.difference)


def test_resume_works_where_a_loop_is_running(shop):
    """A notebook has one."""
    name = shop.die_after("step", STAMP)

    async def main():
        return resume(shop.log, name, shop.run).result

    assert asyncio.run(main()) == END


def test_an_error_of_the_run_is_raised_and_logged(shop):
    name = shop.die_after("step", STAMP)

    def run(session):
        shop.run(session)
        raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        resume(shop.log, name, run)
    assert shop.events(name)[-1].data == {"status": "failed", "error": "ValueError: mine"}


def test_a_listener_hears_the_resumed_run(shop):
    heard = []
    log = MemoryLog()
    session = Session.open(log, "s")
    session.journal.close()

    def run(session):
        return Agent.quick(provider=scripted_model("hi")).ask("x").content

    resume(log, "s", run, listen=heard.append)
    assert heard


# --- steps inside of what was given up ---------------------------------------------------------------------------------


def cells_of(session):
    """A program whose function has two steps of its own, as one that runs code has."""

    def work(item: str) -> str:
        return "".join(session.step("cell", lambda half=half: f"{item}{half}") for half in "12")

    prompt = Prompt(
        path="p", prompt="Work.", functions_list=[Function.from_callable(work, description="Work.", repeatable=True)]
    )
    call = {"name": "work", "arguments": {"item": "a"}, "id": "c"}
    agent = Agent(
        name="agent",
        system_prompt=prompt,
        model="m",
        provider=function_model(lambda request: "done" if request.history[-1].role == "tool" else {"calls": [call]}),
    )
    session.step("cell", lambda: "before")
    dialog = agent.init_dialog(session=session)
    dialog.send_message("go")
    session.result = agent.call(dialog)[0].content
    return session.result


def values_of(shop, name="whole"):
    return [value for *_, value in Recording(shop.events(name)).steps("cell")]


def die_at(shop, value, name="died", of="whole", last=False):
    """Leave a log whose process died when a step had this value."""
    seqs = [event.seq for event in shop.events(of) if event.kind == "value" and event.data.get("value") == value]
    return shop.keep(seqs[-1 if last else 0], name, of=of)


def test_steps_of_a_function_that_begins_anew_are_not_told_twice(tmp_path):
    """Code that a kernel runs again to get its state back must not run once more for an attempt that was given up."""
    shop = Shop(tmp_path)
    shop.run = cells_of
    shop.record()
    assert values_of(shop) == ["before", "a1", "a2"]
    name = die_at(shop, "a1")
    assert values_of(shop, name) == ["before"]
    resume(shop.log, name, shop.run, decide=never)
    logged = [event.data["value"] for event in shop.events(name) if event.kind == "value"]
    assert logged == ["before", "a1", "a1", "a2"]
    assert values_of(shop, name) == ["before", "a1", "a2"]
    shop.check_replays(name)


def test_a_function_that_died_twice_counts_once(tmp_path):
    """Of three attempts, the first two were given up."""
    shop = Shop(tmp_path)
    shop.run = cells_of
    shop.record()
    once = die_at(shop, "a1")
    resume(shop.log, once, shop.run, decide=never)
    twice = die_at(shop, "a1", "twice", of=once, last=True)
    assert values_of(shop, twice) == ["before"]
    resume(shop.log, twice, shop.run, decide=never)
    assert values_of(shop, twice) == ["before", "a1", "a2"]


def nested(session):
    """Steps in a step in a function, in a scope of the user's, and outside of all."""

    def work(item: str) -> str:
        def both():
            return "".join(session.step("cell", lambda half=half: f"{item}{half}") for half in "12")

        return session.step("outer", both) + session.step("cell", lambda: f"{item}3")

    prompt = Prompt(
        path="p", prompt="Work.", functions_list=[Function.from_callable(work, description="Work.", repeatable=True)]
    )
    call = {"name": "work", "arguments": {"item": "a"}, "id": "c"}
    model = function_model(lambda request: "done" if request.history[-1].role == "tool" else {"calls": [call]})
    with session.scope("mine"):
        session.step("cell", lambda: "scoped")
        agent = Agent(name="agent", system_prompt=prompt, model="m", provider=model)
        dialog = agent.init_dialog(session=session)
        dialog.send_message("go")
        agent.call(dialog)
    session.step("cell", lambda: "after")
    session.result = "end"
    return session.result


@pytest.mark.parametrize(
    ("value", "left"),
    [
        ("scoped", ["scoped"]),
        ("a1", ["scoped"]),
        ("a1a2", ["scoped"]),
        ("a3", ["scoped"]),
        ("after", ["scoped", "a1", "a2", "a3", "after"]),
    ],
)
def test_what_was_given_up_is_told_by_what_was_around_it(tmp_path, value, left):
    """A function around, a step around, a scope of the user's: only what had an end is over, and stays so afterwards."""
    shop = Shop(tmp_path)
    shop.run = nested
    shop.record()
    name = die_at(shop, value)
    assert values_of(shop, name) == left
    resume(shop.log, name, shop.run, decide=never)
    assert values_of(shop, name) == ["scoped", "a1", "a2", "a3", "after"]
    shop.check_replays(name)


def test_a_step_that_begins_anew_has_its_steps_again(tmp_path):
    def run(session):
        def both():
            with session.scope("mine"):
                return "".join(session.step("cell", lambda half=half: half) for half in "12")

        session.result = session.step("outer", both, repeatable=True)
        return session.result

    shop = Shop(tmp_path)
    shop.run = run
    shop.record()
    assert values_of(shop) == ["1", "2"]
    name = die_at(shop, "1")
    assert values_of(shop, name) == []
    resume(shop.log, name, shop.run, decide=never)
    assert values_of(shop, name) == ["1", "2"]
