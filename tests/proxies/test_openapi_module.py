"""The text of a module: what it may hold, whatever the document says, and how it looks."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openapi_values import OK, check_shape, document, get, issues_of, load, module_of, whole

from lllm.proxies.openapi import Wanted, build_plan, parse_document, render_module
from lllm.proxies.openapi.literal import Word, render_text, render_value
from lllm.proxies.openapi.names import Names, to_class_name, to_line, to_name, to_title_name

RUFF = Path(sys.executable).with_name("ruff")

WHOLE = """\
\"\"\"Pets API, version 1.

Made by `lllm proxies import`, and yours to edit. Under a cutoff date an endpoint is
refused until `dt_cutoff`, `cutoff_params` or `timeless` says how its answers are cut
off.
\"\"\"

from lllm import BaseProxy, ProxyRegistrator


@ProxyRegistrator(
    path="pets",
    name="Pets API",
    description="All about pets.",
)
class Pets(BaseProxy):
    \"\"\"Endpoints of Pets API.\"\"\"

    base_url = "https://pets.test/v1"
    # The key is an access token of oauth2; getting one is not done here.
    api_key_env = "PETS_API_KEY"
    api_key_in = "bearer"

    @BaseProxy.endpoint(
        category="pets",
        endpoint="rename",
        description="Give a pet a name.",
        path="/pets/{id}/name",
        method="PUT",
        params={
            "$id*": (int, 7),
            "dry_run": (bool, True),
            "@X-Reason": (str, "text"),
            "#name*": (str, "Tom", ("Tom", 'O"Hara')),
        },
        response={"name": "Tom"},
    )
    def rename(self) -> None: ...
"""


def test_a_module_looks_as_a_person_would_write_it():
    """It is made once, and then read and edited."""
    assert module_of(whole()) == WHOLE
    assert issues_of(WHOLE) == {}
    check_shape(WHOLE)


def test_equal_documents_give_equal_texts():
    """So that a second import shows in a diff what the service changed; sets and hashes must not show."""
    program = "import sys; sys.path[:0] = sys.argv[1:3]; from openapi_values import module_of, whole; print(module_of(whole()), end='')"
    paths = [str(Path(__file__).parent), str(Path(__file__).parents[2])]
    texts = {
        subprocess.run(
            [sys.executable, "-c", program, *paths],
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert texts == {WHOLE}


EVIL = [
    '"""',
    "'''",
    '"); import os; os.system("id"); ("',
    "\\",
    '\\"',
    "{x}",
    "%s",
    "a\nimport os",
    "a\r\nb",
    "a\u2028b",
    "\x00",
    "\ud800",
    "\u202e\u2066)(nur",
    "שלום",
    "e\u0301",
    "\u200b",
    "👩‍👩‍👧",
    "中文" * 60,
    "x" * 5000,
    "# noqa",
    "__class__",
    "lambda: 0",
    "0",
    " ",
    "",
    "import",
    "None",
    "self",
    "*",
    "$",
    "@",
    "../../etc/passwd",
]


def poisoned(evil):
    """Return a document with a text in every place that has one."""
    schema = {
        "type": "object",
        "required": [evil],
        "properties": {evil: {"type": "string", "enum": [evil], "example": evil}},
    }
    operation = {
        "operationId": evil,
        "summary": evil,
        "tags": [evil],
        "servers": [{"url": evil}] if evil == "{x}" else [],
        "parameters": [
            {"name": evil, "in": "query", "example": evil, "schema": {"type": evil, "default": evil, "format": evil}},
            {"name": evil, "in": "header", "schema": {"enum": [evil, f"{evil}2"]}},
            {"name": evil, "in": "path", "required": True, "schema": {"type": "string", "example": evil}},
            {"name": evil, "in": evil},
        ],
        "requestBody": {"content": {"application/json": {"schema": schema, "example": {evil: evil}}, evil: {}}},
        "responses": {"200": {"content": {"application/json": {"example": {evil: [evil]}}}}, evil: {}},
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": evil, "version": evil, "description": evil},
        "servers": [
            {"url": "https://{h}pets.test", "variables": {"h": {"default": evil}}},
            {"url": "https://pets.test"},
        ],
        "security": [{evil: [], "other": []}],
        "components": {
            "securitySchemes": {
                evil: {"type": "apiKey", "in": "query", "name": evil},
                "other": {"type": "http", "scheme": evil},
            }
        },
        "paths": {"/safe": {"get": operation}, f"/{{{evil}}}": {"get": operation}, f"/{evil}": {"post": operation}},
    }


def rendered(data):
    document_ = parse_document(json.dumps(data).encode())
    return render_module(build_plan(document_, Wanted(base_url="https://pets.test")))


@pytest.mark.parametrize("evil", EVIL, ids=range(len(EVIL)))
def test_no_text_of_a_document_becomes_code(evil):
    """A module is run when a project is loaded: a document from anywhere must not be able to say what runs."""
    text = rendered(poisoned(evil))
    check_shape(text)
    text.encode()
    assert all(sign == "\n" or sign.isprintable() for sign in text)
    assert not set(text) & set("\u202e\u2066ש\u0301")
    assert issues_of(text) == {}


def test_hostile_modules_are_formatted_too():
    """One run of the formatter over all of them, at its own line length and at ours."""
    if not RUFF.exists():
        pytest.skip("ruff is not installed")
    for width in ("88", "120"):
        for text in (WHOLE, *map(rendered, map(poisoned, EVIL))):
            if width == "120" and text != WHOLE:
                continue
            assert formatted(text, width) == text


