"""Config files: where they are found, what they may say, and where each value came from."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import lllm.config
from lllm.config import find_config_file, load_agent_config, load_config, render_config
from lllm.config.agent import to_overridden
from lllm.config.render import to_dict
from lllm.config.source import parse_scalar, parse_yaml
from lllm.errors import ConfigError
from lllm.utils import Secret


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A folder with a config, which the search cannot leave."""
    (tmp_path / ".git").mkdir()
    (tmp_path / "lllm.toml").write_text("")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def write(project):
    def write(name, text):
        path = project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


@pytest.fixture
def load(write):
    """Write an agent config and load it."""

    def load(text, *overrides, env=None):
        return load_agent_config(write("agent.yaml", text), env=env or {}, overrides=overrides)

    return load


@pytest.fixture
def refused(load, project):
    """Load a config that is wrong; return the whole text of the error, with places relative to the project."""

    def refused(text, *overrides, env=None):
        with pytest.raises(ConfigError) as caught:
            load(text, *overrides, env=env)
        return str(caught.value).replace(f"{project}/", "")

    return refused


# Finding lllm.toml


@pytest.mark.parametrize("name", ["lllm.toml", ".lllm.toml", "LLLM.toml"])
def test_the_config_is_found_upward_from_the_working_folder(project, write, monkeypatch, name):
    """A command works from any folder of a project."""
    (project / "lllm.toml").rename(project / name)
    inner = write("a/b/x.txt", "").parent
    monkeypatch.chdir(inner)
    assert find_config_file() == project / name


def test_the_search_ends_at_the_root_of_a_repository(project):
    """A config above it belongs to somebody else, and loading it would run their code."""
    inner = project / "repo" / "src"
    (project / "repo" / ".git").mkdir(parents=True)
    inner.mkdir()
    assert find_config_file(inner) is None


def test_the_search_ends_at_the_home_folder(project, monkeypatch):
    """As above."""
    home = project / "home"
    (home / "work").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    assert find_config_file(home / "work") is None


def test_the_search_ends_before_a_folder_that_all_users_share(project):
    """In /tmp anybody can put a lllm.toml above somebody else's folder."""
    (project / "mine").mkdir()
    project.chmod(0o1777)
    assert find_config_file(project / "mine") is None
    assert find_config_file(project) == project / "lllm.toml"


def test_the_search_ends_with_the_file_system():
    """The last folder has no parent."""
    assert find_config_file("/") is None


def test_the_environment_names_a_file_or_a_folder(project, write):
    """The named config wins over the one that would be found."""
    other = write("other/my.toml", "")
    folder = write("third/lllm.toml", "").parent
    assert find_config_file(env={"LLLM_CONFIG": str(other)}) == other
    assert find_config_file(env={"LLLM_CONFIG": str(folder)}) == folder / "lllm.toml"
    assert find_config_file(env={"LLLM_CONFIG": ""}) == project / "lllm.toml"


def test_a_named_config_that_does_not_exist_is_an_error(project):
    """Falling back silently would run another project."""
    with pytest.raises(ConfigError, match=r"\$LLLM_CONFIG names .* does not exist"):
        find_config_file(env={"LLLM_CONFIG": str(project / "no.toml")})
    (project / "empty").mkdir()
    with pytest.raises(ConfigError, match="holds none of"):
        find_config_file(env={"LLLM_CONFIG": str(project / "empty")})
    with pytest.raises(ConfigError, match="does not exist"):
        find_config_file(project / "nowhere")


def test_start_may_be_the_file_itself(project):
    """``auto_discover("proj/lllm.toml")`` is what people write."""
    assert find_config_file("lllm.toml") == project / "lllm.toml"


# Reading lllm.toml


