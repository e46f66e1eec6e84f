"""What a proxy declares: a class of endpoints of one service, as data. Decorators only mark; discovery collects.

Sending the requests is the business of the proxy runtime.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeVar

from lllm.errors import ConfigError
from lllm.registry import Registry

F = TypeVar("F", bound=Callable[..., Any])
P = TypeVar("P", bound="type[BaseProxy]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One declared endpoint.

    Attributes:
        params: name to ``(type, example)``; a name may end in ``*`` (required) or begin with ``$`` (in the path) or
            ``#`` (in the body).
        response: an example of the answer.
        remove_keys: keys that are dropped from the answer.
        dt_cutoff: ``(key path, date format)`` by which answers are cut off at a date; None when it cannot be.
    """

    category: str
    endpoint: str
    description: str = ""
    params: Mapping[str, Any] = field(default_factory=dict[str, Any])
    response: Any = None
    name: str = ""
    sub_category: str = ""
    remove_keys: tuple[str, ...] = ()
    dt_cutoff: tuple[str, str] | None = None
    method: str = "GET"

    @property
    def key(self) -> str:
        """``category[/sub_category]/endpoint``, by which it is called."""
        return "/".join(part for part in (self.category, self.sub_category, self.endpoint) if part)


class BaseProxy:
    """Base of all proxies. A subclass declares endpoints with :meth:`endpoint`."""

    _proxy_path: ClassVar[str] = ""
    _proxy_name: ClassVar[str] = ""
    _proxy_description: ClassVar[str] = ""

    @classmethod
    def mark(cls, path: str, name: str, description: str) -> None:
        """Take what :class:`ProxyRegistrator` says."""
        cls._proxy_path, cls._proxy_name, cls._proxy_description = path, name, description

    @staticmethod
    def endpoint(**declared: Any) -> Callable[[F], F]:
        """Mark a method as an endpoint; the fields are those of :class:`Endpoint`."""

        def mark(method: F) -> F:
            method.__lllm_endpoint__ = Endpoint(**declared)  # type: ignore[attr-defined]
            return method

        return mark

    @staticmethod
    def postcall(method: F) -> F:
        """Mark a method that is given each answer and returns what the caller sees."""
        method.__lllm_postcall__ = True  # type: ignore[attr-defined]
        return method

    @classmethod
    def endpoints(cls) -> dict[str, Endpoint]:
        """Return the declared endpoints by key.

        Raises:
            ConfigError: two have one key.
        """
        found: dict[str, Endpoint] = {}
        for name in sorted(dir(cls)):
            declared = getattr(getattr(cls, name), "__lllm_endpoint__", None)
            if declared is None:
                continue
            if declared.key in found:
                raise ConfigError(f"proxy {cls.__name__} declares endpoint {declared.key!r} twice")
            found[declared.key] = declared
        return found


class ProxyRegistrator:
    """Class decorator that says under which path a proxy is registered. It marks; discovery collects."""

    def __init__(self, path: str, name: str = "", description: str = "") -> None:
        self.path, self.name, self.description = path, name, description

    def __call__(self, cls: P) -> P:
        """Mark the class."""
        cls.mark(self.path, self.name or cls.__name__, self.description)
        return cls


PROXY_REGISTRY: Registry[type[BaseProxy]] = Registry("proxy")


def register_proxy(path: str, cls: type[BaseProxy], *, origin: str = "", overwrite: bool = False) -> None:
    """Register a proxy class under a path.

    Raises:
        DiscoveryError: another file holds the path.
    """
    module = sys.modules.get(cls.__module__)
    where = origin or getattr(module, "__file__", None) or cls.__module__
    PROXY_REGISTRY.register(path, cls, origin=where, overwrite=overwrite)


def get_proxy(path: str) -> type[BaseProxy]:
    """Return a proxy class.

    Raises:
        NotRegisteredError: there is none; the hint offers the nearest path.
    """
    return PROXY_REGISTRY[path]


def list_proxies() -> list[str]:
    """Return the paths of all proxies, sorted."""
    return list(PROXY_REGISTRY)
