"""``lllm models`` and ``lllm doctor --providers``: what can be asked, and whether it is well."""

from __future__ import annotations

import json
import re
import sys
import threading
import tomllib
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from lllm.cli.models import pick_columns, show_providers
from lllm.cli.screen import Screen


@pytest.fixture
def server():
    """A server on loopback that lists two models, and the paths that it was asked for."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            body = json.dumps({"data": [{"id": "tiny"}, {"id": "evil\x1b[31m"}]}).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    httpd = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=httpd.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{httpd.server_port}/v1", asked
    httpd.shutdown()
    thread.join()
    httpd.server_close()


def add_table(project, text):
    with (project / "lllm.toml").open("a") as file:
        file.write(f"\n{text}\n")


def rows(lllm_json):
    code, told = lllm_json("models", "list")
    assert code == 0
    return {row["provider"]: row for row in told}


def test_every_provider_is_listed_and_nothing_is_sent(project, lllm_json, server, monkeypatch):
    """Keys by name and never by value."""
    monkeypatch.setenv("GROQ_API_KEY", "gsk_very_secret")
    add_table(project, f'[llm.mine]\nbase_url = "{server[0]}"\nmodel = "tiny"')
    told = rows(lllm_json)
    assert told["mine"] == {
        "provider": "mine",
        "model": "tiny",
        "format": "chat",
        "where": "local",
        "key": "",
        "address": server[0],
    }
    assert (told["groq"]["key"], told["groq"]["where"]) == ("$GROQ_API_KEY set", "cloud")
    assert told["openai"]["key"] == "$OPENAI_API_KEY not set"
    assert told["mock"]["where"] == "in process"
    assert "gsk_very_secret" not in json.dumps(told)
    assert server[1] == []


def test_what_is_not_granted_is_told(project, lllm_json):
    add_table(project, "[capabilities]\nllm_local = true")
    told = rows(lllm_json)
    assert (told["ollama"]["where"], told["openai"]["where"]) == ("local", "cloud, not granted")


def test_a_broken_table_breaks_its_own_row_alone(project, lllm_json):
    add_table(project, "[llm.bad]\nmodel = 'm'")
    told = rows(lllm_json)
    assert told["bad"]["address"].startswith("broken: provider 'bad' needs base_url")
    assert told["openai"]["format"] == "chat"


def test_a_server_is_asked_for_its_models(project, lllm, lllm_json, server):
    """What a server sends reaches no terminal as it is."""
    add_table(project, f'[llm.mine]\nbase_url = "{server[0]}"')
    result = lllm("models", "list", "mine")
    assert (result.exit_code, result.stdout) == (0, "tiny\nevil␛[31m\n"), result.stderr
    code, told = lllm_json("models", "list", "mine")
    assert (code, told["ok"], told["models"][0]) == (0, True, "tiny")
    assert server[1] == ["/v1/models"] * 2


def test_a_server_that_is_not_there(project, lllm):
    add_table(project, '[llm.mine]\nbase_url = "http://127.0.0.1:9"')
    result = lllm("models", "list", "mine")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "hint: is the server running" in result.stderr


def test_an_unknown_provider_is_offered_the_nearest(project, lllm):
    result = lllm("models", "list", "opnai")
    assert result.exit_code == 2
    assert "did you mean 'openai'?" in result.stderr


def test_a_model_in_the_process_lists_nothing(project, lllm):
    result = lllm("models", "list", "mock")
    assert (result.exit_code, result.stderr) == (0, "mock runs in this process\n")


def checks(lllm_json):
    code, told = lllm_json("doctor", "--providers")
    return code, {check["name"]: check for check in told["checks"]}


def test_doctor_asks_each_configured_server(project, lllm_json, server):
    """Those of the project's tables, and those that agents name with settings of their own."""
    add_table(project, f'[llm.mine]\nbase_url = "{server[0]}"\n[llm.gone]\nbase_url = "http://127.0.0.1:9"')
    code, told = checks(lllm_json)
    assert code == 1
    assert (told["mine"]["status"], told["gone"]["status"]) == ("ok", "broken")
    assert "2 models" in told["mine"]["told"]
    assert "mock" not in told


def test_doctor_asks_the_servers_of_agents(project, lllm_json, server):
    (project / "config" / "default.yaml").write_text(
        f"base: common.yaml\nprovider: openai_compatible\nprovider_config: {{base_url: '{server[0]}'}}\n"
        "agent_configs:\n  planner:\n    model_name: m\n"
    )
    _, told = checks(lllm_json)
    (name,) = (name for name in told if name.startswith("openai_compatible of "))
    assert told[name]["status"] == "ok"


def test_doctor_sends_nothing_unasked(project, lllm_json, server):
    add_table(project, f'[llm.mine]\nbase_url = "{server[0]}"')
    assert lllm_json("doctor")[0] == 0
    assert server[1] == []


