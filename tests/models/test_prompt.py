"""Prompts: strict rendering, the handlers, and the contract that a prompt is."""

import pytest
from pydantic import BaseModel

from lllm.errors import ConfigError, ParseError
from lllm.models import MCP, Function, Prompt
from lllm.models.prompt import text_prompt
from lllm.parsing import JsonParser, TagParser


class Answer(BaseModel):
    value: int


class OtherAnswer(BaseModel):
    value: int
    why: str


def make(text="hi", **options):
    return Prompt(path="demo/greet", prompt=text, **options)


# --- fields ---------------------------------------------------------------------------------------------------------


def test_fields_are_filled():
    """Any value is put in by its text, and a field may stand more than once."""
    prompt = make("{who}, {who}: {n}{{x}}")
    assert prompt(who="Ann", n=3) == "Ann, Ann: 3{x}"
    assert prompt.fields == {"who", "n"}


def test_braces_are_doubled_whether_or_not_there_are_fields():
    """A text must not change its meaning when its first field is added."""
    assert make("{{}} {{{{a}}}}")() == "{} {{a}}"
    assert make("{{}} {a} {{{a}}}")(a="x") == "{} x {x}"


def test_an_argument_is_never_read_as_a_template():
    """Arguments hold what models and strangers wrote."""
    assert make("{a} {b}")(a="{b} {{ {0.__class__}", b="{a}") == "{b} {{ {0.__class__} {a}"


@pytest.mark.parametrize("name", ["self", "path", "prompt", "args", "class"])
def test_any_plain_name_is_a_field(name):
    """A field's name is the author's choice, not Python's."""
    assert make(f"<{{{name}}}>")(**{name: 1}) == "<1>"


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ({}, "missing: a, b"),
        ({"a": 1}, "missing: b"),
        ({"a": 1, "b": 2, "d": 3, "c": 4}, "not in the text: c, d"),
        ({"a": 1, "x": 2}, "missing: b; not in the text: x"),
    ],
)
def test_arguments_must_fit(args, said):
    """A typo in a name must not send a prompt with a hole in it."""
    with pytest.raises(ConfigError) as error:
        make("{a} {b}")(**args)
    assert str(error.value) == f"prompt 'demo/greet': arguments do not fit ({said})"


@pytest.mark.parametrize(
    ("text", "shown", "where"),
    [
        ("{user.name}", "{user.name}", "line 1, column 1"),
        ("a\nb {x[0]}", "{x[0]}", "line 2, column 3"),
        ("{{x!r}} {ok} {x!r}", "{x!r}", "line 1, column 14"),
        ("{x:>10}", "{x:>10}", "line 1, column 1"),
        ("{x:{y}}", "{x:{y}}", "line 1, column 1"),
        ("é{{}}\n{}", "{}", "line 2, column 1"),
        ("\n{0}", "{0}", "line 2, column 1"),
        ('{"a": 1}', '{"a": 1}', "line 1, column 1"),
        ("{a b}", "{a b}", "line 1, column 1"),
        ("{__class__.__init__}", "{__class__.__init__}", "line 1, column 1"),
    ],
)
def test_only_plain_names_are_fields(text, shown, where):
    """No text reaches into an object, and JSON in a prompt is told about its braces, with its place."""
    with pytest.raises(ConfigError) as error:
        make(text)
    assert shown in error.value.message.replace(': 1}"', ": 1}")
    assert error.value.where == f"{where} of the prompt"
    assert error.value.hint == "write {{ and }} for braces"


@pytest.mark.parametrize("text", ["{", "}", "a { b", "{a", "{a}}", "\n\n}"])
def test_lone_braces_are_refused_with_a_hint(text):
    """The commonest fault in a prompt, told when it is made and not when it is sent."""
    with pytest.raises(ConfigError, match="demo/greet") as error:
        make(text)
    assert error.value.hint == "write {{ and }} for braces"
    assert error.value.where.endswith("of the prompt")


def test_text_prompt_says_its_text():
    """What a user types is no template."""
    for text in ["{a} {{b}} }{", "", "\ud800", "{0.__class__}"]:
        assert text_prompt("user", text)() == text


# --- handlers -------------------------------------------------------------------------------------------------------


def test_handlers_put_in_what_they_are_given():
    """What functions return and models write may hold braces of any kind."""
    prompt = make(
        exception_prompt="{{E}}: {error_message}", interrupt_prompt="> {call_results}", interrupt_final_prompt="{{end}}"
    )
    for text in ["plain", "{error_message}", "{call_results}", "{", "}}", '{"a": {"b": 1}}', "\ud800"]:
        assert prompt.exception_handler(text) == "{E}: " + text
        assert prompt.interrupt_handler(text) == "> " + text
    assert prompt.interrupt_handler_final() == "{end}"


