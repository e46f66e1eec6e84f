"""Replies that are kept: what is given again, to whom, and what is never given again."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace

import pytest
from chat_values import ask

from lllm import Agent, Limits, Session
from lllm.const import APITypes, CompletionCost, Finish, Roles
from lllm.errors import ConfigError, LimitExceeded, Overloaded, ProviderTimeout
from lllm.log import MemoryLog
from lllm.models.call import FunctionCall
from lllm.models.message import Image, Message, Native, TokenLogprob
from lllm.providers import CachedProvider, build_provider
from lllm.providers.base import Delta, judged_of, secrets_of
from lllm.providers.mock import MockProvider
from lllm.replay import replay

FULL = Message(
    Roles.ASSISTANT,
    "text ☃ \ud83d",
    function_calls=(FunctionCall("c1", "add", '{"a": 1, '), FunctionCall("c2", "add", "")),
    images=(Image(url="http://x/y.png"), Image("aGk=", "image/jpeg")),
    model="m-2026",
    usage=CompletionCost(10, 5, 3, 2, cost_usd=0.25, cache_write_tokens=4),
    finish=Finish.FUNCTION_CALLS,
    logprobs=(TokenLogprob("a", -0.5, (("a", -0.5), ("b", -1.5))),),
    reasoning="hm",
    native=Native("openai", ({"type": "reasoning", "id": "r1"},)),
    api_type=APITypes.RESPONSE,
)


class Inner:
    """A provider that says what it was asked, and can be held up."""

    name = "inner"

    def __init__(self, respond=None, *, base_url="http://a", key="sk-not-a-real-key"):
        self.asked, self.base_url, self.key = [], base_url, key
        self._respond = respond or (lambda request: f"reply {len(self.asked)}")
        self.may_answer = None

    def describe(self):
        return {"name": "inner", "api": "mock", "base_url": self.base_url}

    def secrets(self):
        return (self.key,)

    def send(self, request, *, timeout_s=None, on_delta=None):
        self.asked.append(timeout_s)
        if self.may_answer is not None:
            assert self.may_answer.wait(20)
        return self._answer(request)

    async def asend(self, request, *, timeout_s=None, on_delta=None):
        self.asked.append(timeout_s)
        if self.may_answer is not None:
            await self.may_answer.wait()
        return self._answer(request)

    def _answer(self, request):
        reply = self._respond(request)
        if isinstance(reply, BaseException):
            raise reply
        return reply if isinstance(reply, Message) else Message(Roles.ASSISTANT, reply, usage=CompletionCost(7, 3))

    def close(self):
        self.closed = True

    async def aclose(self):
        self.closed = True


@pytest.fixture
def inner():
    return Inner()


@pytest.fixture
def cached(inner, tmp_path):
    provider = CachedProvider(inner, tmp_path / "cache")
    yield provider
    provider.close()


def use(provider, request, *, usable=True, use_async=False, **options):
    """Ask, and say what the reply was worth, as a turn does."""
    reply = asyncio.run(provider.asend(request, **options)) if use_async else provider.send(request, **options)
    if usable is not None:
        judged_of(provider)(request, reply, usable=usable)
    return reply


both_faces = pytest.mark.parametrize("use_async", [False, True], ids=["send", "asend"])


# --- what is given again ---------------------------------------------------------------------------------------------


@both_faces
def test_the_second_identical_call_is_served(cached, inner, use_async):
    """It is known to cost nothing; its tokens stay, so that a run ends where it ended the first time."""
    first = use(cached, ask(), use_async=use_async)
    second = use(cached, ask(), use_async=use_async)
    assert (first.cached, second.cached) == (False, True)
    assert second.content == first.content == "reply 1"
    assert (first.usage.cost_usd, second.usage) == (None, CompletionCost(7, 3, cost_usd=0.0))
    assert len(inner.asked) == 1


def test_it_is_served_by_another_program_later(inner, tmp_path):
    """What is kept is on disk."""
    for expected in (False, True, True):
        provider = CachedProvider(inner, tmp_path)
        assert use(provider, ask()).cached is expected
        provider.close()


def test_it_is_served_at_once_and_not_when_it_was_written(cached):
    """Writing has a thread of its own, and may take its time."""
    assert [use(cached, ask()).cached for _ in range(3)] == [False, True, True]


@both_faces
def test_everything_of_a_reply_is_kept(tmp_path, use_async):
    """What a reply lacks the second time makes a second run differ from the first."""
    provider = CachedProvider(Inner(lambda request: FULL), tmp_path)
    use(provider, ask(), use_async=use_async)
    provider.close()
    kept = use(provider, ask(), use_async=use_async)
    provider.close()
    assert kept == replace(FULL, cached=True, usage=replace(FULL.usage, cost_usd=0.0))
    assert kept.native == FULL.native


@pytest.mark.parametrize(
    "other",
    [
        ask(model="other"),
        ask("other"),
        ask("hello", "again"),
        ask(params={"temperature": 0.5}),
        ask(params={"seed": 1}),
        ask(extra_body={"x": 1}),
        ask(format_name="A", format_schema={"type": "object"}),
        ask(Message(Roles.SYSTEM, "hello")),
        ask(Message(Roles.USER, "hello", images=(Image("aGk="),))),
    ],
)
def test_another_request_is_another_call(cached, inner, other):
    """Whatever a server could notice tells requests apart: a cache that mixes them up is worse than none."""
    use(cached, ask())
    assert not use(cached, other).cached
    assert len(inner.asked) == 2


def test_another_server_or_scope_is_another_call(tmp_path):
    """Two providers may share a folder."""
    for provider in (
        CachedProvider(Inner(), tmp_path),
        CachedProvider(Inner(base_url="http://b"), tmp_path),
        CachedProvider(Inner(), tmp_path, scope="v2"),
    ):
        assert not use(provider, ask()).cached
        provider.close()


def test_streaming_makes_no_difference(cached):
    """Who watches a reply asks the same thing; it comes in one piece."""
    use(cached, ask())
    pieces = []
    assert use(cached, ask(stream=True), on_delta=pieces.append).cached
    assert use(cached, ask(), on_delta=pieces.append).cached
    assert pieces == [Delta("text", "reply 1")]


def test_a_served_reply_is_told_whole(tmp_path):
    """Reasoning, text, and each call under its name, as a stream would."""
    provider = CachedProvider(Inner(lambda request: FULL), tmp_path)
    use(provider, ask())
    pieces = []
    use(provider, ask(stream=True), on_delta=pieces.append)
    provider.close()
    calls = [Delta("call", call.raw_arguments, index, "add") for index, call in enumerate(FULL.function_calls)]
    assert pieces == [Delta("reasoning", "hm"), Delta("text", FULL.content), *calls]


# --- what is not kept ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("usable", [False, None])
def test_what_nobody_spoke_for_is_not_kept(cached, inner, usable):
    """A reply is kept because somebody could use it."""
    assert [use(cached, ask(), usable=usable).cached for _ in range(3)] == [False] * 3
    assert len(inner.asked) == 3


def test_what_was_kept_and_is_of_no_use_any_more_is_forgotten(cached, inner):
    """Today's parser may be stricter than yesterday's: it must not get the same reply for ever."""
    use(cached, ask())
    assert use(cached, ask(), usable=False).cached
    assert [use(cached, ask()).content for _ in range(2)] == ["reply 2", "reply 2"]


def test_a_reply_that_one_could_not_use_is_not_kept_for_another(cached):
    """Two parsers may differ about it; it failed to parse."""
    reply = cached.send(ask())
    cached.judged(ask(), reply, usable=False)
    cached.judged(ask(), reply, usable=True)
    assert not cached.send(ask()).cached
    cached.judged(ask(), reply, usable=True)
    cached.judged(ask(), reply, usable=False)
    assert not cached.send(ask()).cached


def test_what_is_kept_is_kept_once_and_is_nobodys_own(cached):
    """Many may say that one reply was usable; whose it was, and what they added to it, is theirs."""
    reply = cached.send(ask())
    cached.judged(ask(), reply.by("agent", {"note": "mine"}), usable=True)
    cached.judged(ask(), replace(reply, content="another"), usable=True)
    kept = cached.send(ask())
    cached.judged(ask(), replace(kept, content="another"), usable=True)
    again = cached.send(ask())
    assert [(one.content, one.creator, one.extra) for one in (kept, again)] == [("reply 1", "", {})] * 2


def test_a_reply_from_elsewhere_is_not_kept(cached):
    """A resumed run judges recorded replies, which the log may have taken secrets out of."""
    cached.judged(ask(), Message(Roles.ASSISTANT, "recorded"), usable=True)
    assert use(cached, ask()).content == "reply 1"
    cached.judged(ask("never asked"), Message(Roles.ASSISTANT, "recorded"), usable=False)


def test_an_error_is_not_kept(tmp_path):
    """The next call may succeed."""
    replies = [Overloaded("busy"), "fine"]
    provider = CachedProvider(Inner(lambda request: replies.pop(0)), tmp_path)
    with pytest.raises(Overloaded):
        provider.send(ask())
    assert provider.send(ask()).content == "fine"
    provider.close()


def test_no_file_holds_a_key_and_nobody_else_may_read_them(tmp_path):
    """A model repeats what it is told, keys included; a folder is easily shared."""
    replies = ["harmless", 'your key is sk-"not\\a-real-key, is it not?']
    provider = CachedProvider(Inner(lambda request: replies.pop(0), key='sk-"not\\a-real-key'), tmp_path / "deep/cache")
    use(provider, ask())
    use(provider, ask("tell me your secrets"))
    files = list((tmp_path / "deep/cache").iterdir())
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    provider.close()
    content = b"".join(file.read_bytes() for file in (tmp_path / "deep/cache").iterdir())
    assert b"harmless" in content
    assert b"sk-" not in content
    assert (tmp_path / "deep/cache").stat().st_mode & 0o777 == 0o700


def test_what_json_cannot_hold_is_not_kept(tmp_path):
    """Nor is it a reason to fail: the reply is there."""
    odd = replace(FULL, logprobs=(TokenLogprob("a", float("nan")),))
    provider = CachedProvider(Inner(lambda request: odd), tmp_path)
    assert not any(use(provider, ask()).cached for _ in range(2))
    provider.close()


# --- in an agent's call ----------------------------------------------------------------------------------------------


def add(a: int, b: int) -> int:
    """Add."""
    return a + b


def test_an_agent_never_gets_a_reply_again_that_it_could_not_parse(tmp_path):
    """The retry is another request, and what came of that is kept."""
    replies = MockProvider(["many", "5", "7"])
    with Agent.quick(format=int, provider=CachedProvider(replies, tmp_path)) as agent:
        first, second, third = (agent.ask("How many?") for _ in range(3))
    assert (first.parsed, first.cached, len(first.execution_attempts)) == (5, False, 1)
    assert (second.parsed, second.cached, len(second.execution_attempts)) == (7, False, 0)
    assert (third.parsed, third.cached) == (7, True)
    agent.provider.close()


def test_a_retry_that_was_kept_is_served_to_the_same_retry(tmp_path):
    """The attempt is in the key, because what went wrong is in the dialog."""
    first = MockProvider(["many", "5"])
    again = MockProvider(["many"])
    for replies in (first, again):
        with Agent.quick(format=int, provider=CachedProvider(replies, tmp_path)) as agent:
            got = agent.ask("How many?")
        assert (got.parsed, len(got.execution_attempts)) == (5, 1)
        agent.provider.close()
    assert got.cached


@pytest.mark.parametrize(
    "calls",
    [
        [{"name": "subtract", "arguments": {}}],
        [{"name": "add", "arguments": {"a": 1}}],
        [{"name": "add", "arguments": "{"}],
    ],
)
def test_calls_that_cannot_be_made_are_not_kept(tmp_path, calls):
    """The model mends them in the next step; a cache that brings them back has it mend them for ever."""
    bad = Message(
        Roles.ASSISTANT, function_calls=tuple(FunctionCall("c", call["name"], call["arguments"]) for call in calls)
    )
    good = {"calls": [{"name": "add", "arguments": {"a": 1, "b": 2}}]}
    replies = MockProvider([bad, "sorry", good, "3"])
    with Agent.quick(functions=[add], provider=CachedProvider(replies, tmp_path)) as agent:
        texts = [agent.ask("1 + 2?").content for _ in range(3)]
    assert texts == ["sorry", "3", "3"]
    agent.provider.close()


def test_a_function_call_and_its_answer_are_kept(tmp_path):
    """A whole turn is served; the function runs, because it may have an effect."""
    ran = []

    def note(text: str) -> str:
        """Note."""
        ran.append(text)
        return "noted"

    replies = MockProvider([{"calls": [{"name": "note", "arguments": {"text": "x"}}]}, "done"])
    with Agent.quick(functions=[note], provider=CachedProvider(replies, tmp_path)) as agent:
        assert [agent.ask("go").cached for _ in range(2)] == [False, True]
    assert ran == ["x", "x"]
    agent.provider.close()


@pytest.mark.parametrize("finish", [Finish.LENGTH, Finish.CONTENT_FILTER, Finish.REFUSAL])
def test_what_the_machine_refuses_is_not_kept(tmp_path, finish):
    """Cut off, filtered, refused: asking again may help, and that is what the machine does."""
    replies = MockProvider([{"text": "I", "finish": finish.value}, "fine", "fine at once"])
    with Agent.quick(provider=CachedProvider(replies, tmp_path)) as agent:
        assert [agent.ask("go").content for _ in range(2)] == ["fine", "fine at once"]
    agent.provider.close()


def test_calls_where_none_are_allowed_are_not_kept(tmp_path):
    """The machine answers them with its exception handler: they are of no use."""
    call = {"calls": [{"name": "add", "arguments": {"a": 1, "b": 2}}]}
    replies = MockProvider([call, "3", "3 at once"])
    with Agent.quick(functions=[add], max_interrupt_times=0, provider=CachedProvider(replies, tmp_path)) as agent:
        assert [agent.ask("1 + 2?").content for _ in range(2)] == ["3", "3 at once"]
    agent.provider.close()


def test_a_budget_of_money_is_not_touched_by_what_is_kept(tmp_path):
    """It is known to cost nothing, so it may be asked for at any limit; tokens count as they did."""
    paid = Message(Roles.ASSISTANT, "one", usage=CompletionCost(7, 3, cost_usd=1.0))
    with Agent.quick(provider=CachedProvider(Inner(lambda request: paid), tmp_path)) as agent:
        costs = [agent.ask("go").cost for _ in range(2)]
    assert [(cost.total_tokens, cost.cost_usd) for cost in costs] == [(10, 1.0), (10, 0.0)]
    agent.provider.close()


def test_the_log_tells_it_and_a_replay_needs_no_cache(tmp_path):
    """A reply is an event like any other; where it came from is a fact of it."""

    def asking(provider):
        def run(session):
            with Agent.quick(format=int, provider=provider) as agent:
                return [agent.ask("hello", agent.init_dialog(session=session)).parsed for _ in range(2)]

        return run

    log, provider = MemoryLog(), CachedProvider(MockProvider(["many", "5", "6", "7"]), tmp_path / "cache")
    with Session.open(log, "s", header={"session": "s"}) as session:
        asking(provider)(session)
        session.result = asking(provider)(session)
    replies = [event.data for event in log.read_session("s") if event.kind == "model.reply"]
    assert [reply.get("cached", False) for reply in replies] == [False, False, False, True, True]
    assert replies[-1]["cost_usd"] == 0.0
    provider.close()
    untouched = CachedProvider(MockProvider([]), tmp_path / "untouched")

    def both(session):
        asking(untouched)(session)
        return asking(untouched)(session)

    assert replay(log, "s", run=both).status == "same"
    assert not (tmp_path / "untouched").exists()


def test_with_and_without_a_cache_a_run_describes_the_same_provider(cached, inner):
    """A replay holds today's provider against the recorded one."""
    assert (cached.name, cached.describe(), secrets_of(cached)) == ("inner", inner.describe(), (inner.key,))
    assert inner.key not in repr(cached)


