"""Functions that a model calls: what runs, in which thread, in which order, and what the model reads of it."""

from __future__ import annotations

import asyncio
import functools
import threading

import pytest
from world import World, add, calls

from lllm.errors import CallCancelled, LogPoisoned, ModelBehaviorError, SandboxUnavailable
from lllm.log import LocalFileLog
from lllm.models import Function, Prompt

FACES = pytest.mark.parametrize("face", ["sync", "async"])


def round_of(face, function, arguments=None, **options):
    """Run one call of ``function``; return what the model read of it, and the world."""
    name = getattr(function, "name", None) or function.__name__
    world = World(calls((name, arguments or {})), "end", functions=[function])
    _, _, made = world.ask_on(face, **options)
    return made[0], world


@FACES
def test_results_enter_the_dialog_in_the_models_order(face):
    """Whoever is fastest must not decide what the model reads first: runs would differ from one another."""
    turns = {name: threading.Event() for name in "abc"}
    order = {"c": "b", "b": "a", "a": ""}  # c returns first, then it lets b, then b lets a

    def work(name: str) -> str:
        assert turns[name].wait(10)
        if order[name]:
            turns[order[name]].set()
        return name

    turns["c"].set()
    world = World(calls(*(("work", {"name": n}) for n in "abc")), "end", functions=[work])
    _, _, made = world.ask_on(face)
    assert [call.result for call in made] == ["a", "b", "c"]
    assert [text for role, text in world.texts if role == "tool"] == ["a", "b", "c"]
    assert {e.id for e in world.events("function.result")} == {"1/s0/f0", "1/s0/f1", "1/s0/f2"}
    assert world.events("function.result")[-1].id == "1/s0/f0"  # the log keeps the order of arrival


@FACES
def test_intent_is_logged_before_any_function_runs(face):
    """After a crash, the log must tell what may have happened."""
    seen = []

    def look() -> int:
        seen.append([e.id for e in world.events("function.call")])
        return 1

    world = World(calls(("look", {}), ("look", {"x": 1})), "end", functions=[look])
    world = World(calls(("look", {})), "end", functions=[look])
    world.ask_on(face)
    assert seen == [["1/s0/f0"]]


@FACES
@pytest.mark.parametrize(
    "error", [ValueError("bad luck"), SystemExit(3), RecursionError("deep"), asyncio.CancelledError()]
)
def test_what_a_function_raises_is_read_by_the_model(face, error):
    """A function's failure is data; no exception of it may end the call, nor the program."""

    def boom() -> None:
        raise error

    call, world = round_of(face, boom)
    assert call.result_str.startswith(f"Error: {type(error).__name__}")
    assert not call.success
    assert world.events("function.result")[0].data["error"]
    assert world.ends == [{"outcome": "done"}]


@FACES
@pytest.mark.parametrize("error", [ValueError("bad luck"), SystemExit(3), asyncio.CancelledError()])
def test_what_an_async_function_raises_is_read_by_the_model(face, error):
    """A cancelled inner task, for one, must not leave the call waiting for ever."""

    async def boom() -> None:
        raise error

    call, _ = round_of(face, boom)
    assert call.result_str.startswith(f"Error: {type(error).__name__}")


@FACES
def test_an_error_that_cannot_be_shown_is_still_told(face):
    """A user's exception may have a bug too; it must not hang the call."""

    class Shy(Exception):
        def __str__(self):
            raise ValueError

    def boom() -> None:
        raise Shy

    call, _ = round_of(face, Function.from_callable(boom, timeout_s=10))
    assert "Shy" in call.result_str


@FACES
@pytest.mark.parametrize("parallel", [1, 2])
def test_keyboard_interrupt_in_a_function_ends_the_call_and_is_logged(face, parallel):
    """Ctrl-C belongs to the person, not to the model: it goes on, and the log says that the call was cancelled."""

    def stop(n: int) -> None:
        raise KeyboardInterrupt

    world = World(calls(*(("stop", {"n": n}) for n in range(parallel))), "never", functions=[stop])
    with pytest.raises(KeyboardInterrupt):
        world.ask_on(face)
    assert world.ends[0]["reason"] == "cancelled"
    assert len(world.requests) == 1


