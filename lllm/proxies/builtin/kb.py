"""Kalshi: prices of contracts on coming events, traded at a regulated exchange.

Market data need no key; orders and portfolios, which do (an RSA signature each), are not declared. A market's page
shows its last price and its result, so under a cutoff it is refused, and "questions" shows only what was fixed when the
market was made. Prices over time and trades are cut off by their own times, in the request and in the answer.

Source: https://docs.kalshi.com/api-reference (as stored, read 2026-11-21: candlesticks, historical/cutoff) and the
exchange's own client kalshi-python-sync 3.2.0, which is made from its OpenAPI document.
"""

from typing import Any

from lllm.proxies.base import BaseProxy, ProxyRegistrator

_PAGE: dict[str, Any] = {"limit": (int, 100), "cursor": (str, None)}
_CANDLES: dict[str, Any] = {
    "start_ts*": (int, 1714521600),
    "end_ts*": (int, 1893456000),
    "period_interval*": (int, 1440, (1, 60, 1440)),
}
_CANDLES_CUTOFF = {"start_ts": ("start", "unix"), "end_ts": ("end", "unix")}
_CANDLE = {
    "end_period_ts": 1714608000,
    "price": {"open_dollars": "0.5600", "close_dollars": "0.5700"},
    "yes_bid": {"close_dollars": "0.5600"},
    "yes_ask": {"close_dollars": "0.5800"},
    "volume": 120,
    "open_interest": 900,
}
_QUESTION = (
    "ticker",
    "event_ticker",
    "title",
    "yes_sub_title",
    "no_sub_title",
    "created_time",
    "rules_primary",
    "strike_type",
    "floor_strike",
    "cap_strike",
)
_ASKED = {
    "ticker": "KXFED-24JUN-T5.25",
    "event_ticker": "KXFED-24JUN",
    "title": "Will the upper bound of the federal funds rate be above 5.25%?",
    "created_time": "2024-01-31T00:00:00Z",
}
_MARKET = {**_ASKED, "status": "active", "last_price_dollars": "0.9700", "result": ""}
_EVENT = {"event_ticker": "KXFED-24JUN", "series_ticker": "KXFED", "title": "Fed funds rate in June 2024?"}
_SERIES = {"ticker": "KXFED", "title": "Fed funds rate", "category": "Economics", "frequency": "custom"}


