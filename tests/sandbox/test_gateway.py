"""Kernels on another machine: what an honest gateway says becomes a result, and a hostile one ends nothing but itself."""

import json
import shutil
import socket
import ssl
import subprocess
import threading

import pytest

pytest.importorskip("websockets", reason="the extra `gateway` is not installed")

from fake_gateway import CLOSE, CONTINUED, FakeGateway

from lllm.errors import ConfigError, FunctionError, SandboxUnavailable
from lllm.sandbox.cell import Called
from lllm.sandbox.policy import SandboxPolicy
from lllm.sandbox.remote.gateway import RemoteKernel
from lllm.sandbox.remote.websocket import SocketLost, WebSocket
from lllm.transport.route import load_authorities

TOKEN = "s3cr3t-of-the-gateway"
POLICY = SandboxPolicy(timeout_s=20, grace_s=5, output_bytes=100_000)
SHORT = SandboxPolicy(timeout_s=0.1, grace_s=0.1, output_bytes=100_000)


@pytest.fixture
def gateway(monkeypatch):
    monkeypatch.setenv("GATEWAY_TOKEN", TOKEN)
    with FakeGateway() as gateway:
        yield gateway


@pytest.fixture
def start(gateway):
    """Start a kernel there; it is closed at the end."""
    kernels = []

    def start(policy=POLICY, **options):
        kernels.append(RemoteKernel(gateway.url, token_env="GATEWAY_TOKEN", policy=policy, **options))
        return kernels[-1]

    yield start
    for kernel in kernels:
        kernel.close()


def run(start, gateway, cell, policy=POLICY, on_call=None):
    """Run one cell that the gateway answers as told."""
    kernel = start(policy)
    gateway.cell = cell
    return kernel, kernel.execute("code", on_call=on_call)


def test_a_cell_comes_to_what_its_kernel_says(gateway, start):
    """The same class of result as from a kernel here; and its tier says that nobody here knows how it is isolated."""

    def cell(peer):
        peer.say("status", {"execution_state": "busy"})
        peer.print("said")
        peer.say("execute_result", {"data": {"text/plain": "2"}, "metadata": {}, "execution_count": 7})
        peer.reply(count=7)

    kernel, result = run(start, gateway, cell)
    assert (kernel.tier, kernel.is_alive, result.status, result.execution_count) == ("remote", True, "ok", 7)
    assert [output["output_type"] for output in result.outputs] == ["stream", "execute_result"]
    assert not result.state_lost


def test_an_error_has_its_traceback(gateway, start):
    """The model repairs its code by it."""

    def cell(peer):
        told = {"ename": "ZeroDivisionError", "evalue": "no"}
        peer.say("error", {**told, "traceback": ["\x1b[31mline 1\x1b[0m"]})
        peer.reply("error", **told)

    _, result = run(start, gateway, cell)
    assert (result.status, result.ename, result.evalue, result.traceback) == (
        "error",
        "ZeroDivisionError",
        "no",
        ("line 1",),
    )


def test_what_no_file_can_hold_is_mended_and_cut(gateway, start):
    """As from a kernel here: no file can hold half of a sign, and no model a text without end."""
    told = {"ename": "E\ud800", "evalue": "no" * 100_000, "execution_count": -5}
    _, result = run(start, gateway, lambda peer: peer.say("execute_reply", {"status": "error", **told}, "shell"))
    assert (result.ename, len(result.evalue), result.execution_count) == ("E\ufffd", 10_000, 0)


def test_a_cell_that_the_kernel_refuses_is_an_error(gateway, start):
    """After an error ipykernel aborts what is in its queue, unless asked not to; a result without a name helps nobody."""
    _, result = run(start, gateway, lambda peer: peer.reply("aborted"))
    assert (result.status, result.ename, result.state_lost) == ("error", "Aborted", False)
    assert gateway.messages[-1]["content"]["stop_on_error"] is False


