"""Questions to whoever approves: who is asked, about what, how often, and on whose time."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading

import pytest

from lllm.llm.place import scoped, user_scope
from lllm.tools.cua.approval import Approval, ask_at_terminal
from lllm.tools.cua.asking import Asking
from lllm.tools.cua.policy import SENSITIVE

LONG_S = 30.0


class ClockedLoop(asyncio.SelectorEventLoop):
    """A loop whose clock a test puts forward."""

    ahead_s = 0.0

    def time(self):
        return super().time() + self.ahead_s


def run(main):
    with asyncio.Runner(debug=True, loop_factory=ClockedLoop) as runner:
        return runner.run(main)


async def pass_time(seconds):
    """Put the clock forward, and let what is due happen."""
    asyncio.get_running_loop().ahead_s += seconds
    for _ in range(5):
        await asyncio.sleep(0)


class Somebody:
    """Who answers a question when told to; ``asked`` is what came, ``at_once`` how many questions were open at most."""

    def __init__(self, answer=True):
        self.asked, self.at_once, self.threads = [], 0, []
        self._answer, self._open = answer, 0
        self._lock = threading.Lock()
        self.come, self.go = threading.Semaphore(0), threading.Semaphore(0)

    def __call__(self, kind, what):
        with self._lock:
            self._open += 1
            self.at_once = max(self.at_once, self._open)
            self.asked.append((kind, what))
            self.threads.append(threading.current_thread())
        self.come.release()
        self.go.acquire(timeout=LONG_S)
        with self._lock:
            self._open -= 1
        return self._answer

    async def is_asked(self):
        """Wait until a question has come."""
        assert await asyncio.get_running_loop().run_in_executor(None, self.come.acquire, True, LONG_S)


def answered(answer, *questions, kinds=SENSITIVE):
    """Ask one after the other; return the answers, the failure, and what was asked."""
    asked = []

    def asks(kind, what):
        asked.append((kind, what))
        if isinstance(answer, BaseException):
            raise answer
        return answer

    async def main():
        asking = Asking(kinds)
        asking.begin(asks)
        return [await asking.ask(*question) for question in questions], asking.failure

    return (*run(main()), asked)


# --- yes and no ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", SENSITIVE)
def test_a_question_is_answered(kind):
    assert answered(True, (kind, "x")) == ([True], None, [(kind, "x")])
    assert answered(False, (kind, "x")) == ([False], None, [(kind, "x")])


@pytest.mark.parametrize("answer", [None, 1, "yes", "True", [1], object(), 0, ""])
def test_only_true_is_a_yes(answer):
    """A function that forgets to return, or returns what it was told, allows nothing."""
    assert answered(answer, ("leave", "x"))[0] == [False]


def test_a_kind_that_is_not_asked_about_is_refused_without_a_question():
    assert answered(True, ("leave", "x"), ("file", "y"), kinds=("file",)) == ([False, True], None, [("file", "y")])
    assert answered(True, ("leave", "x"), kinds=()) == ([False], None, [])


def test_before_anybody_is_named_all_is_refused():
    async def main():
        return await Asking(SENSITIVE).ask("leave", "x")

    assert run(main()) is False


def test_the_last_one_that_was_named_is_asked():
    """Each action has its own: an approval is an event within its step."""

    async def main():
        asking = Asking(SENSITIVE)
        asking.begin(lambda *_: True)
        first = await asking.ask("leave", "x")
        asking.begin(lambda *_: False)
        return first, await asking.ask("leave", "x")

    assert run(main()) == (True, False)


# --- a question that raises ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [ValueError("a"), OSError("disk full"), TimeoutError(), KeyError("k")])
def test_a_question_that_raises_is_a_no_and_is_kept(error):
    """Whoever acts is told when the action is over; a page must not get through by it."""
    answers, failure, _ = answered(error, ("leave", "x"), ("leave", "y"))
    assert answers == [False, False]
    assert failure is error


@pytest.mark.parametrize("error", [KeyboardInterrupt("c"), SystemExit(3), asyncio.CancelledError(), GeneratorExit()])
def test_what_ends_a_thread_is_a_failure_too(error):
    """It must neither end the loop nor leave the browser waiting."""
    answers, failure, _ = answered(error, ("leave", "x"))
    assert answers == [False]
    assert isinstance(failure, RuntimeError)
    assert str(failure) == f"{type(error).__name__}: {error}"


def test_a_question_that_raises_stop_iteration_is_a_no_too():
    """``next()`` of what is at its end raises it; the browser would wait for ever, with the clock stopped."""

    async def main():
        asking = Asking(SENSITIVE)
        asking.begin(lambda *_: next(iter(())))
        task = asyncio.create_task(asking.ask("leave", "x"))
        asyncio.get_running_loop().set_exception_handler(lambda *_: task.cancel())
        return await task, asking.failure

    answer, failure = run(main())
    assert answer is False
    assert failure is not None


def test_a_new_action_forgets_the_failure():
    async def main():
        asking = Asking(SENSITIVE)
        asking.begin(lambda *_: 1 / 0)
        assert not await asking.ask("leave", "x")
        assert isinstance(asking.failure, ZeroDivisionError)
        asking.begin(lambda *_: True)
        return asking.failure, await asking.ask("leave", "x")

    assert run(main()) == (None, True)


# --- one at a time ---------------------------------------------------------------------------------------------------


def test_there_is_one_question_at_a_time():
    """Nobody can answer two at one terminal; a page can raise a dozen."""

    async def main():
        asking, somebody = Asking(SENSITIVE), Somebody()
        asking.begin(somebody)
        tasks = [asyncio.create_task(asking.ask("leave", str(n))) for n in range(4)]
        for n in range(4):
            await somebody.is_asked()
            assert asking.is_asking
            assert len(somebody.asked) == n + 1
            somebody.go.release()
        answers = await asyncio.gather(*tasks)
        return answers, somebody.at_once, somebody.asked, asking.is_asking

    asked = [("leave", str(n)) for n in range(4)]
    assert run(main()) == ([True] * 4, 1, asked, False)


def test_others_go_on_while_somebody_thinks():
    """The browser must go on reading what a page sends; a question in its own thread would stop it."""

    async def main():
        asking, somebody = Asking(SENSITIVE), Somebody()
        assert not asking.is_asking
        asking.begin(somebody)
        task = asyncio.create_task(asking.ask("leave", "x"))
        await somebody.is_asked()
        (thread,) = somebody.threads
        assert thread is not threading.current_thread()
        assert thread.daemon
        assert asking.is_asking
        assert await asking.ask("other", "x") is False  # which is not asked, and waits for nobody
        somebody.go.release()
        return await task, asking.is_asking

    assert run(main()) == (True, False)


def test_a_question_that_is_given_up_is_asked_no_more():
    """The browser was closed meanwhile: the answer comes too late, and harms nothing."""

    async def main():
        asking, somebody = Asking(SENSITIVE), Somebody()
        asking.begin(somebody)
        task = asyncio.create_task(asking.ask("leave", "x"))
        await somebody.is_asked()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not asking.is_asking
        somebody.go.release()
        (thread,) = somebody.threads
        await asyncio.get_running_loop().run_in_executor(None, thread.join, LONG_S)
        asking.begin(lambda *_: True)
        return await asking.ask("leave", "y"), asking.failure

    assert run(main()) == (True, None)


def test_an_answer_after_the_end_of_the_loop_harms_nothing():
    """A thread that raises would print a traceback at the end of a program."""
    somebody = Somebody()

    async def main():
        asking = Asking(SENSITIVE)
        asking.begin(somebody)
        task = asyncio.create_task(asking.ask("leave", "x"))
        await somebody.is_asked()
        task.cancel()

    run(main())
    somebody.go.release()
    (thread,) = somebody.threads
    thread.join(LONG_S)
    assert not thread.is_alive()


# --- on nobody's clock -----------------------------------------------------------------------------------------------


async def over_time(asking, limit_s, work):
    """Whether some work does not come to its end within a limit."""
    try:
        async with asking.limited(limit_s):
            await work()
    except TimeoutError:
        return True
    return False


def test_the_limit_stands_still_while_somebody_thinks():
    """A person who takes an hour must not make the action fail."""

    async def main():
        asking, somebody = Asking(SENSITIVE), Somebody()
        asking.begin(somebody)
        async with asking.limited(LONG_S):
            task = asyncio.create_task(asking.ask("leave", "x"))
            await somebody.is_asked()
            await pass_time(3600)
            somebody.go.release()
            return await task

    assert run(main()) is True


@pytest.mark.parametrize(
    ("before_s", "after_s", "is_over"), [(20, 9, False), (20, 11, True), (0, 29, False), (0, 31, True)]
)
def test_the_limit_goes_on_with_what_was_left(before_s, after_s, is_over):
    """An answer is no gift of time."""

    async def main():
        asking, somebody = Asking(SENSITIVE), Somebody()
        asking.begin(somebody)

        async def work():
            await pass_time(before_s)
            task = asyncio.create_task(asking.ask("leave", "x"))
            await somebody.is_asked()
            await pass_time(1000)
            somebody.go.release()
            assert await task
            await pass_time(after_s)

        return await over_time(asking, 30, work)

    assert run(main()) is is_over


def test_a_question_that_raises_costs_no_time_either():
    async def main():
        asking = Asking(SENSITIVE)
        asking.begin(lambda *_: 1 / 0)

        async def work():
            assert not await asking.ask("leave", "x")
            await pass_time(31)

        return await over_time(asking, 30, work)

    assert run(main()) is True


def test_several_questions_cost_no_time_either():
    async def main():
        asking, somebody = Asking(SENSITIVE), Somebody()
        asking.begin(somebody)

        async def work():
            tasks = [asyncio.create_task(asking.ask("leave", str(n))) for n in range(3)]
            for _ in tasks:
                await somebody.is_asked()
                await pass_time(1000)
                somebody.go.release()
            assert await asyncio.gather(*tasks) == [True] * 3
            await pass_time(29)
            return True

        return await over_time(asking, 30, work)

    assert run(main()) is False


def test_a_kind_that_is_not_asked_about_does_not_stop_the_clock():
    async def main():
        asking = Asking(())

        async def work():
            assert await asking.ask("leave", "x") is False
            await pass_time(31)

        return await over_time(asking, 30, work), await over_time(asking, 30, lambda: pass_time(29))

    assert run(main()) == (True, False)


def test_a_question_that_outlives_its_action_does_not_touch_the_next():
    """A page in the background may ask when the action is over: the next one has its own limit."""

    async def main():
        asking, somebody = Asking(SENSITIVE), Somebody()
        asking.begin(somebody)
        async with asking.limited(1000):
            task = asyncio.create_task(asking.ask("leave", "x"))
            await somebody.is_asked()

        async def work():
            somebody.go.release()
            assert await task
            await pass_time(31)

        return await over_time(asking, 30, work)

    assert run(main()) is True


def test_a_question_of_the_action_before_stops_the_clock_of_the_next():
    """The browser's one terminal is taken: what this action asks must wait for that answer."""

    async def main():
        asking, somebody = Asking(SENSITIVE), Somebody()
        asking.begin(somebody)
        first = asyncio.create_task(asking.ask("leave", "x"))
        await somebody.is_asked()

        async def work():
            second = asyncio.create_task(asking.ask("leave", "y"))
            await pass_time(31)
            somebody.go.release()
            await somebody.is_asked()
            somebody.go.release()
            assert await asyncio.gather(first, second) == [True, True]

        try:
            return await over_time(asking, 30, work)
        finally:
            somebody.go.release(2)

    assert run(main()) is False


