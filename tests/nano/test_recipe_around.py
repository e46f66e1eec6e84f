"""What stands around a question in nano's training chats: forms of answers, functions, results, refusals, classes."""

from __future__ import annotations

import contextlib
import io
import json
import re
from functools import cache
from random import Random

import pytest

from lllm.errors import ParseError
from lllm.llm.classify import ClassParser, classifier_prompt
from lllm.nano.recipe.around.elsewhere import ASKED, NOUNS, ORDERS
from lllm.nano.recipe.around.forms import Form, build_form
from lllm.nano.recipe.around.labels import build_labelled
from lllm.nano.recipe.around.missed import build_missed, find_fault
from lllm.nano.recipe.around.outside import build_outside
from lllm.nano.recipe.around.results import build_lost_call, build_result, build_wrong_call
from lllm.nano.recipe.calls.functions import build_function
from lllm.nano.recipe.language.wording import fill
from lllm.parsing import JsonParser, TagParser

PRINTED = (
    "42",
    "-12.5",
    "[1, 2, 3]",
    "['a', 'b']",
    'say "hi"',
    "naïve",
    "True",
    "2024-03-05",
    "a\\b",
    "I cannot answer that.",
)
CODES = (
    "print(3 + 4 * 2)",
    "print(12 - 5)",
    "print(round(8 / 3, 4))",
    "print(round((70 - 32) * 5 / 9, 4))",
    "xs = [3, 5, 9]\nprint(round(sum(xs) / len(xs), 4))",
    "xs = [3, 5]\nfrom statistics import median\nprint(round(median(xs), 4))",
    "xs = ['date(', 'sum s']\nprint(max(xs, key=len))",
    "xs = [1, 1]\nprint(list(dict.fromkeys(xs)))",
    "s = 'list (print) s'\nprint(len(s))",
    "s = 'a\\'b'\nprint(s.replace('a', 'b'))",
    "s = 'abc'\nprint(s.lower() == s.lower()[::-1])",
    "s = 'abc'\nprint(''.join(sorted(s)))",
    "from datetime import date\nprint(date(2024, 3, 25).strftime('%A'))",
    "from datetime import date, timedelta\nprint(date(2024, 3, 5) + timedelta(days=10))",
    "from calendar import monthrange\nprint(monthrange(2024, 2)[1])",
)


def forms(count: int, seed: int = 1) -> list[Form]:
    random = Random(seed)
    return [build_form(random) for _ in range(count)]


@cache
def model_of(name: str, style: str):
    from pydantic import create_model

    return create_model("Reply", **{name: (str if style == "string" else float, ...)})


def parse(form: Form, reply: str):
    """Read a reply as a user's program would: with this project's parsers."""
    if form.style == "tags":
        return TagParser(required_xml_tags=(form.name,))(reply)["xml_tags"][form.name][0]
    if form.style == "label":
        return reply.removeprefix(f"{form.name}: ") if reply.startswith(f"{form.name}: ") else None
    if form.style == "plain":
        return reply
    return getattr(JsonParser(model_of(form.name, form.style))(reply), form.name)


def raised_by(code: str) -> str:
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            exec(compile(code, "<cell>", "exec"), {})
    except Exception as error:  # noqa: BLE001 - whatever it is
        return type(error).__name__
    return ""


@pytest.mark.parametrize("printed", PRINTED)
def test_an_answer_in_its_form_is_read_as_what_was_printed(printed):
    """An answer that the model learns must be one that a user's parser takes."""
    for form in forms(60):
        if form.style == "number" and not re.fullmatch(r"-?[0-9.]+", printed):
            assert json.loads(form.to_answer(printed)) == {form.name: printed}
        else:
            value = parse(form, form.to_answer(f"{printed}\n"))
            assert value == (float(printed) if form.style == "number" else printed)


def test_a_badly_formed_answer_is_refused_with_the_words_of_the_real_parsers():
    """The message after a bad answer is the one that the model will meet."""
    random = Random(2)
    told = 0
    for form in forms(250, seed=2):
        missed = build_missed(random, form, "42")
        assert missed.told.strip()
        assert missed.reply != form.to_answer("42")
        if form.style in ("tags", "string", "number"):
            with pytest.raises(ParseError) as caught:
                parse(form, missed.reply)
            assert find_fault(form, missed.reply) == str(caught.value)
            told += str(caught.value) in missed.told
    assert told > 130


def test_a_good_answer_has_no_fault():
    """Else a right answer would be repaired."""
    assert [find_fault(form, form.to_answer("42")) for form in forms(100) if form.name] == [None] * sum(
        bool(form.name) for form in forms(100)
    )


def test_a_system_text_asks_for_its_form_by_name():
    """The model can only read from the text which tag, key or label is wanted."""
    for form in forms(1000):
        assert 40 <= len(form.system) <= 400
        assert form.name in form.system
        if form.style == "tags" and "XML" not in form.system:
            assert f"<{form.name}>" in form.system
        assert not re.search(r"\$[a-z]|\(\w*\|", form.system)


def test_styles_come_as_often_as_they_should():
    """Tags are what most prompts ask for; nothing may be crowded out."""
    styles = [form.style for form in forms(4000)]
    shares = {style: styles.count(style) / 4000 for style in set(styles)}
    wanted = {"tags": 0.5, "string": 0.22, "number": 0.13, "label": 0.1, "plain": 0.05}
    assert shares == pytest.approx(wanted, abs=0.03)


