"""What a model says becomes an action, or an error that it can read: never anything else, whatever it says."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from itertools import permutations
from typing import get_args

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lllm.errors import ParseError
from lllm.tools.cua.action import (
    MAX_PLACES,
    MAX_TEXT_CHARS,
    MAX_WAIT_MS,
    Action,
    Display,
    Point,
    parse_action,
    parse_keys,
)

DISPLAY = Display(1280, 800)
KINDS = (
    *("click", "double_click", "move", "drag", "scroll", "keypress", "type", "wait", "screenshot", "back", "forward"),
    "goto",
)
FIELDS = ("x", "y", "button", "path", "scroll_x", "scroll_y", "keys", "text", "url", "ms")
NO_NUMBERS = (float("nan"), float("inf"), -float("inf"), True, False, "5", "", [], [5], {}, {"x": 5})
BUTTONS = ("left", "right", "wheel", "back", "forward")


def parsed(**told):
    return parse_action(told, DISPLAY)


def refusal(**told):
    """Return what the model reads."""
    with pytest.raises(ParseError) as caught:
        parsed(**told)
    return str(caught.value)


# --- any value in any field ------------------------------------------------------------------------------------------

LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-3000, 3000)
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(("left", "back", "CTRL", "w", "F4", "ctrl+shift+t", "+", " ", "\x1b", "\ud800"))
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(("x", "y", "z")), inner, max_size=3),
    max_leaves=6,
)
PLACES = st.lists(st.fixed_dictionaries({"x": VALUES, "y": VALUES}) | VALUES, max_size=4)
GOOD = st.fixed_dictionaries({"x": st.integers(0, 1279), "y": st.integers(0, 799)})
ANY_TOLD = st.builds(
    lambda kind, place, rest: {**place, **rest, "type": kind},
    st.sampled_from(KINDS) | VALUES,
    GOOD | st.just({}),
    st.dictionaries(st.sampled_from(FIELDS), VALUES | PLACES | st.lists(GOOD, min_size=2, max_size=3), max_size=5),
)


def has_a_plain_button(told):
    """Whether a button is none of those that a test of its own is about."""
    return not isinstance(told.get("button"), list | dict) or not told["button"]


@settings(max_examples=600)
@given(ANY_TOLD.filter(has_a_plain_button))
@example({"type": "click", "x": 10**400, "y": 0})
@example({"type": "wait", "ms": -(10**400)})
@example({"type": "keypress", "keys": ["CTRL"] * 50_000})
@example({"type": "drag", "path": [{"x": 1, "y": 1}] * 100_000})
@example({"type": "drag", "path": [[[[[[]]]]], {"x": {"x": {"x": 1}}}]})
@example({"type": "scroll", "x": 1, "y": 1, "scroll_x": float("nan")})
@example({})
def test_whatever_a_model_says_is_an_action_or_a_parse_error(told):
    """Any other exception would end the run, in place of a message that the model mends."""
    try:
        action = parse_action(told, DISPLAY)
    except ParseError as caught:
        error = str(caught)
    else:
        return check(action)
    assert 0 < len(error) < 300
    return None


def check(action):
    """Assert what must be true of every action."""
    assert action.kind in KINDS
    assert all(0 <= point.x < 1280 and 0 <= point.y < 800 for point in action.path)
    assert all(type(number) is int for point in (*action.path, action.scroll) for number in point)
    assert 0 <= action.wait_ms <= MAX_WAIT_MS
    assert all(isinstance(key, str) and key for key in action.keys)
    assert isinstance(action.ends_run, bool)
    assert action.kind in action.tell()


@pytest.mark.parametrize("button", [["left"], {"name": "left"}, [[]]])
def test_a_button_that_is_no_text_is_a_parse_error(button):
    """The model is told; a TypeError would end the run."""
    assert "there is no button" in refusal(type="click", button=button, x=1, y=1)


@pytest.mark.parametrize("field", ["type", "x", "button"])
def test_a_number_that_python_does_not_print_is_a_parse_error(field):
    """JSON from a provider has none, but whoever calls the function in Python may."""
    refusal(**{"type": "click", "x": 1, "y": 1, field: 10**5000})


@pytest.mark.parametrize("kind", [None, 3, True, [], ["click"], {}, {"type": "click"}, "", "Click", "hover", "x" * 999])
def test_an_unknown_kind_names_those_that_there_are(kind):
    told = refusal(type=kind, x=1, y=1)
    assert told.endswith(f"there are: {', '.join(KINDS)}")
    assert len(told) < 250


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("screenshot", "wait", "back", "forward")])
def test_what_an_action_needs_must_be_there(kind):
    refusal(type=kind)


@pytest.mark.parametrize("kind", ["screenshot", "back", "forward"])
def test_what_an_action_does_not_know_is_not_looked_at(kind):
    """Models send empty fields of other actions along."""
    assert parsed(type=kind, x="?", keys=3, text=None, button=[]) == Action(kind)


# --- places ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["click", "double_click", "move", "scroll"])
@pytest.mark.parametrize(("x", "y"), [(0, 0), (1279, 799), (0, 799), (1279, 0), (640, 400)])
def test_a_place_on_the_display_is_taken(kind, x, y):
    action = parsed(type=kind, x=x, y=y)
    assert (action.kind, action.path) == (kind, (Point(x, y),))


@pytest.mark.parametrize("kind", ["click", "double_click", "move", "scroll"])
@pytest.mark.parametrize(("x", "y"), [(-1, 0), (0, -1), (1280, 0), (0, 800), (999_999, 0), (1279.5, 0)])
def test_a_place_off_the_display_tells_how_large_that_is(kind, x, y):
    """Models that were shown a scaled picture find their mistake by it."""
    assert refusal(type=kind, x=x, y=y).endswith("is off the display, which is 1280 wide and 800 high")


def test_the_bounds_are_those_of_the_display():
    told = {"type": "click", "x": 100, "y": 50}
    assert parse_action(told, Display(101, 51)).path == (Point(100, 50),)
    for smaller in (Display(100, 51), Display(101, 50)):
        with pytest.raises(ParseError):
            parse_action(told, smaller)


@pytest.mark.parametrize("x", [*NO_NUMBERS, None, 10**7, -(10**7), 10**400])
@pytest.mark.parametrize("name", ["x", "y"])
def test_a_place_must_be_of_numbers(name, x):
    assert refusal(**{"type": "click", "x": 1, "y": 1, name: x}).startswith(f"{name} must be a number, not ")


def test_parts_of_a_pixel_are_rounded():
    """Models compute with shares."""
    assert parsed(type="click", x=10.4, y=10.6).path == (Point(10, 11),)
    assert parsed(type="click", x=-0.4, y=799.4).path == (Point(0, 799),)


def test_a_drag_goes_through_all_its_places():
    path = [{"x": 1, "y": 2}, {"x": 3, "y": 4}, [5, 6]]
    assert parsed(type="drag", path=path) == Action("drag", (Point(1, 2), Point(3, 4), Point(5, 6)))


@pytest.mark.parametrize("count", [2, MAX_PLACES])
def test_a_drag_may_have_so_many_places(count):
    assert len(parsed(type="drag", path=[{"x": 1, "y": 1}] * count).path) == count


@pytest.mark.parametrize("path", [None, [], [[1, 1]], {}, "1,1", 3, [[1, 1]] * (MAX_PLACES + 1), {"x": 1, "y": 1}])
def test_a_drag_of_too_few_or_too_many_places_is_refused(path):
    assert refusal(type="drag", path=path) == f"path must be a list of 2 to {MAX_PLACES} places"


@pytest.mark.parametrize("item", [None, 1, "ab", [], [1], [1, 2, 3], {}, {"x": 1}, {"x": 1, "y": 800}, [[1], [1]]])
def test_each_place_of_a_drag_is_checked(item):
    """The last one too: what is let go off the display falls nowhere."""
    good = {"x": 1, "y": 1}
    refusal(type="drag", path=[good, item])
    refusal(type="drag", path=[item, good])


# --- the mouse -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "button"),
    [("left", "left"), ("right", "right"), ("middle", "middle"), ("wheel", "middle"), (None, "left"), ("", "left")],
)
def test_a_button_is_one_that_a_mouse_has(told, button):
    assert parsed(type="click", x=1, y=1, button=told).button == button


@pytest.mark.parametrize("button", ["back", "forward"])
def test_a_mouses_own_keys_move_in_the_history(button):
    """Wherever they are pressed."""
    assert parsed(type="click", x=5000, y=5000, button=button) == Action(button)


@pytest.mark.parametrize("button", ["Left", "none", 1, True, 3.5])
def test_an_unknown_button_names_those_that_there_are(button):
    assert refusal(type="click", x=1, y=1, button=button).endswith("there are: left, right, middle, wheel")


def test_a_scroll_goes_as_far_as_it_says():
    assert parsed(type="scroll", x=1, y=2, scroll_x=-30, scroll_y=400.4).scroll == Point(-30, 400)
    assert parsed(type="scroll", x=1, y=2).scroll == Point(0, 0)
    assert parsed(type="scroll", x=1, y=2, scroll_x=None, scroll_y=7).scroll == Point(0, 7)


@pytest.mark.parametrize("far", NO_NUMBERS)
@pytest.mark.parametrize("name", ["scroll_x", "scroll_y"])
def test_a_scroll_must_be_of_numbers(name, far):
    assert refusal(**{"type": "scroll", "x": 1, "y": 1, name: far}).startswith(f"{name} must be a number")


@pytest.mark.parametrize("kind", ["click", "double_click", "move", "scroll", "drag"])
def test_keys_are_held_meanwhile(kind):
    told = {"type": kind, "x": 1, "y": 1, "path": [[1, 1], [2, 2]]}
    assert parsed(**told, keys=["SHIFT"]).keys == ("Shift",)
    assert parsed(**told, keys="ctrl").keys == ("Control",)
    for nothing in (None, [], ""):
        assert parsed(**told, keys=nothing).keys == ()
    refusal(**told, keys=["hyper"])
    refusal(**told, keys=[1])


# --- texts and waits -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "name"), [("type", "text"), ("goto", "url")])
def test_a_text_is_kept_as_it_is(kind, name):
    for text in ("a", " \n\t", "žluťoučký 馬 🐎", "x" * MAX_TEXT_CHARS):
        assert parsed(**{"type": kind, name: text}).text == text


@pytest.mark.parametrize(("kind", "name"), [("type", "text"), ("goto", "url")])
@pytest.mark.parametrize("text", [None, "", 3, True, [], ["a"], {}])
def test_a_text_must_be_one(kind, name, text):
    assert refusal(**{"type": kind, name: text}) == f"{name} must be a text"


@pytest.mark.parametrize(("kind", "name"), [("type", "text"), ("goto", "url")])
def test_a_text_that_is_too_long_tells_what_is_allowed(kind, name):
    told = refusal(**{"type": kind, name: "x" * (MAX_TEXT_CHARS + 1)})
    assert told == f"{name} has {MAX_TEXT_CHARS + 1} characters; {MAX_TEXT_CHARS} are allowed"


@pytest.mark.parametrize(
    ("told", "wait_ms"), [(None, 1000), (0, 0), (-5, 0), (250.4, 250), (MAX_WAIT_MS, MAX_WAIT_MS), (900_000, 30_000)]
)
def test_a_wait_is_as_long_as_it_may_be(told, wait_ms):
    """An hour would be the model's mistake, and somebody's money."""
    assert parsed(type="wait", ms=told).wait_ms == wait_ms


@pytest.mark.parametrize("told", NO_NUMBERS)
def test_a_wait_must_be_a_number(told):
    assert refusal(type="wait", ms=told).startswith("ms must be a number")


# --- keys ------------------------------------------------------------------------------------------------------------

SPELLINGS = {
    "Control": ("CTRL", "Ctrl", "ctrl", "CONTROL", "Control"),
    "Meta": ("CMD", "Cmd", "COMMAND", "META", "SUPER", "WIN"),
    "Alt": ("ALT", "Alt", "OPTION"),
    "Shift": ("SHIFT", "Shift"),
    "Enter": ("ENTER", "RETURN", "Enter"),
    "Escape": ("ESC", "ESCAPE", "Escape"),
    "Backspace": ("BACKSPACE",),
    "Delete": ("DELETE", "DEL"),
    "Insert": ("INSERT",),
    "Tab": ("TAB",),
    "Home": ("HOME",),
    "End": ("END",),
    "PageUp": ("PAGEUP", "PAGE_UP", "Page Up", "PageUp"),
    "PageDown": ("PAGEDOWN", "PAGE_DOWN", "Page Down", "PageDown"),
    "ArrowUp": ("ARROWUP", "UP", "ArrowUp"),
    "ArrowDown": ("ARROWDOWN", "DOWN", "ArrowDown"),
    "ArrowLeft": ("ARROWLEFT", "LEFT", "ArrowLeft"),
    "ArrowRight": ("ARROWRIGHT", "RIGHT", "ArrowRight"),
    "CapsLock": ("CAPSLOCK",),
    " ": ("SPACE", "Space", " "),
    "/": ("/", "SLASH"),
    "\\": ("\\",),
    "+": ("+", "PLUS"),
    "-": ("-", "MINUS"),
    ",": (",", "COMMA"),
    ".": (".", "PERIOD"),
    "F1": ("F1", "f1"),
    "F12": ("F12", "f12"),
}


@pytest.mark.parametrize(("key", "spelling"), [(key, spelling) for key, all_ in SPELLINGS.items() for spelling in all_])
def test_a_key_is_known_in_all_its_spellings(key, spelling):
    """The vendor's models write them in capitals, others as Playwright or as a keyboard has them."""
    assert parse_keys([spelling]) == parse_keys(spelling) == parse_keys([spelling.lower()]) == (key,)


