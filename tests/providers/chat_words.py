"""Requests of the chat format, said in our words: what `test_chat_corpus` compares."""

from __future__ import annotations

from collections import Counter

from chat_values import history

from lllm.const import Roles
from lllm.models.call import FunctionCall
from lllm.models.function import Function
from lllm.models.message import Image, Message, Native
from lllm.models.request import Contract, ModelRequest
from lllm.providers.wire.profile import Profile

FAMILY = "chat"
PARAMS = (
    *("temperature", "top_p", "max_tokens", "max_completion_tokens", "stop", "n", "user", "service_tier"),
    *("frequency_penalty", "presence_penalty", "tool_choice", "reasoning_effort", "prompt_cache_key"),
)
SCHEMA_KEYS = {"type", "properties", "required", "additionalProperties"}
MESSAGE_KEYS = {"role", "content", "tool_calls", "tool_call_id"}


def normal(body):
    """A body without what goes without saying, and with one spelling for what has two."""
    body = {key: value for key, value in body.items() if value is not None}
    if body.get("stream") is False:
        del body["stream"]
    if not body.get("tools", True):
        del body["tools"]
    body["messages"] = [normal_message(message) for message in body["messages"]]
    if "tools" in body:
        body["tools"] = [normal_tool(tool) for tool in body["tools"]]
    return body


def normal_message(message):
    message = {key: value for key, value in message.items() if value is not None}
    if message.get("prefix") is False:  # Mistral's word for "a reply that you go on with"
        del message["prefix"]
    if not message.get("tool_calls", True):
        del message["tool_calls"]
    content = message.get("content", "")
    if isinstance(content, list):
        content = [{key: value for key, value in part.items() if value is not None} for part in content]
        match content:
            case [{"type": "text", "text": text, **more}] if not more:
                content = text
    calls = [{key: value for key, value in call.items() if key != "index"} for call in message.get("tool_calls", ())]
    return {**message, "content": content or "", **({"tool_calls": calls} if calls else {})}


def normal_tool(tool):
    if "function" not in tool:
        return tool
    function = {key: value for key, value in tool["function"].items() if (key, value) != ("strict", False)}
    parameters = dict(function["parameters"])
    if parameters.get("required") == []:
        del parameters["required"]
    return {"type": "function", **tool, "function": {**function, "parameters": parameters}}


def express(body):
    """A normal body as a request and the profile of its server, and why our own words alone do not do for it."""
    body, why = dict(body), Counter()
    messages = [to_message(message, why) for message in body.pop("messages")]
    stream, model, facts = body.pop("stream", False), body.pop("model"), {"stream_usage": False}
    if body.get("stream_options") == {"include_usage": True}:
        facts["stream_usage"] = body.pop("stream_options")["include_usage"]
    extra, functions = {}, ()
    if tools := body.pop("tools", None):
        functions = tuple(to_function(tool) for tool in tools if not unusual(tool))
        if reasons := {unusual(tool) for tool in tools} - {""}:
            why.update(f"extra_body: {reason}" for reason in reasons)
            extra["tools"], functions = tools, ()
    schema, facts["json_mode"] = to_format(body, why)
    params = {name: body.pop(name) for name in PARAMS if name in body}
    if "max_completion_tokens" in params:
        facts["max_tokens_field"] = "max_completion_tokens"
    why.update(f"extra_body: {name}" for name in body)
    facts |= reasoning_of(messages)
    contract = Contract(model, functions, *schema, params=params, extra_body={**extra, **body})
    profile = Profile(name=FAMILY, base_url="http://c", **facts)
    return ModelRequest(contract, history(*[told for told, _ in messages]), stream=stream), profile, why


def reasoning_of(messages):
    names = {name for _, name in messages if name}
    return {"send_reasoning": True, "reasoning_field": names.pop()} if names else {}


def to_format(body, why):
    match body.get("response_format"):
        case {"type": "json_object"}:
            del body["response_format"]
            return ("reply", {"type": "object"}), "json_object"
        case {"type": "json_schema", "json_schema": {"name": name, "schema": schema, **more}} if not more:
            del body["response_format"]
            return (name, schema), "json_schema"
    return ("", None), "none"


def to_message(message, why):
    """A message, and what its server calls the reasoning in it."""
    role, content = Roles(message["role"]), message["content"]
    field = next((name for name in ("reasoning", "reasoning_content") if name in message), "")
    if more := {*message} - MESSAGE_KEYS - {"reasoning_details", field}:
        why.update(f"not: {role}.{name}" for name in more)
    calls = tuple(
        FunctionCall(call["id"], call["function"]["name"], call["function"]["arguments"])
        for call in message.get("tool_calls", ())
    )
    facts = {"function_calls": calls, "tool_call_id": message.get("tool_call_id", "")}
    native = None
    if details := message.get("reasoning_details"):
        native = Native(FAMILY, ({"reasoning_details": details},))
    elif field:
        native = Native(FAMILY)
    if isinstance(content, str):
        return Message(role, content, reasoning=message.get(field, ""), native=native, **facts), field
    if pictured := to_pictured(content):
        return Message(role, **pictured, **facts), field
    why.update({f"native: {name_of(part)}" for part in content if name_of(part)})
    return Message(role, native=Native(FAMILY, tuple(content)), **facts), field


def to_pictured(parts):
    """A text, or none, and pictures by their address behind it; nothing if there are other parts."""
    texts = [part["text"] for part in parts[:1] if {*part} == {"type", "text"}]
    rest = parts[len(texts) :]
    if not all(part["type"] == "image_url" and {*part["image_url"]} == {"url"} for part in rest):
        return None
    return {"content": "".join(texts), "images": tuple(Image(url=part["image_url"]["url"]) for part in rest)}


def name_of(part):
    if part["type"] != "text":
        return part["type"]
    return "".join(name for name in part if name not in ("type", "text")) or "several texts"


def to_function(tool):
    told, parameters = tool["function"], tool["function"]["parameters"]
    return Function(
        told["name"],
        told["description"],
        parameters["properties"],
        required=parameters.get("required", ()),
        additional_properties=parameters["additionalProperties"],
        strict=told.get("strict", False),
    )


def unusual(tool):
    """Why a tool is none of our functions; empty if it is one."""
    if tool["type"] != "function":
        return f"a tool of type {tool['type']}"
    if more := {*tool} - {"type", "function"}:
        return f"tools.{more.pop()}"
    parameters = tool["function"]["parameters"]
    if more := {*parameters} - SCHEMA_KEYS:
        return f"tools.parameters.{min(more)}"
    return "" if "additionalProperties" in parameters else "tools.parameters without additionalProperties"
