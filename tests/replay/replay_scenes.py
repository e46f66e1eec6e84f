"""Programs to record and to replay: each is what a user may write, with the model and the functions of a ``World``."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from contextvars import copy_context
from dataclasses import dataclass, field
from typing import Any

import pytest

from lllm.errors import (
    CallCancelled,
    LLLMError,
    ModelBehaviorError,
    ParseError,
    RateLimited,
    SandboxUnavailable,
    Unauthorized,
    UserCodeError,
)
from lllm.llm.agent import Agent
from lllm.llm.limits import Limits
from lllm.llm.session import Session
from lllm.llm.stream import FinishedEvent, TextEvent
from lllm.models.function import Function
from lllm.models.prompt import Prompt
from lllm.replay import replay
from lllm.testing import function_model, scripted_model


class NoModel:
    """A model that a replay must never come to."""

    name = "none"

    def __init__(self):
        self.asked = 0

    def send(self, *args, **options):
        self.asked += 1
        raise AssertionError("a replay asked a model")

    async def asend(self, *args, **options):
        self.send()

    def describe(self):
        return {"name": "none"}

    def close(self):
        pass

    async def aclose(self):
        pass


@dataclass
class World:
    """What a program finds when it runs: a model, and functions that say that they ran."""

    model: Any
    live: bool = True
    ran: list[str] = field(default_factory=list)
    changed: str = ""

    def touch(self, name: str) -> None:
        self.ran.append(name)
        assert self.live, f"a replay ran {name}"

    def agent(self, system: str = "You help.", **options: Any) -> Agent[Any]:
        return Agent.quick(system, provider=self.model, **options)

    def add(self) -> Callable[..., Any]:
        def add(a: int, b: int = 1) -> int:
            """Add two numbers."""
            self.touch("add")
            return a + b

        return add

    def slow(self) -> Callable[..., Any]:
        def slow(name: str, wait_s: float) -> str:
            """Return after a while."""
            self.touch("slow")
            threading.Event().wait(wait_s)
            return name

        return slow


def calls(*told: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    return {
        "calls": [{"name": name, "arguments": arguments, "id": f"c{i}"} for i, (name, arguments) in enumerate(told)]
    }


@dataclass(frozen=True)
class Scene:
    name: str
    run: Callable[[Session, World], Any]
    model: Callable[[], Any]
    error: type[BaseException] | None = None


SCENES: dict[str, Scene] = {}


def scene(model: Callable[[], Any], error: type[BaseException] | None = None):
    def keep(run):
        SCENES[run.__name__] = Scene(run.__name__, run, model, error)
        return run

    return keep


def script(*replies: Any) -> Callable[[], Any]:
    return lambda: scripted_model(*replies)


def echo_model(**options: Any) -> Any:
    return function_model(lambda request: f"re: {request.history[-1].content[:200]}")


def record(scene: Scene, log: Any, name: str = "s", world: World | None = None, **options: Any) -> World:
    """Run a scene for real, and hold it to the error that it promises."""
    world = world or World(scene.model())
    promised = pytest.raises(scene.error) if scene.error else nullcontext()
    with promised, Session.open(log, name, header={"task": scene.name}, **options) as session:
        result = scene.run(session, world)
        session.result = asyncio.run(result) if asyncio.iscoroutine(result) else result
    return world


def replayed(scene: Scene, log: Any, name: str = "s", changed: str = "") -> Any:
    """Replay a scene in a world where nothing may run."""
    world = World(NoModel(), live=False, changed=changed)
    report = replay(log, name, run=lambda session: scene.run(session, world))
    assert world.ran == []
    assert world.model.asked == 0
    return report


# --- the machine ------------------------------------------------------------------------------------------------------


@scene(echo_model)
def echo(session, world):
    return world.agent().ask("hello").content


@scene(script(calls(("add", {"a": 1, "b": 2})), "3"))
def one_function(session, world):
    return world.agent(functions=[world.add()]).ask("1+2").content


@scene(script(calls(("slow", {"name": "a", "wait_s": 0.03}), ("slow", {"name": "b", "wait_s": 0.0})), "ba"))
def arrival_b_a(session, world):
    return world.agent(functions=[world.slow()]).ask("go").content


@scene(script(calls(("slow", {"name": "a", "wait_s": 0.0}), ("slow", {"name": "b", "wait_s": 0.03})), "ab"))
def arrival_a_b(session, world):
    return world.agent(functions=[world.slow()]).ask("go").content


def strict_number(text: str) -> int:
    if not text.isdigit():
        raise ParseError(f"{text!r} is no number")
    return int(text)


@scene(script("not a number", "42"))
def bad_then_repaired(session, world):
    reply = world.agent(parser=strict_number).ask("a number")
    return [reply.parsed, [attempt.error_message for attempt in reply.execution_attempts]]


@scene(script(calls(("nope", {})), calls(("add", {"a": "x"})), "sorry"))
def unknown_function_and_bad_arguments(session, world):
    return world.agent(functions=[world.add()]).ask("go").content


@scene(script(calls(("add", {"a": 1}), ("add", {"a": 1})), calls(("add", {"a": 1})), "2"))
def repeated_call(session, world):
    return world.agent(functions=[world.add()]).ask("go").content


@scene(script(calls(("add", {"a": 1})), calls(("add", {"a": 2})), "end"))
def final_handler(session, world):
    return world.agent(functions=[world.add()], max_interrupt_times=2).ask("go").content


@scene(script(*["bad"] * 4), ModelBehaviorError)
def exhausted_retries(session, world):
    world.agent(parser=strict_number).ask("a number")


@scene(script(RateLimited("wait", retry_after_s=0.0), {"error": {"type": "Overloaded", "retry_after_s": 0.0}}, "ok"))
def provider_errors_with_retries(session, world):
    return world.agent().ask("go").content


@scene(script(Unauthorized("no key", status=401)))
def caught_provider_error(session, world):
    try:
        world.agent().ask("go")
    except Unauthorized as error:
        return [error.message, error.status, error.retryable]


@scene(script(Unauthorized("no key", status=401)), Unauthorized)
def not_retryable(session, world):
    world.agent().ask("go")


class OwnFailure(RateLimited):
    """A user's provider may raise an error class of its own."""


