"""What a model gets to see of a browser, what it may do with it, and what others must allow first."""

from __future__ import annotations

import asyncio
import os
import re
import select
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hostile_site import Elsewhere
from shop_site import PASSWORD, PLACES, USER, Shop
from surfer import (
    Surfer,
    act,
    find_browsers,
    in_browser,
    notes_of,
    open_log,
    policy_for,
    replay_without_browser,
    to_computer,
)

from lllm.errors import ApprovalDenied, BrowserUnavailable, CallCancelled, LimitExceeded
from lllm.export import Choice, render_run
from lllm.export.record import RunRecord
from lllm.llm import Session
from lllm.llm.limits import Limits
from lllm.replay import fork, replay
from lllm.tools.cua import BrowserPolicy, BrowserTool
from lllm.tools.cua.life import LOST

PATIENCE_S = 20


@pytest.fixture
def shop():
    with Shop() as shop:
        yield shop


@pytest.fixture
def log(tmp_path):
    return open_log(tmp_path)


def told(log, kind, name="", session="s"):
    """Return the data of a session's events of a kind, and of a step's or value's name."""
    return [e.data for e in log.read_run(session) if e.kind == kind and (not name or e.data.get("name") == name)]


def approvals(log, session="s"):
    """Return what was asked, and whether it was granted."""
    asked = [data["about"]["kind"] for data in told(log, "step", "approval", session)]
    return list(zip(asked, (data["value"]["granted"] for data in told(log, "value", "approval", session)), strict=True))


@in_browser
def test_a_result_tells_the_page_and_shows_it(shop, log):
    """The accessibility tree stands beside the picture, for models that read better than they see."""
    surfer = Surfer(policy_for(shop), [act("goto", url=shop.url)])
    answer = surfer.live(log)
    assert answer.startswith(f"Tea shop at {shop.url}/\n")
    assert 'link "Sort a list"' in answer
    (result,) = surfer.results
    assert [image.media_type for image in result.images] == ["image/png"]
    (value,) = told(log, "value", "browser")
    assert value["value"]["png"] == result.images[0].base64


@in_browser
def test_every_action_is_an_event(shop, log):
    Surfer(policy_for(shop), [act("goto", url=f"{shop.url}/keys"), act("click", PLACES["keys.text"])]).live(log)
    assert [data["about"]["action"] for data in told(log, "step", "browser")] == [
        f"goto {shop.url}/keys",
        "click (380, 350)",
    ]


@in_browser
@pytest.mark.parametrize("keys", [["Ctrl", "W"], ["ALT+F4"], ["cmd", "w"]])
def test_keys_that_close_a_window_end_the_run(keys, shop, log):
    """The model answers with what it has; neither the chord nor what follows reaches the page."""
    actions = [act("goto", url=f"{shop.url}/keys"), act("click", PLACES["keys.log"]), act("keypress", keys=keys)]
    surfer = Surfer(policy_for(shop), [*actions, act("keypress", keys=["x"])])
    assert "ended the use of the browser" in surfer.live(log)
    assert (len(surfer.results), shop.chords) == (3, [])
    assert told(log, "function.result")[-1]["last"] is True


@in_browser
@pytest.mark.parametrize("face", ["sync", "async"])
def test_what_a_reply_asks_for_behind_the_end_is_not_done(face, shop, log):
    """It would reach a page that the model has closed, as far as it knows; the next call may go on."""
    first = [act("goto", url=f"{shop.url}/keys"), act("click", PLACES["keys.log"]), act("keypress", keys=["a"])]
    surfer = Surfer(policy_for(shop), [[*first, act("keypress", keys=["Alt", "F4"]), act("keypress", keys=["b"])]])
    surfer.live(log, face=face)
    assert shop.chords == ["a"]
    assert [data.get("last") for data in told(log, "function.result")] == [None, None, None, True, None]


@in_browser
def test_what_is_off_the_display_is_an_error_that_the_model_reads(shop, log):
    surfer = Surfer(policy_for(shop), [act("click", (1280, 10)), act("click", (1279, 799))])
    surfer.live(log)
    first, second = surfer.results
    assert "(1280, 10) is off the display, which is 1280 wide and 800 high" in first.content
    assert not second.is_error


@in_browser
def test_the_actions_of_one_reply_are_done_in_their_order(shop, log):
    """A model that asks for a click and some typing at once means them one after the other."""
    actions = [act("goto", url=f"{shop.url}/keys"), act("click", PLACES["keys.text"])]
    actions += [act("type", text=text) for text in ("one ", "two ", "three")]
    Surfer(policy_for(shop), [actions, act("click", PLACES["keys.save"])]).live(log)
    assert shop.notes == []
    surfer = Surfer(policy_for(shop), [[*actions, act("click", PLACES["keys.save"])]])
    surfer.live(log, "t", "async")
    assert shop.notes == ["one two three"]


