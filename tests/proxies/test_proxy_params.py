"""Which parameters are taken, and where on the wire each of them goes, whatever it holds."""

from __future__ import annotations

import json
from datetime import date
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lllm.errors import CallRefused, ConfigError
from lllm.proxies import BaseProxy, Endpoint
from lllm.proxies.params import check_params, read_params
from lllm.proxies.wire import MAX_URL_CHARS, build_request

TYPED = {
    "s": (str, "x"),
    "i": (int, 1),
    "f": (float, 0.5),
    "b": (bool, True),
    "d": ("date", "2024-02-29"),
    "l": (list, ["a"]),
    "m": (dict, {}),
    "choice": (str, "a", ("a", "b")),
    "many": (list, ["a"], ("a", "b")),
}


def endpoint(params, **more):
    return Endpoint(**{"category": "c", "endpoint": "e", "params": params, **more})


def service(**attributes):
    return type("Service", (BaseProxy,), {"base_url": "https://h.example/v1", **attributes})()


def build(params, values, proxy=None, origin="", **more):
    """Return the request of an endpoint with these parameters."""
    declared = endpoint(params, **more)
    return build_request(proxy or service(), declared, check_params(declared, values), origin)


GOOD = [
    ("s", "", ""),
    ("i", 3, 3),
    ("i", 3.0, 3),
    ("f", 1, 1),
    ("b", False, False),
    ("d", "2024-02-29", "2024-02-29"),
    ("d", date(2024, 1, 2), "2024-01-02"),
    ("l", (1, "a"), [1, "a"]),
    ("m", {"a": [1]}, {"a": [1]}),
    ("choice", "b", "b"),
    ("many", ["a", "b"], ["a", "b"]),
]


@pytest.mark.parametrize(("name", "value", "taken"), GOOD)
def test_a_value_of_its_type_is_taken(name, value, taken):
    """An int may be written with a point, and stands where a number is asked for."""
    checked = check_params(endpoint(TYPED), {name: value})
    assert checked == {name: taken}
    assert type(checked[name]) is type(taken)


BAD = [
    ("s", 1, "a text, got int 1"),
    ("s", "\ud800", "a text, got str"),
    ("i", True, "a whole number, got bool True"),
    ("i", 1.5, "a whole number, got float 1.5"),
    ("i", "1", "a whole number, got str '1'"),
    ("f", float("nan"), "a number, got float nan"),
    ("f", False, "a number"),
    ("b", 1, "true or false"),
    ("d", "2023-02-29", "a date YYYY-MM-DD"),
    ("d", "2024-1-1", "a date"),
    ("d", 20240101, "a date"),
    ("l", "ab", "a list, got str 'ab'"),
    ("l", [object()], "a list"),
    ("l", ["\ud800"], "a list"),
    ("m", [], "a mapping, got list"),
    ("m", {"a": float("inf")}, "a mapping"),
    ("choice", "c", "one of 'a', 'b', got str 'c'"),
    ("many", ["a", "c"], "one of 'a', 'b', got list"),
]


@pytest.mark.parametrize(("name", "value", "told"), BAD)
def test_a_value_of_another_type_is_refused(name, value, told):
    """The text is what a model mends its call by."""
    with pytest.raises(CallRefused) as caught:
        check_params(endpoint(TYPED), {name: value})
    assert caught.value.message.startswith(f"parameter {name!r} must be {told}")


def test_names_are_checked():
    """Required ones are there, unknown ones are not, and marks may be given or left out."""
    declared = endpoint({"$id": (str, "a1"), "#title*": (str, None), "limit": (int, 5)}, path="/x/{id}")
    assert check_params(declared, {"limit": None, "#title*": "t", "$id": "x"}) == {"id": "x", "title": "t"}
    for given_, message, hint in [
        ({"title": "t"}, "parameter 'id' is missing", "for example id='a1'"),
        ({"id": "x", "title": None}, "parameter 'title' is missing", "parameters: id, title, limit"),
        ({"id": "x", "title": "t", "limits": 1}, "there is no parameter 'limits'", "did you mean 'limit'?"),
        ({"qqq": 1}, "there is no parameter 'qqq'", "parameters: id, title, limit"),
        ({"id": "x", "$id": "y", "title": "t"}, "parameter 'id' is given twice", ""),
    ]:
        with pytest.raises(CallRefused) as caught:
            check_params(declared, given_)
        assert (caught.value.message, caught.value.hint) == (message, hint)
    with pytest.raises(CallRefused) as caught:
        check_params(endpoint({}), {"a": 1})
    assert caught.value.hint == "it takes no parameters"


@pytest.mark.parametrize(
    "more",
    [
        {"params": {"a": (bytes, b"")}},
        {"params": {"a": (str, "", ["x"])}},
        {"params": {"a": (str, "", (), 1)}},
        {"params": {"a": ("day", "")}},
        {"params": {"a": (1,)}},
        {"params": {"*": (str, "")}},
        {"params": {"a": str, "a*": str}},
        {"wire_names": {"b": "c"}},
        {"cutoff_params": {"b": ("end", "iso")}},
    ],
)
def test_a_wrong_declaration_is_told_with_its_endpoint(more):
    """Who declares it must find it."""
    with pytest.raises(ConfigError, match="endpoint c/e: "):
        read_params(endpoint(**{"params": {}, **more}))