# --- identical calls at the same time --------------------------------------------------------------------------------


def in_threads(number, call):
    """Run ``call`` in threads; return them, and the list that their results or errors go to."""
    results = []

    def run():
        try:
            results.append(call())
        except Exception as error:  # noqa: BLE001
            results.append(error)

    threads = [threading.Thread(target=run) for _ in range(number)]
    for thread in threads:
        thread.start()
    return threads, results


def wait_for(threads):
    for thread in threads:
        thread.join(20)
        assert not thread.is_alive()


def until(condition):
    """Give other threads the processor until something is so."""
    for _ in range(2_000_000):
        if condition():
            return
        threading.Event().wait(0)
    raise AssertionError("it never was")


def waiting(provider):
    """How many callers wait for somebody else's reply."""
    flights = list(provider._folder.flights._under_way.values())
    return sum(len(flight._landed._condition._waiters) + len(flight._landed._done_callbacks) for flight in flights)


def test_one_of_many_threads_asks(cached, inner):
    """A crowd that starts with the same question pays once."""
    inner.may_answer = threading.Event()
    threads, replies = in_threads(8, lambda: cached.send(ask()))
    until(lambda: waiting(cached) == 7)
    inner.may_answer.set()
    wait_for(threads)
    assert len(inner.asked) == 1
    assert sorted(reply.cached for reply in replies) == [False] + [True] * 7
    assert [reply.usage.cost_usd for reply in replies if reply.cached] == [0.0] * 7


