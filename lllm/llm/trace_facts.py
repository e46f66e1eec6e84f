"""What a span tells of a model call, a function and an error: attributes, from our values. Pure."""

from __future__ import annotations

import builtins
import json
from collections.abc import Iterable, Mapping
from typing import Any

from lllm.errors import LLLMError, ProviderError
from lllm.llm.effects import Job
from lllm.models.message import Message
from lllm.models.request import ModelRequest
from lllm.otel import names
from lllm.otel.parts import to_image_part, to_parts
from lllm.utils import visible

Facts = dict[str, Any]
_LARGEST = 1 << 63  # OTLP's integers have 64 bits; one that does not fit would lose the whole batch


def to_facts(facts: Mapping[str, Any]) -> Facts:
    """Return attributes as any exporter takes them; None, and what is empty, is left out."""
    return {key: _to_value(value) for key, value in facts.items() if value is not None and value not in ("", [])}


def _to_value(value: Any) -> Any:
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, int) and not -_LARGEST <= value < _LARGEST:
        return str(value)
    return value


def agent_facts(agent: str, request_model: str, described: Mapping[str, Any]) -> Facts:
    """Return what is known of an agent's call when it begins."""
    return {
        names.OPERATION_NAME: names.INVOKE_AGENT,
        names.AGENT_NAME: agent,
        names.REQUEST_MODEL: request_model,
        names.PROVIDER_NAME: _provider_name(described),
    }


def request_facts(request: ModelRequest, described: Mapping[str, Any]) -> Facts:
    """Return what is known of a model call when it begins; ``described`` is the provider's own description."""
    contract = request.contract
    host, port = names.to_server(str(described.get("base_url") or ""))
    return {
        names.OPERATION_NAME: names.CHAT,
        names.PROVIDER_NAME: _provider_name(described),
        names.LLM_PROVIDER: str(described.get("name") or ""),
        names.REQUEST_MODEL: contract.model,
        names.LLM_MODEL: contract.model,
        names.SERVER_ADDRESS: host,
        names.SERVER_PORT: port,
        names.REQUEST_STREAM: request.stream or None,
        names.REQUEST_MAX_TOKENS: _number(contract.params, "max_tokens", int),
        names.REQUEST_TEMPERATURE: _number(contract.params, "temperature", float),
        names.REQUEST_TOP_P: _number(contract.params, "top_p", float),
        names.REQUEST_SEED: _number(contract.params, "seed", int),
    }


def reply_facts(reply: Message[Any], latency_ms: int) -> Facts:
    """Return what a reply tells. What a cache of ours served was not asked for now: its tokens cost nothing."""
    usage = reply.usage
    return {
        names.RESPONSE_MODEL: reply.model,
        names.RESPONSE_FINISH_REASONS: [reply.finish.value],
        names.INPUT_TOKENS: usage.prompt_tokens,
        names.OUTPUT_TOKENS: usage.completion_tokens,
        names.CACHED_INPUT_TOKENS: usage.cached_prompt_tokens or None,
        names.CACHE_WRITE_TOKENS: usage.cache_write_tokens or None,
        names.REASONING_TOKENS: usage.reasoning_tokens or None,
        names.LLM_TOKENS_PROMPT: usage.prompt_tokens,
        names.LLM_TOKENS_COMPLETION: usage.completion_tokens,
        names.LLM_LATENCY_MS: latency_ms,
        names.COST_USD: usage.cost_usd,
        names.CACHED: reply.cached or None,
    }


def job_facts(job: Job) -> Facts:
    """Return what is known of a function's call when it begins."""
    return {
        names.OPERATION_NAME: names.EXECUTE_TOOL,
        names.TOOL_NAME: job.function.name,
        names.TOOL_TYPE: "function",
        names.TOOL_CALL_ID: job.call.id,
        names.EFFECT_ID: job.id,
    }


def failure_facts(error: BaseException, effect_id: str) -> Facts:
    """Return what is told of a failed attempt: never the server's words, which may repeat the request's."""
    status = error.status if isinstance(error, ProviderError) else None
    return {names.ERROR_TYPE: error_type(error), names.HTTP_STATUS: status, names.EFFECT_ID: effect_id}


def error_type(error: BaseException | str) -> str:
    """Return an error's name, few words at most: ours and Python's as they are called, others with their module."""
    if isinstance(error, str):  # the text of a function's failure: "ValueError: what was wrong"
        return names.to_error_type(error)
    kind = type(error)
    is_known = isinstance(error, LLLMError) or kind.__module__ == builtins.__name__
    return kind.__name__ if is_known else f"{kind.__module__}.{kind.__qualname__}"


def to_input(request: ModelRequest) -> str:
    """Return the dialog that a model is sent, as JSON."""
    return _to_json(_to_message(message) for message in request.history)


def to_output(reply: Message[Any]) -> str:
    """Return a reply, as JSON."""
    return _to_json([{**_to_message(reply), "finish_reason": reply.finish.value}])


def _to_message(message: Message[Any]) -> dict[str, Any]:
    calls = [(call.id, call.name, call.raw_arguments) for call in message.function_calls]
    parts = to_parts(
        message.content or message.refusal, reasoning=message.reasoning, calls=calls, answers=message.tool_call_id
    )
    parts += [to_image_part(image.media_type, image.url, len(image.base64)) for image in message.images]
    return {"role": message.role.value, "parts": parts}


def _to_json(messages: Iterable[dict[str, Any]]) -> str:
    return json.dumps(list(messages), separators=(",", ":"))


def _provider_name(described: Mapping[str, Any]) -> str:
    return names.to_provider_name(str(described.get("name") or ""), str(described.get("base_url") or ""))


def _number(params: Mapping[str, Any], key: str, kind: type[int | float]) -> int | float | None:
    """Return a model argument that is a number; a user may have written anything in its place."""
    value = params.get(key)
    return None if isinstance(value, bool) or not isinstance(value, int | float) else kind(value)