@ProxyRegistrator(path="kb", name="Kalshi", description="Prices of contracts on coming events, and their trades.")
class Kalshi(BaseProxy):
    """Endpoints of Kalshi's market data."""

    base_url = "https://external-api.kalshi.com/trade-api/v2"
    api_key_in = "none"
    additional_docs = (
        "A series (KXFED) has events (KXFED-24JUN), an event has markets (KXFED-24JUN-T5.25). Prices are dollars of a "
        "contract that pays one dollar, so they read as probabilities. Times *_ts are Unix seconds; period_interval is "
        "in minutes. Markets that were settled long ago have their candlesticks under 'historical'."
    )

    @BaseProxy.endpoint(
        category="series",
        endpoint="list",
        description="Series, by category.",
        path="/series",
        params={"category": (str, "Economics"), "tags": (str, None)},
        response={"series": [_SERIES]},
    )
    def series(self) -> None: ...

    @BaseProxy.endpoint(
        category="series",
        endpoint="info",
        description="One series, with the sources that settle it.",
        path="/series/{series_ticker}",
        params={"$series_ticker*": (str, "KXFED")},
        response={"series": _SERIES},
    )
    def one_series(self) -> None: ...

    @BaseProxy.endpoint(
        category="events",
        endpoint="list",
        description="Events, by series or state.",
        path="/events",
        params={
            "series_ticker": (str, "KXFED"),
            "status": (str, "open", ("open", "closed", "settled")),
            "with_nested_markets": (bool, False),
            **_PAGE,
        },
        response={"events": [_EVENT], "cursor": ""},
    )
    def events(self) -> None: ...

    @BaseProxy.endpoint(
        category="events",
        endpoint="candlesticks",
        description="Prices over time of all markets of an event.",
        path="/series/{series_ticker}/events/{ticker}/candlesticks",
        params={"$series_ticker*": (str, "KXFED"), "$ticker*": (str, "KXFED-24JUN"), **_CANDLES},
        response={"market_tickers": ["KXFED-24JUN-T5.25"], "market_candlesticks": [[_CANDLE]]},
        dt_cutoff=("market_candlesticks/end_period_ts", "unix"),
        cutoff_params=_CANDLES_CUTOFF,
    )
    def event_candlesticks(self) -> None: ...

    @BaseProxy.endpoint(
        category="markets",
        endpoint="list",
        description="Markets as they stand now.",
        path="/markets",
        params={
            "series_ticker": (str, "KXFED"),
            "event_ticker": (str, "KXFED-24JUN"),
            "tickers": (str, None),
            "status": (str, None, ("unopened", "open", "closed", "settled")),
            **_PAGE,
        },
        response={"markets": [_MARKET], "cursor": ""},
        cache_ttl_s=15.0,
    )
    def markets(self) -> None: ...

    @BaseProxy.endpoint(
        category="markets",
        endpoint="questions",
        description="What markets ask, without prices and results.",
        path="/markets",
        params={
            "series_ticker": (str, "KXFED"),
            "event_ticker": (str, "KXFED-24JUN"),
            "min_created_ts": (int, None),
            "max_created_ts": (int, 1893456000),
            **_PAGE,
        },
        response={"markets": [_ASKED], "cursor": ""},
        dt_cutoff=("markets/created_time", "iso"),
        cutoff_params={"min_created_ts": ("start", "unix"), "max_created_ts": ("end", "unix")},
    )
    def questions(self) -> None: ...

    @BaseProxy.postcall("markets/questions")
    def keep_questions(self, data: dict[str, Any]) -> dict[str, Any]:
        """Keep what is known to be fixed, so that a field that Kalshi adds tomorrow does not tell the result."""
        markets = [{key: market[key] for key in _QUESTION if key in market} for market in data.get("markets") or ()]
        return {"markets": markets, "cursor": data.get("cursor", "")}

    @BaseProxy.endpoint(
        category="markets",
        endpoint="info",
        description="One market as it stands now.",
        path="/markets/{ticker}",
        params={"$ticker*": (str, "KXFED-24JUN-T5.25")},
        response={"market": _MARKET},
        cache_ttl_s=15.0,
    )
    def market(self) -> None: ...

    @BaseProxy.endpoint(
        category="markets",
        endpoint="orderbook",
        description="Bids for yes and no, now.",
        path="/markets/{ticker}/orderbook",
        params={"$ticker*": (str, "KXFED-24JUN-T5.25"), "depth": (int, 5)},
        response={"orderbook": {"yes_dollars": [["0.5600", 100]], "no_dollars": [["0.4200", 80]]}},
        cache_ttl_s=0.0,
    )
    def orderbook(self) -> None: ...

    @BaseProxy.endpoint(
        category="markets",
        endpoint="trades",
        description="Trades of a market, or of all.",
        path="/markets/trades",
        params={"ticker": (str, "KXFED-24JUN-T5.25"), "min_ts": (int, None), "max_ts": (int, 1893456000), **_PAGE},
        response={
            "trades": [
                {
                    "trade_id": "a1",
                    "ticker": "KXFED-24JUN-T5.25",
                    "yes_price_dollars": "0.5600",
                    "no_price_dollars": "0.4400",
                    "count": 10,
                    "taker_side": "yes",
                    "created_time": "2024-05-01T12:00:00Z",
                }
            ],
            "cursor": "",
        },
        dt_cutoff=("trades/created_time", "iso"),
        cutoff_params={"min_ts": ("start", "unix"), "max_ts": ("end", "unix")},
    )
    def trades(self) -> None: ...

    @BaseProxy.endpoint(
        category="markets",
        endpoint="candlesticks",
        description="Prices over time of one market.",
        path="/series/{series_ticker}/markets/{ticker}/candlesticks",
        params={"$series_ticker*": (str, "KXFED"), "$ticker*": (str, "KXFED-24JUN-T5.25"), **_CANDLES},
        response={"ticker": "KXFED-24JUN-T5.25", "candlesticks": [_CANDLE]},
        dt_cutoff=("candlesticks/end_period_ts", "unix"),
        cutoff_params=_CANDLES_CUTOFF,
    )
    def candlesticks(self) -> None: ...

    @BaseProxy.endpoint(
        category="historical",
        endpoint="candlesticks",
        description="Prices over time of a market settled long ago.",
        path="/historical/markets/{ticker}/candlesticks",
        params={"$ticker*": (str, "KXFED-24JUN-T5.25"), **_CANDLES},
        response={"ticker": "KXFED-24JUN-T5.25", "candlesticks": [_CANDLE]},
        dt_cutoff=("candlesticks/end_period_ts", "unix"),
        cutoff_params=_CANDLES_CUTOFF,
    )
    def historical_candlesticks(self) -> None: ...
