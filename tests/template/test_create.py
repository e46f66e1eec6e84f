"""A project's folder: all of it or nothing, and nothing outside of it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from lllm.cli.app import cli
from lllm.cli.template import check_name, find_template, list_templates, render_file, save_project, tokens_of
from lllm.errors import ConfigError, LLLMError
from lllm.sandbox.probe import probe_isolators

REPOSITORY = Path(__file__).parents[2]


def lllm(*args):
    return CliRunner().invoke(cli, list(args))


@pytest.fixture
def template(tmp_path):
    folder = tmp_path / "template"
    (folder / "__project_name__").mkdir(parents=True)
    (folder / "__project_name__/mod.py").write_text("import __project_name__  # {{project_name}} {{ project_name }}\n")
    (folder / "env.txt").write_text("{{PROJECT_NAME}}_KEY {name}")
    (folder / "raw.bin").write_bytes(b"\xff{{project_name}}")
    return folder


def test_only_the_three_tokens_are_replaced(template, tmp_path):
    """A starter holds prompts, whose own braces must survive."""
    save_project(find_template(str(template)), tmp_path / "my-proj", "my-proj")
    made = tmp_path / "my-proj"
    assert (made / "my_proj/mod.py").read_text() == "import my_proj  # my-proj {{ project_name }}\n"
    assert (made / "env.txt").read_text() == "MY_PROJ_KEY {name}"
    assert (made / "raw.bin").read_bytes() == b"\xff{{project_name}}"


def test_what_a_token_is_replaced_by_is_not_searched_again():
    assert render_file(b"{{project_name}}", {b"{{project_name}}": b"__x__", b"__x__": b"y"}) == b"__x__"


@pytest.mark.parametrize(
    "name", ["", "1a", "-a", "_a", "a b", "a/b", "..", "a.b", "a\n", "é", "x" * 65, "class", "match"]
)
def test_a_name_that_cannot_be_used_is_refused(name):
    with pytest.raises(ConfigError):
        check_name(name)


@pytest.mark.parametrize("name", ["demo", "my-proj", "A1_b"])
def test_a_good_name_is_taken(name):
    assert check_name(name) == name


def test_a_folder_that_is_there_is_never_touched(template, tmp_path):
    """Whatever it is: a folder, even an empty one, a file, or a link into nowhere."""
    for number, make in enumerate((Path.mkdir, Path.touch, lambda path: path.symlink_to("nowhere"))):
        target = tmp_path / f"there{number}"
        make(target)
        with pytest.raises(LLLMError, match="there already"):
            save_project(find_template(str(template)), target, "demo")


def test_a_failure_leaves_nothing_half_made(template, tmp_path):
    """The folder is made beside its place and renamed."""
    (template / "unreadable.txt").write_text("x")
    found = find_template(str(template))
    (template / "unreadable.txt").unlink()
    out = tmp_path / "out"
    with pytest.raises(LLLMError, match="cannot be written"):
        save_project(found, out / "demo", "demo")
    assert list(out.iterdir()) == []


def test_a_template_with_a_link_is_refused(template):
    """A link could bring any file of the machine into the project."""
    (template / "link.txt").symlink_to("/etc/hostname")
    with pytest.raises(ConfigError, match="plain files"):
        find_template(str(template))


def test_a_template_with_a_linked_folder_is_refused(template):
    (template / "link").symlink_to("/etc", target_is_directory=True)
    with pytest.raises(ConfigError, match="plain files"):
        find_template(str(template))


def test_no_path_of_a_template_leaves_the_project(template):
    from lllm.cli.template import render_path

    with pytest.raises(ConfigError, match="leaves"):
        render_path(Path("__project_name__/x"), {b"__project_name__": b".."})


def test_a_dry_run_writes_nothing(tmp_path):
    result = lllm("create", "--name", "demo", "--dir", str(tmp_path), "--dry-run")
    assert result.exit_code == 0
    assert "demo/lllm.toml" in result.stdout
    assert list(tmp_path.iterdir()) == []


def test_create_prints_files_and_the_next_steps(tmp_path):
    result = lllm("create", "--name", "demo", "--dir", str(tmp_path))
    made = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert set(result.stdout.splitlines()) == made
    assert "lllm run" in result.stderr
    assert lllm("create", "--name", "demo", "--dir", str(tmp_path)).exit_code == 1


def test_create_refuses_by_exit_code(tmp_path):
    assert lllm("create").exit_code == 2
    assert lllm("create", "--name", "a/b", "--dir", str(tmp_path)).exit_code == 2
    assert lllm("create", "--name", "demo", "--template", "nope", "--dir", str(tmp_path)).exit_code == 4


def test_templates_are_listed():
    assert list(list_templates()) == ["example", "init_template"]
    assert [told["name"] for told in json.loads(lllm("create", "--list", "--json").stdout)] == list(list_templates())


def test_the_starter_leaves_no_token_behind(tmp_path):
    save_project(find_template("init_template"), tmp_path / "my-demo", "my-demo")
    for path in (tmp_path / "my-demo").rglob("*"):
        assert not any(token.decode() in path.name for token in tokens_of("x"))
        if path.is_file():
            assert not any(token in path.read_bytes() for token in tokens_of("x")), path


def test_the_starter_reads_in_three_minutes(tmp_path):
    """It is the first code of ours that most people see."""
    files = save_project(find_template("init_template"), tmp_path / "demo", "demo")
    lines = sum(len((tmp_path / "demo" / file).read_text().splitlines()) for file in files)
    assert lines <= 250


def run_python(*words, cwd, **env):
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("LLLM_", "PYTEST_"))}
    env = {**clean, "PYTHONDONTWRITEBYTECODE": "1", **env}
    return subprocess.run([sys.executable, *words], cwd=cwd, env=env, capture_output=True, text=True, check=False)


def test_the_starters_own_tests_pass(tmp_path):
    """With plain pytest, offline, also where it lies inside a project that wants it otherwise."""
    (tmp_path / "pyproject.toml").write_text("[tool.pytest.ini_options]\naddopts = '--strict-markers -p no:lllm -k no'")
    save_project(find_template("init_template"), tmp_path / "my-demo", "my-demo")
    done = run_python(
        "-m", "pytest", "-q", "-p", "no:cacheprovider", cwd=tmp_path / "my-demo", PYTHONPATH=str(REPOSITORY)
    )
    assert done.returncode == 0, done.stdout
    assert "4 passed" in done.stdout


@pytest.mark.heavy
def test_the_wheel_brings_its_templates(tmp_path):
    """What works in a checkout may be absent from what is installed."""
    built = run_python(
        "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path), str(REPOSITORY), cwd=tmp_path
    )
    assert built.returncode == 0, built.stdout + built.stderr
    wheel = next(tmp_path.glob("*.whl"))
    site = tmp_path / "site"
    words = ("-m", "zipfile", "-e", str(wheel), str(site))
    assert run_python(*words, cwd=tmp_path).returncode == 0
    env = {"PYTHONPATH": str(site)}
    made = run_python("-m", "lllm", "create", "--name", "demo", cwd=tmp_path, **env)
    assert made.returncode == 0, made.stderr
    assert (tmp_path / "demo/.gitignore").is_file()
    ran = run_python("-m", "lllm", "run", "What does the fuel for 420 km cost?", cwd=tmp_path / "demo", **env)
    assert ran.stdout == "The fuel costs 49.14 euros.\n", ran.stderr
    assert run_python("-m", "lllm", "replay", "last", cwd=tmp_path / "demo", **env).returncode == 0
    made = run_python("-m", "lllm", "create", "--name", "shop", "--template", "example", cwd=tmp_path, **env)
    assert made.returncode == 0, made.stderr
    ran = run_python("-m", "lllm", "run", "How does honey sell?", cwd=tmp_path / "shop", **env)
    told = "From 2024-01 to 2025-12" if any(one.works for one in probe_isolators()) else "no sandbox works"
    assert told in ran.stdout, ran.stderr
