"""Parsing: what a reply is read as, and what a model is told of one that cannot be read."""

import contextlib
import enum
import json
import subprocess
import sys
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, field_validator

from lllm.errors import ConfigError, ParseError
from lllm.parsing import JsonParser, TagParser, find_md_blocks, find_xml_blocks, render_faults
from lllm.parsing.blocks import balanced_blocks
from lllm.parsing.json_text import load_json

HOSTILE_BYTES = 2_000_000


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Line(BaseModel):
    count: int


class Order(BaseModel):
    model_config = ConfigDict(extra="forbid")

    total: int
    names: list[str] = []
    color: Color = Color.RED
    kind: Literal["a", "b"] = "a"
    lines: list[Line] = []

    @field_validator("total")
    @classmethod
    def not_negative(cls, value):
        if value < 0:
            raise ValueError("must not be negative")
        return value


def fault_of(text, model=Order):
    with pytest.raises(ParseError) as caught:
        JsonParser(model)(text)
    assert type(caught.value) is ParseError
    return str(caught.value)


def test_blocks_are_found_in_order_without_the_space_around_them():
    """A prompt may ask for several blocks of one name."""
    assert find_xml_blocks("<a> 1 </a> x <a>\n2\n</a><b>3</b>", "a") == ["1", "2"]


def test_a_block_that_is_not_closed_is_no_block():
    """Half an answer of a cut-off reply must not pass as an answer."""
    assert find_xml_blocks("<a>1</a><a>2", "a") == ["1"]
    assert find_md_blocks("```py\nx = 1\n", "py") == []


def test_fenced_blocks_keep_indentation_and_lose_one_line_break():
    """Code is white space as well."""
    assert find_md_blocks("```py\n  x = 1\n\n```\n```Py extra\r\ny\r\n```", "py") == ["  x = 1\n", "y"]


def test_a_longer_fence_may_hold_a_shorter_one():
    """Models show Markdown in Markdown; CommonMark closes a fence by one that is as long."""
    assert find_md_blocks("````md\n```py\nx\n```\n````", "md") == ["```py\nx\n```"]


def test_a_fence_amid_a_line_is_prose():
    """Inline code opens no block."""
    assert find_md_blocks("say ```py\nx\n```", "py") == []


@pytest.mark.parametrize(
    ("text", "blocks"),
    [
        ('say {"a": "}"} and [1, [2]]', ['{"a": "}"}', "[1, [2]]"]),
        ('a { stray and {"a": 1} end', ['{"a": 1}']),
        ('{ stray [ [1] {"a": [2]} ] [3]', ['[ [1] {"a": [2]} ]', "[3]"]),
        ('5" wide {"a": "\\"}"}', ['{"a": "\\"}"}']),
        ("} ] {]} [", ["{]}"]),
        ('{"open\n: {}}', ['{"open\n: {}}']),
        ("no brackets", []),
    ],
)
def test_balanced_blocks_survive_prose(text, blocks):
    """Quotes and brackets of prose must not hide the answer."""
    assert list(balanced_blocks(text)) == blocks


def test_tags_come_back_by_name_with_every_asked_name_as_a_key():
    """User code reads the dict without guards."""
    parser = TagParser(["a", "b"], ["py"], ["done", "more"], ["a", "c"])
    assert parser("<a>1</a><c></c><done>\n```py\nx\n```") == {
        "raw": "<a>1</a><c></c><done>\n```py\nx\n```",
        "xml_tags": {"a": ["1"], "b": [], "c": [""]},
        "md_tags": {"py": ["x"]},
        "signal_tags": {"done": True, "more": False},
    }


def test_a_parser_of_one_kind_leaves_the_others_empty():
    """The shape of the dict does not depend on what was asked for."""
    assert TagParser(["a"])("<a>1</a>") == {
        "raw": "<a>1</a>",
        "xml_tags": {"a": ["1"]},
        "md_tags": {},
        "signal_tags": {},
    }


def test_missing_tags_are_all_named_with_their_shape_and_what_was_found():
    """One retry should mend everything, so the model must learn everything at once."""
    parser = TagParser(["note"], [], [], ["answer", "why"], ["sql"])
    with pytest.raises(ParseError) as caught:
        parser("<note>n</note><why>because")
    text = str(caught.value)
    assert "3 required parts" in text
    assert "<answer>...</answer>: not found" in text
    assert "found <why> but no </why>" in text
    assert "```sql\n...\n```" in text
    assert "Found: <note> x1." in text


