"""What a prompt is told of the active proxies, what is checked of them, and where their classes come from."""

from __future__ import annotations

import pytest
from loopback import Reply, declare, proxy_of

from lllm.errors import CallRefused, ConfigError, NotRegisteredError, ProxyError
from lllm.proxies import (
    BUILTIN_PROXY_MODULES,
    PROXY_REGISTRY,
    BaseProxy,
    Proxy,
    list_proxies,
    load_builtin_proxies,
    register_proxy,
)
from lllm.proxies.load import load_builtin

DIRECTORY = """\
demo: Demo - A service for tests. (3 endpoints)
- demo/items/add(name*): Add one.
- demo/items/list(q*, until, limit): Items by day.
- demo/items/one/info(id*): One item."""

DOCS = """\
# demo: Demo - A service for tests. (3 endpoints)
Codes: none.

## demo/items/add
Add one.
Changes something at the service (POST).
Parameters:
- name: str, required, for example 'tea'
Example: CALL_API('demo/items/add', {"name": "tea"})

## demo/items/list
Items by day.
Parameters:
- q: str, required, for example 'tea'
- until: date, for example '2024-01-31'
- limit: int, for example 5
Example: CALL_API('demo/items/list', {"q": "tea", "until": "2024-01-31", "limit": 5})
Answer, for example: {"items": [{"day": "2024-01-01"}]}

## demo/items/one/info
One item.
Parameters:
- id: str, required, for example 'a1'
Example: CALL_API('demo/items/one/info', {"id": "a1"})"""


def test_the_directory_is_short_and_always_the_same():
    """It goes into a prompt: a changed order would be a changed prompt, and no replay."""
    proxy = proxy_of(declare())
    assert proxy.api_directory() == DIRECTORY
    assert proxy.api_catalog() == DIRECTORY.splitlines()[0]
    assert proxy.available() == ["demo/items/add", "demo/items/list", "demo/items/one/info"]
    assert proxy.endpoint_directory()["demo/items/add"] == {
        "description": "Add one.",
        "method": "POST",
        "params": {"name": {"type": "str", "required": True, "example": "tea"}},
    }


def test_the_docs_say_all_that_a_call_needs():
    """Of one endpoint, of some, of a proxy, of everything."""
    proxy = proxy_of(declare(additional_docs="Codes: none.\n"))
    assert proxy.retrieve_api_docs() == proxy.retrieve_api_docs("demo") == DOCS
    assert proxy.retrieve_api_docs(["demo/items/one/info"]) == DOCS[DOCS.index("## demo/items/one") :]
    with pytest.raises(CallRefused):
        proxy.retrieve_api_docs("demo/items/none")


def test_allowed_values_and_long_examples_in_the_docs():
    """The values are all told, an example is cut."""

    class One(BaseProxy):
        base_url = "https://h.example"

        @BaseProxy.endpoint(
            category="a", endpoint="b", name="B", params={"x": (str, None, ("l", "r"))}, response=["y" * 2000]
        )
        def b(self): ...

        @BaseProxy.endpoint(category="a", endpoint="c")
        def c(self): ...

    proxy = proxy_of(One)
    assert "- x: str, one of 'l', 'r'\n" in proxy.retrieve_api_docs("demo/a/b")
    assert len(proxy.retrieve_api_docs("demo/a/b")) < 1000
    assert proxy.retrieve_api_docs("demo/a/c").splitlines()[1] == "It takes no parameters."
    assert proxy.endpoint_directory()["demo/a/b"]["params"]["x"]["allowed"] == ["l", "r"]
    assert proxy.api_directory().splitlines()[1:] == ["- demo/a/b(x): B", "- demo/a/c(): c"]


def test_under_a_cutoff_only_what_may_be_called_is_offered():
    """A model must not be told of what is then refused."""
    assert proxy_of(declare(), "2024-01-01").available() == ["demo/items/list"]
    assert "1 endpoint)" in proxy_of(declare(), "2024-01-01").api_catalog()

    class Undated(BaseProxy):
        base_url = "https://h.example"

        @BaseProxy.endpoint(category="a", endpoint="b", description="b")
        def b(self): ...

    assert proxy_of(Undated, "2024-01-01").api_catalog() == ""


# auto_test


def test_a_sound_declaration_passes():
    """Without a request, and without a key."""
    told = proxy_of(declare(api_key_env="NOT_SET_ANYWHERE", api_key_name="k")).auto_test()
    assert list(told) == ["demo/items/add", "demo/items/list", "demo/items/one/info"]
    assert list(told.values()) == [{"status": "ok", "issues": []}] * 3


