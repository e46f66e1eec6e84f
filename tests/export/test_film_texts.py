"""What a model did in a browser, in transcripts, notebooks, `lllm log show` and the view: a line each, and nothing obeyed."""

from __future__ import annotations

import json

import nbformat
import pytest
from export_runs import HOSTILE, Story, export, png
from film_runs import CART, Film, acting, asking, seen, shopping
from test_cells_texts import ESCAPES, markup_of

from lllm.cli.screen import Screen
from lllm.cli.show import show_session
from lllm.export.actions import ActionView, ApprovalView
from lllm.export.asked import render_item, tell_step
from lllm.export.view import BROKEN, to_view
from lllm.llm.agent import Agent
from lllm.llm.outside import perform
from lllm.llm.session import Session
from lllm.log import MemoryLog
from lllm.testing import scripted_model

TOLD = [
    "browser: goto https://shop.test -> Shop at https://shop.test/",
    """browser: click (10, 20) -> Cart at https://shop.test/cart
  note: a dialog said: Welcome
  note: it was closed""",
    """browser: type 'tea' -> Cart at https://shop.test/cart
  approval: password Login -> granted (asked)
  approval: leave https://elsewhere.test/ -> refused (nobody was there to ask)""",
    "browser: scroll (1, 1) by 0, 200 -> failed: BrowserError: it died",
    "browser: wait 10 ms -> Cart at https://shop.test/cart",
    "approval: safety Is this wise? -> refused (asked)",
    """browser: screenshot -> Cart at https://shop.test/cart
  note: [image/png: no such picture, or one that is too large]""",
]
"""What is read of ``shopping``, function by function."""


def view_of(story):
    return to_view(list(story.log.read_run(story.name)))


def functions_of(story):
    return [entry for dialog in view_of(story).dialogs for entry in dialog.entries if entry.who == "function"]


def notebook_of(story):
    """Return the notebook, which is a valid one."""
    told = json.loads(story.export("ipynb"))
    nbformat.validate(told)
    return told


# --- the view -----------------------------------------------------------------------------------------------------


def test_an_action_is_a_line_with_its_notes_and_questions_below():
    assert [render_item(item) for entry in functions_of(shopping()) for item in entry.made] == TOLD
    assert view_of(shopping()).values == view_of(shopping()).made == []


def test_an_action_of_a_real_session_has_its_place_as_one_that_is_written_here():
    log = MemoryLog()

    def browse(where: str) -> str:
        """Look at a page."""

        def look():
            perform("approval", {"kind": "leave", "what": where}, lambda: {"granted": False, "by": "asked"})
            return seen()

        return perform("browser", {"action": f"goto {where}"}, look)["title"]

    model = scripted_model({"calls": [{"name": "browse", "arguments": {"where": "x"}}]}, "done")
    agent = Agent.quick("You browse.", provider=model, functions=[browse])
    with Session.open(log, "s", header={"task": "t"}):
        dialog = agent.init_dialog()
        dialog.send_message("Look.")
        agent.call(dialog)
    [dialog] = to_view(list(log.read_run("s"))).dialogs
    [entry] = [entry for entry in dialog.entries if entry.who == "function"]
    assert [render_item(item) for item in entry.made] == [
        "browser: goto x -> Shop at https://shop.test/\n  approval: leave x -> refused (asked)"
    ]
    assert '"film":[1]' in export(log, "s", "html")


def test_an_action_whose_process_died_stands_with_its_function():
    story = Film()
    story.ask("browse", {}, acting("click (1, 1)", asks=[asking("leave", "x")]))
    [entry] = functions_of(story)
    assert [render_item(item) for item in entry.made] == [
        "browser: click (1, 1) -> no end is logged\n  approval: leave x -> no end is logged"
    ]
    story = Film()
    story.add("function.call", "1/s0/f0", name="browse", arguments="{}")
    acting("click (1, 1)")(story, "1-s0-f0.v/0")
    assert [(entry.note, len(entry.made)) for entry in functions_of(story)] == [(BROKEN, 1)]


def test_what_the_code_itself_did_in_a_browser_stands_apart():
    story = Story()
    acting("click (1, 1)", seen(), asks=[asking("leave", "x", granted=True)])(story, "v/0")
    asking("safety", "y")(story, "v/1")
    story.add("value", "v/1", name="approval", error="TypeError: not asked")
    [action, approval] = view_of(story).made
    assert [one.status for one in action.approvals] == ["granted"]
    assert (approval.status, approval.error) == ("failed", "TypeError: not asked")
    assert "## Browser, cells and services of the code itself" in story.export("md")
    assert "approval: safety y -> failed (TypeError: not asked)" in story.export("md")


