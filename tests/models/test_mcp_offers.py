"""MCP servers of a prompt as values, and what they offer as functions: names, schemas, refusals."""

import pytest

from lllm.errors import ConfigError, ParseError
from lllm.models import MCP, FunctionCall, Prompt
from lllm.models.function import MAX_RESULT_CHARS
from lllm.models.offer import ToolReply, build_offered, check_offer
from lllm.models.request import build_contract

URL = "http://127.0.0.1:1/mcp"


def tool(name, schema=None, **more):
    return {"name": name, "inputSchema": schema or {"type": "object"}, **more}


def told(*tools):
    return {"tools": list(tools)}


def caller(server, name):
    return lambda **arguments: ToolReply(f"{server.server_label}.{name}{arguments}")


def offered(*tools, functions=(), **options):
    """Return the functions of a prompt with one server, by name."""
    prompt = Prompt(path="p", prompt="", functions_list=functions, mcp_servers_list=[MCP("shop", URL, **options)])
    return build_offered(prompt, [told(*tools)], caller).functions


# --- the value --------------------------------------------------------------------------------------------------------


def test_a_server_is_a_program_or_an_address():
    """Neither, or both, is a slip that would show much later."""
    assert MCP("a", command="uvx", args=["x"]).args == ("x",)
    for options in ({}, {"server_url": URL, "command": "uvx"}):
        with pytest.raises(ConfigError, match="MCP server 'a' needs either a server_url or a command"):
            MCP("a", **options)


@pytest.mark.parametrize("label", ["", "a b", "a.b", "x" * 33, "\u00e9"])
def test_a_label_can_stand_in_a_function_s_name(label):
    """It does, where two servers offer the same."""
    with pytest.raises(ConfigError, match="is no label for a server"):
        MCP(label, URL)


@pytest.mark.parametrize("name", ["args", "env_names", "allowed_tools"])
def test_one_text_is_no_list(name):
    """Its letters would be taken for items."""
    with pytest.raises(ConfigError, match=f"{name} is one text, 'ab'"):
        MCP("a", command="uvx", **{name: "ab"})


@pytest.mark.parametrize("options", [{"timeout_s": 0}, {"start_timeout_s": -1}, {"timeout_s": float("nan")}])
def test_a_time_out_is_some_time(options):
    """None at all would refuse every answer."""
    with pytest.raises(ConfigError, match="time-outs are seconds, more than 0"):
        MCP("a", URL, **options)


def test_a_server_shows_no_environment_and_no_headers():
    """A traceback or a log line that shows a prompt must show no key."""
    server = MCP("a", URL, headers={"Authorization": "Bearer x"})
    assert "Bearer" not in repr(server)
    assert isinstance(hash(server), int)


def test_what_reaches_a_server_makes_it_the_same():
    """Two prompts may take different functions of one server."""
    server = MCP("a", command="uvx", args=["x"], env={"A": "1"})
    assert server.is_same_server(MCP("a", command="uvx", args=["x"], env={"A": "1"}, allowed_tools=["t"], prefix=True))
    assert not server.is_same_server(MCP("a", command="uvx", args=["x"], env={"A": "2"}))


def test_a_request_is_not_made_without_what_the_servers_offer():
    """It would silently be another one."""
    prompt = Prompt(path="p", prompt="", mcp_servers_list=[MCP("a", URL)])
    with pytest.raises(ConfigError, match="mcp_servers_list cannot be sent yet") as caught:
        build_contract("m", prompt, offered=True, params={})
    assert "through an agent" in caught.value.hint


# --- names ------------------------------------------------------------------------------------------------------------


def test_a_tool_keeps_its_name_where_it_can():
    """Models know the names of widely used servers."""
    assert list(offered(tool("read_file"), tool("read-2"))) == ["read_file", "read-2"]


def test_names_that_models_refuse_are_made_fit():
    """Dots and slashes are common; what is cut ends in a hash, so that the rest cannot make two the same."""
    long = "x" * 70
    assert list(offered(tool("a.b"), tool(long))) == ["a_b", f"{'x' * 55}_c71bd109"]