def test_a_question_that_is_given_up_is_still_the_only_one():
    """Two would read from one terminal, and one line would answer the wrong one."""

    async def main():
        asking, somebody = Asking(SENSITIVE), Somebody()
        asking.begin(somebody)
        task = asyncio.create_task(asking.ask("leave", "x"))
        await somebody.is_asked()
        task.cancel()
        await asyncio.wait([task])
        other = asyncio.create_task(asking.ask("leave", "y"))
        await pass_time(1)
        somebody.go.release(2)
        assert await other
        return somebody.at_once

    assert run(main()) == 1


NEVER = """
import asyncio, threading
from lllm.tools.cua.asking import Asking

async def main():
    asking, asked = Asking(("leave",)), threading.Event()

    def never(kind, what):
        asked.set()
        threading.Event().wait()

    asking.begin(never)
    task = asyncio.create_task(asking.ask("leave", "x"))
    await asyncio.get_running_loop().run_in_executor(None, asked.wait)
    task.cancel()

asyncio.run(main())
print("over")
"""


def test_a_question_that_is_never_answered_does_not_hold_up_the_end():
    """A terminal that nobody looks at any more: Ctrl+C must be enough."""
    ended = subprocess.run([sys.executable, "-c", NEVER], capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "over\n", "")


# --- what is asked ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "question"),
    [
        ("leave", "May the model go to x?"),
        ("download", "May the model save x?"),
        ("file", "May the model hand over x?"),
        ("password", "May the model type into a password field at x?"),
        ("safety", "May the model go on in spite of a safety check: x?"),
        ("other", "May the model other x?"),
    ],
)
def test_a_question_says_what_it_is_about(kind, question):
    assert Approval(kind, "x").tell() == question