def test_one_of_many_tasks_asks(cached, inner):
    """The same on an event loop."""

    async def main():
        inner.may_answer = asyncio.Event()
        tasks = [asyncio.create_task(cached.asend(ask())) for _ in range(8)]
        while waiting(cached) < 7:  # noqa: ASYNC110 - there is nothing to wait for
            await asyncio.sleep(0)
        inner.may_answer.set()
        return await asyncio.gather(*tasks)

    replies = asyncio.run(main())
    assert len(inner.asked) == 1
    assert sorted(reply.cached for reply in replies) == [False] + [True] * 7


def test_threads_and_loops_wait_for_one_another(cached, inner):
    """A program may have all of them."""
    inner.may_answer = threading.Event()
    threads, replies = in_threads(2, lambda: cached.send(ask()))
    until(lambda: waiting(cached) == 1)
    more, others = in_threads(2, lambda: asyncio.run(cached.asend(ask())))
    until(lambda: waiting(cached) == 3)
    inner.may_answer.set()
    wait_for(threads + more)
    assert len(inner.asked) == 1
    assert {reply.content for reply in replies + others} == {"reply 1"}


async def one_and_two_who_wait(cached, inner):
    """Start three equal calls; the first asks, since who opens the folder first is who asks, and the others wait."""
    inner.may_answer = asyncio.Event()
    tasks = [asyncio.create_task(cached.asend(ask()))]
    async with asyncio.timeout(60):
        while not inner.asked:  # noqa: ASYNC110 - there is nothing to wait for
            await asyncio.sleep(0)
        tasks += [asyncio.create_task(cached.asend(ask())) for _ in range(2)]
        while waiting(cached) < 2:  # noqa: ASYNC110 - as above
            await asyncio.sleep(0)
    return tasks


