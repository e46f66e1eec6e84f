"""CALL_API as a cell sees it: Python data or an exception, within budgets, and only while the cell runs."""

from __future__ import annotations

import select
import threading

import pytest
from kernels import FIND_SOCKETS, GRACE_S, MiB, texts, value

from lllm.errors import ProxyError
from lllm.sandbox.cell import Called
from lllm.sandbox.host.broker import REQUESTS


def echo(endpoint, params, _left_s):
    return {"endpoint": endpoint, "params": params}


def test_a_call_returns_python_data(kernel):
    """What JSON knows, as it is; text in any language."""
    result = kernel.execute("CALL_API('a/b', {'q': 'é😀', 'n': [1, 2.5, None, True]})['params']", None, echo)
    assert value(result) == "{'q': 'é😀', 'n': [1, 2.5, None, True]}"
    assert result.calls == (Called("a/b", {"q": "é😀", "n": [1, 2.5, None, True]}),)


def test_parameters_may_be_left_out(kernel):
    assert value(kernel.execute("CALL_API('a')['params']", None, echo)) == "{}"


@pytest.mark.parametrize("answer", [None, 0, False, "", [], {}, "x" * 900_000, 2**70])
def test_any_answer_arrives(kernel, answer):
    result = kernel.execute("answer = CALL_API('a')\nanswer == " + repr(answer), None, lambda *_: answer)
    assert value(result) == "True"


def test_calls_are_told_in_their_order_with_what_was_printed(kernel):
    result = kernel.execute("for n in range(5):\n    print(n)\n    CALL_API('a', {'n': n})", None, echo)
    assert [call.params["n"] for call in result.calls] == [0, 1, 2, 3, 4]
    assert texts(result) == "0\n1\n2\n3\n4\n"


def test_what_was_printed_before_a_call_is_there(start):
    """A call may take long, or be the cell's last deed: whoever waits sees how far it came."""
    kernel = start()
    result = kernel.execute("print('x')\nprint('y')\nCALL_API('a')", None, lambda *_: kernel._process.kill("a test"))
    assert (texts(result), result.status) == ("x\ny\n", "died")


def test_an_error_of_the_service_is_an_exception_with_its_text(kernel):
    def fail(*_):
        raise ProxyError("no such series: GDPX", status=404)

    result = kernel.execute("CALL_API('a')", None, fail)
    assert (result.status, result.ename, result.evalue) == ("error", "APIError", "ProxyError: no such series: GDPX")
    caught = kernel.execute("try: CALL_API('a')\nexcept Exception as error: print('caught', error)", None, fail)
    assert texts(caught) == "caught ProxyError: no such series: GDPX\n"
    assert caught.calls[0].error == "ProxyError: no such series: GDPX"


def test_without_services_a_call_says_so(kernel):
    result = kernel.execute("CALL_API('a')")
    assert "no proxies are active here" in result.evalue
    assert result.calls[0].error


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ("'a', {'q': {1, 2}}", "cannot be sent"),
        ("'a', {'q': float('nan')}", "cannot be sent"),
        ("'a', {'q': b'x'}", "cannot be sent"),
        ("'a', {'q': 'x' * 1_100_000}", "cannot be sent: they have"),
        ("'a', {'q': [[]] * 100_000}", "cannot be sent: more than"),
        ("'a', {'q': eval('[' * 60 + ']' * 60)}", "cannot be sent: more than"),
        ("'a', [1]", "takes the text of an endpoint"),
        ("5, {}", "takes the text of an endpoint"),
        ("'x' * 1000", "takes the text of an endpoint"),
        ("'\\ud800'", "takes the text of an endpoint"),
        ("'a', {'q': '\\ud800'}", "takes the text of an endpoint"),
    ],
)
def test_what_cannot_be_asked_is_an_exception(kernel, arguments, why):
    """A model's mistake: it reads the text and does better. The host hears of none, or refuses it."""
    result = kernel.execute(f"CALL_API({arguments})", None, echo)
    assert (result.ename, why in result.evalue) == ("APIError", True), result.evalue
    assert value(kernel.execute("CALL_API('a')['endpoint']", None, echo)) == "'a'"


