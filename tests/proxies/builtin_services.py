"""Nine services on one loopback server, as their public documentation describes them, not as our modules declare them.

Each route knows where the key goes, which parameters it must and may be given and where, and what it answers: for one
item of the past (it says PAST) and one of the future (FUTURE), as of PAST_DAY and FUTURE_DAY. An honest server keeps to
the bounds of a request; a careless one ignores them, which no answer may be trusted not to do.
"""

from __future__ import annotations

import json
import re
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple
from urllib.parse import parse_qsl, urlsplit

PAST_DAY, FUTURE_DAY, TODAY = "2024-05-01", "2024-07-01", "2026-11-21"
NO_KEY, BAD_KEY = "no key", "wrong key"


class Got(NamedTuple):
    """One request as it came; names of headers are in lower case."""

    method: str
    target: str
    headers: dict
    body: str


class Route(NamedTuple):
    """What a service documents of one address: names in the query, in the JSON body, those that are required."""

    answer: object
    query: str = ""
    body: str = ""
    required: str = ""


class Service(NamedTuple):
    """Where the key goes (``query NAME``, ``header NAME``, ``bearer`` or nothing), and how a fault is said."""

    key: str
    fault: object
    routes: dict


def days():
    """Return what happened on which day."""
    return (("PAST", PAST_DAY), ("FUTURE", FUTURE_DAY))


def stamp(day):
    """Return a day's noon in Unix seconds."""
    return int(datetime.fromisoformat(f"{day}T12:00:00").replace(tzinfo=UTC).timestamp())


def items(write, *, start="", end=""):
    """Return what ``write(word, day)`` makes of each day within bounds, newest first, as most services do."""
    kept = [(word, day) for word, day in days() if (start or "0") <= day <= (end or "9")]
    return [write(word, day) for word, day in reversed(kept)]


def within(write, asked, start, end):
    """Do as ``items``, bounded by two parameters that hold days or Unix seconds."""
    first, last = (str(asked.get(name, "")) for name in (start, end))
    if not (first + last).isdigit():
        return items(write, start=first[:10], end=last[:10])
    return [
        write(word, day)
        for word, day in reversed(days())
        if int(first or 0) <= stamp(day) <= (int(last) if last else stamp(TODAY))
    ]


# --- FRED. https://fred.stlouisfed.org/docs/api/fred/: a value has a life in "real time", from its publication on.
REAL_TIME = "realtime_start realtime_end file_type"


def as_of(asked):
    return asked.get("realtime_start", TODAY), asked.get("realtime_end", TODAY)


def fred_observations(asked):
    """Answer one date's value, its revision, and a projection for a date to come that was always known."""
    start, end = as_of(asked)
    lives = [("2024-01-01", PAST_DAY, FUTURE_DAY, "PAST"), ("2024-01-01", FUTURE_DAY, "9999-12-31", "FUTURE")]
    lives.append(("2027-01-01", PAST_DAY, "9999-12-31", "FUTURE projection"))
    values = [
        {"realtime_start": max(since, start), "realtime_end": min(until, end), "date": date, "value": value}
        for date, since, until, value in lives
        if since <= end and start < until and date <= asked.get("observation_end", "9999-12-31")
    ]
    return {"realtime_start": start, "realtime_end": end, "count": len(values), "observations": values}


def fred_series(asked):
    start, end = as_of(asked)
    title = "PAST" if end < FUTURE_DAY else "FUTURE"
    known = {"id": "GDP", "realtime_start": start, "realtime_end": end, "title": title, "units": "Billions of Dollars"}
    todays = {
        "observation_end": "2026-07-01 FUTURE",
        "last_updated": "2026-11-20 FUTURE",
        "popularity": "FUTURE",
        "group_popularity": "FUTURE",
    }
    return {"realtime_start": start, "count": 1, "seriess": [{**known, **todays}]}


def fred_releases(asked):
    start, end = as_of(asked)
    return {
        "releases": [
            {"id": 53, "realtime_start": start, "realtime_end": end, "name": "PAST" if end < FUTURE_DAY else "FUTURE"}
        ]
    }


def fred_categories(asked):
    return {"categories": [{"id": 1, "name": "PAST" if as_of(asked)[1] < FUTURE_DAY else "FUTURE", "parent_id": 0}]}


def fred_vintages(asked):
    return {"count": 2, "vintage_dates": [day for _, day in days() if day <= asked.get("realtime_end", "9999-12-31")]}


