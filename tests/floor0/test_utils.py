"""Canonical JSON, digests, safe names, and the stream faces."""

import ast
import copy
import json
import math
import pickle
from contextlib import contextmanager, redirect_stdout
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lllm import utils
from lllm.utils import PrintSystem, Secret, StreamWrapper, digest, encode_json, safe_name, visible

ANY_TEXT = st.text(st.characters(exclude_categories=()))  # lone surrogates too


def test_the_module_stays_small():
    """What grows belongs beside its caller, so this file has a bound of a hundred lines of code."""
    source = Path(utils.__file__).read_text()
    texts = [
        node.value
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    ]
    prose = {number for text in texts for number in range(text.lineno, text.end_lineno + 1)}
    lines = enumerate(source.splitlines(), 1)
    code = [line for number, line in lines if number not in prose and line.strip() and not line.strip().startswith("#")]
    assert len(code) <= 100


# --- JSON and digests -----------------------------------------------------------------------------------------------


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | ANY_TEXT,
        lambda inner: st.lists(inner) | st.dictionaries(ANY_TEXT, inner),
    )
)
def test_canonical_json_is_ascii_on_one_line_and_read_back_alike(value):
    """A log is lines of ASCII whatever a model writes."""
    text = encode_json(value)
    assert text.isascii()
    assert "\n" not in text
    assert json.loads(text) == value


def test_keys_keep_their_order_and_no_space_is_written():
    """Hashes are taken over this text."""
    assert encode_json({"b": [1, {"a": None}], "a": "é"}) == '{"b":[1,{"a":null}],"a":"\\u00e9"}'


@pytest.mark.parametrize(("value", "kind"), [(math.nan, ValueError), ([math.inf], ValueError), ({1}, TypeError)])
def test_what_json_cannot_hold_is_refused(value, kind):
    """A NaN in a log could be read by Python alone."""
    with pytest.raises(kind):
        encode_json(value)


@given(ANY_TEXT, ANY_TEXT)
def test_digests_name_texts(one, other):
    """Any text has one, and two texts have two."""
    assert len(digest(one)) == 32
    assert (digest(one) == digest(other)) == (one == other)


def test_a_digest_is_the_start_of_sha256():
    """Logs of today are read by code of next year."""
    assert digest("abc") == digest(b"abc") == "ba7816bf8f01cfea414140de5dae2223"


# --- secrets --------------------------------------------------------------------------------------------------------


def test_a_secret_shows_its_name_and_is_its_text():
    """Tracebacks and dataclasses show values by repr; a header needs the text."""
    secret = Secret("sk-123", "OPENAI_API_KEY")
    assert repr({"key": [secret]}) == "{'key': [Secret('OPENAI_API_KEY')]}"
    assert f"Bearer {secret}" == "Bearer sk-123"
    assert (secret == "sk-123", isinstance(secret, str), secret.name) == (True, True, "OPENAI_API_KEY")
    assert repr(Secret("x")) == "Secret('secret')"


def test_a_copied_secret_is_still_one():
    """Configs are copied and sent to workers."""
    secret = Secret("sk-123", "KEY")
    for twin in (copy.copy(secret), copy.deepcopy(secret), pickle.loads(pickle.dumps(secret))):
        assert (repr(twin), twin == secret) == ("Secret('KEY')", True)


# --- names ----------------------------------------------------------------------------------------------------------

WINDOWS = {"con", "prn", "aux", "nul", *(f"{kind}{n}" for kind in ("com", "lpt") for n in range(10))}


@given(st.one_of(ANY_TEXT, st.text("aZ.-_/\\: \0é9", max_size=12), st.text(max_size=3).map(lambda text: text * 200)))
@example("")
@example("..")
@example("a..b")
@example("a.")
@example("con")
@example("nul.txt")
@example("../../etc/passwd")
@example("a" * 97)
@example("a\n")
def test_a_safe_name_is_one_path_component_on_every_system(text):
    """A task of any content must not become a path outside its folder."""
    name = safe_name(text)
    assert 0 < len(name) <= 100
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789._-")
    assert name[0] not in ".-_"
    assert name[-1] != "."
    assert ".." not in name
    assert name.split(".")[0] not in WINDOWS
    assert safe_name(name) == name


