"""From a callable to what a model is told, and from a model's arguments to what the callable is given."""

import asyncio
import functools
import math
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any, Literal, Optional

import future_annotations
import pytest
from pydantic import BaseModel, Field

from lllm.errors import ConfigError, ParseError
from lllm.models import Function, FunctionCall
from lllm.models.docstring import parse_docstring
from lllm.utils import encode_json


class Unit(Enum):
    C = "celsius"
    F = "fahrenheit"


class Place(BaseModel):
    """A place."""

    title: str = Field(description="its name")
    lat: float = 0.0


@dataclass
class Point:
    x: int
    y: int = 0


def parameters(function, **options):
    return Function.from_callable(function, **options).to_dict()["parameters"]


def bind(function, arguments, **options):
    return Function.from_callable(function, **options).bind(FunctionCall("1", "f", arguments))


def refusal(function, arguments, **options):
    with pytest.raises(ParseError) as error:
        bind(function, arguments, **options)
    return str(error.value)


def test_a_signature_and_its_docstring_become_the_schema():
    """What the model is told is what the author wrote once."""

    def search(query: str, limit: int = 10, *, exact: bool = False) -> list[str]:  # noqa: D417
        """Search the shop.

        Fast.

        Args:
            query (str): what to look for,
                in plain words
            limit: most results
        """
        return [query] * limit * exact

    assert Function.from_callable(search, strict=True).to_dict() == {
        "name": "search",
        "description": "Search the shop. Fast.",
        "parameters": {
            "type": "object",
            "properties": {
                "query": {"type": "string", "description": "what to look for, in plain words"},
                "limit": {"type": "integer", "default": 10, "description": "most results"},
                "exact": {"type": "boolean", "default": False},
            },
            "required": ["query"],
            "additionalProperties": False,
        },
        "strict": True,
    }


def test_name_and_description_can_be_other_than_the_callables():
    """A callable's name is often chosen for readers of code."""
    made = Function.from_callable(future_annotations.weather, name="get-weather", description="Say it.")
    assert (made.name, made.description) == ("get-weather", "Say it.")


@pytest.mark.parametrize(
    ("annotation", "schema", "given", "got"),
    [
        (int, {"type": "integer"}, "3", 3),
        (list[int], {"type": "array", "items": {"type": "integer"}}, [1, 2], [1, 2]),
        (Optional[str], {"anyOf": [{"type": "string"}, {"type": "null"}]}, None, None),  # noqa: UP045
        (int | str, {"anyOf": [{"type": "integer"}, {"type": "string"}]}, "x", "x"),
        (Literal["a", "b"], {"enum": ["a", "b"], "type": "string"}, "b", "b"),
        (dict[str, float], {"type": "object", "additionalProperties": {"type": "number"}}, {"a": 1}, {"a": 1.0}),
        (
            Annotated[int, Field(description="count", ge=1)],
            {"type": "integer", "description": "count", "minimum": 1},
            1,
            1,
        ),
        (Any, {}, {"x": [1]}, {"x": [1]}),
    ],
)
def test_annotations_become_json_schema_and_convert(annotation, schema, given, got):
    """A callable is given the type that it asks for."""

    def call(value):
        return value

    call.__annotations__["value"] = annotation
    assert parameters(call)["properties"]["value"] == schema
    assert bind(call, {"value": given}) == {"value": got}


def test_enums_models_and_dataclasses_are_built():
    """A nested value arrives as an object of its class."""

    def go(unit: Unit, place: Place, points: list[Point]):
        return unit, place, points

    arguments = {"unit": "celsius", "place": {"title": "Bern"}, "points": [{"x": 1}]}
    assert bind(go, arguments) == {"unit": Unit.C, "place": Place(title="Bern"), "points": [Point(1)]}
    told = parameters(go)
    assert told["$defs"]["Unit"] == {"enum": ["celsius", "fahrenheit"], "type": "string"}
    # A property called "title" stays; the titles that pydantic makes up are gone.
    assert told["$defs"]["Place"]["properties"]["title"] == {"type": "string", "description": "its name"}
    assert "title" not in told["$defs"]["Place"]