def test_the_default_handlers_say_what_happened():
    """A prompt without handlers still works."""
    assert "bad JSON" in make().exception_handler("bad JSON")
    assert make().interrupt_handler("42") == "42"
    assert "final answer" in make().interrupt_handler_final()


@pytest.mark.parametrize(
    ("handler", "text", "said"),
    [
        ("exception_prompt", "try again", "must hold {error_message}, and holds none"),
        ("exception_prompt", "{error_message} {x}", "must hold {error_message}, and holds ['error_message', 'x']"),
        ("interrupt_prompt", "{results}", "must hold {call_results}, and holds ['results']"),
        ("interrupt_final_prompt", "{call_results}", "must hold no field, and holds ['call_results']"),
        ("interrupt_prompt", "{call_results", "expected '}' before end of string"),
    ],
)
def test_a_handler_needs_its_field_and_no_other(handler, text, said):
    """A handler without its field hides from the model what went wrong, at the worst moment."""
    with pytest.raises(ConfigError) as error:
        make(**{handler: text})
    assert f"demo/greet: {handler}" in error.value.message
    assert said in error.value.message


# --- jinja ----------------------------------------------------------------------------------------------------------


def test_jinja_renders_with_loops_and_conditions():
    """What files are written in."""
    prompt = make("{% for x in items %}\n- {{ x }}\n{% endfor %}\nBye {{ name|upper }}\n", engine="jinja")
    assert prompt(items=[1, "{{ name }}"], name="ann") == "- 1\n- {{ name }}\nBye ANN\n"
    assert prompt.fields == {"items", "name"}


@pytest.mark.parametrize(
    ("text", "args", "said"),
    [
        ("{{ a }}", {}, "'a' is undefined"),
        ("{{ a }}", {"a": 1, "c": 2, "b": 3}, "not in the text: b, c"),
        ("{{ a.b }}", {"a": "x"}, "has no attribute 'b'"),
        ("{{ a.__class__ }}", {"a": 1}, "access to attribute '__class__' of 'int' object is unsafe"),
        ("{{ ''.__class__.__mro__ }}", {}, "unsafe"),
        ("{{ a.append(1) }}", {"a": []}, "unsafe"),
        ("{{ '{0.__class__}'.format(a) }}", {"a": 1}, "unsafe"),
        ("{{ range(10**9) }}", {}, "Range too big"),
        ("{{ 1 // 0 }}", {}, "ZeroDivisionError"),
        ("{% include 'x' %}", {}, "no loader"),
        ("{{ a }", {"a": 1}, "unexpected '}'"),
    ],
)
def test_jinja_is_strict_and_sandboxed(text, args, said):
    """A template is a project's own text, but not its arguments; and a hole in a prompt is an error."""
    with pytest.raises(ConfigError, match="demo/greet") as error:
        make(text, engine="jinja")(**args)
    assert said in error.value.message


def test_a_template_that_does_not_compile_names_its_line():
    """The author finds it."""
    with pytest.raises(ConfigError) as error:
        _ = make("a\n{% if %}", engine="jinja").fields
    assert error.value.where == "line 2 of the prompt"


def test_another_engine_is_refused():
    """There are two."""
    with pytest.raises(ConfigError, match="unknown engine 'mako'"):
        make(engine="mako")


# --- the contract ---------------------------------------------------------------------------------------------------


def test_lists_become_tuples_and_callables_functions():
    """A prompt is a value, whatever it was written with."""

    def weather(city: str):
        return city

    server = MCP("docs", "https://mcp.test")
    prompt = make(functions_list=[weather, Function("other")], mcp_servers_list=[server], xml_tags=["a"])
    assert [function.name for function in prompt.functions_list] == ["weather", "other"]
    assert (prompt.mcp_servers_list, prompt.xml_tags) == ((server,), ("a",))


def test_two_functions_of_one_name_are_refused():
    """The model could only mean one of them."""
    with pytest.raises(ConfigError, match="two functions have one name: f, f"):
        make(functions_list=[Function("f"), Function("f")])


@pytest.mark.parametrize(
    "name", ["xml_tags", "md_tags", "signal_tags", "required_xml_tags", "required_md_tags", "functions_list"]
)
def test_a_text_in_place_of_a_list_is_refused(name):
    """Else each of its letters is a tag."""
    with pytest.raises(ConfigError, match=f"{name} is one text, 'answer'"):
        make(**{name: "answer"})


