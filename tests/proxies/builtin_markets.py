"""Kalshi and Polymarket, as their public documentation describes them."""

from __future__ import annotations

from builtin_days import PAST_DAY, Route, items, stamp, within


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
