"""Training tasks of numbers: arithmetic, units, statistics of a list; and the wording that all tasks share."""

import contextlib
import io
import math
import re
from fractions import Fraction
from random import Random

import pytest

from lllm.nano.recipe.language.operands import NUMBER_WORDS, with_rounding
from lllm.nano.recipe.language.wording import Ways, bare, dress, fill, keep, quoted, say, to_listed, to_number
from lllm.nano.recipe.tasks import arithmetic, statistics_of, units

KINDS = {"arithmetic": arithmetic, "units": units, "statistics": statistics_of}
NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?")
SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800}
METRES = {"metre": 1, "centimetre": 0.01, "kilometre": 1000, "inch": 0.0254, "foot": 0.3048, "mile": 1609.344}
GRAMS = {"gram": 1, "kilogram": 1000, "pound": 453.59237, "ounce": 28.349523125}
LITRES = {"litre": 1, "millilitre": 0.001, "gallon": 3.785411784}


def tasks_of(kind, seed=7, count=300):
    random = Random(seed)
    return [KINDS[kind].build_task(random) for _ in range(count)]


def printed(task):
    """What the code prints."""
    with contextlib.redirect_stdout(io.StringIO()) as out:
        exec(compile(task.code, "task", "exec"), {})
    assert out.getvalue().count("\n") == 1, task
    return out.getvalue().strip()


def decimals(task):
    """How many decimals the code rounds to, None for not at all."""
    found = re.search(r", (\d)\)\)$", task.code)
    return int(found[1]) if found else None


def to_plain(question):
    """A question with numbers as code has them: no thousands commas, digits for words, one minus sign."""
    text = re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", question.replace("\u2212", "-"))
    text = re.sub(r"\b(?:negative|minus) (?=\d)", "-", text)
    for value, word in enumerate(NUMBER_WORDS):
        text = re.sub(rf"\b{word}\b", str(value), text)
    return text


def numbers_of(task):
    """The numbers of the code, without the decimals asked for."""
    return NUMBER.findall(re.sub(r", \d\)\)$", "", task.code))


def is_near(got, expected, task):
    places = decimals(task)
    slack = 0.51 * 10**-places if places is not None else 0
    return math.isclose(float(got), float(expected), rel_tol=1e-12, abs_tol=slack + 1e-9)


