"""Financial Modeling Prep: prices, statements, news and filings of listed companies.

Under a cutoff a statement is shown from the day of its filing, not from the end of its period; prices are shown as they
were paid, since a price that is adjusted for splits tells of splits to come. What shows today's state (profiles,
quotes, estimates, ratios by period, macroeconomic series in their last revision) is refused.

Times have no zone in the answers and are read as UTC. The SEC's are those of New York, up to five hours behind; what it
accepts there after 17:30 has the next day as its filing date, so that both dates together leave no gap.

Source: https://site.financialmodelingprep.com/developer/docs/stable, as the client fmpsdk 20260824.0 writes it down
(2026-08-24).
"""

from typing import Any

from lllm.proxies.base import BaseProxy, ProxyRegistrator

_DAY = "%Y-%m-%d"
_TIME = "%Y-%m-%d %H:%M:%S"
_SYMBOL: dict[str, Any] = {"symbol*": (str, "AAPL")}
_LIMIT: dict[str, Any] = {"limit": (int, 20)}
_WINDOW: dict[str, Any] = {"from": ("date", "2024-01-01"), "to": ("date", "2030-01-01")}
_WINDOW_CUTOFF = {"from": ("start", _DAY), "to": ("end", _DAY)}
_PERIODS = ("annual", "quarter", "Q1", "Q2", "Q3", "Q4", "FY")
_PERIOD: dict[str, Any] = {**_SYMBOL, "period": (str, "quarter", _PERIODS), **_LIMIT}
_FILED: dict[str, Any] = {
    "symbol": "AAPL",
    "date": "2024-03-30",
    "period": "Q2",
    "fiscalYear": "2024",
    "filingDate": "2024-05-03",
    "acceptedDate": "2024-05-02 18:04:25",
}
_ACCEPTED = (("filingDate", _DAY), ("acceptedDate", _TIME))
_NEWS = [
    {
        "symbol": "AAPL",
        "publishedDate": "2024-05-03 09:30:00",
        "publisher": "Example Press",
        "title": "A title",
        "text": "A text",
        "url": "https://example.com/a",
    }
]