def test_the_parser_follows_from_format_and_tags():
    """JSON for a format, tags where some are named, else the text; a parser of the author's own comes first."""
    assert isinstance(make(format=Answer).parser, JsonParser)
    assert make(format=Answer).parser('{"value": 1}') == Answer(value=1)
    for name in ("xml_tags", "md_tags", "signal_tags", "required_xml_tags", "required_md_tags"):
        assert make(**{name: ["a"]}).parser == TagParser(**{name: ("a",)})
    assert make().parser is None
    assert make(format=Answer, xml_tags=["a"], parser=int).parser is int
    with pytest.raises(ParseError):
        make(required_xml_tags=["a"]).parser("no tag")


def test_an_async_parser_is_refused():
    """A replay parses without a loop; what it made would never be awaited."""

    async def parse(text):
        return text

    with pytest.raises(ConfigError, match=r"the parser .*parse is async") as error:
        make(parser=parse)
    assert error.value.hint == "write plain def"


def test_the_log_can_name_every_parser():
    """A replay that parses in another way must be able to say so."""

    class Parser:
        def __call__(self, text):
            return text

    def own(text):
        return text

    assert make().parser_name == "text"
    assert make(parser=own).parser_name.endswith("own")
    assert make(parser=Parser()).parser_name == "Parser"
    assert make(format=Answer).parser_name == "json(Answer)"


def test_linking_by_name_reaches_the_declared_function():
    """Functions may be declared in a file and linked by the program."""
    prompt = make(functions_list=[Function("f"), Function("g")])
    prompt.link_function("g", abs)
    assert [function.linked for function in prompt.functions_list] == [False, True]
    with pytest.raises(ConfigError, match="no function 'h'") as error:
        prompt.link_function("h", abs)
    assert error.value.hint == "it has: f, g"
    with pytest.raises(ConfigError) as error:
        make().link_function("h", abs)
    assert error.value.hint == "it has: none"


def test_another_key_is_another_prompt_with_the_same_parts():
    """Discovery puts the file's name before a path."""
    prompt = make("{a}", format=Answer, functions_list=[Function("f")])
    moved = prompt.with_path("other")
    assert (moved.path, prompt.path) == ("other", "demo/greet")
    assert (moved(a=1), moved.parser, moved.functions_list) == ("1", prompt.parser, prompt.functions_list)
    assert moved.hash == prompt.hash
    assert repr(moved) == "<Prompt other>"


PARTS = {
    "prompt": "other",
    "exception_prompt": "no: {error_message}",
    "interrupt_prompt": "got {call_results}",
    "interrupt_final_prompt": "stop",
    "engine": "jinja",
    "parser": str.upper,
    "format": Answer,
    "xml_tags": ["a"],
    "md_tags": ["a"],
    "signal_tags": ["a"],
    "required_xml_tags": ["a"],
    "required_md_tags": ["a"],
    "functions_list": [Function("f")],
    "mcp_servers_list": [MCP("docs", "https://mcp.test")],
    "allow_web_search": True,
    "computer_use_config": {"width": 800},
}


def test_the_hash_changes_with_every_part_that_a_model_can_notice():
    """Replay names a changed prompt as the cause of a difference."""
    base = {"prompt": "hi"}
    hashes = {name: Prompt(path="p", **(base | {name: value})).hash for name, value in PARTS.items()}
    hashes["nothing"] = Prompt(path="p", **base).hash
    assert len(set(hashes.values())) == len(hashes)
    assert all(len(value) == 32 for value in hashes.values())


def test_the_hash_looks_into_functions_and_formats():
    """A name that stays the same does not hide a schema that changed."""
    one, other = Function("f", "", {"x": {"type": "string"}}), Function("f", "", {"x": {"type": "integer"}})
    assert make(functions_list=[one]).hash != make(functions_list=[other]).hash
    renamed = type("Answer", (OtherAnswer,), {})
    assert make(format=Answer).parser_name == make(format=renamed).parser_name
    assert make(format=Answer).hash != make(format=renamed).hash
    assert make(format=Answer, parser=str).hash != make(format=OtherAnswer, parser=str).hash


def test_the_hash_does_not_change_with_what_nobody_sees():
    """A renamed file is not a changed prompt."""
    assert make().hash == Prompt(path="q", prompt="hi", name="n", description="d").hash


def test_the_schema_of_the_reply_is_the_formats():
    """It is what the model is asked for."""
    assert make().format_schema is None
    assert make(format=Answer).format_schema == Answer.model_json_schema()
    assert make(format=Answer, parser=str).format_schema == Answer.model_json_schema()


def test_functions_are_found_by_name():
    """A call names its function."""
    function = Function("f")
    assert make(functions_list=[function]).functions == {"f": function}


def test_handlers_are_those_that_the_author_wrote():
    """The log keeps what differs from what everybody has."""
    assert make().handlers == {}
    own = {
        "exception_prompt": "no: {error_message}",
        "interrupt_prompt": "> {call_results}",
        "interrupt_final_prompt": "end",
    }
    assert make(**own).handlers == own