def fred_dates(asked):
    kept = items(lambda word, day: {"release_id": 53, "date": day, "word": word}, end=asked.get("realtime_end", ""))
    return {"count": 2, "release_dates": kept}


PAGE = "limit offset sort_order order_by"
SERIES_LIST = f"{REAL_TIME} {PAGE} filter_variable filter_value tag_names exclude_tag_names"
FRED = {
    "GET /fred/series/observations": Route(
        fred_observations,
        f"series_id {REAL_TIME} {PAGE} observation_start observation_end units frequency aggregation_method output_type vintage_dates",
        required="series_id",
    ),
    "GET /fred/series": Route(fred_series, f"series_id {REAL_TIME}", required="series_id"),
    "GET /fred/series/search": Route(fred_series, f"search_text search_type {SERIES_LIST}", required="search_text"),
    "GET /fred/series/vintagedates": Route(fred_vintages, f"series_id {REAL_TIME} {PAGE}", required="series_id"),
    "GET /fred/series/release": Route(fred_releases, f"series_id {REAL_TIME}", required="series_id"),
    "GET /fred/category/children": Route(fred_categories, f"category_id {REAL_TIME}", required="category_id"),
    "GET /fred/category/series": Route(fred_series, f"category_id {SERIES_LIST}", required="category_id"),
    "GET /fred/releases": Route(fred_releases, f"{REAL_TIME} {PAGE}"),
    "GET /fred/release/dates": Route(
        fred_dates, f"release_id {REAL_TIME} {PAGE} include_release_dates_with_no_data", required="release_id"
    ),
    "GET /fred/release/series": Route(fred_series, f"release_id {SERIES_LIST}", required="release_id"),
}


# --- Exa. https://github.com/exa-labs/openapi-spec
def exa_results(asked):
    def write(word, day):
        page = {
            "id": word,
            "url": f"https://example.com/{word}",
            "title": word,
            "publishedDate": f"{day}T00:00:00.000Z",
        }
        return {
            **page,
            "text": word,
            "summary": "of all, FUTURE too",
            "subpages": [{"title": "FUTURE", "url": "https://e.org"}],
        }

    undated = {"id": "x", "url": "https://example.com/x", "title": "FUTURE of no known day", "publishedDate": None}
    found = within(write, asked, "startPublishedDate", "endPublishedDate")
    extra = {"context": "PAST and FUTURE", "output": {"content": "FUTURE"}, "costDollars": {"total": 0.005}}
    return {"requestId": "b5", "resolvedSearchType": "neural", "results": [*found, undated], **extra}


EXA_COMMON = "numResults includeDomains excludeDomains startPublishedDate endPublishedDate includeText excludeText moderation contents"
EXA = {
    "POST /search": Route(exa_results, body=f"query type category {EXA_COMMON}", required="query"),
    "POST /findSimilar": Route(exa_results, body=f"url excludeSourceDomain {EXA_COMMON}", required="url"),
    "POST /contents": Route(
        exa_results, body="urls text highlights summary maxAgeHours subpages extras", required="urls"
    ),
    "POST /answer": Route(
        lambda _: {"answer": "PAST and FUTURE", "citations": [{"url": "https://e.org", "title": "FUTURE"}]},
        body="query stream text outputSchema",
        required="query",
    ),
}

# --- Golden. https://docs.golden.com/openapi.json; every address ends in a slash.
GOLDEN_PAGE = "cursor pageSize"


def golden_list(item):
    return lambda _: {"next": None, "previous": None, "results": [item]}


ENTITY = {
    "id": 1,
    "latestVersionId": 7,
    "properties": [{"predicateId": "name", "instances": [{"value": "PAST and FUTURE", "citations": []}]}],
}
GOLDEN = {
    "GET /api/v2/public/entities/": Route(
        golden_list(ENTITY), f"{GOLDEN_PAGE} ids entityTypeIds filterPredicateId filterValue predicateIds"
    ),
    "GET /api/v2/public/entities/{id}/": Route(lambda _: ENTITY, "predicateIds"),
    "GET /api/v2/public/queries/{id}/results/": Route(golden_list(ENTITY), f"{GOLDEN_PAGE} predicateIds"),
    "GET /api/v2/public/queries/permalink/{permalink}/": Route(golden_list(ENTITY), f"{GOLDEN_PAGE} predicateIds"),
    "GET /api/v2/public/schema/entityTypes/": Route(
        golden_list({"id": 3, "latestVersionId": 9, "properties": []}), GOLDEN_PAGE
    ),
    "GET /api/v2/public/schema/predicates/": Route(
        golden_list({"id": "founded", "name": "Founded", "isFilterable": True}), GOLDEN_PAGE
    ),
}


