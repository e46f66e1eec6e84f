"""What becomes of the operations of a document, their parameters, bodies and answers, and of its servers and keys."""

from __future__ import annotations

import json

import pytest
from openapi_values import OK, body_of, document, get, issues_of, load, module_of, one, params_of, plan_of

from lllm.errors import ConfigError
from lllm.proxies.openapi import Document, parse_document
from lllm.proxies.openapi.schema import Folder
from lllm.proxies.openapi.selection import list_tags, list_unmatched


def query(name="q", **stated):
    return {"name": name, "in": "query", **stated}


def facts(param):
    return param.kind, param.example, param.allowed


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "string"}, ("str", "text", ())),
        ({"type": "integer"}, ("int", 1, ())),
        ({"type": "number"}, ("float", 1.0, ())),
        ({"type": "boolean"}, ("bool", True, ())),
        ({"type": "string", "format": "date"}, ("date", "2024-01-31", ())),
        ({"type": "string", "format": "date", "example": "yesterday"}, ("date", "2024-01-31", ())),
        ({"type": "string", "format": "date", "example": "2024-13-45"}, ("date", "2024-01-31", ())),
        ({"items": {"type": "integer"}}, ("list", [1], ())),
        ({"type": "string", "oneOf": [{"type": "integer"}]}, ("str", "text", ())),
        ({"type": "string", "format": "date-time"}, ("str", "2024-01-31T12:00:00Z", ())),
        ({"type": "string", "enum": ["b", "a"]}, ("str", "b", ("b", "a"))),
        ({"type": "string", "enum": ["b", None]}, ("str", "b", ("b",))),
        ({"type": "string", "enum": ["b", "a"], "default": "a"}, ("str", "a", ("b", "a"))),
        ({"type": "string", "enum": ["b"], "example": "c"}, ("str", "b", ("b",))),
        ({"type": "string", "enum": [f"v{n}" for n in range(99)]}, ("str", "text", ())),
        ({"enum": [1, 2]}, ("int", 1, (1, 2))),
        ({"const": "x"}, ("str", "x", ("x",))),
        ({"type": "array", "items": {"type": "integer"}}, ("list", [1], ())),
        ({"type": "array", "items": {"enum": ["a", "b"]}}, ("list", ["a"], ("a", "b"))),
        ({"type": "array", "items": {"enum": ["a", "b"]}, "example": ["c"]}, ("list", ["a"], ("a", "b"))),
        ({"type": ["null", "integer"]}, ("int", 1, ())),
        ({"type": "integer", "minimum": 10}, ("int", 10, ())),
        ({"type": "integer", "maximum": -3}, ("int", -3, ())),
        ({"type": "integer", "exclusiveMinimum": 4}, ("int", 5, ())),
        ({"type": "number", "exclusiveMaximum": 0}, ("float", -1.0, ())),
        ({"type": "integer", "minimum": 4, "exclusiveMinimum": True}, ("int", 5, ())),
        ({"type": "integer", "minimum": 10**400}, ("int", 1, ())),
        ({"type": "integer", "example": "12"}, ("int", 12, ())),
        ({"type": "integer", "example": 10**30}, ("int", 1, ())),
        ({"type": "number", "example": 3}, ("float", 3.0, ())),
        ({"type": "string", "example": 3}, ("str", "3", ())),
        ({"type": "string", "minLength": 6, "maxLength": 7}, ("str", "textxx", ())),
        ({"type": "string", "maxLength": 2}, ("str", "te", ())),
        ({"type": "string", "example": "x" * 1000}, ("str", "text", ())),
        ({"type": "string", "example": "\ud800"}, ("str", "text", ())),
        ({"examples": ["hello"]}, ("str", "hello", ())),
        ({"default": 7}, ("int", 7, ())),
        ({}, ("str", "text", ())),
        (True, ("str", "text", ())),
        ({"allOf": [{"type": "integer"}, {"minimum": 3}]}, ("int", 3, ())),
        ({"oneOf": [{"type": "null"}, {"type": "integer"}]}, ("int", 1, ())),
        ({"anyOf": [{"const": "a"}, {"const": "b"}]}, ("str", "a", ("a", "b"))),
        ({"anyOf": [{"enum": ["a"]}, {"enum": ["b"]}]}, ("str", "a", ("a", "b"))),
        ({"anyOf": [{"enum": ["a"]}, {"type": "string"}]}, ("str", "text", ())),
        ({"oneOf": [{"type": "object"}, {"type": "integer"}]}, ("int", 1, ())),
    ],
)
def test_a_schema_becomes_a_type_an_example_and_the_allowed_values(schema, expected):
    """What the document says wins where it fits; what does not fit would fail each call that is made of it."""
    assert facts(params_of(query(schema=schema))["q"]) == expected


