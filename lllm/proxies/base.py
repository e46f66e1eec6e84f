"""What a proxy declares: a class of endpoints of one service, as data. Decorators only mark; discovery collects.

`runtime.py` calls what is declared.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, ClassVar, TypeVar

from lllm.errors import ConfigError
from lllm.registry import Registry

F = TypeVar("F", bound=Callable[..., Any])
P = TypeVar("P", bound="type[BaseProxy]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One declared endpoint. What is None or empty here and stands in :class:`BaseProxy`, too, is taken from there.

    Attributes:
        category, sub_category, endpoint: by these it is called; see ``key``.
        params: name to ``(type, example)`` or ``(type, example, allowed values)``. A name may end in ``*`` (required)
            or begin with ``$`` (in the path), ``#`` (in the body) or ``@`` (a header); else it goes into the query. A
            type is str, int, float, bool, list, dict or ``"date"``.
        response: an example of the answer.
        remove_keys: keys that are dropped from the answer, wherever they stand; ``a/b`` drops b under a alone.
        dt_cutoff: ``(key path, date format)``, or a tuple of these, by which answers are cut off at a date.
        cutoff_params: name to ``(role, date format)``, by which requests are; a role is ``end``, ``start``, ``at`` or
            ``range`` (a text of a start and an end).
        timeless: nothing in the answer depends on when it is asked, so that no cutoff is needed.
        path: after ``base_url``, with ``{name}`` where ``$name`` goes; default: the endpoint's name.
        repeatable: doing it twice does no harm; default: the method is GET.
        answer: ``json`` or ``text``.
        body_type: ``json`` or ``form``.
        wire_names: names that the service uses, by the names of ``params`` without marks.
        fixed: what is sent with each call, with marks as in ``params``.
        needs_key: False sends no key with it.
    """

    category: str
    endpoint: str
    description: str = ""
    params: Mapping[str, Any] = field(default_factory=dict[str, Any])
    response: Any = None
    name: str = ""
    sub_category: str = ""
    remove_keys: tuple[str, ...] = ()
    dt_cutoff: tuple[str, str] | tuple[tuple[str, str], ...] | None = None
    method: str = "GET"
    path: str = ""
    base_url: str = ""
    repeatable: bool | None = None
    cutoff_params: Mapping[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])
    timeless: bool = False
    answer: str = "json"
    body_type: str = "json"
    wire_names: Mapping[str, str] = field(default_factory=dict[str, str])
    fixed: Mapping[str, Any] = field(default_factory=dict[str, Any])
    list_style: str = ""
    bool_style: tuple[str, str] | None = None
    cache_ttl_s: float | None = None
    timeout_s: float | None = None
    needs_key: bool = True

    @property
    def key(self) -> str:
        """``category[/sub_category]/endpoint``, by which it is called."""
        return "/".join(part for part in (self.category, self.sub_category, self.endpoint) if part)

    @property
    def is_repeatable(self) -> bool:
        """Whether it may be tried again, and its answer kept for a while."""
        return self.method.upper() == "GET" if self.repeatable is None else self.repeatable


class BaseProxy:
    """Base of all proxies. A subclass declares a service in these attributes, and endpoints with :meth:`endpoint`.

    An object of it is made without arguments, and read; methods that mark an endpoint are never run.

    Attributes:
        base_url: ``https://host/path``.
        api_key_env: the environment variable that holds the key; empty for a service without keys.
        api_key_name: the query parameter or the header that takes it.
        api_key_in: ``query``, ``header``, ``bearer`` or ``none``.
        api_key_prefix: what stands before the key in its header.
        api_key_optional: without a key, calls go out all the same.
        headers: of each call; no secrets.
        fixed: what is sent with each call, with marks as in ``Endpoint.params``.
        list_style: lists in the query, ``comma`` (a,b) or ``repeat`` (k=a&k=b).
        bool_style: what True and False are in the query.
        error_key: a key of an answer of status 200, or ``a/b``, that says that the call failed.
        cache_ttl_s: how long an answer may be served again; 0 for never.
        timeout_s: of one call, with all its attempts.
        additional_docs: what else its users need to know, for :meth:`~lllm.proxies.Proxy.retrieve_api_docs`.
    """

    base_url: ClassVar[str] = ""
    api_key_env: ClassVar[str] = ""
    api_key_name: ClassVar[str] = ""
    api_key_in: ClassVar[str] = "query"
    api_key_prefix: ClassVar[str] = ""
    api_key_optional: ClassVar[bool] = False
    headers: ClassVar[Mapping[str, str]] = MappingProxyType({})
    fixed: ClassVar[Mapping[str, Any]] = MappingProxyType({})
    list_style: ClassVar[str] = "comma"
    bool_style: ClassVar[tuple[str, str]] = ("true", "false")
    error_key: ClassVar[str] = ""
    cache_ttl_s: ClassVar[float] = 300.0
    timeout_s: ClassVar[float] = 30.0
    additional_docs: ClassVar[str] = ""

    _proxy_path: ClassVar[str] = ""
    _proxy_name: ClassVar[str] = ""
    _proxy_description: ClassVar[str] = ""

    @classmethod
    def mark(cls, path: str, name: str, description: str) -> None:
        """Take what :class:`ProxyRegistrator` says."""
        cls._proxy_path, cls._proxy_name, cls._proxy_description = path, name, description

    @classmethod
    def describe(cls) -> str:
        """Return its name and what it is, in one line."""
        told = " ".join(cls._proxy_description.split())
        return f"{cls._proxy_name or cls.__name__}{f' - {told}' if told else ''}"

    @staticmethod
    def endpoint(**declared: Any) -> Callable[[F], F]:
        """Mark a method as an endpoint; the fields are those of :class:`Endpoint`."""

        def mark(method: F) -> F:
            method.__lllm_endpoint__ = Endpoint(**declared)  # type: ignore[attr-defined]
            return method

        return mark

    @staticmethod
    def postcall(*keys: Any) -> Any:
        """Mark a method that is given each answer, ``(self, data)``, and returns what the caller sees.

        Args:
            keys: of the endpoints whose answers it is given, as in ``@BaseProxy.postcall("series/observations")``;
                none, as in ``@BaseProxy.postcall``, for all.
        """
        if len(keys) == 1 and callable(keys[0]):
            return _mark_postcall(keys[0], ())

        def mark(method: F) -> F:
            return _mark_postcall(method, keys)

        return mark

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


def _mark_postcall(method: F, keys: tuple[str, ...]) -> F:
    method.__lllm_postcall__ = keys  # type: ignore[attr-defined]
    return method


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