# --- SearchApi's Google Trends. https://www.searchapi.io/openapi/google_trends.yaml; one address, and kinds of data.
def trends(asked):
    if asked["engine"] != "google_trends":
        return 400, {"error": "Unsupported engine."}
    point = {"timestamp": str(stamp(PAST_DAY)), "values": [{"query": "a", "value": "59", "extracted_value": 59}]}
    related = {"top": [{"query": "PAST", "title": "PAST", "extracted_value": 100}], "rising": []}
    kinds = {
        "TIMESERIES": {"interest_over_time": {"averages": [], "timeline_data": [point]}},
        "GEO_MAP": {"interest_by_region": [{"geo": "US-CA", "name": "California", "extracted_value": 61}]},
        "RELATED_QUERIES": {"related_queries": related},
        "RELATED_TOPICS": {"related_topics": related},
    }
    return {"search_metadata": {"id": "s1", "status": "Success"}, **kinds[asked["data_type"]]}


TRENDS = {
    "GET /api/v1/search": Route(trends, "engine q data_type geo tz time cat region gprop", required="engine data_type")
}


# --- Main Street Data. Known from programs that use it.
def metrics(asked):
    values = within(
        lambda word, day: {"x": f"{day}T00:00:00.000Z", "y": 1, "valueType": word}, asked, "startDate", "endDate"
    )
    return {
        "company": {"ticker": "AAPL", "name": "Apple", "totalMetrics": 1},
        "metrics": [{"name": "iPhone", "values": values}],
    }


MSD_OPTIONS = "metricName freq startDate endDate yoy percentRevenue"
MSD = {
    "GET /api/v1/companies": Route(lambda _: ["AAPL", "SOFI"]),
    "GET /api/v1/companies/{ticker}/kpi": Route(lambda _: [{"label": "iPhone", "columnName": "aapl_iphone_msd"}]),
    "GET /api/v1/companies/{ticker}": Route(metrics, MSD_OPTIONS),
    "POST /api/v1/companies": Route(lambda asked: {"companies": [metrics(asked)]}, MSD_OPTIONS, "tickers", "tickers"),
}


# --- Financial Modeling Prep. https://site.financialmodelingprep.com/developer/docs/stable
def dated(field, wire="{}", **rest):
    return lambda asked: within(
        lambda word, day: {"symbol": word, field: wire.format(day), **rest}, asked, "from", "to"
    )


def statements(_):
    """Answer a quarter that ended before its filing: the period's end alone would let the future in."""

    def write(word, filed, accepted):
        return {"symbol": word, "date": "2024-03-30", "filingDate": filed, "acceptedDate": accepted}

    kept = [write(word, day, f"{day} 16:04:25") for word, day in reversed(days())]
    late = write("FUTURE", "2024-06-03", "2024-05-31 21:10:00")  # in New York: it is June where days are UTC
    foreign = write("FUTURE", "2024-03-30", f"{FUTURE_DAY} 09:00:00")  # its filing date is not known
    return [*kept, late, foreign]


def filings(asked):
    """Answer filings by the day of acceptance; a late one is filed on the next day of business."""

    def write(word, day):
        return {"symbol": word, "formType": "10-Q", "filingDate": f"{day} 00:00:00", "acceptedDate": f"{day} 16:04:25"}

    late = {"symbol": "FUTURE", "filingDate": "2024-06-03 00:00:00", "acceptedDate": "2024-05-31 21:10:00"}
    return [*within(write, asked, "from", "to"), late]


def now(**facts):
    return lambda _: [{"symbol": "FUTURE", **facts}]