def test_output_that_comes_after_the_reply_is_kept(gateway, start):
    """Both travel on channels of their own, so either may be first."""

    def cell(peer):
        peer.say("execute_reply", {"status": "ok", "execution_count": 1}, "shell")
        peer.print("late")
        peer.say("status", {"execution_state": "idle"})

    assert run(start, gateway, cell)[1].outputs[0]["text"] == "late"


def test_what_earlier_cells_left_running_is_not_this_cells_output(gateway, start):
    """A thread of the cell before goes on printing."""

    def cell(peer):
        peer.say("stream", {"name": "stdout", "text": "old"}, parent={"msg_id": "another"})
        peer.print("new")
        peer.reply()

    _, result = run(start, gateway, cell)
    assert (result.background, result.outputs[0]["text"]) == ("old", "new")


def ask(peer, prompt):
    """Ask the client as `input()` does; return what it answered."""
    peer.say("input_request", {"prompt": prompt, "password": False}, "stdin")
    answer = peer.receive()
    return answer["content"]["value"] if answer else None


def find_mark(gateway):
    """Return how this session's calls begin: the init cell tells the kernel."""
    code = next(m["content"]["code"] for m in gateway.messages if m["header"]["msg_type"] == "execute_request")
    return code.partition("install('")[2].partition("'")[0] or code.partition("install(\\'")[2].partition("\\'")[0]


@pytest.mark.parametrize(
    ("on_call", "expected"),
    [
        (lambda endpoint, params, left_s: {"got": params}, {"value": {"got": {"x": 1}}}),
        (None, {"error": "a/b cannot be called: no proxies are active here"}),
    ],
)
def test_a_call_travels_as_a_question(gateway, start, on_call, expected):
    """No socket of ours reaches another machine; questions pass through every gateway."""
    answers = []

    def cell(peer):
        answers.append(ask(peer, find_mark(gateway) + json.dumps({"endpoint": "a/b", "params": {"x": 1}})))
        peer.reply()

    _, result = run(start, gateway, cell, on_call=on_call)
    told = json.loads(answers[0])
    told.pop("id", None)
    assert told == {**expected, "error": result.calls[0].error} if "error" in expected else told == expected
    assert [call.endpoint for call in result.calls] == ["a/b"]


def test_a_question_that_is_no_call_gets_an_empty_line(gateway, start):
    """Nobody sits there; and no answer at all would hang the kernel."""
    answers = []

    def cell(peer):
        answers.extend(ask(peer, prompt) for prompt in ("name? ", find_mark(gateway) + "x" * (POLICY.call_bytes + 1)))
        peer.reply()

    _, result = run(start, gateway, cell)
    assert (answers, result.calls) == (["", ""], ())


def test_a_call_that_fails_is_told_to_the_cell(gateway, start):
    """The model's code can catch it."""
    answers = []

    def cell(peer):
        answers.append(json.loads(ask(peer, find_mark(gateway) + '{"endpoint": "a/b", "params": {}}')))
        peer.reply()

    def fail(endpoint, params, left_s):
        raise FunctionError("no such series")

    _, result = run(start, gateway, cell, on_call=fail)
    assert answers[0]["error"] == "FunctionError: no such series"
    assert result.calls == (Called("a/b", {}, "FunctionError: no such series"),)


def test_a_cell_that_takes_too_long_is_interrupted(gateway, start):
    """By the gateway's own request; what the kernel knew stays."""

    def cell(peer):
        assert gateway.interrupted.wait(20)
        peer.reply("error", ename="KeyboardInterrupt", evalue="")

    kernel, result = run(start, gateway, cell, SandboxPolicy(timeout_s=0.05, grace_s=20))
    assert (result.status, result.ename, result.state_lost, kernel.is_alive) == ("timeout", "CellTimeout", False, True)
    assert not gateway.ended()