def test_keys_in_one_text_are_pressed_together():
    assert parse_keys("ctrl+shift+t") == parse_keys(["ctrl+shift", "t"]) == ("Control", "Shift", "t")
    assert parse_keys("CTRL+/") == ("Control", "/")
    assert parse_keys(["CTRL", "+"]) == parse_keys("ctrl+plus") == ("Control", "+")
    assert parse_keys(["CTRL", " "]) == parse_keys("ctrl+ ") == ("Control", " ")


def test_blanks_around_the_plus_do_not_matter():
    """``Ctrl + Enter`` is understood."""
    assert parse_keys("Ctrl + Enter") == ("Control", "Enter")
    assert parse_keys("Ctrl + T") == ("Control", "t")


def test_a_plus_after_a_plus_is_the_key():
    """Playwright's own spelling of it; ``ctrl+-`` for the other direction is understood."""
    assert parse_keys("ctrl+-") == ("Control", "-")
    assert parse_keys("ctrl++") == ("Control", "+")


@pytest.mark.parametrize("modifier", ["CTRL", "ALT", "CMD"])
def test_a_capital_with_a_modifier_is_the_key_and_no_shift(modifier):
    """The vendor's models write ['CTRL', 'A']: Playwright would press Shift too, and select nothing."""
    assert parse_keys([modifier, "A"])[1] == "a"
    assert parse_keys([modifier, "SHIFT", "A"])[1:] == ("Shift", "A")