def test_every_mark_has_its_place():
    """Query, path, body, header; constants with them, which callers may change where they are declared, too."""
    params = {"q*": str, "$id": str, "#title": str, "@x-mode": str, "n": int}
    wire = build(
        params,
        {"q": "é&=", "id": "a", "title": "é", "x-mode": "fast"},
        service(headers={"x-own": "1"}, fixed={"format": "json", "#kind": "b"}),
        path="/items/{id}/",
        method="put",
        fixed={"n": 3, "format": "xml"},
    )
    assert (wire.method, wire.url) == ("PUT", "https://h.example/v1/items/a/?format=xml&n=3&q=%C3%A9%26%3D")
    assert json.loads(wire.body) == {"kind": "b", "title": "é"}
    assert dict(wire.headers) == {
        "accept": "application/json",
        "content-type": "application/json",
        "x-own": "1",
        "x-mode": "fast",
    }


def test_a_path_parameter_that_the_path_does_not_name_comes_after_it():
    """So that a declaration without a path of its own works, too."""
    assert build({"$a": str, "$b": int}, {"a": "x", "b": 2}).url == "https://h.example/v1/e/x/2"
    assert build({}, {}, path="/").url == "https://h.example/v1/"
    with pytest.raises(ConfigError, match="its path names 'c'"):
        build({"$a": str}, {"a": "x"}, path="/{c}")


CLIMBING = [
    "..",
    ".",
    "../x",
    "a/../b",
    "..\\x",
    "%2e%2e",
    "%252e%252e/x",
    "a/%2e%2E/",
    "",
    "a\r\nb",
    "a%0d%0ab",
    "\x00",
]


@pytest.mark.parametrize("value", CLIMBING)
def test_a_value_that_would_climb_out_of_its_segment_is_refused(value):
    """Servers undo percent signs before they look for dots, and some do it twice."""
    with pytest.raises(CallRefused, match="cannot be a part of a path"):
        build({"$id": str}, {"id": value}, path="/items/{id}/info")


@given(st.text(min_size=1))
def test_any_other_value_stays_one_segment(value):
    """Whatever a model makes up: the service gets it whole, at its place, or the call is refused."""
    try:
        wire = build({"$id": str, "q": str}, {"id": value, "q": value}, path="/items/{id}/info")
    except CallRefused:
        return
    parts = urlsplit(wire.url)
    assert (parts.scheme, parts.netloc, parts.fragment) == ("https", "h.example", "")
    head, first, items, segment, info = parts.path.split("/")
    assert (head, first, items, unquote(segment), info) == ("", "v1", "items", value, "info")
    assert parse_qsl(parts.query, keep_blank_values=True) == [("q", value)]


@pytest.mark.parametrize("value", ["a\r\nx-evil: 1", "a\nb", "é", "\x7f"])
def test_a_header_stays_one_line(value):
    """Else a parameter could add headers of its own."""
    with pytest.raises(CallRefused, match="'x-mode' cannot be a header"):
        build({"@x-mode": str}, {"x-mode": value})


def test_lists_and_truth_are_written_as_the_service_wants():
    """Each service has its own way."""
    params, values = (
        {"l": list, "b": bool, "m": dict, "f": float},
        {"l": ["a,b", 1, True], "b": False, "m": {"a": 1}, "f": 1},
    )
    query = lambda **more: urlsplit(build(params, values, **more).url).query  # noqa: E731
    assert query() == "l=a%2Cb%2C1%2Ctrue&b=false&m=%7B%22a%22%3A%201%7D&f=1"
    assert query(list_style="repeat", bool_style=("1", "0")) == "l=a%2Cb&l=1&l=1&b=0&m=%7B%22a%22%3A%201%7D&f=1"
    assert query(proxy=service(list_style="repeat", bool_style=("yes", "no"))).startswith("l=a%2Cb&l=1&l=yes&b=no")


def test_a_body_is_json_a_form_or_one_value():
    """A form has nested names; a value without a name is the body itself."""
    params, values = {"#a": str, "#m": dict, "#l": list}, {"a": "é &", "m": {"x": {"y": True}}, "l": [1, 2]}
    form = build(params, values, method="POST", body_type="form", list_style="repeat")
    assert form.body == b"a=%C3%A9+%26&m%5Bx%5D%5By%5D=true&l=1&l=2"
    assert dict(form.headers)["content-type"] == "application/x-www-form-urlencoded"
    assert json.loads(build({"#all": list}, {"all": [1]}, method="POST", wire_names={"all": ""}).body) == [1]
    assert build({"#a": str}, {}, method="POST").body == b""


def test_names_of_the_wire_may_begin_with_a_mark():
    """OData has $filter; the caller says filter."""
    assert build({"filter": str}, {"filter": "x"}, wire_names={"filter": "$filter"}).url.endswith("?%24filter=x")


def test_an_address_that_no_server_takes_is_not_sent():
    """It would come back as an error that nobody understands."""
    build({"q": str}, {"q": "x" * (MAX_URL_CHARS - 50)})
    with pytest.raises(CallRefused, match="the address would have"):
        build({"q": str}, {"q": "x" * MAX_URL_CHARS})


@pytest.mark.parametrize(
    "base", ["", "h.example", "ftp://h", "https://", "https://h/x?y=1", "https://h/#a", "https://u:p@h"]
)
def test_an_address_that_is_none_is_told(base):
    """A key must not end up in an address that was put together by accident."""
    with pytest.raises(ConfigError, match="is no base_url"):
        build({}, {}, service(base_url=base))


def test_an_endpoint_may_lie_on_another_host_and_answer_in_text():
    """Services have several; a trailing slash makes no difference."""
    wire = build({}, {}, base_url="https://other.example/x/", answer="text")
    assert (wire.url, wire.headers) == ("https://other.example/x/e", (("accept", "*/*"),))
    assert build({}, {}, origin="http://127.0.0.1:9/").url == "http://127.0.0.1:9/v1/e"


def test_an_odd_method_is_refused():
    """Only what services declare."""
    with pytest.raises(ConfigError, match="'GET / X' is no method"):
        build({}, {}, method="GET / X")
