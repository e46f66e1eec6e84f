"""Cells and service calls on a terminal: code in lines of its own, outputs as text, and nothing that a terminal obeys."""

from __future__ import annotations

import asyncio
import io
import json

import pytest

from lllm.cli.log.tail import to_told
from lllm.cli.screen import Screen
from lllm.cli.show import show_session
from lllm.cli.watch import Watcher
from lllm.cli.watch_text import render_asked, render_result
from lllm.errors import ProxyError
from lllm.export.view import to_view
from lllm.llm.outside import aperform, perform
from lllm.llm.session import Session
from lllm.llm.stream import FunctionEvent
from lllm.log import LocalFileLog, MemoryLog
from lllm.models.call import FunctionCall
from lllm.utils import encode_json

CODE = "import shop\n\nprint(shop.rows())"
HOSTILE = "\x1b[2J\x1b]0;owned\x07\u202eowned\u200b\r\x00"


def record(log, outputs, *, text="plain", read="read", status="ok"):
    """Write a run of one cell that called a service."""
    session = log.open_session("s")
    arguments = encode_json({"code": f"{CODE}\n# {text}"})
    message = {"role": "assistant", "content": "", "calls": [{"id": "c", "name": "run_python", "arguments": arguments}]}
    events = [
        ("session.open", "", {"task": "t"}),
        ("dialog.open", "1", {"agent": "a"}),
        ("model.reply", "1/s0", {"message": message, "usage": [1, 2], "model": "m"}),
        ("function.call", "1/s0/f0", {"name": "run_python", "arguments": arguments}),
        ("step", "1-s0-f0.v/0", {"name": "cell", "about": {"code": CODE}}),
        ("step", "1-s0-f0.v~0.v/0", {"name": "proxy", "about": {"endpoint": f"shop/{text}", "params": {"n": text}}}),
        ("value", "1-s0-f0.v~0.v/0", {"name": "proxy", "value": {"data": [text] * 50}}),
        ("value", "1-s0-f0.v/0", {"name": "cell", "value": {"result": {"status": status, "outputs": outputs}}}),
        ("function.result", "1/s0/f0", {"message": {"role": "tool", "content": read}}),
        ("step", "v/0", {"name": "cell", "about": {"code": f"own = 1  # {text}"}}),
        ("session.close", "", {"status": "ok", "result": "3"}),
    ]
    for kind, id_, data in events:
        session.append(kind, id_, encode_json(data))
    session.close()


def stream(text):
    return {"output_type": "stream", "name": "stdout", "text": text}


@pytest.fixture
def shown(tmp_path, lllm):
    """Write a run, and return what a verb shows of it."""

    def run(*verb, outputs=(), **facts):
        record(LocalFileLog("x", {"log_dir": str(tmp_path)}), list(outputs), **facts)
        result = lllm("log", *verb, "s", "--log-dir", str(tmp_path))
        assert result.exit_code == 0, result.output
        return result.stdout

    return run


def test_a_session_shows_code_and_what_came_of_it(shown):
    told = shown(
        "show", outputs=[stream("12 rows\n"), {"output_type": "display_data", "data": {"text/html": "<b>x</b>"}}]
    )
    assert "  calls run_python\n    code:\n      import shop\n      \n      print(shop.rows())\n" in told
    assert '[function]\n  shop/plain(n="plain") -> ["plain", ' in told
    assert "\n  12 rows\n  [text/html]\n  <b>x</b>\n  the model read: read\n" in told
    assert "cells and services of the code itself\n  cell\n    code:\n      own = 1  # plain\n" in told
    assert "No end of this cell is logged" in told


def test_a_result_that_the_cell_tells_stands_once(shown):
    assert shown("show", outputs=[stream("just this\n")], read="just this").count("just this") == 1


def test_a_long_output_is_cut_unless_all_of_it_is_wanted(shown):
    lines = "".join(f"line {n}\n" for n in range(3000))
    told = shown("show", outputs=[stream(lines)], read=lines.strip("\n"))
    assert "line 3\n" in told
    assert len(told) < 5000
    shown_chars = len("\n".join(lines.split("\n")[:12]))
    assert f"[{len(lines) - 1 - shown_chars} more characters; --full]" in told


def test_all_of_a_long_output_can_be_seen(shown):
    told = shown("show", "--full", outputs=[stream("".join(f"line {n}\n" for n in range(3000)))])
    assert "line 1500\n" in told


@pytest.mark.parametrize("verb", [("show",), ("show", "--full"), ("show", "--json"), ("tail",), ("show", "--events")])
def test_a_terminal_obeys_nothing_of_a_cell(verb, shown):
    outputs = [
        stream(HOSTILE),
        {"output_type": "error", "ename": HOSTILE, "evalue": HOSTILE, "traceback": [HOSTILE]},
        {"output_type": "display_data", "data": {"text/plain": HOSTILE, HOSTILE: HOSTILE}, "metadata": {}},
    ]
    told = shown(*verb, outputs=outputs, text=HOSTILE, read=HOSTILE, status=f"error{HOSTILE}")
    assert not set(told) & set("\x1b\x07\x00\r\u202e")


