"""The vendor's own computer-use tool of the Responses format: declared, asked for, answered, and sent back."""

from __future__ import annotations

import json
import time
from dataclasses import replace

import pytest
from chat_values import ask, history

from lllm.const import Finish, Roles
from lllm.errors import ConfigError
from lllm.llm.agent import Agent
from lllm.llm.dialog import Dialog
from lllm.llm.session import Session
from lllm.log import MemoryLog
from lllm.models.call import FunctionCall
from lllm.models.function import EMPTY_RESULT, PICTURE, Function
from lllm.models.image import Image
from lllm.models.message import Message, Native, message_from_dict, message_to_dict
from lllm.models.request import ModelRequest
from lllm.providers.mlx_question import to_question
from lllm.providers.wire import anthropic_request, chat_request, ollama_request
from lllm.providers.wire.draft import MAX_CALLS, Asked
from lllm.providers.wire.profile import Profile
from lllm.providers.wire.responses_reply import parse_reply, read_stream
from lllm.providers.wire.responses_request import BLANK, build_request
from lllm.replay import replay
from lllm.testing import function_model
from lllm.utils import encode_json

OWN = Profile(name="own", base_url="http://own/v1", api="responses")
OTHER = Profile(name="other", base_url="http://other/v1", api="responses")
ASKED = Asked("m", "own")
COMPUTER = {"type": "computer"}
PREVIEW = {
    "type": "computer_use_preview",
    "display_width": 800,
    "display_height": 600,
    "environment": "browser",
}
ACTIONS = [
    {"type": "click", "button": "left", "x": 1, "y": 2, "keys": ["SHIFT"]},
    {"type": "double_click", "x": 1, "y": 2, "keys": None},
    {"type": "drag", "path": [{"x": 1, "y": 2}, {"x": 3, "y": 4}], "keys": ["ALT"]},
    {"type": "keypress", "keys": ["CTRL", "A"]},
    {"type": "move", "x": 1, "y": 2, "keys": []},
    {"type": "screenshot"},
    {"type": "scroll", "scroll_x": 0, "scroll_y": 100, "x": 1, "y": 2, "keys": ["CTRL"]},
    {"type": "type", "text": "hé"},
    {"type": "wait"},
]
CHECKS = [{"id": "cu_sc_1", "code": "malicious_instructions", "message": "Is this right?"}]
THOUGHT = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAA"}
SAID = {
    "type": "message",
    "id": "msg_1",
    "status": "completed",
    "role": "assistant",
    "content": [{"type": "output_text", "annotations": [], "text": "I look."}],
}
CALLED = {"type": "function_call", "id": "fc_1", "call_id": "f1", "name": "add", "arguments": "{}"}
SHOT, OTHER_SHOT = Image("QUJD"), Image(url="http://pictures/1.png")
SHOT_URL = "data:image/png;base64,QUJD"


def computer(vendor=None, function=lambda **_: ""):
    fields = {"actions": {"type": "array"}, "pending_safety_checks": {"type": "array"}}
    options = {"required": ["actions"], "function": function, "vendor": vendor or COMPUTER, "serial": True}
    return Function("computer", "Use it.", fields, **options)


def moved(call_id="c1", actions=None, **more):
    """A ``computer_call`` of the newer tool; ``more`` stands over what it says."""
    item = {"type": "computer_call", "id": f"cu_{call_id}", "call_id": call_id, "status": "completed"}
    return {**item, "pending_safety_checks": [], "actions": actions or [ACTIONS[0]], **more}


def body(*output, status="completed", **more):
    return json.dumps({"id": "resp_1", "model": "m", "status": status, "output": output, **more}).encode()


def event(kind, **fields):
    return b"data: %b\n\n" % json.dumps({"type": f"response.{kind}", **fields}).encode()