def test_folders_are_below_the_file_and_other_tables_are_kept(write, project):
    """The file may lie anywhere; its folders go with it."""
    path = write(
        "lllm.toml", '[prompts]\nfolders = ["p", "q/../p2"]\n[agents]\nfolders = ["a"]\n[llm.x]\nmodel = "m"\n'
    )
    config = load_config(path)
    assert config.prompt_folders == (project / "p", project / "p2")
    assert config.agent_folders == (project / "a",)
    assert config.proxy_folders == ()
    assert config.tables == {"llm": {"x": {"model": "m"}}}


@pytest.mark.parametrize("name", ["../out", "/etc", "link", "p/../../x", "a\\u0000b"])
def test_a_folder_outside_of_the_project_is_refused(write, project, name):
    """Its files would be run; a symbolic link is no way around."""
    (project / "link").symlink_to("/usr")
    path = write("lllm.toml", f'[prompts]\nfolders = ["{name}"]\n')
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    assert caught.value.where.startswith(f"{path}:2:") or "\\u" in name
    assert "[prompts] folders" in caught.value.message


def test_a_link_in_circles_is_no_folder(write, project):
    """Python up to 3.12 refuses to resolve it; later ones leave it as it is."""
    (project / "loop").symlink_to("loop")
    path = write("lllm.toml", '[prompts]\nfolders = ["loop/x"]\n')
    try:
        folders = load_config(path).prompt_folders
    except ConfigError:
        folders = ()
    assert not any(folder.is_dir() for folder in folders)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("[prompts]\nfolders = [\n", "lllm.toml"),
        ("a = 1\nb = = 2\n", "lllm.toml:2:5: Invalid value"),
        ("prompts = 3\n", "lllm.toml:1:1: prompts is no table"),
        ("[prompts]\nfolders = 'p'\n", "lllm.toml:2:1: [prompts] folders is no list of texts"),
        ("[prompts]\nfolder = ['p']\n", "lllm.toml:2:1: [prompts] knows only folders, not 'folder'"),
        (b"a = '\xff'", "lllm.toml:1:6: the file is not UTF-8: byte 0xff"),
        (b"x = 1\n" * 200_000, "the file is larger than"),
        ("a=" + "[" * 9000, "nested too deep"),
    ],
)
def test_a_broken_lllm_toml_names_the_place(write, project, text, place):
    """The user goes to the line, not through the file."""
    with pytest.raises(ConfigError) as caught:
        load_config(write("lllm.toml", text))
    assert place in str(caught.value).replace(f"{project}/", "")


# Reading an agent config

WHOLE = """\
base: base.yaml
name: demo
max_interrupt_times: null
agent_configs:
  analyst: {model_name: "${MODEL:-gpt}", stop: [c], top_p: 1e-3}
"""
BASE = """\
provider: mock
random_seed: 7
log_type: none
agent_configs:
  analyst: {model_name: m, temperature: 0.5, stop: [a, b]}
  writer: {model_name: w}
"""


def test_redaction_can_be_switched_off_and_sessions_limited(load):
    """Both are what the rooms above read; a schema that refuses them hides a feature."""
    values = load("log_redact: false\nsession_limits: {max_tokens: 5}\nmax_parallel_functions: 2\n").values
    assert (values["log_redact"], values["session_limits"]) == (False, {"max_tokens": 5})
    with pytest.raises(ConfigError, match="log_redact"):
        load("log_redact: true\n")


@pytest.mark.parametrize(("provider", "kept"), [("openai", {}), ("mock", {"provider_config": {"replies": ["a"]}})])
def test_another_provider_starts_its_settings_afresh(load, write, provider, kept):
    """A base with the mock's rules must not break the config that puts a real model in its place."""
    write("base.yaml", "provider: mock\nprovider_config: {replies: [a]}\n")
    values = load(f"base: base.yaml\nprovider: {provider}\n").values
    assert {key: values[key] for key in ("provider_config",) if key in values} == kept