@FACES
@pytest.mark.parametrize("value", [{1, 2}, object, float("inf"), {"k": {(1, 2): 3}}, b"\xff", [complex(1, 2)]])
def test_what_json_cannot_hold_becomes_text(face, value):
    """The model always reads something, and the log can always keep it."""

    def give():
        return value

    call, world = round_of(face, give)
    assert call.success
    assert call.result_str
    assert world.ends == [{"outcome": "done"}]


def test_a_hundred_megabytes_are_cut_and_the_model_is_told():
    """One careless function must not fill the context, the log or the memory."""

    def flood() -> str:
        return "x" * 100_000_000

    call, world = round_of("sync", flood)
    assert len(call.result_str) < 100_200
    assert call.result_str.endswith("of 100000000 characters]")
    assert sum(len(event.raw) for event in world.events()) < 300_000


@FACES
def test_a_function_that_never_returns_is_given_up_after_its_time(face):
    """The caller's wait is really over, and the model reads why."""
    release = threading.Event()

    def hang() -> None:
        release.wait()

    try:
        call, _ = round_of(face, Function.from_callable(hang, timeout_s=0.01))
    finally:
        release.set()
    assert call.error_message == "hang did not return within 0.01 s"


def test_an_async_function_that_never_returns_is_cancelled_after_its_time():
    """On the event loop the function itself can be stopped, so it is."""
    stopped = []

    async def hang() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            stopped.append(True)

    async def main():
        world = World(calls(("hang", {})), "end", functions=[Function.from_callable(hang, timeout_s=0.01)])
        _, _, made = await world.aask()
        await asyncio.sleep(0)  # the cancelled task's turn
        return made[0].error_message, list(stopped)

    assert asyncio.run(main()) == ("hang did not return within 0.01 s", [True])


def test_a_slow_function_does_not_hold_up_the_others():
    """Each has a time-out of its own; the fast one's result is kept."""
    release = threading.Event()

    def hang() -> None:
        release.wait()

    slow = Function.from_callable(hang, timeout_s=0.01)
    world = World(calls(("hang", {}), ("add", {"a": 1, "b": 2})), "end", functions=[slow, add])
    try:
        _, _, made = world.ask()
    finally:
        release.set()
    assert [call.success for call in made] == [False, True]


@FACES
def test_async_functions_work_from_both_faces(face):
    """Which face the user chose is no business of a function's author."""

    async def plus(a: int, b: int) -> int:
        await asyncio.sleep(0)
        return a + b

    assert round_of(face, plus, {"a": 1, "b": 2})[0].result == 3


@FACES
def test_a_wrapped_async_function_works_from_both_faces(face):
    """A decorator hides that a function is async; its coroutine must be awaited all the same."""

    async def plus(a: int, b: int) -> int:
        return a + b

    @functools.wraps(plus)
    def wrapper(**arguments):
        return plus(**arguments)

    named = Function.from_callable(wrapper)
    assert round_of(face, named, {"a": 1, "b": 2})[0].result == 3


@pytest.mark.parametrize("kind", ["async", "wrapped", "sync"])
def test_a_sync_call_inside_a_running_loop_works(kind):
    """A notebook has a loop running in every cell; a sync call there, with functions of any kind, just works."""

    async def plus_async(a: int, b: int) -> int:
        return a + b

    def plus(a: int, b: int) -> int:
        return a + b

    def wrapped(a: int, b: int):
        return plus_async(a, b)

    function = {"async": plus_async, "wrapped": wrapped, "sync": plus}[kind]

    async def cell():
        return round_of("sync", function, {"a": 1, "b": 2})[0]

    assert asyncio.run(cell()).result == 3


