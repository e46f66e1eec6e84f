"""A prompt: text with fields, and the whole contract of the turn that it opens.

The contract is what the reply must look like (parser, format, tags), which functions are offered, and what is said when
a reply cannot be used, when functions have answered, and when no more may be called.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Generic, TypeVar, cast

from lllm.errors import ConfigError
from lllm.models.function import Function, as_function
from lllm.models.mcp import MCP
from lllm.models.template import (
    Segments,
    jinja_fields,
    parse_fields,
    render_fields,
    render_jinja,
    render_once,
    require_fields,
)
from lllm.parsing import JsonParser, TagParser
from lllm.utils import digest, encode_json

T = TypeVar("T")

EXCEPTION_PROMPT = "Your last reply could not be used:\n{error_message}\nReply again, in the form that was asked for."
INTERRUPT_PROMPT = "{call_results}"
INTERRUPT_FINAL_PROMPT = "No more functions can be called. Give your final answer now."
_LISTS = ("mcp_servers_list", "xml_tags", "md_tags", "signal_tags", "required_xml_tags", "required_md_tags")


@dataclass(frozen=True, kw_only=True, eq=False)  # no slots: with them, typing cannot make Prompt[X](...)
class Prompt(Generic[T]):
    """One prompt.

    Attributes:
        path: its key in the registry; discovery puts the file's name before a path without ``/``.
        prompt: the text. ``{name}`` is a field, ``{{`` and ``}}`` are braces. With ``engine="jinja"`` a Jinja template.
        functions_list: functions that the model may call; plain callables are made into functions.
        parser: pure callable ``text -> value``; it raises ParseError for a reply that the model should mend. Default:
            JSON when there is a ``format``, else tags when some are named, else the text itself.
        format: a pydantic model, or a type that pydantic knows; the model is asked for JSON of this type.
        xml_tags, md_tags, signal_tags, required_xml_tags, required_md_tags: what the tag parser looks for.
        exception_prompt: said when a reply cannot be used; holds ``{error_message}``.
        interrupt_prompt: said for each function result; holds ``{call_results}``.
        interrupt_final_prompt: said after the last allowed round of functions.
        mcp_servers_list: servers whose functions an agent offers the model, too.
        computer_use_config: of a browser that an agent offers the model, see ``lllm.tools.cua.config``.
        allow_web_search: kept, and refused by a call: no format sends it yet.
    """

    path: str
    prompt: str
    name: str = ""
    description: str = ""
    functions_list: tuple[Function, ...] = ()
    mcp_servers_list: tuple[MCP, ...] = ()
    parser: Callable[..., T] | None = None
    format: type[T] | None = None
    xml_tags: tuple[str, ...] = ()
    md_tags: tuple[str, ...] = ()
    signal_tags: tuple[str, ...] = ()
    required_xml_tags: tuple[str, ...] = ()
    required_md_tags: tuple[str, ...] = ()
    exception_prompt: str = EXCEPTION_PROMPT
    interrupt_prompt: str = INTERRUPT_PROMPT
    interrupt_final_prompt: str = INTERRUPT_FINAL_PROMPT
    allow_web_search: bool = False
    computer_use_config: Mapping[str, Any] = field(default_factory=dict[str, Any])
    engine: str = "format"
    _segments: Segments | None = field(init=False, repr=False, default=None)

    def __post_init__(self) -> None:
        put = object.__setattr__
        for name in ("functions_list", *_LISTS):
            if isinstance(items := getattr(self, name), str):
                raise ConfigError(f"prompt {self.path!r}: {name} is one text, {items!r}", hint=f"write [{items!r}]")
            put(self, name, tuple(items))
        put(self, "functions_list", tuple(as_function(item) for item in self.functions_list))
        names = [function.name for function in self.functions_list]
        if len(set(names)) < len(names):
            raise ConfigError(f"prompt {self.path!r}: two functions have one name: {', '.join(names)}")
        if self.engine == "format":
            put(self, "_segments", parse_fields(self.prompt, self.path))
        elif self.engine != "jinja":
            raise ConfigError(f"prompt {self.path!r}: unknown engine {self.engine!r}", hint="use 'format' or 'jinja'")
        if self.parser is None:
            put(self, "parser", self._default_parser())
        if inspect.iscoroutinefunction(self.parser):
            raise ConfigError(f"prompt {self.path!r}: the parser {self.parser_name} is async", hint="write plain def")
        require_fields(self.exception_prompt, {"error_message"}, f"{self.path}: exception_prompt")
        require_fields(self.interrupt_prompt, {"call_results"}, f"{self.path}: interrupt_prompt")
        require_fields(self.interrupt_final_prompt, set(), f"{self.path}: interrupt_final_prompt")

    def _default_parser(self) -> Callable[..., Any] | None:
        if self.format is not None:
            return JsonParser(self.format)
        tags = (self.xml_tags, self.md_tags, self.signal_tags, self.required_xml_tags, self.required_md_tags)
        return TagParser(*tags) if any(tags) else None

    @property
    def fields(self) -> frozenset[str]:
        """Names of the arguments that rendering needs."""
        if self._segments is not None:
            return frozenset(name for _, name in self._segments if name is not None)
        return jinja_fields(self.prompt, self.path)

    def __call__(self, /, **args: Any) -> str:
        """Render the text.

        Raises:
            ConfigError: an argument is missing or has no field.
        """
        if self._segments is None:
            return render_jinja(self.prompt, args, self.path)
        return render_fields(self._segments, args, self.path)

    def exception_handler(self, error_message: str) -> str:
        """Return what is said when a reply cannot be used."""
        return render_once(self.exception_prompt, "error_message", error_message)

    def interrupt_handler(self, call_results: str) -> str:
        """Return what is said with one function's result."""
        return render_once(self.interrupt_prompt, "call_results", call_results)

    def interrupt_handler_final(self) -> str:
        """Return what is said after the last allowed round of functions."""
        return render_once(self.interrupt_final_prompt, "", "")

    def link_function(self, name: str, function: Callable[..., Any]) -> None:
        """Give the declared function ``name`` its callable.

        Raises:
            ConfigError: the prompt has no such function.
        """
        for declared in self.functions_list:
            if declared.name == name:
                declared.link_function(function)
                return
        known = ", ".join(f.name for f in self.functions_list) or "none"
        raise ConfigError(f"prompt {self.path!r} has no function {name!r}", hint=f"it has: {known}")

    def with_path(self, path: str) -> Prompt[T]:
        """Return the prompt under another key."""
        return replace(self, path=path)

    @property
    def functions(self) -> dict[str, Function]:
        """The functions by name."""
        return {function.name: function for function in self.functions_list}

    @property
    def parser_name(self) -> str:
        """What the log calls the parser."""
        if self.parser is None:
            return "text"
        return getattr(self.parser, "name", None) or getattr(self.parser, "__qualname__", type(self.parser).__name__)

    @property
    def format_schema(self) -> dict[str, Any] | None:
        """JSON Schema of the reply that is asked for; None for free text."""
        if self.format is None:
            return None
        schema_of = getattr(self.parser, "json_schema", None) or JsonParser(self.format).json_schema
        return schema_of()

    @property
    def handlers(self) -> dict[str, str]:
        """The handlers' texts that are not the default ones."""
        texts = {"exception_prompt": EXCEPTION_PROMPT, "interrupt_prompt": INTERRUPT_PROMPT}
        texts["interrupt_final_prompt"] = INTERRUPT_FINAL_PROMPT
        return {name: getattr(self, name) for name, default in texts.items() if getattr(self, name) != default}

    @cached_property
    def hash(self) -> str:
        """32 hex digits over everything that the model can notice of this prompt."""
        told = {
            "texts": [self.prompt, self.exception_prompt, self.interrupt_prompt, self.interrupt_final_prompt],
            "engine": self.engine,
            "parser": self.parser_name,
            "format": self.format_schema,
            "tags": [getattr(self, name) for name in _LISTS[1:]],
            "functions": [function.to_dict() for function in self.functions_list],
            "mcp": [[s.server_label, s.server_url, s.require_approval, s.allowed_tools] for s in self.mcp_servers_list],
            "web_search": self.allow_web_search,
            "computer_use": dict(self.computer_use_config),
        }
        return digest(encode_json(told))

    def __repr__(self) -> str:
        return f"<Prompt {self.path}>"


def text_prompt(path: str, text: str) -> Prompt[str]:
    """Return a prompt that says ``text`` as it is: its braces are no fields."""
    return cast("Prompt[str]", Prompt(path=path, prompt=text.replace("{", "{{").replace("}", "}}")))