@scene(script(*[OwnFailure("mine", retry_after_s=0.0)] * 3))
def caught_error_of_the_users_own_provider(session, world):
    try:
        world.agent().ask("go")
    except OwnFailure as error:
        return error.message


@scene(script(calls(("add", {"a": 1})), "never"), LLLMError)
def token_limit(session, world):
    world.agent(functions=[world.add()], limits=Limits(max_tokens=3)).ask("a long question")


@scene(echo_model)
def session_budget(session, world):
    session.limits = Limits(max_tokens=10)
    agent = world.agent()
    agent.ask("a question of some length, to be paid for")
    try:
        agent.ask("again")
    except LLLMError as error:
        return error.message


def _hang(request):
    threading.Event().wait(0.2)
    return "late"


@scene(lambda: function_model(_hang))
def deadline_in_model(session, world):
    agent = world.agent(limits=Limits(deadline_s=0.02))
    dialog = agent.init_dialog()
    dialog.send_message("go")
    try:
        agent.call(dialog)
    except LLLMError as error:
        first = error.message
    try:
        agent.call(dialog)
    except LLLMError as error:
        return [first, error.message]


@scene(script(calls(("slow", {"name": "a", "wait_s": 0.2}), ("add", {"a": 1})), "never"))
def deadline_in_function(session, world):
    try:
        world.agent(functions=[world.slow(), world.add()], limits=Limits(deadline_s=0.05)).ask("go")
    except LLLMError as error:
        return error.message


@scene(script("text"))
def deadline_in_parser(session, world):
    def parse(text: str) -> str:
        world.touch("parser that hangs")
        threading.Event().wait(0.2)
        return text

    try:
        world.agent(parser=parse, limits=Limits(deadline_s=0.05)).ask("go")
    except LLLMError as error:
        return error.message


def _interrupt(request):
    raise KeyboardInterrupt


@scene(lambda: function_model(_interrupt), KeyboardInterrupt)
def interrupted(session, world):
    try:
        world.agent().ask("go")
    except Exception:  # noqa: BLE001 - an interrupt passes by what catches errors, today as then
        return "caught"


@scene(lambda: function_model(_interrupt))
def interrupt_that_user_code_catches(session, world):
    try:
        world.agent().ask("go")
    except KeyboardInterrupt:
        return "stopped"


