"""Histories: prefixes are shared, messages are encoded once, and content has a name."""

import sys
import threading
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, rule

from lllm.const import Roles
from lllm.models import History, Message
from lllm.models import history as history_module


def message(text):
    return Message(Roles.USER, text)


def grow(history, *texts):
    for text in texts:
        history = history.append(message(text), text)
    return history


def texts(history):
    return [item.content for item in history]


class Encoder:
    """Encode a message as its text, and remember which were asked for."""

    def __init__(self, mark=b""):
        self.asked = []
        self.mark = mark

    def __call__(self, item, _before):
        self.asked.append(item.content)
        return self.mark + item.content.encode()


def test_append_returns_a_longer_history_and_leaves_the_old_one():
    """A dialog that goes on must not change what was logged."""
    short = grow(History(), "a")
    long = grow(short, "b")
    assert (texts(short), texts(long), len(short), len(long)) == (["a"], ["a", "b"], 1, 2)
    assert [item.content for item in long.messages] == ["a", "b"]
    assert isinstance(long.messages, tuple)


def test_growth_at_the_tip_shares_one_trunk():
    """A turn costs O(new), so nothing may be copied."""
    empty = History()
    history = grow(empty, *"abc")
    assert history._trunk is empty._trunk
    assert grow(history, "d")._trunk is history._trunk
    assert history.prefix(2)._trunk is history._trunk


def test_growth_elsewhere_copies_once_and_then_shares():
    """Two branches grow apart; the second pays for one copy, the first for nothing."""
    stem = grow(History(), *"ab")
    left = grow(stem, "l")
    right = grow(stem, "r")
    assert (texts(left), texts(right), texts(stem)) == (["a", "b", "l"], ["a", "b", "r"], ["a", "b"])
    assert left._trunk is stem._trunk
    assert right._trunk is not stem._trunk
    assert grow(right, "s")._trunk is right._trunk
    assert grow(left, "m")._trunk is left._trunk


def test_a_fork_copies_nothing():
    """A fork is a prefix, and a prefix is a number."""
    history = grow(History(), *map(str, range(1000)))
    before = len(history._trunk.messages)
    forks = [history.prefix(n) for n in range(1001)]
    assert all(fork._trunk is history._trunk for fork in forks)
    assert len(history._trunk.messages) == before
    assert [len(fork) for fork in forks] == list(range(1001))


@pytest.mark.parametrize("length", [-1, 3, 10])
def test_a_prefix_cannot_be_longer(length):
    """Also where the shared trunk has more."""
    long = grow(History(), *"abc")
    with pytest.raises(IndexError, match=f"a history of 2 messages has no prefix of {length}"):
        long.prefix(2).prefix(length)


def test_indices_count_from_both_ends_and_stay_inside():
    """A short history must not show what a longer one on the same trunk holds."""
    history = grow(History(), *"abc").prefix(2)
    assert [history[i].content for i in (0, 1, -1, -2)] == ["a", "b", "b", "a"]
    for index in (2, -3):
        with pytest.raises(IndexError, match=f"no message {index}"):
            _ = history[index]


def test_the_chain_is_hashed_over_bodies():
    """It is what a log stores, so its definition may not drift."""
    history = grow(History(), "a", "b")
    first = sha256(b"" + b"a").digest()
    assert History().chain == b""
    assert history.chain == sha256(first + b"b").digest()
    assert history.prefix(1).chain == first


def test_equal_content_has_an_equal_chain_however_it_grew():
    """A replay rebuilds its history on another trunk, and compares chains."""
    stem = grow(History(), *"ab")
    grow(stem, "x")
    assert grow(stem, "c").chain == grow(History(), *"abc").chain == grow(History(), *"abcd").prefix(3).chain


def test_other_content_has_another_chain():
    """Where one body ends and the next begins counts too."""
    chains = [grow(History(), *parts).chain for parts in (["ab"], ["a", "b"], ["b", "a"], ["a"], [], ["a", ""])]
    assert len(set(chains)) == len(chains)


def test_each_message_is_encoded_once_for_each_wire():
    """Re-encoding a dialog of 400 turns at each turn is what makes others slow."""
    one, other = Encoder(b"1"), Encoder(b"2")
    history = grow(History(), "a", "b")
    assert history.encoded(one) == [b"1a", b"1b"]
    history = grow(history, "c")
    assert history.encoded(one) == [b"1a", b"1b", b"1c"]
    assert history.prefix(1).encoded(one) == [b"1a"]
    branch = grow(history.prefix(2), "x")
    assert branch.encoded(one) == [b"1a", b"1b", b"1x"]
    assert history.encoded(other) == [b"2a", b"2b", b"2c"]
    assert one.asked == ["a", "b", "c", "x"]
    assert other.asked == ["a", "b", "c"]


def test_what_was_encoded_does_not_grow_with_the_dialog():
    """A request that is being joined must not gain the next turn's message."""
    encoder, history = Encoder(), grow(History(), "a")
    parts = history.encoded(encoder)
    grow(history, "b").encoded(encoder)
    assert parts == [b"a"]
    parts.append(b"the caller's own")
    assert history.encoded(encoder) == [b"a"]
    assert grow(history.prefix(0), "z").encoded(encoder) == [b"z"]