def test_json_tells_of_cells_with_their_function(shown):
    told = json.loads(shown("show", "--json", outputs=[stream("hi")]))
    [cell] = told["dialogs"][0]["entries"][1]["made"]
    assert (cell["kind"], cell["code"], cell["services"][0]["endpoint"]) == ("cell", CODE, "shop/plain")


def test_the_last_events_tell_of_cells_in_words(shown):
    told = shown("tail", outputs=[stream("hi\nthere")])
    assert told.count("calls run_python code: import shop print(shop.rows()) # plain") == 2, "the reply, and the call"
    assert "runs import shop print(shop.rows())" in told
    assert 'calls shop/plain(n="plain")' in told
    assert '-> ["plain", ' in told
    assert "cell ok: hi there" in told
    assert to_told({"name": "now", "value": 3}) == '{"name": "now", "value": 3}'


def call(arguments, result=""):
    return FunctionCall("c", "run_python", arguments, result_str=result)


def test_code_is_seen_while_it_runs():
    asked = call(json.dumps({"code": CODE}), "12 rows\n13 rows\n")
    assert render_asked(asked) == "run_python\n  code:\n    import shop\n    \n    print(shop.rows())"
    assert render_result(asked) == "  = 12 rows\n    13 rows"
    short = call('{"code": "x"}', "12 rows\n13 rows\n")
    assert render_asked(short) == 'run_python({"code": "x"})'
    assert render_result(short) == "  = 12 rows 13 rows"


def test_live_text_has_an_end():
    """A model may write any amount of code; the terminal shows what a person reads while it runs."""
    for asked in (
        call(json.dumps({"code": "x\n" * 9999}), "y\n" * 9999),
        call(json.dumps({"code": "x" * 99999}), "y" * 99999),
    ):
        for told in (render_asked(asked), render_result(asked)):
            assert len(told.split("\n")) < 30
            assert len(told) < 3000
            assert "more characters" in told


def test_live_text_is_safe_for_a_terminal(monkeypatch):
    stderr = io.StringIO()
    monkeypatch.setattr("sys.stderr", stderr)
    watcher = Watcher(Screen())
    asked = call(json.dumps({"code": f"x\n{HOSTILE}"}), f"a\n{HOSTILE}")
    for done in (False, True):
        watcher(FunctionEvent(0, asked, done))
    assert not set(stderr.getvalue()) & set("\x1b\x07\x00\r\u202e")
    assert "owned" in stderr.getvalue()


def shop_answers():
    return {"data": [HOSTILE]}


async def ashop_fails():
    raise ProxyError("the shop is closed")


def test_cells_and_services_are_seen_while_they_run(monkeypatch):
    """They may take minutes; whoever watches sees which one, and what came of it."""
    stderr = io.StringIO()
    monkeypatch.setattr("sys.stderr", stderr)
    log, about = MemoryLog(), {"endpoint": "shop/rows", "params": {"n": 3}}
    with Session.open(log, "s") as session:
        session.listen = Watcher(Screen())
        with session.active():
            perform("cell", {"code": CODE}, lambda: perform("proxy", about, shop_answers))
            with pytest.raises(ProxyError):
                asyncio.run(aperform("proxy", about, ashop_fails))
            perform("cell", {"sandbox": "s", "delete": True}, lambda: None)
    lines = stderr.getvalue().splitlines()
    assert lines[0] == "  runs import shop print(shop.rows())"
    assert lines[1] == lines[3] == "  calls shop/rows(n=3)"
    assert lines[2].startswith('  -> ["')
    assert lines[4:] == ["  proxy failed: ProxyError: the shop is closed"]
    assert not set(stderr.getvalue()) & set("\x1b\x07\x00\r\u202e")
    assert [event.kind for event in log.read_run("s")].count("step") == 4


def test_a_listener_that_fails_costs_no_step(monkeypatch):
    """Showing a call must not lose it."""
    with Session.open(MemoryLog(), "s") as session, session.active():
        session.listen = lambda _: 1 / 0
        with pytest.warns(RuntimeWarning, match="a listener failed"):
            assert perform("proxy", {"endpoint": "shop/rows"}, shop_answers) == {"data": [HOSTILE]}


def test_a_person_reads_it_in_colour_too(monkeypatch, capsys):
    """With colour, text goes through another writer."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.delenv("NO_COLOR", raising=False)
    log = MemoryLog()
    record(log, [stream(f"[bold]{HOSTILE}")], text=HOSTILE)
    show_session(Screen(), "s", to_view(list(log.read_run("s"))), full=True)
    told = capsys.readouterr().out
    assert "\x1b]" not in told
    assert "\x1b[2J" not in told
    assert "[bold]" in told
