"""What a cutoff date does to a request and to an answer. It fails closed: what shows no date is not shown. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import partial
from typing import Any, cast

from lllm.errors import CallRefused, ConfigError, ProxyError
from lllm.proxies.base import Endpoint
from lllm.proxies.dates import is_before, render_last
from lllm.proxies.params import Param

END, START, AT, RANGE = "end", "start", "at", "range"
ROLES = (END, START, AT, RANGE)
_GONE: Any = object()


def has_cutoff(endpoint: Endpoint) -> bool:
    """Return whether an endpoint declares a way to be cut off at a date, or that it needs none."""
    return bool(endpoint.timeless or endpoint.dt_cutoff or endpoint.cutoff_params)


def cut_params(
    endpoint: Endpoint, params: Mapping[str, Param], values: Mapping[str, Any], cutoff: date
) -> dict[str, Any]:
    """Return the parameters of a request that asks for nothing from a cutoff on.

    An ``end`` is moved before the cutoff, or put there; a ``start`` or an ``at`` that is not before it is refused, and
    an ``at`` that is not given is put there. A ``range`` is both, in one text with a space between, and must be given.

    Raises:
        CallRefused: the endpoint declares no way, or what is asked for lies behind the cutoff.
    """
    if not has_cutoff(endpoint):
        told = f"it cannot be cut off at a date, and a cutoff ({cutoff}) is set"
        raise CallRefused(told, hint="declare dt_cutoff or cutoff_params; timeless=True if nothing in it has a date")
    cut = dict(values)
    for name, (role, formats) in endpoint.cutoff_params.items():
        last = render_last(formats, cutoff, as_day=params[name].kind == "date")
        if role == RANGE:
            cut[name] = _cut_range(name, cut.get(name), formats, cutoff)
        elif name not in cut:
            if role in (END, AT):
                cut[name] = last
        elif not is_before(cut[name], formats, cutoff):
            if role != END:
                told = f"parameter {name!r} is not a date before the cutoff, {cutoff}"
                raise CallRefused(told, hint=f"the last one is {last}")
            cut[name] = last
    return {name: cut[name] for name in params if name in cut}


def _cut_range(name: str, given: Any, formats: str, cutoff: date) -> str:
    start, _, end = given.partition(" ") if isinstance(given, str) else ("", "", "")
    if not end or not is_before(start, formats, cutoff):
        told = f"parameter {name!r} does not begin before the cutoff, {cutoff}, and say when it ends"
        raise CallRefused(told, hint="give two dates with a space between")
    return given if is_before(end, formats, cutoff) else f"{start} {render_last(formats, cutoff)}"


def read_paths(endpoint: Endpoint) -> tuple[tuple[tuple[str, ...], str], ...]:
    """Return where in an answer dates stand, and their formats.

    Raises:
        ConfigError: ``dt_cutoff`` is neither a pair of texts nor a tuple of these.
    """
    declared: Any = endpoint.dt_cutoff or ()
    try:
        pairs = (declared,) if len(declared) == 2 and isinstance(declared[0], str) else declared
        return tuple((tuple(part for part in path.split("/") if part), kind) for path, kind in pairs)
    except (AttributeError, TypeError, ValueError):
        told = f"endpoint {endpoint.key}: dt_cutoff is not (key path, date format)"
        raise ConfigError(told) from None


def cut_answer(endpoint: Endpoint, data: Any, cutoff: date) -> Any:
    """Return an answer without what is not dated before a cutoff.

    Raises:
        ProxyError: what is left would be nothing, or the answer has another shape than declared.
    """
    for parts, kind in read_paths(endpoint):
        data = _cut(data, parts, partial(is_before, formats=kind, cutoff=cutoff))
        if data is _GONE:
            place = "/".join(parts)
            raise ProxyError(
                f"the answer is not shown: its date ({place}) is missing, or not before {cutoff}",
                hint="ask for an earlier date",
            )
    return data


def _cut(node: Any, parts: tuple[str, ...], before: Any) -> Any:
    """Return a node without the items whose dates are not before, or _GONE where the node itself is such an item."""
    if not parts:
        dates: list[Any] = cast("list[Any]", node) if isinstance(node, list) else [node]
        return cast("Any", node) if all(map(before, dates)) else _GONE  # columns: all rows, or none
    if isinstance(node, list):
        items = [_cut(item, parts, before) for item in cast("list[Any]", node)]
        return [item for item in items if item is not _GONE]
    if not isinstance(node, dict):
        return node if parts == ("*",) and before(node) else _GONE  # a list of dates
    return _cut_mapping(cast("dict[str, Any]", node), parts[0], parts[1:], before)


def _cut_mapping(node: dict[str, Any], head: str, rest: tuple[str, ...], before: Any) -> Any:
    if head == "*":
        if not rest:
            return {key: value for key, value in node.items() if before(key)}
        values = {key: _cut(value, rest, before) for key, value in node.items()}
        return {key: value for key, value in values.items() if value is not _GONE}
    if head not in node:
        return _GONE
    if node[head] is None and rest:
        return node  # how some services write an empty list
    kept = _cut(node[head], rest, before)
    return _GONE if kept is _GONE else {**node, head: kept}


def remove_keys(data: Any, keys: tuple[str, ...]) -> Any:
    """Return an answer without keys, wherever they stand; ``a/b`` is a b that stands under an a."""
    if not keys:
        return data
    plain = {key for key in keys if "/" not in key}
    return _remove(data, plain, [tuple(key.split("/")) for key in keys if "/" in key])


def _remove(node: Any, plain: set[str], paths: list[tuple[str, ...]]) -> Any:
    if isinstance(node, list):
        return [_remove(item, plain, paths) for item in cast("list[Any]", node)]
    if not isinstance(node, dict):
        return node
    kept = {
        key: _remove(value, plain, paths) for key, value in cast("dict[str, Any]", node).items() if key not in plain
    }
    for path in paths:
        kept = _without(kept, path)
    return kept


def _without(node: Any, path: tuple[str, ...]) -> Any:
    if isinstance(node, list):
        return [_without(item, path) for item in cast("list[Any]", node)]
    if not isinstance(node, dict) or path[0] not in node:
        return cast("Any", node)
    known = cast("dict[str, Any]", node)
    if len(path) == 1:
        return {key: value for key, value in known.items() if key != path[0]}
    return {**known, path[0]: _without(known[path[0]], path[1:])}
