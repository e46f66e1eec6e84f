"""An active proxy: its class read once, with its endpoints and what changes their answers."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from lllm.errors import CallRefused, ConfigError, UserCodeError
from lllm.proxies.base import BaseProxy, Endpoint

_SHOWN = 12


@dataclass(frozen=True, slots=True)
class Service:
    """One active proxy.

    Attributes:
        path: under which it is called.
        proxy: an object of its class.
        endpoints: by key, sorted.
        postcalls: what changes answers, with the keys of the endpoints that it is for; none for all.
    """

    path: str
    proxy: BaseProxy
    endpoints: Mapping[str, Endpoint]
    postcalls: tuple[tuple[Callable[[Any], Any], tuple[str, ...]], ...]

    def finish(self, key: str, data: Any) -> Any:
        """Return an answer as the proxy's own code leaves it.

        Raises:
            UserCodeError: that code failed.
        """
        for change, keys in self.postcalls:
            if not keys or key in keys:
                try:
                    data = change(data)
                except Exception as error:
                    told = f"the postcall of {self.path}/{key} failed: {type(error).__name__}: {error}"
                    raise UserCodeError(told) from error
        return data


def build_service(path: str, cls: type[BaseProxy]) -> Service:
    """Return the proxy that a class declares.

    Raises:
        ConfigError: two endpoints have one key, or the class cannot be made without arguments.
    """
    endpoints = cls.endpoints()
    try:
        proxy = cls()
    except TypeError as error:
        raise ConfigError(f"proxy {path}: {error}", hint="a proxy's class takes no arguments") from error
    marked = [(name, getattr(getattr(cls, name), "__lllm_postcall__", None)) for name in sorted(dir(cls))]
    postcalls = tuple((getattr(proxy, name), keys) for name, keys in marked if keys is not None)
    return Service(path, proxy, {key: endpoints[key] for key in sorted(endpoints)}, postcalls)


def find_endpoint(services: Mapping[str, Service], path: str) -> tuple[Service, Endpoint]:
    """Return what a full path names. Pure.

    Raises:
        CallRefused: no active proxy declares it; the hint offers the nearest, or those of the proxy that it names.
    """
    for end in sorted((index for index, char in enumerate(path) if char == "/"), reverse=True):
        service = services.get(path[:end])
        if service is not None and (endpoint := service.endpoints.get(path[end + 1 :])):
            return service, endpoint
    if (named := services.get(path.strip("/"))) is not None:
        raise CallRefused("that is a proxy, and no endpoint of it", hint=render_endpoints(named))
    known = [f"{service.path}/{key}" for service in services.values() for key in service.endpoints]
    raise CallRefused("no active proxy declares it", hint=_nearest(path, known, services))


def render_endpoints(service: Service) -> str:
    """Return the full paths of what a proxy offers, in one line; of many the first ones, and how many more. Pure."""
    paths = [f"{service.path}/{key}" for key in service.endpoints]
    more = f", and {len(paths) - _SHOWN} more" if len(paths) > _SHOWN else ""
    return f"its endpoints: {', '.join(paths[:_SHOWN]) or 'none'}{more}"


def _nearest(path: str, known: list[str], services: Iterable[str]) -> str:
    near = difflib.get_close_matches(path[:200], known, n=1, cutoff=0.5)
    if near:
        return f"did you mean {near[0]!r}?"
    return f"active: {', '.join(services) or 'none; name them in activate_proxies'}"
