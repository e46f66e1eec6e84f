"""What a reply cost, where no model card of the program says so: the project's table, then the extra ``prices``.

The extra's package, genai-prices, brings its data along (MIT; looked at 2026-11): nothing is fetched. It is imported at
the first reply whose price nobody else knows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from importlib import import_module
from typing import Any

from lllm.const import CompletionCost, ModelCard
from lllm.models.message import Message


def with_price(message: Message[Any], model: str, base_url: str, prices: Mapping[str, ModelCard]) -> Message[Any]:
    """Return a reply with its price filled in, or as it is when it has one already or nobody knows it.

    Args:
        message: the reply; its ``model`` is the server's own name for it.
        model: the model that was asked.
        base_url: of the server: the same model costs other money elsewhere, and none on a machine of one's own.
        prices: the project's own, by model.
    """
    usage = message.usage
    if usage.cost_usd is not None or not usage.total_tokens:
        return message
    for name in (model, message.model):
        priced = prices[name].price(usage) if name in prices else _by_package(usage, name, base_url)
        if priced.cost_usd is not None:
            return replace(message, usage=priced)
    return message


def _by_package(usage: CompletionCost, model: str, base_url: str) -> CompletionCost:
    package = _load_package()
    if package is None:
        return usage
    counts = package.Usage(
        input_tokens=usage.prompt_tokens,
        output_tokens=usage.completion_tokens,
        cache_read_tokens=usage.cached_prompt_tokens,
        cache_write_tokens=usage.cache_write_tokens,
    )
    try:
        told = package.calc_price(counts, model_ref=model, provider_api_url=base_url)
    except (LookupError, ValueError):  # it does not know the server or the model, or not these kinds of tokens
        return usage
    return replace(usage, cost_usd=float(told.total_price))


@cache
def _load_package() -> Any:
    try:
        return import_module("genai_prices")
    except ImportError:
        return None