def test_a_capital_by_itself_is_typed_as_one():
    assert parse_keys(["A"]) == ("A",)
    assert parse_keys(["SHIFT", "A"]) == ("Shift", "A")


@pytest.mark.parametrize(
    "told", [None, [], {}, 3, True, "", [""], [None], ["CTRL", 1], ["CTRL", ["W"]], [["CTRL", "W"]]]
)
def test_keys_must_be_names(told):
    assert refusal(type="keypress", keys=told).startswith("keys must be a list of names of keys")


@pytest.mark.parametrize("name", ["ab", "hyper", "F13", "F0", "\n", "\x1b", "\ud800", "CTRL-C", "KeyA", "x" * 999])
def test_an_unknown_key_is_named(name):
    told = refusal(type="keypress", keys=["CTRL", name])
    assert told.startswith("there is no key ")
    assert told.isprintable()
    assert len(told) < 100


# --- chords that close the window ------------------------------------------------------------------------------------

ENDS = {
    "ctrl": (["CTRL", "Control", "ctrl"], ["W", "w"]),
    "cmd": (["CMD", "Cmd", "command", "META", "super", "Win"], ["W", "w"]),
    "alt": (["ALT", "Alt", "option"], ["F4", "f4"]),
}
CHORDS = [(held, key) for held_, keys in ENDS.values() for held in held_ for key in keys]
SHIFTS = ([], ["SHIFT"], ["shift"])


