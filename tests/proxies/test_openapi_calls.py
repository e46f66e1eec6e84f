"""An imported endpoint is called over a real socket, and the service gets what its document says."""

from __future__ import annotations

import json
from urllib.parse import unquote

from loopback import Reply, proxy_of
from openapi_values import OK, document, load, module_of


def query(name, **stated):
    return {"name": name, "in": "query", **stated}


PATHS = {
    "/pets/{pet-id}": {
        "post": {
            "operationId": "change",
            "parameters": [
                query("$expand", schema={"type": "array"}),
                {"name": "X-Reason", "in": "header", "schema": {"type": "string"}},
            ],
            "requestBody": {
                "content": {"application/json": {"schema": {"properties": {"pet-id": {}, "tags": {"type": "array"}}}}}
            },
            "responses": OK,
        }
    },
    "/form": {
        "post": {
            "operationId": "send",
            "requestBody": {
                "content": {"application/x-www-form-urlencoded": {"schema": {"properties": {"a": {"type": "object"}}}}}
            },
            "responses": OK,
        }
    },
    "/all": {
        "post": {
            "operationId": "replace",
            "requestBody": {"content": {"application/json": {"schema": {"type": "array"}}}},
            "responses": OK,
        }
    },
    "/keyed": {
        "get": {
            "operationId": "keyed",
            "security": [{"token": []}],
            "responses": {"200": {"content": {"text/csv": {}}}},
        }
    },
}


def imported(service):
    data = document(PATHS, servers=[{"url": f"{service.url}/v1"}])
    data["components"] = {"securitySchemes": {"token": {"type": "http", "scheme": "basic"}}}
    data["security"] = [{}, {"token": []}]
    return proxy_of(load(module_of(data)), path="pets")


def test_parameters_arrive_where_the_document_has_them(service, way):
    """Under the names that the service knows, whatever the caller's are."""
    service.says({"done": True})
    params = {"pet_id": "a b", "expand": ["x", "y"], "X-Reason": "why", "pet-id": "n", "tags": ["t"]}
    assert way.call(imported(service), "pets/pets/change", params) == {"done": True}
    [got] = service.asked
    assert (got.method, unquote(got.path)) == ("POST", "/v1/pets/a b?$expand=x&$expand=y")
    assert got.headers["x-reason"] == "why"
    assert json.loads(got.body) == {"pet-id": "n", "tags": ["t"]}


def test_forms_and_whole_bodies_arrive(service, way):
    """A form of nested fields, and a body that is a list."""
    service.says({})
    proxy = imported(service)
    way.call(proxy, "pets/form/send", {"a": {"b": "1 2"}})
    way.call(proxy, "pets/all/replace", {"body": [1, {"x": 2}]})
    form, whole = service.asked
    assert (form.headers["content-type"], form.body) == ("application/x-www-form-urlencoded", b"a%5Bb%5D=1+2")
    assert (whole.headers["content-type"], json.loads(whole.body)) == ("application/json", [1, {"x": 2}])


def test_the_key_is_sent_as_the_document_says(service, way, monkeypatch):
    """From the variable that the module names, and text is answered as text."""
    service.says(Reply(b"a,b\n1,2\n"))
    monkeypatch.setenv("PETS_API_KEY", "dXNlcjpwdw==")
    assert way.call(imported(service), "pets/keyed/keyed", {}) == "a,b\n1,2\n"
    assert service.asked[0].headers["authorization"] == "Basic dXNlcjpwdw=="
