"""FRED, Financial Modeling Prep and Main Street Data, as their public documentation describes them."""

from __future__ import annotations

from builtin_days import FUTURE_DAY, PAST_DAY, TODAY, Route, days, items, within

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


def as_xml_unless_asked(route):
    """FRED answers XML where no file type is asked for."""

    def answer(asked):
        return route.answer(asked) if asked.get("file_type") == "json" else (200, "<?xml version='1.0'?><error/>")

    return route._replace(answer=answer)


FRED = {address: as_xml_unless_asked(route) for address, route in FRED.items()}


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
    foreign = {"symbol": "FUTURE", "filingDate": "2024-03-30 00:00:00", "acceptedDate": f"{FUTURE_DAY} 09:00:00"}
    return [*within(write, asked, "from", "to"), late, foreign]


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
