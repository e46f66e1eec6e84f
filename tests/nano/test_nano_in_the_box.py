"""nano as users meet it: the starter asks it, it errs and is mended, its sessions repeat and replay without it."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import pytest
from chat_values import ask
from click.testing import CliRunner

from lllm import auto_discover
from lllm.cli import doctor
from lllm.cli.app import cli
from lllm.cli.players import find_players
from lllm.cli.template import find_template, save_project
from lllm.errors import ConfigError
from lllm.log.local import LocalFileLog
from lllm.providers import build, build_provider, nano
from lllm.providers.project import ProviderTables
from lllm.replay import replay
from lllm.sandbox.probe import probe_isolators

HERE = Path(__file__).parent
TASK = "What does the fuel for 420 km cost?"
ANSWER = "The fuel costs 49.14 euros."
RULES = {"rules": [{"when": "", "reply": "played"}]}

needs_mlx = pytest.mark.skipif(find_spec("mlx_lm") is None, reason="mlx-lm is not installed: pip install 'lllm[mlx]'")


def env_of(**more):
    """The environment of a process in which nothing is decided beforehand."""
    env = {key: value for key, value in os.environ.items() if not key.startswith(("LLLM_", "PYTEST_"))}
    return env | {"PYTHONPATH": str(HERE.parents[1]), "PYTHONDONTWRITEBYTECODE": "1", "LLLM_AUTO_DISCOVER": "0"} | more


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    """What nano said in a starter; with the starter's folder."""
    folder = tmp_path_factory.mktemp("nano") / "demo"
    save_project(find_template("init_template"), folder, "demo")
    command = [sys.executable, str(HERE / "ask_nano.py"), str(folder)]
    done = subprocess.run(command, env=env_of(), capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout) | {"folder": folder}


def logged(asked, name):
    """The events of a session."""
    log = LocalFileLog("demo", {"log_dir": str(asked["folder"] / ".lllm/logs")})
    return [*log.read_session(name)]


@needs_mlx
def test_the_starter_is_answered(asked):
    """Its questions are what a newcomer sees first: the right function, the right number, the right form."""
    assert asked["answers"][TASK] == ANSWER
    assert list(asked["answers"].values()) == [ANSWER, "The fuel costs 11.12 euros.", "The fuel costs 153.27 euros."]


@needs_mlx
def test_a_slip_is_mended_and_every_state_is_seen(asked):
    """What the box is for: a model that errs by chance, and a machine that has it try again."""
    assert asked["repaired"], "no reply was mended; has the model stopped to err?"
    result = CliRunner().invoke(cli, ["log", "show", asked["repaired"]["session"], "-c", config_of(asked)])
    assert result.exit_code == 0, result.stderr
    states = next(line.split(" > ") for line in result.stdout.splitlines() if " > DONE" in line)
    assert [state.strip() for state in states][:4] == ["READY", "AWAIT_MODEL", "AWAIT_FUNCTIONS", "AWAIT_MODEL"]
    assert states[-2:] == ["AWAIT_MODEL", "DONE"]
    assert "(pruned: not in the dialog)" in result.stdout


def config_of(asked):
    """The starter's config."""
    return str(asked["folder"] / "config/default.yaml")


@needs_mlx
def test_the_same_seed_makes_the_same_session(asked):
    """Byte for byte, but for what tells two runs apart: their names, their times and their own seeds."""
    first, second, other = ([*map(told_by, logged(asked, name))] for name in asked["repeated"])
    assert first == second
    assert first != other


def told_by(event):
    """All of an event that a second run could repeat."""
    own = {"session", "run_id", "seed"} if event.kind == "session.open" else set()
    data = {key: value for key, value in event.data.items() if key not in own}
    return json.dumps([event.seq, event.kind, event.id, event.cause, data])


