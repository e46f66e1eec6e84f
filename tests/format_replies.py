"""One scripted reply, said in the words of each format: whole, or as the events of a stream. Pure.

Fields and order are those that the services document (platform.openai.com, platform.claude.com, docs.ollama.com, read
2026-11); the official clients are run against them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass


@dataclass(frozen=True)
class Call:
    """A function call; ``arguments`` is JSON text as a model writes it."""

    id: str
    name: str
    arguments: str = "{}"


@dataclass(frozen=True)
class Reply:
    """What a model says, or, with another status than 200, how its server refuses.

    Attributes:
        tokens: of the prompt, of its cached part, of the reply, of the reasoning in it.
        cut: the reply was as long as it may be.
        piece: how many characters an event of a stream holds.
    """

    text: str = ""
    reasoning: str = ""
    calls: tuple[Call, ...] = ()
    tokens: tuple[int, int, int, int] = (11, 3, 7, 2)
    cut: bool = False
    piece: int = 3
    status: int = 200
    fault: str = ""
    headers: tuple[tuple[str, str], ...] = ()

    def finish(self, stop, length, calls):
        """One of three words for why the model stopped."""
        return length if self.cut else calls if self.calls else stop

    def cuts(self, text):
        """A text in the pieces of a stream."""
        return [text[i : i + self.piece] for i in range(0, len(text), self.piece)]


# --- chat


def chat_whole(reply, model):
    """The reply as one body of the chat format."""
    message = {"role": "assistant", "content": reply.text or None, "refusal": None}
    if reply.reasoning:
        message["reasoning_content"] = reply.reasoning
    if reply.calls:
        message["tool_calls"] = [_chat_call(call, call.arguments) for call in reply.calls]
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": _chat_finish(reply)}
    return {**_chat_head(model, "chat.completion"), "choices": [choice], "usage": _chat_usage(reply)}


def chat_events(reply, model):
    """The reply as chunks; the last one has the usage and no choice."""
    deltas = [{"role": "assistant", "content": ""}]
    deltas += [{"reasoning_content": piece} for piece in reply.cuts(reply.reasoning)]
    deltas += [{"content": piece} for piece in reply.cuts(reply.text)]
    for index, call in enumerate(reply.calls):
        deltas.append({"tool_calls": [{"index": index, **_chat_call(call, "")}]})
        pieces = reply.cuts(call.arguments)
        deltas += [{"tool_calls": [{"index": index, "function": {"arguments": piece}}]} for piece in pieces]
    choices = [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": None} for delta in deltas]
    choices.append({"index": 0, "delta": {}, "logprobs": None, "finish_reason": _chat_finish(reply)})
    head = {**_chat_head(model, "chat.completion.chunk"), "usage": None}
    events = [{**head, "choices": [choice]} for choice in choices]
    return [*[("", event) for event in events], ("", {**head, "choices": [], "usage": _chat_usage(reply)}), ("", None)]


def _chat_head(model, kind):
    return {"id": "chatcmpl-1", "object": kind, "created": 1700000000, "model": model}


def _chat_call(call, arguments):
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": arguments}}


def _chat_finish(reply):
    return reply.finish("stop", "length", "tool_calls")


def _chat_usage(reply):
    prompt, cached, completion, reasoning = reply.tokens
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": cached},
        "completion_tokens_details": {"reasoning_tokens": reasoning},
    }


# --- responses


def responses_whole(reply, model):
    """The reply as one body of the Responses format."""
    return _response(reply, model, "incomplete" if reply.cut else "completed", _items(reply), _responses_usage(reply))


def responses_events(reply, model):
    """The reply as events: each item begun, written and done, and at last the whole response."""
    begun = _response(reply, model, "in_progress", [], None)
    events = [{"type": f"response.{word}", "response": begun} for word in ("created", "in_progress")]
    for index, item in enumerate(_items(reply)):
        events += _item_events(reply, index, item)
    whole = responses_whole(reply, model)
    events.append({"type": f"response.{whole['status']}", "response": whole})
    return [(event["type"], {**event, "sequence_number": number}) for number, event in enumerate(events)]


def _response(reply, model, status, items, usage):
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1700000000,
        "status": status,
        "error": None,
        "incomplete_details": {"reason": "max_output_tokens"} if status == "incomplete" else None,
        "instructions": None,
        "metadata": {},
        "model": model,
        "output": items,
        "parallel_tool_calls": True,
        "temperature": 1.0,
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "usage": usage,
    }


def _items(reply):
    items = []
    if reply.reasoning:
        content = [{"type": "reasoning_text", "text": reply.reasoning}]
        items.append({"id": "rs_1", "type": "reasoning", "summary": [], "content": content})
    if reply.text:
        content = [{"type": "output_text", "text": reply.text, "annotations": [], "logprobs": []}]
        told = {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed"}
        items.append({**told, "content": content})
    for number, call in enumerate(reply.calls):
        told = {"id": f"fc_{number}", "type": "function_call", "status": "completed", "call_id": call.id}
        items.append({**told, "name": call.name, "arguments": call.arguments})
    return items


def _item_events(reply, index, item):
    place = {"output_index": index, "item_id": item["id"]}
    empty = {**item, "arguments": ""} if "arguments" in item else {**item, "content": []}
    yield {"type": "response.output_item.added", "output_index": index, "item": empty}
    if "arguments" in item:
        kind, told, text = "function_call_arguments", {}, item["arguments"]
        done = {"arguments": text, "name": item["name"]}
    else:
        part = item["content"][0]
        kind, told, text = part["type"], {"content_index": 0}, part["text"]
        done = {"text": text, **({"logprobs": []} if kind == "output_text" else {})}
        yield {"type": "response.content_part.added", **place, **told, "part": {**part, "text": ""}}
    more = {"logprobs": []} if kind == "output_text" else {}
    for piece in reply.cuts(text):
        yield {"type": f"response.{kind}.delta", **place, **told, **more, "delta": piece}
    yield {"type": f"response.{kind}.done", **place, **told, **done}
    if told:
        yield {"type": "response.content_part.done", **place, **told, "part": item["content"][0]}
    yield {"type": "response.output_item.done", "output_index": index, "item": item}


def _responses_usage(reply):
    prompt, cached, completion, reasoning = reply.tokens
    return {
        "input_tokens": prompt,
        "output_tokens": completion,
        "total_tokens": prompt + completion,
        "input_tokens_details": {"cached_tokens": cached, "cache_write_tokens": 0},
        "output_tokens_details": {"reasoning_tokens": reasoning},
    }


# --- anthropic


def anthropic_whole(reply, model):
    """The reply as one body of the Anthropic format."""
    return {**_anthropic_head(model), "content": _blocks(reply), **_anthropic_end(reply), "usage": _both(reply)}


def anthropic_events(reply, model):
    """The reply as events; the count of its tokens comes with the last but one."""
    start = {**_anthropic_head(model), "content": [], "stop_reason": None, "stop_sequence": None, "usage": _both(reply)}
    start["usage"] = {**start["usage"], "output_tokens": 1}
    start["usage"].pop("output_tokens_details")
    events = [{"type": "message_start", "message": start}, {"type": "ping"}]
    for index, block in enumerate(_blocks(reply)):
        events += _block_events(reply, index, block)
    _, _, completion, reasoning = reply.tokens
    usage = {"output_tokens": completion, "output_tokens_details": {"thinking_tokens": reasoning}}
    events += [{"type": "message_delta", "delta": _anthropic_end(reply), "usage": usage}, {"type": "message_stop"}]
    return [(event["type"], event) for event in events]


def _anthropic_head(model):
    return {"id": "msg_1", "type": "message", "role": "assistant", "model": model}


def _anthropic_end(reply):
    return {"stop_reason": reply.finish("end_turn", "max_tokens", "tool_use"), "stop_sequence": None}


def _both(reply):
    prompt, cached, completion, reasoning = reply.tokens
    return {
        "input_tokens": prompt - cached,
        "cache_read_input_tokens": cached,
        "cache_creation_input_tokens": 0,
        "output_tokens": completion,
        "output_tokens_details": {"thinking_tokens": reasoning},
    }


def _blocks(reply):
    blocks = [{"type": "thinking", "thinking": reply.reasoning, "signature": "c2ln"}] if reply.reasoning else []
    blocks += [{"type": "text", "text": reply.text}] if reply.text else []
    told = ({"type": "tool_use", "id": c.id, "name": c.name, "input": json.loads(c.arguments)} for c in reply.calls)
    return [*blocks, *told]


def _block_events(reply, index, block):
    empty = {"thinking": {"thinking": "", "signature": ""}, "text": {"text": ""}, "tool_use": {"input": {}}}
    yield {"type": "content_block_start", "index": index, "content_block": {**block, **empty[block["type"]]}}
    if block["type"] == "tool_use":
        text = next(call.arguments for call in reply.calls if call.id == block["id"])
        deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in ["", *reply.cuts(text)]]
    else:
        field = block["type"]
        deltas = [{"type": f"{field}_delta", field: piece} for piece in reply.cuts(block[field])]
    if "signature" in block:
        deltas.append({"type": "signature_delta", "signature": block["signature"]})
    for delta in deltas:
        yield {"type": "content_block_delta", "index": index, "delta": delta}
    yield {"type": "content_block_stop", "index": index}


# --- ollama


def ollama_whole(reply, model):
    """The reply as one body of Ollama's chat."""
    return {**_ollama_head(model), "message": _ollama_message(reply), **_ollama_end(reply)}


