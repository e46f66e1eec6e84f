"""Twenty sessions of all shapes, each written by real calls of an agent on a scripted model."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from lllm.errors import LLLMError, ParseError, RateLimited
from lllm.llm.agent import Agent
from lllm.llm.session import Session
from lllm.log import LocalFileLog
from lllm.testing import scripted_model

SHAPES = {}


@dataclass(frozen=True)
class Written:
    """A finished session: its log, its lines as they were read back, and the content of each of its files."""

    log: LocalFileLog
    lines: tuple[bytes, ...]
    files: dict[Path, bytes]

    @property
    def folder(self):
        return self.log.folder / "s"

    @property
    def blobs(self):
        return [path for path in self.files if path.parent.parent.name == "blobs"]

    @property
    def segments(self):
        return sorted(path for path in self.files if path.parent == self.folder and path.name.startswith("events-"))

    def restore(self, *names):
        """Put files back, the lock's note of what was synced included, and take away what came since."""
        for path in set(self.folder.iterdir()) - self.files.keys():
            path.unlink()
        for path in names or self.files:
            path.write_bytes(self.files[path])


def write_shape(name, folder):
    """Run one of ``SHAPES`` for real and return what it left."""
    size, run = SHAPES[name]
    log = LocalFileLog(name, {"log_dir": folder, "durability": "barrier", "max_segment_bytes": size})
    run(log)
    lines = tuple(event.raw for event in log.read_session("s"))
    return Written(log, lines, {path: path.read_bytes() for path in log.folder.rglob("*") if path.is_file()})


def shape(run=None, *, segment_bytes=64 * 1024 * 1024):
    def keep(run):
        SHAPES[run.__name__] = segment_bytes, run
        return run

    return keep(run) if run else keep


def calls(*told):
    return {"calls": [{"name": name, "arguments": arguments} for name, arguments in told]}


def add(a: int, b: int = 1) -> int:
    """Add two numbers."""
    return a + b


def fetch(size: int) -> str:
    """Return a page."""
    return "<p>page</p>" * (size // 11)


def strict_number(text):
    if not text.isdigit():
        raise ParseError(f"{text!r} is no number")
    return int(text)


def ask(log, *replies, text="go", **options):
    with Session.open(log, "s", header={"task": text}, seed=1) as session, suppress(LLLMError):
        session.result = Agent.quick("You help.", provider=scripted_model(*replies), **options).ask(text).content


@shape
def echo(log):
    ask(log, "hello")


@shape
def one_function(log):
    ask(log, calls(("add", {"a": 1})), "2", functions=[add])


@shape
def functions_at_once(log):
    ask(log, calls(("add", {"a": 1}), ("add", {"a": 2}), ("add", {"a": 3})), "done", functions=[add])


@shape
def an_unknown_function(log):
    ask(log, calls(("nope", {}), ("add", {"a": "x"})), "sorry", functions=[add])


@shape
def a_reply_that_is_mended(log):
    ask(log, "not a number", "4 or 5", "42", parser=strict_number)


@shape
def a_reply_that_is_never_mended(log):
    ask(log, *["bad"] * 4, parser=strict_number)


@shape
def a_provider_that_fails(log):
    ask(log, RateLimited("slow down", retry_after_s=0.0), RateLimited("slower", retry_after_s=0.0), "ok")


@shape
def text_of_all_scripts(log):
    said = 'Gr\u00fc\u00dfe \u4f60\u597d \U0001f600 \ud800 \x00\x07\x1b[31m "quoted" back\\slash \u2028 {"v":1,"seq":1} \n\r\t'
    ask(log, said, text=said)


@shape
def a_large_question(log):
    ask(log, "long", text="a question \u00fc" * 900)


@shape
def large_results(log):
    ask(log, calls(("fetch", {"size": 9000}), ("fetch", {"size": 12_000})), "read", functions=[fetch])


@shape
def arguments_over_the_limit(log):
    ask(log, calls(("echo_back", {"text": "x" * 8300})), "same", functions=[echo_back])


def echo_back(text: str) -> str:
    """Return a text."""
    return text


@shape(segment_bytes=1000)
def many_files(log):
    ask(log, *[calls(("add", {"a": number})) for number in range(3)], "done", functions=[add])


@shape(segment_bytes=1)
def a_file_an_event(log):
    ask(log, "hello")


@shape
def things_shown(log):
    with Session.open(log, "s", seed=1) as session:
        for number in range(6):
            session.frontend("markdown", {"text": f"# step {number}", "width": 80})
        session.note("a remark")


@shape
def values(log):
    with Session.open(log, "s", seed=1) as session:
        session.now()
        session.uuid4()
        session.step("load", lambda: {"rows": [[1, 2.5, None, True, "x"]]})
        with suppress(ZeroDivisionError):
            session.step("fail", lambda: 1 // 0)


@shape
def work_beside_work(log):
    with Session.open(log, "s", seed=1) as session:
        session.map(lambda item: session.step("one", str, item), list(range(4)), concurrency=2)


@shape
def a_fork(log):
    with log.open_session("parent") as opened:
        opened.append("session.open", "", '{"task":"t"}')
    parent = next(log.read_session("parent"))
    with log.open_session("s") as opened:
        opened.append(
            "session.open", "", f'{{"task":"t","parent":{{"session":"parent","seq":1,"chain":"{parent.h}"}}}}'
        )
        opened.append("message", "1/m0", '{"message":{"role":"user","content":"another question"}}', cause=1)
        opened.append("session.close", "", '{"status":"ok"}', cause=2)


@shape
def a_session_that_fails(log):
    with suppress(ValueError), Session.open(log, "s", seed=1) as session:
        session.note("before")
        raise ValueError("the user's own \u00fc error")


@shape
def two_writers_one_after_the_other(log):
    with log.open_session("s") as opened:
        opened.append("session.open", "", '{"task":"t"}')
    with log.reopen_session("s") as opened:
        opened.append("note", "note/0", '{"text":"went on"}')
        opened.append("session.close", "", '{"status":"ok"}')


@shape
def secrets_taken_out(log):
    log.redactor.add("swordfish-9-swordfish")
    ask(log, "the key is swordfish-9-swordfish and sk-proj-abcdefghij0123456789ABCDEFGHIJ")