@needs_mlx
def test_a_session_of_nano_replays_without_it(asked, without_mlx):
    """On a machine without mlx-lm. Whatever today's provider is, it is not asked."""
    log = LocalFileLog("demo", {"log_dir": str(asked["folder"] / ".lllm/logs")})
    auto_discover(asked["folder"])
    report = replay(log, asked["repaired"]["session"])
    assert (report.status, report.result) == ("same", ANSWER)


@needs_mlx
def test_labels_are_told_by_log_probabilities(asked):
    """They sum to one, and depend on the question."""
    days, product = asked["labels"]
    assert [sum(found.values()) for found in (days, product)] == [pytest.approx(1)] * 2
    assert days["dates"] > 0.8
    assert product["dates"] < 0.2


@needs_mlx
def test_the_first_command_says_who_plays(tmp_path):
    """README's first command, without the installation."""
    lllm = [sys.executable, "-m", "lllm"]
    run = lambda *words, cwd: subprocess.run(  # noqa: E731 - the same five arguments three times
        [*lllm, *words], cwd=cwd, env=env_of(), capture_output=True, text=True, timeout=120, check=False
    )
    assert run("create", "--name", "demo", cwd=tmp_path).returncode == 0
    done = run("run", TASK, "--set", "agent_configs.planner.seed=1", cwd=tmp_path / "demo")
    assert (done.returncode, done.stdout) == (0, f"{ANSWER}\n"), done.stderr
    assert done.stderr.startswith("model nano, a tiny model in this process\n")
    assert done.stderr.count("\n") == 3, "mlx-lm and what it imports say nothing of their own"
    assert "same" in run("replay", "last", cwd=tmp_path / "demo").stdout


@pytest.fixture
def without_mlx(monkeypatch):
    """A machine without mlx-lm."""
    monkeypatch.setattr(nano, "can_run", lambda: False)
    monkeypatch.setitem(sys.modules, "mlx_lm", None)  # its import fails


def test_rules_play_its_part_and_say_so(without_mlx):
    """A project that works on one machine works on the other; nobody is to take the one for the other."""
    provider = build_provider("nano", {**RULES, "max_tokens": 50})
    assert provider.describe()["name"] == "mock"
    assert provider.send(ask("hello")).model == "rules"


def test_its_async_face_says_so_too(without_mlx):
    provider = build_provider(
        "nano", {"rules": [{"when": "who", "reply": {"text": "x", "model": "m"}}, *RULES["rules"]]}
    )
    assert asyncio.run(provider.asend(ask("hello"))).model == "rules"
    assert provider.send(ask("who")).model == "m"  # a rule has the last word


def test_without_rules_it_is_an_error_when_it_is_asked(without_mlx):
    """Not before: a replay builds the same provider, and never asks it. A reply that nobody wrote would be worse."""
    provider = build_provider("nano")
    assert provider.describe() == {"name": "nano", "api": "mlx", "base_url": "nano"}
    with pytest.raises(ConfigError, match="mlx-lm cannot be imported") as caught:
        provider.send(ask("hello"))
    assert caught.value.hint == nano.HINT


@pytest.mark.parametrize("here", [True, False])
def test_a_config_is_judged_alike_on_both_machines(monkeypatch, here):
    """What passes here must not fail there."""
    monkeypatch.setattr(nano, "can_run", lambda: here)
    for wrong in (
        {"rulez": []},
        {**RULES, "temprature": 1},
        {"rules": "x"},
        {**RULES, "replies": ["x"]},
        {"model_path": "x"},
    ):
        with pytest.raises(ConfigError):
            build_provider("nano", wrong)
    assert build_provider("nano", {**RULES, "max_tokens": 50}).describe()["name"] == ("nano" if here else "mock")


@pytest.mark.parametrize("missing", ["mlx_lm", "mlx.core"])
def test_it_runs_only_where_both_packages_are(monkeypatch, missing):
    """On Linux mlx-lm brings no mlx, and then its parent cannot be imported; a test's own module has no spec."""

    def find(error, name):
        if name == missing and error is not None:
            raise error("mlx")
        return None if name == missing else object()

    for error in (None, ModuleNotFoundError, ValueError):
        monkeypatch.setattr(nano, "find_spec", partial(find, error))
        assert not nano.can_run()
    monkeypatch.setattr(nano, "find_spec", lambda _name: object())
    assert nano.can_run()