def streamed(*output, last=None, ended=True):
    """The events of a reply; ``last`` stands in for the output of the last, and ``ended`` is whether items are."""
    events = []
    for place, item in enumerate(output):
        begun = {**item, "status": "in_progress"}
        events.append(event("output_item.added", output_index=place, item=begun))
        if ended:
            events.append(event("output_item.done", output_index=place, item=item))
    whole = {"status": "completed", "output": list(output) if last is None else last}
    return b"".join([*events, event("completed", response=whole)])


def read(*output, **more):
    """A reply of our server, as it comes back out of a log."""
    told = message_to_dict(parse_reply(body(*output, **more), ASKED))
    return message_from_dict(json.loads(encode_json(told)))


def result(call_id="c1", text="", *images):
    return Message(Roles.TOOL, text, "function", tool_call_id=call_id, images=images)


def body_of(request, profile=OWN):
    return json.loads(build_request(request, profile).body)


def sent(*messages, profile=OWN):
    """The input items of a dialog, but for the first message's."""
    return body_of(ask("hi", *messages), profile)["input"][1:]


def asked_by(item):
    """What a function is asked by an item, and what is wrong with it."""
    (call,) = parse_reply(body(item), ASKED).function_calls
    return call.name, call.arguments, bool(call.fault)


# --- what is offered -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("vendor", [COMPUTER, PREVIEW])
def test_the_vendors_tool_is_sent_as_the_vendor_declares_it(vendor):
    """A name or a schema beside its type is refused."""
    tools = body_of(ask(functions=(computer(vendor), Function("add", "Add."))))["tools"]
    assert tools[0] == vendor
    assert {name: tools[1][name] for name in ("type", "name")} == {"type": "function", "name": "add"}
    assert "vendor" not in tools[1]


@pytest.mark.parametrize(
    "build",
    [
        pytest.param(chat_request.build_request, id="chat"),
        pytest.param(anthropic_request.build_request, id="anthropic"),
        pytest.param(ollama_request.build_request, id="ollama"),
        pytest.param(lambda request, _: to_question(request, max_tokens=9), id="mlx"),
    ],
)
def test_other_formats_refuse_the_vendors_tool(build):
    """Sent as a plain function, it would be another tool than the one that the model was trained on."""
    with pytest.raises(ConfigError, match=r"'computer' is a vendor's own tool") as caught:
        build(ask(functions=(Function("add"), computer())), OWN)
    assert "response" in caught.value.hint


@pytest.mark.parametrize(
    ("request_", "told"),
    [
        (ask(functions=(computer(PREVIEW),)), "auto"),
        (ask(model="computer-use-preview-2025-03-11"), "auto"),
        (ask(functions=(computer(PREVIEW),), params={"truncation": "disabled"}), "disabled"),
        (ask(functions=(computer(PREVIEW),), extra_body={"truncation": "disabled"}), "disabled"),
        (ask(functions=(computer(),)), None),
        (ask(functions=(Function("add"),)), None),
    ],
)
def test_only_the_older_tool_needs_truncation(request_, told):
    """Its model answers status 400 without it; for others it would drop what was said without a word."""
    assert body_of(request_).get("truncation") == told


@pytest.mark.parametrize(
    "choice",
    [
        {"type": "function", "function": {"name": "computer"}},
        {"type": "function", "name": "computer"},
    ],
)
@pytest.mark.parametrize(("vendor", "kind"), [(COMPUTER, "computer"), (PREVIEW, "computer_use_preview")])
def test_the_vendors_tool_is_chosen_by_its_type(choice, vendor, kind):
    """It has no name in the request, so a choice by name is one of a function that is not there."""
    functions = (Function("add"), computer(vendor))
    assert body_of(ask(functions=functions, params={"tool_choice": choice}))["tool_choice"] == {"type": kind}
    add = {"type": "function", "name": "add"}
    assert body_of(ask(functions=functions, params={"tool_choice": add}))["tool_choice"] == add
    assert body_of(ask(functions=functions, params={"tool_choice": "required"}))["tool_choice"] == "required"


