"""Nine services on one loopback server, as their public documentation describes them, not as our modules declare them.

Each route knows where the key goes, which parameters it must and may be given and where, and what it answers. An honest
server keeps to the bounds of a request; a careless one ignores some of them, which no answer may be trusted not to do.
"""

from __future__ import annotations

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple
from urllib.parse import parse_qsl, urlsplit

from builtin_answers import EXA, GOLDEN, TRENDS, WOLFRAM
from builtin_markets import KALSHI, POLYMARKET
from builtin_numbers import FMP, FRED, MSD

NO_KEY, BAD_KEY = "no key", "wrong key"


class Got(NamedTuple):
    """One request as it came; names of headers are in lower case."""

    method: str
    target: str
    headers: dict
    body: str


class Service(NamedTuple):
    """Where the key goes (``query NAME``, ``header NAME``, ``bearer`` or nothing), and how a fault is said."""

    key: str
    fault: object
    routes: dict


# --- How each says that something is wrong: with a key, or with a parameter.
def fred_fault(why):
    told = {NO_KEY: "Variable api_key is not set.", BAD_KEY: "The value for variable api_key is not registered."}.get(
        why, why
    )
    return 400, {"error_code": 400, "error_message": f"Bad Request.  {told}"}


def exa_fault(why):
    return (401 if why in (NO_KEY, BAD_KEY) else 400), {"requestId": "b5", "error": why, "tag": "INVALID_API_KEY"}


def golden_fault(why):
    told = {
        "code": "permission_denied",
        "detail": f"You do not have permission to perform this action: {why}",
        "attr": None,
    }
    return (403 if why in (NO_KEY, BAD_KEY) else 400), {"type": "client_error", "errors": [told]}


def fmp_fault(why):
    return (401 if why in (NO_KEY, BAD_KEY) else 400), {"Error Message": f"Invalid API KEY or query: {why}"}


def plain_fault(why):
    return (401 if why in (NO_KEY, BAD_KEY) else 400), {"error": why}


def kalshi_fault(why):
    return 400, {"error": {"code": "bad_request", "message": why, "service": "markets"}}


def wolfram_fault(why):
    """WolframAlpha's full results say it in an answer of status 200."""
    return 200, {
        "queryresult": {"success": False, "error": {"code": "1", "msg": f"Invalid appid: {why}"}, "numpods": 0}
    }


SERVICES = {
    "fred": Service("query api_key", fred_fault, FRED),
    "exa": Service("header x-api-key", exa_fault, EXA),
    "gkg": Service("header apikey", golden_fault, GOLDEN),
    "gt": Service("bearer", plain_fault, TRENDS),
    "msd": Service("header x-api-key", plain_fault, MSD),
    "fmp": Service("header apikey", fmp_fault, FMP),
    "kb": Service("", kalshi_fault, KALSHI),
    "pm": Service("", plain_fault, POLYMARKET),
    "wa": Service("query appid", wolfram_fault, WOLFRAM),
}
HOSTS = {
    "fred": {"api.stlouisfed.org"},
    "exa": {"api.exa.ai"},
    "gkg": {"golden.com"},
    "gt": {"www.searchapi.io"},
    "msd": {"api.mainstreetdata.com"},
    "fmp": {"financialmodelingprep.com"},
    "kb": {"external-api.kalshi.com"},
    "pm": {"gamma-api.polymarket.com", "clob.polymarket.com", "data-api.polymarket.com"},
    "wa": {"www.wolframalpha.com", "api.wolframalpha.com"},
}
KEYS = {name: f"key-of-{name}-3f9d27" for name in SERVICES}
REAL_TIMES = {"realtime_start", "realtime_end"}
BOUNDS = {
    *("from", "to", "start_ts", "end_ts", "min_ts", "max_ts", "min_created_ts", "max_created_ts", "startTs", "endTs"),
    *("startPublishedDate", "endPublishedDate", "observation_end", "time"),
    *REAL_TIMES,
}
"""Parameters that bound a request in time: a careless server does not look at them."""


def find_route(method, path):
    """Return the service's name and the route of an address; a fixed word goes before a ``{part}``."""
    found = [
        (pattern.count("{"), name, route)
        for name, service in SERVICES.items()
        for pattern, route in service.routes.items()
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", pattern), f"{method} {path}")
    ]
    return min(found, key=lambda item: item[:2])[1:] if found else (None, None)


def check_key(service, query, headers, key):
    """Return what is wrong with a request's key, or nothing."""
    if not service.key:
        return ""
    place, _, name = service.key.partition(" ")
    given = {"query": query.pop(name, ""), "header": headers.get(name, ""), "bearer": headers.get("authorization", "")}[
        place
    ]
    return "" if given.removeprefix("Bearer " if place == "bearer" else "") == key else BAD_KEY if given else NO_KEY


def check_names(route, query, body):
    """Return what is wrong with the names of parameters, or nothing."""
    strange = [*(set(query) - set(route.query.split())), *(set(body) - set(route.body.split()))]
    missing = set(route.required.split()) - set(query) - set(body)
    return f"unknown: {sorted(strange)}" if strange else f"missing: {sorted(missing)}" if missing else ""


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_):
        """Say nothing."""

    def do_GET(self):
        """Answer as the service would whose address it is."""
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(headers.get("content-length", 0))).decode()
        self.server.got.append(Got(self.command, self.path, headers, body))
        answer = self.find_answer(urlsplit(self.path), headers, json.loads(body or "{}"))
        status, data = answer if isinstance(answer, tuple) else (200, answer)
        self.send(status, data)

    do_POST = do_GET  # noqa: N815 - the name that http.server looks for

    def find_answer(self, address, headers, body):
        """Return the answer, or a fault that the service documents."""
        name, route = find_route(self.command, address.path)
        if route is None:
            return 404, {"error": f"no such address: {self.command} {address.path}"}
        service, query = SERVICES[name], dict(parse_qsl(address.query, keep_blank_values=True))
        if why := check_key(service, query, headers, KEYS[name]) or check_names(route, query, body):
            status, fault = (route.fault or service.fault)(why)
            return self.server.fault_status or status, fault
        asked = {**query, **body}
        return route.answer({key: value for key, value in asked.items() if key not in self.server.ignored})

    def send(self, status, data):
        """Send text or JSON."""
        kind, text = ("text/plain", data) if isinstance(data, str) else ("application/json", json.dumps(data))
        self.send_response(status)
        self.send_header("content-type", f"{kind}; charset=utf-8")
        self.send_header("content-length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())


class Server(ThreadingHTTPServer):
    """All nine services. ``got`` is what it was asked; ``ignored`` are the parameters that it does not look at, ``fault_status`` is its status of all faults."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.got, self.ignored, self.fault_status = [], frozenset(), None
        self.origin = f"http://127.0.0.1:{self.server_port}"
        self.thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    def close(self):
        """Stop and wait for the thread."""
        self.shutdown()
        self.server_close()
        self.thread.join()