def formatted(text, width):
    command = [RUFF, "format", "--isolated", "--line-length", width, "--stdin-filename", "module.py", "-"]
    return subprocess.run(command, input=text.encode(), capture_output=True, check=True).stdout.decode()


TEXTS = st.text(max_size=30) | st.sampled_from(EVIL)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


@given(VALUES)
@settings(max_examples=150)
def test_what_is_written_is_what_is_read(value):
    """A literal means its value, and nothing else; a tuple stays a tuple."""
    text = "\n".join(render_value((value,), "x = ", ""))
    assert ast.literal_eval(text.removeprefix("x = ")) == (value,)


@given(
    st.recursive(
        TEXTS | st.integers() | st.booleans(),
        lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner),
        max_leaves=20,
    )
)
@settings(max_examples=60)
def test_any_document_gives_an_error_or_a_safe_module(junk):
    """Whatever stands where an operation is expected."""
    data = document(
        {"/a": junk, "/b": {"get": junk}, "/c": {"get": {"parameters": [junk], "responses": junk}}}, info=junk
    )
    check_shape(rendered(data))


def test_only_plain_data_is_written():
    """The last line of defence: an object of another kind has no literal."""
    assert render_value(Word("str"), "x = ", "") == ["x = str"]
    for value in (object(), {1}, b"x", [object()]):
        with pytest.raises(TypeError, match="no place in a module"):
            render_value(value, "x = ")


@pytest.mark.parametrize(
    ("text", "literal"),
    [
        ("a", '"a"'),
        ('"', "'\"'"),
        ("'", '"\'"'),
        ("'\"", '"\'\\""'),
        ("é中", '"é中"'),
        ("\u202e", '"\\u202e"'),
        ("\xa0", '"\\xa0"'),
        ("😀", '"\\U0001f600"'),
        ("\n\t\\", '"\\n\\t\\\\"'),
    ],
)
def test_a_text_is_quoted_as_the_formatter_does_and_shows_what_it_is(text, literal):
    """Signs that nobody sees are escaped; letters of other scripts are not, unless they turn the line around."""
    assert render_text(text) == literal


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("GitHub v3 REST API", "github"),
        ("Twilio - Api", "twilio"),
        ("The Box Platform API", "box_platform"),
        ("Stripe's Official API", "stripe"),
        ("OpenAPI", "openapi"),
        ("Swagger Petstore - OpenAPI 3.0", "petstore"),
        ("日本語", "service"),
        ("", "service"),
        ("3scale", "n3scale"),
    ],
)
def test_the_title_names_the_module(title, name):
    """It is what a user types before each endpoint."""
    assert to_title_name(title) == name
    assert to_name(name) == name


def test_names_are_names_and_never_twice():
    """Two operations of one name are both kept, and many of them cost no more than few."""
    assert to_name("__init__") == "init"
    assert to_name("Größe 'n' x") == "groe_n_x"
    assert (to_name("", "y"), to_name("!"), to_name("9")) == ("y", "x", "n9")
    assert len(to_name("ab_" * 99)) <= 54
    names = Names(function=True)
    assert [names.take(name) for name in ("list", "list", "a", "a_2", "a", "a")] == [
        "list_",
        "list_2",
        "a",
        "a_2",
        "a_3",
        "a_4",
    ]
    assert to_class_name("github_apps", "GitHub apps") == "GitHubApps"
    assert to_class_name("none") == "NoneProxy"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("Lists **all** pets. And more.", "Lists all pets."),
        ("See [the docs](https://x.test/a), e.g. The ones", "See the docs, e.g. The ones"),
        ("<p>Hello\n  world</p>", "Hello world"),
        ("word " * 60, "word " * 26 + "word…"),
        ("x" * 200, "x" * 139 + "…"),
        (" \n ", ""),
    ],
)
def test_a_description_is_cut_to_one_good_line(text, line):
    """It is shown to models, once for each endpoint."""
    assert to_line("", text) == line


def test_a_long_signature_needs_no_second_line():
    """The longest name that there is still fits beside ``self``."""
    text = module_of(document({**get("/a", operationId="a_" * 60), **get("/b", operationId="a_" * 60)}))
    assert all(len(line) <= 88 for line in text.splitlines() if line.lstrip().startswith("def "))
    assert len(load(text).endpoints()) == 2


def test_deep_and_wide_schemas_end():
    """A schema may hold itself in every field; what is shown of it is small."""
    node = {
        "type": "object",
        "required": ["a"],
        "properties": {name: {"$ref": "#/components/schemas/n"} for name in "abcdefghijkl"},
    }
    node["allOf"] = [{"$ref": "#/components/schemas/n"}] * 50
    node["oneOf"] = [{"$ref": "#/components/schemas/n"}] * 50
    answer = {"200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/n"}}}}}
    body = {"required": True, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/n"}}}}
    text = module_of(
        document(get(method="post", requestBody=body, responses=answer), components={"schemas": {"n": node}})
    )
    assert len(text) < 60_000
    assert issues_of(text) == {}


def test_a_module_without_endpoints_is_still_one():
    """`build_plan` may leave nothing; the command line refuses that, a program decides for itself."""
    check_shape(module_of(document({"/x": {"get": {"deprecated": True, "responses": OK}}})))
