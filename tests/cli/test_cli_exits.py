"""One error, one exit code, one line and a hint."""

import json

import click
import pytest

from lllm import errors
from lllm.cli import exits
from lllm.cli.app import VERBS, report
from lllm.cli.screen import Screen


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.ConfigError("x"), 2),
        (errors.DiscoveryError("x"), 2),
        (click.UsageError("x"), 2),
        (errors.ReplayDiverged("x"), 3),
        (errors.SessionNotFound("x"), 4),
        (errors.NotRegisteredError("x"), 4),
        (exits.MissingError("x"), 4),
        (KeyboardInterrupt(), 130),
        (click.Abort(), 130),
        (errors.RateLimited("x"), 1),
        (errors.LogCorrupt("x"), 1),
        (ValueError("x"), 1),
    ],
)
def test_every_error_has_its_exit_code(error, code):
    """Scripts branch on them."""
    assert exits.exit_code_of(error) == code


def test_an_error_is_told_with_place_and_hint(capsys):
    report(errors.ConfigError("no such key", where="a.yaml:3:1", hint="did you mean b?"), Screen())
    assert capsys.readouterr().err == "error: a.yaml:3:1: no such key\nhint: did you mean b?\n"


def test_an_error_in_json_mode_is_a_document_on_stdout(capsys):
    report(errors.ConfigError("m", where="w", hint="h"), Screen(as_json=True))
    told = json.loads(capsys.readouterr().out)
    assert told == {"error": {"type": "ConfigError", "message": "m", "where": "w", "hint": "h", "exit_code": 2}}


def test_debug_adds_the_traceback(capsys):
    try:
        int("boom")
    except ValueError as error:
        report(error, Screen(debug=True))
    told = capsys.readouterr().err
    assert "Traceback" in told
    assert "error: " in told


def test_an_end_of_file_in_user_code_is_no_interrupt():
    """Click turns EOFError into an abort, which would look like Ctrl-C."""
    abort = click.Abort()
    abort.__cause__ = EOFError("no input")
    assert exits.to_told(abort)["exit_code"] == 1


def test_an_unknown_verb_is_told_with_the_nearest(lllm):
    result = lllm("replya")
    assert result.exit_code == 2
    assert "did you mean 'replay'?" in result.stderr


def test_usage_errors_are_json_too(lllm_json):
    """A caller of --json must never have to parse prose."""
    code, told = lllm_json("run")
    assert code == told["error"]["exit_code"] == 2


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_loads_and_has_help(lllm, verb):
    """The table of verbs names modules; a slip there shows only when the verb is used."""
    result = lllm(verb, "--help")
    assert result.exit_code == 0, result.stderr
    assert "Usage: lllm " + verb in result.stdout