def test_doctor_survives_a_broken_project(project, lllm_json):
    add_table(project, "[llm]\nx = 3")
    code, told = checks(lllm_json)
    assert (code, told["servers"]["status"]) == (1, "broken")


def test_doctor_without_servers(project, lllm_json):
    assert checks(lllm_json)[1]["servers"]["status"] == "note"


def test_a_providers_bug_hides_no_other(project, lllm_json, server, monkeypatch):
    """A wrapper of the project's own may raise anything; the report of the others is still told."""
    (project / "wraps_badly.py").write_text(
        "class Bad:\n    def __init__(self, *_): raise RuntimeError('mine')\n    def complete(self, request, send): ...\n"
    )
    monkeypatch.syspath_prepend(project)
    add_table(
        project,
        f'[llm.bad]\nbase_url = "{server[0]}"\noverride = "wraps_badly:Bad"\n[llm.mine]\nbase_url = "{server[0]}"',
    )
    _, told = checks(lllm_json)
    assert (told["bad"]["status"], told["mine"]["status"]) == ("broken", "ok")
    assert "RuntimeError: mine" in told["bad"]["told"]
    _, rows = lllm_json("models", "list")
    (row,) = (row for row in rows if row["provider"] == "bad")
    assert row["address"] == "broken: RuntimeError: mine"


def test_the_gates_of_a_named_project_hold_from_anywhere(project, lllm, server, tmp_path, monkeypatch):
    """A config that is named with -c belongs to a project, and that project says what may be called."""
    (project / "config" / "default.yaml").write_text(
        f"base: common.yaml\nprovider: openai_compatible\nprovider_config: {{base_url: '{server[0]}'}}\n"
        "agent_configs:\n  planner:\n    model_name: m\n"
    )
    add_table(project, "[capabilities]\nllm_cloud = true")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    result = lllm("run", "x", "-c", str(project / "config" / "default.yaml"))
    assert result.exit_code != 0
    assert "needs the capability llm_local" in result.stderr
    assert server[1] == []


def told_row(**own):
    told = {"provider": "anthropic", "format": "anthropic", "where": "cloud", "model": "claude-haiku-4-5"}
    return told | {"key": "$ANTHROPIC_API_KEY not set", "address": "https://" + "a" * 60} | own


def test_a_narrow_terminal_leaves_out_whole_columns():
    """A key that is cut before "not set" says nothing; a column that is not there is told."""
    rows = [told_row(), told_row(provider="openai_compatible")]
    assert pick_columns(rows, 79) == ["provider", "format", "where", "key"]
    assert pick_columns(rows, 100) == ["provider", "format", "where", "model", "key"]
    assert pick_columns(rows, 110) == ["provider", "format", "where", "model", "key", "address"]


def test_what_was_left_out_is_told(capsys):
    """Who does not see an address must not think that there is none."""
    screen = Screen()
    show_providers(screen, [told_row()])
    assert capsys.readouterr().err == ""
    screen.console(sys.stdout).width = 80
    show_providers(screen, [told_row(provider="openai_compatible")])
    shown = capsys.readouterr()
    assert shown.err == "too narrow for: model, address (--json tells all)\n"
    assert "$ANTHROPIC_API_KEY not set" in shown.out


def test_no_time_is_told_where_nothing_was_sent(project, lllm):
    """A key that is missing was not asked for at a server in 0 ms."""
    add_table(project, '[llm.mine]\nbase_url = "http://127.0.0.1:9/v1"\napi_key_env = "KEY_THAT_NOBODY_SET"')
    line = next(line for line in lllm("doctor", "--providers").stdout.splitlines() if " mine " in line)
    assert line.endswith("KEY_THAT_NOBODY_SET is not set")


def test_the_servers_of_another_config_are_asked(project, lllm, server):
    """The starter has three configs; two of them name a server that the default one does not."""
    (project / "config/own.yaml").write_text(
        f"base: common.yaml\nprovider: local\nprovider_config: {{base_url: '{server[0]}'}}\n"
        "agent_configs: {planner: {model_name: tiny}}\n"
    )
    told = lllm("doctor", "--providers", "-c", "config/own.yaml").stdout
    assert re.search(r"^ok +local of planner +answers, 2 models", told, re.MULTILINE)
    assert "there is no config gone.yaml" in lllm("doctor", "-c", "gone.yaml").stdout


def test_the_extras_of_the_package_are_told(project, lllm):
    """An extra that the doctor does not know is one that nobody can look up."""
    package = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())
    extras = set(package["project"]["optional-dependencies"]) - {"all"}
    assert set(re.findall(r"^\w+ +extra (\w+)", lllm("doctor").stdout, re.MULTILINE)) == extras