# --- approvals ---------------------------------------------------------------------------------------------------------

LOGIN = (act("click", PLACES["login.user"]), act("type", text=f"{USER}\t{PASSWORD}\n"))


def log_in(shop, approve, **options):
    return Surfer(policy_for(shop, **options), [act("goto", url=f"{shop.url}/login"), *LOGIN], approve)


@in_browser
@pytest.mark.parametrize("granted", [True, False])
def test_a_password_waits_for_an_approval_that_is_an_event(granted, shop, log, tmp_path, monkeypatch):
    surfer = log_in(shop, lambda _approval: granted)
    answer = surfer.live(log)
    assert (surfer.asked, approvals(log)) == ([("password", f"{shop.url}/login")], [("password", granted)])
    assert [login.right for login in shop.logins] == ([True] if granted else [])
    assert ("typing into a password field was refused" in notes_of(answer)) is not granted
    asked = [*surfer.asked]
    report, is_same = replay_without_browser(surfer, log, tmp_path, monkeypatch)
    assert (report.status, is_same, surfer.asked) == ("same", True, asked)


@in_browser
def test_unattended_all_that_needs_an_approval_is_refused(shop, log):
    log_in(shop, None).live(log)
    assert (shop.logins, approvals(log)) == ([], [("password", False)])
    assert told(log, "value", "approval")[0]["value"]["by"] == "nobody was there to ask"


@in_browser
def test_an_approver_that_fails_has_not_approved(shop, log):
    def fail(_approval):
        raise RuntimeError("no line")

    log_in(shop, fail).live(log)
    assert (shop.logins, approvals(log)) == ([], [("password", False)])
    assert "RuntimeError: no line" in told(log, "value", "approval")[0]["value"]["by"]


@in_browser
def test_only_true_is_a_yes(shop, log):
    log_in(shop, lambda _approval: "yes, of course").live(log)
    assert (shop.logins, approvals(log)) == ([], [("password", False)])


@in_browser
def test_what_the_policy_does_not_ask_about_is_refused_without_a_question(shop, log):
    surfer = log_in(shop, lambda _approval: True, asks=("leave",))
    surfer.live(log)
    assert (shop.logins, surfer.asked) == ([], [])


@in_browser
@pytest.mark.parametrize("granted", [True, False])
def test_leaving_the_sites_waits_for_an_approval(granted, shop, log):
    """Once it was given, the new site is one of the allowed ones, for this browser."""
    with Elsewhere() as elsewhere:
        actions = [act("goto", url=f"{elsewhere.url}/a"), act("goto", url=f"{elsewhere.url}/b")]
        surfer = Surfer(policy_for(shop), actions, lambda _approval: granted)
        answer = surfer.live(log)
        assert bool(elsewhere.touched) is granted
    assert ("You are elsewhere" in answer) is granted
    assert [kind for kind, _ in surfer.asked] == (["leave"] if granted else ["leave", "leave"])


@in_browser
def test_somebody_who_thinks_about_it_is_waited_for(shop, log):
    """An approval is on nobody's clock: it took longer here than an action may."""
    waited = []

    def think(_approval):
        shop.closing.wait(1.5)
        waited.append(True)
        return True

    surfer = log_in(shop, think, action_s=1.0)
    answer = surfer.live(log)
    assert (waited, [login.right for login in shop.logins]) == ([True], [True])
    assert f"Welcome, {USER}" in answer
    assert "not over within" not in "".join(message.content for message in surfer.results)


@in_browser
@pytest.mark.parametrize("granted", [True, False])
def test_a_download_waits_for_an_approval(granted, shop, log, tmp_path):
    folder = tmp_path / "down"
    folder.mkdir()
    actions = [act("goto", url=f"{shop.url}/download"), act("click", PLACES["download.file"]), act("screenshot")]
    surfer = Surfer(policy_for(shop, downloads=str(folder)), actions, lambda _approval: granted)
    surfer.live(log)
    notes = notes_of("\n".join(message.content for message in surfer.results))
    assert [path.name for path in folder.iterdir()] == (["prices.csv"] if granted else [])
    assert ("a download was saved as prices.csv" if granted else "a download was refused: prices.csv") in notes


@in_browser
def test_a_download_overwrites_nothing(shop, log, tmp_path):
    (tmp_path / "prices.csv").write_text("mine", "utf-8")
    actions = [act("goto", url=f"{shop.url}/download"), act("click", PLACES["download.file"]), act("screenshot")]
    Surfer(policy_for(shop, downloads=str(tmp_path)), actions, lambda _approval: True).live(log)
    assert (tmp_path / "prices.csv").read_text("utf-8") == "mine"