def test_a_folder_of_that_name_goes_first(tmp_path, monkeypatch):
    """Somebody's own model is not to be taken for ours; ours is asked by its provider wherever one stands."""
    monkeypatch.chdir(tmp_path)
    assert nano.find_folder("nano") == nano.FOLDER
    (tmp_path / "nano").mkdir()
    assert nano.find_folder("nano") == Path("nano")
    assert nano.find_folder("~/x") == Path.home() / "x"
    assert build_provider("nano").describe()["base_url"] == "nano"


def test_settings_are_its_own(monkeypatch):
    """Those of MLX that make sense for it; the tables of lllm.toml may give it another name."""
    monkeypatch.setattr(nano, "can_run", lambda: True)
    assert build_provider("nano", {"max_tokens": 50, "name": "mine"}).describe()["name"] == "mine"
    tables = ProviderTables(llm={"tiny": {"provider": "nano", "model": "x"}, "small": {"provider": "nano"}})
    assert build_provider("tiny", tables=tables).describe() == {"name": "tiny", "api": "mlx", "base_url": "nano"}
    assert [build.default_model(name, tables) for name in ("nano", "tiny", "small")] == ["nano", "x", "nano"]
    assert [build.kind_of(name, tables) for name in ("nano", "tiny", "openai")] == ["nano", "nano", "openai"]


def test_each_agents_player_is_found(without_mlx):
    """One agent may ask nano where the others do not; what is no config of an agent is somebody else's to tell."""
    rules = {"provider": "nano", "provider_config": RULES}
    agents = {"a": rules, "b": {"provider": "nano"}, "c": {}, "d": None, "e": rules, "f": "no config"}
    assert find_players({"provider": "mock", "agent_configs": agents}) == ["rules", ""]
    assert find_players({"provider": "nano", "agent_configs": {"a": {"provider_config": ["no config"]}}}) == [""]
    assert find_players({"agent_configs": {}}) == []


def test_a_table_may_bring_the_rules(without_mlx, tmp_path, monkeypatch):
    """``lllm.toml`` may call it something else, and describe who plays it."""
    (tmp_path / "lllm.toml").write_text('[llm.tiny]\nprovider = "nano"\nrules = [{when = "", reply = "played"}]\n')
    monkeypatch.chdir(tmp_path)
    assert find_players({"agent_configs": {"a": {"provider": "tiny"}}}) == ["rules"]
    assert build_provider("tiny").send(ask("hello")).content == "played"


def test_the_command_line_says_who_plays(without_mlx, tmp_path, monkeypatch):
    """Before anything is live: a run, a file of tasks, a chat, a fork; and in the doctor. A replay asks nobody."""
    save_project(find_template("init_template"), tmp_path / "demo", "demo")
    monkeypatch.chdir(tmp_path / "demo")
    monkeypatch.delenv("LLLM_PROVIDER")
    told = f"model the config's rules in place of nano, since mlx-lm is not installed: {nano.HINT}\n"
    done = CliRunner().invoke(cli, ["run", TASK, "--session", "trip"])
    assert (done.exit_code, done.stdout) == (0, f"{ANSWER}\n")
    assert done.stderr.startswith(told)
    Path("tasks.jsonl").write_text(json.dumps(TASK))
    run = ["run", "--tasks", "tasks.jsonl"]
    assert [told in CliRunner().invoke(cli, run).stderr for _ in range(2)] == [True, False]  # all is done at the second
    assert CliRunner().invoke(cli, ["chat"], input="hello\n").stderr.startswith(told)
    assert CliRunner().invoke(cli, ["fork", "trip@1/s0"]).stderr.startswith(told)
    assert CliRunner().invoke(cli, ["replay", "trip", "--what-if"]).stderr.startswith(told)
    lines = next(Path(".lllm/logs/demo/trip").glob("events-*")).read_bytes().splitlines(keepends=True)
    Path(".lllm/logs/demo/died").mkdir()
    Path(".lllm/logs/demo/died/events-000001.jsonl").write_bytes(b"".join(lines[:6]))
    assert CliRunner().invoke(cli, ["resume", "died"]).stderr.startswith(told)
    assert "model" not in CliRunner().invoke(cli, ["replay", "trip"]).stderr
    checks = json.loads(CliRunner().invoke(cli, ["doctor", "--json"]).stdout)["checks"]
    assert {"name": "model", "status": "note", "told": told[6:-1], "hint": ""} in checks