def test_an_example_beside_the_schema_comes_first():
    """It is written for this very parameter."""
    both = {"schema": {"type": "string", "example": "b"}, "examples": {"one": {"value": "a"}}}
    assert params_of(query(**both))["q"].example == "a"
    assert params_of(query(**both, example="c"))["q"].example == "c"


def test_where_a_parameter_goes_and_whether_it_is_required():
    """Header names that OpenAPI itself ignores are no parameters."""
    found = params_of(
        {"name": "id", "in": "path", "schema": {"type": "integer"}},
        query("q", required=True),
        {"name": "X-Trace", "in": "header", "schema": {"type": "string"}},
        {"name": "Accept", "in": "header", "required": True},
        {"name": "authorization", "in": "header"},
        path="/pets/{id}",
    )
    assert [(wire, param.place, param.required) for wire, param in found.items()] == [
        ("id", "path", True),
        ("q", "query", True),
        ("X-Trace", "header", False),
    ]


def test_a_header_holds_one_line_of_ascii():
    """Lists in headers are texts that the caller writes; other signs cannot be sent."""
    header = {"name": "h", "in": "header"}
    assert facts(params_of({**header, "schema": {"type": "array"}, "style": "simple"})["h"]) == ("str", "text", ())
    assert facts(params_of({**header, "schema": {"enum": ["a", "ä"]}})["h"]) == ("str", "text", ())
    assert facts(params_of({**header, "schema": {"enum": ["a", "b"]}})["h"]) == ("str", "a", ("a", "b"))


def test_an_operations_own_parameter_overrides_that_of_its_path():
    """As the specification says."""
    paths = get(parameters=[query(schema={"type": "integer"})])
    paths["/pets"]["parameters"] = [query(schema={"type": "string"}), query("common")]
    assert [(param.wire, param.kind) for param in one(document(paths))[0].params] == [("q", "int"), ("common", "str")]


def test_a_field_of_the_path_that_nobody_describes_is_a_text():
    """Documents forget it; without it the operation could not be called."""
    assert facts(params_of(path="/pets/{id}")["id"]) == ("str", "text", ())


@pytest.mark.parametrize("example", ["..", ".", "", "a/../b", "%2e%2e", "a\nb"])
def test_an_example_never_leaves_its_part_of_the_path(example):
    """The call that is made of it would be refused."""
    stated = {"name": "id", "in": "path", "required": True, "schema": {"type": "string", "example": example}}
    assert params_of(stated, path="/pets/{id}")["id"].example == "text"
    stated["schema"]["enum"] = [example]
    assert params_of(stated, path="/pets/{id}")["id"].allowed == ()


def test_how_lists_are_written_is_kept():
    """``a=1&a=2`` is OpenAPI's default, ``a=1,2`` what ``explode: false`` asks for."""
    paths = {
        **get("/a", operationId="a", parameters=[query(schema={"type": "array"})]),
        **get("/b", operationId="b", parameters=[query(schema={"type": "array"}, explode=False)]),
    }
    cls = load(module_of(document(paths)))
    styles = {key: each.list_style or cls.list_style for key, each in cls.endpoints().items()}
    assert styles == {"pets/a": "repeat", "pets/b": "comma"}