def test_a_config_is_its_base_with_its_own_values_on_top(load, write):
    """Mappings join, lists are replaced, defaults fill in."""
    write("base.yaml", BASE)
    config = load(WHOLE, "agent_configs.writer.temperature=0.1", env={"MODEL": "big"})
    assert config.values == {
        "provider": "mock",
        "random_seed": 7,
        "log_type": "none",
        "agent_configs": {
            "analyst": {"model_name": "big", "temperature": 0.5, "stop": ["c"], "top_p": 0.001},
            "writer": {"model_name": "w", "temperature": 0.1},
        },
        "name": "demo",
        "max_interrupt_times": None,
        "log_durability": "barrier",
        "auto_discover": True,
        "max_exception_retry": 3,
        "max_llm_recall": 2,
    }


def test_every_leaf_has_an_origin(load, write, project):
    """``why is this 0.5?`` has an answer."""
    write("base.yaml", BASE)
    config = load(WHOLE, "agent_configs.writer.temperature=0.1")
    where = {path: place.replace(f"{project}/", "") for path, place in config.origins.items()}
    assert where == {
        "provider": "base.yaml:1:11",
        "random_seed": "base.yaml:2:14",
        "log_type": "base.yaml:3:11",
        "agent_configs.analyst.model_name": "agent.yaml:5:25",
        "agent_configs.analyst.temperature": "base.yaml:5:41",
        "agent_configs.analyst.stop.0": "agent.yaml:5:49",
        "agent_configs.analyst.top_p": "agent.yaml:5:60",
        "agent_configs.writer.model_name": "base.yaml:6:24",
        "agent_configs.writer.temperature": "--set",
        "name": "agent.yaml:2:7",
        "max_interrupt_times": "agent.yaml:3:22",
        "log_durability": "default",
        "auto_discover": "default",
        "max_exception_retry": "default",
        "max_llm_recall": "default",
    }
    assert [file.name for file in config.files] == ["agent.yaml", "base.yaml"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("- a\n", "agent.yaml:1:1: expected a mapping, got a list"),
        ("just text\n", "agent.yaml:1:1: expected a mapping, got a text"),
        ("", "agent.yaml:1:1: the file is empty"),
        ("# nothing\n", "agent.yaml:1:1: the file is empty"),
        ("name: a\nprovider: b\nname: c\n", "agent.yaml:3:1: the key 'name' stands twice; first at agent.yaml:1:1"),
        ("agent_configs: {a: {x: 1, x: 2}}\n", "agent.yaml:1:27: the key 'x' stands twice; first at agent.yaml:1:21"),
        ("nam: a\n", "agent.yaml:1:1: unknown key 'nam' (did you mean 'name'?)"),
        ("zzzzz: a\n", "agent.yaml:1:1: unknown key 'zzzzz' (known: "),
        ("name: [a]\n", "agent.yaml:1:7: name: expected a text, got a list"),
        ("name:\n", "name: expected a text, got nothing"),
        ("max_llm_recall: -1\n", "agent.yaml:1:17: max_llm_recall: expected 0 or more, got -1"),
        ("max_llm_recall: null\n", "max_llm_recall: expected a whole number, got nothing"),
        ("max_llm_recall: true\n", "expected a whole number, got a boolean (True)"),
        ("auto_discover: no\n", "auto_discover: expected true or false, got a text ('no')"),
        ("agent_configs: [a]\n", "agent.yaml:1:16: agent_configs: expected a mapping, got a list"),
        ("agent_configs: {a: }\n", "agent_configs.a: expected a mapping, got nothing"),
        (
            "agent_configs: {a: {model_nam: x}}\n",
            "agent.yaml:1:21: unknown key 'agent_configs.a.model_nam' (did you mean",
        ),
        (
            "agent_configs: {a: {model_args: {seed: 7}}}\n",
            "agent.yaml:1:21: unknown key 'agent_configs.a.model_args' (its keys stand beside model_name)",
        ),
        (
            "agent_configs: {a: {api_type: completions}}\n",
            "expected completion or response, got 'completions' (did you",
        ),
        ("activate_proxies: [wa, 3]\n", "agent.yaml:1:24: activate_proxies.1: expected a text, got a whole number (3)"),
        ("activate_proxies: wa\n", "activate_proxies: expected a list of texts, got a text ('wa')"),
        ("cutoff_date: 2024-1-1\n", "agent.yaml:1:14: cutoff_date: expected a day YYYY-MM-DD, got a text ('2024-1-1')"),
        ("cutoff_date: 2024\n", "cutoff_date: expected a day YYYY-MM-DD, got a whole number (2024)"),
        ("deploy_mode: 1\n", "deploy_mode: expected true or false, got a whole number (1)"),
        ("limits: {max_token: 3}\n", "agent.yaml:1:10: unknown key 'limits.max_token' (did you mean 'max_tokens'?)"),
        ("limits: 3\n", "limits: expected a mapping, got a whole number (3)"),
        ("limits: {deadline_s: -0.5}\n", "limits.deadline_s: expected 0 or more, got -0.5"),
        ("log_durability: barier\n", "(did you mean 'barrier'?)"),
        ("a: {\n", "agent.yaml:2:1: not YAML: "),
        ("name: a\n\tb: c\n", "agent.yaml:2:1: not YAML: "),
        ("name: a\x00b\n", "agent.yaml:1:8: not YAML: character "),
        ("5: a\n", "agent.yaml:1:1: a key must be a text"),
        ("? [a]\n: b\n", "a key must be a text"),
        ("name: !!python/object/apply:os.system [ls]\n", "agent.yaml:1:7: the tag"),
        ("name: !!binary aGk=\n", "means nothing here"),
        ("name: !!int abc\n", "agent.yaml:1:7: 'abc' is no int"),
        ("random_seed: " + "9" * 5000 + "\n", "agent.yaml:1:14: '999"),
        ("provider_config: &a [*a]\n", "nested deeper than 60"),
        ("name: " + "[" * 3000, "nested too deep"),
        ("<<: 3\n", "agent.yaml:1:5: << takes a mapping"),
        (b"name: \xc3\xa9\xff\n", "agent.yaml:1:8: the file is not UTF-8: byte 0xff"),
        ("name: x".encode("utf-16"), "agent.yaml:1:1: the file is not UTF-8"),
        ("---\nname: a\n---\nname: b\n", "agent.yaml:3:1: not YAML: "),
    ],
)
def test_each_fault_names_its_place(refused, text, told):
    """A config is repaired by its place, by somebody who did not write this library."""
    assert told in refused(text)