# --- what is asked for -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action["type"])
@pytest.mark.parametrize("pending", [[], CHECKS])
def test_a_computer_call_is_a_function_call(action, pending):
    """The older tool asks for one action, the newer for several; a function sees no difference."""
    wanted = ("computer", {"actions": [action], "pending_safety_checks": pending}, False)
    newer = moved(actions=[action], pending_safety_checks=pending)
    older = {key: value for key, value in newer.items() if key != "actions"}
    assert asked_by(newer) == wanted
    assert asked_by({**older, "action": action}) == wanted
    assert asked_by({**newer, "action": {"type": "wait"}}) == wanted
    assert asked_by({**older, "actions": [], "action": action}) == wanted
    assert asked_by({**older, "actions": None, "action": action}) == wanted


@pytest.mark.parametrize(
    ("said", "actions"),
    [
        ({"actions": None}, []),
        ({"actions": []}, []),
        ({"actions": [], "action": None}, []),
        ({"actions": "click"}, "click"),
        ({"actions": {"type": "wait"}}, {"type": "wait"}),
        ({"actions": ["click", 1]}, ["click", 1]),
        ({"pending_safety_checks": None}, [ACTIONS[0]]),
        ({"pending_safety_checks": "all"}, [ACTIONS[0]]),
    ],
)
def test_what_is_wrong_in_a_computer_call_is_for_the_function_to_refuse(said, actions):
    """What we made right would be done, and nobody asked for it; without any action, the screen is what is asked."""
    assert asked_by({**moved(), **said}) == ("computer", {"actions": actions, "pending_safety_checks": []}, False)


@pytest.mark.parametrize("status", ["incomplete", "in_progress"])
def test_a_computer_call_that_was_cut_off_is_not_done(status):
    """Half of what it was to do may be a transfer without the amount's last digit."""
    assert asked_by(moved(status=status)) == ("computer", {}, True)
    cut = {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}
    assert parse_reply(body(moved(status=status), **cut), ASKED).finish is Finish.LENGTH
    assert sent(read(moved(status=status), **cut)) == [moved(status=status)]


@pytest.mark.parametrize("odd", [float("nan"), float("inf"), json.loads("[" * 400 + "]" * 400)])
def test_a_computer_call_of_what_cannot_be_logged_is_a_faulty_function_call(odd):
    """A server may write what no JSON can hold; the dialog goes on, in plain words and on both sides of the call."""
    message = parse_reply(body(moved(actions=[{"type": "click", "x": odd}])), ASKED)
    assert message.native is None
    (call,) = message.function_calls
    assert call.fault
    back = sent(message, result("c1", "no", SHOT))
    assert [item["type"] for item in back] == ["function_call", "function_call_output"]


def test_it_stands_beside_all_else_that_a_reply_says():
    """Text, reasoning, functions and several computer calls in one reply keep their order and their own words."""
    items = [THOUGHT, SAID, moved("c1"), CALLED, moved("c2", [ACTIONS[3]])]
    message = read(*items)
    assert message.content == "I look."
    names = [(call.id, call.name) for call in message.function_calls]
    assert names == [("c1", "computer"), ("f1", "add"), ("c2", "computer")]
    assert message.native == Native("own", tuple(items))
    assert sent(message) == items


@pytest.mark.parametrize("last", [None, []])
def test_a_stream_says_the_same(last):
    """Some gateways leave the last event's output empty: the items of the events before it are the reply then."""
    items = [THOUGHT, moved("c1", pending_safety_checks=CHECKS), CALLED]
    reader = read_stream(ASKED)
    deltas = reader.feed(streamed(*items, last=last))
    message, whole = reader.end(), parse_reply(body(*items), ASKED)
    assert (message.function_calls, message.native) == (whole.function_calls, whole.native)
    calls = [(delta.text, delta.index, delta.name) for delta in deltas if delta.kind == "call"]
    assert calls == [(whole.function_calls[0].raw_arguments, 0, "computer"), ("{}", 1, "add")]