TWO = {
    "sum-in-words": lambda a, b: a + b,
    "difference-in-words": lambda a, b: a - b,
    "subtract-from": lambda a, b: a - b,
    "product-in-words": lambda a, b: a * b,
    "quotient-in-words": lambda a, b: a / b,
    "goes-into": lambda a, b: a / b,
    "square": lambda a, _two: a * a,
    "cube": lambda a, _three: a * a * a,
    "power": lambda a, b: a ** int(b),
    "remainder": lambda a, b: a - b * (a // b),
    "half": lambda a, _two: a * Fraction(1, 2),
    "third": lambda a, _three: a * Fraction(1, 3),
    "quarter": lambda a, _four: a * Fraction(1, 4),
    "double": lambda a, _two: a + a,
    "triple": lambda a, _three: a + a + a,
    "price": lambda a, b: a * b,
    "groups": lambda a, b: a * b,
    "left": lambda a, b: a - b,
    "share": lambda a, b: a / b,
}
FIXED = {"square": 1, "cube": 1, "half": 1, "third": 1, "quarter": 1, "double": 1, "triple": 1, "root": 1}


@pytest.mark.parametrize("seed", [1, 2])
def test_each_calculation_prints_what_exact_fractions_say(seed):
    """A wrong canonical code would be learned by heart."""
    seen = set()
    for task in tasks_of("arithmetic", seed, 600):
        got, numbers = printed(task), [Fraction(number) for number in numbers_of(task)]
        if task.family in TWO:
            seen.add(task.family)
            assert is_near(got, TWO[task.family](*numbers), task), task
        elif task.family == "percent":
            share, hundred, amount = numbers
            assert hundred == 100
            assert is_near(got, share * amount * Fraction(1, 100), task), task
        elif task.family == "root":
            assert is_near(got, math.sqrt(numbers[0]), task), task
        elif task.family == "product-of-many":
            assert is_near(got, math.prod(numbers), task), task
        else:  # a chain of signs: with exact fractions instead of floats
            expression = re.sub(
                r"\d+(?:\.\d+)?", r"Fraction('\g<0>')", re.sub(r"^print\((?:round\()?|(?:, \d\))?\)$", "", task.code)
            )
            assert is_near(got, eval(expression), task), task
    assert seen == set(TWO)


def test_an_expression_in_signs_stands_in_the_question_as_in_the_code():
    """What the model copies must be what was asked, sign by sign."""
    found = 0
    for task in tasks_of("arithmetic", 3, 600):
        if task.family == "in-signs":
            found += 1
            expression = re.sub(r"^print\((?:round\()?|(?:, \d\))?\)$", "", task.code).replace(" ", "")
            shown = re.sub(r"\((-[\d.]+)\)", r"\1", to_plain(task.question).replace(" ", ""))
            assert expression in shown.replace("\u00d7", "*").replace("x", "*").replace("\u00f7", "/"), task
    assert found > 30


def test_what_is_subtracted_or_divides_stands_where_the_words_say():
    """Subtract a from b is b - a: the one place where the order turns round."""
    checked = 0
    for task in tasks_of("arithmetic", 4, 1500):
        if task.family not in {"difference-in-words", "subtract-from", "quotient-in-words", "left"}:
            continue
        shown, (first, second) = NUMBER.findall(to_plain(task.question)), numbers_of(task)
        if shown.count(first) == shown.count(second) == 1 and first != second:
            checked += 1
            turned = task.family == "subtract-from"
            assert (shown.index(first) > shown.index(second)) == turned, task
    assert checked > 100


def test_what_may_have_many_decimals_is_rounded_and_nothing_else():
    """The form of the code is fixed by the operation; 0.1 + 0.2 is no answer that anybody wants to copy."""
    for task in tasks_of("arithmetic", 5, 800):
        is_fraction = bool(re.search(r"/|\.\d", re.sub(r"^print\((?:round\()?|(?:, \d\))?\)$", "", task.code)))
        assert (decimals(task) is not None) == is_fraction, task


def test_arithmetic_operands_occur_in_the_question():
    """What does not stand in the question cannot be copied."""
    for task in tasks_of("arithmetic", 6, 600):
        shown = to_plain(task.question)
        numbers = numbers_of(task)[: FIXED.get(task.family)]
        if task.family == "percent":
            numbers = [numbers[0], numbers[2]]
        for number in numbers:
            assert number.removeprefix("-") in shown, (number, task)


def test_units_print_what_a_table_of_base_units_says():
    """Each direction of each pair, against factors written down a second time."""
    degrees = {
        "celsius-to-fahrenheit": lambda n: n * 1.8 + 32,
        "fahrenheit-to-celsius": lambda n: (n - 32) / 1.8,
        "celsius-to-kelvin": lambda n: n + 273.15,
        "kelvin-to-celsius": lambda n: n - 273.15,
    }
    seen = set()
    for task in tasks_of("units", 1, 500):
        seen.add(task.family)
        number = numbers_of(task)[0]
        assert number.removeprefix("-") in to_plain(task.question), task
        source, target = task.family.split("-to-")
        if task.family in degrees:
            expected = degrees[task.family](float(number))
        else:
            base = next(table for table in (SECONDS, METRES, GRAMS, LITRES) if source in table)
            expected = float(number) * base[source] / base[target]
        assert is_near(printed(task), expected, task), task
    assert seen == {family for family, _, _ in units.FAMILIES}


def to_statistic(family, xs):
    ordered, middle = sorted(xs), len(xs) // 2
    mean = math.fsum(xs) / len(xs)
    return {
        "total": math.fsum(xs),
        "mean": mean,
        "median": ordered[middle] if len(xs) % 2 else (ordered[middle - 1] + ordered[middle]) / 2,
        "largest": ordered[-1],
        "smallest": ordered[0],
        "range": ordered[-1] - ordered[0],
        "count": len(xs),
        "deviation": math.sqrt(math.fsum((x - mean) ** 2 for x in xs) / len(xs)),
    }[family]


def test_statistics_print_what_the_definitions_say_of_the_numbers_in_the_question():
    """The list in the code is the list in the question, in its order."""
    seen = set()
    for task in tasks_of("statistics", 1, 300):
        seen.add(task.family)
        shown = re.findall(r"-?\d+(?:\.\d+)?", task.question)
        first, *rest = task.code.split("\n")
        xs = NUMBER.findall(first)
        starts = range(len(shown) - len(xs) + 1)
        assert any(shown[at : at + len(xs)] == xs for at in starts), task
        assert 2 <= len(xs) <= 12
        assert len(rest) == (2 if task.family in {"median", "deviation"} else 1)
        assert is_near(printed(task), to_statistic(task.family, [float(x) for x in xs]), task), task
    assert seen == {family for family, _, _ in statistics_of.FAMILIES}


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_gives_the_same_tasks(kind):
    """A training run can be repeated."""
    assert tasks_of(kind, 11, 60) == tasks_of(kind, 11, 60) != tasks_of(kind, 12, 60)


@pytest.mark.parametrize("kind", KINDS)
def test_a_question_shows_no_slot_mark_or_blank_end(kind):
    """Nothing of the machinery may reach the model."""
    for task in tasks_of(kind, 13):
        assert task.kind == kind
        assert not re.search(r"[\ue000\ue001\0|]|\{[a-z]\}", task.question.replace(" | ", " ")), task
        assert task.question == task.question.strip()
        assert len(task.question) < 400, task


@pytest.mark.parametrize(("kind", "least"), [("arithmetic", 1000), ("units", 1000), ("statistics", 1000)])
def test_the_wordings_are_many(kind, least):
    """The width of the wordings decides how well unseen ones are understood: operands blanked, these remain."""
    bare_questions = {re.sub(r"\W*\d[\d,.]*\W*", "#", task.question) for task in tasks_of(kind, 17, 1500)}
    assert len(bare_questions) > least


def test_dressing_never_touches_what_is_kept():
    """An operand with a changed letter would teach wrong copying."""
    kept = "It's My-STRANGE Opérand?"
    dressed = [
        dress(Random(seed), f"please reverse the following words: {keep(kept)} and tell me.") for seed in range(400)
    ]
    assert all(kept in text for text in dressed)
    assert len(set(dressed)) > 100
    assert any(text.startswith("please") for text in dressed)
    assert any(text.startswith("PLEASE") for text in dressed)
    assert not any("\ue000" in text or "\ue001" in text for text in dressed)


def test_a_tail_does_not_run_into_an_operand():
    """In "reverse apple please" the word please would be a part of the string."""
    for seed in range(600):
        text = dress(Random(seed), f"reverse {keep('apple')}")
        assert not re.search(r"apple \w", text), text


def test_a_pattern_gives_each_of_its_texts_and_no_double_blank():
    """Nested alternatives, an empty one, a slot with parentheses of its own."""
    texts = {bare(fill(Random(seed), "(add|sum (up|)) {a} (now|)", a="(1|2)")) for seed in range(200)}
    assert texts == {f"{verb} (1|2){end}" for verb in ("add", "sum up", "sum") for end in ("", " now")}


def test_ways_of_each_nature_are_said():
    """A noun phrase and an order are put into a frame; a sentence stands as it is; each of the patterns is used."""
    expected = {"sum of 5 and 6": "what is the sum", "add 5 and 6": "you add", "much is 5 and 6": "how much is 5 and 6"}
    patterns = (("the sum of {a}", "{a} in all"), ("add {a}", "total {a}"), ("how much is {a}?", "{a}: what?"))
    for nature, (shown, framed) in enumerate(expected.items()):
        ways = Ways(*(own if at == nature else () for at, own in enumerate(patterns)))
        said = {say(Random(seed), ways, a="5 and 6").lower() for seed in range(200)}
        assert all("5 and 6" in text for text in said)
        assert any(framed in text for text in said)
        assert any(shown not in text for text in said)
        assert len(said) > 50


def test_a_number_in_the_question_is_the_number_in_the_code():
    """Thousands commas and words for the minus sign are wording only."""
    shown = {to_number(Random(seed), -12500.5) for seed in range(300)}
    assert {code for _, code in shown} == {"-12500.5"}
    texts = {bare(text) for text, _ in shown}
    assert {"-12500.5", "-12,500.5", "negative 12500.5", "minus 12,500.5", "\u221212500.5"} <= texts
    assert {to_plain(text) for text in texts} == {"-12500.5"}


def test_quotes_never_occur_within_what_they_quote():
    """It must be plain where a string begins and ends."""
    for seed in range(200):
        text = bare(quoted(Random(seed), "it's"))
        assert text[1:-1] == "it's"
        assert text[0] not in "it's"
    assert {bare(quoted(Random(seed), "two words"))[0] for seed in range(200)} >= {"'", '"', "`", "\u201c"}
    assert "word" in {bare(quoted(Random(seed), "word")) for seed in range(50)}


def test_a_list_keeps_its_items_in_order_in_many_shapes():
    """Commas, blanks, and, brackets, lines."""
    shapes = {bare(to_listed(Random(seed), ["1", "2", "3"])) for seed in range(500)}
    assert all(re.findall(r"\d", shape) == ["1", "2", "3"] for shape in shapes)
    assert {"1, 2, 3", "1 2 3", "1, 2 and 3", "[1, 2, 3]", "1\n2\n3", "1; 2; 3", "1,2,3"} <= shapes
    assert not any(" 2 c" in bare(to_listed(Random(seed), ["a", "b 2", "c"])) for seed in range(200))


def test_the_decimals_asked_for_are_said():
    """The number in ``round`` stands in the sentence, in digits or as a word."""
    for seed in range(200):
        sentence, places = with_rounding(Random(seed), "divide it by seven.")
        assert str(places) in bare(sentence) or NUMBER_WORDS[places] in bare(sentence)
        assert "divide it by seven" in sentence