def test_all_faults_are_told_at_once(refused):
    """One run, one repair."""
    text = refused("nam: a\nmax_llm_recall: -1\n")
    assert "2 faults" in text
    assert "\n  agent.yaml:1:1: unknown" in text
    assert "\n  agent.yaml:2:17: max" in text


def test_an_alias_bomb_is_refused(refused):
    """Nine lines can stand for a thousand million values."""
    lines = ["a: &a [x, x, x, x, x, x, x, x, x, x]"]
    lines += [
        f"{key}: &{key} [{', '.join(['*' + before] * 10)}]" for before, key in zip("abcdefgh", "bcdefghi", strict=True)
    ]
    assert "more than 20000 values" in refused("\n".join(lines))


def test_a_byte_order_mark_is_no_part_of_the_text(load):
    """Editors on Windows write one."""
    assert load(b"\xef\xbb\xbfname: a\n").values["name"] == "a"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"), ("on", "on"), ("yes", "yes"), ("true", True), ("False", False), ("~", None), ("", None),
        ("1e-3", 0.001), ("010", 10), ("0x1F", 31), ("0o17", 15), (".5", 0.5), ("-1", -1), ("1:30", "1:30"),
        ("2024-01-01", "2024-01-01"), (".nan", ".nan"), ("1_000", "1_000"), ("'5'", "5"), ("!!str 5", "5"), ("<", "<"),
    ],
)  # fmt: skip
def test_scalars_are_those_of_yaml_1_2(text, value):
    """``no`` is Norway, a date is a text, and 1e-3 is a number."""
    node = parse_yaml(f"k: {text}", "f")
    assert node.value["k"].value == value
    assert type(node.value["k"].value) is type(value)


