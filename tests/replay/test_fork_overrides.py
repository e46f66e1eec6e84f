"""What may be different in a fork: a model, a setting, a prompt, the whole config; and what no log keeps."""

import json
from typing import ClassVar

import pytest
from systems import AsyncGreeter, Greeter, config, greeted

from lllm.errors import ConfigError, NotRegisteredError, ReplayDiverged
from lllm.llm.base import AGENT_REGISTRY, build_agent
from lllm.llm.prompts import PROMPT_REGISTRY
from lllm.replay import Overrides, fork, replay, resume
from lllm.replay.overrides import to_overridden_header
from lllm.replay.rerun import prompts_replaced

KEY = "sk-not-a-key-of-anybody-0123456789"


@pytest.fixture
def log(tmp_path):
    return greeted(tmp_path / "logs")


def stored(log, name):
    return b"".join(path.read_bytes() for path in sorted((log.folder / name).rglob("*")) if path.is_file())


def model_of(log, name, step):
    """Return the model that a step of a run asked."""
    events = list(log.read_run(name))
    request = next(e for e in events if (e.kind, e.id) == ("model.request", step))
    (contract,) = [e for e in events if e.data.get("fingerprint") == request.data["contract"]]
    return contract.data["model"]


def test_a_fork_runs_what_the_header_names(log):
    report = fork(log, "s")
    assert report.result == "re: again Ann"
    assert replay(log, report.session).status == "same"


def test_an_async_system_is_forked_and_resumed(tmp_path):
    log = greeted(tmp_path, AsyncGreeter)
    report = fork(log, "s", "1/s0")
    assert report.result == "re: again Ann"
    lines = (log.folder / report.session / "events-000001.jsonl").read_bytes().splitlines(keepends=True)
    (log.folder / report.session / "events-000001.jsonl").write_bytes(b"".join(lines[:4]))
    assert resume(log, report.session).result == "re: again Ann"


def test_another_model(log):
    """Its past was asked of the old model; the fork's log says what today's code would have asked, and what was said."""
    name = fork(log, "s", overrides=Overrides(model="m2")).session
    assert model_of(log, name, "1/s1") == "m2"
    replies = [[e.data["model"] for e in log.read_run(of) if e.kind == "model.reply"] for of in ("s", name)]
    assert replies == [["m1", "m1"], ["m1", "m2"]]
    assert replay(log, name).status == "same"


def test_another_model_for_one_agent(log):
    name = fork(log, "s", overrides=Overrides(model="main=m3")).session
    assert model_of(log, name, "1/s1") == "m3"


def test_an_agent_that_is_none_is_refused(log):
    with pytest.raises(ConfigError, match="no agent is configured as 'mian'") as raised:
        fork(log, "s", overrides=Overrides(model="mian=m3"))
    assert raised.value.hint == "there are: main"
    assert list(log.session_names()) == ["s"]


def test_another_setting(log):
    name = fork(log, "s", overrides=Overrides(("agent_configs.main.temperature=0.5",))).session
    header = next(log.read_run(name)).data
    assert header["config"]["agent_configs"]["main"]["temperature"] == 0.5
    assert replay(log, name).status == "same"


@pytest.mark.parametrize("setting", ["no equals sign", "=1", "agent_configs=3"])
def test_a_setting_that_does_not_fit_is_refused(log, setting):
    with pytest.raises(ConfigError):
        fork(log, "s", overrides=Overrides((setting,)))
    assert list(log.session_names()) == ["s"]


def test_another_prompt(log):
    """The file of the prompt stays as it is: the fork's header keeps the text, so that it replays."""
    report = fork(log, "s", overrides=Overrides(prompts={"greet/main": "You are polite."}))
    assert report.result == "Dear again Ann"
    assert PROMPT_REGISTRY["greet/main"].prompt == "You are short."
    assert replay(log, report.session).status == "same"
    assert replay(log, "s").status == "same"


def test_a_fork_of_a_fork_keeps_the_other_prompt(log):
    one = fork(log, "s", overrides=Overrides(prompts={"greet/main": "You are polite."})).session
    two = fork(log, one)
    assert two.result == "Dear again Ann"
    assert replay(log, two.session).status == "same"


def test_a_prompt_that_is_not_registered_is_refused(log):
    with pytest.raises(NotRegisteredError, match="greet/mian"):
        fork(log, "s", overrides=Overrides(prompts={"greet/mian": "x"}))
    assert list(log.session_names()) == ["s"]


def test_a_prompt_that_does_not_parse_is_refused(log):
    with pytest.raises(ConfigError):
        fork(log, "s", overrides=Overrides(prompts={"greet/main": "a {brace"}))
    assert list(log.session_names()) == ["s"]
    assert PROMPT_REGISTRY["greet/main"].prompt == "You are short."