@scene(script(calls(("stop", {})), "never"))
def cancelled_by_a_function(session, world):
    def stop() -> str:
        """Stop everything."""
        world.touch("stop")
        session.cancel()
        return "stopped"

    try:
        world.agent(functions=[stop]).ask("go")
    except CallCancelled:
        return "cancelled"


@scene(script("text"), UserCodeError)
def bug_in_parser(session, world):
    def parse(text: str) -> str:
        raise ZeroDivisionError(f"oops at {object()!r}")

    world.agent(parser=parse).ask("go")


@scene(lambda: function_model(lambda request: {}["missing"]))
def bug_in_model_that_user_code_catches(session, world):
    try:
        world.agent().ask("go")
    except Exception as error:  # noqa: BLE001 - user code that does not care
        return type(error).__name__


@scene(script("a", Unauthorized("no"), "b"))
def errors_are_caught_and_work_goes_on(session, world):
    agent, told = world.agent(), []
    for task in ("one", "two", "three"):
        try:
            told.append(agent.ask(task).content)
        except Exception as error:  # noqa: BLE001 - user code that does not care
            told.append(type(error).__name__)
    return told


@scene(script("x"), KeyError)
def error_of_the_users_own(session, world):
    world.agent().ask("go")
    raise KeyError("no such thing")


@scene(script("x"), SystemExit)
def exit_of_the_program(session, world):
    world.agent().ask("go")
    raise SystemExit(3)


# --- sessions ---------------------------------------------------------------------------------------------------------


@scene(echo_model)
def values(session, world):
    def read() -> dict[str, Any]:
        world.touch("step")
        return {"n": 1, "list": [1, None, "x"]}

    told = [session.now(), session.uuid4(), session.step("read", read), session.random.random()]
    return [told, world.agent().ask(str(told)).content]


@scene(echo_model)
def frontend(session, world):
    session.frontend("write", {"args": [f"{object()!r}"]})
    world.agent().ask("hi")
    session.note(f"took {time.perf_counter()}")
    session.frontend("write", {"args": ["done"]})


@scene(echo_model)
def two_dialogs(session, world):
    one, two = world.agent("A"), world.agent("B")
    first, second = one.init_dialog(), two.init_dialog()
    for text in ("x", "y"):
        first.send_message(text)
        second.send_message(one.call(first)[0].content)
        two.call(second)
    return len(first) + len(second)


@scene(echo_model)
def forks(session, world):
    agent = world.agent()
    dialog = agent.init_dialog()
    agent.ask("a", dialog)
    fork, cut = dialog.fork(), dialog.context_copy(2)
    return [agent.ask(text, branch).content for text, branch in (("b", fork), ("c", cut), ("d", dialog))]


def _nested_model():
    def respond(request):
        if request.contract.functions and request.history[-1].role.value == "user":
            return calls(("research", {"topic": "x"}), ("research", {"topic": "y"}))
        return f"re: {request.history[-1].content}"

    return function_model(respond)


@scene(_nested_model)
def agents_inside_functions(session, world):
    inner = world.agent("I look things up.", name="inner")

    def research(topic: str) -> str:
        """Look a topic up."""
        world.touch("research")
        session.frontend("write", {"args": [topic]})
        return inner.ask(f"{topic} {session.now()}").content

    first = world.agent(functions=[research]).ask("go").content
    return [first, inner.ask("outside, with a contract that was first used inside").content]


@scene(echo_model)
def mapped(session, world):
    agent = world.agent()
    return session.map(lambda item: [agent.ask(str(item)).content, session.uuid4()], range(12), concurrency=4)


@scene(echo_model)
async def amapped(session, world):
    agent = world.agent()

    async def one(item):
        first = (await agent.aask(str(item))).content
        await asyncio.sleep(0)
        return [first, session.now(), (await agent.aask(first)).content]

    return await session.amap(one, range(6), concurrency=3)


def _slow_async_model():
    async def respond(request):
        text = request.history[-1].content
        await asyncio.sleep(0.002 if text.startswith("0") else 0)
        return f"re: {text}"

    return function_model(respond)