@pytest.mark.parametrize(
    ("stated", "reason"),
    [
        ({"name": "c", "in": "cookie"}, "a parameter in the cookie"),
        ({"name": "c", "in": "body"}, "a parameter of no known place"),
        ({"name": "a b", "in": "header"}, "a parameter of no known place"),
        ({"name": "a\nb", "in": "query"}, "a parameter without a usable name"),
        (query("c", deprecated=True), "a deprecated parameter"),
        (query("c", schema={"type": "object"}, style="deepObject"), "an object in the query"),
        (query("c", schema={"type": "array"}, style="pipeDelimited"), "a list in the query of another style"),
        (query("c", schema={"$ref": "x.json"}), "a $ref leads to another document"),
    ],
)
def test_a_parameter_that_cannot_be_sent_is_told_and_never_dropped_in_silence(stated, reason):
    """Where it is required, the operation goes with it."""
    operation, left_out = one(document(get(parameters=[stated])))
    assert operation.params == ()
    assert [(each.operation, each.part, each.reason) for each in left_out] == [("GET /pets", stated["name"], reason)]
    if "deprecated" not in stated:
        plan = plan_of(document(get(parameters=[{**stated, "required": True}])))
        assert plan.operations == ()
        assert plan.left_out[0].reason == f"it needs {reason}"


def test_of_several_types_one_is_taken_and_told():
    """A declaration has one type."""
    for schema in ({"type": ["integer", "string"]}, {"oneOf": [{"type": "integer"}, {"type": "string"}]}):
        operation, left_out = one(document(get(parameters=[query(schema=schema)])))
        assert operation.params[0].kind == "int"
        assert [(each.part, each.reason) for each in left_out] == [("q", "of several types, only one is taken")]


def test_the_fields_of_a_json_body_are_parameters():
    """What only answers hold is none; a field is required where its schema says so."""
    schema = {
        "type": "object",
        "required": ["name", "id"],
        "properties": {
            "id": {"type": "integer", "readOnly": True},
            "name": {"type": "string"},
            "tags": {"type": "array", "items": {"type": "string"}},
            "owner": {
                "type": "object",
                "required": ["mail"],
                "properties": {"mail": {"format": "email", "type": "string"}},
            },
        },
    }
    found = body_of(schema)
    assert {wire: (param.required, param.kind, param.example) for wire, param in found.items()} == {
        "name": (True, "str", "text"),
        "tags": (False, "list", ["text"]),
        "owner": (False, "dict", {"mail": "ada@example.com"}),
    }


def test_the_example_of_a_whole_body_gives_each_field_its_own():
    """Most documents have one example for the body, none for its fields."""
    media = {"schema": {"properties": {"name": {"type": "string"}}}, "examples": {"cat": {"value": {"name": "Tom"}}}}
    found, _ = one(document(get(method="post", requestBody={"content": {"application/json; charset=utf-8": media}})))
    assert found.params[0].example == "Tom"


def test_alternatives_of_a_body_are_united():
    """What all of them require is required."""
    parts = [
        {"required": ["a", "b"], "properties": {"a": {}, "b": {}}},
        {"required": ["a"], "properties": {"a": {}, "c": {}}},
    ]
    assert {wire: param.required for wire, param in body_of({"oneOf": parts}).items()} == {
        "a": True,
        "b": False,
        "c": False,
    }
    assert body_of({"oneOf": [parts[0], {"type": "null"}]})["b"].required is True
    assert {wire: param.required for wire, param in body_of({"allOf": parts}).items()} == {
        "a": True,
        "b": True,
        "c": False,
    }


def test_a_body_without_fields_is_one_parameter():
    """A list of things, or a mapping of anything."""
    [param] = body_of({"type": "array", "items": {"type": "integer"}}).values()
    assert (param.wire, param.place, param.kind, param.example) == ("", "body", "list", [1])
    text = module_of(document(get(method="post", requestBody={"content": {"application/json": {}}})))
    assert '"#body*": (dict, {})' in text
    assert 'wire_names={"body": ""}' in text
    assert issues_of(text) == {}


