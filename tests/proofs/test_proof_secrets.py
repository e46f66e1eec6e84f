"""Secrets planted wherever a run may meet one: none is in what the log keeps, shows or exports."""

import base64
import json
from contextlib import suppress
from urllib.parse import quote

import pytest
from click.testing import CliRunner
from proof_scale import amounts
from proof_secrets import PATTERN, Planted, make_secrets

from lllm.cli.app import cli
from lllm.errors import LLLMError
from lllm.export import FORMATS, Choice, RunRecord, render_run
from lllm.llm.agent import Agent
from lllm.llm.session import Session
from lllm.log import LocalFileLog
from lllm.providers.build import build_provider
from lllm.testing import scripted_model
from lllm.utils import encode_json


class Failed(Exception):
    """An error of the user's, whose text may hold anything."""


def plant(log, name, secret):
    """Run a session that meets a secret in every place where a run may meet one."""

    def leak(arg: str, nested: dict) -> str:
        """Return what it is given."""
        return f"got {arg} and {json.dumps(nested)}"

    def fail(arg: str) -> str:
        """Fail with what it is given."""
        raise Failed(f"refused with {arg}", {"header": arg})

    called = {"arg": secret, "nested": {"Authorization": secret, secret: ["x", {"deep": json.dumps({"key": secret})}]}}
    replies = [
        {"calls": [{"name": "leak", "arguments": called}, {"name": "fail", "arguments": {"arg": secret}}]},
        {"calls": [{"name": f"no {secret}", "arguments": {}}]},
        f"the key is {secret}.",
        "x" * 9000 + f" {secret} " + "y" * 9000,
    ]
    header = {"task": f"use {secret}", "kwargs": {"key": secret, "list": [secret]}}
    with suppress(Failed), Session.open(log, name, header=header, seed=0) as session:
        agent = Agent.quick(f"Your key is {secret}.", functions=[leak, fail], provider=scripted_model(*replies))
        with suppress(LLLMError):
            agent.ask(f"my key: {secret}\nuse it")
            agent.ask(f"{secret}")
        session.frontend("markdown", {"text": f"`{secret}`", secret: 1})
        session.note(f"saw {secret}")
        session.step(f"step {secret}", lambda: {"env": {"API_KEY": secret}, "curl": f"-H 'X-Key: {secret}'"})
        with suppress(Failed):
            session.step("fails", give_up, secret)
        give_up(secret)


def give_up(secret):
    try:
        int(secret)
    except ValueError as error:
        raise Failed(f"cannot open https://user:{secret}@host/") from error


def tell(log, secret, monkeypatch):
    """Let the log know of a secret, in the way that it is known."""
    if secret.how == "added":
        log.redactor.add(secret.text)
    if secret.how == "provider":
        monkeypatch.setenv("PROOF_API_KEY", secret.text)
        provider = build_provider(
            "openai_compatible", {"base_url": "http://127.0.0.1:9/v1", "api_key_env": "PROOF_API_KEY"}
        )
        with Session.open(log, f"told-{secret.text[:8]}", seed=0), suppress(LLLMError):
            Agent.quick(f"Key: {secret.text}", provider=provider, max_llm_recall=0).ask(f"is it {secret.text}?")


def forms(secret):
    """Return the bytes that would give a secret away: as it is, and escaped for JSON once and twice."""
    once = encode_json(secret)[1:-1]
    return {
        form.encode() for form in (secret, once, encode_json(once)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1])
    }


def shown(log, name):
    """Yield all that lllm says of a session: on the screen, and in every format of export."""
    for flags in (["--full"], ["--events"], ["--json", "--full"]):
        done = CliRunner().invoke(cli, ["log", "show", name, *flags, "--log-dir", str(log.folder.parent)])
        assert done.exit_code == 0, done.output
        yield f"show {flags}", done.output.encode()
    for format_ in FORMATS:
        yield format_, "".join(render_run(RunRecord(log, name), Choice(format_, content=True))).encode()
    yield "messages", "".join(render_run(RunRecord(log, name), Choice("jsonl", messages=True))).encode()


@amounts(28, 500)
def test_no_planted_secret_is_in_the_log_its_blobs_what_is_shown_or_exported(tmp_path, monkeypatch, amount):
    """A log is kept, copied and sent to others, long after anybody remembers what was said in it."""
    monkeypatch.chdir(tmp_path)
    # The name that the command line looks under where no config says another.
    log = LocalFileLog("default", {"log_dir": tmp_path / "logs", "redact": [PATTERN]})
    secrets = make_secrets(amount)
    assert len({secret.text for secret in secrets}) == amount
    for number, secret in enumerate(secrets):
        tell(log, secret, monkeypatch)
        plant(log, f"s{number}", secret.text)
    kept = b"\n".join(path.read_bytes() for path in log.folder.rglob("*") if path.is_file())
    assert kept.count(b"[redacted]") >= 15 * amount
    assert [secret for secret in secrets if any(form in kept for form in forms(secret.text))] == []
    for number, secret in enumerate(secrets):
        for where, text in shown(log, f"s{number}"):
            assert not any(form in text for form in forms(secret.text)), (where, secret)


ENCODINGS = {
    "as it is": lambda text: text,
    "JSON": encode_json,
    "JSON in JSON": lambda text: encode_json(encode_json(text)),
    "JSON of others": lambda text: json.dumps({"k": text}, ensure_ascii=False),
    "in a URL": lambda text: f"https://user:{text}@host/?key={text}",
    "in a header": lambda text: f"Authorization: Bearer {text}\r\n",
    "in quotes of a shell": lambda text: f"curl -H 'X-Key: {text}'",
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "hex": lambda text: text.encode().hex(),
    "percent": lambda text: quote(text, safe=""),
    "split over two lines": lambda text: f"{text[:12]}\n{text[12:]}",
    "backwards": lambda text: text[::-1],
}
FOUND = {"as it is", "JSON", "JSON in JSON", "JSON of others", "in a URL", "in a header", "in quotes of a shell"}


def is_out(redactor, encode, text):
    encoded = encode(text)
    return encoded not in json.loads(redactor(encode_json({"text": encoded})))["text"]


@pytest.mark.parametrize("name", ENCODINGS)
def test_the_forms_of_a_secret_that_are_found_are_these_and_no_others(name):
    """Whoever relies on redaction must know where it ends: what was encoded by others is not searched for."""
    secret = Planted('tok"en/\u00e4+7 of the user', "added").text
    redactor = LocalFileLog("base").redactor
    redactor.add(secret)
    assert is_out(redactor, ENCODINGS[name], secret) is (name in FOUND)