def test_two_tools_of_a_server_that_become_one_name_are_told_apart():
    """By a hash of the name that the server knows, whatever their order."""
    names = list(offered(tool("a.b"), tool("a/b"), tool("c")))
    assert names == [*reversed(list(offered(tool("a/b"), tool("a.b")))), "c"]
    assert len(set(names)) == 3


def test_a_prefix_is_put_where_it_is_asked_for():
    """For a user who wants to see in a log whose each function is."""
    assert list(offered(tool("t"), prefix=True)) == ["shop_t"]


def test_the_user_s_own_function_keeps_its_name():
    """A server must not be able to take its place."""

    def t() -> str:
        """Do it."""
        return "own"

    functions = offered(tool("t"), functions=(t,))
    assert list(functions) == ["t", "shop_t"]
    assert functions["t"](FunctionCall("1", "t", {})).result == "own"


def test_names_that_cannot_be_told_apart_are_refused():
    """Which of the two is called would be chance."""
    servers = [MCP("a", URL, prefix=True), MCP("a_b", URL, prefix=True)]
    prompt = Prompt(path="p", prompt="", mcp_servers_list=servers)
    with pytest.raises(ConfigError, match="two functions have one name: a_b_c"):
        build_offered(prompt, [told(tool("b_c")), told(tool("c"))], caller)


def test_only_allowed_tools_are_offered():
    """Each schema costs tokens in every request, and each function is something that may happen."""
    assert list(offered(tool("a"), tool("b.c"), tool("d"), allowed_tools=["b.c"])) == ["b_c"]


def test_an_allowed_tool_that_is_not_there_is_named():
    """A slip would otherwise show as a model that cannot do its work."""
    with pytest.raises(ConfigError, match="MCP server 'shop' does not offer b") as caught:
        offered(tool("a"), allowed_tools=["a", "b"])
    assert caught.value.hint == "it offers: a"
    with pytest.raises(ConfigError) as caught:
        offered(allowed_tools=["a"])
    assert caught.value.hint == "it offers: nothing"


def test_approval_that_nobody_can_give_is_refused():
    """To call without it is what the user ruled out."""
    with pytest.raises(ConfigError, match="nobody can be asked whether a function may run"):
        offered(tool("a"), require_approval="manual")


# --- schemas ----------------------------------------------------------------------------------------------------------


def test_a_schema_reaches_the_model_whole():
    """Definitions, alternatives and formats are what it was written for."""
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {"at": {"anyOf": [{"$ref": "#/$defs/when"}, {"type": "null"}]}},
        "$defs": {"when": {"type": "string", "format": "date"}},
        "additionalProperties": False,
    }
    parameters = offered(tool("t", schema))["t"].to_dict()["parameters"]
    assert parameters == {**{key: schema[key] for key in schema if key != "$schema"}, "required": []}


def test_arguments_are_checked_against_the_schema():
    """A model's slip is answered at once, and the server is not asked."""
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    function = offered(tool("t", schema))["t"]
    assert function.bind(FunctionCall("1", "t", {"n": 3, "more": 1})) == {"n": 3, "more": 1}
    with pytest.raises(ParseError, match="n"):
        function.bind(FunctionCall("1", "t", {"n": "three"}))


def test_a_required_argument_need_not_be_described():
    """Such schemas are allowed, as long as others may be given."""
    schema = {"type": "object", "required": ["n"]}
    check_offer("shop", [tool("t", schema)])
    assert offered(tool("t", schema))["t"].bind(FunctionCall("1", "t", {"n": 1})) == {"n": 1}


@pytest.mark.parametrize(("hints", "repeatable"), [({"readOnlyHint": True}, True), ({"idempotentHint": True}, True), ({"readOnlyHint": False}, False), ({"readOnlyHint": "yes"}, False), (None, False)])  # fmt: skip
def test_only_what_says_so_may_run_twice(hints, repeatable):
    """A resumed session runs it again without asking; and what reads may be read anew."""
    function = offered(tool("t", annotations=hints))["t"]
    assert (function.repeatable, function.allow_repeat) == (repeatable, repeatable)