def test_a_form_is_sent_as_a_form():
    """Two of the largest services take nothing else."""
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}
    stated = {"content": {"application/x-www-form-urlencoded": {"schema": schema}}}
    operation, _ = one(document(get(method="post", requestBody=stated)))
    assert (operation.body_type, [param.wire for param in operation.params]) == ("form", ["a"])


@pytest.mark.parametrize("media", ["multipart/form-data", "application/octet-stream", "application/xml"])
def test_a_body_that_cannot_be_sent_is_told(media):
    """An optional one only; else the operation is left out."""
    body = {"content": {media: {"schema": {"type": "object"}}}}
    _, left_out = one(document(get(method="put", requestBody=body)))
    assert [(each.part, each.reason, each.detail) for each in left_out] == [
        ("body", "its body is neither JSON nor a form", media)
    ]
    plan = plan_of(document(get(method="put", requestBody={**body, "required": True})))
    assert (plan.operations, plan.left_out[0].reason) == ((), "its body is neither JSON nor a form")


@pytest.mark.parametrize(
    ("responses", "answer"),
    [
        ({}, "json"),
        ({"204": {}}, "json"),
        ({"default": {"content": {"application/problem+json": {}}}}, "json"),
        ({"2XX": {"content": {"text/csv": {}}}}, "text"),
        ({"200": {"content": {"text/html": {}, "application/json": {}}}}, "json"),
        ({"302": {}}, "it has no answer that a proxy reads"),
        ({"200": {"content": {"image/png": {}}}}, "its answer is neither JSON nor text"),
        ({"200": {"content": {"text/event-stream": {}}}}, "its answer is neither JSON nor text"),
    ],
)
def test_what_is_answered_decides_whether_it_can_be_called(responses, answer):
    """A proxy reads JSON or text, whole."""
    plan = plan_of(document(get(responses=responses)))
    assert answer == (plan.operations[0].answer if plan.operations else plan.left_out[0].reason)


def test_the_answers_example_is_short():
    """It is shown to models."""
    example = {"items": [{"id": 1, "deep": {"deeper": {}}}, {"id": 2}], **{f"k{n}": "x" * 100 for n in range(20)}}
    responses = {"200": {"content": {"application/json": {"example": example}}}}
    found = one(document(get(responses=responses)))[0].response
    assert found["items"] == [{"id": 1, "deep": {}}]
    assert len(found) == 8
    assert found["k0"] == "x" * 59 + "…"
    wide = {f"k{n}": {f"k{n}": {f"k{n}": "x" for n in range(8)} for n in range(8)} for n in range(8)}
    responses = {"200": {"content": {"application/json": {"example": wide}}}}
    assert one(document(get(responses=responses)))[0].response["k7"] == {f"k{n}": {} for n in range(8)}


@pytest.mark.parametrize(
    ("path", "taken"),
    [
        ("/a/{b}.json", True),
        ("/a:run", True),
        ("/files/{id}#copy", True),
        ("/a?x=1", False),
        ("a", False),
        ("@evil.test/", False),
        ("//evil.test/", False),
        ("/a/../b", False),
        ("/a/%2e%2e/b", False),
        ("/a b", False),
        ("/a\n", False),
        ("/{a/b}", False),
        ("/" + "a" * 999, False),
    ],
)
def test_a_path_stays_below_the_server(path, taken):
    """What stands behind ``#`` tells operations of one path apart, and is not sent."""
    plan = plan_of(document(get(path)))
    assert [each.path for each in plan.operations] == ([path.partition("#")[0]] if taken else [])
    assert [each.reason for each in plan.left_out] == ([] if taken else ["its path cannot be called"])