WRONG = [
    ({"endpoint": "a b"}, "'a b' is no plain word"),
    ({"answer": "xml"}, "answer: 'xml' is none of json, text"),
    ({"body_type": "xml"}, "body_type: 'xml'"),
    ({"list_style": "tabs"}, "list_style: 'tabs' is none of comma, repeat"),
    ({"description": ""}, "it has no description"),
    ({"dt_cutoff": ("a", "YYYY")}, "'YYYY' is no date format"),
    ({"dt_cutoff": ("a",)}, "dt_cutoff is not (key path, date format)"),
    (
        {"params": {"to": "date"}, "cutoff_params": {"to": ("until", "%Y-%m-%d")}},
        "cutoff_params: 'until' is none of end",
    ),
    ({"params": {"to": "date"}, "cutoff_params": {"to": ("end", "%d.%m.%Y")}}, "parameter 'to' must be a date"),
    ({"params": {"x*": str}}, "parameter 'x' is missing"),
    ({"params": {"x": (int, "1")}}, "parameter 'x' must be a whole number"),
    ({"path": "/{x}"}, "its path names 'x'"),
    ({"method": "FETCH"}, "'FETCH' is no method"),
    ({"params": {"x": "text"}}, "parameter 'x' is not (type, example)"),
]


@pytest.mark.parametrize(("declared", "issue"), WRONG)
def test_a_wrong_declaration_is_found_without_a_call(declared, issue):
    """Before a user, or a cutoff, depends on it."""

    class Odd(BaseProxy):
        base_url = "https://h.example"

        @BaseProxy.endpoint(**{"category": "a", "endpoint": "b", "description": "b", **declared})
        def odd(self): ...

    ((_, told),) = proxy_of(Odd).auto_test().items()
    assert told["status"] == "failed"
    assert any(issue in text for text in told["issues"])


@pytest.mark.parametrize(
    ("attributes", "issue"),
    [
        ({"api_key_env": "K"}, "it is not said where its key goes"),
        ({"api_key_env": "K", "api_key_name": "k", "api_key_in": "cookie"}, "it is not said where its key goes"),
        ({"base_url": "http://h.example", "api_key_env": "K", "api_key_name": "k"}, "plain http"),
        ({"list_style": "tabs"}, "list_style: 'tabs' is none of comma, repeat"),
    ],
)
def test_a_wrong_service_is_found_without_a_call(attributes, issue):
    """At each of its endpoints."""
    told = proxy_of(declare(**attributes)).auto_test()
    assert all(any(issue in text for text in facts["issues"]) for facts in told.values())


def test_a_live_test_calls_each_endpoint_with_its_example(service):
    """But not those that would change something, nor those that a cutoff forbids."""
    service.says({"items": []}, Reply(b"gone", 404))
    told = proxy_of(declare(service.url)).auto_test(live=True)
    assert [got.path for got in service.asked] == ["/list?q=tea&until=2024-01-31&limit=5", "/items/a1/info"]
    assert {path: facts["status"] for path, facts in told.items()} == {
        "demo/items/add": "skipped",
        "demo/items/list": "ok",
        "demo/items/one/info": "failed",
    }
    assert told["demo/items/one/info"]["issues"] == ["demo/items/one/info: HTTP 404: gone"]
    service.says(Reply(b"", 403))
    told = proxy_of(declare(service.url)).auto_test(live=True)
    assert told["demo/items/list"]["issues"] == ["demo/items/list: HTTP 403 (is the key right?)"]
    service.says({"items": []})
    keyless = proxy_of(declare(service.url, api_key_env="NOT_SET_ANYWHERE", api_key_in="bearer")).auto_test(live=True)
    missing = "the key is missing: set the environment variable NOT_SET_ANYWHERE"
    assert keyless["demo/items/list"] == {"status": "skipped", "issues": [missing]}
    cut = proxy_of(declare(service.url), "2024-01-01").auto_test(live=True)
    assert cut["demo/items/one/info"] == {"status": "skipped", "issues": ["the cutoff forbids it"]}


# Where proxies come from


def test_proxies_are_those_that_are_registered_or_named():
    """None means all that are registered; what comes with lllm only where it is named."""
    register_proxy("demo", declare())
    register_proxy("a/B", declare())
    assert list(Proxy().services) == ["a/B", "demo"]
    assert list(Proxy(["demo"]).services) == ["demo"]
    assert list(Proxy("demo").services) == ["demo"]
    assert Proxy(["fred", "fred"]).activate_proxies == ["fred"]
    assert list_proxies() == ["a/B", "demo"]
    assert Proxy([]).available() == []
    assert Proxy(["a/B"]).available()[0] == "a/B/items/add"
    with pytest.raises(NotRegisteredError) as caught:
        Proxy(["dem"])
    assert caught.value.hint == "did you mean 'demo'?"