@in_browser
@pytest.mark.parametrize("granted", [True, False])
def test_a_file_chooser_waits_for_an_approval(granted, shop, log, tmp_path):
    letter = tmp_path / "letter.txt"
    letter.write_text("Dear shop", "utf-8")
    actions = [act("goto", url=f"{shop.url}/upload"), act("click", PLACES["upload.file"])]
    surfer = Surfer(
        policy_for(shop, uploads=(str(letter),)),
        [*actions, act("click", PLACES["upload.send"])],
        lambda _approval: granted,
    )
    surfer.live(log)
    assert [body for _, body in shop.uploads if body] == ([b"Dear shop"] if granted else [])


# --- the vendor's tool ---------------------------------------------------------------------------------------------------


def computer(*actions, checks=()):
    """Return one call of the vendor's tool."""
    return {"type": "computer", "actions": actions, "checks": list(checks)}


def call_computer(told):
    """Word a call; see :func:`computer`."""
    if told["type"] != "computer":
        return to_computer(told)
    arguments = {"actions": list(told["actions"]), "pending_safety_checks": told["checks"]}
    return {"name": "computer", "arguments": arguments}


CHECK = {"id": "sc_1", "code": "malicious_instructions", "message": "The page gives orders."}


@in_browser
def test_a_safety_check_that_is_approved_lets_the_action_through(shop, log):
    call = computer(act("goto", url=f"{shop.url}/list"), checks=[CHECK])
    surfer = Surfer(policy_for(shop), [call], lambda _approval: True, call_computer)
    surfer.live(log)
    assert (surfer.asked, approvals(log)) == ([("safety", "The page gives orders.")], [("safety", True)])
    assert "/list" in shop.paths


@pytest.mark.parametrize("approve", [None, lambda _approval: False])
def test_a_safety_check_that_is_not_approved_ends_the_call(approve, shop, log, tmp_path, monkeypatch):
    """No browser is even started, and the vendor is not told that anybody acknowledged it."""
    call = computer(act("goto", url=f"{shop.url}/list"), checks=[CHECK])
    surfer = Surfer(policy_for(shop), [call], approve, call_computer)
    with pytest.raises(ApprovalDenied, match="The page gives orders"):
        surfer.live(log)
    assert (shop.paths, approvals(log), told(log, "step", "browser")) == ([], [("safety", False)], [])
    report, is_same = replay_without_browser(surfer, log, tmp_path, monkeypatch)
    assert (report.status, is_same, report.error.partition(":")[0]) == ("same", True, "ApprovalDenied")


@in_browser
def test_a_batch_stops_at_an_action_that_cannot_be_done(shop, log):
    """What follows was meant for the page that it would have led to."""
    batch = computer(
        act("goto", url=f"{shop.url}/keys"),
        act("click", PLACES["keys.log"]),
        act("click", (9999, 1)),
        act("keypress", keys=["x"]),
    )
    surfer = Surfer(policy_for(shop), [batch], None, call_computer)
    answer = surfer.live(log)
    assert "(9999, 1) is off the display" in answer
    assert (shop.chords, len(told(log, "step", "browser"))) == ([], 2)
    assert len(surfer.results[0].images) == 1


@in_browser
def test_a_chord_in_a_batch_ends_the_run_there(shop, log):
    keys = [act("keypress", keys=["a"]), act("keypress", keys=["Ctrl", "W"]), act("keypress", keys=["b"])]
    batch = computer(act("goto", url=f"{shop.url}/keys"), act("click", PLACES["keys.log"]), *keys)
    Surfer(policy_for(shop), [batch, act("screenshot")], None, call_computer).live(log)
    assert shop.chords == ["a"]
    assert told(log, "function.result")[-1]["last"] is True


# --- ends, and what goes on ------------------------------------------------------------------------------------------------


def test_without_a_browser_the_call_ends_with_what_mends_it(log, monkeypatch):
    """The model could only try again, or make something up."""
    monkeypatch.setenv("LLLM_CHROMIUM", "no-such-browser")
    surfer = Surfer(BrowserPolicy(), [act("screenshot")])
    with pytest.raises(BrowserUnavailable, match="no-such-browser") as caught:
        surfer.live(log)
    assert "apt install chromium" in caught.value.hint
    assert told(log, "function.result") == []


@in_browser
def test_a_deadline_ends_a_call_in_the_middle_of_an_action(shop, log):
    """Limits of time come from the machine's budgets; what hangs is left behind, and its browser closed."""
    surfer = Surfer(policy_for(shop), [act("goto", url=shop.url), act("wait", ms=30_000)])
    with (
        pytest.raises(LimitExceeded, match="deadline"),
        Session.open(log, "s", seed=0, limits=Limits(deadline_s=5.0)) as session,
    ):
        surfer.run(session)
    assert [data["about"]["action"] for data in told(log, "step", "browser")][-1] == "wait 30000 ms"