@pytest.mark.parametrize("answer", [(204, b""), (500, b"no")])
def test_a_cell_that_goes_on_is_ended_with_its_kernel(gateway, start, answer):
    """Else it would go on there for ever, and be paid for."""
    gateway.answers["POST", "/api/kernels/k-1/interrupt"] = answer
    kernel, result = run(start, gateway, lambda peer: None, SHORT)
    assert (result.status, result.state_lost, kernel.is_alive, gateway.ended()) == ("timeout", True, False, True)
    assert kernel.execute("1").status == "died"


def test_a_cell_that_writes_too_much_is_interrupted(gateway, start):
    """The first bytes are kept, the state too."""

    def cell(peer):
        while not gateway.interrupted.is_set():
            peer.print("x" * 50_000)
            gateway.interrupted.wait(0.01)
        peer.reply("error", ename="KeyboardInterrupt", evalue="")

    kernel, result = run(start, gateway, cell)
    assert (result.status, result.ename, kernel.is_alive) == ("output_limit", "OutputLimit", True)
    assert len(result.outputs[0]["text"]) <= POLICY.output_bytes


def endless_prints(peer):
    while True:
        peer.print("x" * 50_000)


def endless_fragments(peer):
    peer.frame(b'"', is_last=False)
    while True:
        peer.frame(b"x" * 50_000, CONTINUED, is_last=False)


def endless_status(peer):
    while True:
        peer.say("status", {"execution_state": "busy"})


@pytest.mark.parametrize(
    "flood",
    [endless_prints, endless_fragments, endless_status, lambda peer: peer.frame(b"", size=1 << 40)],
    ids=["prints", "fragments", "status", "announced"],
)
def test_a_flood_ends_the_kernel_in_bounded_memory(gateway, start, flood):
    """A gateway, or a kernel that got hold of its socket, must not fill this process's memory."""
    kernel, result = run(start, gateway, flood)
    assert (result.status, result.state_lost, kernel.is_alive, gateway.ended()) == ("output_limit", True, False, True)
    assert kernel._socket.received_bytes < 5_000_000


@pytest.mark.parametrize(
    "hostile",
    [
        lambda peer: peer.frame(b"no json"),
        lambda peer: peer.frame(b"[" * 5000 + b"]" * 5000),
        lambda peer: peer.frame(b'{"header": 1, "content": NaN}'),
        lambda peer: peer.frame(b"\xff\xfe"),
        lambda peer: peer.frame(b"x", kind=11),
        lambda peer: peer.frame(b"x", CONTINUED),
        lambda peer: peer.handler.connection.sendall(b"\xc1\x00"),
        lambda peer: peer.frame(b"\x03\xe8", CLOSE),
        lambda peer: peer.handler.connection.shutdown(2),
        lambda peer: peer.say("status", {"execution_state": "restarting"}, parent={}),
    ],
    ids=["junk", "deep", "nan", "utf8", "opcode", "continued", "reserved", "close", "gone", "restarting"],
)
def test_whatever_breaks_off_the_cell_ends_as_died(gateway, start, hostile):
    """One named outcome, with the reason, and no exception in the agent."""
    kernel, result = run(start, gateway, hostile)
    assert (result.status, result.ename, result.state_lost) == ("died", "KernelDied", True)
    assert result.evalue
    assert not kernel.is_alive
    assert gateway.ended()


@pytest.mark.parametrize(
    "odd",
    [
        {"header": 1, "parent_header": [], "content": 2},
        {"header": {"msg_type": ["x"]}, "parent_header": {"msg_id": None}, "content": {"text": 5}},
        {},
    ],
)
def test_messages_of_an_odd_shape_are_passed_by(gateway, start, odd):
    """A newer gateway may send what this client does not know."""

    def cell(peer):
        peer.frame(json.dumps(odd).encode())
        peer.say("execute_input", {"code": "1"})
        peer.reply(count=True)

    _, result = run(start, gateway, cell)
    assert (result.status, result.execution_count, result.background) == ("ok", 0, "")


