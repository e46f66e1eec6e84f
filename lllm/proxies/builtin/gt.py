"""Google Trends, asked through SearchApi: how much is searched for something, over time and by place.

Values are shares of the highest one in the asked time, so one value of the future would show in all others, and cutting
the answer is not enough: under a cutoff two dates must be given, of which the second is moved before it. Days begin at
00:00 UTC (tz), as a cutoff's does; without tz they would be those of California.

Source: https://www.searchapi.io/openapi/google_trends.yaml, version 1.0.0, and https://www.searchapi.io/docs/google-trends
(as stored, read 2026-11-21).
"""

from typing import Any

from lllm.proxies.base import BaseProxy, ProxyRegistrator

_CUTOFF = {"time": ("range", "%Y-%m-%d")}
_ASKED: dict[str, Any] = {
    "time": (str, "2023-01-01 2024-12-31"),
    "geo": (str, "US"),
    "cat": (int, 0),
    "gprop": (str, "news", ("images", "news", "froogle", "youtube")),
}


def _fixed(data_type: str) -> dict[str, Any]:
    return {"engine": "google_trends", "data_type": data_type, "tz": 0}


@ProxyRegistrator(path="gt", name="Google Trends", description="How much is searched for something, when and where.")
class GoogleTrends(BaseProxy):
    """Endpoints of SearchApi for Google Trends."""

    base_url = "https://www.searchapi.io/api/v1"
    api_key_env = "SEARCH_API_KEY"
    api_key_in = "bearer"
    error_key = "error"
    additional_docs = (
        "time: 'today 12-m' (the default), 'today 5-y', 'all', or two dates 'YYYY-MM-DD YYYY-MM-DD', which alone are "
        "allowed under a cutoff. Days are UTC. geo: 'US', 'US-CA'; worldwide without. Values are 0 to 100 of the "
        "highest one in that time and place. gprop: without it, searches of the web."
    )

    @BaseProxy.endpoint(
        category="interest",
        endpoint="over_time",
        description="Interest in up to five words over time.",
        path="/search",
        fixed=_fixed("TIMESERIES"),
        params={"q*": (str, "inflation,recession"), **_ASKED},
        response={
            "interest_over_time": {
                "timeline_data": [
                    {
                        "date": "Apr 28 - May 4, 2024",
                        "timestamp": "1714262400",
                        "values": [{"query": "inflation", "extracted_value": 59}],
                    }
                ]
            }
        },
        dt_cutoff=("interest_over_time/timeline_data/timestamp", "unix"),
        cutoff_params=_CUTOFF,
        remove_keys=("averages",),
    )
    def over_time(self) -> None: ...

    @BaseProxy.endpoint(
        category="interest",
        endpoint="by_region",
        description="Interest in a word by place.",
        path="/search",
        fixed=_fixed("GEO_MAP"),
        params={"q*": (str, "inflation"), "region": (str, "REGION", ("COUNTRY", "REGION", "DMA", "CITY")), **_ASKED},
        response={"interest_by_region": [{"geo": "US-CA", "name": "California", "extracted_value": 61}]},
        cutoff_params=_CUTOFF,
    )
    def by_region(self) -> None: ...

    @BaseProxy.endpoint(
        category="related",
        endpoint="queries",
        description="What else is searched with a word.",
        path="/search",
        fixed=_fixed("RELATED_QUERIES"),
        params={"q*": (str, "inflation"), **_ASKED},
        response={"related_queries": {"top": [{"query": "inflation rate", "extracted_value": 100}], "rising": []}},
        cutoff_params=_CUTOFF,
    )
    def queries(self) -> None: ...

    @BaseProxy.endpoint(
        category="related",
        endpoint="topics",
        description="Topics that are searched with a word.",
        path="/search",
        fixed=_fixed("RELATED_TOPICS"),
        params={"q*": (str, "inflation"), **_ASKED},
        response={"related_topics": {"top": [{"title": "Interest rate", "extracted_value": 100}], "rising": []}},
        cutoff_params=_CUTOFF,
    )
    def topics(self) -> None: ...