WINDOW = "from to"
STATEMENT = Route(statements, "symbol period limit", required="symbol")
NEWS = Route(
    dated("publishedDate", "{} 09:30:00", title="a", url="b"), f"symbols {WINDOW} page limit", required="symbols"
)
FMP = {
    "GET /stable/search-symbol": Route(now(name="b"), "query limit exchange", required="query"),
    "GET /stable/profile": Route(now(companyName="b"), "symbol", required="symbol"),
    "GET /stable/quote": Route(now(price=1.0), "symbol", required="symbol"),
    "GET /stable/historical-price-eod/full": Route(dated("date", close=1.0), f"symbol {WINDOW}", required="symbol"),
    "GET /stable/historical-price-eod/non-split-adjusted": Route(
        dated("date", adjClose=1.0), f"symbol {WINDOW}", required="symbol"
    ),
    "GET /stable/income-statement": STATEMENT,
    "GET /stable/balance-sheet-statement": STATEMENT,
    "GET /stable/cash-flow-statement": STATEMENT,
    "GET /stable/ratios": Route(dated("date", period="Q2"), "symbol period limit", required="symbol"),
    "GET /stable/analyst-estimates": Route(
        dated("date", epsAvg=1), "symbol period page limit", required="symbol period"
    ),
    "GET /stable/grades": Route(dated("date", newGrade="Buy"), "symbol", required="symbol"),
    "GET /stable/earnings": Route(
        dated("date", epsActual=1.5, lastUpdated="FUTURE"), "symbol limit includeReportTimes", required="symbol"
    ),
    "GET /stable/earning-call-transcript": Route(
        dated("date", content="b"), "symbol year quarter limit", required="symbol year quarter"
    ),
    "GET /stable/splits": Route(dated("date", numerator=4), "symbol limit", required="symbol"),
    "GET /stable/news/stock": NEWS,
    "GET /stable/news/press-releases": NEWS,
    "GET /stable/sec-filings-search/symbol": Route(filings, f"symbol {WINDOW} page limit", required="symbol from to"),
    "GET /stable/insider-trading/search": Route(
        dated("filingDate", transactionDate="2024-04-01"), "symbol page limit reportingCik companyCik transactionType"
    ),
    "GET /stable/treasury-rates": Route(dated("date", year10=4.6), WINDOW),
    "GET /stable/economic-indicators": Route(dated("date", name="GDP", value=1), f"name {WINDOW}", required="name"),
}


# --- Kalshi. https://docs.kalshi.com/api-reference
def candles(asked):
    return within(
        lambda word, day: {"end_period_ts": stamp(day), "price": {"close_dollars": word}}, asked, "start_ts", "end_ts"
    )


def kalshi_markets(asked):
    def write(word, day):
        made = {
            "ticker": word,
            "event_ticker": "E",
            "title": "Q?",
            "created_time": f"{day}T00:00:00Z",
            "rules_primary": "r",
        }
        return {**made, "status": "settled", "result": "yes", "last_price_dollars": "0.99", "new_field": "FUTURE"}

    return {"markets": within(write, asked, "min_created_ts", "max_created_ts"), "cursor": ""}


def kalshi_trades(asked):
    def write(word, day):
        return {"trade_id": word, "ticker": "M", "yes_price_dollars": "0.56", "created_time": f"{day}T12:00:00.123456Z"}

    return {"trades": within(write, asked, "min_ts", "max_ts"), "cursor": ""}


CANDLES = "start_ts end_ts period_interval"
KALSHI_PAGE = "limit cursor"
KALSHI_MARKETS = (
    "series_ticker event_ticker tickers status min_created_ts max_created_ts min_close_ts max_close_ts mve_filter"
)
KALSHI = {
    "GET /trade-api/v2/series": Route(
        lambda _: {"series": [{"ticker": "S", "title": "FUTURE"}]}, "category tags include_product_metadata"
    ),
    "GET /trade-api/v2/series/{series}": Route(lambda _: {"series": {"ticker": "S", "title": "FUTURE"}}),
    "GET /trade-api/v2/events": Route(
        lambda _: {"events": [{"event_ticker": "FUTURE"}], "cursor": ""},
        f"series_ticker status with_nested_markets min_close_ts {KALSHI_PAGE}",
    ),
    "GET /trade-api/v2/series/{series}/events/{event}/candlesticks": Route(
        lambda asked: {"market_tickers": ["M"], "market_candlesticks": [candles(asked)], "adjusted_end_ts": 1},
        CANDLES,
        required=CANDLES,
    ),
    "GET /trade-api/v2/markets": Route(kalshi_markets, f"{KALSHI_MARKETS} {KALSHI_PAGE}"),
    "GET /trade-api/v2/markets/trades": Route(kalshi_trades, f"ticker min_ts max_ts {KALSHI_PAGE}"),
    "GET /trade-api/v2/markets/{ticker}": Route(lambda _: {"market": {"ticker": "M", "result": "FUTURE"}}),
    "GET /trade-api/v2/markets/{ticker}/orderbook": Route(
        lambda _: {"orderbook": {"yes_dollars": [["FUTURE", 1]]}}, "depth"
    ),
    "GET /trade-api/v2/series/{series}/markets/{ticker}/candlesticks": Route(
        lambda asked: {"ticker": "M", "candlesticks": candles(asked)},
        f"{CANDLES} include_latest_before_start",
        required=CANDLES,
    ),
    "GET /trade-api/v2/historical/markets/{ticker}/candlesticks": Route(
        lambda asked: {"ticker": "M", "candlesticks": candles(asked)}, CANDLES, required=CANDLES
    ),
}