@given(ANY_TEXT, ANY_TEXT)
@example("Task", "task")
@example("a b", "a-b")
@example("x" * 300, "x" * 301)
def test_two_texts_share_a_name_only_if_one_is_the_name(one, other):
    """Else one task would be taken for another, and its session resumed."""
    if safe_name(one) == safe_name(other):
        assert one == other or safe_name(one) in {one, other}


def test_good_names_stay_and_others_stay_readable():
    """A person looks for a session by its name."""
    for good in ("demo", "run-7", "a.b_c", "0", "a" * 96, "console"):
        assert safe_name(good) == good
    assert safe_name("Write a Poem!").startswith("write-a-poem-")
    assert safe_name("日本").startswith("task-")
    assert safe_name("Word " * 50, limit=9)[:-17] == "word-word"
    assert len(safe_name("X")) == len("x-") + 16


# --- streams --------------------------------------------------------------------------------------------------------


class Session:
    """Keep frontend events, as a session does."""

    def __init__(self):
        self.events = []

    def frontend(self, kind, args):
        self.events.append((kind, args["args"], args["kwargs"]))


class Block:
    """A container of a Streamlit-like stream: used with ``with``, or by its own methods."""

    def __init__(self, inner):
        self.inner = inner
        self.state = "open"

    def __enter__(self):
        return self.inner

    def __exit__(self, *exc):
        self.state = exc[0]
        return True

    def update(self, label):
        return f"updated {label}"


class Stream:
    """As little of Streamlit as is needed."""

    width = 80

    def __init__(self):
        self.written = []

    def write(self, *values, **options):
        self.written.append(values)
        return "wrote"

    def container(self):
        self.block = Block(None)
        return self.block

    def status(self, label):
        self.block = Block(None)
        self.block.inner = self.block
        return self.block


def everything(stream):
    stream.write("a", 1)
    stream.markdown("**b**")
    stream.code("c", language="python")
    stream.code("d")
    stream.divider()
    stream.progress(0.5, "half")
    stream.progress(1)
    stream.error("bad")
    with stream.status("working", expanded=True) as inner:
        inner.write("inside")
    with stream.spinner("s"), stream.expander("e"):
        pass


def test_print_system_prints_what_streamlit_would_show(capsys):
    """The same program runs in a terminal and in a page."""
    everything(PrintSystem())
    assert capsys.readouterr().out == (
        "a 1\n**b**\n```python\nc\n```\n```\nd\n```\n"
        + "-" * 40
        + "\n50% half\n100%\nerror: bad\nworking\ninside\ns\ne\n"
    )


def test_a_silent_print_system_prints_nothing(capsys):
    """Tests and batch runs want no output."""
    everything(PrintSystem(silent=True))
    assert capsys.readouterr().out == ""


def test_any_text_can_be_printed(capsys):
    """A model may write what a terminal has no character for."""
    PrintSystem().write("a\ud800b é")
    assert capsys.readouterr().out == "a\\ud800b é\n"


@pytest.mark.parametrize("encoding", ["ascii", None])
def test_a_terminal_of_any_encoding_gets_what_it_can_show(encoding):
    """Old terminals, and streams that have no encoding at all."""

    class Terminal:
        def __init__(self):
            self.text = ""
            self.encoding = encoding

        def write(self, text):
            self.text += text

    terminal = Terminal()
    with redirect_stdout(terminal):
        PrintSystem().write("é\ud800")
    assert terminal.text == ("\\xe9\\ud800\n" if encoding else "é\\ud800\n")


