"""What the page of the built-in proxies shows of their declarations."""

from __future__ import annotations

from lllm.proxies.load import BUILTIN_PROXY_MODULES, load_builtin


def _where(cls):
    """Return where a service's key goes."""
    places = {
        "query": f"query `{cls.api_key_name}`",
        "header": f"header `{cls.api_key_name}`",
        "bearer": "bearer token",
    }
    return places.get(cls.api_key_in, "none")


def _cutoff(endpoint):
    """Return what a cutoff does to an endpoint, in words."""
    pairs = endpoint.dt_cutoff or ()
    pairs = (pairs,) if pairs and isinstance(pairs[0], str) else pairs
    asked = ", ".join(f"`{name}`" for name in endpoint.cutoff_params)
    shown = ", ".join(f"`{path}`" for path, _ in pairs)
    told = [f"asks by {asked}"] * bool(asked) + [f"shows by {shown}"] * bool(shown)
    return "; ".join(told) or "refused"


def render_builtin_services():
    """Return a table of the services and their keys."""
    rows = ["| path | service | key | goes into |", "|---|---|---|---|"]
    for module in BUILTIN_PROXY_MODULES:
        cls = load_builtin(module)
        key = f"`{cls.api_key_env}`" if cls.api_key_env else "none"
        rows.append(f"| `{module}` | {cls._proxy_name}: {cls._proxy_description} | {key} | {_where(cls)} |")
    return "\n".join(rows)


def render_builtin_endpoints():
    """Return a table of all endpoints."""
    rows = ["| call | what it shows | under a cutoff |", "|---|---|---|"]
    for module in BUILTIN_PROXY_MODULES:
        for key, endpoint in sorted(load_builtin(module).endpoints().items()):
            rows.append(f"| `{module}/{key}` | {endpoint.description} | {_cutoff(endpoint)} |")
    return "\n".join(rows)