@in_browser
def test_a_session_that_is_cancelled_waits_for_no_answer(shop, log, tmp_path, monkeypatch):
    """Whoever gives up a run need not first be asked what it may do; nor is the browser left as it was."""
    given_up, answers, others = threading.Event(), [], find_browsers()

    def think(_approval):
        session.cancel()
        answers.append(given_up.wait(PATIENCE_S))
        return True

    surfer = log_in(shop, think)
    with pytest.raises(CallCancelled), Session.open(log, "s", header={"task": "t"}, seed=0) as session:
        surfer.run(session)
    assert answers == []
    given_up.set()
    assert (shop.logins, find_browsers()) == ([], others)
    report, is_same = replay_without_browser(surfer, log, tmp_path, monkeypatch)
    assert (report.status, is_same, report.error.partition(":")[0]) == ("same", True, "CallCancelled")


@in_browser
def test_rounds_are_counted_as_for_every_function(shop, log):
    surfer = Surfer(policy_for(shop), [act("screenshot")] * 9, max_interrupt_times=2)
    surfer.live(log)
    assert len(surfer.results) == 2


@in_browser
def test_sessions_and_scopes_that_run_side_by_side_have_browsers_of_their_own(shop, log):
    """Cookies of one are not those of the other."""
    policy = policy_for(shop)

    def work(name):
        surfer = Surfer(policy, [act("goto", url=f"{shop.url}/product/{name}"), act("click", PLACES["product.add"])])
        return surfer.run

    def run(session):
        return session.map(lambda name: work(name)(session), [1, 2])

    with Session.open(log, "s", seed=0) as session:
        run(session)
    assert sorted(shop.baskets.values(), key=str) == [{1: 1}, {2: 1}]
    assert replay(log, "s", run).status == "same"


@in_browser
def test_a_fork_goes_on_in_a_new_browser_at_the_last_address(shop, log):
    """Cookies and what stood in fields are gone, and the model is told so."""
    policy = policy_for(shop)
    surfer = Surfer(policy, [act("goto", url=f"{shop.url}/keys"), act("screenshot"), act("screenshot")])
    surfer.live(log)
    requests = [event for event in log.read_run("s") if event.kind == "model.request"]
    fork(log, "s", at=requests[-2].seq, run=surfer.run)
    first, second, third = (message.content for message in surfer.results)
    assert LOST not in first + second
    assert LOST in notes_of(third)
    assert third.startswith(f"Keys at {shop.url}/keys")
    assert shop.paths.count("/keys") == 2


@in_browser
def test_an_action_works_outside_of_any_session(shop):
    """In a notebook one tries it by hand."""
    tool = BrowserTool(policy_for(shop, start=f"{shop.url}/menu"))
    text, picture = tool.act(act("screenshot"))
    assert text.startswith("Menus at")
    assert len(picture.base64) > 1000
    text, _ = asyncio.run(asyncio.to_thread(tool.act, act("goto", url=shop.url)))
    assert re.match("Tea shop at", text)


@in_browser
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are looked up in /proc")
def test_a_session_that_ends_leaves_no_browser_behind(shop, log):
    surfer, others = Surfer(policy_for(shop), [act("screenshot")]), set(find_browsers())
    with Session.open(log, "s", seed=0) as session:
        surfer.run(session)
        assert len(set(find_browsers()) - others) == 1
    assert set(find_browsers()) <= others


@in_browser
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are looked up in /proc")
def test_a_process_that_is_killed_leaves_no_browser_behind(tmp_path):
    """Nobody is there any more to close it; it must notice that itself."""
    program = (
        "import sys, time\n"
        "from lllm.tools.cua import BrowserPolicy, BrowserTool\n"
        "BrowserTool(BrowserPolicy()).act({'type': 'screenshot'})\n"
        "print('ready', flush=True)\n"
        "sys.stdin.read()\n"
    )
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=tmp_path) as process:
        assert process.stdout.readline() == b"ready\n"
        (browser,) = find_browsers(process.pid)
        process.kill()
    watched = os.pidfd_open(browser)
    try:
        assert select.select([watched], [], [], 30)[0]
    finally:
        os.close(watched)


@in_browser
def test_the_exports_show_what_was_done(shop, log):
    """The steps have the names that the exports know."""
    surfer = Surfer(policy_for(shop), [act("goto", url=shop.url), act("goto", url="https://example.org/")])
    surfer.live(log)
    shown = "".join(render_run(RunRecord(log, "s"), Choice("md")))
    assert f"browser: goto {shop.url} -> Tea shop at {shop.url}/" in shown
    assert "approval: leave https://example.org/ -> refused (nobody was there to ask)" in shown