@FACES
def test_a_function_that_was_made_up_is_answered_with_the_real_ones(face):
    """The model can mend its own mistake when it reads which functions there are."""
    world = World(calls(("subtract", {"a": 1})), "end", functions=[add])
    _, _, made = world.ask_on(face)
    assert made[0].result_str == "Error: there is no function 'subtract'; there are: add"
    assert world.events("function.call") == []
    assert world.events("function.result")[0].data["ran"] is False


@pytest.mark.parametrize("arguments", ["{not json", "[1]", '{"a": 1}', '{"a": 1, "b": {}}', '{"a": 1, "b": 2, "c": 3}'])
def test_arguments_that_do_not_fit_are_told_to_the_model(arguments):
    """A wrong call costs a round, not the run; and the function is not touched."""
    ran = []

    def plus(a: int, b: int) -> int:
        ran.append(1)
        return a + b

    call, _ = round_of("sync", plus, arguments)
    assert call.result_str.startswith("Error: ")
    assert ran == []


@FACES
def test_three_hundred_calls_in_one_reply_run_a_few_at_a_time(face):
    """A model that runs wild must not start three hundred threads."""
    running, most, lock = 0, 0, threading.Lock()

    def work(n: int) -> int:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        with lock:
            running -= 1
        return n

    before = threading.active_count()
    world = World(calls(*(("work", {"n": n}) for n in range(300))), "end", functions=[work], max_parallel_functions=4)
    _, _, made = world.ask_on(face)
    assert [call.result for call in made] == list(range(300))
    assert most <= 4
    assert threading.active_count() - before <= 6


@FACES
def test_async_functions_run_together_but_not_all(face):
    """The same bound holds on the event loop."""
    running = most = 0

    async def work(n: int) -> int:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1
        return n

    world = World(calls(*(("work", {"n": n}) for n in range(20))), "end", functions=[work], max_parallel_functions=3)
    _, _, made = world.ask_on(face)
    assert [call.result for call in made] == list(range(20))
    assert most <= 3
    assert face == "sync" or most == 3


@FACES
def test_a_repeated_call_is_not_run_again(face):
    """A model in a loop is told what it knows already, and by what it could notice."""
    ran = []

    def look(key: str) -> str:
        ran.append(key)
        return f"value of {key}"

    world = World(calls(("look", {"key": "a"})), calls(("look", '{ "key": "a" }')), "end", functions=[look])
    _, _, made = world.ask_on(face)
    assert ran == ["a"]
    assert made[1].result == "value of a"
    assert made[1].result_str == "This was called earlier with the same arguments. The result was:\nvalue of a"


def test_a_repeat_inside_one_reply_points_to_the_first():
    """Its result is not there yet, so the model is told where it stands."""
    world = World(calls(("add", {"a": 1, "b": 2}), ("add", {"b": 2, "a": 1})), "end", functions=[add])
    _, _, made = world.ask()
    assert [call.result_str for call in made] == ["3", "The same call stands earlier in this reply; see its result."]


def test_a_repeat_of_a_failed_call_has_failed_too():
    """Told again is told the same: a failure does not become a success by being repeated."""

    def boom() -> None:
        raise ValueError("no")

    world = World(calls(("boom", {})), calls(("boom", {})), "end", functions=[boom])
    _, _, made = world.ask()
    assert [call.success for call in made] == [False, False]


def test_a_function_may_allow_repeats():
    """The clock, or a dice, gives something new each time."""
    ran = []

    def roll() -> int:
        ran.append(1)
        return len(ran)

    again = Function.from_callable(roll, allow_repeat=True)
    world = World(calls(("roll", {}), ("roll", {})), calls(("roll", {})), "end", functions=[again])
    _, _, made = world.ask()
    first, second, third = (call.result for call in made)
    assert ({first, second}, third) == ({1, 2}, 3)  # the two of one reply run side by side


