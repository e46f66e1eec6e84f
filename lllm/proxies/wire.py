"""From checked parameters to one HTTP request, without the key. Pure.

No value can leave its place: what goes into the path stays one segment, what goes into a header stays one line.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, cast
from urllib.parse import quote, unquote, urlencode, urlsplit

from lllm.errors import CallRefused, ConfigError
from lllm.proxies.base import BaseProxy, Endpoint
from lllm.proxies.params import BODY, HEADER, PATH, QUERY, Param, read_params, split_marks
from lllm.transport.address import is_loopback
from lllm.transport.port import WireRequest

_FIELD = re.compile(r"\{([^{}]*)\}")
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")  # a token of RFC 9110, section 5.6.2
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
MAX_URL_CHARS = 8000
"""What servers take at least, as RFC 9110, section 4.1 recommends."""


def build_request(service: BaseProxy, endpoint: Endpoint, values: Mapping[str, Any], origin: str = "") -> WireRequest:
    """Return the request of a call.

    Args:
        service: what the endpoint belongs to.
        endpoint: what is called.
        values: by parameter, as :func:`~lllm.proxies.params.check_params` returns them.
        origin: stands in for scheme and host of the declared address.

    Raises:
        CallRefused: a value cannot be sent in its place, or the address is longer than servers take.
        ConfigError: the declaration is wrong.
    """
    if endpoint.method.upper() not in METHODS:
        raise ConfigError(f"endpoint {endpoint.key}: {endpoint.method!r} is no method", hint=", ".join(METHODS))
    params = read_params(endpoint)
    places = _place(service, endpoint, params, values)
    bools, lists = endpoint.bool_style or service.bool_style, endpoint.list_style or service.list_style
    url = to_base(service, endpoint, origin) + _fill_path(endpoint, params, values)
    query = urlencode(list(_pairs(places[QUERY], bools, lists)), quote_via=quote)
    url = f"{url}?{query}" if query else url
    if len(url) > MAX_URL_CHARS:
        raise CallRefused(f"the address would have {len(url):,} characters, over {MAX_URL_CHARS:,}")
    headers = {name: _to_header(name, value, bools) for name, value in places[HEADER].items()}
    body = _to_body(endpoint, places[BODY], bools, lists)
    if body:
        headers["content-type"] = "application/json" if endpoint.body_type == "json" else _FORM
    headers = {"accept": "application/json" if endpoint.answer == "json" else "*/*", **headers}
    return WireRequest(endpoint.method.upper(), url, tuple(headers.items()), body)


_FORM = "application/x-www-form-urlencoded"


def to_base(service: BaseProxy, endpoint: Endpoint, origin: str = "") -> str:
    """Return the address that an endpoint's path is added to. Pure.

    Raises:
        ConfigError: it is none, or one that a key would be sent to unprotected.
    """
    base = (endpoint.base_url or service.base_url).rstrip("/")
    parts = urlsplit(base)
    if parts.scheme not in ("http", "https") or not parts.hostname or set(base) & set("?#@"):
        raise ConfigError(f"endpoint {endpoint.key}: {base!r} is no base_url", hint="https://host/path")
    if origin:
        base = origin.rstrip("/") + parts.path
        parts = urlsplit(base)
    if parts.scheme == "http" and service.api_key_env and endpoint.needs_key and not is_loopback(parts.hostname or ""):
        raise ConfigError(f"endpoint {endpoint.key}: its key would be sent over plain http", hint="use https://")
    return base


def _place(
    service: BaseProxy, endpoint: Endpoint, params: Mapping[str, Param], values: Mapping[str, Any]
) -> dict[str, dict[str, Any]]:
    """Return what goes where, by the names of the wire: what is fixed first, then what is given."""
    places: dict[str, dict[str, Any]] = {QUERY: {}, BODY: {}, HEADER: dict(service.headers), PATH: {}}
    for text, value in {**service.fixed, **endpoint.fixed}.items():
        name, place, _ = split_marks(text)
        places[place][name] = value
    for name, value in values.items():
        places[params[name].place][params[name].wire_name] = value
    return places


def _fill_path(endpoint: Endpoint, params: Mapping[str, Param], values: Mapping[str, Any]) -> str:
    """Return the path; a parameter of it that it does not mention comes after it."""
    path = "/" + (endpoint.path or endpoint.endpoint).lstrip("/")
    segments = {name: _to_segment(name, values[name]) for name, at in params.items() if at.place == PATH}
    if strange := [name for name in _FIELD.findall(path) if name not in segments]:
        raise ConfigError(f"endpoint {endpoint.key}: its path names {strange[0]!r}, which no parameter '$...' fills")
    rest = [text for name, text in segments.items() if f"{{{name}}}" not in path]
    filled = _FIELD.sub(lambda found: segments[found[1]], path)
    return "/".join([filled.rstrip("/"), *rest]) if rest else filled


def _to_segment(name: str, value: Any) -> str:
    """Return a value as one segment of a path, or a part of one.

    Servers undo percent signs before they look for ``..``, some of them twice; so what would climb is not sent at all.
    """
    text = value if isinstance(value, str) else json.dumps(value)
    bare = text
    while (undone := unquote(bare)) != bare:
        bare = undone
    if not text or any(part in (".", "..") for part in re.split(r"[/\\]", bare)) or _has_controls(bare):
        raise CallRefused(f"parameter {name!r} cannot be a part of a path: {text[:60]!r}")
    return quote(text, safe="")


def _has_controls(text: str) -> bool:
    return any(ord(char) < 0x20 or ord(char) == 0x7F for char in text)


def _to_header(name: str, value: Any, bools: tuple[str, str]) -> str:
    text = _to_text(value, bools)
    if not _HEADER_NAME.fullmatch(name) or _has_controls(text) or not text.isascii():
        raise CallRefused(f"parameter {name!r} cannot be a header: {text[:60]!r}")
    return text.strip()


def _to_text(value: Any, bools: tuple[str, str]) -> str:
    """Return a value as a query has it."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return bools[0] if value else bools[1]
    return json.dumps(value, ensure_ascii=False)


def _pairs(values: Mapping[str, Any], bools: tuple[str, str], lists: str) -> Iterator[tuple[str, str]]:
    for name, value in values.items():
        if not isinstance(value, list):
            yield name, _to_text(value, bools)
            continue
        texts = [_to_text(item, bools) for item in cast("list[Any]", value)]
        if lists == "repeat":
            yield from ((name, text) for text in texts)
        else:
            yield name, ",".join(texts)


def _to_body(endpoint: Endpoint, values: Mapping[str, Any], bools: tuple[str, str], lists: str) -> bytes:
    if not values:
        return b""
    if endpoint.body_type == "form":
        return urlencode(list(_pairs(_flatten(values), bools, lists))).encode()
    return json.dumps(values.get("", values), ensure_ascii=False).encode()


def _flatten(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return nested mappings as one, with names such as ``a[b]``."""
    flat: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, dict):
            flat.update(_flatten({f"{name}[{key}]": item for key, item in cast("dict[str, Any]", value).items()}))
        else:
            flat[name] = value
    return flat
