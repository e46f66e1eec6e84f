"""`lllm proxies import`: a document of a service becomes a file of the project, and nothing is left out in silence."""

from __future__ import annotations

import json
import sys

import pytest

from lllm.proxies.base import PROXY_REGISTRY


def operation(**more):
    return {"tags": ["pets"], "responses": {"200": {"content": {"application/json": {}}}}, **more}


SPEC = {
    "openapi": "3.0.3",
    "info": {"title": "Pets API", "version": "1"},
    "servers": [{"url": "https://pets.test/v1"}],
    "paths": {
        "/pets": {
            "get": operation(operationId="list"),
            "post": operation(operationId="add", deprecated=True),
        },
        "/shops/{id}": {
            "get": operation(operationId="shop", tags=["shops"], parameters=[{"name": "c", "in": "cookie"}]),
        },
    },
}


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A working folder without a project, with a document in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LLLM_CONFIG", raising=False)
    (tmp_path / ".git").mkdir()  # no project above
    (tmp_path / "pets.json").write_text(json.dumps(SPEC), encoding="utf-8")
    return tmp_path


@pytest.fixture
def in_project(place):
    """The same, with a project around it."""
    (place / "lllm.toml").write_text('[proxies]\nfolders = ["services"]\n', encoding="utf-8")
    return place


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def imports(lllm, *args, **more):
    return lllm("proxies", "import", *args, **more)


def test_the_module_goes_into_the_projects_folder_and_is_found_there(in_project, lllm, monkeypatch):
    """The folder is the first one that lllm.toml names; the next command knows the proxy."""
    monkeypatch.delenv("LLLM_AUTO_DISCOVER", raising=False)
    result = imports(lllm, "pets.json")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "pets: 2 of 3 operations ->" in result.stderr
    assert (in_project / "services" / "pets.py").read_text("utf-8").startswith('"""Pets API, version 1.\n')
    with PROXY_REGISTRY.isolated():
        code, found = json_of(lllm, "proxies", "test", "pets")
        assert code == 0
        assert {path: facts["status"] for path, facts in found.items()} == {
            "pets/pets/list": "ok",
            "pets/shops/shop": "ok",
        }


def json_of(lllm, *args):
    result = lllm(*args, "--json")
    return result.exit_code, json.loads(result.stdout)


def test_what_is_left_out_is_told_with_its_reason(in_project, lllm):
    """Whoever misses an endpoint later must know that it was never there."""
    told = imports(lllm, "pets.json").stderr
    assert "left out: 1 deprecated, such as POST /pets\n" in told
    assert "taken in part: 1 a parameter in the cookie, such as GET /shops/{id} c\n" in told


def test_the_report_has_every_one_of_them(in_project, lllm):
    """For programs, and for whoever wants to see all."""
    code, report = json_of(lllm, "proxies", "import", "pets.json")
    assert code == 0
    assert report.pop("notes") == ["The document does not say how a key is sent; none is."]
    assert report == {
        "name": "pets",
        "path": str(in_project / "services" / "pets.py"),
        "text": None,
        "base_url": "https://pets.test/v1",
        "api_key_in": "none",
        "operations": 3,
        "imported": 2,
        "endpoints": ["pets/pets/list", "pets/shops/shop"],
        "left_out": [{"operation": "POST /pets", "reason": "deprecated"}],
        "in_part": [{"operation": "GET /shops/{id}", "part": "c", "reason": "a parameter in the cookie"}],
    }


def test_without_a_project_the_module_goes_to_stdout(place, lllm):
    """A look at what would be written; with --json it is in the report."""
    text = imports(lllm, "pets.json").stdout
    compile(text, "pets.py", "exec")
    assert text.endswith("def shop(self) -> None: ...\n")
    assert json_of(lllm, "proxies", "import", "pets.json")[1]["text"] == text
    assert imports(lllm, "pets.json", "-o", "-").stdout == text
    assert names_in(place) == [".git", "pets.json"]


def test_a_project_that_loads_no_proxies_is_told_what_to_write(place, lllm):
    """The file alone would never be found."""
    (place / "lllm.toml").write_text("", encoding="utf-8")
    assert 'note: in lllm.toml, write: [proxies] folders = ["proxies"]' in imports(lllm, "pets.json").stderr
    assert (place / "proxies" / "pets.py").is_file()