def test_who_is_cancelled_is_cancelled_alone(cached, inner):
    """The next one asks; nobody else hears of it."""

    async def main():
        tasks = await one_and_two_who_wait(cached, inner)
        tasks[0].cancel()
        await asyncio.gather(tasks[0], return_exceptions=True)
        while len(inner.asked) < 2:  # noqa: ASYNC110 - as above
            await asyncio.sleep(0)
        inner.may_answer.set()
        return [task.cancelled() for task in tasks[:1]], await asyncio.gather(*tasks[1:])

    cancelled, replies = asyncio.run(main())
    assert cancelled == [True]
    assert [reply.content for reply in replies] == ["reply 2"] * 2


def test_who_stops_waiting_stops_nobody_else(cached, inner):
    """One cancelled follower must not cancel what the others wait for."""

    async def main():
        tasks = await one_and_two_who_wait(cached, inner)
        tasks[1].cancel()
        await asyncio.gather(tasks[1], return_exceptions=True)
        inner.may_answer.set()
        return await asyncio.gather(tasks[0], tasks[2])

    assert [reply.content for reply in asyncio.run(main())] == ["reply 1"] * 2
    assert len(inner.asked) == 1


@pytest.mark.parametrize("error", [ZeroDivisionError(), KeyboardInterrupt(), ProviderTimeout("my own patience")])
def test_who_fails_by_itself_fails_alone(tmp_path, error):
    """A callback that raises, Ctrl-C, a short time-out: the next one asks."""
    replies = [error]
    inner = Inner(lambda request: replies.pop() if replies else "fine")
    provider = CachedProvider(inner, tmp_path)
    inner.may_answer = threading.Event()

    def first():
        try:
            return provider.send(ask())
        except BaseException as raised:  # noqa: BLE001
            return raised

    leader, failed = in_threads(1, first)
    until(lambda: len(inner.asked) == 1)
    followers, got = in_threads(3, lambda: provider.send(ask()))
    until(lambda: waiting(provider) == 3)
    inner.may_answer.set()
    wait_for(leader + followers)
    provider.close()
    assert failed == [error]
    assert [reply.content for reply in got] == ["fine"] * 3