def test_a_list_that_holds_itself_cannot_be_asked(kernel):
    assert "cannot be sent" in kernel.execute("own = []\nown.append(own)\nCALL_API('a', {'q': own})", None, echo).evalue


def test_an_answer_that_is_too_large_is_an_exception(kernel):
    result = kernel.execute("CALL_API('a')", None, lambda *_: "x" * (2 * MiB))
    assert result.evalue.endswith("bytes: ask for less")


@pytest.mark.parametrize("answer", [{1}, float("nan"), b"x"])
def test_an_answer_that_is_no_json_is_an_exception(kernel, answer):
    assert "no JSON data" in kernel.execute("CALL_API('a')", None, lambda *_: answer).evalue


def test_the_host_knows_how_long_an_answer_is_waited_for(kernel):
    left = []
    kernel.execute("CALL_API('a')", 25, lambda _endpoint, _params, left_s: left.append(left_s))
    assert 0 < left[0] <= 25


@pytest.mark.parametrize("kind", [ValueError, ZeroDivisionError, KeyboardInterrupt, SystemExit])
def test_a_bug_in_what_answers_surfaces_and_the_kernel_stays(start, kind):
    """It is the user's own: hidden from them in a model's cell, nobody would ever mend it."""
    kernel = start()

    def broken(*_):
        raise kind("a bug of the user's")

    code = "kept = 1\nwhile True:\n    try: CALL_API('a')\n    except Exception: pass"
    with pytest.raises(kind, match="a bug of the user's"):
        kernel.execute(code, None, broken)
    assert value(kernel.execute("kept")) == "1"
    assert value(kernel.execute("CALL_API('b')['endpoint']", None, echo)) == "'b'"


def test_a_bug_surfaces_once_when_the_cell_goes_on_calling(start):
    kernel = start()
    asked = []

    def broken(*_):
        asked.append(1)
        raise ValueError("a bug")

    code = "while True:\n    try: CALL_API('a')\n    except BaseException as error:\n        if 'refused' in str(error) or 'no proxies' in str(error): break"
    with pytest.raises(ValueError, match="a bug"):
        kernel.execute(code, None, broken)
    assert len(asked) == 1
    assert kernel.is_alive


def test_a_budget_of_calls_is_told_and_kept(start):
    kernel = start(call_count=3)
    code = "for n in range(6):\n    try: print(CALL_API('a', {'n': n})['params']['n'])\n    except Exception as error: print(error)"
    result = kernel.execute(code, None, echo)
    assert texts(result).splitlines() == ["0", "1", "2", *["the budget of 3 calls is spent"] * 3]
    assert [call.error for call in result.calls] == ["", "", "", "the budget of 3 calls is spent"]
    assert "is spent" in kernel.execute("CALL_API('a')", None, echo).evalue


def test_a_budget_of_bytes_is_told_and_kept(start):
    kernel = start(call_bytes=10_000)
    code = "for n in range(9):\n    try: CALL_API('a', {'q': 'x' * 9_000})\n    except Exception as error: print(error)"
    result = kernel.execute(code, None, lambda *_: 1)
    assert set(texts(result).splitlines()) == {f"the budget of {REQUESTS * 10_000:,} bytes is spent"}
    assert len([call for call in result.calls if not call.error]) == REQUESTS


def test_a_cell_that_goes_on_calling_is_killed(start):
    kernel = start(call_count=3)
    code = "while True:\n    try: CALL_API('a')\n    except Exception: pass"
    result = kernel.execute(code, None, echo)
    assert (result.status, result.ename, result.state_lost) == ("died", "KernelDied", True)
    assert "went on calling services" in result.evalue
    assert len(result.calls) == 4