def test_repeats_are_counted_within_one_call():
    """A later question may need the same look again."""
    world = World(calls(("add", {"a": 1, "b": 2})), "x", calls(("add", {"a": 1, "b": 2})), "y", functions=[add])
    world.ask()
    _, _, made = world.ask()
    assert made[0].result_str == "3"


def offers(world):
    return [bool(request.contract.functions) for request in world.requests]


def test_no_interrupts_means_no_functions():
    """Zero is none, not unlimited."""
    world = World("fine", functions=[add], max_interrupt_times=0)
    world.ask()
    assert offers(world) == [False]


def test_after_the_last_round_the_final_handler_speaks_and_nothing_is_offered():
    """The model is told that this was the last time, so that it answers."""
    prompt = Prompt(path="t/p", prompt="x", functions_list=[add], interrupt_final_prompt="Stop now.")
    world = World(calls(("add", {"a": 1, "b": 2})), "end", prompt=prompt, max_interrupt_times=1)
    world.ask()
    assert offers(world) == [True, False]
    assert world.texts[-2:] == [("user", "Stop now."), ("assistant", "end")]
    assert world.events("message")[-1].data["message"]["content"] == "Stop now."


def test_calls_after_the_last_round_are_unusable_and_do_not_run():
    """Functions that are not offered any more are not run, however often the model asks."""
    ran = []

    def look(n: int) -> int:
        ran.append(n)
        return n

    world = World(*(calls(("look", {"n": n})) for n in range(9)), functions=[look], max_interrupt_times=1)
    with pytest.raises(ModelBehaviorError, match="no functions can be called now"):
        world.ask()
    assert ran == [0]
    assert offers(world) == [True, False, False, False, False]


def test_unlimited_interrupts_are_spelled_none():
    """Whoever wants no bound says so in as many letters."""
    script = [calls(("add", {"a": n, "b": 1})) for n in range(30)]
    world = World(*script, "end", functions=[add], max_interrupt_times=None)
    _, _, made = world.ask()
    assert len(made) == 30
    assert all(offers(world))


def test_the_interrupt_handler_frames_each_result():
    """What the model reads is the prompt's say; the log has the plain result beside it."""
    prompt = Prompt(path="t/p", prompt="x", functions_list=[add], interrupt_prompt="<r>{call_results}</r>")
    world = World(calls(("add", {"a": 1, "b": 2})), "end", prompt=prompt)
    world.ask()
    assert ("tool", "<r>3</r>") in world.texts
    data = world.events("function.result")[0].data
    assert (data["text"], data["result"], data["message"]["tool_call_id"]) == ("3", 3, "call_0")


def test_a_declared_function_without_a_callable_is_told_to_the_model():
    """A forgotten link fails in the open, and by name."""
    call, _ = round_of("sync", Function("later", properties={}))
    assert "no callable" in call.result_str


@FACES
def test_a_dialog_is_whole_after_a_call_that_was_stopped_among_its_functions(face):
    """Servers refuse function calls without results, so the user could not go on with such a dialog."""

    def stop() -> None:
        world.session.cancel()

    world = World(calls(("stop", {})), "never", functions=[stop])
    with pytest.raises(CallCancelled):
        world.ask_on(face)
    assert [role for role, _ in world.texts] == ["system", "user", "assistant", "tool"]

    def interrupt() -> None:
        raise KeyboardInterrupt

    world = World(calls(("interrupt", {})), "then", functions=[interrupt])
    with pytest.raises(KeyboardInterrupt):
        world.ask_on(face)
    assert [role for role, _ in world.texts] == ["system", "user"]
    assert world.agent.call(world.dialog)[0].content == "then"


def test_a_function_that_is_not_safe_to_repeat_waits_for_the_disk(tmp_path):
    """After a power loss nobody could tell whether it ran; a repeatable one does not need the wait."""
    synced = []

    def run(*, repeatable):
        log = LocalFileLog(f"log-{repeatable}", {"log_dir": str(tmp_path)})
        function = Function.from_callable(add, repeatable=repeatable)
        world = World(calls(("add", {"a": 1, "b": 2})), "end", functions=[function], log=log)
        barrier = world.session.journal.barrier
        world.session.journal.barrier = lambda: (synced.append(world.kinds[-1]), barrier())
        world.ask()

    run(repeatable=True)
    assert synced == []
    run(repeatable=False)
    assert synced == ["function.call"]