@scene(_slow_async_model)
async def gathered(session, world):
    agent = world.agent()
    dialogs = [agent.init_dialog() for _ in range(4)]

    async def chat(number, dialog):
        for text in "xy":
            dialog.send_message(f"{number}{text}")
            await agent.acall(dialog)
        return len(dialog)

    return await asyncio.gather(*(chat(i, dialog) for i, dialog in enumerate(dialogs)))


def _fails_for_zero():
    async def respond(request):
        await asyncio.sleep(0.002)
        if request.history[-1].content == "0":
            raise Unauthorized("no")
        await asyncio.sleep(0.2)
        return "late"

    return function_model(respond)


@scene(_fails_for_zero, Unauthorized)
async def one_of_several_fails_while_the_others_wait(session, world):
    agent = world.agent()
    await asyncio.gather(*(agent.aask(str(i)) for i in range(3)))


@scene(_slow_async_model)
async def workers_with_a_queue(session, world):
    agent, queue, told = world.agent(), asyncio.Queue(), {}
    for i in range(6):
        dialog = agent.init_dialog()
        dialog.send_message(f"{i}")
        queue.put_nowait((i, dialog))

    async def worker():
        while not queue.empty():
            number, dialog = queue.get_nowait()
            told[number] = (await agent.acall(dialog))[0].content

    await asyncio.gather(worker(), worker(), worker())
    return [told[i] for i in range(6)]


def _slow_model():
    def respond(request):
        text = request.history[-1].content
        threading.Event().wait(0.01 if text in "036" else 0)
        return f"re: {text}"

    return function_model(respond)


@scene(_slow_model)
def threads_over_dialogs_that_are_open(session, world):
    agent = world.agent()
    dialogs = [agent.init_dialog() for _ in range(8)]
    for i, dialog in enumerate(dialogs):
        dialog.send_message(str(i))
    with ThreadPoolExecutor(3) as pool:
        return list(pool.map(lambda dialog: agent.call(dialog)[0].content, dialogs))