@pytest.mark.parametrize("shift", SHIFTS, ids=str)
@pytest.mark.parametrize(("held", "key"), CHORDS)
def test_a_chord_that_closes_the_window_ends_the_run_in_each_spelling(held, key, shift):
    """In whichever order, as a list or as a text: a browser that is gone would be an error of each later action."""
    for parts in permutations([held, *shift, key]):
        listed = list(parts)
        for told in (listed, "+".join(listed), ["+".join(listed)], ["+".join(listed[:-1]), listed[-1]]):
            assert parsed(type="keypress", keys=told).ends_run, told


@pytest.mark.parametrize("kind", ["click", "move", "drag", "scroll", "double_click"])
def test_such_a_chord_that_is_held_ends_the_run_too(kind):
    """It would reach the browser before the mouse does anything."""
    told = {"type": kind, "x": 1, "y": 1, "path": [[1, 1], [2, 2]]}
    assert parsed(**told, keys=["CTRL", "W"]).ends_run
    assert not parsed(**told, keys=["CTRL"]).ends_run


@pytest.mark.parametrize(
    "keys",
    [
        ["W"],
        ["w"],
        ["SHIFT", "W"],
        ["F4"],
        ["CTRL"],
        ["ALT", "W"],
        ["CTRL", "A"],
        ["CTRL", "SHIFT", "T"],
        ["CTRL", "F5"],
    ],
    ids=str,
)
def test_other_chords_do_not(keys):
    assert not parsed(type="keypress", keys=keys).ends_run