@FACES
def test_after_a_failed_write_no_function_runs_and_no_model_is_asked(face, tmp_path):
    """An effect that the log does not know of could never be replayed, nor be told from one that did not happen."""
    ran = []

    def look() -> int:
        ran.append(1)
        return 1

    world = World(calls(("look", {})), "end", functions=[look], log=LocalFileLog("l", {"log_dir": str(tmp_path)}))
    append = world.session.journal.append

    def full(kind, id_, data, *, cause=0):
        if kind == "function.call":
            raise world.session.journal._file.poison(OSError(28, "No space left on device"))
        return append(kind, id_, data, cause=cause)

    world.session.journal.append = full
    with pytest.raises(LogPoisoned, match="No space left"):
        world.ask_on(face)
    assert ran == []
    world.session.journal.append = append
    with pytest.raises(LogPoisoned):
        world.agent.call(world.dialog)
    assert len(world.requests) == 1


def test_agents_called_inside_a_function_have_ids_of_their_own():
    """Their numbers come from the call that they serve, so that parallel functions do not race for them."""
    inner = World(*["in"] * 4)

    def consult(q: str) -> str:
        return inner.agent.ask(q).content

    world = World(calls(("consult", {"q": "a"}), ("consult", {"q": "b"})), "end", functions=[consult])
    with world.session.active():
        world.ask()
    opened = sorted(e.id for e in world.events("dialog.open"))
    assert opened == ["1", "1-s0-f0.1", "1-s0-f1.1"]


@FACES
def test_as_is_hands_back_whatever_the_model_says(face):
    """For whoever runs functions himself: a call that is run all the same would happen twice."""
    ran = []

    def add(a: int) -> int:
        """Add."""
        ran.append(a)
        return a

    world = World(calls(("add", {"a": 1})), functions=[add], as_is=True)
    message, _, made = world.ask_on(face)
    assert [(call.name, call.arguments) for call in message.function_calls] == [("add", {"a": 1})]
    assert (made, ran, world.ends) == ([], [], [{"outcome": "done"}])
    assert offers(world) == [True]


@pytest.mark.parametrize("reply", ["", {"text": "x", "finish": "length"}, {"text": "", "refusal": "no"}])
def test_as_is_judges_nothing(reply):
    """An empty, a cut-off or a refused reply is data for whoever asked for it as it is."""
    world = World(reply, as_is=True, max_exception_retry=3)
    message, _, _ = world.ask()
    assert message.refusal == ("no" if isinstance(reply, dict) and "refusal" in reply else "")
    assert message.execution_attempts == ()
    assert world.kinds[-2:] == ["model.reply", "call.close"]


@FACES
@pytest.mark.parametrize("is_async", [False, True])
def test_a_missing_sandbox_ends_the_call_and_no_model_is_told(face, is_async):
    """A model could do nothing about it; the user reads the command that mends it. A replay ends the same way."""

    def run(a: int) -> int:
        """Run."""
        raise SandboxUnavailable("no sandbox works here", hint="apt install bubblewrap")

    async def arun(a: int) -> int:
        """Run."""
        return run(a)

    name = "arun" if is_async else "run"
    world = World(calls((name, {"a": 1})), "never asked", functions=[arun if is_async else run])
    with pytest.raises(SandboxUnavailable) as caught:
        world.ask_on(face)
    assert caught.value.hint == "apt install bubblewrap"
    assert world.ends == [
        {"outcome": "failed", "reason": "config", "error": "SandboxUnavailable: no sandbox works here"}
    ]
    assert world.kinds[-2:] == ["function.call", "call.close"]