def test_a_stream_that_leaves_a_call_out_at_its_end_has_asked_for_it():
    """What was shown was asked for."""
    reader = read_stream(ASKED)
    reader.feed(streamed(moved(), SAID, last=[SAID]))
    assert [call.name for call in reader.end().function_calls] == ["computer"]


def test_a_stream_that_never_ends_a_call_has_cut_it_off():
    """The item as it was begun may hold half of its actions."""
    reader = read_stream(ASKED)
    reader.feed(streamed(moved(), last=[], ended=False))
    assert [bool(call.fault) for call in reader.end().function_calls] == [True]


# --- what goes back --------------------------------------------------------------------------------------------------


def test_a_result_is_a_screenshot():
    """The vendor's tool is answered by its own item, which the checks that were approved stand in."""
    item = moved(pending_safety_checks=CHECKS)
    output = {"type": "computer_screenshot", "image_url": SHOT_URL}
    answer = {"type": "computer_call_output", "call_id": "c1", "output": output}
    for text in ("", PICTURE, EMPTY_RESULT):
        assert sent(read(item), result("c1", text, SHOT)) == [item, {**answer, "acknowledged_safety_checks": CHECKS}]
    assert sent(read(moved()), result("c1", "", SHOT)) == [moved(), answer]
    linked = sent(read(moved()), result("c1", "", OTHER_SHOT))[1]
    assert linked["output"]["image_url"] == "http://pictures/1.png"


def test_what_a_screenshot_does_not_show_is_said_behind_it_and_not_in_the_users_name():
    """A page may write a note; a user's word would be a permission."""
    _, answer, note = sent(read(moved()), result("c1", "note: a file was refused", OTHER_SHOT, SHOT))
    assert answer["output"]["image_url"] == SHOT_URL
    told = "(told by the function 'computer', not by the user) note: a file was refused"
    picture = {"type": "input_image", "detail": "auto", "image_url": "http://pictures/1.png"}
    assert note == {"role": "user", "content": [{"type": "input_text", "text": told}, picture]}
    _, _, note = sent(read(moved()), result("c1", "note: x", SHOT))
    assert note == {"role": "user", "content": "(told by the function 'computer', not by the user) note: x"}
    _, _, note = sent(read(moved()), result("c1", PICTURE, OTHER_SHOT, SHOT))
    assert note["content"][0]["text"] == "(told by the function 'computer', not by the user)"


def test_a_result_without_a_picture_is_a_blank_one_and_its_words():
    """A failure has nothing to show, and the item has no field for a text."""
    _, answer, note = sent(read(moved()), result("c1", "Error: no browser"))
    assert answer["output"]["image_url"] == f"data:image/png;base64,{BLANK.base64}"
    assert note["content"].endswith("Error: no browser")


def test_each_result_of_a_round_answers_its_own_call():
    """The second result of a round stands behind the first, and is still one of a computer."""
    reply = read(THOUGHT, moved("c1"), CALLED, moved("c2", pending_safety_checks=CHECKS))
    results = [result("c1", "", SHOT), result("f1", "3"), result("c2", "", OTHER_SHOT)]
    back = sent(reply, *results, "go on")[4:]
    assert [(item.get("type"), item.get("call_id")) for item in back] == [
        ("computer_call_output", "c1"),
        ("function_call_output", "f1"),
        ("computer_call_output", "c2"),
        (None, None),
    ]
    assert [item.get("acknowledged_safety_checks") for item in back[:3]] == [None, None, CHECKS]


