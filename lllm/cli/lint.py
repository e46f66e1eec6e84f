"""What can be wrong with a prompt that still loads. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from lllm.errors import ConfigError
from lllm.models.function import Function
from lllm.models.prompt import Prompt


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a lint found; an error stops a run, a warning makes it worse."""

    level: Literal["error", "warning"]
    key: str
    message: str
    where: str = ""


def lint_prompt(key: str, prompt: Prompt[Any], where: str) -> Iterator[Finding]:
    """Yield what is wrong with a prompt."""
    for level, message in (*_fields(prompt), *_functions(prompt), *_tags(prompt)):
        yield Finding(level, key, message, where)


_Found = Iterator[tuple[Literal["error", "warning"], str]]


def _fields(prompt: Prompt[Any]) -> _Found:
    try:
        fields = prompt.fields
    except ConfigError as error:
        yield "error", error.message
        return
    if prompt.engine == "jinja":
        loose = set(re.findall(r"(?<![{%#])\{([A-Za-z_]\w*)\}(?!\})", prompt.prompt)) - fields
        for name in sorted(loose):
            yield "warning", f"{{{name}}} stays as it is: in a *.prompt.md a field is {{{{ {name} }}}}"
    else:
        for name in re.findall(r"\{\{\s*([A-Za-z_]\w*)\s*\}\}", prompt.prompt):
            yield "warning", f"{{{{{name}}}}} is no field but braces: here a field is {{{name}}}"
    if not prompt.prompt.strip():
        yield "warning", "the text is empty"


def _functions(prompt: Prompt[Any]) -> _Found:
    for function in prompt.functions_list:
        if not function.linked:
            yield "error", f"function {function.name!r} has no callable; link one with link_function"
        if not function.description.strip():
            yield "warning", f"function {function.name!r} has no description, so a model must guess what it does"
        yield from _parameters(function)


def _parameters(function: Function) -> _Found:
    try:
        properties: dict[str, Any] = function.signature.parameters.get("properties", {})
    except ConfigError as error:
        yield "error", error.message
        return
    bare = [name for name, schema in properties.items() if not (isinstance(schema, dict) and "description" in schema)]
    if bare:
        yield "warning", f"function {function.name!r}: parameters without a description: {', '.join(bare)}"


def _tags(prompt: Prompt[Any]) -> _Found:
    told = prompt.prompt + "".join(str(function.description) for function in prompt.functions_list)
    for tag in prompt.required_xml_tags:
        if f"<{tag}>" not in told:
            yield "warning", f"the reply must hold <{tag}>, which the text does not mention"
    for tag in prompt.required_md_tags:
        if not re.search(rf"```\s*{re.escape(tag)}\b|\b{re.escape(tag)}\b", told):
            yield "warning", f"the reply must hold a fenced block {tag}, which the text does not mention"
