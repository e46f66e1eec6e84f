"""FRED: economic time series of the Federal Reserve Bank of St. Louis.

Statistics are revised for years, so a value's date says nothing about when it was known. Under a cutoff every request
therefore asks for what FRED showed on the last visible day (its "real-time period"), and an answer that shows another
day is dropped. What FRED does not keep by day, such as when a series was last updated, is dropped always.

Source: https://fred.stlouisfed.org/docs/api/fred/, by its transcript to OpenAPI in github.com/api-evangelist/fred
(2026-05-28).
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from lllm.proxies.base import BaseProxy, ProxyRegistrator

_DAY = "%Y-%m-%d"
_REAL_TIME = {"realtime_start": ("date", None), "realtime_end": ("date", None)}
_AS_OF = {"realtime_start": ("at", _DAY), "realtime_end": ("at", _DAY)}
_PAGE = {"limit": (int, 10), "offset": (int, 0)}
_ORDER = (str, "asc", ("asc", "desc"))
_TODAYS = ("last_updated", "observation_end", "popularity", "group_popularity")
_SERIES = {
    "realtime_start": "2024-05-01",
    "realtime_end": "2024-05-01",
    "seriess": [
        {
            "id": "GDP",
            "realtime_start": "2024-05-01",
            "realtime_end": "2024-05-01",
            "title": "Gross Domestic Product",
            "observation_start": "1947-01-01",
            "frequency": "Quarterly",
            "units": "Billions of Dollars",
            "seasonal_adjustment": "Seasonally Adjusted Annual Rate",
        }
    ],
}
_SERIES_CUTOFF = ("seriess/realtime_start", _DAY)


@ProxyRegistrator(path="fred", name="FRED", description="Economic time series of the United States and the world.")
class FRED(BaseProxy):
    """Endpoints of FRED."""

    base_url = "https://api.stlouisfed.org/fred"
    api_key_env = "FRED_API_KEY"
    api_key_name = "api_key"
    fixed: ClassVar[Mapping[str, Any]] = {"file_type": "json"}
    additional_docs = (
        "A value of '.' is missing. Dates are the first day of the period. realtime_start and realtime_end ask for "
        "what was known then; give both or neither. units: lin, chg, ch1, pch, pc1, pca, cch, cca, log. "
        "frequency: d, w, bw, m, q, sa, a."
    )

    @BaseProxy.endpoint(
        category="series",
        endpoint="observations",
        description="Values of one series.",
        path="/series/observations",
        params={
            "series_id*": (str, "GDP"),
            "observation_start": ("date", "2023-01-01"),
            "observation_end": ("date", "2024-12-31"),
            "units": (str, "lin", ("lin", "chg", "ch1", "pch", "pc1", "pca", "cch", "cca", "log")),
            "frequency": (str, "q"),
            "aggregation_method": (str, "avg", ("avg", "sum", "eop")),
            "sort_order": _ORDER,
            **_PAGE,
            **_REAL_TIME,
        },
        response={
            "observations": [
                {
                    "realtime_start": "2024-05-01",
                    "realtime_end": "2024-05-01",
                    "date": "2023-10-01",
                    "value": "27956.998",
                }
            ]
        },
        dt_cutoff=(("observations/date", _DAY), ("observations/realtime_start", _DAY)),
        cutoff_params={**_AS_OF, "observation_end": ("end", _DAY)},
    )
    def observations(self) -> None: ...

    @BaseProxy.endpoint(
        category="series",
        endpoint="info",
        description="Title, units and frequency of one series.",
        path="/series",
        params={"series_id*": (str, "GDP"), **_REAL_TIME},
        response=_SERIES,
        dt_cutoff=_SERIES_CUTOFF,
        cutoff_params=_AS_OF,
        remove_keys=_TODAYS,
    )
    def info(self) -> None: ...

    @BaseProxy.endpoint(
        category="series",
        endpoint="search",
        description="Find series by words.",
        path="/series/search",
        params={
            "search_text*": (str, "real gdp"),
            "search_type": (str, "full_text", ("full_text", "series_id")),
            "tag_names": (str, "usa;quarterly"),
            **_PAGE,
            **_REAL_TIME,
        },
        response=_SERIES,
        dt_cutoff=_SERIES_CUTOFF,
        cutoff_params=_AS_OF,
        remove_keys=_TODAYS,
    )
    def search(self) -> None: ...

    @BaseProxy.endpoint(
        category="series",
        endpoint="vintages",
        description="Days on which values of a series were published or revised.",
        path="/series/vintagedates",
        params={"series_id*": (str, "GDP"), "sort_order": _ORDER, **_PAGE, **_REAL_TIME},
        response={"vintage_dates": ["1991-12-04", "1991-12-20"]},
        dt_cutoff=("vintage_dates", _DAY),
        cutoff_params={"realtime_start": ("start", _DAY), "realtime_end": ("end", _DAY)},
    )
    def vintages(self) -> None: ...

    @BaseProxy.endpoint(
        category="series",
        endpoint="release",
        description="The release by which a series is published.",
        path="/series/release",
        params={"series_id*": (str, "GDP"), **_REAL_TIME},
        response={"releases": [{"id": 53, "realtime_start": "2024-05-01", "name": "Gross Domestic Product"}]},
        dt_cutoff=("releases/realtime_start", _DAY),
        cutoff_params=_AS_OF,
    )
    def release(self) -> None: ...

    @BaseProxy.endpoint(
        category="category",
        endpoint="children",
        description="Subcategories of a category; 0 is the root.",
        path="/category/children",
        params={"category_id*": (int, 0), **_REAL_TIME},
        response={"categories": [{"id": 32991, "name": "Money, Banking, & Finance", "parent_id": 0}]},
        cutoff_params=_AS_OF,
    )
    def children(self) -> None: ...

    @BaseProxy.endpoint(
        category="category",
        endpoint="series",
        description="Series in a category.",
        path="/category/series",
        params={"category_id*": (int, 106), "tag_names": (str, "quarterly"), **_PAGE, **_REAL_TIME},
        response=_SERIES,
        dt_cutoff=_SERIES_CUTOFF,
        cutoff_params=_AS_OF,
        remove_keys=_TODAYS,
    )
    def category_series(self) -> None: ...

    @BaseProxy.endpoint(
        category="releases",
        endpoint="list",
        description="All releases of data.",
        path="/releases",
        params={**_PAGE, **_REAL_TIME},
        response={"releases": [{"id": 53, "realtime_start": "2024-05-01", "name": "Gross Domestic Product"}]},
        dt_cutoff=("releases/realtime_start", _DAY),
        cutoff_params=_AS_OF,
    )
    def releases(self) -> None: ...

    @BaseProxy.endpoint(
        category="releases",
        endpoint="dates",
        description="Days on which one release was published.",
        path="/release/dates",
        params={"release_id*": (int, 53), "sort_order": _ORDER, **_PAGE, **_REAL_TIME},
        response={"release_dates": [{"release_id": 53, "date": "2024-04-25"}]},
        dt_cutoff=("release_dates/date", _DAY),
        cutoff_params={"realtime_start": ("start", _DAY), "realtime_end": ("end", _DAY)},
    )
    def release_dates(self) -> None: ...

    @BaseProxy.endpoint(
        category="releases",
        endpoint="series",
        description="Series in a release.",
        path="/release/series",
        params={"release_id*": (int, 53), "tag_names": (str, "quarterly"), **_PAGE, **_REAL_TIME},
        response=_SERIES,
        dt_cutoff=_SERIES_CUTOFF,
        cutoff_params=_AS_OF,
        remove_keys=_TODAYS,
    )
    def release_series(self) -> None: ...