def test_a_typed_text_is_no_chord():
    assert not parsed(type="type", text="Ctrl+W").ends_run


# --- telling ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("action", "line"),
    [
        ({"type": "click", "x": 3, "y": 4}, "click (3, 4)"),
        ({"type": "click", "x": 3, "y": 4, "button": "wheel"}, "click (3, 4) with the middle button"),
        ({"type": "click", "x": 3, "y": 4, "keys": ["CTRL", "SHIFT"]}, "Control+Shift click (3, 4)"),
        ({"type": "double_click", "x": 3, "y": 4}, "double_click (3, 4)"),
        ({"type": "drag", "path": [[1, 2], [3, 4]]}, "drag (1, 2) (3, 4)"),
        ({"type": "scroll", "x": 1, "y": 2, "scroll_y": -5}, "scroll (1, 2) by 0, -5"),
        ({"type": "keypress", "keys": ["CTRL", "A"]}, "Control+a keypress"),
        ({"type": "type", "text": "a\nb\x1b[2J\u202e"}, "type 'a\\nb\\x1b[2J\\u202e'"),
        ({"type": "wait", "ms": 5}, "wait 5 ms"),
        ({"type": "goto", "url": "https://a.b/c"}, "goto https://a.b/c"),
        ({"type": "back"}, "back"),
        ({"type": "screenshot"}, "screenshot"),
    ],
    ids=str,
)
def test_an_action_is_told_in_a_line(action, line):
    """It is what the log shows, and what somebody reads who is asked."""
    assert parsed(**action).tell() == line


