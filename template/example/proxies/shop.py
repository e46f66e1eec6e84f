"""The shop's service, as data: what may be called, with what, and what a cutoff date does to it."""

import os

from lllm import BaseProxy, ProxyRegistrator

from ..service.shop import start_shop


@ProxyRegistrator(path="shop", name="Shop", description="Monthly sales of a small shop, in units.")
class Shop(BaseProxy):
    """Endpoints of the shop. The methods are marks: they have no bodies and never run."""

    # The key is read on the host when a call is sent. Neither the model nor its code ever has it.
    api_key_env = "SHOP_KEY"
    api_key_in = "header"
    api_key_name = "X-Shop-Key"
    cache_ttl_s = 0.0

    @property
    def base_url(self) -> str:
        """Where the shop is. Read when a call is sent; so a replay, which sends none, starts nothing.

        A service on the internet has one line here: ``base_url = "https://host/path"``.
        """
        return os.environ.get("SHOP_URL") or start_shop()

    @BaseProxy.endpoint(
        category="catalog",
        endpoint="products",
        description="What the shop sells.",
        path="/products",
        response=[{"product": "tea", "unit": "box of 100 g"}],
        timeless=True,  # nothing in the answer depends on when it is asked: allowed under a cutoff
    )
    def products(self) -> None: ...

    @BaseProxy.endpoint(
        category="sales",
        endpoint="monthly",
        description="Units of a product sold in each month; from and to are months, YYYY-MM.",
        path="/products/{product}/months",
        params={"$product": (str, "tea"), "from": (str, "2024-01"), "to": (str, "2024-12")},
        response={"product": "tea", "months": [{"month": "2024-01", "units": 151}]},
        dt_cutoff=("months/month", "%Y-%m"),  # under a cutoff, months that had not ended before it are dropped
    )
    def monthly(self) -> None: ...

    @BaseProxy.endpoint(
        category="sales",
        endpoint="totals",
        description="Units sold since the shop opened, by product.",
        path="/totals",
        response={"tea": 3672},
        # It says nothing of dates; so under a cutoff it is not offered, and refused.
    )
    def totals(self) -> None: ...