def ollama_events(reply, model):
    """The reply as lines; a call always comes whole."""
    parts = [{"content": "", "thinking": piece} for piece in reply.cuts(reply.reasoning)]
    parts += [{"content": piece} for piece in reply.cuts(reply.text)]
    parts += [{"content": "", "tool_calls": [_ollama_call(call)]} for call in reply.calls]
    lines = [{**_ollama_head(model), "message": {"role": "assistant", **part}, "done": False} for part in parts]
    last = {**_ollama_head(model), "message": {"role": "assistant", "content": ""}, **_ollama_end(reply)}
    return [("", line) for line in [*lines, last]]


def generate_whole(reply, model):
    """The reply as one body of Ollama's generate, which knows no calls."""
    thinking = {"thinking": reply.reasoning} if reply.reasoning else {}
    return {**_ollama_head(model), "response": reply.text, **thinking, **_ollama_end(reply)}


def generate_events(reply, model):
    """The reply as lines of Ollama's generate."""
    parts = [{"response": "", "thinking": piece} for piece in reply.cuts(reply.reasoning)]
    parts += [{"response": piece} for piece in reply.cuts(reply.text)]
    lines = [{**_ollama_head(model), **part, "done": False} for part in parts]
    return [("", line) for line in [*lines, {**_ollama_head(model), "response": "", **_ollama_end(reply)}]]