def test_the_token_travels_in_headers_alone(gateway, start):
    """Addresses are logged by every server on the way."""
    start().execute("1")
    assert [headers["Authorization"] for _, _, headers, _ in gateway.requests] == [f"token {TOKEN}"] * 2
    assert not any(TOKEN in path for _, path, _, _ in gateway.requests)


def test_a_token_that_comes_back_is_not_shown(gateway, start):
    """Kernels of a gateway can often read its environment: what they print goes to a model, and into a log."""

    def cell(peer):
        peer.print(TOKEN)
        peer.reply("error", ename="E", evalue=TOKEN)

    _, result = run(start, gateway, cell)
    assert TOKEN not in json.dumps(result.to_dict())
    gateway.answers["POST", "/api/kernels"] = (403, f"not {TOKEN}".encode())
    with pytest.raises(SandboxUnavailable, match=r"answered 403 to POST /api/kernels: not \[token\]"):
        start()


@pytest.mark.parametrize(
    ("place", "answer"),
    [
        (("POST", "/api/kernels"), (401, b"no")),
        (("POST", "/api/kernels"), (201, b"no json")),
        (("POST", "/api/kernels"), (201, b'{"id": "../../terminals"}')),
        (("POST", "/api/kernels"), (201, b'"k-1"')),
        (("POST", "/api/kernels"), (201, b'{"id": "k-1", "more": "' + b"x" * (2 << 20) + b'"}')),
        (("GET", "/api/kernels/k-1/channels"), (401, b"no")),
        (("GET", "/api/kernels/k-1/channels"), (302, b"")),
    ],
)
def test_a_gateway_that_does_not_start_a_kernel_is_unavailable(gateway, start, place, answer):
    """It says why; no address that it names is followed with the token in hand, and no path of its own making used."""
    gateway.answers[place] = answer
    gateway.headers["Location"] = "/elsewhere"
    with pytest.raises(SandboxUnavailable, match=r"http://127\.0\.0\.1|refused the websocket"):
        start()
    assert {path.partition("?")[0] for _, path, *_ in gateway.requests} <= {
        "/api/kernels", "/api/kernels/k-1", "/api/kernels/k-1/channels",
    }  # fmt: skip


def test_a_kernel_that_does_not_come_up_is_ended(gateway, start):
    """A kernel that nobody uses would stay there."""
    gateway.answers["GET", "/api/kernels/k-1/channels"] = (404, b"")
    with pytest.raises(SandboxUnavailable, match="404"):
        start()
    assert gateway.ended()


def test_a_kernel_in_another_language_has_no_calls(gateway, start):
    """The cell that offers them is Python."""
    gateway.language = "R"
    assert start().execute("1").status == "ok"
    requests = [m["content"] for m in gateway.messages if m["header"]["msg_type"] == "execute_request"]
    assert [(told["code"], told["allow_stdin"]) for told in requests] == [("1", False)]


def test_a_connection_that_lay_idle_is_made_anew(gateway, start):
    """Nobody answered the gateway's pings meanwhile, so it may have hung up; the kernel is still there."""
    kernel = start()
    kernel._used_s -= 100
    assert kernel.execute("1").status == "ok"
    assert sum(path.endswith(f"session_id={kernel._client.session}") for _, path, *_ in gateway.requests) == 2


def test_closing_from_another_thread_ends_the_cell(gateway, start):
    """An agent that is stopped must not wait for a cell on another machine."""
    kernel = start()
    gateway.cell = lambda peer: threading.Thread(target=kernel.close).start()
    result = kernel.execute("1")
    assert (result.status, gateway.ended()) == ("died", True)


def test_an_interrupt_from_another_thread_reaches_the_cell(gateway, start):
    """As Ctrl-C in a notebook; between cells it does nothing."""
    kernel = start()
    kernel.interrupt()
    assert not gateway.interrupted.is_set()

    def cell(peer):
        threading.Thread(target=kernel.interrupt).start()
        assert gateway.interrupted.wait(20)
        peer.reply("error", ename="KeyboardInterrupt", evalue="")

    gateway.cell = cell
    assert kernel.execute("1").ename == "KeyboardInterrupt"


