"""Pictures that functions return, where a format takes them from users only; and what a wire knows of a round."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from chat_values import ask, history

from lllm.const import Roles
from lllm.models.call import FunctionCall
from lllm.models.function import PICTURE, Function
from lllm.models.history import History
from lllm.models.image import Image
from lllm.models.message import Message, Native
from lllm.providers.wire.chat_request import build_request
from lllm.providers.wire.profile import Profile

OWN = Profile(name="own", base_url="http://own/v1")
ONE, TWO, THREE = Image("QUJD"), Image(url="http://pictures/2.png"), Image("REVG", "image/jpeg")
URLS = {
    ONE: "data:image/png;base64,QUJD",
    TWO: "http://pictures/2.png",
    THREE: "data:image/jpeg;base64,REVG",
}
CALLS = tuple(FunctionCall(f"c{number}", name, "{}") for number, name in enumerate(("look", "add", "see")))
REPLY = Message(Roles.ASSISTANT, "", function_calls=CALLS)


def result(call_id, text, *images, **more):
    return Message(Roles.TOOL, text, "function", tool_call_id=call_id, images=images, **more)


ROUND = (result("c0", "seen", ONE, TWO), result("c1", "3"), result("c2", "", THREE))


def picture(image):
    return {"type": "image_url", "image_url": {"url": URLS[image]}}


def shown_by(name, call_id, *images):
    label = {"type": "text", "text": f"(shown by {name}, call {call_id}, not by the user)"}
    return [label, *map(picture, images)]


SHOWN = {"role": "user", "content": [*shown_by("look", "c0", ONE, TWO), *shown_by("see", "c2", THREE)]}


def sent(*messages, profile=OWN):
    return json.loads(build_request(ask(*messages), profile).body)["messages"]


def test_pictures_of_a_round_come_in_a_users_message_behind_its_last_result():
    """OpenAI takes a picture from users only, and nothing between a call and its result."""
    told = sent("hi", REPLY, *ROUND)
    assert [message["role"] for message in told] == ["user", "assistant", "tool", "tool", "tool", "user"]
    assert [message["content"] for message in told[2:5]] == ["seen", "3", PICTURE]
    assert told[5] == SHOWN


def test_they_stay_where_they_are_when_the_dialog_goes_on():
    """The prefix that a server's cache knows may not change, wherever the dialog was asked about before."""
    answer = Message(Roles.ASSISTANT, "I saw it.")
    dialog = ["hi", REPLY, *ROUND, answer, "and?", REPLY, result("c0", "seen", ONE), "so?"]
    grown = history(*dialog)
    request = ask()
    for length in range(5, len(dialog) + 1):
        at_once = sent(*dialog[:length])
        body = build_request(replace(request, history=grown.prefix(length)), OWN).body
        assert json.loads(body)["messages"] == at_once
    assert at_once[5:8] == [SHOWN, {"role": "assistant", "content": "I saw it."}, {"role": "user", "content": "and?"}]
    roles = [message["role"] for message in at_once[8:]]
    assert roles == ["assistant", "tool", "user", "user"]
    assert at_once[10]["content"] == shown_by("look", "c0", ONE)


def test_a_round_that_is_not_over_shows_what_there_is():
    """A fork in the middle of a round is a dialog like any other."""
    assert sent("hi", REPLY, *ROUND[:1])[-1]["content"] == shown_by("look", "c0", ONE, TWO)


def test_a_round_without_pictures_is_followed_by_nothing():
    """A user's message behind results is refused by some servers, so it stands only where it must."""
    assert [message["role"] for message in sent("hi", REPLY, ROUND[1])] == ["user", "assistant", "tool"]
    assert [message["role"] for message in sent("hi", REPLY, ROUND[1], "so?")][2:] == ["tool", "user"]


def test_a_result_that_nobody_asked_for_is_shown_too():
    """A dialog may be made by hand, or begin in the middle."""
    assert sent(ROUND[0])[-1]["content"] == shown_by("a function", "c0", ONE, TWO)
    assert sent(ROUND[0], "so?")[1]["content"] == shown_by("a function", "c0", ONE, TWO)


def test_a_result_in_the_servers_own_words_is_sent_as_it_is():
    """Some servers take pictures in results; whoever says so in their words need not have them sent twice."""
    parts = ({"type": "text", "text": "seen"}, picture(ONE))
    own = result("c0", "seen", ONE, native=Native("own", parts))
    assert sent("hi", REPLY, own)[2:] == [{"role": "tool", "tool_call_id": "c0", "content": list(parts)}]
    other = Profile(name="other", base_url="http://other/v1")
    assert sent("hi", REPLY, own, profile=other)[3]["content"] == shown_by("look", "c0", ONE)
    assert sent("hi", REPLY, result("c0", "", ONE, native=Native("own")))[3]["content"] == shown_by("look", "c0", ONE)


def test_a_users_picture_stays_with_its_words():
    """It was never anywhere else."""
    told = sent(Message(Roles.USER, "What?", images=(ONE,)), Message(Roles.ASSISTANT, "A dot."), "so?")
    assert told[0]["content"] == [{"type": "text", "text": "What?"}, picture(ONE)]
    assert len(told) == 3


def test_a_function_that_returns_a_picture_has_a_text_for_its_result():
    """Several servers refuse an empty result."""
    call = Function("look", function=lambda: ONE)(CALLS[0])
    assert (call.images, call.result_str) == ((ONE,), PICTURE)


# --- what a wire knows of a round ------------------------------------------------------------------------------------


def told(message, before):
    return f"{message.content}<{','.join(other.content for other in before)}".encode()


def grow(grown, *texts):
    """A history in which texts that end in ``!`` are results."""
    for text in texts:
        role = Roles.TOOL if text.endswith("!") else Roles.USER
        grown = grown.append(Message(role, text), text)
    return grown


TEXTS = ("a!", "b!", "c", "d", "e!", "f!", "g", "h!")
BYTES = [b"a!<", b"b!<a!", b"c<a!,b!", b"d<c", b"e!<d", b"f!<d,e!", b"g<d,e!,f!", b"h!<g"]


@pytest.mark.parametrize("first", range(len(TEXTS) + 1))
def test_a_message_is_encoded_knowing_the_round_before_it(first):
    """Wherever the encoding of a history goes on, its bytes are those of one that is encoded at once."""
    grown = grow(History(), *TEXTS[:first])
    assert grown.encoded_by_round(told) == BYTES[:first]
    assert grow(grown, *TEXTS[first:]).encoded_by_round(told) == BYTES


@pytest.mark.parametrize(
    ("length", "texts"),
    [(0, []), (1, ["a!"]), (2, ["a!", "b!"]), (3, ["c"]), (6, ["d", "e!", "f!"]), (7, ["g"]), (8, ["g", "h!"])],
)
def test_the_last_round_is_what_a_next_message_would_know(length, texts):
    """What has to be said behind the last message is what the next one would say first."""
    grown = grow(History(), *TEXTS).prefix(length)
    assert [message.content for message in grown.last_round()] == texts
    assert History().last_round() == []


def test_each_message_is_encoded_once():
    """A turn costs what is new in it, and an old list does not grow."""
    seen = []

    def noting(message, before):
        seen.append(message.content)
        return told(message, before)

    grown = grow(History(), *TEXTS[:4])
    parts = grown.encoded_by_round(noting)
    more = grow(grown, *TEXTS[4:])
    assert more.encoded_by_round(noting) == BYTES
    assert (parts, grown.encoded_by_round(noting)) == (BYTES[:4], BYTES[:4])
    assert seen == list(TEXTS)
