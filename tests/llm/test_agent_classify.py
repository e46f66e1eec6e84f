"""Classification: probabilities from log-probabilities, through the same machine as any other call."""

from __future__ import annotations

import asyncio
from math import isclose, log

import pytest
from world import World

from lllm.const import Finish, Roles
from lllm.errors import ConfigError, ModelBehaviorError, RateLimited
from lllm.models import Message
from lllm.models.message import TokenLogprob


def says(text, *places, finish=Finish.STOP):
    """Return a reply whose tokens had these probabilities, each place a dict of token to probability."""
    tokens = tuple(
        TokenLogprob(next(iter(p)), log(next(iter(p.values()))), tuple((t, log(x)) for t, x in p.items()))
        for p in places
    )
    return Message(Roles.ASSISTANT, text, logprobs=tokens, finish=finish)


def shares(found):
    return {label: round(share, 3) for label, share in found.items()}


FACES = pytest.mark.parametrize("face", ["sync", "async"])


def classify(world, face, *asked):
    if face == "sync":
        return world.agent.classify(world.dialog, *asked)
    return asyncio.run(world.agent.aclassify(world.dialog, *asked))


@FACES
def test_shares_of_the_labels_sum_to_one(face):
    """What the model gave to other tokens is left out of the account."""
    world = World(says("cat", {"cat": 0.6, "dog": 0.2, "The": 0.2}))
    found, fork = classify(world, face, ["dog", "cat"], "Which animal?")
    assert list(found) == ["dog", "cat"]
    assert shares(found) == {"dog": 0.25, "cat": 0.75}
    assert isclose(sum(found.values()), 1)
    assert fork.messages[-2].content.startswith("Which animal?")
    assert fork.tail.content == "cat"


def test_the_dialog_that_is_asked_about_stays_as_it_is():
    """Looking at a dialog must not become part of it."""
    world = World(says("cat", {"cat": 0.9}))
    before, prompt = world.dialog.history, world.dialog.top_prompt
    _, fork = world.agent.classify(world.dialog, ["dog", "cat"])
    assert world.dialog.history is before
    assert world.dialog.top_prompt is prompt
    assert fork.id == "2"
    assert world.events("dialog.open")[1].data["parent"] == "1"


def test_the_request_asks_for_log_probabilities_and_offers_nothing():
    """Without them there would be no answer; with functions there would be another one."""
    world = World(says("cat", {"cat": 0.9}), model_args={"temperature": 1, "seed": 3})
    world.agent.classify(world.dialog, ["dog", "cat"])
    contract = world.requests[0].contract
    assert contract.functions == ()
    assert (contract.params["logprobs"], contract.params["temperature"], contract.params["seed"]) == (True, 0, 3)


@pytest.mark.parametrize("token", [" Cat", "cat", '"cat', "**cat", "CAT", "ca", "cats"])
def test_tokens_are_matched_as_models_write_them(token):
    """Blanks, quotes, case, pieces of a word, and a word that goes on."""
    world = World(says("x", {token: 0.5, "dog": 0.5}))
    assert shares(world.agent.classify(world.dialog, ["dog", "cat"])[0]) == {"dog": 0.5, "cat": 0.5}


def test_the_first_place_with_a_label_counts():
    """Some models begin with a blank line or with bold marks."""
    world = World(says("\n**Yes", {"\n": 1.0}, {"**": 0.9}, {"Yes": 0.8, "No": 0.2}))
    chance, _ = world.agent.binary_classify(world.dialog, "Is it?")
    assert round(chance, 3) == 0.8


def test_a_token_that_fits_two_labels_counts_for_neither():
    """``po`` may become either word, so it says nothing."""
    world = World(says("po", {"po": 0.5, "positive": 0.1, "possible": 0.3}))
    found, _ = world.agent.classify(world.dialog, ["positive", "possible"])
    assert shares(found) == {"positive": 0.25, "possible": 0.75}


@FACES
def test_an_answer_without_a_label_is_asked_again(face):
    """The machine's ladder of retries holds here too, and tells the model the labels."""
    world = World(says("hm", {"hm": 1.0}), says("cat", {"cat": 0.5}))
    found, fork = classify(world, face, ["dog", "cat"])
    assert shares(found) == {"dog": 0.0, "cat": 1.0}
    assert "dog, cat" in world.requests[1].history[-1].content
    assert fork.tail.execution_attempts[0].content == "hm"


def test_a_model_that_will_not_classify_ends_in_its_error():
    """With all that it said instead."""
    world = World(*[says("hm", {"hm": 1.0})] * 2, max_exception_retry=1)
    with pytest.raises(ModelBehaviorError) as caught:
        world.agent.classify(world.dialog, ["dog", "cat"])
    assert len(caught.value.attempts) == 2


def test_a_failure_of_transport_is_waited_out():
    """The other ladder as well."""
    world = World(RateLimited("429", retry_after_s=0), says("Yes", {"Yes": 0.9, "No": 0.1}))
    assert round(asyncio.run(world.agent.abinary_classify(world.dialog))[0], 3) == 0.9


def test_an_answer_that_is_cut_off_after_the_label_is_enough():
    """A few tokens are asked for, so a verbose model is always cut off."""
    world = World(says("cat, because", {"cat": 0.9}, finish=Finish.LENGTH))
    assert world.agent.classify(world.dialog, ["dog", "cat"])[0]["cat"] == 1


@FACES
def test_a_server_that_sends_no_log_probabilities_is_named(face):
    """To ask again would cost money and change nothing; the user must choose another server."""
    world = World("cat", "cat")
    with pytest.raises(ConfigError, match="no log-probabilities") as caught:
        classify(world, face, ["dog", "cat"])
    assert "logprobs" in caught.value.hint
    assert len(world.requests) == 1


@pytest.mark.parametrize(
    "labels", [[], ["one"], ["a", ""], ["a", "a"], ["no", "none"], ["Yes", "yes"], ["red", "blue", "red wine"]]
)
def test_labels_that_one_token_cannot_tell_apart_are_refused(labels):
    """``no`` also begins ``none``: it would never be counted, and the answer would be wrong in silence."""
    world = World(says("x", {"x": 1.0}))
    with pytest.raises(ConfigError, match="classes must be"):
        world.agent.classify(world.dialog, labels)
    assert world.requests == []


def test_labels_with_braces_are_labels():
    """They are no fields of a prompt."""
    world = World(says("{a}", {"{a}": 0.5}))
    assert world.agent.classify(world.dialog, ["{a}", "b"], "{why}?")[0]["{a}"] == 1