@pytest.mark.parametrize("names", ["answer", ["<a>"], [""], [5], ["a b"], ["a\n"]])
def test_a_tag_that_is_no_plain_name_is_refused_when_the_parser_is_made(names):
    """A typo in a prompt is its author's fault; the model must not pay retries for it."""
    with pytest.raises(ConfigError):
        TagParser(xml_tags=names)
    with pytest.raises(ConfigError):
        TagParser(required_md_tags=names)


def test_md_names_that_differ_in_case_only_are_refused():
    """Fences are matched in any case, so one of the two would stay empty for ever."""
    with pytest.raises(ConfigError):
        TagParser(md_tags=["Py", "py"])


def test_parsers_have_names_for_the_log():
    """A replay compares them."""
    assert TagParser(["a"], ["py"], ["done"], ["a", "b"]).name == "tags(a,b,py,done)"
    assert JsonParser(Order).name == "json(Order)"
    assert repr(JsonParser(Order)) == "<JsonParser json(Order)>"
    assert JsonParser(list[int]).name == "json(list)"


@pytest.mark.parametrize(
    "text",
    [
        '{"total": 3}',
        ' \n{"total": 3}\n',
        '\ufeff{"total": 3}',
        'Sure:\n```json\n{"total": 3}\n```\nDone.',
        '```\n{"total": 3}\n```',
        'Here {it} is [1]: {"total": 3}. Bye {"x"',
        '```python\nd = {}\n```\n```json\n{"total": 3}\n```',
    ],
)
def test_json_is_found_bare_fenced_or_in_prose(text):
    """Models wrap JSON in many ways; none of them is worth a retry."""
    assert JsonParser(Order)(text) == Order(total=3)


def test_a_reply_that_is_json_as_a_whole_is_not_searched_for_other_json():
    """What stands inside of a text is the text's, however much it looks like an answer."""
    with pytest.raises(ParseError, match="expected an object"):
        JsonParser(dict[str, int])('"{}"')


def test_any_type_that_pydantic_knows_can_be_asked_for():
    """A list or a number needs no model class."""
    assert JsonParser(int)("42") == 42
    assert JsonParser(list[int])("it is [1, 2]") == [1, 2]
    assert JsonParser(Order).json_schema()["required"] == ["total"]


def test_each_fault_is_one_line_with_path_expected_and_got():
    """The model repairs what it can find."""
    lines = fault_of('{"names": [1], "color": "green", "kind": null, "lines": [{}, {"count": "x"}], "more": {"k": 1}}')
    assert lines.split("\n") == [
        "total: expected a value, got nothing: this field is required",
        "names[0]: expected a valid string, got integer (1)",
        "color: expected 'red' or 'blue', got text (\"green\")",
        "kind: expected 'a' or 'b', got null",
        "lines[0].count: expected a value, got nothing: this field is required",
        'lines[1].count: expected a valid integer, unable to parse string as an integer, got text ("x")',
        "more: expected no such field, got object (k): leave it out",
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"total": -1}', "total: must not be negative; got integer (-1)"),
        ("[1, 2]", "(the whole value): expected an object, got array (2 items)"),
        ('{"total": 1.5}', "got number (1.5)"),
        ('{"total": true, "lines": 1, "names": [null]}', "lines: expected a valid array, got integer (1)"),
    ],
)
def test_faults_of_values_say_what_was_got(text, told):
    """Kinds are JSON's words, not Python's."""
    assert told in fault_of(text)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"total": 1,\n "names": [1 2]}', "line 2, column 14: Expecting ',' delimiter\n"),
        ('{"total": 1 2}', '{"total": 1 <<HERE>>2}'),
        ('{"total": 1', "is the reply cut off?"),
        ('{"total": 1, "total": 2}', 'the key "total" stands twice'),
        ('{"total": NaN}', "NaN is not JSON"),
        ('{"total": -Infinity}', "-Infinity is not JSON"),
        ('{"total": 1e999}', "1e999 is too large"),
        ('{"total": ' + "1" * 5000 + "}", "a number that is too long"),
        ("[" * 300 + "]" * 300, "nested deeper than 200"),
        ("[" * 100_000, "nested deeper than 200"),
        ('{"total": 1, "names": ["\\ud800"]}', "the JSON is not valid"),
        ('{"total": "\ud800"}', "surrogate"),
        ("", "the reply is empty"),
        (" \n", "the reply is empty"),
        (
            "I cannot do that.",
            "no JSON was found in the reply; write one JSON value and nothing else. The reply starts: I",
        ),
        ("NaN", "NaN is not JSON"),
        ('Well: {"total": "a"} or {1}', "total: expected a valid integer"),
        ('"Order"', "(the whole value): expected an object"),
    ],
)
def test_faults_of_syntax_say_where_and_what(text, told):
    """A count of 'invalid JSON' helps nobody; and no reply, however odd, may crash the parser."""
    assert told in fault_of(text)