@given(st.text())
def test_a_plain_scalar_never_raises(text):
    """Any text may come out of a variable."""
    assert parse_scalar(text + "x") == text + "x" or parse_scalar(text + "x") is not None


def test_merge_keys_work(load):
    """Anchors are how YAML shares settings; what is written out wins."""
    config = load("agent_configs:\n  a: &a {model_name: m, t: 1}\n  b: {<<: *a, t: 2}\n  c: {<<: [{t: 3}, *a]}\n")
    assert config.values["agent_configs"]["b"] == {"model_name": "m", "t": 2}
    assert config.values["agent_configs"]["c"] == {"model_name": "m", "t": 3}


# base


def test_bases_of_bases_are_laid_below(load, write):
    """Relative to the file that names them."""
    write("sub/mid.yaml", "base: ../low.yaml\nname: mid\n")
    write("low.yaml", "name: low\nprovider: p\n")
    assert load("base: sub/mid.yaml\n").values["name"] == "mid"
    assert load("base: sub/mid.yaml\n").values["provider"] == "p"
    assert load("base: ${B}\n", env={"B": "low.yaml"}).values["name"] == "low"


@pytest.mark.parametrize(
    ("base", "told"),
    [
        ("agent.yaml", "base goes in circles: agent.yaml -> agent.yaml"),
        ("circle.yaml", "base goes in circles: agent.yaml -> circle.yaml -> agent.yaml"),
        ("no.yaml", "agent.yaml:1:7: base: there is no file 'no.yaml'"),
        ("../out.yaml", "leaves the project"),
        ("/etc/hosts", "leaves the project"),
        ("link.yaml", "leaves the project"),
        ("loop.yaml", "base: "),
        ("[a]", "agent.yaml:1:7: base: expected a file's name, got a list"),
        ('"a\\0b"', "base: 'a\\x00b' is no file"),
        ("broken.yaml", "broken.yaml:1:1: expected a mapping"),
    ],
)
def test_a_base_that_cannot_be_used_is_refused(refused, write, project, base, told):
    """A config may come from somebody else; its base must not read this machine's files."""
    write("circle.yaml", "base: agent.yaml\n")
    write("broken.yaml", "- a\n")
    (project / "link.yaml").symlink_to("/etc/hosts")
    (project / "loop.yaml").symlink_to("loop.yaml")
    assert told in refused(f"base: {base}\n")


def test_without_a_project_the_files_own_folder_is_the_limit(tmp_path):
    """There is always a limit."""
    (tmp_path / ".git").mkdir()
    (tmp_path / "a").mkdir()
    (tmp_path / "up.yaml").write_text("name: up\n")
    path = tmp_path / "a" / "x.yaml"
    path.write_text("base: ../up.yaml\n")
    with pytest.raises(ConfigError, match="leaves the project"):
        load_agent_config(path, env={})
    assert load_agent_config(path, env={}, root=tmp_path).values["name"] == "up"


# Variables


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${A}", "1x"), ("x-${A}-${B:-b}", "x-1x-b"), ("${EMPTY:-d}", "d"), ("${EMPTY}", None), ("$${A}", "${A}"),
        ("'${N}'", "5"), ("${N}", 5), ("${B:-}", None), ("$A {A}", "$A {A}"), ("${M:-true}", True),
    ],
)  # fmt: skip
def test_variables_stand_in_texts(load, text, value):
    """A plain value is read again with its variable in it; a quoted one stays a text."""
    env = {"A": "1x", "EMPTY": "", "N": "5"}
    assert load(f"provider_config:\n  x: {text}\n", env=env).values["provider_config"] == {"x": value}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("${NOPE}", "agent.yaml:1:7: $NOPE is not set"),
        ("${}", "is no variable"),
        ("${1A}", "is no variable"),
        ("a ${A", "'${A' is no variable"),
        ("${A-b}", "is no variable"),
        ("${A:-${B}}", "is no variable"),
    ],
)
def test_a_variable_that_cannot_be_filled_names_its_place(refused, text, told):
    """An empty key or path would fail much later, far from here."""
    assert told in refused(f"name: {text}\n", env={"A": "a"})


