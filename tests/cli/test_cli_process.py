"""What only a process of its own can show: imports, exit codes, signals, pipes, the network."""

import json
import os
import pty
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from starter_values import ANSWER, TASK, process_env

HEAVY = ("pydantic", "httpx", "rich", "yaml", "jinja2")
MEASURE = f"""
import sys
sys.argv = ["lllm", *sys.argv[1:]]
from lllm.cli import main
try:
    main()
finally:
    print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)
"""
OFFLINE = """
import socket, sys
def refuse(*_args, **_options): raise AssertionError("the network was touched")
socket.socket.connect = socket.socket.connect_ex = socket.create_connection = socket.getaddrinfo = refuse
sys.argv = ["lllm", *sys.argv[1:]]
from lllm.cli import main
main()
"""
WAITING_AGENT = """
import os, sys
from lllm import AgentBase

class Waiting(AgentBase):
    agent_type = "waiting"

    def call(self, task, **kwargs):
        if task != "fast" and "FREE" not in os.environ:
            print("~waiting~", file=sys.__stderr__, flush=True)
            self.session.wait(60)
        return task
"""


@pytest.mark.parametrize("words", [("--help",), ("--version",), ("run", "--help"), ("log", "--help"), ("rnu",)])
def test_help_loads_nothing_heavy(words):
    """Help, completion and a slip of the finger answer at once."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, *words], env=process_env(), capture_output=True, text=True, check=False
    )
    assert done.stderr.splitlines()[-1] == "[]"


@pytest.mark.parametrize("module", ["lllm", "lllm.cli"])
def test_the_package_runs_as_a_module(module):
    done = subprocess.run(
        [sys.executable, "-m", module, "--version"], env=process_env(), capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "lllm, version 0.1.0\n")


def test_the_first_five_minutes(tmp_path, process):
    """Create, run, look, replay: what a new user does, in the order of the README."""
    assert process("create", "--name", "demo", cwd=tmp_path).returncode == 0
    demo = tmp_path / "demo"
    ran = process("run", TASK, cwd=demo)
    assert (ran.returncode, ran.stdout) == (0, ANSWER + "\n"), ran.stderr
    assert process("replay", "last", cwd=demo).returncode == 0
    prompt = demo / "prompts/trip.py"
    prompt.write_text(prompt.read_text().replace("never guess it", "do not guess it"))
    differs = process("replay", "last", cwd=demo)
    assert differs.returncode == 3
    assert "+You compute what trips cost. Call fuel_cost for the amount; do not guess it." in differs.stdout


class Chat(BaseHTTPRequestHandler):
    """A server that answers every chat completion alike."""

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        body = json.dumps(
            {
                "id": "1",
                "object": "chat.completion",
                "model": "m",
                "choices": [
                    {
                        "index": 0,
                        "message": {"role": "assistant", "content": "<cost>49.14</cost>"},
                        "finish_reason": "stop",
                    }
                ],
                "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
            }
        ).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args):
        pass


def test_a_replay_never_touches_the_network(project, process):
    """A recorded run over HTTP replays with every socket forbidden."""
    server = HTTPServer(("127.0.0.1", 0), Chat)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        url = f"http://127.0.0.1:{server.server_port}/v1"
        ran = process("run", TASK, "-c", "config/local.yaml", cwd=project, LLLM_BASE_URL=url)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    assert (ran.returncode, ran.stdout) == (0, ANSWER + "\n"), ran.stderr
    offline = [sys.executable, "-c", OFFLINE]
    done = subprocess.run(
        [*offline, "replay"], cwd=project, env=process_env(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "same" in done.stdout
    live = [*offline, "run", TASK, "-c", "config/local.yaml", "--set", "max_llm_recall=0"]
    failed = subprocess.run(live, cwd=project, env=process_env(), capture_output=True, text=True, check=False)
    assert failed.returncode == 1  # the guard is no dummy


def test_a_closed_pipe_is_no_traceback(project, process):
    """``lllm log show | head`` is how logs are read."""
    process("run", "-", stdin="420 km " + "x " * 300_000, cwd=project)
    command = f"{sys.executable} -m lllm log show --full | head -n 1"
    done = subprocess.run(
        command, shell=True, cwd=project, env=process_env(), capture_output=True, text=True, check=False
    )
    assert done.stdout.startswith("session ")
    assert done.stderr == ""


def wait_for(child, n_lines):
    """Read stderr until ``n_lines`` tasks have said that they wait."""
    seen = 0
    while seen < n_lines:
        line = child.stderr.readline()
        assert line, "the process ended early"
        seen += line.count("~waiting~")  # another thread may be writing to the same line


@pytest.fixture
def waiting(project):
    """The project with an agent that waits until it is stopped, unless it is told not to."""
    (project / "agents/waiting.py").write_text(WAITING_AGENT)
    return project


def test_an_interrupt_ends_a_run_with_130_and_closes_its_session(waiting, start_process, process):
    child = start_process("run", "waiting", "x", "--session", "stopped", cwd=waiting)
    wait_for(child, 1)
    child.send_signal(2)
    child.wait(30)
    assert child.returncode == 130
    assert json.loads(process("log", "list", "--json", cwd=waiting).stdout)[0]["status"] == "failed"


def test_an_interrupted_batch_loses_nothing_and_goes_on_when_run_again(waiting, start_process, process):
    """What was done stays done, what was under way is done again, and no result is missing or twice."""
    (waiting / "tasks.jsonl").write_text("".join(f'"{task}"\n' for task in ("fast", "b", "c", "d", "e")))
    words = ("run", "waiting", "--tasks", "tasks.jsonl", "--out", "out.jsonl", "--concurrency", "2")
    child = start_process(*words, cwd=waiting)
    wait_for(child, 2)
    child.send_signal(2)
    _, told = child.communicate(timeout=30)
    assert child.returncode == 130
    assert "0 done before, 3 run, 2 failed, 2 not finished" in told
    again = process(*words, cwd=waiting, FREE="1")
    assert again.returncode == 0, again.stderr
    assert "1 done before, 4 run, 0 failed" in again.stderr
    rows = [json.loads(line) for line in (waiting / "out.jsonl").read_text().splitlines()]
    assert sorted(row["result"] for row in rows if row["status"] == "ok") == ["b", "c", "d", "e", "fast"]


def test_a_killed_batch_goes_on_when_run_again(waiting, start_process, process):
    """No code of ours runs at a kill; the log alone knows what was done."""
    (waiting / "tasks.jsonl").write_text('"fast"\n"b"\n"c"\n')
    words = ("run", "waiting", "--tasks", "tasks.jsonl", "--out", "out.jsonl", "--concurrency", "1")
    child = start_process(*words, cwd=waiting)
    wait_for(child, 1)
    child.kill()
    child.wait(30)
    (waiting / "out.jsonl").write_bytes(b'{"id": "torn')  # and the results are lost or torn
    again = process(*words, cwd=waiting, FREE="1")
    assert "1 done before, 2 run, 0 failed" in again.stderr
    rows = [json.loads(line) for line in (waiting / "out.jsonl").read_text().splitlines()]
    assert sorted(row["result"] for row in rows) == ["b", "c", "fast"]


def test_a_batch_is_run_by_one_process_at_a_time(waiting, start_process, process):
    """Two would pay for every task twice."""
    (waiting / "tasks.jsonl").write_text('"b"\n')
    child = start_process("run", "waiting", "--tasks", "tasks.jsonl", cwd=waiting)
    wait_for(child, 1)
    second = process("run", "waiting", "--tasks", "tasks.jsonl", cwd=waiting)
    assert second.returncode == 1
    assert "another process runs the batch" in second.stderr


def on_terminal(*words, cwd, stdin=subprocess.DEVNULL):
    """Run with stderr on a terminal; return the exit code, stdout, and what the terminal was sent."""
    master, slave = pty.openpty()
    child = subprocess.Popen(
        [sys.executable, "-m", "lllm", *words],
        cwd=cwd,
        env=process_env(TERM="xterm", COLUMNS="120"),
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=slave,
    )
    os.close(slave)
    sent = b""
    while chunk := _read(master):
        sent += chunk
    out = child.communicate(timeout=30)[0]
    os.close(master)
    return child.returncode, out.decode(), sent.decode()


def _read(fd):
    try:
        return os.read(fd, 65536)
    except OSError:  # the other end is closed
        return b""


def test_on_a_terminal_the_reply_streams_and_stdout_is_still_the_result(project):
    """A person watches; a pipe gets data."""
    code, out, sent = on_terminal("run", TASK, cwd=project)
    assert (code, out) == (0, ANSWER + "\n")
    assert "fuel_cost(" in sent
    assert "that reply cannot be used" in sent
    code, out, sent = on_terminal("run", TASK, "--no-stream", cwd=project)
    assert (code, out) == (0, ANSWER + "\n")
    assert "fuel_cost(" not in sent


def test_on_a_terminal_a_batch_has_a_live_display(project):
    """Results stay on stdout, also while the display is drawn."""
    (project / "tasks.jsonl").write_text('"100 km"\n"200 km"\n"to the moon"\n')
    code, out, sent = on_terminal("run", "--tasks", "tasks.jsonl", cwd=project)
    assert code == 1
    assert len([json.loads(line) for line in out.splitlines()]) == 3
    assert "3/3  1 failed  0 running" in sent
    assert "ModelBehaviorError" not in sent
    assert "failed to-the-moon" in sent