def test_a_module_that_was_edited_is_not_overwritten(in_project, lllm):
    """Its text is the user's from then on; --force is for whoever wants it anew."""
    target = in_project / "mine.py"
    target.write_text("# mine", encoding="utf-8")
    result = imports(lllm, "pets.json", "-o", "mine.py")
    assert (result.exit_code, "--force" in result.stderr, target.read_text("utf-8")) == (2, True, "# mine")
    assert imports(lllm, "pets.json", "-o", "mine.py", "--force").exit_code == 0
    assert "class Pets" in target.read_text("utf-8")
    assert names_in(in_project) == [".git", "lllm.toml", "mine.py", "pets.json"]


def test_options_choose_what_is_imported_and_what_it_is_called(place, lllm):
    """By tag, by path, and also the deprecated."""
    assert json_of(lllm, "proxies", "import", "pets.json", "--only", "SHOPS", "--name", "zoo")[1]["endpoints"] == [
        "zoo/shops/shop"
    ]
    assert json_of(lllm, "proxies", "import", "pets.json", "--only", "/pets*", "--deprecated")[1]["endpoints"] == [
        "pets/pets/list",
        "pets/pets/add",
    ]
    assert json_of(lllm, "proxies", "import", "pets.json", "--base-url", "http://127.0.0.1:8/x")[1]["base_url"] == (
        "http://127.0.0.1:8/x"
    )


def test_yaml_and_stdin_are_read(place, lllm):
    """The other form of the same document; and one that another program just made."""
    text = imports(lllm, "pets.json").stdout
    assert imports(lllm, "-", stdin="# yaml\n" + json.dumps(SPEC)).stdout == text


REMOTE = {**SPEC, "paths": {"/pets": {"$ref": "pets.yaml#/x"}}}


@pytest.mark.parametrize(
    ("args", "content", "code", "told"),
    [
        (["none.json"], None, 4, "there is no such document"),
        (["."], None, 1, "cannot be read: Is a directory"),
        (["https://pets.test/openapi.json"], None, 2, "nothing is fetched"),
        (["spec"], "{}", 2, "no OpenAPI 3 document"),
        (["spec"], {"swagger": "2.0"}, 2, "Swagger 2.0"),
        (["spec"], {**SPEC, "servers": []}, 2, "--base-url"),
        (["spec", "--base-url", "pets.test"], SPEC, 2, "--base-url https://HOST/PATH"),
        (["spec", "--only", "cats"], SPEC, 4, "hint: tags: pets, shops"),
        (["spec", "--only", "pets", "--only", "/cats"], SPEC, 4, "no operation is meant by --only '/cats'"),
        (["spec", "--name", "../x"], SPEC, 2, "no module's name; such as x"),
        (["spec"], {**SPEC, "paths": {}}, 1, "nothing can be imported: it has no operations"),
        (["spec"], REMOTE, 1, "it refers to pets.yaml#/x: bundle it into one file first"),
    ],
)
def test_what_cannot_be_imported_is_told_in_a_line(place, lllm, args, content, code, told):
    """And nothing is written."""
    if content is not None:
        (place / "spec").write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    before = names_in(place)
    result = imports(lllm, *args)
    assert (result.exit_code, result.stdout) == (code, "")
    assert told in result.stderr
    assert names_in(place) == before


@pytest.mark.skipif(sys.platform == "win32", reason="/dev/full is of Linux")
def test_a_disk_that_is_full_is_told(place, lllm):
    """The module is not half there."""
    result = imports(lllm, "pets.json", "-o", "/dev/full")
    assert result.exit_code == 1
    assert "the module cannot be written" in result.stderr


def test_a_hostile_title_decides_no_path(in_project, lllm):
    """The default file's name is made of the title."""
    info = {"title": "../../../etc/cron.d/x\n", "version": "1"}
    (in_project / "spec").write_text(json.dumps({**SPEC, "info": info}), encoding="utf-8")
    assert imports(lllm, "spec").exit_code == 0
    assert [path.name for path in (in_project / "services").iterdir()] == ["etc_cron_d.py"]
