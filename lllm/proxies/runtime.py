"""What agents call services through: only the endpoints that active proxies declare, and nothing from a cutoff on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from functools import cached_property
from typing import Any

from lllm.errors import CallRefused, ProxyError, UserCodeError
from lllm.proxies.base import PROXY_REGISTRY, BaseProxy, Endpoint
from lllm.proxies.cache import AnswerCache, load_cache
from lllm.proxies.call import Call, to_plain
from lllm.proxies.catalog import (
    list_endpoints,
    render_catalog,
    render_directory,
    render_docs,
    render_proxy_docs,
    to_directory,
)
from lllm.proxies.check import list_issues
from lllm.proxies.cutoff import has_cutoff
from lllm.proxies.dates import parse_cutoff
from lllm.proxies.drive import LiveEffects, load_transport
from lllm.proxies.flow import PROXY, Asked, to_answer
from lllm.proxies.keys import load_key
from lllm.proxies.load import load_class
from lllm.proxies.params import read_params, to_examples
from lllm.proxies.service import Service, build_service, find_endpoint
from lllm.registry import OUTSIDE
from lllm.transport.port import Transport


class Proxy:
    """Calls declared endpoints of services: ``proxy("fred/series/observations", {"series_id": "GDP"})``.

    Each call is an event of the session that it runs in; a replay answers it from the log. Safe under threads.

    Args:
        activate_proxies: paths of the proxies that may be called, the built-in ones included; None for all that are
            registered.
        cutoff_date: a day, ``YYYY-MM-DD``: nothing that is dated on it or later is asked for or shown.
        deploy_mode: the cutoff does not hold.
        origins: by path of a proxy, what stands in for scheme and host of its addresses, such as a mirror's.
        cache: whether answers are kept for the time that their endpoints say, or where.
        transport: carries the requests; by default the one that all proxies share.

    Raises:
        NotRegisteredError: there is no such proxy.
        ConfigError: the date is none.
    """

    def __init__(
        self,
        activate_proxies: Iterable[str] | None = None,
        cutoff_date: str | date | None = None,
        deploy_mode: bool = False,
        *,
        origins: Mapping[str, str] | None = None,
        cache: bool | AnswerCache = True,
        transport: Transport | None = None,
    ) -> None:
        self._asked = None if activate_proxies is None else tuple(dict.fromkeys(_listed(activate_proxies)))
        self._cutoff = parse_cutoff(cutoff_date)
        self.deploy_mode = deploy_mode
        self._origins = dict(origins or {})
        self._cache, self._transport = cache, transport
        self._classes: dict[str, type[BaseProxy]] = {path: load_class(path) for path in self._asked or ()}

    @property
    def activate_proxies(self) -> list[str] | None:
        """The paths that were asked for; None for all that are registered."""
        return None if self._asked is None else list(self._asked)

    @property
    def cutoff_date(self) -> str | None:
        """The first day that is not shown, as text; None without a cutoff, and in deploy mode."""
        return None if self.deploy_mode or self._cutoff is None else self._cutoff.isoformat()

    @cached_property
    def services(self) -> Mapping[str, Service]:
        """The active proxies by path, sorted."""
        classes = self._classes if self._asked is not None else {path: PROXY_REGISTRY[path] for path in PROXY_REGISTRY}
        return {path: build_service(path, classes[path]) for path in sorted(classes)}

    # --- calls ------------------------------------------------------------------------------------------------------

    def __call__(self, path: str, params: Mapping[str, Any] | None = None, timeout_s: float | None = None) -> Any:
        """Call an endpoint and return its answer, plain JSON data.

        Args:
            path: ``proxy/category[/sub_category]/endpoint``.
            params: by name, with or without their marks; None leaves one out.
            timeout_s: for all attempts together; by default what the endpoint says.

        Raises:
            CallRefused: nothing was sent: not declared, not active, wrong parameters, no key, or behind the cutoff.
            ProxyError: the service failed, or its answer cannot be shown.
        """
        call = self._begin(path, params, timeout_s)
        told = OUTSIDE.load().perform(PROXY, call.about, call.run, repeatable=call.is_repeatable)
        return to_answer(told)

    async def acall(self, path: str, params: Mapping[str, Any] | None = None, timeout_s: float | None = None) -> Any:
        """Async twin of :meth:`__call__`."""
        call = self._begin(path, params, timeout_s)
        told = await OUTSIDE.load().aperform(PROXY, call.about, call.arun, repeatable=call.is_repeatable)
        return to_answer(told)

    def _begin(self, path: Any, params: Any, timeout_s: float | None) -> Call:
        given = to_plain(path, params)
        about = {"endpoint": path, "params": given, "cutoff_date": self.cutoff_date}
        try:
            found = self._find(path, given)
        except CallRefused as error:
            return Call(about, error, self._effects, timeout_s)
        return Call(about, found, self._effects, timeout_s)

    def _find(self, path: str, given: dict[str, Any]) -> tuple[Service, Asked]:
        service, endpoint = find_endpoint(self.services, path)
        cutoff = None if self.deploy_mode else self._cutoff
        origin = self._origins.get(service.path, "")
        return service, Asked(path, service.proxy, endpoint, given, cutoff, origin, self._cache is not False)

    def _effects(self, timeout_s: float) -> LiveEffects:
        cache = load_cache() if self._cache is True else self._cache or None
        return LiveEffects(self._transport or load_transport(), cache, timeout_s)

    # --- what there is ----------------------------------------------------------------------------------------------

    def available(self) -> list[str]:
        """Return the full paths of all endpoints that may be called, sorted by proxy and key."""
        return [path for path, _ in list_endpoints(self._offered())]

    def api_catalog(self) -> str:
        """Return a line for each active proxy, for a prompt."""
        return render_catalog(self._offered())

    def api_directory(self) -> str:
        """Return a line for each endpoint that may be called, for a prompt: its path, parameters (``*`` required)."""
        return render_directory(self._offered())

    def endpoint_directory(self) -> dict[str, dict[str, Any]]:
        """Return the endpoints that may be called, as data: full path to ``description, method, params``."""
        return to_directory(self._offered())

    def retrieve_api_docs(self, paths: str | Iterable[str] | None = None) -> str:
        """Return all that a caller needs to know, for a prompt.

        Args:
            paths: of endpoints, or of proxies for all of theirs; None for everything.

        Raises:
            CallRefused: no active proxy declares one of them.
        """
        offered = self._offered()
        parts: list[str] = []
        for path in offered if paths is None else _listed(paths):
            if path in offered:
                found = [(offered[path], endpoint) for endpoint in offered[path].endpoints.values()]
                parts.append(render_proxy_docs(offered[path]))
            else:
                found = [find_endpoint(offered, path)]
            parts += [render_docs(service, endpoint) for service, endpoint in found]
        return "\n\n".join(parts)

    def _offered(self) -> dict[str, Service]:
        """Return the active proxies without the endpoints that the cutoff forbids."""
        if self.cutoff_date is None:
            return dict(self.services)
        left = {path: _cut_service(service) for path, service in self.services.items()}
        return {path: service for path, service in left.items() if service.endpoints}

    def auto_test(self, live: bool = False, paths: Iterable[str] | None = None) -> dict[str, dict[str, Any]]:
        """Check each endpoint; return ``{path: {"status": "ok" | "failed" | "skipped", "issues": [text, ...]}}``.

        Args:
            live: call each as well, with its example values. What changes something at the service, what the cutoff
                forbids, and what lacks its key is skipped.
            paths: of the endpoints to check; None for all.
        """
        chosen = None if paths is None else set(_listed(paths))
        told: dict[str, dict[str, Any]] = {}
        for path, endpoint in list_endpoints(self.services):
            if chosen is None or path in chosen:
                service, _ = find_endpoint(self.services, path)
                issues = list_issues(service.proxy, endpoint)
                told[path] = _tell(issues) if issues or not live else self._try(path, service, endpoint)
        return told

    def _try(self, path: str, service: Service, endpoint: Endpoint) -> dict[str, Any]:
        if not endpoint.is_repeatable:
            return _skip("it changes something at the service")
        if self.cutoff_date and not has_cutoff(endpoint):
            return _skip("the cutoff forbids it")
        try:
            load_key(service.proxy, endpoint)
        except CallRefused as error:
            return _skip(f"{error.message}: {error.hint}")
        try:
            self(path, to_examples(read_params(endpoint)))
        except (ProxyError, UserCodeError) as error:
            return _tell([f"{error.message} ({error.hint})" if error.hint else error.message])
        return _tell([])

    # --- as data ----------------------------------------------------------------------------------------------------

    def to_dict(self) -> dict[str, Any]:
        """Return what it was made with, as plain JSON data: ``activate_proxies, cutoff_date, deploy_mode``."""
        cutoff = None if self._cutoff is None else self._cutoff.isoformat()
        return {"activate_proxies": self.activate_proxies, "cutoff_date": cutoff, "deploy_mode": self.deploy_mode}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], **options: Any) -> Proxy:
        """Return the proxy that :meth:`to_dict` was called on; ``options`` are those of the constructor."""
        active, cutoff = data.get("activate_proxies"), data.get("cutoff_date")
        return cls(active, cutoff, bool(data.get("deploy_mode", False)), **options)

    def __repr__(self) -> str:
        return f"Proxy({self.activate_proxies!r}, cutoff_date={self.cutoff_date!r}, deploy_mode={self.deploy_mode!r})"


def _tell(issues: list[str]) -> dict[str, Any]:
    return {"status": "failed" if issues else "ok", "issues": issues}


def _skip(why: str) -> dict[str, Any]:
    return {"status": "skipped", "issues": [why]}


def _cut_service(service: Service) -> Service:
    kept = {key: endpoint for key, endpoint in service.endpoints.items() if has_cutoff(endpoint)}
    return Service(service.path, service.proxy, kept, service.postcalls)


def _listed(paths: str | Iterable[str]) -> list[str]:
    return [paths] if isinstance(paths, str) else list(paths)