def _ollama_head(model):
    return {"model": model, "created_at": "2026-01-01T00:00:00.000000Z"}


def _ollama_message(reply):
    message = {"role": "assistant", "content": reply.text}
    if reply.reasoning:
        message["thinking"] = reply.reasoning
    if reply.calls:
        message["tool_calls"] = [_ollama_call(call) for call in reply.calls]
    return message


def _ollama_call(call):
    return {"id": call.id, "function": {"index": 0, "name": call.name, "arguments": json.loads(call.arguments)}}


def _ollama_end(reply):
    prompt, _, completion, _ = reply.tokens
    told = {"total_duration": 5, "load_duration": 1, "prompt_eval_count": prompt, "prompt_eval_duration": 1}
    reason = "length" if reply.cut else "stop"
    return {"done": True, "done_reason": reason, **told, "eval_count": completion, "eval_duration": 1}


# --- refusals


def openai_fault(reply):
    """A refusal in OpenAI's words."""
    return {"error": {"message": reply.fault, "type": "invalid_request_error", "param": None, "code": "told"}}


def anthropic_fault(reply):
    """A refusal in Anthropic's words."""
    kind = {401: "authentication_error", 429: "rate_limit_error"}.get(reply.status, "api_error")
    return {"type": "error", "error": {"type": kind, "message": reply.fault}, "request_id": "req_1"}


def ollama_fault(reply):
    """A refusal in Ollama's words."""
    return {"error": reply.fault}