def test_what_breaks_into_a_cell_ends_the_kernel(gateway, start):
    """After Ctrl-C nobody would take what the cell still sends: the next one would read it as its own."""

    def stop(endpoint, params, left_s):
        raise KeyboardInterrupt

    kernel = start()
    gateway.cell = lambda peer: ask(peer, find_mark(gateway) + '{"endpoint": "a/b", "params": {}}')
    with pytest.raises(KeyboardInterrupt):
        kernel.execute("1", on_call=stop)
    assert (kernel.is_alive, gateway.ended()) == (False, True)


def test_an_end_that_is_refused_is_asked_for_again(gateway, start):
    """A gateway that is just restarting a kernel answers 500, and would keep it."""
    place = ("DELETE", "/api/kernels/k-1")
    gateway.answers[place] = (500, b"")
    kernel = start()
    gateway.seen.clear()
    closing = threading.Thread(target=kernel.close)
    closing.start()
    assert gateway.seen.wait(20)
    del gateway.answers[place]
    closing.join()
    assert [method for method, *_ in gateway.requests].count("DELETE") == 2


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("http://gateway.example", "unencrypted"),
        ("ftp://gateway.example", "https://"),
        ("gateway.example", "https://"),
        ("https://me:pw@gateway.example", "more than a host"),
        ("https://gateway.example/?token=pw", "more than a host"),
    ],
)
def test_an_address_that_would_give_the_token_away_is_refused(url, told):
    """Before anything is sent; and what may be a password is not quoted."""
    with pytest.raises(ConfigError, match=told) as caught:
        RemoteKernel(url)
    assert "pw" not in str(caught.value)


@pytest.mark.parametrize(("token", "told"), [("", "GATEWAY_TOKEN, which is not set"), ("a\nb", "no header")])
def test_a_token_that_cannot_be_sent_is_refused(monkeypatch, token, told):
    """A line end in it would begin a header of its own."""
    monkeypatch.setenv("GATEWAY_TOKEN", token)
    with pytest.raises(ConfigError, match=told):
        RemoteKernel("https://gateway.example", token_env="GATEWAY_TOKEN")


def test_a_server_that_stalls_the_handshake_is_given_up():
    """It took the connection, and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(SocketLost, match=r"within 0\.1 s"):
        WebSocket(f"ws://127.0.0.1:{silent.getsockname()[1]}/", (), 1000, 0.1)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the certificate")
def test_a_server_must_be_who_it_says(gateway, tmp_path, monkeypatch):
    """Whoever is in between would get the token. A company's own authority is trusted where the environment names it."""
    make = (
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN=here -keyout key -out cert"
    )
    command = ["openssl", *make.split(), "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert", tmp_path / "key")
    gateway.server.socket = context.wrap_socket(gateway.server.socket, server_side=True)
    url = f"wss://127.0.0.1:{gateway.server.server_port}/api/kernels/k-1/channels"
    with pytest.raises(SocketLost, match="CERTIFICATE_VERIFY_FAILED"):
        WebSocket(url, (("Authorization", TOKEN),), 1000, 5)
    assert gateway.requests == []
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert"))
    load_authorities.cache_clear()
    try:
        WebSocket(url, (), 1000, 5).close()
    finally:
        load_authorities.cache_clear()


def test_no_server_is_a_lost_connection():
    """Not an error of the operating system's."""
    with pytest.raises(SocketLost, match="no connection"):
        WebSocket("ws://127.0.0.1:1/", (), 1000, 5)


def test_a_proxy_of_the_environment_is_not_bypassed(monkeypatch):
    """Whoever set it wants nothing to leave by another way; this client cannot take that one, and says so."""
    monkeypatch.setenv("HTTPS_PROXY", "http://user:pw@proxy.example:1")
    with pytest.raises(ConfigError, match="proxy") as caught:
        WebSocket("wss://gateway.example/", (), 1000, 5)
    assert "pw" not in str(caught.value)