DEEP = {"type": "object"}
for _ in range(300):
    DEEP = {"type": "object", "properties": {"p": DEEP}}

BAD = {
    "type is 7": {"properties": {"p": {"type": 7}}},
    "type is ['string', 3]": {"properties": {"p": {"type": ["string", 3]}}},
    "enum is 'a'": {"properties": {"p": {"enum": "a"}}},
    "required is 'p'": {"required": "p"},
    "properties is \\['p'\\]": {"properties": ["p"]},
    "required is 3": {"properties": {"p": {"items": {"required": 3}}}},
    "the schema of parameter 'p' is 3": {"properties": {"p": 3}},
    "required, but no parameter: q": {"required": ["q"], "additionalProperties": False},
    "its arguments are no object but 'array'": {"type": "array"},
    "its schema is nested too deep": DEEP,
}


@pytest.mark.parametrize("fault", BAD)
def test_a_schema_that_cannot_be_used_is_named(fault):
    """A server is not trusted: what would break a call is found before the model is asked."""
    with pytest.raises(ConfigError, match=f"MCP server 'shop', tool 't': .*{fault}".replace("['string'", r"\['string'").replace("3]", r"3\]")):  # fmt: skip
        check_offer("shop", [tool("t", {"type": "object", **BAD[fault]})])


def test_a_list_has_an_end():
    """Thousands of functions would fill every request, and the log."""
    with pytest.raises(ConfigError, match="offers 1001 functions; at most 1000 are taken"):
        check_offer("shop", [tool(f"t{number}") for number in range(1001)])
    with pytest.raises(ConfigError, match="1000000 characters of JSON"):
        check_offer("shop", [tool("t", description="d" * 1_000_000)])


def test_a_tool_has_a_name_of_its_own():
    """It is what the server is asked for."""
    with pytest.raises(ConfigError, match=r"offers twice: 't\\u1234'"):
        check_offer("shop", [tool("t\u1234"), tool("t\u1234")])
    with pytest.raises(ConfigError, match="it has no name"):
        check_offer("shop", [tool("")])


# --- results ----------------------------------------------------------------------------------------------------------


def finished(value):
    return offered(tool("t"))["t"].finish(FunctionCall("1", "t", {}), value)


def test_a_reply_is_text_for_the_model_and_data_for_code():
    """Servers say structured content twice; to read it twice would cost twice."""
    assert (finished(ToolReply("3 left")).result, finished(ToolReply("3 left")).result_str) == ("3 left", "3 left")
    done = finished(ToolReply("3 left", {"left": 3}))
    assert (done.result, done.result_str) == ({"left": 3}, "3 left")


def test_a_reply_that_says_it_failed_is_an_error():
    """The model reads why, if the server says so."""
    assert finished(ToolReply("no such file", is_error=True)).result_str == "Error: no such file"
    assert finished(ToolReply("", is_error=True)).error_message == "it failed, and does not say why"


def test_a_reply_is_bounded():
    """What the model cannot take does not fill the log either."""
    done = finished(ToolReply("x" * (MAX_RESULT_CHARS + 1), {"text": "x" * (MAX_RESULT_CHARS + 1)}))
    assert len(done.result_str) < MAX_RESULT_CHARS + 100
    assert done.result == done.result_str


def test_what_the_user_says_it_returned_is_a_result():
    """Who resumes a session may answer for a function of which nobody knows whether it ran."""
    assert finished({"left": 3}).result_str == '{"left":3}'


def test_what_is_called_is_the_tool_and_not_the_function():
    """The server knows only its own name for it."""
    function = offered(tool("a.b"))["a_b"]
    assert function(FunctionCall("1", "a_b", {"x": 1})).result_str == "shop.a.b{'x': 1}"
