"""Documents as they come: JSON and YAML, references, and what must not get in."""

from __future__ import annotations

import json

import pytest
from openapi_values import document, get, one, plan_of

from lllm.errors import ConfigError
from lllm.proxies.openapi import build_plan, parse_document
from lllm.proxies.openapi.document import MAX_YAML_BYTES, Document
from lllm.proxies.openapi.plan import UnfitError, Wanted
from lllm.proxies.openapi.yaml_text import parse_yaml

HEAD = b"openapi: 3.1.0\npaths: {}\n"


def refused(data):
    with pytest.raises(ConfigError) as caught:
        parse_document(data, "spec")
    return caught.value


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "no OpenAPI 3 document: it has no field 'openapi'"),
        (b"[]", "no field 'openapi'"),
        (b'{"swagger": "2.0"}', "Swagger 2.0"),
        (b'{"openapi": "4.0.0"}', "its version is '4.0.0'"),
        (b'{"openapi": ', "not JSON"),
        (b"openapi: [", "not YAML"),
        (b"\xff\xfe{", "not UTF-8, at byte 0"),
        (b"openapi: 3.1.0\x00", "not YAML"),
        (b"!!python/object/apply:os.system [id]", "the tag 'tag:yaml.org,2002:python"),
        (HEAD + b"x: !binary abc", "the tag '!binary' means nothing here"),
        (HEAD + b"? [a]\n: 1", "a key must be a text"),
        (HEAD + b"x: *none", "names nothing"),
        (HEAD + b"---\na: 1", "but several"),
        (HEAD + b"x: " + b"9" * 5000, "is no number"),
        (b'{"openapi": "3.1.0", "x": ' + b"9" * 5000 + b"}", "not JSON"),
        (b"[" * 200_000, "nested too deep"),
        (b'{"openapi":' * 200_000, "nested too deep"),
    ],
)
def test_what_is_no_openapi_3_document_is_refused_by_name(data, told):
    """Whoever named the wrong file learns which kind of file it is; nothing but ConfigError may come out."""
    assert told in str(refused(data))


def test_a_fault_has_its_line_and_column():
    """A document of a megabyte is not searched by eye."""
    assert refused(b'{\n "openapi": x}').where == "spec:2:13"
    assert refused(b"openapi: 3.1.0\npaths: [\n").where == "spec:3:1"


def test_yaml_as_deep_as_the_parser_takes_is_refused_and_kills_nothing():
    """A thousand brackets fit on one line."""
    assert "nested deeper than 200" in str(refused(HEAD + b"x: " + b"[" * 100_000))
    assert "nested deeper than 200" in str(refused(HEAD + b"x:\n  " + b"- " * 100_000 + b"1"))


def test_scalars_of_yaml_are_those_of_json():
    """YAML 1.1 reads ``no`` as false, a date as a date, and 010 as eight: all three stand in real documents."""
    root = parse_document(HEAD + b"country: no\nday: 2024-01-31\nten: 010\nhalf: 0.5\nyes: true\nnothing:\n").root
    assert root["country"] == "no"
    assert root["day"] == "2024-01-31"
    assert (root["ten"], root["half"], root["yes"], root["nothing"]) == (10, 0.5, True, None)


def test_a_merge_key_is_refused():
    """Each of them copies all that it names; twenty lines of them would fill the memory."""
    assert "<< is not read here" in str(refused(HEAD + b"a: &a {b: 1}\nc: {<<: *a}\n"))