def test_the_doctor_says_what_is_missing(without_mlx, tmp_path, monkeypatch):
    """Without rules there is nobody to play."""
    save_project(find_template("init_template"), tmp_path / "demo", "demo")
    monkeypatch.chdir(tmp_path / "demo")
    page = Path("config/default.yaml")
    page.write_text(page.read_text().replace("${LLLM_PROVIDER:-nano}", "nano").partition("provider_config:")[0])
    told = CliRunner().invoke(cli, ["doctor"])
    assert told.exit_code == 1
    assert "nano needs mlx-lm" in told.stdout
    done = CliRunner().invoke(cli, ["run", TASK])
    assert done.exit_code == 2
    assert "model nano" not in done.stderr
    assert nano.HINT in done.stderr


@pytest.mark.parametrize("error", [ImportError, RuntimeError])
def test_the_doctor_imports_what_it_calls_well(tmp_path, monkeypatch, error):
    """A package that is there and broken would be found by the first run."""
    save_project(find_template("init_template"), tmp_path / "demo", "demo")
    monkeypatch.chdir(tmp_path / "demo")
    monkeypatch.setenv("LLLM_PROVIDER", "nano")
    monkeypatch.setattr(nano, "can_run", lambda: True)

    def fail(_name):
        raise error("it is broken")

    monkeypatch.setattr(doctor, "import_module", fail)
    told = CliRunner().invoke(cli, ["doctor"])
    assert told.exit_code == 1
    assert "if mlx could be imported: it is broken" in told.stdout
    monkeypatch.setattr(doctor, "import_module", lambda _name: None)
    checks = json.loads(CliRunner().invoke(cli, ["doctor", "--json"]).stdout)["checks"]
    assert {"name": "model", "status": "ok", "told": "nano, a tiny model in this process", "hint": ""} in checks


def test_the_weights_are_small_and_whole():
    """They travel with every wheel: 16 bits a weight, 8 MB at most, and all that mlx-lm reads beside them."""
    files = {path.name: path.stat().st_size for path in nano.FOLDER.iterdir()}
    assert {"config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json", "README.md"} <= {*files}
    assert 1e6 < files["model.safetensors"] <= 8e6
    head = (nano.FOLDER / "model.safetensors").read_bytes()[:4000]
    assert b'"F16"' in head
    assert b'"F32"' not in head


PASSED = 0.8
"""Share of a few questions, of the part to tune on, that it must get right; the bench examines it in whole."""


@needs_mlx
def test_it_passes_a_part_of_its_exam(tmp_path):
    """Through the whole agent: the model, its call, a kernel, the answer. What changes any of them shows here."""
    if not any(probed.works for probed in probe_isolators()):
        pytest.skip("no sandbox works here")
    report = tmp_path / "report.json"
    bench = [sys.executable, str(HERE.parent / "bench/nano.py"), "nano", "--part", "tuning", "--count", "16"]
    command = [*bench, "--temperature", "0", "--json", str(report), "--show", "16"]
    done = subprocess.run(command, env=env_of(), capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(report.read_text())
    assert found["all"]["count"] == 16
    assert found["all"]["right"] >= PASSED * 16, done.stdout