def test_prompts_come_back_after_the_block_and_after_an_error(log):
    """A process that forks in a loop must not carry one candidate into the next."""
    before = PROMPT_REGISTRY["greet/main"]
    with prompts_replaced({"greet/main": "one"}):
        assert PROMPT_REGISTRY["greet/main"].prompt == "one"
    assert PROMPT_REGISTRY["greet/main"] is before
    with pytest.raises(ZeroDivisionError), prompts_replaced({"greet/main": "two"}):
        raise ZeroDivisionError
    assert PROMPT_REGISTRY["greet/main"] is before


def test_prompts_come_back_with_their_origin(log):
    """`lllm prompts list` tells where each comes from."""
    before = PROMPT_REGISTRY.origin("greet/main")
    with prompts_replaced({"greet/main": "one"}):
        assert PROMPT_REGISTRY.origin("greet/main") == before
    assert PROMPT_REGISTRY.origin("greet/main") == before


def test_one_prompt_that_does_not_fit_leaves_the_others_as_they_were(log, tmp_path):
    with pytest.raises((ConfigError, NotRegisteredError)), prompts_replaced({"greet/main": "one", "greet/none": "x"}):
        raise AssertionError("not reached")
    assert PROMPT_REGISTRY["greet/main"].prompt == "You are short."


def test_of_two_prompts_the_first_comes_back_when_the_second_is_broken(log):
    PROMPT_REGISTRY.register("greet/other", PROMPT_REGISTRY["greet/main"], origin="here:1:1")
    with (
        pytest.raises(ConfigError),
        prompts_replaced({"greet/main": "changed", "greet/other": "a {brace"}),
    ):
        raise AssertionError("not reached")
    assert PROMPT_REGISTRY["greet/main"].prompt == "You are short."


def test_another_config(log, tmp_path):
    other = config(tmp_path / "logs", agent_configs={"main": {"model_name": "m9", "system_prompt_path": "greet/main"}})
    name = fork(log, "s", overrides=Overrides(config=other)).session
    assert model_of(log, name, "1/s1") == "m9"
    assert replay(log, name).status == "same"


def test_overrides_lie_over_another_config(log, tmp_path):
    name = fork(log, "s", overrides=Overrides(config=config(tmp_path / "logs"), model="m8")).session
    assert model_of(log, name, "1/s1") == "m8"


# --- secrets -----------------------------------------------------------------------------------------------------------


def with_key(folder):
    return config(folder, provider_config={"api_key": KEY, "rules": config(folder)["provider_config"]["rules"]})


class Seen:
    """Keeps what systems were built from."""

    configs: ClassVar[list] = []


@pytest.fixture
def keyed(tmp_path):
    """A session whose config held a key; its agents have no need of it."""
    Seen.configs = []

    class Keyed(Greeter, register=False):
        agent_type = "greeter"

        def __init__(self, config, *args, **options):
            Seen.configs.append(json.loads(json.dumps(config)))
            given = {key: part for key, part in config["provider_config"].items() if key != "api_key"}
            super().__init__({**config, "provider_config": given}, *args, **options)
            self.config = dict(config)

    folder = tmp_path / "logs"
    log = greeted(folder, Keyed)
    build_agent(with_key(folder))("Ann", session_name="keyed")
    return log


def test_a_session_whose_config_held_a_secret_is_refused_and_the_key_named(keyed):
    for act in (fork, resume):
        name = "keyed"
        if act is resume:
            file = keyed.folder / name / "events-000001.jsonl"
            file.write_bytes(b"".join(file.read_bytes().splitlines(keepends=True)[:4]))
        with pytest.raises(ConfigError, match=r"does not keep: provider_config\.api_key") as raised:
            act(keyed, name)
        assert "-c" in raised.value.hint


def test_the_secret_of_a_config_that_is_given_is_used_and_not_in_the_forks_log(keyed, tmp_path):
    Seen.configs.clear()
    name = fork(keyed, "keyed", overrides=Overrides(config=with_key(tmp_path / "logs"))).session
    assert [built["provider_config"]["api_key"] for built in Seen.configs] == [KEY]
    assert KEY.encode() not in stored(keyed, name)
    assert next(keyed.read_run(name)).data["config"]["provider_config"]["api_key"] == "[redacted]"


def test_the_header_is_public_before_any_redactor_sees_it(tmp_path):
    """A redactor knows only the secrets that it was told of."""
    header = to_overridden_header({}, Overrides(config=with_key(tmp_path)))
    assert header["config"]["provider_config"]["api_key"] == "[redacted]"
    assert KEY not in json.dumps(header)


def test_a_system_that_is_not_registered_any_more_is_told(tmp_path):
    with AGENT_REGISTRY.isolated():
        log = greeted(tmp_path)
    for act in (fork, replay):
        with pytest.raises(NotRegisteredError, match="greeter"):
            act(log, "s")


def test_a_prompt_that_changes_what_the_code_does_is_refused_with_the_place(log):
    """An empty text sends no system message: the dialog has another number of them."""
    with pytest.raises(ReplayDiverged) as raised:
        fork(log, "s", overrides=Overrides(prompts={"greet/main": ""}))
    assert "lllm fork s@" in raised.value.hint