def test_names_are_readable_and_free():
    """The category comes from the tag; its name is not said twice; no method hides what the class means by a name."""
    paths = {
        **get("/a", operationId="petsListAll"),
        **get("/b", operationId="pets/list-all"),
        **get("/c", operationId="list"),
        **get("/d", operationId="class"),
        **get("/e", operationId="base_url"),
        **get("/f/{id}", operationId=None, tags=[]),
        **get("/g", operationId="HTTPServerGet", tags=["Größe & Maß"]),
    }
    found = [(each.category, each.endpoint, each.function) for each in plan_of(document(paths)).operations]
    assert found == [
        ("pets", "list_all", "pets_list_all"),
        ("pets", "list_all_2", "pets_list_all_2"),
        ("pets", "list", "list_"),
        ("pets", "class", "class_"),
        ("pets", "base_url", "base_url_"),
        ("f", "get_f_by_id", "get_f_by_id"),
        ("groe_ma", "http_server_get", "http_server_get"),
    ]
    assert issues_of(module_of(document(paths))) == {}


def test_a_category_stands_in_one_piece():
    """Documents are sorted by path; a reader looks for what belongs together."""
    paths = {**get("/a", tags=["x"]), **get("/b", tags=["y"]), **get("/c", tags=["x"])}
    assert [each.path for each in plan_of(document(paths)).operations] == ["/a", "/c", "/b"]


def test_parameters_of_one_name_in_two_places_are_both_kept():
    """The service knows them by place; a caller has one name for each."""
    body = {
        "content": {"application/json": {"schema": {"properties": {"id": {"type": "string"}, "$top": {}, "x*": {}}}}}
    }
    parameters = [query("id"), query("$filter"), {"name": "id", "in": "header"}]
    text = module_of(document(get("/p/{id}", method="post", parameters=parameters, requestBody=body)))
    [endpoint] = load(text).endpoints().values()
    assert list(endpoint.params) == ["$id*", "query_id", "filter", "@header_id", "#body_id", "#top", "#x"]
    assert endpoint.wire_names == {
        "query_id": "id",
        "filter": "$filter",
        "header_id": "id",
        "body_id": "id",
        "top": "$top",
        "x": "x*",
    }
    assert issues_of(text) == {}


def test_a_field_of_the_path_with_a_strange_name_is_renamed_in_the_path_too():
    """It is no identifier."""
    [endpoint] = load(module_of(document(get("/p/{pet-id}/{größe}")))).endpoints().values()
    assert endpoint.path == "/p/{pet_id}/{groe}"


def test_only_what_is_asked_for_is_taken():
    """By tag, in any case of letters, or by path."""
    paths = {**get("/a/1", tags=["Cats"]), **get("/a/2", tags=["dogs"]), **get("/b", tags=["cats", "dogs"])}
    for only, expected in (
        (("cats",), ["/a/1", "/b"]),
        (("/a/*",), ["/a/1", "/a/2"]),
        (("/b", "dogs"), ["/a/2", "/b"]),
    ):
        plan = plan_of(document(paths), only=only)
        assert sorted(each.path for each in plan.operations) == expected
        assert {each.reason for each in plan.left_out} == {"not asked for with --only"}
        assert plan.seen == 3


def test_what_stands_behind_a_path_is_not_asked_for():
    """It is no part of what is called."""
    found = parse_document(json.dumps(document(get("/a#copy"))).encode())
    assert list_unmatched(found, ["/a", "/a#copy", "pets", "cats"]) == ["/a#copy", "cats"]
    assert list_tags(found) == ["pets"]


def test_the_deprecated_is_left_out_unless_it_is_asked_for():
    """Operations and parameters alike."""
    paths = {**get("/a", deprecated=True), **get("/b", parameters=[query(deprecated=True)])}
    plan = plan_of(document(paths))
    assert [(each.operation, each.reason) for each in plan.left_out] == [
        ("GET /a", "deprecated"),
        ("GET /b", "a deprecated parameter"),
    ]
    plan = plan_of(document(paths), deprecated=True)
    assert (len(plan.operations), plan.left_out) == (2, ())