def test_system_texts_are_many():
    """A narrow training text is learnt by heart, and an unseen one then not read."""
    made = forms(3000)
    assert len({form.system for form in made}) > 2970
    assert len({re.sub(re.escape(form.name) or "$^", "_", form.system) for form in made}) > 2900
    assert len({form.name for form in made}) > 600


def test_the_offered_function_is_named_in_the_text():
    """A text that spoke of another function than the one offered would teach to ignore it."""
    random = Random(5)
    named = [form for form in (build_form(random, "frobnicate") for _ in range(500)) if "frobnicate" in form.system]
    assert len(named) > 250
    assert not any("run_python" in form.system for form in named)


def test_functions_have_many_names_and_stand_among_others():
    """The model must read which function it has, and leave others alone."""
    random = Random(6)
    offered = [build_function(random) for _ in range(2000)]
    assert 0.65 < sum(one.name == "run_python" for one in offered) / 2000 < 0.75
    assert len({one.name for one in offered}) > 150
    assert {one.place for one in offered} == {0, 1, 2}
    for one in offered:
        assert one.listed.count(f"{one.name}({one.parameter})") == 1
        assert len(one.listed) == len(one.others) + 1
        assert not any(other.startswith(f"{one.name}(") for other in one.others)


@pytest.mark.parametrize("code", CODES)
def test_a_wrong_call_fails_as_it_is_told(code):
    """A slip that did not fail would teach the model to distrust right code."""
    random = Random(7)
    for _ in range(40):
        wrong = build_wrong_call(random, code)
        assert wrong.code != code
        told = re.search(r"(\w+Error): ", wrong.error.strip().split("\n")[-1])
        assert told is not None
        assert raised_by(wrong.code) == told[1]


def test_slips_are_of_many_kinds():
    """One kind of slip would be one kind of repair."""
    random = Random(8)
    made = [build_wrong_call(random, code) for code in CODES for _ in range(30)]
    kinds = {re.search(r"(\w+Error): ", wrong.error.split("\n")[-1])[1] for wrong in made}
    assert kinds >= {"NameError", "SyntaxError", "TypeError", "ValueError", "ZeroDivisionError", "AttributeError"}


def test_code_without_any_slip_is_refused():
    """Better no sample than a wrong one."""
    with pytest.raises(ValueError, match="no slip is possible"):
        build_wrong_call(Random(1), "1")


def test_a_lost_call_keeps_its_code():
    """It is right code that met a dead kernel."""
    assert build_lost_call(Random(1), "print(1)").code == "print(1)"


def test_a_result_ends_with_what_was_printed():
    """Whatever else a result says, the answer is its last line."""
    random = Random(9)
    results = [build_result(random, "42\n") for _ in range(300)]
    assert all(result.rstrip("\n").split("\n")[-1] == "42" for result in results)
    assert {"42", "42\n"} < set(results)


def test_requests_outside_of_the_skill_are_many():
    """What nano cannot do is anything at all: three hundred ways to put it and more, before any slot is filled."""
    random = Random(10)
    names = set(re.findall(r"\{(\w+)\}", " ".join((*NOUNS, *ORDERS, *ASKED))))
    slots = {name: name for name in sorted(names)}
    bare = {fill(random, pattern, **slots) for pattern in NOUNS + ORDERS + ASKED for _ in range(8)}
    assert len(bare) > 900
    made = [build_outside(random) for _ in range(2000)]
    assert len(set(made)) > 1800
    assert not any(re.search(r"[{}|\ue000\ue001]|^$", text) for text in made)


def test_classes_are_taken_by_the_real_parser_and_hold_the_label():
    """A label that ``Agent.classify`` refuses can never be asked for."""
    random = Random(11)
    made = [build_labelled(random) for _ in range(800)]
    for one in made:
        assert ClassParser(one.classes).classes == one.classes
        assert one.label in one.classes
        assert 2 <= len(one.classes) <= 6
        assert one.text.strip()
        assert one.question.strip()
    assert made[0].asked == classifier_prompt(made[0].classes)(question=made[0].question)
    assert len({one.asked for one in made}) > 500


def test_labels_tell_the_truth():
    """A wrong label is the one thing that no width makes good."""
    random = Random(12)
    checked = 0
    for one in (build_labelled(random) for _ in range(1500)):
        number = re.search(r"-?\d+", one.text)
        is_so = one.label.lower() in ("yes", "true", "y", "even", "question", "negative")
        if re.search(r"even\b", one.question) or "odd" in one.classes:
            assert is_so == (int(number[0]) % 2 == 0)
        elif "question mark" in one.question or "statement" in one.classes:
            assert is_so == ("?" in one.text)
        elif found := re.search(r"(?:larger|bigger|greater) than (\d+)", one.question):
            assert is_so == (int(number[0]) > int(found[1]))
        else:
            continue
        checked += 1
    assert checked > 100


@pytest.mark.parametrize("build", [build_form, build_function, build_outside, build_labelled])
def test_a_seed_gives_the_same_again(build):
    """The training must be repeatable."""
    first, second = Random(13), Random(13)
    assert [build(first) for _ in range(100)] == [build(second) for _ in range(100)]


def test_a_seed_gives_the_same_mistakes_again():
    """The same for what fails."""

    def made() -> list[object]:
        random = Random(14)
        return [(build_missed(random, form, "42"), build_wrong_call(random, CODES[0])) for form in forms(60)]

    assert made() == made()