def test_each_kind_that_waits_has_a_question_of_its_own():
    """A kind without one would be asked about by its bare name."""
    for kind in SENSITIVE:
        assert f"model {kind} " not in Approval(kind, "x").tell()


# --- at a terminal ---------------------------------------------------------------------------------------------------


class NoTerminal:
    """A standard input that would say yes to everything, and that is no terminal."""

    def isatty(self):
        return False

    def readline(self):
        return "y\n"


class Terminal(NoTerminal):
    """A standard input at which somebody types a line."""

    def __init__(self, line):
        self._line = line

    def isatty(self):
        return True

    def readline(self):
        return self._line


def test_after_many_refusals_nobody_is_asked_any_more_until_the_next_action():
    """A page could ask for ever, on nobody's clock."""

    async def main():
        asked = []
        asking = Asking(SENSITIVE)
        for action in range(2):
            asking.begin(lambda kind, what: asked.append((kind, what)))
            together = [asking.ask("leave", f"{action} {number}") for number in range(20)]
            assert not any(await asyncio.gather(*together))
            assert not await asking.ask("leave", "late")
            asking.end()
        return asked

    assert [what for _, what in run(main())] == [f"{action} {number}" for action in range(2) for number in range(5)]


def test_what_was_granted_counts_for_no_refusal():
    async def main():
        asking = Asking(SENSITIVE)
        asking.begin(lambda _kind, what: what != "no")
        return [await asking.ask("leave", what) for what in ["no"] * 4 + ["yes"] * 3 + ["no"] * 2 + ["yes"]]

    assert run(main()) == [*[False] * 4, *[True] * 3, *[False] * 3]