@pytest.mark.parametrize("url", ["https://a.b\nclick (1, 1)", "https://a.b\x1b[2J", "https://a.b\u202e"])
def test_an_address_is_told_in_a_line_too(url):
    """A model could write lines of a log that nothing did, or move a terminal's cursor."""
    assert parsed(type="goto", url=url).tell().isprintable()


# --- the vendor's own types ------------------------------------------------------------------------------------------


@pytest.fixture
def vendor():
    return pytest.importorskip("openai.types.responses.computer_action", reason="the vendor's client is not installed")


def told_by(action):
    """Return an action of the vendor's types as the JSON that a reply would hold."""
    return json.loads(action.model_dump_json())


def test_every_kind_of_the_vendor_is_one_of_ours(vendor):
    """A kind that it adds is seen here."""
    known = {name for name in vendor.__all__ if name not in ("ComputerAction", "DragPath")}
    assert {re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower() for name in known} <= set(KINDS)


@pytest.mark.parametrize("keys", [None, [], ["SHIFT"], ["CTRL", "SHIFT"]])
def test_the_vendors_mouse_is_understood(vendor, keys):
    """Its optional fields are null where it has nothing to say."""
    held = tuple({"SHIFT": "Shift", "CTRL": "Control"}[key] for key in keys or [])
    at = {"x": 10, "y": 20, "keys": keys}
    place = (Point(10, 20),)
    path = [vendor.DragPath(x=1, y=2), vendor.DragPath(x=3, y=4)]
    wanted = [
        (vendor.DoubleClick(type="double_click", **at), Action("double_click", place)),
        (vendor.Move(type="move", **at), Action("move", place)),
        (vendor.Scroll(type="scroll", scroll_x=0, scroll_y=-9, **at), Action("scroll", place, scroll=Point(0, -9))),
        (vendor.Drag(type="drag", path=path, keys=keys), Action("drag", (Point(1, 2), Point(3, 4)))),
    ]
    for theirs, ours in wanted:
        assert parse_action(told_by(theirs), DISPLAY) == replace(ours, keys=held)


@pytest.mark.parametrize("button", BUTTONS)
def test_the_vendors_buttons_are_understood(vendor, button):
    known = {"left": "left", "right": "right", "wheel": "middle"}
    wanted = Action("click", (Point(10, 20),), known[button]) if button in known else Action(button)
    assert parse_action(told_by(vendor.Click(type="click", button=button, x=10, y=20)), DISPLAY) == wanted
    listed = get_args(vendor.Click.model_fields["button"].annotation)
    assert set(listed) == set(BUTTONS)


def test_the_vendors_keyboard_and_waits_are_understood(vendor):
    wanted = [
        (vendor.Keypress(type="keypress", keys=["CTRL", "A"]), Action("keypress", keys=("Control", "a"))),
        (vendor.Keypress(type="keypress", keys=["ENTER"]), Action("keypress", keys=("Enter",))),
        (vendor.Type(type="type", text="a\nb"), Action("type", text="a\nb")),
        (vendor.Wait(type="wait"), Action("wait", wait_ms=1000)),
        (vendor.Screenshot(type="screenshot"), Action("screenshot")),
    ]
    for theirs, ours in wanted:
        assert parse_action(told_by(theirs), DISPLAY) == ours
    assert parse_action(told_by(vendor.Keypress(type="keypress", keys=["CTRL", "W"])), DISPLAY).ends_run