def test_a_dialog_that_grows_is_sent_as_one_that_was_there_at_once():
    """The prefix that a server's cache knows may not change, wherever the dialog was asked about before."""
    dialog = ["hi", read(moved("c1"), moved("c2")), result("c1", "", SHOT), result("c2", "a", SHOT), read(SAID), "so"]
    whole = history(*dialog)
    for length in range(1, len(dialog) + 1):
        at_once = body_of(replace(ask(), history=history(*dialog[:length])))["input"]
        assert body_of(replace(ask(), history=whole.prefix(length)))["input"] == at_once
        assert body_of(replace(ask(), history=whole))["input"][: len(at_once)] == at_once


@pytest.mark.parametrize(
    ("changed", "call_id"),
    [({"call_id": ""}, "cu_c1"), ({"call_id": 7}, "cu_c1"), ({"call_id": None, "id": ""}, "call_0")],
)
def test_a_computer_call_without_an_id_is_given_one(changed, call_id):
    """A result that names no call is refused in each further turn of the dialog."""
    back = sent(read(moved() | changed), result(call_id, "", SHOT))
    assert back[0] == moved() | changed | {"call_id": call_id}
    assert (back[1]["type"], back[1]["call_id"]) == ("computer_call_output", call_id)


def test_two_computer_calls_of_one_id_are_told_apart():
    """Else one of them would stay without an answer."""
    reply = read(moved("c1"), moved("c1", [ACTIONS[1]]))
    back = sent(reply, *(result(call.id, "", SHOT) for call in reply.function_calls))
    assert [item["call_id"] for item in back] == ["c1", "call_1", "c1", "call_1"]
    assert {item["type"] for item in back[2:]} == {"computer_call_output"}


def test_a_faulty_function_call_beside_it_is_put_right():
    """The items go back all or none, and a function call whose arguments are no JSON would be refused."""
    back = sent(read(THOUGHT, moved(), {**CALLED, "arguments": "{oops"}), result("c1", "", SHOT))
    assert back[:2] == [THOUGHT, moved()]
    assert back[2]["arguments"] == '{"invalid":"{oops"}'
    assert back[3]["type"] == "computer_call_output"


@pytest.mark.parametrize(
    "changed",
    [
        {"content": "something else"},
        {"native": None},
        {"native": Native("other", (moved(),))},
        {"function_calls": (FunctionCall("c1", "computer", '{"actions": [1]}'),)},
    ],
)
def test_a_reply_that_is_sent_in_plain_words_is_answered_in_plain_words(changed):
    """A screenshot of a computer call that is not in the dialog is refused."""
    back = sent(replace(read(moved()), **changed), result("c1", "note: x", SHOT))
    assert [item["type"] for item in back[-2:]] == ["function_call", "function_call_output"]
    text = {"type": "input_text", "text": "note: x"}
    assert back[-1]["output"] == [text, {"type": "input_image", "detail": "auto", "image_url": SHOT_URL}]


def test_another_family_is_told_of_a_function():
    """Whoever goes on with the dialog knows functions, and nobody else's tools."""
    messages = ("hi", read(THOUGHT, moved()), result("c1", "note: x", SHOT), "go on")
    kinds = [item.get("type") for item in body_of(ask(*messages), OTHER)["input"]]
    assert kinds == [None, "function_call", "function_call_output", None]
    arguments = {"actions": [ACTIONS[0]], "pending_safety_checks": []}
    claude = json.loads(anthropic_request.build_request(ask(*messages), OTHER).body)["messages"]
    assert claude[1]["content"] == [{"type": "tool_use", "id": "c1", "name": "computer", "input": arguments}]
    assert [part["type"] for part in claude[2]["content"][0]["content"]] == ["text", "image"]
    chat = json.loads(chat_request.build_request(ask(*messages), OTHER).body)["messages"]
    assert chat[1]["tool_calls"][0]["function"]["name"] == "computer"
    assert [message["role"] for message in chat] == ["user", "assistant", "tool", "user", "user"]
    local = json.loads(ollama_request.build_request(ask(*messages), OTHER).body)["messages"]
    assert local[1]["tool_calls"][0]["function"]["arguments"] == arguments
    assert local[2]["images"] == ["QUJD"]


