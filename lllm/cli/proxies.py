"""``lllm proxies``: the services that agents may use."""

from __future__ import annotations

import difflib
import json
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NoReturn, cast

import click

from lllm.cli import exits
from lllm.cli.exits import MissingError
from lllm.cli.lazy import LazyGroup, Verb
from lllm.cli.options import standard
from lllm.cli.screen import Screen
from lllm.errors import ConfigError

if TYPE_CHECKING:
    from lllm.discovery import Discovered
    from lllm.proxies import Proxy
    from lllm.proxies.params import Param

_HERE = "lllm.cli.proxies"
_VERBS = {
    "list": Verb("List the proxies of the project, and those that come with lllm.", _HERE),
    "show": Verb("Show what a proxy offers, or an endpoint takes.", _HERE),
    "call": Verb("Call an endpoint.", _HERE),
    "test": Verb("Check declarations; with --live, call each endpoint with its example.", _HERE),
    "import": Verb("Make a proxy module from an OpenAPI document.", "lllm.cli.proxies_import"),
}


@click.group(cls=LazyGroup, verbs=_VERBS)
def proxies() -> None:
    """List, show, call and test the services that agents may use; make a proxy from an OpenAPI document."""


@click.command("list")
@standard
def list_(screen: Screen) -> int:
    """List the proxies of the project, and those that come with lllm."""
    found = _discover()
    rows = [_tell(path, broken) for path, broken in _known().items()]
    if screen.as_json:
        screen.json(rows)
    else:
        head = ("proxy", "endpoints", "key", "told")
        screen.table(head, [tuple(str(row[name]) or "-" for name in head) for row in rows])
    for error in found.failures.values():
        screen.say(f"not loaded: {error}", "red")
    return exits.OK


@click.command()
@click.argument("name")
@click.option("--cutoff", "cutoff_date", metavar="YYYY-MM-DD", help="Only what may be called under this cutoff.")
@standard
def show(screen: Screen, name: str, cutoff_date: str | None) -> int:
    """Show what a proxy offers, or what an endpoint takes: NAME is the path of either."""
    _discover()
    proxy, owner = _open(name, cutoff_date)
    if name != owner and name not in proxy.available():
        _refuse(proxy, owner, name, cutoff_date)
    if screen.as_json:
        told = proxy.endpoint_directory()
        screen.json({path: facts for path, facts in told.items() if name in (owner, path)})
    elif name == owner:
        screen.line(proxy.api_directory() or f"{name}: no endpoint of it may be called under this cutoff")
    else:
        screen.line(proxy.retrieve_api_docs(name))
    return exits.OK


@click.command()
@click.argument("path")
@click.option("--param", "pairs", metavar="NAME=VALUE", multiple=True, help="A parameter, or one more item of a list.")
@click.option("--params", "text", metavar="JSON", help="All parameters, as a JSON object.")
@click.option("--cutoff", "cutoff_date", metavar="YYYY-MM-DD", help="Ask for nothing from this day on.")
@click.option("--fresh", is_flag=True, help="Do not take an answer that was kept.")
@standard
def call(
    screen: Screen, path: str, pairs: tuple[str, ...], text: str | None, cutoff_date: str | None, fresh: bool
) -> int:
    """Call the endpoint PATH and write its answer, as JSON."""
    _discover()
    proxy, owner = _open(path, cutoff_date, fresh=fresh)
    service = proxy.services[owner]
    endpoint = service.endpoints.get(path.removeprefix(f"{owner}/"))
    if endpoint is None:
        _refuse(proxy, owner, path, None)
    from lllm.proxies.params import read_params  # noqa: PLC0415 - loaded when used

    params = read_params(endpoint)
    given = {**_parse_object(text), **_parse_pairs(pairs, params)}
    answer = proxy(path, given)
    if isinstance(answer, str) and not screen.as_json:
        screen.data(answer)
    else:
        screen.json(answer)
    return exits.OK


@click.command()
@click.argument("name", default="")
@click.option("--live", is_flag=True, help="Call each endpoint with its example values.")
@standard
def test(screen: Screen, name: str, live: bool) -> int:
    """Check the declarations of NAME, or of all proxies: does each endpoint hold together?

    With --live each endpoint is called as well, with its own example values: with your key, and over the network.
    """
    from lllm.proxies import Proxy  # noqa: PLC0415 - heavy

    _discover()
    if name:
        proxy, owner = _open(name, None, fresh=True)
        if name != owner and name not in proxy.available():
            _refuse(proxy, owner, name, None)
        told = proxy.auto_test(live=live, paths=None if name == owner else [name])
    else:
        told = Proxy([path for path, broken in _known().items() if not broken], cache=False).auto_test(live=live)
    failed, skipped = (sum(facts["status"] == word for facts in told.values()) for word in ("failed", "skipped"))
    if screen.as_json:
        screen.json(told)
        return exits.FAILED if failed else exits.OK
    for path, facts in told.items():
        style = {"failed": "red", "skipped": "dim"}.get(facts["status"], "")
        screen.line(f"{facts['status']:8}{path}{''.join(f'  {issue}' for issue in facts['issues'])}", style)
    screen.say(f"{len(told)} endpoint{'' if len(told) == 1 else 's'}, {failed} failed, {skipped} skipped")
    return exits.FAILED if failed else exits.OK