def test_a_discriminators_mapping_keeps_its_keys():
    """Only titles are dropped, not data that is called so."""

    class A(BaseModel):
        kind: Literal["title"]

    class B(BaseModel):
        kind: Literal["b"]

    def go(item: Annotated[A | B, Field(discriminator="kind")]):
        return item

    assert set(parameters(go)["properties"]["item"]["discriminator"]["mapping"]) == {"title", "b"}

    def start(book: dict[str, str] = {"title": "x"}, names: list[Annotated[str, Field(title="N")]] = ()):  # noqa: B006
        return book, names

    told = parameters(start)["properties"]
    assert told["book"]["default"] == {"title": "x"}
    assert told["names"]["items"] == {"type": "string"}


def test_defaults_are_passed_as_they_are():
    """A default is the author's own object; the model does not see what JSON cannot hold."""
    marker = object()

    def go(unit: Unit = Unit.F, limit: float = math.inf, what: Any = marker, items: tuple[float, ...] = (math.nan,)):
        return unit, limit, what, items

    told = parameters(go)["properties"]
    assert told["unit"]["default"] == "fahrenheit"
    assert [("default" in told[name]) for name in ("limit", "what")] == [False, False]
    assert encode_json(told)
    got = bind(go, "")
    assert (got["unit"], got["limit"], got["what"]) == (Unit.F, math.inf, marker)


def test_names_that_pydantic_keeps_for_itself_are_parameters_like_others():
    """A user of lllm need not know pydantic's names."""

    def go(model_config: int, schema: int, model_fields: int, copy: int, _private: int, json: int = 0):
        return model_config, schema, model_fields, copy, _private, json

    given = {"model_config": 1, "schema": 2, "model_fields": 3, "copy": 4, "_private": 5, "json": 6}
    assert bind(go, given) == given
    assert list(parameters(go)["properties"]) == list(given)


def test_annotations_that_are_texts_are_read():
    """``from __future__ import annotations`` is in half of all files."""
    told = parameters(future_annotations.weather)
    assert told["properties"]["unit"] == {"enum": ["C", "F"], "type": "string", "default": "C"}


@pytest.mark.parametrize("wrap", ["partial", "object", "method", "wraps", "async", "static"])
def test_all_kinds_of_callables_work(wrap):
    """Whatever can be called with named arguments can be offered."""

    class Box:
        """Not this text."""

        def __call__(self, city: str, n: int = 2):  # noqa: D417
            """Say it.

            Args:
                city: where
            """
            return city * n

        def say(self, city: str, n: int = 2):
            """Say it.

            :param city: where
            """
            return city * n

        @staticmethod
        def plain(city: str, n: int = 2):
            """Say it.

            Parameters
            ----------
            city : str
                where
            """
            return city * n

        @functools.wraps(say)
        def wrapped(self, *args, **kwargs):
            return self.say(*args, **kwargs)

    async def later(city: str, n: int = 2):  # noqa: D417
        """Say it.

        Args:
            city: where
        """
        return city * n

    box = Box()
    target = {
        "partial": functools.partial(functools.partial(Box.plain, n=3), n=2),
        "object": box,
        "method": box.say,
        "wraps": box.wrapped,
        "async": later,
        "static": Box.plain,
    }[wrap]
    made = Function.from_callable(target, name="say")
    told = made.to_dict()
    assert told["description"] == "Say it."
    assert told["parameters"]["properties"] == {
        "city": {"type": "string", "description": "where"},
        "n": {"type": "integer", "default": 2},
    }
    value = target(**made.bind(FunctionCall("1", "say", {"city": "ab"})))
    assert (asyncio.run(value) if wrap == "async" else value) == "abab"


@pytest.mark.parametrize("nameless", [lambda x: x, functools.partial(print), type("Box", (), {"__call__": print})()])
def test_a_callable_without_a_name_asks_for_one(nameless):
    """A model has to call it something, and a made-up name would change from run to run."""
    with pytest.raises(ConfigError) as error:
        Function.from_callable(nameless)
    assert "has no name that a model could call" in str(error.value)
    assert error.value.hint == "pass name='...'"


