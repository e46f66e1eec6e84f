"""Recorded request bodies of the Messages format in lllm's own words, and what two bodies have in common."""

from __future__ import annotations

from chat_values import history

from lllm.const import Roles
from lllm.models.call import FunctionCall
from lllm.models.function import Function
from lllm.models.message import Image, Message, Native
from lllm.models.request import Contract, ModelRequest

FAMILY = "anthropic"
PARAMS = ("max_tokens", "temperature", "top_p", "top_k", "thinking", "metadata")
BODY = ("model", "messages", "system", "stream", "tools", "tool_choice", "stop_sequences", "output_config")
CHOICES = {"auto": "auto", "none": "none", "any": "required"}
PLAIN = {
    "text": {"type", "text"},
    "tool_use": {"type", "id", "name", "input"},
    "tool_result": {"type", "tool_use_id", "content"},
    "image": {"type", "source"},
}


def express(body):
    """Return a request that says the same as a normal body, and why it needs more than our own words."""
    why = set()
    contract = Contract(body["model"], **contract_of(body, why))
    messages = [Message(Roles.SYSTEM, block["text"]) for block in body.get("system", ())]
    for turn in body["messages"]:
        say = say_reply if turn["role"] == "assistant" else say_turn
        messages += say(turn, why)
    return ModelRequest(contract, history(*messages), stream=body.get("stream", False)), why


def contract_of(body, why):
    params = {name: body[name] for name in PARAMS if name in body}
    extra = {name: value for name, value in body.items() if name not in (*PARAMS, *BODY)}
    why |= {f"extra_body: {name}" for name in extra}
    if "stop_sequences" in body:
        params["stop"] = body["stop_sequences"]
    if "tool_choice" in body:
        params["tool_choice"] = choice_of(body["tool_choice"])
    output = dict(body.get("output_config", {}))
    schema = output.pop("format", {}).get("schema")
    if "effort" in output:
        params["reasoning_effort"] = output.pop("effort")
    if output:
        extra["output_config"] = body["output_config"]
        why |= {f"extra_body: output_config.{name}" for name in output}
    told = [(tool, function_of(tool, why)) for tool in body.get("tools", ())]
    functions = tuple(function for _, function in told if function)
    if others := [tool for tool, function in told if not function]:
        extra["tools"] = others
    return {"functions": functions, "format_schema": schema, "params": params, "extra_body": extra}


def choice_of(choice):
    if choice["type"] == "tool":
        return {"type": "function", "function": {"name": choice["name"]}}
    return CHOICES[choice["type"]]


def function_of(tool, why):
    """Return a function as it would be declared; None for what has no such form."""
    if "input_schema" not in tool:
        why.add("extra_body: a tool of the server")
        return None
    if more := tool.keys() - {"name", "description", "input_schema", "strict"}:
        why.add(f"extra_body: tools.{more.pop()}")
        return None
    schema = {"properties": {}, "required": [], "additionalProperties": True, **tool["input_schema"]}
    kind, told = schema.pop("type"), {name: schema.pop(name) for name in ("properties", "required")}
    open_to_more = schema.pop("additionalProperties")
    if kind != "object" or schema or not isinstance(open_to_more, bool):
        why.add(f"extra_body: input_schema.{', '.join(schema)}")
        return None
    strict = tool.get("strict", False)
    named = (tool["name"], tool.get("description", ""))
    return Function(*named, **told, additional_properties=open_to_more, strict=strict)


def say_turn(turn, why):
    """Return the messages of a user's turn: one for each block, because neighbours stand in one turn anyway."""
    role = Roles(turn["role"])
    if role is Roles.SYSTEM:
        why.add("system_turns: a system message amid the dialog")
    return [say_block(role, block, why) for block in turn["content"]]


def say_block(role, block, why):
    kind = block["type"]
    if block.keys() - PLAIN.get(kind, ()):
        odd = block.keys() - PLAIN[kind] if kind in PLAIN else ("",)
        why.add(f"native: {kind} {', '.join(sorted(odd))}".strip())
        return Message(role, native=Native(FAMILY, (block,)))
    if kind == "text":
        return Message(role, block["text"])
    parts = [block] if kind == "image" else block["content"]
    if odd := [part for part in parts if part["type"] not in ("text", "image") or is_file(part)]:
        why.add(f"native: {odd[0]['type']} of a file or in a result")
        return Message(role, native=Native(FAMILY, (block,)))
    text = "".join(part["text"] for part in parts if part["type"] == "text")
    images = tuple(image_of(part) for part in parts if part["type"] == "image")
    if kind == "image":
        return Message(role, images=images)
    return Message(Roles.TOOL, text, tool_call_id=block["tool_use_id"], images=images)


def is_file(part):
    return part.get("source", {}).get("type") == "file"


def image_of(block):
    source = block["source"]
    if source["type"] == "url":
        return Image(url=source["url"])
    return Image(source["data"], source["media_type"])


def say_reply(turn, _why):
    """Return the messages of a model's turn: its own pieces as they came, else one for each block."""
    blocks = turn["content"]
    if any(block.keys() - PLAIN.get(block["type"], ()) for block in blocks):
        return [Message(Roles.ASSISTANT, native=Native(FAMILY, tuple(blocks)))]
    return [say_own(block) for block in blocks]


def say_own(block):
    if block["type"] == "text":
        return Message(Roles.ASSISTANT, block["text"])
    call = FunctionCall(block["id"], block["name"], block["input"])
    return Message(Roles.ASSISTANT, function_calls=(call,))


def normal(body):
    """Return a body in which what the server takes for the same is the same."""
    body = {name: value for name, value in body.items() if value is not None and (name, value) != ("stream", False)}
    turns = []
    for turn in body["messages"]:
        blocks = [normal_block(block) for block in as_blocks(turn["content"])]
        if turns and turns[-1]["role"] == turn["role"]:
            turns[-1]["content"] += blocks
        else:
            turns.append({"role": turn["role"], "content": blocks})
    body["messages"] = turns
    if "system" in body:
        body["system"] = as_blocks(body["system"])
    if "tools" in body:
        body["tools"] = sorted(map(normal_tool, body["tools"]), key=lambda tool: tool["name"])
    return body


def as_blocks(content):
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def normal_block(block):
    if block["type"] != "tool_result":
        return block
    block = {**block, "content": as_blocks(block.get("content", []))}
    if not block.get("is_error"):
        block.pop("is_error", None)
    return block


def normal_tool(tool):
    if tool.get("type") == "custom":
        tool = {name: value for name, value in tool.items() if name != "type"}
    if "input_schema" in tool:
        silent = {"properties": {}, "required": [], "additionalProperties": True}
        tool = {**tool, "input_schema": {**silent, **tool["input_schema"]}}
    return tool