@ProxyRegistrator(path="fmp", name="FMP", description="Prices, statements, news and filings of listed companies.")
class FMP(BaseProxy):
    """Endpoints of Financial Modeling Prep, its "stable" interface."""

    base_url = "https://financialmodelingprep.com/stable"
    api_key_env = "FMP_API_KEY"
    api_key_in = "header"
    api_key_name = "apikey"
    error_key = "Error Message"
    additional_docs = (
        "Lists come newest first and are cut to 'limit' before a cutoff is applied: raise it to see further back. "
        "What a plan does not include is answered with status 402 or 403."
    )

    @BaseProxy.endpoint(
        category="search",
        endpoint="symbol",
        description="Find tickers by a name or symbol.",
        path="/search-symbol",
        params={"query*": (str, "apple"), "exchange": (str, "NASDAQ"), **_LIMIT},
        response=[{"symbol": "AAPL", "name": "Apple Inc.", "currency": "USD", "exchange": "NASDAQ"}],
    )
    def symbols(self) -> None: ...

    @BaseProxy.endpoint(
        category="company",
        endpoint="profile",
        description="Sector, description and size of a company, today.",
        path="/profile",
        params=_SYMBOL,
        response=[{"symbol": "AAPL", "companyName": "Apple Inc.", "sector": "Technology", "marketCap": 3.1e12}],
    )
    def profile(self) -> None: ...

    @BaseProxy.endpoint(
        category="prices",
        endpoint="quote",
        description="The price now.",
        path="/quote",
        params=_SYMBOL,
        response=[{"symbol": "AAPL", "price": 232.8, "volume": 44489128, "timestamp": 1738702801}],
        cache_ttl_s=15.0,
    )
    def quote(self) -> None: ...

    @BaseProxy.endpoint(
        category="prices",
        endpoint="daily",
        description="Daily prices, adjusted for all splits up to today.",
        path="/historical-price-eod/full",
        params={**_SYMBOL, **_WINDOW},
        response=[{"symbol": "AAPL", "date": "2024-05-01", "open": 169.6, "close": 169.3, "volume": 50383147}],
    )
    def daily(self) -> None: ...

    @BaseProxy.endpoint(
        category="prices",
        endpoint="paid",
        description="Daily prices as paid, not adjusted for splits.",
        path="/historical-price-eod/non-split-adjusted",
        params={**_SYMBOL, **_WINDOW},
        response=[{"symbol": "AAPL", "date": "2024-05-01", "adjOpen": 169.6, "adjClose": 169.3, "volume": 50383147}],
        dt_cutoff=("date", _DAY),
        cutoff_params=_WINDOW_CUTOFF,
    )
    def paid(self) -> None: ...

    @BaseProxy.endpoint(
        category="statements",
        endpoint="income",
        description="Income statements.",
        path="/income-statement",
        params=_PERIOD,
        response=[{**_FILED, "revenue": 90753000000, "netIncome": 23636000000}],
        dt_cutoff=_ACCEPTED,
    )
    def income(self) -> None: ...

    @BaseProxy.endpoint(
        category="statements",
        endpoint="balance",
        description="Balance sheets.",
        path="/balance-sheet-statement",
        params=_PERIOD,
        response=[{**_FILED, "totalAssets": 337411000000, "totalDebt": 104590000000}],
        dt_cutoff=_ACCEPTED,
    )
    def balance(self) -> None: ...

    @BaseProxy.endpoint(
        category="statements",
        endpoint="cash",
        description="Cash flow statements.",
        path="/cash-flow-statement",
        params=_PERIOD,
        response=[{**_FILED, "operatingCashFlow": 22690000000, "freeCashFlow": 20694000000}],
        dt_cutoff=_ACCEPTED,
    )
    def cash(self) -> None: ...

    @BaseProxy.endpoint(
        category="statements",
        endpoint="ratios",
        description="Margins, returns and multiples by period.",
        path="/ratios",
        params=_PERIOD,
        response=[{"symbol": "AAPL", "date": "2024-03-30", "period": "Q2", "netProfitMargin": 0.26}],
    )
    def ratios(self) -> None: ...

    @BaseProxy.endpoint(
        category="analysts",
        endpoint="estimates",
        description="What analysts expect of coming periods, today.",
        path="/analyst-estimates",
        params={**_SYMBOL, "period*": (str, "annual", ("annual", "quarter")), "page": (int, 0), **_LIMIT},
        response=[{"symbol": "AAPL", "date": "2029-09-28", "revenueAvg": 483093000000, "epsAvg": 9.7}],
    )
    def estimates(self) -> None: ...

    @BaseProxy.endpoint(
        category="analysts",
        endpoint="grades",
        description="Grades given by analysts, each on its day.",
        path="/grades",
        params=_SYMBOL,
        response=[{"symbol": "AAPL", "date": "2024-05-03", "gradingCompany": "Example", "newGrade": "Buy"}],
        dt_cutoff=("date", _DAY),
    )
    def grades(self) -> None: ...

    @BaseProxy.endpoint(
        category="events",
        endpoint="earnings",
        description="Days of earnings, expected and actual figures.",
        path="/earnings",
        params={**_SYMBOL, **_LIMIT},
        response=[{"symbol": "AAPL", "date": "2024-05-02", "epsActual": 1.53, "epsEstimated": 1.5}],
        dt_cutoff=("date", _DAY),
        remove_keys=("lastUpdated",),
    )
    def earnings(self) -> None: ...

    @BaseProxy.endpoint(
        category="events",
        endpoint="transcript",
        description="What was said on one earnings call.",
        path="/earning-call-transcript",
        params={**_SYMBOL, "year*": (int, 2024), "quarter*": (int, 2)},
        response=[{"symbol": "AAPL", "period": "Q2", "year": 2024, "date": "2024-05-02", "content": "Good day"}],
        dt_cutoff=("date", _DAY),
    )
    def transcript(self) -> None: ...

    @BaseProxy.endpoint(
        category="events",
        endpoint="splits",
        description="Splits of a share.",
        path="/splits",
        params={**_SYMBOL, **_LIMIT},
        response=[{"symbol": "AAPL", "date": "2020-08-31", "numerator": 4, "denominator": 1}],
        dt_cutoff=("date", _DAY),
    )
    def splits(self) -> None: ...

    @BaseProxy.endpoint(
        category="news",
        endpoint="stock",
        description="News of companies.",
        path="/news/stock",
        params={"symbols*": (str, "AAPL"), **_WINDOW, "page": (int, 0), **_LIMIT},
        response=_NEWS,
        dt_cutoff=("publishedDate", _TIME),
        cutoff_params=_WINDOW_CUTOFF,
    )
    def news(self) -> None: ...

    @BaseProxy.endpoint(
        category="news",
        endpoint="press",
        description="Press releases of companies.",
        path="/news/press-releases",
        params={"symbols*": (str, "AAPL"), **_WINDOW, "page": (int, 0), **_LIMIT},
        response=_NEWS,
        dt_cutoff=("publishedDate", _TIME),
        cutoff_params=_WINDOW_CUTOFF,
    )
    def press(self) -> None: ...

    @BaseProxy.endpoint(
        category="filings",
        endpoint="sec",
        description="Filings with the SEC, with links.",
        path="/sec-filings-search/symbol",
        params={**_SYMBOL, "from*": ("date", "2024-01-01"), "to*": ("date", "2030-01-01"), "page": (int, 0), **_LIMIT},
        response=[
            {
                "symbol": "AAPL",
                "formType": "10-Q",
                "filingDate": "2024-05-03 00:00:00",
                "acceptedDate": "2024-05-02 18:04:25",
                "link": "https://www.sec.gov/a",
            }
        ],
        dt_cutoff=(("filingDate", _TIME), ("acceptedDate", _TIME)),
        cutoff_params=_WINDOW_CUTOFF,
    )
    def filings(self) -> None: ...

    @BaseProxy.endpoint(
        category="filings",
        endpoint="insiders",
        description="Trades of insiders, by the day of their filing.",
        path="/insider-trading/search",
        params={**_SYMBOL, "page": (int, 0), **_LIMIT},
        response=[
            {
                "symbol": "AAPL",
                "filingDate": "2024-05-03",
                "transactionDate": "2024-05-01",
                "reportingName": "A. Person",
                "transactionType": "S-Sale",
                "securitiesTransacted": 1000,
                "price": 169.3,
            }
        ],
        dt_cutoff=("filingDate", _DAY),
    )
    def insiders(self) -> None: ...

    @BaseProxy.endpoint(
        category="economy",
        endpoint="treasury",
        description="Yields of US treasury bonds, by day.",
        path="/treasury-rates",
        params=_WINDOW,
        response=[{"date": "2024-05-01", "month1": 5.49, "year2": 4.96, "year10": 4.63}],
        dt_cutoff=("date", _DAY),
        cutoff_params=_WINDOW_CUTOFF,
    )
    def treasury(self) -> None: ...

    @BaseProxy.endpoint(
        category="economy",
        endpoint="indicator",
        description="A macroeconomic series as revised up to today; FRED has the earlier ones.",
        path="/economic-indicators",
        params={"name*": (str, "GDP"), **_WINDOW},
        response=[{"name": "GDP", "date": "2024-01-01", "value": 28624.069}],
    )
    def indicator(self) -> None: ...