def test_methods_that_no_proxy_sends_are_told():
    """HEAD answers nothing that could be read."""
    assert plan_of(document(get(method="head"))).count_reasons(whole=True) == {
        "of a method that a proxy does not send": 1
    }


@pytest.mark.parametrize(
    ("servers", "url"),
    [
        ([{"url": "https://a.test/v1/"}], "https://a.test/v1"),
        ([{"url": "http://a.test"}, {"url": "https://b.test"}], "https://b.test"),
        ([{"url": "http://localhost:8080"}], "http://localhost:8080"),
        (
            [{"url": "https://{r}.a.test/{v}", "variables": {"r": {"default": "eu"}, "v": {"default": 2}}}],
            "https://eu.a.test/2",
        ),
        ([{"url": "https://[::1]:8443/"}], "https://[::1]:8443"),
    ],
)
def test_the_first_https_server_is_taken(servers, url):
    """With the defaults of its variables."""
    assert plan_of(document(get(), servers=servers)).access.base_url == url


@pytest.mark.parametrize(
    "url",
    [
        "/v1",
        "",
        "ftp://a.test",
        "https://",
        "https://user:pw@a.test",
        "https://a.test?x=1",
        "https://a.test#x",
        "https://a.test/../b",
        "https://{h}.test",
        "https://a.test:99999",
        "https://[::1",
        "https://a b.test",
        "https://a.test/\n",
        "https://" + "a" * 600,
    ],
)
def test_a_server_that_cannot_be_called_is_refused_with_what_helps(url):
    """A relative one is right in a document that is served beside its service."""
    with pytest.raises(ConfigError) as caught:
        plan_of(document(get(), servers=[{"url": url}]))
    assert "--base-url" in caught.value.hint
    assert (
        plan_of(document(get(), servers=[{"url": url}]), base_url="https://a.test").access.base_url == "https://a.test"
    )


def keyed(*schemes, security=None, **operation):
    named = {f"s{n}": scheme for n, scheme in enumerate(schemes)}
    asked = [{name: []} for name in named] if security is None else security
    return document(get(**operation), components={"securitySchemes": named}, security=asked)


API_KEY = {"type": "apiKey", "in": "query", "name": "key"}
HEADER = {"type": "apiKey", "in": "header", "name": "X-Key"}
BEARER = {"type": "http", "scheme": "Bearer"}


@pytest.mark.parametrize(
    ("scheme", "place", "name", "prefix"),
    [
        (API_KEY, "query", "key", ""),
        (HEADER, "header", "X-Key", ""),
        (BEARER, "bearer", "", ""),
        ({"type": "oauth2"}, "bearer", "", ""),
        ({"type": "openIdConnect"}, "bearer", "", ""),
        ({"type": "http", "scheme": "basic"}, "header", "Authorization", "Basic "),
        ({"type": "apiKey", "in": "cookie", "name": "sid"}, "none", "", ""),
        ({"type": "apiKey", "in": "header", "name": "a\r\nb: c"}, "none", "", ""),
        ({"type": "mutualTLS"}, "none", "", ""),
        ({"type": "http", "scheme": "digest"}, "none", "", ""),
    ],
)
def test_how_the_key_is_sent(scheme, place, name, prefix):
    """What is not sent stands in a comment of the module, and the user decides."""
    plan = plan_of(keyed(scheme))
    assert (plan.access.api_key_in, plan.access.api_key_name, plan.access.api_key_prefix) == (place, name, prefix)
    assert bool(plan.access.notes) is (scheme not in (API_KEY, HEADER, BEARER))
    assert issues_of(module_of(keyed(scheme))) == {}


def test_the_first_key_that_can_be_sent_is_taken():
    """Documents offer several."""
    assert plan_of(keyed({"type": "mutualTLS"}, HEADER, BEARER)).access.api_key_name == "X-Key"