def test_a_variable_that_is_overridden_need_not_be_set(load):
    """Only what counts is looked up."""
    assert load("name: ${NOPE}\n", "name=x").values["name"] == "x"


def test_secrets_are_used_and_not_shown(load):
    """``config show`` is pasted into bug reports."""
    config = load("provider_config: {api_key: '${K}', max_tokens: 5}\n", env={"K": "sk-123"})
    assert config.values["provider_config"]["api_key"] == "sk-123"
    assert isinstance(config.values["provider_config"]["api_key"], Secret)
    assert "sk-123" not in render_config(config, origin=True) + json.dumps(to_dict(config)) + repr(config)
    assert 'provider_config.api_key = "<api_key>"' in render_config(config)
    assert to_dict(config)["values"]["provider_config"]["max_tokens"] == 5


# Places


def test_a_log_dir_counts_from_the_project(write, project, monkeypatch):
    """One file, one log, whoever reads the file and from wherever."""
    path = write("config/agent.yaml", "log_dir: logs/here\n")
    monkeypatch.chdir(path.parent)
    config = load_agent_config(path, env={})
    assert config.values["log_dir"] == str(project / "logs/here")
    assert config.origins["log_dir"] == f"{path}:1:10"
    assert load_agent_config(path, env={}, overrides=["log_dir=/else"]).values["log_dir"] == "/else"
    assert load_agent_config(path, env={}, root=path.parent).values["log_dir"] == str(path.parent / "logs/here")


def test_a_log_dir_that_is_not_set_is_the_projects_too(write, project):
    """A log that is not on disk has none."""
    path = write("config/agent.yaml", "log_dir:\n")
    assert load_agent_config(path, env={}).values["log_dir"] == str(project / ".lllm/logs")
    assert not load_agent_config(path, env={}, overrides=["log_type=memory"]).values["log_dir"]


def test_the_environment_may_name_the_project_of_a_log(write, project):
    """``$LLLM_CONFIG`` decides for the command line, so it does for code."""
    other = write("other/lllm.toml", "").parent
    path = write("agent.yaml", "name: a\n")
    assert load_agent_config(path, env={"LLLM_CONFIG": str(other)}).values["log_dir"] == str(other / ".lllm/logs")


def test_without_a_project_a_log_dir_counts_from_the_working_directory(write, project, monkeypatch):
    """As every path that a person types."""
    (project / "lllm.toml").unlink()
    path = write("config/agent.yaml", "name: a\n")
    work = project / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    assert load_agent_config(path, env={}).values["log_dir"] == str(work / ".lllm/logs")


def test_a_session_has_no_limit_of_waiting(refused):
    """It was accepted and ignored; only calls wait."""
    told = "agent.yaml:1:35: session_limits.max_total_wait_s: it is a limit of each call; set limits.max_total_wait_s"
    assert told in refused("session_limits: {max_tokens: 500, max_total_wait_s: 3}\n")
    assert "expected a whole number" in refused("session_limits: {max_tokens: 1.5, max_total_wait_s: 3}\n")
    assert "expected a mapping" in refused("session_limits: 5\n")


# --set


