"""Where a document says that its service is, and how the service wants its key."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from lllm.errors import ConfigError
from lllm.proxies.openapi.document import Document, to_dict, to_list, to_text, to_word
from lllm.proxies.openapi.plan import Access, UnfitError
from lllm.transport.address import is_loopback

HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_HOST = re.compile(r"[A-Za-z0-9.-]+|\[[0-9a-fA-F:]+\]")
_PATH = re.compile(r"(?:/[A-Za-z0-9._~!$&'()*+,;=:@%-]*)*")
_MAX_URL = 500
_NO_KEY = {"api_key_in": "none"}


def to_base_url(servers: Any, given: str = "") -> str:
    """Return the URL before all paths: the one that is given, else the first https server, else the first of all.

    Raises:
        UnfitError: there is none, or only relative ones.
    """
    if given:
        return check_url(given)
    urls = [_filled(to_dict(server)) for server in to_list(servers)]
    urls.sort(key=lambda url: not url.lower().startswith("https://"))
    if not urls or not urls[0]:
        raise UnfitError("the document names no server")
    return check_url(urls[0])


def _filled(server: Mapping[Any, Any]) -> str:
    """Return the URL of a server with the defaults of its variables."""
    variables = to_dict(server.get("variables"))

    def default(found: re.Match[str]) -> str:
        variable = to_dict(variables.get(found[1]))
        return to_word(variable.get("default")) or found[0]

    return re.sub(r"\{([^{}]*)\}", default, to_text(server.get("url"))[:2000])


def check_url(url: str) -> str:
    """Return a URL without ``/`` at its end.

    Raises:
        UnfitError: it is not http or https, has no host, or holds a user, a query or signs that a URL does not have.
    """
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
        host = parts.netloc.removesuffix(port)
    except ValueError:
        raise UnfitError("the server's URL is none", url) from None
    if len(url) > _MAX_URL or not url.isprintable():
        raise UnfitError("the server's URL is none that can be called", url)
    if not parts.scheme:
        raise UnfitError("the server's URL is relative", url)
    whole = parts.scheme in {"http", "https"} and _HOST.fullmatch(host) and _PATH.fullmatch(parts.path)
    if not whole or parts.query or parts.fragment or ".." in parts.path.split("/"):
        raise UnfitError("the server's URL is none that can be called", url)
    return f"{parts.scheme}://{host}{port}{parts.path}".rstrip("/")


def is_kin(url: str, base_url: str) -> bool:
    """Tell whether two URLs are of one owner, as far as their names tell, so that a key may go to both. Pure.

    ``uploads.example.com`` is kin to ``api.example.com``. What hangs below ``co.uk`` and the like is not kin for that.
    """
    host, base = ((urlsplit(each).hostname or "") for each in (url, base_url))
    parent = base.partition(".")[2]
    first, _, last = parent.partition(".")
    shared = not last or ("." not in last and len(last) <= 2 and len(first) <= 3) or base.replace(".", "").isdecimal()
    same_scheme = url.startswith("https:") or base_url.startswith("http:")
    return same_scheme and (host == base or host.endswith(f".{base}") or (not shared and host.endswith(f".{parent}")))


def to_access(document: Document, given: str = "") -> Access:
    """Return how the service is reached.

    Raises:
        ConfigError: where it is, the document does not say.
    """
    try:
        base_url = to_base_url(document.root.get("servers"), given)
    except UnfitError as error:
        told = f"{error.reason}: {error.detail!r:.100}" if error.detail else error.reason
        raise ConfigError(told, hint="say where the service is: --base-url https://HOST/PATH") from None
    schemes = {name: _to_key(scheme) for name, scheme in _schemes(document).items()}
    asked = alternatives(document.root.get("security"))
    wanted = [name for each in sorted(asked, key=len) for name in sorted(each)] or list(schemes)
    known = [name for name in wanted if name in schemes]
    chosen = next((name for name in known if schemes[name][0] != _NO_KEY), "")
    if not chosen:
        return Access(base_url, notes=tuple(dict.fromkeys(schemes[name][1] for name in known)) or _unkeyed(asked))
    fields, note = schemes[chosen]
    same = frozenset(name for name, (others, _) in schemes.items() if others == fields)
    notes = (note, _tell_others(same - {chosen}), _tell_several(asked, same, chosen), _tell_plain(base_url))
    optional = set[str]() in asked
    return Access(base_url, **fields, api_key_optional=optional, schemes=same, notes=tuple(filter(None, notes)))


def _tell_others(others: frozenset[str]) -> str:
    told = "Some endpoints may ask for another key that is sent in the same way"
    return f"{told}: {', '.join(sorted(others))}." if others else ""


def _tell_several(asked: list[set[str]], sent: frozenset[str], chosen: str) -> str:
    if not asked or any(each <= sent for each in asked):
        return ""
    together = ", ".join(sorted(next(each for each in asked if chosen in each)))
    return f"The document asks for several keys at once ({together}); only {chosen} is sent."


def _tell_plain(base_url: str) -> str:
    if base_url.startswith("https:") or is_loopback(urlsplit(base_url).hostname or ""):
        return ""
    return "It is plain http, over which no key is sent; name another with --base-url."


def _unkeyed(asked: list[set[str]]) -> tuple[str, ...]:
    return () if any(asked) else ("The document does not say how a key is sent; none is.",)


def _schemes(document: Document) -> dict[str, dict[Any, Any]]:
    components = to_dict(document.root.get("components"))
    found: dict[str, dict[Any, Any]] = {}
    for name, scheme in to_dict(components.get("securitySchemes")).items():
        try:
            found[str(name)] = document.resolve(scheme)
        except UnfitError:
            continue
    return found


def alternatives(security: Any) -> list[set[str]]:
    """Return the sets of schemes of which one is to be used whole; the empty set is no key at all. Pure."""
    return [{str(name) for name in to_dict(each)} for each in to_list(security)]


def _to_key(scheme: Mapping[Any, Any]) -> tuple[dict[str, Any], str]:
    """Return the key's fields of a proxy class, and what a reader must know of them."""
    kind, place, name = (to_text(scheme.get(word)) for word in ("type", "in", "name"))
    how = to_text(scheme.get("scheme")).lower()
    if kind == "apiKey" and place == "query" and name and name.isprintable():
        return {"api_key_in": "query", "api_key_name": name}, ""
    if kind == "apiKey" and place == "header" and HEADER_NAME.fullmatch(name):
        return {"api_key_in": "header", "api_key_name": name}, ""
    if kind == "http" and how == "bearer":
        return {"api_key_in": "bearer"}, ""
    if kind in {"oauth2", "openIdConnect"}:  # sent as RFC 6750, section 2.1, says
        return {"api_key_in": "bearer"}, f"The key is an access token of {kind}; getting one is not done here."
    if kind == "http" and how == "basic":  # RFC 7617, section 2
        fields = {"api_key_in": "header", "api_key_name": "Authorization", "api_key_prefix": "Basic "}
        return fields, "The key is the base64 of USER:PASSWORD, as http basic wants it."
    told = " ".join(part for part in (kind, place or how) if part)
    return dict(_NO_KEY), f"The document asks for a key that is not sent here: {told}."
