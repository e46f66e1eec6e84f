"""Polymarket: prices of shares in the answers to public questions, traded on a blockchain.

Three hosts of one service: "gamma" knows the questions, "clob" the prices, "data" the trades. All is public and needs
no key; orders, which do, are not declared. What gamma shows of a market includes prices and the resolution, and its
description is added to while the market runs, so under a cutoff "question" alone is open: what was fixed at its start.

Source: https://docs.polymarket.com/api-reference/markets/get-prices-history (as stored, read 2026-11-21), and the
service's own TypeScript client (github.com/Polymarket/ts-sdk, 2026) for gamma; trades as the same docs had them in
July 2026.
"""

from typing import Any

from lllm.proxies.base import BaseProxy, ProxyRegistrator

_CLOB = "https://clob.polymarket.com"
_DATA = "https://data-api.polymarket.com"
_TOKEN = "1000000000000000000000000000000000000000000000000000000000000000000000000001"  # noqa: S105 - names an answer
_CONDITION = "0x" + "ab" * 32
_PAGE: dict[str, Any] = {"limit": (int, 20), "offset": (int, 0)}
_STATE: dict[str, Any] = {
    "closed": (bool, False),
    "tag_id": (int, None),
    "order": (str, "volume24hr"),
    "ascending": (bool, False),
}
_ASKED = {
    "id": "12",
    "question": "Will the Fed cut rates in June 2024?",
    "slug": "fed-cut-june-2024",
    "conditionId": _CONDITION,
    "outcomes": '["Yes", "No"]',
    "clobTokenIds": f'["{_TOKEN}", "2"]',
    "createdAt": "2024-01-31T00:00:00Z",
}
_MARKET = {**_ASKED, "outcomePrices": '["0.03", "0.97"]', "closed": False, "volume": "1000"}
_EVENT = {"id": "7", "slug": "fed-june-2024", "title": "Fed in June 2024", "markets": [_MARKET]}


@ProxyRegistrator(path="pm", name="Polymarket", description="Prices of the answers to public questions, and trades.")
class Polymarket(BaseProxy):
    """Endpoints of Polymarket's public data."""

    base_url = "https://gamma-api.polymarket.com"
    api_key_in = "none"
    additional_docs = (
        "An event has markets, a market has outcomes. outcomes, outcomePrices and clobTokenIds are JSON inside a text, "
        "in one order. Prices run from 0 to 1 and read as probabilities. Times of prices and trades are Unix seconds."
    )

    @BaseProxy.endpoint(
        category="search",
        endpoint="all",
        description="Find events and markets by words.",
        path="/public-search",
        params={"q*": (str, "fed rate"), "limit_per_type": (int, 5)},
        response={"events": [_EVENT]},
    )
    def search(self) -> None: ...

    @BaseProxy.endpoint(
        category="events",
        endpoint="list",
        description="Events with their markets, now.",
        path="/events",
        params={**_STATE, **_PAGE},
        response=[_EVENT],
        cache_ttl_s=15.0,
    )
    def events(self) -> None: ...

    @BaseProxy.endpoint(
        category="events",
        endpoint="info",
        description="One event with its markets, now.",
        path="/events/slug/{slug}",
        params={"$slug*": (str, "fed-june-2024")},
        response=_EVENT,
        cache_ttl_s=15.0,
    )
    def event(self) -> None: ...

    @BaseProxy.endpoint(
        category="markets",
        endpoint="list",
        description="Markets, now.",
        path="/markets",
        params={**_STATE, **_PAGE},
        response=[_MARKET],
        cache_ttl_s=15.0,
    )
    def markets(self) -> None: ...

    @BaseProxy.endpoint(
        category="markets",
        endpoint="info",
        description="One market, now.",
        path="/markets/slug/{slug}",
        params={"$slug*": (str, "fed-cut-june-2024")},
        response=_MARKET,
        cache_ttl_s=15.0,
    )
    def market(self) -> None: ...

    @BaseProxy.endpoint(
        category="markets",
        endpoint="question",
        description="What a market asks, without prices and result.",
        path="/markets/slug/{slug}",
        params={"$slug*": (str, "fed-cut-june-2024")},
        response=_ASKED,
        dt_cutoff=("createdAt", "iso"),
    )
    def question(self) -> None: ...

    @BaseProxy.postcall("markets/question")
    def keep_question(self, data: dict[str, Any]) -> dict[str, Any]:
        """Keep what is known to be fixed, so that a field that is added tomorrow does not tell the result."""
        return {key: data[key] for key in _ASKED if key in data}

    @BaseProxy.endpoint(
        category="prices",
        endpoint="history",
        description="Price of one outcome over time.",
        base_url=_CLOB,
        path="/prices-history",
        params={
            "market*": (str, _TOKEN),
            "startTs": (int, 1714521600),
            "endTs": (int, 1893456000),
            "interval": (str, None, ("max", "all", "1m", "1w", "1d", "6h", "1h")),
            "fidelity": (int, 1440),
        },
        response={"history": [{"t": 1714608000, "p": 0.56}]},
        dt_cutoff=("history/t", "unix"),
        cutoff_params={"startTs": ("start", "unix"), "endTs": ("end", "unix")},
    )
    def history(self) -> None: ...

    @BaseProxy.endpoint(
        category="prices",
        endpoint="midpoint",
        description="Price of one outcome, now.",
        base_url=_CLOB,
        path="/midpoint",
        params={"token_id*": (str, _TOKEN)},
        response={"mid": "0.56"},
        cache_ttl_s=0.0,
    )
    def midpoint(self) -> None: ...

    @BaseProxy.endpoint(
        category="prices",
        endpoint="book",
        description="Orders for one outcome, now.",
        base_url=_CLOB,
        path="/book",
        params={"token_id*": (str, _TOKEN)},
        response={"market": _CONDITION, "bids": [{"price": "0.55", "size": "100"}], "asks": []},
        cache_ttl_s=0.0,
    )
    def book(self) -> None: ...

    @BaseProxy.endpoint(
        category="trades",
        endpoint="list",
        description="Trades of a market, newest first.",
        base_url=_DATA,
        path="/trades",
        params={
            "market": (str, _CONDITION),
            "side": (str, "BUY", ("BUY", "SELL")),
            "takerOnly": (bool, True),
            **_PAGE,
        },
        response=[
            {
                "side": "BUY",
                "conditionId": _CONDITION,
                "size": 10,
                "price": 0.56,
                "timestamp": 1714608000,
                "outcome": "Yes",
            }
        ],
        dt_cutoff=("timestamp", "unix"),
    )
    def trades(self) -> None: ...