def test_of_several_keys_at_once_one_is_sent_and_that_is_told():
    """A call would fail, and nobody would know why; where one key is enough, that one is taken."""
    both = {"s0": [], "s1": []}
    assert plan_of(keyed(HEADER, BEARER, security=[both])).access.notes == (
        "The document asks for several keys at once (s0, s1); only s0 is sent.",
    )
    plan = plan_of(keyed(HEADER, BEARER, security=[both, {"s1": []}]))
    assert (plan.access.api_key_in, plan.access.notes) == ("bearer", ())


def test_keys_that_are_sent_alike_share_a_variable():
    """Such as that of an administrator; the reader of the module learns of the other."""
    data = keyed(BEARER, BEARER, security=[{"s0": []}])
    data["paths"]["/pets"]["get"]["security"] = [{"s1": []}]
    plan = plan_of(data)
    assert (len(plan.operations), plan.access.notes) == (
        1,
        ("Some endpoints may ask for another key that is sent in the same way: s1.",),
    )


def test_a_key_over_plain_http_is_told():
    """The proxy refuses to send it."""
    data = {**keyed(BEARER), "servers": [{"url": "http://pets.test"}]}
    assert "plain http" in plan_of(data).access.notes[0]
    assert plan_of({**data, "servers": [{"url": "http://127.0.0.1:8080"}]}).access.notes == ()


def test_a_key_that_the_document_calls_optional_is_optional():
    """An empty alternative says so."""
    assert plan_of(keyed(BEARER, security=[{}, {"s0": []}])).access.api_key_optional is True
    assert plan_of(keyed(BEARER)).access.api_key_optional is False


@pytest.mark.parametrize(
    ("security", "expected"),
    [
        ([], False),
        ([{}], False),
        ([{"s0": []}], True),
        ([{"s1": []}], None),
        ([{"s0": [], "s1": []}], None),
        ([{}, {"s1": []}], True),
    ],
)
def test_operations_say_which_key_they_want(security, expected):
    """One that wants only another key could not be called."""
    data = keyed(HEADER, BEARER, security=[{"s0": []}])
    data["paths"]["/pets"]["get"]["security"] = security
    plan = plan_of(data)
    assert [each.needs_key for each in plan.operations] == ([] if expected is None else [expected])
    assert [each.reason for each in plan.left_out] == (["it asks for another key"] if expected is None else [])


def test_the_keys_own_parameter_is_none():
    """It would be sent twice, once by the model."""
    assert one(keyed(API_KEY, parameters=[query("key"), query("q")]))[0].params[0].wire == "q"


@pytest.mark.parametrize(
    ("url", "needs_key"),
    [
        ("https://pets.test/v1", True),
        ("https://uploads.example.com", True),
        ("https://api.example.com:8443/x", True),
        ("https://eu.api.example.com", True),
        ("https://example.org", False),
        ("https://evilexample.com", False),
        ("http://uploads.example.com", False),
    ],
)
def test_a_key_goes_to_no_strange_host(url, needs_key):
    """A line among thousands could name any host, and the key would be its owner's."""
    data = keyed(BEARER)
    data["servers"] = [{"url": "https://api.example.com" if "pets" not in url else "https://pets.test/v1"}]
    data["paths"]["/pets"]["get"]["servers"] = [{"url": url}]
    operation, left_out = one(data)
    assert operation.needs_key is needs_key
    assert [each.part for each in left_out] == ([] if needs_key else ["key"])
    assert operation.base_url == ("" if "pets" in url else url)


def test_owners_below_a_shared_suffix_are_strangers():
    """Everybody may have a name below co.uk."""
    data = keyed(BEARER)
    data["servers"] = [{"url": "https://bank.co.uk"}]
    data["paths"]["/pets"]["get"]["servers"] = [{"url": "https://evil.co.uk"}]
    assert one(data)[0].needs_key is False