def _discover() -> Discovered:
    from lllm.cli.project import discover, find_place  # noqa: PLC0415 - heavy

    return discover(find_place(), {})


def _known() -> dict[str, str]:
    """Return the proxies by path, sorted, and why one that comes with lllm cannot be loaded."""
    from lllm.proxies.base import PROXY_REGISTRY  # noqa: PLC0415 - loaded when used
    from lllm.proxies.load import BUILTIN_PROXY_MODULES, load_builtin  # noqa: PLC0415 - as above

    known = dict.fromkeys(PROXY_REGISTRY, "")
    for path in BUILTIN_PROXY_MODULES:
        try:
            if path not in known and load_builtin(path):
                known[path] = ""
        except (ConfigError, ImportError) as error:
            known[path] = str(error)
    return dict(sorted(known.items()))


def _open(name: str, cutoff_date: str | None, *, fresh: bool = False) -> tuple[Proxy, str]:
    """Return the proxy that a path belongs to, active alone, and its own path.

    Raises:
        MissingError: there is none.
    """
    from lllm.proxies import Proxy  # noqa: PLC0415 - heavy

    known = _known()
    owners = [path for path in known if name == path or name.startswith(f"{path}/")]
    if not owners:
        near = difflib.get_close_matches(name.partition("/")[0], known, n=1)
        raise MissingError(
            f"there is no proxy {name!r}",
            hint=f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(known)}",
        )
    owner = max(owners, key=len)
    return Proxy([owner], cutoff_date, cache=not fresh), owner


def _refuse(proxy: Proxy, owner: str, name: str, cutoff_date: str | None) -> NoReturn:
    """Say that an endpoint is not there, and which are.

    Raises:
        MissingError: always.
    """
    if name == owner:
        from lllm.proxies.service import render_endpoints  # noqa: PLC0415 - loaded when used

        told = f"{owner!r} is a proxy, and no endpoint of it"
        raise MissingError(told, hint=render_endpoints(proxy.services[owner]))
    known = proxy.available()
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"lllm proxies show {owner}"
    told = f"proxy {owner!r} has no endpoint {name.removeprefix(f'{owner}/')!r}"
    raise MissingError(f"{told} that may be called before {cutoff_date}" if cutoff_date else told, hint=hint)


def _tell(path: str, broken: str) -> dict[str, Any]:
    from lllm.proxies.base import PROXY_REGISTRY  # noqa: PLC0415 - loaded when used
    from lllm.proxies.load import load_class  # noqa: PLC0415 - as above
    from lllm.proxies.service import build_service  # noqa: PLC0415 - as above

    if broken:
        return {"proxy": path, "endpoints": 0, "key": "", "told": f"broken: {broken}", "origin": ""}
    service = build_service(path, load_class(path))
    cls = type(service.proxy)
    variable = service.proxy.api_key_env
    key = f"${variable} {'set' if os.environ.get(variable) else 'not set'}" if variable else ""
    origin = PROXY_REGISTRY.origin(path) if path in PROXY_REGISTRY else cls.__module__
    return {"proxy": path, "endpoints": len(service.endpoints), "key": key, "told": cls.describe(), "origin": origin}


def _parse_object(text: str | None) -> dict[str, Any]:
    try:
        told: Any = json.loads(text or "{}")
    except ValueError as error:
        raise click.UsageError(f"--params is no JSON: {error}") from None
    if not isinstance(told, dict):
        raise click.UsageError("--params is no JSON object")
    return cast("dict[str, Any]", told)


def _parse_pairs(pairs: tuple[str, ...], params: Mapping[str, Param]) -> dict[str, Any]:
    """Return the parameters of the command line; what a list is given twice is joined, and nothing else may be."""
    given: dict[str, Any] = {}
    for pair in pairs:
        name, value = _parse_pair(pair, params)
        if name not in given:
            given[name] = value
        elif name in params and params[name].kind == "list":
            given[name] = [*_to_items(given[name]), *_to_items(value)]
        else:
            raise click.UsageError(f"--param {name} is given twice, and takes one value")
    return given


def _to_items(value: Any) -> list[Any]:
    return cast("list[Any]", value) if isinstance(value, list) else [value]


def _parse_pair(pair: str, params: Mapping[str, Param]) -> tuple[str, Any]:
    """Return a parameter of the command line: a number, a list and the like where one is declared."""
    name, sign, text = pair.partition("=")
    if not sign:
        raise click.UsageError(f"--param {pair!r} is not NAME=VALUE")
    kind = params[name].kind if name in params else "str"
    if kind in ("str", "date"):
        return name, text
    if kind == "list" and not text.lstrip().startswith("["):
        return name, text.split(",")
    try:
        return name, json.loads(text)
    except ValueError:
        return name, text  # the call itself says what it must be