def test_without_a_terminal_nobody_is_asked(monkeypatch, capsys):
    """Whatever is piped in, such as the output of ``yes``, was not meant as an answer."""
    monkeypatch.setattr(sys, "stdin", NoTerminal())
    assert ask_at_terminal(Approval("leave", "x")) is False
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("line", "is_yes"),
    [
        *(("y\n", True), ("yes\n", True), ("Y\n", True), ("  YES \r\n", True)),
        *(("\n", False), ("", False), ("n\n", False), ("yeah\n", False), ("y n\n", False), ("true\n", False)),
    ],
)
def test_only_a_yes_is_one(monkeypatch, capsys, line, is_yes):
    """An end of the input is a no, and so is the key for a new line."""
    monkeypatch.setattr(sys, "stdin", Terminal(line))
    assert ask_at_terminal(Approval("leave", "https://a.b/")) is is_yes
    assert capsys.readouterr() == ("", "\nMay the model go to https://a.b/? [y/N] ")


def test_one_question_is_at_the_terminal_at_a_time(monkeypatch, capsys):
    """Items of a map ask side by side; a yes to one of them must be no yes to another."""
    asked, answers = threading.Semaphore(0), {"one": "y\n", "two": "n\n"}

    class Slow(Terminal):
        def readline(self):
            place = user_scope()
            told.append((place, capsys.readouterr().err))
            asked.release()
            assert may_answer.wait(LONG_S)
            return answers[place]

    monkeypatch.setattr(sys, "stdin", Slow(""))
    told, found, may_answer = [], {}, threading.Event()

    def ask(place):
        with scoped(f"{place}."):
            found[place] = ask_at_terminal(Approval("leave", "x"))

    threads = [threading.Thread(target=ask, args=(place,)) for place in answers]
    for thread in threads:
        thread.start()
    assert asked.acquire(timeout=LONG_S)
    assert not asked.acquire(timeout=0.2)
    may_answer.set()
    for thread in threads:
        thread.join(LONG_S)
    assert found == {"one": True, "two": False}
    assert sorted(told) == [(place, f"\n[{place}] May the model go to x? [y/N] ") for place in ("one", "two")]


@pytest.mark.parametrize(
    "what",
    [
        "a\nMay the model go to safe.test? [y/N] ",
        "a\x1b[2J",
        "a\rb",
        "a\x08b",
        "a\u202eb",
        "a\u2028b",
        "a\x9bb",
        "\ud800",
    ],
)
def test_what_a_page_wrote_moves_no_cursor(monkeypatch, capsys, what):
    """A file name could paint another question over the real one."""
    monkeypatch.setattr(sys, "stdin", Terminal("n\n"))
    ask_at_terminal(Approval("download", what))
    told = capsys.readouterr().err
    assert told.startswith("\nMay the model save ")
    assert told[1:].isprintable()
    assert "?" in told


def test_a_text_of_another_script_is_shown_as_it_is(monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", Terminal("n\n"))
    ask_at_terminal(Approval("download", "žluť 馬.pdf"))
    assert "save žluť 馬.pdf?" in capsys.readouterr().err


ASK = """
from lllm.tools.cua.approval import Approval, ask_at_terminal
print(ask_at_terminal(Approval("leave", "a\\x1b[2Jb")))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudoterminals")
@pytest.mark.parametrize(("line", "answer"), [(b"y\n", "True\n"), (b"n\n", "False\n"), (b"\x04", "False\n")])
def test_a_real_terminal_is_one(line, answer):
    """The question goes where errors go: what a program prints may be piped on."""
    ours, theirs = os.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", ASK], stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as program:
        os.close(theirs)
        question = "\nMay the model go to a?[2Jb? [y/N] "
        asked = program.stderr.read(len(question))
        os.write(ours, line)  # only now: what was typed before the question is no answer
        out, err = program.communicate(timeout=60)
    os.close(ours)
    assert (out, asked + err) == (answer, question)