@pytest.mark.parametrize("junk", [None, 1, "x", [], [[]], {"": None}, {"get": 1}, [{"get": []}], True])
def test_junk_in_any_place_is_no_crash(junk):
    """A document is anybody's; what cannot be read is as if it were not there."""
    whole = document(
        get(parameters=[query(schema={"type": "array"})], requestBody={"content": {"application/json": {}}})
    )
    paths = [[], ["get"], *(["get", key] for key in whole["paths"]["/pets"]["get"])]
    paths += [["get", "parameters", 0], ["get", "parameters", 0, "schema"], ["get", "parameters", 0, "name"]]
    for path in paths:
        data = document(
            get(parameters=[query(schema={"type": "array"})], requestBody={"content": {"application/json": {}}})
        )
        node = data["paths"]
        for key in ["/pets", *path][:-1]:
            node = node[key]
        node[["/pets", *path][-1]] = junk
        assert len(plan_of(data).operations) <= 1
    for key in ("info", "components", "security", "tags"):
        assert len(plan_of(document(get(), **{key: junk})).operations) == 1


def test_too_many_operations_or_parameters_are_told():
    """A module of that size helps nobody."""
    plan = plan_of(document(get(parameters=[query(f"q{n}") for n in range(501)])))
    assert plan.count_reasons(whole=True) == {"it has more than 500 parameters": 1}
    paths = {f"/{n}": {"get": {"responses": OK, "parameters": [query(schema={"enum": [1, 2]})]}} for n in range(3)}
    assert len(plan_of(document(paths), max_operations=3, max_values=9).operations) == 3
    for limit in ({"max_operations": 2}, {"max_values": 8}):
        with pytest.raises(ConfigError, match="the module would be too large"):
            plan_of(document(paths), **limit)


def test_schemas_are_not_folded_for_ever():
    """A few lines can ask for any number of them."""
    with pytest.raises(ConfigError, match="hold each other too often"):
        Folder(Document({}, n_folded=200_000)).fold({})


GONE = {"$ref": "gone.json"}


def test_what_a_broken_reference_describes_is_unknown_where_that_is_enough():
    """An example, or the inside of a list, is worth no operation."""
    found = params_of(
        query("a", examples={"x": GONE, "y": {"value": "v"}}),
        query("b", schema={"type": "array", "items": GONE}),
    )
    assert [param.example for param in found.values()] == ["v", ["text"]]
    for media in ({"schema": GONE}, {"examples": {"x": GONE}}):
        assert one(document(get(responses={"200": {"content": {"application/json": media}}})))[0].response is None
    media = {"examples": {"none": {}, "one": {"value": [1]}}}
    assert one(document(get(responses={"200": {"content": {"application/json": media}}})))[0].response == [1]
    assert plan_of(keyed(GONE, HEADER)).access.api_key_name == "X-Key"


def test_a_field_behind_a_broken_reference_is_told():
    """A required one takes the operation with it."""
    schema = {"properties": {"a": {"type": "string"}, "b": GONE}}
    body = {"required": True, "content": {"application/json": {"schema": schema}}}
    operation, left_out = one(document(get(method="post", requestBody=body)))
    assert [param.wire for param in operation.params] == ["a"]
    assert [(each.part, each.detail) for each in left_out] == [("b", "gone.json")]
    schema["required"] = ["b"]
    assert plan_of(document(get(method="post", requestBody=body))).operations == ()


def test_a_form_without_fields_is_told():
    """There is no name to send anything under."""
    body = {"content": {"application/x-www-form-urlencoded": {"schema": {"type": "object"}}}}
    assert one(document(get(method="post", requestBody=body)))[1][0].reason == "its form has no named fields"


def test_a_number_that_is_none_is_made_up():
    """Examples are written by hand."""
    for kind in ("integer", "number"):
        assert params_of(query(schema={"type": kind, "example": "many"}))["q"].example == 1
    assert params_of(query(schema={"type": "array", "example": [{1: 2}, {"a": None}, "x" * 300]}))["q"].example == [
        "text"
    ]
