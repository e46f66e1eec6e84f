"""The chat template writes what nano learned from: a blank more or less, and the model reads what it never saw."""

import json
from pathlib import Path
from random import Random

import jinja2
import pytest

import lllm.nano.recipe
from lllm.nano.recipe.calls.functions import Offered
from lllm.nano.recipe.chats import Chat, build_chat
from lllm.nano.recipe.tokenizer import END, PIECES, SPECIAL

TEMPLATE = (Path(lllm.nano.recipe.__file__).parent / "template.jinja").read_text("utf-8")
OFFERED = Offered("run_python", "code", ("add(a, b)",), 1)


def to_tool(name, *parameters):
    properties = {parameter: {"type": "string"} for parameter in parameters}
    return {"type": "function", "function": {"name": name, "parameters": {"type": "object", "properties": properties}}}


TOOLS = [to_tool("add", "a", "b"), to_tool("run_python", "code")]


@pytest.fixture(params=[True, False], ids=["as transformers sets jinja", "as jinja is"])
def render(request):
    """Servers differ in how they set jinja up; the text must not."""
    world = jinja2.Environment(trim_blocks=request.param, lstrip_blocks=request.param)
    world.filters["tojson"] = lambda value: json.dumps(value, ensure_ascii=False)
    return world.from_string(TEMPLATE).render


def call(arguments, name="run_python", nested=True):
    told = {"name": name, "arguments": arguments}
    return {"role": "assistant", "content": None, "tool_calls": [{"function": told} if nested else told]}


def test_a_dialog_is_rendered_as_it_was_learned(render):
    chat = Chat(" Use tags. ", OFFERED)
    chat.hear("What is 'é'\n+ 1?")
    chat.call("s = 'é'\nprint(s)")
    chat.get("é\n")
    chat.say("<answer>é</answer>")
    chat.hear("Again.")
    chat.call_other("add", {"a": 1, "b": 2.5})
    messages = [
        {"role": "system", "content": " Use tags. "},
        {"role": "user", "content": "What is 'é'\n+ 1?"},
        call({"code": "s = 'é'\nprint(s)"}),
        {"role": "tool", "content": "é\n"},
        {"role": "assistant", "content": "<answer>é</answer>"},
        {"role": "user", "content": "Again."},
        call({"a": 1, "b": 2.5}, "add", nested=False),
    ]
    assert render(messages=messages, tools=TOOLS) == chat.text


def test_arguments_may_come_as_text(render):
    """Servers over HTTP hold them so."""
    chat = Chat("", OFFERED)
    chat.hear("x")
    chat.call("print(1)")
    messages = [{"role": "user", "content": "x"}, call('{"code": "print(1)"}')]
    assert render(messages=messages, tools=TOOLS) == chat.text


@pytest.mark.parametrize("system", ["", "Be short."])
def test_what_is_not_there_leaves_nothing_behind(render, system):
    chat = Chat(system, None)
    chat.hear("x")
    messages = [{"role": "system", "content": system}] * bool(system) + [{"role": "user", "content": "x"}]
    asked = render(messages=messages, tools=None, add_generation_prompt=True)
    assert asked == f"{chat.text}<|im_start|>assistant\n"


def test_the_model_says_no_more_than_its_replies():
    """Learning what users say would teach it to ask."""
    for number in range(200):
        chat = build_chat(Random(number))
        learned = [place for place, piece in enumerate(chat.pieces) if piece.learned]
        assert learned
        for place in learned:
            assert chat.pieces[place - 1].text.endswith("<|im_start|>assistant\n")
            assert chat.pieces[place].text.endswith(END)


def test_no_two_tokens_are_the_same_text():
    """A server would find fewer words than the model has."""
    assert len(set(PIECES) | set(SPECIAL)) == len(PIECES) + len(SPECIAL)