@pytest.mark.parametrize(
    "source",
    [
        "def f(*args): ...",
        "def f(**kwargs): ...",
        "def f(x, /): ...",
        "class f:\n def __call__(self, *args): ...\nf = f()",
    ],
)
def test_parameters_that_have_no_name_for_a_model_are_refused_with_their_place(source):
    """The author finds the line without searching."""
    space = {}
    exec(compile("\n\n" + source, "tools/shop.py", "exec"), space)
    with pytest.raises(ConfigError) as error:
        parameters(space["f"], name="f")
    assert error.value.where in {"tools/shop.py:3:1", "tools/shop.py:4:1"}
    assert "cannot be filled" in error.value.message


def test_generators_are_refused():
    """A call has one result, and a generator's text is an address in memory."""

    def count(n: int):
        yield n

    async def acount(n: int):
        yield n

    for function in (count, acount, functools.partial(count, 3)):
        with pytest.raises(ConfigError, match="is a generator"):
            Function.from_callable(function, name="count")


class Opaque:
    """No type for JSON."""


def _bad_text(x: "list["):  # noqa: F722
    return x


def _opaque(x: Opaque):
    return x


def _forward(x: "list[NotThere]"):  # noqa: F821
    return x


@pytest.mark.parametrize("function", [_bad_text, _opaque, _forward, future_annotations.hidden, type, int])
def test_signatures_that_cannot_be_read_are_config_errors(function):
    """The author of the function acts, so the error is about the function, with its place."""
    with pytest.raises(ConfigError, match="function 'f'") as error:
        parameters(function, name="f")
    if function not in {type, int}:
        assert f"{function.__code__.co_filename}:{function.__code__.co_firstlineno}:1" == error.value.where


def test_a_model_that_is_not_whole_is_a_config_error():
    """Pydantic's own words are kept, beside the function's name."""

    class Node(BaseModel):
        other: "Missing"  # noqa: F821

    def go(node: Node):
        return node

    with pytest.raises(ConfigError, match="function 'go': an annotation has no JSON Schema"):
        parameters(go)


def test_faults_tell_the_model_where_what_and_what_it_wrote():
    """The model repairs its call from this text alone."""

    def go(place: Place, limit: int, unit: Literal["C", "F"] = "C"):
        return place, limit, unit

    text = refusal(go, {"place": {"title": 5, "lat": "north"}, "unit": "K", "oops": 1})
    assert text.splitlines() == [
        "place.title: expected a valid string, got integer (5)",
        'place.lat: expected a valid number, unable to parse string as a number, got text ("north")',
        "limit: expected a value, got nothing: this field is required",
        "unit: expected 'C' or 'F', got text (\"K\")",
        "oops: expected no such field, got integer (1): leave it out",
    ]


@pytest.mark.parametrize("raw", ['{"\\ud800": 1}', '{"city": {"\\udfff": "\\ud800"}}', '{"city": 1, "n": "\\ud800"}'])
def test_lone_surrogates_are_a_fault_and_no_crash(raw):
    """JSON can spell what no text can hold."""

    def go(city: str, n: int = 0):
        return city, n

    assert "expected" in refusal(go, raw)


# --- schemas written by hand ---------------------------------------------------------------------------------------


def declared(properties, **options):
    return Function("f", "", properties, **options)


def declared_faults(function, arguments):
    with pytest.raises(ParseError) as error:
        function.bind(FunctionCall("1", "f", arguments))
    return str(error.value).splitlines()


def test_a_declared_schema_is_told_as_it_was_written():
    """Its author knows best."""
    made = declared({"city": {"type": "string", "title": "City"}}, required=["city"], additional_properties=True)
    assert made.to_dict()["parameters"] == {
        "type": "object",
        "properties": {"city": {"type": "string", "title": "City"}},
        "required": ["city"],
        "additionalProperties": True,
    }