def test_the_last_turn_offers_nothing_and_tells_what_was_done():
    """After the last allowed round nothing is offered, nor chosen, and the computer's items stay as they were."""
    told = body_of(ask("hi", read(moved()), result("c1", "", SHOT), "finish", params={"tool_choice": "required"}))
    assert {*told} == {"model", "input", "store"}
    assert [item.get("type") for item in told["input"]] == [None, "computer_call", "computer_call_output", None]


def test_items_that_a_user_wrote_are_answered_as_they_are():
    """Whoever brings a dialog from elsewhere may leave anything out of it."""
    own = Message(Roles.USER, native=Native("own", (moved(call_id=[]), moved())))
    assert [item["type"] for item in sent(own, result("c1", "", SHOT))[2:]] == ["computer_call_output"]
    assert [item["type"] for item in sent(own, result("c9", "x"))[2:]] == ["function_call_output"]


def test_many_calls_in_a_round_are_answered_in_time():
    """As many as a reply may hold; where each result reads the whole reply again, it takes half a minute."""
    calls = [moved(f"c{number}") for number in range(MAX_CALLS)]
    messages = [read(*calls), *(result(item["call_id"], "", SHOT) for item in calls)]
    start = time.process_time()
    back = sent(*messages)
    assert time.process_time() - start < 5
    assert [item["type"] for item in back[MAX_CALLS:]] == ["computer_call_output"] * MAX_CALLS


# --- in an agent -----------------------------------------------------------------------------------------------------


class Service:
    """A model that speaks the format: it reads what it is sent, and its replies are read like a server's."""

    def __init__(self, *outputs):
        self.outputs, self.seen = list(outputs), []

    def __call__(self, request):
        self.seen.append(body_of(request)["input"])
        return parse_reply(body(*self.outputs.pop(0)), ASKED)


def agent_of(service, functions):
    return Agent.quick("Look.", functions=functions, provider=function_model(service))


def test_an_agent_uses_a_computer_and_its_log_tells_the_same(tmp_path):
    """Live, replayed, and read back from data, a dialog is one and the same to the server."""
    shots = iter([["note: one", SHOT], [OTHER_SHOT]])
    service = Service([THOUGHT, moved("c1"), moved("c2", [ACTIONS[5]])], [SAID])
    log = MemoryLog()

    def run(_=None):
        agent = agent_of(service, [computer(function=lambda **_: next(shots))])
        dialog = agent.init_dialog()
        dialog.send_message("hi")
        agent.call(dialog)
        return dialog

    with Session.open(log, "s"):
        dialog = run()
    kinds = [item.get("type") for item in service.seen[1][2:]]
    assert kinds == [
        *("reasoning", "computer_call", "computer_call"),
        *("computer_call_output", None, "computer_call_output"),
    ]
    assert replay(log, "s", run).status == "same"
    with Session.open(log, "t") as session:
        again = Dialog.from_dict(json.loads(encode_json(dialog.to_dict())), session)
    wanted, got = (body_of(ModelRequest(ask().contract, told.history)) for told in (dialog, again))
    assert got == wanted


def test_nothing_of_an_unusable_reply_is_sent():
    """A call without a result is refused, so what is left of a reply that was cut off is its text."""
    cut = {"incomplete_details": {"reason": "max_output_tokens"}}
    service = Service([SAID])
    replies = iter([parse_reply(body(THOUGHT, SAID, moved(), status="incomplete", **cut), ASKED)])
    agent = agent_of(lambda request: next(replies, None) or service(request), [computer()])
    dialog = agent.init_dialog()
    dialog.send_message("hi")
    agent.call(dialog)
    told = encode_json(service.seen[0])
    assert "I look." in told
    assert "computer_call" not in told
    assert "rs_1" not in told
