"""A user's own code around a provider: one method, both faces, and nothing that the provider promised is lost."""

from __future__ import annotations

import asyncio
import sys
import threading
from contextvars import ContextVar

import pytest
from chat_values import ask

from lllm import Agent
from lllm.errors import CallCancelled, ConfigError, Overloaded, ProviderTimeout, UserCodeError
from lllm.log import MemoryLog
from lllm.providers import HTTPProvider, build_provider, wrap_provider
from lllm.providers.base import secrets_of
from lllm.providers.bridge import InLoop
from lllm.providers.cache import CachedProvider
from lllm.providers.mock import MockProvider
from lllm.providers.wire.profile import Profile

PLACE = ContextVar("PLACE", default="nowhere")


class Through:
    """Sends what it is given."""

    def complete(self, request, send):
        return send(request)


class AsyncThrough:
    async def complete(self, request, send):
        return await send(request)


class Changes:
    def complete(self, request, send):
        return send(ask("something else"))


class AsyncChanges:
    async def complete(self, request, send):
        return await send(ask("something else"))


class Second:
    """Asks a second provider when the first is overloaded."""

    def __init__(self, second):
        self.second = second

    def complete(self, request, send):
        try:
            return send(request)
        except Overloaded:
            return self.second.send(request)


class AsyncSecond(Second):
    async def complete(self, request, send):
        try:
            return await send(request)
        except Overloaded:
            return await self.second.asend(request)


class Raises:
    def __init__(self, error):
        self.error = error

    def complete(self, request, send):
        raise self.error


class AsyncRaises(Raises):
    async def complete(self, request, send):
        raise self.error


class Returns:
    def __init__(self, value):
        self.value = value

    def complete(self, request, send):
        return self.value


class AsyncReturns(Returns):
    async def complete(self, request, send):
        return self.value


class Slow:
    """A provider that answers when it is told to, and says what it was given."""

    name = "slow"

    def __init__(self):
        self.asked, self.cancelled = asyncio.Event(), False
        self.timeouts = []

    async def asend(self, request, *, timeout_s=None, on_delta=None):
        self.timeouts.append(timeout_s)
        self.asked.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise

    def send(self, request, *, timeout_s=None, on_delta=None):
        self.timeouts.append(timeout_s)
        raise ProviderTimeout("late")

    def describe(self):
        return {"name": "slow", "api": "mock", "base_url": ""}


both_faces = pytest.mark.parametrize("use_async", [False, True], ids=["send", "asend"])
both_kinds = pytest.mark.parametrize(("through", "second"), [(Through, Second), (AsyncThrough, AsyncSecond)])


def send(provider, request, *, use_async, **options):
    return asyncio.run(provider.asend(request, **options)) if use_async else provider.send(request, **options)


@both_faces
@both_kinds
def test_either_kind_serves_either_face(through, second, use_async):
    """A user writes one method, and does not know who calls it."""
    provider = wrap_provider(MockProvider(["hey"]), through())
    assert send(provider, ask(), use_async=use_async).content == "hey"


@both_faces
@both_kinds
def test_a_second_provider_answers_for_one_that_fails(through, second, use_async):
    """The errors of the inner provider are those of its own face."""
    provider = wrap_provider(MockProvider([{"error": "Overloaded"}]), second(MockProvider(["from the second"])))
    assert send(provider, ask(), use_async=use_async).content == "from the second"


@both_faces
@both_kinds
def test_a_stream_goes_through(through, second, use_async):
    """Who wraps a provider still sees a reply while it is written."""
    pieces = []
    provider = wrap_provider(MockProvider(["one two"]), through())
    send(provider, ask(stream=True), use_async=use_async, on_delta=lambda delta: pieces.append(delta.text))
    assert pieces == ["one", " two"]


@both_faces
@pytest.mark.parametrize("changes", [Changes, AsyncChanges])
def test_the_request_may_be_changed(changes, use_async):
    """Another model, another prompt, a batch's id: that is what it is for."""
    provider = wrap_provider(MockProvider(function=lambda request: request.history[-1].content), changes)
    assert send(provider, ask("hello"), use_async=use_async).content == "something else"


def test_what_the_inner_provider_says_of_itself_stays_and_the_override_is_named():
    """A log that does not tell of it would not tell why two runs differ."""
    inner = HTTPProvider(Profile(name="p", base_url="http://a/v1"), api_key="sk-not-a-real-key")
    provider = wrap_provider(inner, Through())
    assert provider.name == "p"
    assert provider.describe() == {**inner.describe(), "override": f"{__name__}:Through"}
    assert secrets_of(provider) == ("sk-not-a-real-key",)
    assert "sk-not" not in repr(provider)


def test_an_override_has_secrets_too():
    """Its second provider has a key, which the log must not show either."""

    class Keyed(Through):
        def secrets(self):
            return ("sk-second",)

    assert secrets_of(wrap_provider(MockProvider(), Keyed())) == ("sk-second",)