def test_aliases_that_hold_each_other_cost_nothing():
    """Thirty lines of aliases stand for 10^30 values; wherever a document may put a value, they are only looked at."""
    lines = ["a0: &a0 [x]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 30)]
    text = "\n".join(
        [
            *lines,
            "openapi: 3.1.0",
            "info: {title: *a29, version: *a29, description: *a29}",
            "servers: [{url: 'https://{h}.test', variables: {h: {default: *a29}}}, {url: 'https://pets.test'}]",
            "security: [*a29]",
            "paths:",
            "  /pets:",
            "    get:",
            "      tags: *a29",
            "      parameters:",
            "      - {name: a, in: query, example: *a29, style: *a29, schema: {type: string, enum: [*a29], default: *a29}}",
            "      - {name: b, in: query, schema: {type: array, example: *a29, items: {enum: *a29}}}",
            "      - {name: c, in: query, schema: {type: *a29, allOf: *a29, oneOf: *a29, required: *a29}}",
            "      responses: {200: {content: {application/json: {example: *a29}}}}",
        ]
    ).encode()
    with pytest.raises(ConfigError, match="none that can be called"):
        build_plan(parse_document(text), Wanted())
    [operation] = build_plan(parse_document(text), Wanted(base_url="https://pets.test")).operations
    assert [param.wire for param in operation.params] == ["a", "b", "c"]
    assert operation.response == [[[[]]]]


def test_an_alias_to_itself_is_only_looked_at():
    """YAML can say a list that holds itself."""
    text = b"servers: [{url: https://pets.test}]\npaths: {/p: {get: {parameters: [{name: a, in: query, schema: &s {items: *s, type: array, default: &d [*d]}}]}}}"
    [operation] = build_plan(parse_document(b"openapi: 3.0.0\n" + text), Wanted()).operations
    assert isinstance(operation.params[0].example, list)


def test_too_much_yaml_is_refused_before_it_is_read():
    """YAML takes a second for three megabytes."""
    assert "16 MiB" in str(refused(b"# " + b"x" * MAX_YAML_BYTES))


def test_many_small_values_of_yaml_are_refused():
    """Sixteen megabytes of them would take half a minute."""
    assert parse_yaml("[1, 2, 3]", "spec", max_values=4) == [1, 2, 3]
    with pytest.raises(ConfigError, match="more than 3 values"):
        parse_yaml("[1, 2, 3]", "spec", max_values=3)


def test_a_byte_order_mark_is_no_fault():
    """Some editors write one."""
    assert parse_document(b"\xef\xbb\xbf" + HEAD).root["paths"] == {}
    assert parse_document(b'\xef\xbb\xbf{"openapi": "3.1.0"}').root == {"openapi": "3.1.0"}


DEEP = Document(
    {"a": {"b/c~d e": {"x": 1}, "list": [{"y": 2}], "loop": {"$ref": "#/a/loop"}, "to": {"$ref": "#/a/list/0", "z": 3}}}
)


@pytest.mark.parametrize(
    ("ref", "found"),
    [
        ("#/a/b~1c~0d%20e", {"x": 1}),
        ("#/a/list/0", {"y": 2}),
        ("#/a/to", {"y": 2, "z": 3}),
        ("#/a/list", {}),
    ],
)
def test_a_reference_is_followed_as_rfc_6901_says(ref, found):
    """Escapes, positions in lists, and references to references; what is no object is an empty one."""
    assert DEEP.resolve({"$ref": ref}) == found


@pytest.mark.parametrize(
    ("ref", "reason"),
    [
        ("#/a/none", "a $ref leads nowhere"),
        ("#/a/list/7", "a $ref leads nowhere"),
        ("#/a/list/-1", "a $ref leads nowhere"),
        ("#/a/list/²", "a $ref leads nowhere"),
        ("#/a/list/" + "9" * 99, "a $ref leads nowhere"),
        ("#/a/loop", "a $ref leads in a circle"),
        ("other.yaml#/a", "a $ref leads to another document"),
        ("https://evil.test/x.json", "a $ref leads to another document"),
        ("file:///etc/passwd", "a $ref leads to another document"),
    ],
)
def test_a_reference_that_cannot_be_followed_says_why(ref, reason):
    """Nothing outside of the document is ever opened."""
    with pytest.raises(UnfitError, match=reason.replace("$", r"\$")) as caught:
        DEEP.resolve({"$ref": ref})
    assert caught.value.detail == ref


def test_operations_behind_foreign_references_are_left_out_by_name():
    """Documents in many files are common; the reader learns which file is missing."""
    plan = plan_of(document({**get(), "/far": {"$ref": "far.yaml"}, "/near": {"get": {"$ref": "#/paths/~1near/get"}}}))
    assert [(each.operation, each.reason, each.detail) for each in plan.left_out] == [
        ("/far", "a $ref leads to another document", "far.yaml"),
        ("GET /near", "a $ref leads in a circle", "#/paths/~1near/get"),
    ]
    assert len(plan.operations) == 1
    assert plan.seen == 3


def test_components_are_found_wherever_they_are_used():
    """Path items, parameters, bodies, answers and schemas may all be references."""
    components = {
        "parameters": {"limit": {"name": "limit", "in": "query", "schema": {"$ref": "#/components/schemas/Count"}}},
        "requestBodies": {"pet": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Pet"}}}}},
        "responses": {"pet": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Pet"}}}}},
        "schemas": {
            "Count": {"type": "integer", "default": 5},
            "Pet": {
                "type": "object",
                "properties": {"name": {"type": "string"}, "child": {"$ref": "#/components/schemas/Pet"}},
            },
        },
        "pathItems": {
            "pets": {
                "parameters": [{"$ref": "#/components/parameters/limit"}],
                "post": {
                    "requestBody": {"$ref": "#/components/requestBodies/pet"},
                    "responses": {"200": {"$ref": "#/components/responses/pet"}},
                },
            }
        },
    }
    operation, left_out = one(document({"/pets": {"$ref": "#/components/pathItems/pets"}}, components=components))
    assert [(param.wire, param.kind, param.example) for param in operation.params] == [
        ("limit", "int", 5),
        ("name", "str", "text"),
        ("child", "dict", {}),
    ]
    assert operation.response == {"name": "text", "child": {"name": "text", "child": {"name": "text", "child": {}}}}
    assert left_out == ()


def test_json_and_yaml_of_one_document_are_one():
    """YAML is a superset of JSON, and so it is read."""
    text = json.dumps(document(get()))
    assert parse_document(text.encode()).root == parse_document(b"# a comment first\n" + text.encode()).root