def test_settings_replace_what_is_at_their_place(load):
    """Later ones win; the value is YAML; a key with a dot stands in quotes."""
    config = load(
        "agent_configs: {a: {stop: [x], extra: {k: 1}}}\n",
        "agent_configs.a.stop=[y, 1]",
        "agent_configs.a.extra={l: 2}",
        'agent_configs."b.c".model_name=m=1',
        "name=first",
        "name=no",
        "random_seed=",
    )
    assert config.values["agent_configs"] == {"a": {"stop": ["y", 1], "extra": {"l": 2}}, "b.c": {"model_name": "m=1"}}
    assert config.values["name"] == "no"
    assert config.values["random_seed"] is None
    assert config.origins['agent_configs."b.c".model_name'] == "--set"
    assert config.origins["agent_configs.a.extra.l"] == "--set"


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("name", "'name' is no setting"),
        ("=3", "is no setting"),
        ("a..b=3", "is no setting"),
        ("name.x=3", "name is no mapping, so it has no 'x'"),
        ("nam=3", "--set: unknown key 'nam'"),
        ("max_llm_recall=-1", "--set: max_llm_recall: expected 0 or more"),
        ("name=[", "--set name:1:"),
        ("base=other.yaml", "unknown key 'base'"),
    ],
)
def test_a_setting_that_is_wrong_says_so(refused, setting, told):
    """A setting that is silently ignored is the worst kind."""
    assert told in refused("name: a\n", setting)


def test_settings_are_laid_over_a_config_that_was_recorded():
    """A fork changes what the log says; nothing of the file need be there any more."""
    recorded = {"name": "a", "agent_configs": {"x": {"stop": ["y"], "model_name": "m"}}}
    changed = to_overridden(recorded, ["agent_configs.x.model_name=n", "max_llm_recall=1"])
    assert changed == {**recorded, "agent_configs": {"x": {"stop": ["y"], "model_name": "n"}}, "max_llm_recall": 1}
    assert recorded["agent_configs"]["x"]["model_name"] == "m"
    same = to_overridden(recorded, [])
    assert same == recorded
    assert same is not recorded
    with pytest.raises(ConfigError, match="max_llm_recall: expected 0 or more"):
        to_overridden(recorded, ["max_llm_recall=-1"])


def test_a_day_is_a_text(load):
    """As YAML 1.2 has it, and as a log keeps it."""
    assert load("cutoff_date: 2024-01-31\n").values["cutoff_date"] == "2024-01-31"
    assert load("cutoff_date: null\n").values["cutoff_date"] is None


# Rendering


def test_the_effective_config_is_shown_with_its_origins(load, project):
    """One value a line; the type shows."""
    text = render_config(load("name: '5'\nlimits: {}\nlog_redact: [a]\n"), origin=True).replace(f"{project}/", "")
    lines = [line.split("   # ") for line in text.split("\n")]
    assert [(value.strip(), origin) for value, origin in lines[:3]] == [
        ('name = "5"', "agent.yaml:1:7"),
        ("limits = {}", "agent.yaml:2:9"),
        ('log_redact.0 = "a"', "agent.yaml:3:14"),
    ]
    assert "max_llm_recall = 2" in lines[-2][0]
    assert "#" not in render_config(load("name: a\n"))


def test_to_dict_is_json(load, project):
    """``--json`` of the same."""
    data = json.loads(json.dumps(to_dict(load("name: a\n"))))
    assert data["values"]["name"] == "a"
    assert data["path"] == data["files"][0] == str(project / "agent.yaml")


def test_the_example_is_valid():
    """It is the first config that people copy."""
    example = Path(__file__).parents[2] / "lllm.toml.example"
    config = load_config(example)
    assert [folder.name for folder in config.prompt_folders] == ["prompts"]
    assert [folder.name for folder in config.proxy_folders] == ["proxies"]


def test_the_face_offers_every_name_it_lists():
    """The names are loaded on first use, so a wrong entry would show only then."""
    assert all(getattr(lllm.config, name) is not None for name in lllm.config.__all__)
    with pytest.raises(AttributeError, match="nonsense"):
        _ = lllm.config.nonsense


def test_importing_config_imports_no_yaml():
    """A run without a config starts without it."""
    code = "import sys, lllm.config; sys.exit(bool({'yaml', 'pydantic', 'tomllib'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_file_that_cannot_be_read_is_a_config_error(project):
    """A folder, or nothing at all, in the place of a file."""
    for path in (project, project / "no.yaml", project / "no" / "x.yaml"):
        with pytest.raises(ConfigError, match="cannot read the file"):
            load_agent_config(path, env={})