def test_closing_reaches_the_inner_provider():
    """Connections that nobody can close stay open."""

    class Closing(MockProvider):
        closed = 0

        def close(self):
            self.closed += 1

        async def aclose(self):
            self.closed += 1

    inner = Closing()
    provider = wrap_provider(inner, Through())
    provider.close()
    asyncio.run(provider.aclose())
    assert inner.closed == 2


@both_faces
@pytest.mark.parametrize("kind", [Raises, AsyncRaises])
def test_what_an_override_raises_is_the_users_error_and_names_it(kind, use_async):
    """It is no fault of the model or the server, so nobody retries it."""
    provider = wrap_provider(MockProvider(), kind(KeyError("x")))
    with pytest.raises(UserCodeError, match=rf"override .*:{kind.__name__} raised KeyError: 'x'") as caught:
        send(provider, ask(), use_async=use_async)
    assert isinstance(caught.value.__cause__, KeyError)


@both_faces
@pytest.mark.parametrize("kind", [Raises, AsyncRaises])
def test_an_error_of_lllm_is_raised_as_it_is(kind, use_async):
    """An override may say "rate limited", and then the machine waits."""
    error = Overloaded("busy", retry_after_s=3)
    with pytest.raises(Overloaded) as caught:
        send(wrap_provider(MockProvider(), kind(error)), ask(), use_async=use_async)
    assert caught.value is error


@both_faces
@pytest.mark.parametrize("through", [Through, AsyncThrough])
def test_an_error_that_comes_out_of_the_provider_is_not_the_overrides(through, use_async):
    """A listener that raises ends the call with its own error, wrapped or not."""

    def listener(delta):
        raise ZeroDivisionError

    provider = wrap_provider(MockProvider(["hey"]), through())
    with pytest.raises(ZeroDivisionError):
        send(provider, ask(stream=True), use_async=use_async, on_delta=listener)


@both_faces
@pytest.mark.parametrize("kind", [Returns, AsyncReturns])
@pytest.mark.parametrize("value", [None, "hey", {"content": "hey"}])
def test_what_is_no_message_is_told(kind, value, use_async):
    """Else it fails somewhere else, later, and less clearly."""
    with pytest.raises(UserCodeError, match=f"returned {type(value).__name__}, not a Message"):
        send(wrap_provider(MockProvider(), kind(value)), ask(), use_async=use_async)


def test_a_coroutine_from_a_sync_method_is_told():
    """A decorator may hide that a method is async; a coroutine that nobody awaits would be a silent one."""

    class Hidden:
        def complete(self, request, send):
            return AsyncThrough().complete(request, send)

    with pytest.raises(UserCodeError, match="returned coroutine") as caught:
        wrap_provider(MockProvider(), Hidden()).send(ask())
    assert "async def" in caught.value.hint


@both_faces
@pytest.mark.parametrize("kind", [Raises, AsyncRaises])
def test_stop_iteration_hangs_nobody(kind, use_async):
    """Futures refuse it, and whoever waits for one would wait for ever."""
    with pytest.raises(UserCodeError):
        send(wrap_provider(MockProvider(), kind(StopIteration())), ask(), use_async=use_async, timeout_s=10)


@pytest.mark.parametrize("through", [Through, AsyncThrough])
def test_the_sync_face_works_where_a_loop_runs(through):
    """Notebooks have one: a second loop in its thread is refused by Python."""
    provider = wrap_provider(MockProvider(["hey"]), through())

    async def main():
        return provider.send(ask()).content

    assert asyncio.run(main()) == "hey"


@both_faces
@pytest.mark.parametrize("through", [Through, AsyncThrough])
def test_the_users_context_goes_along(through, use_async):
    """A trace or a tenant is kept in a context variable; a thread of ours must not lose it."""
    token = PLACE.set("here")
    provider = wrap_provider(MockProvider(function=lambda request: PLACE.get()), through())
    assert send(provider, ask(), use_async=use_async).content == "here"
    PLACE.reset(token)


@both_faces
@pytest.mark.parametrize("through", [Through, AsyncThrough])
def test_the_time_that_is_left_bounds_what_is_sent(through, use_async):
    """The whole attempt has one time; two tries share it."""
    inner = Slow()
    with pytest.raises(ProviderTimeout):
        send(wrap_provider(inner, through()), ask(), use_async=use_async, timeout_s=0.05)
    assert 0 < inner.timeouts[0] <= 0.05


@both_faces
def test_one_try_may_get_less_time_than_there_is(use_async):
    """A fallback after a time-out needs time of its own."""

    class Hasty:
        def complete(self, request, send):
            with pytest.raises(ProviderTimeout):
                send(request, timeout_s=0.01)
            return MockProvider(["in time"]).send(request)

    class Inner(Slow):
        async def asend(self, request, *, timeout_s=None, on_delta=None):
            return self.send(request, timeout_s=timeout_s)

    inner = Inner()
    assert send(wrap_provider(inner, Hasty()), ask(), use_async=use_async, timeout_s=60).content == "in time"
    assert inner.timeouts == [0.01]