@pytest.mark.parametrize(
    ("schema", "good", "bad", "fault"),
    [
        ({"type": "string"}, "x", 5, "expected string, got integer (5)"),
        ({"type": "integer"}, 5, True, "expected integer, got boolean (true)"),
        ({"type": "number"}, 5, "5", 'expected number, got text ("5")'),
        ({"type": "boolean"}, False, 0, "expected boolean, got integer (0)"),
        ({"type": ["string", "null"]}, None, 1.5, "expected string or null, got number (1.5)"),
        ({"type": "array", "items": {"type": "integer"}}, [1], [1, "x"], None),
        ({"type": "array"}, [1, "x"], {}, "expected array, got object (empty)"),
        ({"enum": ["a", 1]}, 1, "b", 'expected one of ["a",1], got text ("b")'),
        ({"enum": [1]}, 1, True, "expected one of [1], got boolean (true)"),
        ({"type": "object"}, {"any": 1}, [], "expected array"),
    ],
)
def test_declared_arguments_are_checked(schema, good, bad, fault):
    """What the schema says is what the callable can rely on; the fault reads as for a signature."""
    made = declared({"v": schema})
    assert made.bind(FunctionCall("1", "f", {"v": good})) == {"v": good}
    (line,) = declared_faults(made, {"v": bad})
    assert line.startswith("v")
    if fault == "expected array":
        assert line == "v: expected object, got array (0 items)"
    else:
        assert line == (f"v: {fault}" if fault else 'v[1]: expected integer, got text ("x")')


def test_nested_objects_are_checked_with_their_path():
    """A long call with one fault needs the place of it."""
    inner = {
        "type": "object",
        "properties": {"a": {"type": "integer"}},
        "required": ["a"],
        "additionalProperties": False,
    }
    made = declared({"list": {"items": inner}, "free": True}, required=["list"])
    faults = declared_faults(made, {"list": [{"a": 1}, {"b": 2}], "free": 3, "more": 4})
    assert faults == [
        "list[1].a: expected a value, got nothing: this field is required",
        "list[1].b: expected no such field, got integer (2): leave it out",
        "more: expected no such field, got integer (4): leave it out",
    ]
    assert made.bind(FunctionCall("1", "f", {"list": [], "free": "anything"})) == {"list": [], "free": "anything"}


def test_a_type_that_the_check_does_not_know_is_let_pass():
    """A vendor's keyword is the vendor's to check."""
    made = declared({"v": {"type": "file"}}, additional_properties=True)
    assert made.bind(FunctionCall("1", "f", {"v": 1, "w": 2})) == {"v": 1, "w": 2}


@pytest.mark.parametrize(
    ("properties", "required", "message"),
    [
        ({"city": "string"}, (), "the schema of parameter 'city' is 'string'"),
        ({"city": {}}, "ci", "required, but no parameter: c, i"),
        ({}, ["city"], "required, but no parameter: city"),
    ],
)
def test_a_schema_that_no_call_can_fit_is_refused_at_once(properties, required, message):
    """Else every call fails, and the model is blamed."""
    with pytest.raises(ConfigError, match=message):
        declared(properties, required=required)
    assert declared({}, required=["city"], additional_properties=True)


# --- docstrings -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "summary", "described"),
    [
        ("", "", {}),
        ("One line.", "One line.", {}),
        ("Sum.\n\nMore\ntext.\n\nReturns:\n    x: no parameter", "Sum. More text.", {}),
        ("Sum.\n\nArgs:\n    a: first\n      goes on: here\n    b (int, optional): second\n\n    c: third", "Sum.",
         {"a": "first goes on: here", "b": "second", "c": "third"}),
        ("Sum.\n\nArgs:\n    a (dict(str, int)): first\n    *args: rest\nRaises:\n    b: not this", "Sum.",
         {"a": "first", "args": "rest"}),
        ("Sum.\n\nParameters\n----------\na : int\n    first\n    line\nb, c : str\n    both\n\nReturns\n-------\nd : int\n    no",
         "Sum.", {"a": "first line", "b": "both", "c": "both"}),
        ("Sum.\n\n:param a: first\n    more\n:param int b: second\n:type b: int\n:returns: no", "Sum.",
         {"a": "first more", "b": "second"}),
        ("Sum.\n\nParameters\n----------\na : int\n one space\n", "Sum.", {"a": "one space"}),
        ("Sum.\n\nArgs:", "Sum.", {}),
        ("Sum.\n:returns: nothing of note", "Sum.", {}),
        ("Note: this is text, not a section.", "Note: this is text, not a section.", {}),
    ],
)  # fmt: skip
def test_docstrings_in_three_forms(text, summary, described):
    """Google, NumPy and Sphinx are what people write."""
    assert parse_docstring(text) == (summary, described)