def test_what_the_server_answered_is_everybodys_answer(tmp_path):
    """A hundred who ask one after the other would be refused one after the other; each gets an error of its own."""
    inner = Inner(lambda request: Overloaded("busy", retry_after_s=3))
    provider = CachedProvider(inner, tmp_path)
    inner.may_answer = threading.Event()
    threads, errors = in_threads(4, lambda: provider.send(ask()))
    until(lambda: waiting(provider) == 3)
    inner.may_answer.set()
    wait_for(threads)
    provider.close()
    assert len(inner.asked) == 1
    assert [(type(error), error.message, error.retry_after_s) for error in errors] == [(Overloaded, "busy", 3)] * 4
    assert len(set(map(id, errors))) == 4


@both_faces
def test_a_follower_has_a_time_of_its_own(cached, inner, use_async):
    """It waits for somebody else no longer than it may; the other goes on."""
    inner.may_answer = threading.Event()
    threads, replies = in_threads(1, lambda: cached.send(ask()))
    until(lambda: len(inner.asked) == 1)
    with pytest.raises(ProviderTimeout):
        use(cached, ask(), use_async=use_async, timeout_s=0.01)
    inner.may_answer.set()
    wait_for(threads)
    assert replies[0].content == "reply 1"


def test_a_call_inside_the_same_call_does_not_wait_for_itself(tmp_path):
    """A listener or an override may ask the same; in one thread, nobody else could ever answer."""
    depth = []

    def respond(request):
        depth.append(1)
        return f"outer {provider.send(ask()).content}" if len(depth) == 1 else "inner"

    provider = CachedProvider(Inner(respond), tmp_path)
    assert provider.send(ask()).content == "outer inner"
    provider.close()