def test_a_function_in_a_cell_drives_a_browser_and_both_are_told():
    story = Film()
    story.add("function.call", "1/s0/f0", name="run_python", arguments="{}")
    story.add("step", "1-s0-f0.v/0", name="cell", about={"code": "1"})
    acting("click (1, 1)", seen())(story, "1-s0-f0.v~0.v/0")
    story.result("1/s0/f0", "1")
    assert [item.kind for item in functions_of(story)[0].made] == ["cell", "action"]


@pytest.mark.parametrize("granted", [None, 1, "true", [True], {"granted": True}])
def test_only_what_is_said_to_be_granted_is(granted):
    story = Story()
    story.add("step", "v/0", name="approval", about={"kind": "leave", "what": "x"})
    story.add("value", "v/0", name="approval", value={"granted": granted, "by": None})
    assert [item.status for item in view_of(story).made] == ["refused"]


def test_a_function_that_returned_pictures_says_how_many():
    images = [{"media_type": "image/png", "base64": png(), "url": ""}]
    story = Film().ask("plot", {}, text="a plot", images=images).ask("plot", {}, text="", images=images * 2)
    assert [(entry.text, entry.pictures) for entry in functions_of(story)] == [
        ("a plot\n[1 picture]", 1),
        ("[2 pictures]", 2),
    ]


def test_one_event_alone_is_a_line():
    told = [tell_step(event.data) for event in shopping().log.read_run("s") if event.kind in {"step", "value"}]
    assert told[2:9] == [
        "browser: click (10, 20)",
        "-> Cart at https://shop.test/cart",
        "browser: type 'tea'",
        "approval: password Login",
        "-> granted (asked)",
        "approval: leave https://elsewhere.test/",
        "-> refused (nobody was there to ask)",
    ]
    assert tell_step({"name": "browser", "value": {"url": "x"}}) == ""
    assert tell_step({"name": "approval", "value": {"granted": "x"}}) == ""


def test_no_line_is_longer_than_a_person_reads():
    long = "word " * 2000
    story = Film().act(long, seen((long, long), notes=[long] * 1000), asks=[asking(long, long, granted=False, by=long)])
    [action] = functions_of(story)[0].made
    assert max(map(len, render_item(action).split("\n"))) < 1200
    assert len(action.notes) == 100
    assert len(tell_step({"name": "browser", "about": {"action": long}}, limit_chars=60)) < 80
    assert len(story.export("md")) < 400_000


def test_nothing_of_a_browser_is_obeyed_by_a_terminal():
    for entry in functions_of(shopping(ESCAPES)):
        for item in entry.made:
            told = render_item(item)
            assert not {"\x1b", "\x07", "\u200b"} & set(told)


def test_each_kind_of_item_has_its_name():
    assert (ActionView(0, "").kind, ApprovalView(0, "", "").kind) == ("action", "approval")


# --- what is written ----------------------------------------------------------------------------------------------


def test_lllm_log_show_prints_these_lines(capsys):
    show_session(Screen(), "s", view_of(shopping()), full=False)
    told = capsys.readouterr().out
    for lines in TOLD:
        assert "\n".join(f"  {line}" for line in lines.split("\n")) in told


def test_a_transcript_has_the_action_its_notes_and_folded_the_structure():
    told = shopping().export("md")
    for lines in TOLD:
        assert f"`{lines.partition(chr(10))[0]}`" in told
    assert "a dialog said: Welcome\nit was closed\n[image/png, 4x3, 73 bytes]" in told
    assert "`approval: leave https://elsewhere.test/ -> refused (nobody was there to ask)`" in told
    assert '<summary>the page\'s structure</summary>\n\n```yaml\n- heading "Shop" [level=1]\n```' in told
    assert told.count("<summary>what the model read</summary>") == 6
    assert png() not in told


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_of_a_browser_is_markup_in_a_transcript(text):
    told, plain = (markup_of(shopping(one).export("md")) for one in (text, "plain"))
    assert told == plain


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_of_a_browser_is_markup_in_a_notebook(text):
    found = []
    for one in (text, "plain"):
        cells = [cell for cell in notebook_of(shopping(one))["cells"] if cell["cell_type"] == "markdown"]
        found.append([token for cell in cells for token in markup_of("".join(cell["source"]))])
    assert found[0] == found[1]


def test_a_notebook_shows_each_picture_once():
    images = [{"media_type": "image/png", "base64": png(7, 7), "url": ""}]
    story = (
        Film().act("click (1, 1)", seen(CART)).ask("plot", {}, images=images).ask("look", {}, images=[{"base64": 7}])
    )
    shown = [cell["attachments"] for cell in notebook_of(story)["cells"] if "attachments" in cell]
    assert shown == [{"picture-0": {"image/png": png()}}, {"picture-0": {"image/png": png(7, 7)}}]