def test_a_body_that_cannot_be_hashed_leaves_the_history_usable():
    """An error in one turn is not damage to the dialog."""
    history = grow(History(), "a")
    with pytest.raises(UnicodeEncodeError):
        history.append(message("b"), "\ud800")
    after = grow(history, "c")
    assert (texts(after), after._trunk is history._trunk) == (["a", "c"], True)


def test_eight_threads_append_to_one_history_and_each_gets_its_own():
    """Parallel branches of an agent start from one dialog; one wins the tip, the others copy."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for _ in range(100):
            race()
    finally:
        sys.setswitchinterval(interval)


def race():
    stem, encoder, ends = grow(History(), "a", "b"), lambda item, _before: item.content.encode(), {}
    start = threading.Barrier(8)

    def branch(name):
        start.wait()
        history = stem
        for i in range(4):
            history = grow(history, f"{name}{i}")
            history.encoded(encoder)
        ends[name] = history

    threads = [threading.Thread(target=branch, args=(name,)) for name in "stuvwxyz"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for name in "stuvwxyz":
        expected = ["a", "b", *(f"{name}{i}" for i in range(4))]
        assert texts(ends[name]) == expected
        assert ends[name].encoded(encoder) == [text.encode() for text in expected]
        assert ends[name].chain == grow(History(), *expected).chain
    assert len({id(history._trunk) for history in ends.values()}) == 8
    assert texts(stem) == ["a", "b"]


def run_interrupted(work, at, other):
    """Run ``work``, and ``other`` in the middle of it: before its line number ``at`` in the module of histories."""
    lines, results = 0, []

    def trace(frame, kind, _):
        nonlocal lines
        if frame.f_code.co_filename != history_module.__file__:
            return None
        if kind == "line":
            lines += 1
            if lines == at:
                results.append(other())
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        results.append(work())
    finally:
        sys.settrace(before)
    return lines, results


@pytest.mark.parametrize("encoded_before", [True, False])
def test_an_append_may_be_interrupted_by_another_at_any_line(encoded_before):
    """What threads do by chance, line by line: both branches are right, and so is what grows on them."""
    at, lines = 0, 1
    while at < lines:
        at += 1
        stem, encoder = grow(History(), "a", "b"), Encoder()
        if encoded_before:
            stem.encoded(encoder)

        def branch(name, stem=stem, encoder=encoder):
            history = grow(stem, name)
            history.encoded(encoder)
            return grow(history, name * 2)

        lines, ends = run_interrupted(lambda run=branch: run("x"), at, lambda run=branch: run("y"))
        for end, name in zip(ends, "yx", strict=True):
            expected = ["a", "b", name, name * 2]
            assert (at, texts(end), end.chain) == (at, expected, grow(History(), *expected).chain)
            assert end.encoded(encoder) == [text.encode() for text in expected]
        assert texts(stem) == ["a", "b"]
    assert lines > 20


ROLES = st.lists(st.sampled_from([Roles.USER, Roles.ASSISTANT, Roles.TOOL]), max_size=12)


@given(ROLES, st.integers(0, 12))
def test_a_round_reaches_back_to_what_is_no_result(roles, known):
    """However much was encoded before: a wire that joins a round's results must not join them otherwise next time."""

    def tell(item, around):
        return f"{[one.content for one in around]} {item.content}".encode()

    history = History()
    for number, role in enumerate(roles):
        history = history.append(Message(role, str(number)), str(number))

    def round_before(index):
        first = index - 1
        while first > 0 and roles[first] is Roles.TOOL:
            first -= 1
        return [str(number) for number in range(max(first, 0), index)]

    history.prefix(min(known, len(roles))).encoded_by_round(tell)
    assert history.encoded_by_round(tell) == [f"{round_before(at)} {at}".encode() for at in range(len(roles))]
    assert [one.content for one in history.last_round()] == round_before(len(roles))


class HistoriesAreLists(RuleBasedStateMachine):
    """Any work on any number of histories agrees with plain lists."""

    pairs = Bundle("pairs")
    encoders = (lambda item, _before: item.content.encode(), lambda item, _before: item.content.encode() + b"!")

    @rule(target=pairs)
    def empty(self):
        return History(), []

    @rule(target=pairs, pair=pairs, text=st.text("ab", max_size=2))
    def append(self, pair, text):
        history, model = pair
        return history.append(message(text), text), [*model, text]

    @rule(target=pairs, pair=pairs, part=st.floats(0, 1))
    def prefix(self, pair, part):
        history, model = pair
        length = int(part * len(model))
        return history.prefix(length), model[:length]

    @rule(pair=pairs, which=st.sampled_from([0, 1]))
    def encode(self, pair, which):
        history, model = pair
        assert history.encoded(self.encoders[which]) == [text.encode() + b"!" * which for text in model]

    @rule(pair=pairs)
    def compare(self, pair):
        history, model = pair
        assert (texts(history), len(history)) == (model, len(model))
        assert history.chain == grow(History(), *model).chain


HistoriesAreLists.TestCase.settings = settings(max_examples=60, stateful_step_count=40)
TestHistoriesAreLists = HistoriesAreLists.TestCase