def test_a_sync_call_on_the_loop_that_answers_does_not_wait_for_it(cached, inner):
    """It blocks the loop, so the task that asks could never go on."""

    async def main():
        inner.may_answer = asyncio.Event()
        task = asyncio.create_task(cached.asend(ask()))
        while not inner.asked:  # noqa: ASYNC110 - as above
            await asyncio.sleep(0)
        blocked, inner.may_answer = inner.may_answer, None
        got = cached.send(ask())
        blocked.set()
        return got, await task

    assert [reply.content for reply in asyncio.run(main())] == ["reply 2", "reply 2"]


def test_a_follower_of_an_unusable_reply_keeps_it_for_nobody(cached, inner):
    """It gets the reply that is under way, fails as the first did, and each retries."""
    inner.may_answer = threading.Event()
    threads, _ = in_threads(4, lambda: use(cached, ask(), usable=False))
    until(lambda: waiting(cached) == 3)
    inner.may_answer.set()
    wait_for(threads)
    assert not cached.send(ask()).cached


def test_two_providers_of_one_folder_ask_once(tmp_path):
    """Each agent of a config has a provider of its own."""
    inner = Inner()
    first, second = CachedProvider(inner, tmp_path), CachedProvider(inner, f"{tmp_path}/../{tmp_path.name}")
    inner.may_answer = threading.Event()
    threads, _ = in_threads(1, lambda: first.send(ask()))
    until(lambda: len(inner.asked) == 1)
    more, _ = in_threads(1, lambda: second.send(ask()))
    until(lambda: waiting(first) == 1)
    inner.may_answer.set()
    wait_for(threads + more)
    first.close()
    assert len(inner.asked) == 1