def test_a_forked_child_cannot_call(kernel):
    code = """
import os
child = os.fork()
if not child:
    try:
        CALL_API('a')
    except Exception as error:
        os.write(1, str(error).encode())
    os._exit(0)
os.waitpid(child, 0)[1]
"""
    result = kernel.execute(code, None, echo)
    assert (value(result), result.calls) == ("0", ())
    assert "only the kernel's own process can call" in texts(result)


def test_no_service_is_called_between_cells(start):
    """A thread that was left behind would act in nobody's name."""
    kernel = start()
    code = """
import threading
go, said = threading.Event(), []
def late():
    go.wait()
    try: said.append(CALL_API('late'))
    except Exception as error: said.append(str(error))
thread = threading.Thread(target=late)
thread.start()
threading.Timer(0.1, go.set).start()
"""
    asked = []
    kernel.execute(code, None, echo)
    waiting = select.poll()
    waiting.register(kernel._process.broker, select.POLLIN)
    assert waiting.poll(10_000)
    result = kernel.execute("thread.join(10)\nsaid", None, lambda *_: asked.append(1))
    assert value(result) == "['_Refused: no cell was running: services are called from cells alone']"
    assert (asked, result.calls) == ([], ())


def test_calls_between_cells_cannot_hold_the_next_one(start):
    """A thread that calls without end would be answered without end."""
    kernel = start(call_count=5)
    code = """
import threading
def late():
    while True:
        try: CALL_API('late')
        except Exception: pass
threading.Thread(target=late, daemon=True).start()
"""
    kernel.execute(code, None, echo)
    results = [kernel.execute("1", 10, echo) for _ in range(3)]
    assert results[-1].status in ("died", "ok")
    assert sum(len(result.calls) for result in results) <= 7


def test_after_the_interrupt_no_service_is_called(start):
    """The time of the cell is over: what it still asks for nobody waits for."""
    kernel = start()
    asked = []
    code = """
import time
try: time.sleep(60)
except KeyboardInterrupt:
    try: CALL_API('late')
    except Exception as error: print(error)
"""
    result = kernel.execute(code, 0.5, lambda *_: asked.append(1))
    assert (result.status, asked) == ("timeout", [])
    assert "no proxies are active here" in texts(result)


def test_the_answer_of_an_interrupted_call_is_not_the_next_ones(start):
    """Else every later call of the session would get the answer of the one before."""
    kernel = start()
    both = threading.Barrier(2)

    def slow(endpoint, *_):
        if endpoint == "slow":
            kernel.interrupt()
            both.wait(10)
        return endpoint

    code = "try: CALL_API('slow')\nexcept KeyboardInterrupt: print('interrupted')\nCALL_API('next')"

    def release():
        kernel._process.settle(0)
        both.wait(10)

    thread = threading.Timer(0.2, release)
    thread.start()
    result = kernel.execute(code, 20, slow)
    thread.join()
    assert (texts(result), value(result)) == ("interrupted\n", "'next'")
    assert value(kernel.execute("CALL_API('third')", 20, slow)) == "'third'"


def test_threads_of_a_cell_may_call_at_once(kernel):
    code = """
from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor(8) as pool:
    found = list(pool.map(lambda n: CALL_API('a', {'n': n})['params']['n'], range(40)))
found == list(range(40))
"""
    assert value(kernel.execute(code, None, echo)) == "True"


def test_forged_calls_are_calls(start):
    """Raw frames on the socket have the same budgets, and their answers are the cell's own business."""
    kernel = start(call_count=50, timeout_s=3, grace_s=GRACE_S)
    frame = b'{"endpoint":"forged","params":{}}'
    code = FIND_SOCKETS + f"send_all(struct.pack('>I', {len(frame)}) + {frame!r}, 20)\nNone"
    result = kernel.execute(code, None, lambda *_: 1)
    assert result.status in ("ok", "died")
    assert len(result.calls) <= 51
    assert {call.endpoint for call in result.calls} <= {"forged"}