# --- Polymarket. https://docs.polymarket.com/api-reference, three hosts.
GAMMA = {
    "id": "12",
    "question": "PAST?",
    "slug": "s",
    "conditionId": "0xab",
    "outcomes": '["Yes", "No"]',
    "clobTokenIds": '["1", "2"]',
    "createdAt": f"{PAST_DAY}T00:00:00.000Z",
    "outcomePrices": '["FUTURE", "0"]',
    "description": "Update of FUTURE_DAY: FUTURE",
}
EVENT = {"id": "7", "slug": "s", "title": "FUTURE", "markets": [GAMMA]}
GAMMA_STATE = "limit offset order ascending closed tag_id slug active archived featured start_date_max end_date_max"


def history(asked):
    return {"history": within(lambda word, day: {"t": stamp(day), "p": word}, asked, "startTs", "endTs")}


POLYMARKET = {
    "GET /public-search": Route(lambda _: {"events": [EVENT], "pagination": {}}, "q limit_per_type page", required="q"),
    "GET /events": Route(lambda _: [EVENT], GAMMA_STATE),
    "GET /events/slug/{slug}": Route(lambda _: EVENT, "include_chat include_template"),
    "GET /markets": Route(lambda _: [GAMMA], GAMMA_STATE),
    "GET /markets/slug/{slug}": Route(lambda _: GAMMA, "include_tag"),
    "GET /prices-history": Route(history, "market startTs endTs interval fidelity", required="market"),
    "GET /midpoint": Route(lambda _: {"mid": "0.56"}, "token_id", required="token_id"),
    "GET /book": Route(lambda _: {"market": "0xab", "bids": [], "asks": []}, "token_id", required="token_id"),
    "GET /trades": Route(
        lambda _: items(lambda word, day: {"outcome": word, "price": 0.5, "timestamp": stamp(day)}),
        "market side takerOnly limit offset user start end",
    ),
}


# --- WolframAlpha. https://products.wolframalpha.com/api/documentation
def pods(asked):
    if asked["output"] != "json":
        return 200, "<queryresult success='true'/>"
    shown = [{"title": "Result", "id": "Result", "subpods": [{"title": "", "plaintext": "FUTURE"}]}]
    return {"queryresult": {"success": True, "error": False, "numpods": 1, "pods": shown}}


WOLFRAM = {
    "GET /api/v1/llm-api": Route(
        lambda _: 'Query:\n"a"\n\nResult:\nFUTURE', "input maxchars units assumption", required="input"
    ),
    "GET /v1/result": Route(lambda _: "about 3940 kilometers", "i units timeout", required="i"),
    "GET /v2/query": Route(
        pods, "input output format units includepodid excludepodid podstate assumption scantimeout", required="input"
    ),
}


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
KEYS = {name: f"key-of-{name}-3f9d27" for name in SERVICES}
REAL_TIMES = {"realtime_start", "realtime_end"}
BOUNDS = {
    *("from", "to", "start_ts", "end_ts", "min_ts", "max_ts", "min_created_ts", "max_created_ts", "startTs", "endTs"),
    *("startPublishedDate", "endPublishedDate", "observation_end"),
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
            return service.fault(why)
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
    """All nine services. ``got`` is what it was asked; ``ignored`` are the parameters that it does not look at."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.got, self.ignored = [], frozenset()
        self.origin = f"http://127.0.0.1:{self.server_port}"
        self.thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    def close(self):
        """Stop and wait for the thread."""
        self.shutdown()
        self.server_close()
        self.thread.join()