def test_each_call_of_a_wrapped_stream_is_logged_and_done(capsys):
    """The viewer shows a session's page from its log."""
    session = Session()
    everything(StreamWrapper(PrintSystem(), None, session))
    assert session.events == [
        ("write", ["a", "1"], {}),
        ("markdown", ["**b**"], {}),
        ("code", ["c"], {"language": "python"}),
        ("code", ["d"], {}),
        ("divider", [], {}),
        ("progress", ["0.5", "half"], {}),
        ("progress", ["1"], {}),
        ("error", ["bad"], {}),
        ("status", ["working"], {"expanded": "True"}),
        ("write", ["inside"], {}),
        ("spinner", ["s"], {}),
        ("expander", ["e"], {}),
    ]
    assert "inside\n" in capsys.readouterr().out


def test_a_wrapper_without_a_session_only_passes_on():
    """A stream can be used before there is a session."""
    stream = Stream()
    assert StreamWrapper(stream).write(1, key="k") == "wrote"
    assert stream.written == [(1,)]


def test_blocks_are_logged_in_a_with_and_without_one():
    """Streamlit's blocks are used in both ways, and some give themselves to ``with`` while others give nothing."""
    session, stream = Session(), Stream()
    wrapper = StreamWrapper(stream, None, session)
    with wrapper.container() as inner:
        inner.write("in")
    assert stream.written == [("in",)]
    with wrapper.status("s") as status:
        assert status.update(label="half") == "updated half"
    assert wrapper.status("t").update("all") == "updated all"
    assert [kind for kind, _, _ in session.events] == ["container", "write", "status", "update", "status", "update"]


def test_an_error_in_a_block_reaches_the_block():
    """A status turns red by it; and a block that swallows it may do so."""
    stream = Stream()
    with StreamWrapper(stream).container():
        raise ValueError
    assert stream.block.state is ValueError


def test_attributes_that_are_no_methods_are_passed_on():
    """``st.session_state`` is one."""
    wrapper = StreamWrapper(Stream())
    assert wrapper.width == 80
    with pytest.raises(AttributeError):
        _ = wrapper.nothing


def test_a_wrapper_can_be_copied():
    """Python asks a copy for methods before it has any attribute."""
    stream = Stream()
    copy.copy(StreamWrapper(stream)).write("x")
    assert stream.written == [("x",)]


def test_generator_blocks_are_blocks(capsys):
    """Most context managers are written as generators."""

    class Page:
        @contextmanager
        def section(self):
            yield PrintSystem()

    session = Session()
    with StreamWrapper(Page(), None, session).section() as section:
        section.write("x")
    assert [kind for kind, _, _ in session.events] == ["section", "write"]
    assert capsys.readouterr().out == "x\n"


def test_json_is_the_same_without_the_encoder_written_in_c(monkeypatch):
    """Other Pythons have none; a log must not depend on which one wrote it."""
    value = {"a": [1, 2.5, None, True, 'ä"\n'], "b": {}}
    fast = utils.encode_json(value)
    monkeypatch.setattr(utils, "_encode_parts", None)
    assert utils.encode_json(value) == fast


def test_a_value_that_holds_itself_is_refused():
    """A cycle has no JSON; whoever logs it is told as for any other value that cannot be written."""
    ring: list = []
    ring.append(ring)
    with pytest.raises(ValueError, match="cycle"):
        utils.encode_json(ring)


@pytest.mark.parametrize("sign", ["\x1b", "\r", "\x07", "\x9b", "\x00", "\x7f", "\u202e", "\u2028", "\ud800"])
def test_what_a_terminal_would_obey_becomes_visible(sign):
    """A model may be told by a web page to write escape sequences."""
    shown = visible(f"a{sign}b")
    assert sign not in shown
    assert len(shown) > 2


@given(st.text())
def test_printable_text_can_always_be_written_and_stays_as_it_is(text):
    """A text is made safe once, wherever it passes through."""
    shown = visible(text)
    shown.encode()
    assert visible(shown) == shown


def test_line_feeds_tabs_and_letters_of_any_language_stay():
    assert visible("a\n\tü 日本 🙂") == "a\n\tü 日本 🙂"
