"""The forms in which the exam wants its answers: what the system text says, and what reads the reply."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any, NamedTuple

from lllm.models.prompt import Prompt
from lllm.parsing import TagParser


class Form(NamedTuple):
    """One system text and what it asks for.

    Attributes:
        name: such as ``json-result``.
        weight: in 100 questions.
        is_json: else the answer stands in tags.
        field: the name of the tag, or of the field of the JSON object.
        system: the system text.
        function: what the function that runs Python is called.
    """

    name: str
    weight: float
    is_json: bool
    field: str
    system: str
    function: str = "run_python"


def tags(name: str, weight: float, field: str, system: str, **options: str) -> Form:
    """Return a form with tags."""
    return Form(name, weight, False, field, system, **options)


FORMS = (
    tags(
        "answer-1",
        20,
        "answer",
        "Work out what you are asked with run_python. Give the result as <answer>...</answer>.",
    ),
    tags(
        "answer-2",
        20,
        "answer",
        "You answer questions about numbers, words and dates. Call run_python with code that prints the answer, then "
        "write the answer between <answer> and </answer>.",
    ),
    Form(
        "json-answer",
        10,
        True,
        "answer",
        'You are a calculator. Use run_python, then reply with JSON only, in this form: {"answer": "..."}',
    ),
    Form(
        "json-result",
        10,
        True,
        "result",
        'Compute with run_python and return a JSON object such as {"result": "42"}. Nothing else.',
    ),
    Form(
        "json-answer-lines",
        10,
        True,
        "answer",
        'Questions come in, answers go out.\nTool: run_python\nOutput: {"answer": "<text>"}',
    ),
    tags(
        "result",
        3.75,
        "result",
        "Use the function run_python to find the result. Put it in tags, like <result>12</result>.",
    ),
    tags(
        "final",
        3.75,
        "final",
        "Never calculate in your head: run code with run_python.\nYour last message must contain <final>the answer</final>.",
    ),
    tags(
        "output",
        3.75,
        "output",
        "You help pupils with their homework. Every question is solved by a few lines of Python (run_python). The answer "
        "goes into <output></output> tags.",
    ),
    tags("short", 3.75, "answer", "Answer in <answer> tags."),
    tags(
        "solution",
        3.75,
        "solution",
        "Task: solve the user's problem.\nMeans: run_python(code)\nFormat: <solution>VALUE</solution>",
    ),
    tags(
        "reply",
        3.75,
        "reply",
        "Hello! You are the office's helper. People ask you small things. Please look them up with Python code, using "
        "run_python, and respond with <reply>what the code printed</reply>.",
    ),
    tags(
        "value",
        3.75,
        "value",
        "Run code. Report what it prints as <value>...</value> and add nothing.",
    ),
    tags(
        "python",
        3.75,
        "answer",
        "You can run Python with the function python. Print the answer in your code, and repeat it inside "
        "<answer></answer>.",
        function="python",
    ),
)


def choose_forms(seed: int, count: int) -> list[Form]:
    """Return the form of each question. Pure: same seed, same forms."""
    return Random(seed).choices(FORMS, [form.weight for form in FORMS], k=count)


def build_prompt(form: Form, function: Any) -> Prompt[Any]:
    """Return the prompt of a form.

    Args:
        form: which.
        function: what runs Python; called as the form says.
    """
    text = form.system.replace("{", "{{").replace("}", "}}")
    path = f"exam/{form.name}"
    if form.is_json:
        from pydantic import create_model

        shape = create_model("Answer", **{form.field: (str, ...)})
        return Prompt[Any](path=path, prompt=text, functions_list=(function,), format=shape)
    parser: Callable[..., Any] = TagParser(required_xml_tags=(form.field,))
    return Prompt[Any](path=path, prompt=text, functions_list=(function,), parser=parser)


def answer_of(form: Form, parsed: Any) -> str:
    """Return the answer in what a form's parser made of a reply; of several blocks the last."""
    return getattr(parsed, form.field) if form.is_json else parsed["xml_tags"][form.field][-1]