def test_fault_texts_are_short_however_long_the_value():
    """The text is paid for as tokens, at every retry."""
    assert (
        len(fault_of(json.dumps({"total": "x" * 100_000, "k" * 100_000: 1, "names": [{"y" * 999: 1}] * 400}))) <= 1500
    )
    assert "faults, too many to list" in fault_of(json.dumps({"total": 1, "names": [1] * 6000}))


def test_long_lines_leave_room_for_the_count():
    """The cap holds for any messages."""
    text = render_faults([{"loc": ("x",), "type": "t", "msg": "m" * 1000, "input": 1}] * 12)
    assert len(text) <= 1500
    assert text.endswith("and 8 more faults")


def test_the_search_for_brackets_gives_up_on_a_reply_of_nothing_else():
    """A model in a loop writes such replies."""
    assert list(balanced_blocks("[" + "[]" * 300_000 + "]")) == ["[]"] * 249_999


def test_only_the_first_ten_faults_are_listed_and_the_rest_is_counted():
    """As above."""
    lines = fault_of(json.dumps({"total": 1, "names": [1] * 25})).split("\n")
    assert len(lines) == 11
    assert lines[-1] == "and 15 more faults"


def test_values_that_json_does_not_know_are_rendered_without_a_crash():
    """Functions are called from Python too."""
    faults = [{"loc": ("x",), "type": "t", "msg": "Input should be odd", "input": value} for value in (b"1", 10**5000)]
    assert render_faults(faults) == "x: expected odd, got bytes (...)\nx: expected odd, got integer (...)"


def test_strict_models_read_json_by_json_rules():
    """JSON has no tuples, so a strict model must take an array for one."""

    class Strict(BaseModel):
        model_config = ConfigDict(strict=True)

        pair: tuple[int, int]

    assert JsonParser(Strict)('{"pair": [1, 2]}').pair == (1, 2)


def test_a_fault_of_the_users_validator_is_not_the_models_fault():
    """Only a ParseError is retried; anything else must reach the user as it is."""

    class Broken(BaseModel):
        x: int

        @field_validator("x")
        @classmethod
        def fail(cls, value):
            raise KeyError("bug")

    with pytest.raises(KeyError):
        JsonParser(Broken)('{"x": 1}')


def test_a_type_that_pydantic_cannot_handle_is_a_config_error():
    """It is the author's fault, and named as such."""
    with pytest.raises(ConfigError):
        JsonParser(object.__new__)("{}")

    class Opaque:
        pass

    with pytest.raises(ConfigError):
        JsonParser(Opaque)("{}")


def test_a_type_without_a_schema_is_a_config_error():
    """The schema goes on the wire, so it must be known to be missing before."""

    class Holder(BaseModel):
        model_config = ConfigDict(arbitrary_types_allowed=True)

        value: subprocess.Popen

    with pytest.raises(ConfigError):
        JsonParser(Holder).json_schema()


@pytest.mark.parametrize(
    "unit",
    [
        "<a>",
        "</a>",
        "<a></a>",
        "{",
        "}",
        "{}",
        "[1]",
        "[[]",
        "{ x",
        "```\n",
        "```x",
        "`",
        " ",
        "\n",
        '{"',
        '{"\\',
        '"',
        "<",
    ],
)
def test_work_grows_with_the_length_of_a_hostile_reply_and_not_with_its_square(unit):
    """Two megabytes of anything: a quadratic search would need hours here, so the test would never end."""
    text = unit * (HOSTILE_BYTES // len(unit))
    for parser in (JsonParser(Order), TagParser(["a"], ["x"], ["s"], ["b"])):
        with pytest.raises(ParseError):
            parser(text)
    list(balanced_blocks('{"' + text))


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_whatever_json_writes_is_read_back_from_prose(value):
    """The search for brackets must agree with JSON on every string."""
    text = json.dumps([value])
    load_json(text)
    assert next(balanced_blocks(f"so: {text} ok")) == text


@given(st.text(alphabet='{}[]"\\\n `<a>/1,:'))
def test_no_text_makes_a_parser_raise_anything_but_a_parse_error(text):
    """Anything else would be taken for a bug of the user's."""
    for parser in (JsonParser(dict[str, int]), TagParser(["a"], ["a"], ["a"], ["a"], ["a"])):
        with contextlib.suppress(ParseError):
            parser(text)


def test_importing_the_parsers_does_not_import_pydantic():
    """A project that uses tags only starts without it."""
    code = "import sys, lllm.parsing; sys.exit('pydantic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
