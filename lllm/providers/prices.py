"""What a reply cost, where no model card of the program says so: the project's table, then the extra ``prices``.

The extra's package, genai-prices, brings its data along (MIT; looked at 2026-11): nothing is fetched. It is imported at
the first reply whose price nobody else knows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from importlib import import_module
from math import isfinite
from typing import Any

from lllm.const import CompletionCost, ModelCard
from lllm.models.message import Message


def with_price(message: Message[Any], model: str, base_url: str, prices: Mapping[str, ModelCard]) -> Message[Any]:
    """Return a reply with its price: by the project's own table, else as it has one already, else by the package.

    Where nobody knows it, the reply is returned as it is. It raises nothing: the reply is paid for, whatever becomes of
    its price.

    Args:
        message: the reply; its ``model`` is the server's own name for it.
        model: the model that was asked.
        base_url: of the server: the same model costs other money elsewhere, and none on a machine of one's own.
        prices: the project's own, by model.
    """
    usage = message.usage
    if not usage.total_tokens:
        return message
    names = (model, message.model)
    found = [prices[name].price(replace(usage, cost_usd=None)) for name in names if name in prices]
    if usage.cost_usd is None:
        found += (_by_package(usage, name, base_url) for name in names)
    for priced in found:
        if priced.cost_usd is not None and isfinite(priced.cost_usd):  # a log holds no other number
            return replace(message, usage=priced)
    return message


def _by_package(usage: CompletionCost, model: str, base_url: str) -> CompletionCost:
    package = _load_package()
    if package is None:
        return usage
    try:
        counts = package.Usage(
            input_tokens=usage.prompt_tokens,
            output_tokens=usage.completion_tokens,
            cache_read_tokens=usage.cached_prompt_tokens,
            cache_write_tokens=usage.cache_write_tokens,
        )
        told = package.calc_price(counts, model_ref=model, provider_api_url=base_url)
        return replace(usage, cost_usd=float(told.total_price))
    except Exception:  # noqa: BLE001 - it does not know the model, or is another release than the one that we know
        return usage


@cache
def _load_package() -> Any:
    try:
        return import_module("genai_prices")
    except Exception:  # noqa: BLE001 - not there, or there and broken: either way it knows no price
        return None
