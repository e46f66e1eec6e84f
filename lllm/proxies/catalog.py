"""What active proxies offer, as text for a prompt and as data. Pure; the order is always the same."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from lllm.proxies.base import Endpoint
from lllm.proxies.params import Param, read_params, to_examples
from lllm.proxies.service import Service

MAX_EXAMPLE_CHARS = 800


def render_catalog(services: Mapping[str, Service]) -> str:
    """Return one line for each proxy."""
    return "\n".join(_head(service) for service in services.values())


def render_directory(services: Mapping[str, Service]) -> str:
    """Return one line for each endpoint, below its proxy: how it is called, and what it is."""
    return "\n\n".join(
        "\n".join([_head(service), *(f"- {_call(service, one)}: {_line(one)}" for one in service.endpoints.values())])
        for service in services.values()
    )


def render_docs(service: Service, endpoint: Endpoint) -> str:
    """Return all that a caller needs to know of an endpoint."""
    params = read_params(endpoint)
    parts = [f"## {service.path}/{endpoint.key}", endpoint.name, endpoint.description, _warning(endpoint)]
    parts.append("\n".join(["Parameters:", *map(_param, params.values())]) if params else "It takes no parameters.")
    example = to_examples(params)
    parts.append(f"Example: CALL_API({service.path + '/' + endpoint.key!r}, {json.dumps(example, default=str)})")
    if endpoint.response is not None:
        text = json.dumps(endpoint.response, ensure_ascii=False, default=str)
        cut = text if len(text) <= MAX_EXAMPLE_CHARS else f"{text[:MAX_EXAMPLE_CHARS]}…"
        parts.append(f"Answer, for example: {cut}")
    return "\n".join(part for part in parts if part)


def render_proxy_docs(service: Service) -> str:
    """Return what holds for all endpoints of a proxy."""
    return "\n".join(part for part in (f"# {_head(service)}", service.proxy.additional_docs.strip()) if part)


def to_directory(services: Mapping[str, Service]) -> dict[str, dict[str, Any]]:
    """Return the endpoints as data, by full path: ``description, method, params``."""
    return {path: _told(endpoint) for path, endpoint in list_endpoints(services)}


def list_endpoints(services: Mapping[str, Service]) -> Iterator[tuple[str, Endpoint]]:
    """Yield each endpoint with its full path."""
    for service in services.values():
        for key, endpoint in service.endpoints.items():
            yield f"{service.path}/{key}", endpoint


def _told(endpoint: Endpoint) -> dict[str, Any]:
    params = {
        name: {
            "type": param.kind,
            "required": param.required,
            "example": param.example,
            **({"allowed": list(param.allowed)} if param.allowed else {}),
        }
        for name, param in read_params(endpoint).items()
    }
    return {"description": _line(endpoint), "method": endpoint.method.upper(), "params": params}


def _head(service: Service) -> str:
    count = f"{len(service.endpoints)} endpoint{'' if len(service.endpoints) == 1 else 's'}"
    return f"{service.path}: {type(service.proxy).describe()} ({count})"


def _flat(text: str) -> str:
    return " ".join(text.split())


def _line(endpoint: Endpoint) -> str:
    return _flat(endpoint.description or endpoint.name) or endpoint.endpoint


def _call(service: Service, endpoint: Endpoint) -> str:
    names = [f"{name}{'*' if param.required else ''}" for name, param in read_params(endpoint).items()]
    return f"{service.path}/{endpoint.key}({', '.join(names)})"


def _param(param: Param) -> str:
    words = [param.kind, "required" if param.required else ""]
    words.append(f"one of {', '.join(map(repr, param.allowed))}" if param.allowed else "")
    words.append(f"for example {param.example!r}" if param.example is not None else "")
    return f"- {param.name}: {', '.join(word for word in words if word)}"


def _warning(endpoint: Endpoint) -> str:
    return f"Changes something at the service ({endpoint.method.upper()})." if not endpoint.is_repeatable else ""
