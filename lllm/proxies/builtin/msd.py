"""Main Street Data: what companies report beyond their statements, such as subscribers or vehicles delivered.

A value carries the end of its period, not the day on which the company published it, weeks later. Cut off by it, a
quarter would be known on the day it ends; so nothing is declared here, and a cutoff refuses all of it.

Source: https://api.mainstreetdata.com/docs/ cannot be read without JavaScript; addresses, parameters and answers are
as two public programs that use it have them (read 2026-11-21).
"""

from lllm.proxies.base import BaseProxy, ProxyRegistrator

_OPTIONS = {
    "metricName": (str, "aapl_iphone_msd"),
    "freq": (str, "quarterly", ("annual", "quarterly", "ttm")),
    "startDate": ("date", "2023-01-01"),
    "endDate": ("date", "2023-12-31"),
    "yoy": (bool, False),
    "percentRevenue": (bool, False),
}
_METRICS = [
    {
        "name": "iPhone",
        "category": "Revenue by Segment",
        "values": [{"x": "2023-03-31T00:00:00.000Z", "y": 51334000000, "valueType": "CURRENCY"}],
    }
]
_COMPANY = {"company": {"ticker": "AAPL", "name": "Apple", "totalMetrics": 1}, "metrics": _METRICS}


@ProxyRegistrator(path="msd", name="Main Street Data", description="Operating figures of US companies.")
class MainStreetData(BaseProxy):
    """Endpoints of Main Street Data."""

    base_url = "https://api.mainstreetdata.com/api/v1"
    api_key_env = "MSD_API_KEY"
    api_key_in = "header"
    api_key_name = "x-api-key"

    @BaseProxy.endpoint(
        category="companies",
        endpoint="list",
        description="Tickers of all companies.",
        path="/companies",
        response=["AAPL", "SOFI"],
    )
    def companies(self) -> None: ...

    @BaseProxy.endpoint(
        category="companies",
        endpoint="kpi",
        description="Names of a company's figures.",
        path="/companies/{ticker}/kpi",
        params={"$ticker*": (str, "AAPL")},
        response=[
            {
                "label": "iPhone",
                "columnName": "aapl_iphone_msd",
                "onlyAnnual": False,
                "category": "Revenue by Segment",
            }
        ],
    )
    def kpi(self) -> None: ...

    @BaseProxy.endpoint(
        category="companies",
        endpoint="metrics",
        description="Figures of a company over time.",
        path="/companies/{ticker}",
        params={"$ticker*": (str, "AAPL"), **_OPTIONS},
        response=_COMPANY,
    )
    def metrics(self) -> None: ...

    @BaseProxy.endpoint(
        category="companies",
        endpoint="compare",
        description="Figures of several companies over time.",
        method="POST",
        repeatable=True,
        path="/companies",
        params={"#tickers*": (list, ["AAPL", "MSFT"]), **_OPTIONS},
        response={"companies": [_COMPANY]},
    )
    def compare(self) -> None: ...
