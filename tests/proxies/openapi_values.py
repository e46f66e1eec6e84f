"""Small OpenAPI documents, made around the one thing that a test is about."""

from __future__ import annotations

import ast
import json
import types

from lllm.proxies.base import BaseProxy
from lllm.proxies.check import list_issues
from lllm.proxies.openapi import Wanted, build_plan, parse_document, render_module

OK = {"200": {"content": {"application/json": {}}}}


def document(paths=None, **more):
    """Return a document as plain data."""
    head = {
        "openapi": "3.1.0",
        "info": {"title": "Pets API", "version": "1"},
        "servers": [{"url": "https://pets.test/v1"}],
    }
    return {**head, "paths": paths or {}, **more}


def get(path="/pets", method="get", **operation):
    """Return the paths of a document with one operation."""
    return {path: {method: {"operationId": "find", "tags": ["pets"], "responses": OK, **operation}}}


def plan_of(data, **wanted):
    """Return what an import makes of a document."""
    return build_plan(parse_document(json.dumps(data).encode()), Wanted(**wanted))


def one(data, **wanted):
    """Return the only operation of a document, and what was left out."""
    plan = plan_of(data, **wanted)
    [operation] = plan.operations
    return operation, plan.left_out


def params_of(*parameters, path="/pets", **operation):
    """Return the params of an operation with these parameters, by their name on the wire."""
    found, _ = one(document(get(path, parameters=list(parameters), **operation)))
    return {param.wire: param for param in found.params}


def body_of(schema, media="application/json", **body):
    """Return the params of an operation with this body."""
    stated = {"required": True, "content": {media: {"schema": schema}}, **body}
    return {param.wire: param for param in one(document(get(method="post", requestBody=stated)))[0].params}


def load(text):
    """Run a module's text and return its proxy class."""
    module = types.ModuleType("imported")
    exec(compile(text, "imported.py", "exec"), module.__dict__)
    [cls] = [
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, BaseProxy) and value is not BaseProxy
    ]
    return cls


def issues_of(text):
    """Return what the proxies' own check finds in a module, by endpoint."""
    cls = load(text)
    return {key: issues for key, each in cls.endpoints().items() if (issues := list_issues(cls(), each))}


def module_of(data, **wanted):
    """Return the text of a document's module."""
    return render_module(plan_of(data, **wanted))


def whole():
    """Return a document with some of everything."""
    body = {"schema": {"required": ["name"], "properties": {"name": {"enum": ["Tom", 'O"Hara']}}}}
    operation = {
        "operationId": "rename",
        "summary": "Give a pet a **name**.",
        "parameters": [
            {"name": "id", "in": "path", "required": True, "schema": {"type": "integer"}, "example": 7},
            {"name": "dry_run", "in": "query", "schema": {"type": "boolean"}},
            {"name": "X-Reason", "in": "header", "schema": {"type": "string"}},
        ],
        "requestBody": {"required": True, "content": {"application/json": body}},
        "responses": {"200": {"content": {"application/json": {"example": {"name": "Tom"}}}}},
    }
    return document(
        get("/pets/{id}/name", method="put", **operation),
        info={"title": "Pets API", "version": "1", "description": "All about\n[pets](https://pets.test). And more."},
        components={"securitySchemes": {"login": {"type": "oauth2"}}},
    )


_TYPES = {"str", "int", "float", "bool", "list", "dict"}


def check_shape(text):
    """Raise unless a module holds but an import, one class, and declarations whose values are literals."""
    docstring, imported, cls = ast.parse(text).body
    assert _is_text(docstring)
    assert ast.unparse(imported) == "from lllm import BaseProxy, ProxyRegistrator"
    assert isinstance(cls, ast.ClassDef)
    assert [ast.unparse(base) for base in cls.bases] == ["BaseProxy"]
    assert cls.keywords == []
    [registrator] = cls.decorator_list
    _check_call(registrator, "ProxyRegistrator")
    described, *body = cls.body
    assert _is_text(described)
    for node in body:
        if isinstance(node, ast.Assign):
            assert all(isinstance(target, ast.Name) for target in node.targets)
            _check_literal(node.value)
            continue
        assert isinstance(node, ast.FunctionDef)
        assert ast.unparse(node.args) == "self"
        assert [ast.unparse(line) for line in node.body] == ["..."]
        [declared] = node.decorator_list
        _check_call(declared, "BaseProxy.endpoint")


def _is_text(node):
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _check_call(node, name):
    assert isinstance(node, ast.Call)
    assert ast.unparse(node.func) == name
    assert node.args == []
    for keyword in node.keywords:
        assert keyword.arg
        _check_literal(keyword.value)


def _check_literal(node):
    if isinstance(node, ast.List | ast.Tuple):
        for item in node.elts:
            _check_literal(item)
    elif isinstance(node, ast.Dict):
        for item in (*node.keys, *node.values):
            _check_literal(item)
    elif isinstance(node, ast.UnaryOp):
        assert isinstance(node.op, ast.USub)
        assert type(node.operand.value) in {int, float}
    elif isinstance(node, ast.Name):
        assert node.id in _TYPES
    else:
        assert isinstance(node, ast.Constant), ast.dump(node)
        assert isinstance(node.value, str | int | float | bool | None)