# --- how it is asked for ---------------------------------------------------------------------------------------------


def test_a_config_names_the_folder(tmp_path):
    """And may say how large it may become, and what else tells replies apart."""
    config = {"replies": ["a", "b"], "cache": str(tmp_path)}
    assert [use(build_provider("mock", config), ask()).cached for _ in range(2)] == [False, True]
    config["cache"] = {"folder": str(tmp_path), "max_bytes": 1_000_000, "scope": "another"}
    provider = build_provider("mock", config)
    assert not use(provider, ask()).cached
    assert provider._folder.max_bytes == 1_000_000
    provider.close()


def test_settings_that_change_a_reply_tell_replies_apart(tmp_path):
    """A script, a header, a limit: none of them is in the request."""
    for replies in (["a"], ["b"]):
        provider = build_provider("mock", {"replies": replies, "cache": tmp_path})
        assert use(provider, ask()).content == replies[0]
        provider.close()


def test_a_function_is_named_the_same_in_every_process(tmp_path):
    """Its address is another each time, and nothing would be found again."""
    for function in (lambda request: "a", lambda request: "b"):
        function.__qualname__ = "same"
        provider = build_provider("mock", {"function": function, "cache": tmp_path})
        assert use(provider, ask()).content == "a"
        provider.close()


@pytest.mark.parametrize(
    ("told", "says"),
    [
        (3, "cache is a folder"),
        ({}, "cache is a folder"),
        ("", "cache is a folder"),
        ({"folder": 3}, "folder of its cache is no str"),
        ({"folder": "x", "max_bytes": "big"}, "max_bytes of its cache is no int"),
        ({"folder": "x", "max_bytes": True}, "max_bytes of its cache is no int"),
        ({"folder": "x", "max_byte": 1}, "no setting 'max_byte'"),
        ({"folder": "x", "max_bytes": 1}, "holds nothing"),
    ],
)
def test_a_wrong_setting_is_refused(told, says):
    """Before the first call, with what was meant."""
    with pytest.raises(ConfigError, match=says):
        build_provider("mock", {"cache": told})


def test_closing_reaches_the_inner_provider_and_a_later_call_opens_again(cached, inner):
    """As every provider's does."""
    use(cached, ask())
    cached.close()
    assert inner.closed
    assert use(cached, ask()).cached
    inner.closed = False
    asyncio.run(cached.aclose())
    assert inner.closed


def test_a_budget_of_tokens_counts_what_is_kept(tmp_path):
    """A run with a warm cache stops where it stopped with a cold one."""
    inner = Inner(lambda request: replace(FULL, function_calls=(FunctionCall("c", "add", {"a": 1, "b": 2}),)))
    provider = CachedProvider(inner, tmp_path)
    for _ in range(2):
        agent = Agent.quick(functions=[add], provider=provider, limits=Limits(max_tokens=15))
        with agent, pytest.raises(LimitExceeded, match="15 of 15 tokens"):
            agent.ask("How many?")
    provider.close()
    assert len(inner.asked) == 1
