"""Requests of the Responses format, said in our words: what `test_responses_corpus` compares."""

from __future__ import annotations

import json
from itertools import groupby

from chat_values import history

from lllm.const import Roles
from lllm.models.function import Function
from lllm.models.message import Image, Message, Native
from lllm.models.request import Contract, ModelRequest
from lllm.providers.wire.draft import Asked
from lllm.providers.wire.responses_reply import parse_reply
from lllm.utils import encode_json

FAMILY = "responses"
PARAMS = {
    **dict.fromkeys(("temperature", "top_p", "tool_choice", "parallel_tool_calls", "truncation", "service_tier"), None),
    "reasoning": "reasoning",
    "max_output_tokens": "max_tokens",
}
USUAL = {"stream": False, "store": True, "tool_choice": "auto", "parallel_tool_calls": True, "include": []}
INCLUDED = {"reasoning.encrypted_content", "message.output_text.logprobs"}


def normal(body):
    """A body without what goes without saying, and with one spelling for what has two."""
    body = {key: value for key, value in body.items() if value not in (None, "", USUAL.get(key, ""))}
    items = body["input"]
    items = [{"role": "user", "content": items}] if isinstance(items, str) else [normal_item(item) for item in items]
    if told := body.pop("instructions", ""):  # "a system (or developer) message inserted into the model's context"
        items = [{"role": "system", "content": told}, *items]
    body["input"] = [item for _, run in groupby(items, is_reply) for item in normal_run([*run])]
    if "tools" in body:
        body["tools"] = sorted(map(normal_tool, body["tools"]), key=lambda tool: json.dumps(tool, sort_keys=True))
    for key in ("reasoning", "text"):
        told = {name: value for name, value in body.pop(key, {}).items() if value not in (None, {"type": "text"})}
        body |= {key: told} if told else {}
    return {key: sorted(value) if key == "include" else value for key, value in body.items()}


def normal_item(item):
    match item:
        case {"role": "user", "content": [{"type": "input_text", "text": text, **more}]} if not more:
            return {"role": "user", "content": text}
        case {"type": "message", "role": "assistant", "content": str(text)}:
            return {"role": "assistant", "content": text}
    return item


def is_reply(item):
    """Whether a model said it, or its server did."""
    if item.get("type", "message") in ("message", "function_call_output", "additional_tools"):
        return item.get("role") == "assistant"
    return item["type"] != "tool_search_output" or item["execution"] == "server"


def normal_run(run):
    """A reply of text and calls alone is sent without ids; with anything else in it, as it came."""
    return [plain_item(item) or item for item in run] if all(map(plain_item, run)) else run


def plain_item(item):
    match item:
        case {"role": "assistant", "content": str()}:
            return item
        case {"type": "function_call", "call_id": _, "name": _, "arguments": _, **more} if {*more} <= {"id", "status"}:
            return {key: value for key, value in item.items() if key not in more}
    return None


def normal_tool(tool):
    if tool["type"] != "function" or tool["parameters"].get("required") != []:
        return tool
    return {**tool, "parameters": {key: value for key, value in tool["parameters"].items() if key != "required"}}


def express(body):
    """A normal body as a request, and why our own words alone do not do for it."""
    body, why = dict(body), set()
    messages = [message for items in turns(body.pop("input")) for message in to_messages(items, why)]
    stream, model, include = body.pop("stream", False), body.pop("model"), body.pop("include", [])
    extra = {"include": None, "store": None}
    if include:
        extra["include"] = include
        why |= {f"extra_body: include {name}" for name in {*include} - INCLUDED}
    functions, theirs = split_tools(body.pop("tools", []), why)
    extra |= {"tools": theirs} if theirs else {}
    params = {PARAMS[name] or name: body.pop(name) for name in PARAMS if name in body}
    why |= {f"extra_body: {name}" for name in body}
    contract = Contract(model, functions, params=params, extra_body={**extra, **body})
    return ModelRequest(contract, history(*messages), stream=stream), why


def split_tools(tools, why):
    ours, theirs = [], []
    for tool in tools:
        kind = unusual(tool)
        if kind:
            why.add(f"extra_body: {kind}")
            theirs.append(tool)
        else:
            parameters = tool["parameters"]
            ours.append(
                Function(
                    tool["name"],
                    tool["description"],
                    parameters["properties"],
                    required=parameters.get("required", ()),
                    additional_properties=parameters["additionalProperties"],
                    strict=tool["strict"],
                )
            )
    return tuple(ours), theirs


def unusual(tool):
    if tool["type"] != "function":
        return f"a tool of type {tool['type']}"
    if more := {*tool} - {"type", "name", "description", "parameters", "strict"}:
        return f"tools.{more.pop()}"
    keys = {"type", "properties", "required", "additionalProperties"}
    if more := {*tool["parameters"]} - keys:
        return f"tools.parameters.{more.pop()}"
    return "" if "additionalProperties" in tool["parameters"] else "tools.parameters without additionalProperties"


def turns(dialog):
    """Items that were said at once: those of a reply together, all others alone."""
    for reply, run in groupby(dialog, is_reply):
        items = [*run]
        yield from [items] if reply else ([item] for item in items)


def to_messages(items, why):
    match items[0]:
        case {"role": "system" | "user" as role, "content": str(text), **more} if not more:
            return [Message(Roles(role), text)]
        case {"type": "function_call_output", "call_id": call_id, "output": str(output)}:
            return [Message(Roles.TOOL, output, tool_call_id=call_id)]
        case {"role": "user", "content": [*parts]} if pictured := to_pictured(parts):
            return [Message(Roles.USER, **pictured)]
        case {"type": "function_call_output", "call_id": call_id, "output": [*parts]} if pictured := to_pictured(parts):
            return [Message(Roles.TOOL, tool_call_id=call_id, **pictured)]
        case item if is_reply(item):
            return replies(items)
        case {"content": parts} | {"output": parts}:
            why |= {f"native: {name_of(part)}" for part in parts if name_of(part)}
        case item:
            why.add(f"native: {item['type']}")
    return [Message(Roles.USER, native=Native(FAMILY, tuple(items)))]


def to_pictured(parts):
    """A text, or none, and pictures by their address; nothing if there are other parts."""
    texts = [part["text"] for part in parts if {*part} == {"type", "text"}]
    images = [Image(url=part["image_url"]) for part in parts if {*part} == {"type", "image_url", "detail"}]
    if not images or len(texts) > 1 or len(texts + images) < len(parts):
        return None
    return {"content": "".join(texts), "images": images}


def name_of(part):
    if part["type"] == "input_text":
        return "".join(name for name in part if name not in ("type", "text"))
    return f"{part['type']} by {next(name for name in part if name in ('file_data', 'file_url', 'file_id'))}"


def replies(items):
    """The messages whose sending back is ``items``: replies of the same server, as they would have been read."""
    return [to_reply([item]) for item in items] if all(map(plain_item, items)) else [to_reply(items)]


def to_reply(items):
    output = [{"type": "message", **item} for item in items]
    return parse_reply(encode_json({"output": output, "status": "completed"}).encode(), Asked(family=FAMILY))