@scene(_slow_model)
def threads_in_scopes(session, world):
    agent, told = world.agent(), {}

    def work(name):
        try:
            with session.scope(name), session.active():
                told[name] = agent.ask(name).content
        except BaseException as error:  # noqa: BLE001 - a thread's error would be printed
            told[name] = repr(error)

    threads = [threading.Thread(target=work, args=(str(i),)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return told["0"]


@scene(echo_model)
def images(session, world):
    agent = world.agent()
    dialog = agent.init_dialog()
    dialog.send_base64_image("aGVsbG8=" * 3000, "what is this?")
    return agent.call(dialog)[0].content


@scene(echo_model)
def secrets_in_messages(session, world):
    key = "sk-" + "a1b2c3d4e5f6" * 3
    agent = world.agent(f"The key is {key}.")
    return agent.ask(f"use {key}").content


@scene(lambda: scripted_model("y" * 30_000, "z"))
def large_messages(session, world):
    agent = world.agent("s" * 20_000)
    dialog = agent.init_dialog()
    first = agent.ask("ü€😀\ud800" * 9_000, dialog)
    return [len(first.content), agent.ask("more", dialog).content]


@scene(echo_model)
def streamed(session, world):
    agent = world.agent()
    dialog = agent.init_dialog()
    dialog.send_message("tell me more than one word")
    text, end = "", None
    for event in agent.stream(dialog):
        if isinstance(event, FinishedEvent):
            end = event.message.content
        elif isinstance(event, TextEvent):
            text += event.text
    return [text, end]


@scene(echo_model)
async def streamed_async(session, world):
    agent = world.agent()
    dialog = agent.init_dialog()
    dialog.send_message("tell me more than one word")
    return [event.text async for event in agent.astream(dialog) if isinstance(event, TextEvent)] and "some"


@scene(script("5", "6"))
def values_in_a_parser(session, world):
    def parse(text: str) -> list[Any]:
        return [text, session.uuid4(), session.step("x", lambda: 7)]

    agent = world.agent(parser=parse)
    return [agent.ask("a").parsed, agent.ask("b").parsed]


@scene(script(calls(("add", {"a": 1.0, "b": True})), calls(("weird", {})), "done"))
def odd_results(session, world):
    def add(a: float, b: bool) -> list[Any]:
        """Return what cannot be told apart by ==."""
        world.touch("add")
        return [a, b, 1, None, {"1": 1.0}]

    def weird() -> object:
        """Raise."""
        world.touch("weird")
        raise RuntimeError(f"{object()!r}")

    made = world.agent(functions=[add, weird])
    dialog = made.init_dialog()
    dialog.send_message("go")
    return [[call.result, call.error_message] for call in made.call(dialog)[2]]


@scene(script("<b>x</b>", "plain"))
def prompts_with_contracts(session, world):
    agent = world.agent()
    dialog = agent.init_dialog()
    tagged = Prompt(path="t/tagged", prompt="Say {what}.", xml_tags=("b",), functions_list=(Function("noop"),))
    dialog.send_message(tagged, {"what": "it"})
    first = agent.call(dialog)[0].parsed
    dialog.send_message(Prompt(path="t/plain", prompt="Now plainly."))
    return [str(first), agent.call(dialog, args={"temperature": 0.5})[0].content]


@scene(script("one two three", "more"))
def a_stream_that_is_left(session, world):
    agent = world.agent()
    dialog = agent.init_dialog()
    dialog.send_message("tell me")
    for event in agent.stream(dialog):
        if isinstance(event, TextEvent):
            break
    return agent.ask("and then?").content


def _waits_in_the_stream():
    def respond(request):
        threading.Event().wait(0.02)
        return calls(("add", {"a": 1})) if len(request.history) < 3 else "end"

    return function_model(respond)


@scene(_waits_in_the_stream)
def a_stream_that_is_left_at_once(session, world):
    agent = world.agent(functions=[world.add()])
    dialog = agent.init_dialog()
    dialog.send_message("tell me")
    for _ in agent.stream(dialog):
        break
    return len(agent.init_dialog())


@scene(script({"text": "one two three four", **calls(("slow", {"name": "a", "wait_s": 0.05}))}, "never", "after"))
def a_stream_that_is_left_at_its_third_word(session, world):
    agent = world.agent(functions=[world.slow()])
    dialog = agent.init_dialog()
    dialog.send_message("tell me")
    words = 0
    for event in agent.stream(dialog):
        words += isinstance(event, TextEvent)
        if words == 3:
            break
    session.frontend("write", {"args": ["left"]})


# --- tasks and threads that open dialogs as answers arrive ------------------------------------------------------------


def _slow_echo() -> Any:
    """A model whose answers arrive in any order: the later asked, the sooner answered."""
    left = iter(range(40, 0, -1))

    async def respond(request):
        await asyncio.sleep(next(left) / 4000)
        return f"re: {request.history[-1].content}"

    return function_model(respond)


def _three_dialogs(session, agent, name):
    """Yield three dialogs, each opened when the answer in the one before it is there."""
    for number in range(3):
        dialog = agent.init_dialog(session=session)
        dialog.send_message(f"{name} {number}")
        yield dialog


@scene(_slow_echo)
def gathered_tasks_open_dialogs_as_answers_arrive(session, world):
    agent = world.agent()

    async def one(name):
        return [(await agent.acall(dialog))[0].content for dialog in _three_dialogs(session, agent, name)]

    async def main():
        return await asyncio.gather(*(one(name) for name in "abcd"))

    return main()


def _slow_echo_of_threads() -> Any:
    left = iter(range(40, 0, -1))

    def respond(request):
        threading.Event().wait(next(left) / 4000)
        return f"re: {request.history[-1].content}"

    return function_model(respond)


@scene(_slow_echo_of_threads)
def threads_with_a_context_open_dialogs_as_answers_arrive(session, world):
    agent = world.agent()
    opened = [agent.init_dialog(session=session) for _ in "abcd"]

    def one(name, dialog):
        told = []
        for number in range(3):
            dialog.send_message(f"{name} {number}")
            told.append(agent.call(dialog)[0].content)
            dialog = agent.init_dialog(session=session)
        return told

    with ThreadPoolExecutor(4) as pool:
        jobs = [pool.submit(copy_context().run, one, *pair) for pair in zip("abcd", opened, strict=True)]
        return [job.result() for job in jobs]


@scene(script(calls(("compute", {"code": "1"})), "never said"), SandboxUnavailable)
def no_sandbox(session, world):
    def compute(code: str) -> str:
        """Run code where nothing can."""
        world.touch("compute")
        raise SandboxUnavailable("no sandbox works here")

    return world.agent(functions=[compute]).ask("go").content