@pytest.mark.parametrize("through", [Through, AsyncThrough])
def test_cancelling_ends_what_is_under_way(through):
    """Whoever cancels a task does not want to pay for its reply."""

    async def main():
        inner = Slow()
        task = asyncio.create_task(wrap_provider(inner, through()).asend(ask()))
        await inner.asked.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.sleep(0)
        return inner.cancelled

    assert asyncio.run(main())


def test_a_cancelled_call_sends_nothing_more():
    """A thread cannot be stopped; its override may well try again."""
    seen, loop, done = [], None, None

    class Stubborn:
        def complete(self, request, send):
            for _ in range(2):
                try:
                    send(request)
                except Exception as error:  # noqa: BLE001
                    seen.append(type(error))
            loop.call_soon_threadsafe(done.set)

    async def main():
        nonlocal loop, done
        loop, done, inner = asyncio.get_running_loop(), asyncio.Event(), Slow()
        task = asyncio.create_task(wrap_provider(inner, Stubborn()).asend(ask()))
        await inner.asked.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await done.wait()
        return len(inner.timeouts)

    assert asyncio.run(main()) == 1
    assert seen == [CallCancelled, CallCancelled]


def test_a_thread_that_was_left_begins_nothing_in_a_loop_that_is_gone():
    """A coroutine that nobody awaits would be a warning in the user's terminal."""
    gone = asyncio.new_event_loop()
    gone.close()
    beside = InLoop(gone)
    beside.leave()
    with pytest.raises(CallCancelled):
        beside.wait_for(lambda: pytest.fail("it was begun"))


def test_what_was_on_its_way_into_the_loop_is_not_begun_either():
    """The call may end between a thread's question and the loop's answer."""

    async def main():
        beside = InLoop(asyncio.get_running_loop())
        beside.leave()
        with pytest.raises(CallCancelled):
            await beside._run(lambda: pytest.fail("it was begun"))

    asyncio.run(main())


def test_many_sync_overrides_run_beside_one_loop():
    """Each waits in a thread; with a small pool of them, a few slow ones would stop all."""
    barrier = threading.Barrier(40)

    class Meets(Through):
        def complete(self, request, send):
            barrier.wait(20)
            return send(request)

    provider = wrap_provider(MockProvider(function=lambda request: "hey"), Meets())

    async def main():
        return await asyncio.gather(*[provider.asend(ask()) for _ in range(40)])

    assert {message.content for message in asyncio.run(main())} == {"hey"}


class Locked:
    """An override that cannot be made without its key."""

    def __init__(self, key):
        self.key = key

    def complete(self, request, send):
        return send(request)


@pytest.mark.parametrize(
    ("override", "says"),
    [(object(), "no method complete"), (Locked, "cannot be made"), (lambda request, send: None, "no method complete")],
)
def test_what_is_no_override_is_refused_at_once(override, says):
    """Not at the first call, in the middle of a run."""
    with pytest.raises(ConfigError, match=says):
        wrap_provider(MockProvider(), override)


def test_a_config_names_it(monkeypatch):
    """A whole system is given another way to its models without a change of code."""
    monkeypatch.setitem(sys.modules, "my_overrides", sys.modules[__name__])
    provider = build_provider("mock", {"replies": ["hey"], "override": "my_overrides:Through"})
    assert provider.send(ask()).content == "hey"
    assert provider.describe()["override"] == f"{__name__}:Through"
    with pytest.raises(ConfigError, match="cannot be loaded"):
        build_provider("mock", {"override": "my_overrides:Missing"})


def test_an_agents_log_names_the_override():
    """Who reads a log sees that more than the provider was at work."""
    log = MemoryLog()
    with Agent.quick(provider=wrap_provider(MockProvider(["hey"]), Through()), log=log) as agent:
        assert agent.ask("hello").content == "hey"
    [session] = log.session_names()
    [contract] = [event for event in log.read_session(session) if event.kind == "contract"]
    assert contract.data["provider"]["override"] == f"{__name__}:Through"


@both_faces
def test_an_agents_call_ends_in_the_users_error(use_async):
    """And is not retried: it would fail again."""
    provider = wrap_provider(MockProvider(), Raises(ValueError("no token")))
    with Agent.quick(provider=provider) as agent, pytest.raises(UserCodeError, match="no token"):
        asyncio.run(agent.aask("hello")) if use_async else agent.ask("hello")


def test_a_cache_inside_hears_what_a_reply_was_worth(tmp_path):
    """Else nothing behind an override would ever be kept."""
    cached = CachedProvider(MockProvider(["hey"]), tmp_path)
    with Agent.quick(provider=wrap_provider(cached, Through())) as agent:
        assert [agent.ask("hello").cached for _ in range(2)] == [False, True]
    cached.close()