def test_a_path_with_a_slash_finds_its_endpoint(service):
    """A class without a registrator is registered under its file's name and its own."""
    register_proxy("a", declare("http://127.0.0.1:1"))
    register_proxy("a/B", declare(service.url))
    service.says({"items": []})
    assert Proxy(cache=False)("a/B/items/list", {"q": "x"}) == {"items": []}

    class Shorter(BaseProxy):
        base_url = "http://127.0.0.1:1"

        @BaseProxy.endpoint(category="B", sub_category="items", endpoint="list", description="Of the shorter path.")
        def other(self): ...

    register_proxy("a", Shorter, overwrite=True)
    assert Proxy(cache=False)("a/B/items/list", {"q": "x"}) == {"items": []}
    with pytest.raises(CallRefused) as caught:
        Proxy([])("demo/items/list", {"q": "x"})
    assert caught.value.hint == "active: none; name them in activate_proxies"


def test_the_built_in_ones_are_loaded_when_asked_for():
    """All or some; the project's own of the same path stays, and what is none is told."""
    own = declare()
    register_proxy("fred", own)
    assert load_builtin_proxies(["fred", "wa", "nope"]) == (
        ["fred", "wa"],
        {"nope": "no proxy 'nope' comes with lllm"},
    )
    assert PROXY_REGISTRY["fred"] is own
    assert type(Proxy(["fred"]).services["fred"].proxy) is own
    assert PROXY_REGISTRY["wa"] is load_builtin("wa")
    assert load_builtin_proxies() == (sorted(BUILTIN_PROXY_MODULES), {})


def test_two_endpoints_of_one_key_are_refused():
    """Which one would be called is nobody's guess."""

    class Twice(declare()):
        @BaseProxy.endpoint(category="items", endpoint="list")
        def again(self): ...

    with pytest.raises(ConfigError, match="declares endpoint 'items/list' twice"):
        _ = proxy_of(Twice).services


def test_a_class_that_takes_arguments_is_no_proxy():
    """It is made by whoever calls, who has none to give."""

    class Odd(BaseProxy):
        def __init__(self, key):
            pass

    with pytest.raises(ConfigError) as caught:
        _ = proxy_of(Odd).services
    assert caught.value.hint == "a proxy's class takes no arguments"


def test_a_proxy_is_data():
    """A sandbox is told which proxies it has."""
    register_proxy("demo", declare())
    proxy = Proxy(["demo"], "2024-01-01", deploy_mode=True)
    told = {"activate_proxies": ["demo"], "cutoff_date": "2024-01-01", "deploy_mode": True}
    assert proxy.to_dict() == Proxy.from_dict(told).to_dict() == told
    assert Proxy.from_dict({}).to_dict() == {"activate_proxies": None, "cutoff_date": None, "deploy_mode": False}
    assert repr(Proxy(["demo"], "2024-01-01")) == "Proxy(['demo'], cutoff_date='2024-01-01', deploy_mode=False)"
    for wrong in ("2024-13-01", "soon"):
        with pytest.raises(ConfigError):
            Proxy([], wrong)


@pytest.mark.parametrize("params", [[("q", "x")] * 2 + [1], "q", {"q": {1, 2}}, {"q": float("nan")}, {"q": object()}])
def test_parameters_that_no_log_can_hold_are_refused(params):
    """Before the call begins."""
    with pytest.raises(CallRefused, match="the parameters are no plain data"):
        proxy_of(declare())("demo/items/list", params)


def test_parameters_that_are_nested_too_deep_are_refused():
    """A log could not hold them either."""
    deep = []
    for _ in range(200):
        deep = [deep]
    with pytest.raises(CallRefused, match="nested deeper than 100 levels"):
        proxy_of(declare())("demo/items/list", {"q": deep})


@pytest.mark.parametrize("path", [None, 5, ["demo/items/list"], b"demo/items/list"])
def test_a_path_that_is_no_text_is_refused(path):
    """A sandbox sends whatever JSON knows."""
    with pytest.raises(CallRefused, match="the path of an endpoint is a text"):
        proxy_of(declare())(path)


def test_errors_of_proxies_are_one_family():
    """A refusal is an error, too: nobody must catch two."""
    assert issubclass(CallRefused, ProxyError)
