"""The exam is the same for everybody, keeps its two parts apart, asks for all of the skill, and knows the answers."""

from __future__ import annotations

import calendar
import re
import statistics
import time
from collections import Counter
from datetime import date, datetime

import exam_units
import pytest
from exam import OPERATIONS, PLACES, build_exam, wordings_of
from exam_forms import FORMS, build_prompt, choose_forms
from exam_outside import REFUSAL
from grade import is_right

from lllm.tools import run_python

SKILL = {
    "arithmetic": "two long parentheses sum difference product quotient rounded chain square cube power root percent "
    "remainder half double triple quarter third price left shared",
    "units": " ".join(
        f"{a}-to-{b} {b}-to-{a}"
        for a, b in (pair.split("-") for pair in [*exam_units.PAIRS, "celsius-fahrenheit", "celsius-kelvin"])
    ),
    "statistics": "mean sum median max min range count deviation",
    "lists": "sort sort-words descending reverse unique count-item greater less even odd first last nth second-largest "
    "join longest shortest",
    "strings": "length reversed upper lower title letter word-count vowels palindrome replace remove first-n last-n "
    "letters-sorted no-spaces repeat",
    "dates": "weekday between days-after days-before weeks-after weeks-before leap day-of-year month-days",
    "outside": "outside",
}
FACTORS = {
    "km-mile": 1.609344,
    "m-foot": 0.3048,
    "cm-inch": 2.54,
    "kg-pound": 0.45359237,
    "g-ounce": 28.349523125,
    "litre-gallon": 3.785411784,
    "cm-m": 100,
    "m-km": 1000,
    "g-kg": 1000,
    "ml-litre": 1000,
    "minute-hour": 60,
    "second-minute": 60,
    "hour-day": 24,
    "day-week": 7,
}
WORDINGS = {
    wording_id: wording
    for operation in OPERATIONS
    for part in PLACES
    for wording_id, wording in wordings_of(operation, part)
}
MANY = build_exam(7, 3000) + build_exam(8, 3000, "tuning")


def asked(kind, *operations):
    """The questions about some operations."""
    return [each for each in MANY if each.kind == kind and (not operations or each.operation in operations)]


def operands(question):
    """What stands in a question in place of its wording's fields, as text."""
    pattern = re.sub(r"\\{(\w+)\\}", r"(?P<\1>.+?)", re.escape(WORDINGS[question.wording_id]))
    return re.fullmatch(pattern, question.text, re.DOTALL).groupdict()


def number(text):
    """A number as it was written."""
    return float(text.replace(",", ""))


def listed(text):
    """The numbers of a list."""
    return [float(each) for each in re.findall(r"-?\d+(?:\.\d+)?", text)]


def day(text):
    """A date in any of the ways in which one is written."""
    plain = re.sub(r"(\d)(st|nd|rd|th) of ", r"\1 ", text)
    for form in ("%Y-%m-%d", "%B %d, %Y", "%d %B %Y", "%b %d %Y"):
        try:
            return datetime.strptime(plain, form).date()  # noqa: DTZ007 - a day has no zone
        except ValueError:
            continue
    raise AssertionError(text)


def bare(text):
    """A text without its quotes."""
    return text[1:-1] if text[0] in "'\"“`" and text[-1] in "'\"”`" else text


def test_the_same_seed_makes_the_same_exam():
    """Two people who report a figure talk of the same questions."""
    assert build_exam(3) == build_exam(3)
    assert build_exam(3) != build_exam(4)


def test_no_wording_is_in_both_parts():
    """Whoever looks at one part may not learn anything of the other."""
    texts = [{wording for each in OPERATIONS for _, wording in wordings_of(each, part)} for part in PLACES]
    assert texts[0].isdisjoint(texts[1])
    plain = [{re.sub(r"\W+", " ", text).lower().strip() for text in part} for part in texts]
    assert plain[0].isdisjoint(plain[1])


def test_each_part_asks_only_in_its_own_wordings():
    """The part that a question says it is of is the one whose wording it has."""
    ids = [{each.wording_id for each in build_exam(1, part=part)} for part in PLACES]
    assert ids[0].isdisjoint(ids[1])


def test_all_of_the_skill_is_asked_for():
    """An operation that is not asked for could be untrained and nobody would see it."""
    wanted = {(kind, name) for kind, names in SKILL.items() for name in names.split()}
    assert {(each.kind, each.name) for each in OPERATIONS} == wanted
    for part in PLACES:
        assert {(each.kind, each.operation) for each in build_exam(1, part=part)} == wanted


def test_each_operation_has_six_wordings_or_more():
    """With fewer, one odd wording would decide over an operation."""
    assert all(len(each.wordings) >= 6 and len(set(each.wordings)) == len(each.wordings) for each in OPERATIONS)
    assert all(len(each.wordings) % 2 == 0 for each in OPERATIONS)


@pytest.mark.parametrize(("part", "size"), [("tuning", 200), ("final", 500)])
def test_kinds_are_alike_in_number(part, size):
    """The figure in all is no figure of one kind."""
    counts = Counter(each.kind for each in build_exam(1, part=part))
    assert counts.total() == size
    assert counts.pop("outside") == size * 0.06
    assert max(counts.values()) - min(counts.values()) <= 1


def test_500_questions_are_made_in_under_a_second():
    """An exam is made anew wherever it is needed; it takes 40 ms of CPU."""
    begun = time.process_time()
    build_exam(1)
    assert time.process_time() - begun < 1


def test_all_that_is_outside_is_refused():
    """The model is told one sentence for it."""
    assert {each.expected for each in asked("outside")} == {REFUSAL} == {"I cannot answer that."}


def test_python_agrees_about_signs():
    """Python's own precedence is what the model's code would have."""
    for question in asked("arithmetic", "two", "long", "parentheses"):
        row = operands(question)["e"].replace(",", "").translate({0xD7: "*", ord("x"): "*", 0xF7: "/"})
        assert is_right(question.expected, repr(eval(row))), question


def test_words_mean_what_python_does():
    """An operand in the wrong place gives another answer."""
    code = {
        "sum": lambda a, b: a + b,
        "difference": lambda a, b: a - b,
        "product": lambda a, b: a * b,
        "quotient": lambda a, b: round(a / b, 4),
        "remainder": lambda a, b: a % b,
        "power": lambda a, b: a**b,
        "left": lambda a, b: a - b,
        "shared": lambda a, b: round(a / b, 4),
        "price": lambda a, b: a * b,
    }
    for question in asked("arithmetic", *code):
        found = operands(question)
        assert is_right(question.expected, repr(code[question.operation](number(found["a"]), number(found["b"])))), (
            question
        )


def test_python_agrees_about_percentages():
    """The rate and the number may not change places unseen: the wordings put them in either order."""
    for question in asked("arithmetic", "percent"):
        found = operands(question)
        assert is_right(question.expected, repr(round(float(found["p"]) / 100 * number(found["n"]), 4))), question


def test_the_usual_factors_give_the_same_units():
    """A factor the wrong way round is the likeliest slip in a table of units."""
    known = FACTORS | {f"{b}-{a}": 1 / size for pair, size in FACTORS.items() for a, b in [pair.split("-")]}
    for question in asked("units"):
        a, _, b = question.operation.partition("-to-")
        n = number(operands(question)["n"])
        warm = {"celsius-fahrenheit": n * 9 / 5 + 32, "fahrenheit-celsius": (n - 32) * 5 / 9}
        warm |= {"celsius-kelvin": n + 273.15, "kelvin-celsius": n - 273.15}
        wanted = warm[f"{a}-{b}"] if f"{a}-{b}" in warm else n / known[f"{a}-{b}"]
        assert is_right(question.expected, repr(round(wanted, 4))), question


def test_the_standard_library_gives_the_same_statistics():
    """Its median and its deviation are what the model's code would use."""
    code = {
        "mean": statistics.mean,
        "sum": sum,
        "median": statistics.median,
        "max": max,
        "min": min,
        "range": lambda xs: max(xs) - min(xs),
        "count": len,
        "deviation": statistics.pstdev,
    }
    for question in asked("statistics"):
        answer = code[question.operation](listed(operands(question)["xs"]))
        assert is_right(question.expected, repr(round(answer, 4))), question


def test_lists_are_what_python_makes_of_them():
    """The list in the question is the one that was answered for."""
    code = {
        "sort": sorted,
        "descending": lambda xs: sorted(xs, reverse=True),
        "even": lambda xs: sum(x % 2 == 0 for x in xs),
        "odd": lambda xs: sum(x % 2 == 1 for x in xs),
        "second-largest": lambda xs: sorted(xs)[-2],
    }
    for question in asked("lists", *code):
        answer = code[question.operation]([int(each) for each in listed(operands(question)["xs"])])
        assert is_right(question.expected, repr(answer)), question


def items(text):
    """The items of a list, numbers or words."""
    return [int(each) for each in re.findall(r"-?\d+", text)] or [w for w in re.findall("[a-z]+", text) if w != "and"]


def test_lists_of_either_kind_are_what_python_makes_of_them():
    """Words are read back without their quotes and their "and"."""
    code = {
        "sort-words": sorted,
        "reverse": lambda xs: xs[::-1],
        "unique": lambda xs: list(dict.fromkeys(xs)),
        "first": lambda xs: xs[0],
        "last": lambda xs: xs[-1],
        "longest": lambda xs: max(xs, key=len),
        "shortest": lambda xs: min(xs, key=len),
    }
    for question in asked("lists", *code):
        answer = code[question.operation](items(operands(question)["xs"]))
        assert question.expected == str(answer), question


def test_lists_and_what_is_asked_of_them_are_told_apart():
    """A limit, a place or an item stands before the list in one wording and after it in the next."""
    counts = dict(zip(["first", "second", "third", "fourth", "fifth", "sixth", "seventh"], range(1, 8), strict=True))
    code = {
        "greater": lambda xs, found: sum(x > int(found["n"]) for x in xs),
        "less": lambda xs, found: sum(x < int(found["n"]) for x in xs),
        "count-item": lambda xs, found: [str(x) for x in xs].count(bare(found["x"])),
        "nth": lambda xs, found: xs[int(found["n"] if "n" in found else place(found["nth"])) - 1],
    }
    place = lambda text: counts.get(text) or text[:-2]  # noqa: E731 - one use
    for question in asked("lists", *code):
        found = operands(question)
        assert question.expected == str(code[question.operation](items(found["xs"]), found)), question


def test_strings_are_what_python_makes_of_them():
    """The text in the question, without its quotes, is the one that was answered for."""
    code = {
        "length": len,
        "reversed": lambda s: s[::-1],
        "upper": str.upper,
        "lower": str.lower,
        "title": str.title,
        "word-count": lambda s: len(s.split()),
        "vowels": lambda s: sum(c in "aeiou" for c in s.lower()),
        "palindrome": lambda s: s.lower() == s.lower()[::-1],
        "letters-sorted": lambda s: "".join(sorted(s)),
        "no-spaces": lambda s: s.replace(" ", ""),
    }
    for question in asked("strings", *code):
        (text,) = operands(question).values()
        assert question.expected == str(code[question.operation](bare(text))), question


def test_letters_are_counted_and_changed_as_python_does():
    """Questions with two operands, in either order."""
    for question in asked("strings", "letter", "replace", "remove"):
        found = {name: bare(text) for name, text in operands(question).items()}
        text = found.get("s", found.get("w"))
        if question.operation == "letter":
            assert question.expected == str(text.lower().count(found["c"])), question
        else:
            assert question.expected == text.replace(found["a"], found.get("b", "")), question


def test_the_calendar_gives_the_same_dates():
    """Each way of writing a date is read back to the day that was meant."""
    for question in asked("dates", "weekday", "between", "leap", "day-of-year", "month-days"):
        found = operands(question)
        match question.operation:
            case "weekday":
                answer = day(found["d"]).strftime("%A")
            case "between":
                answer = abs((day(found["b"]) - day(found["a"])).days)
            case "leap":
                answer = calendar.isleap(int(found["y"]))
            case "day-of-year":
                answer = day(found["d"]).timetuple().tm_yday
            case _:
                answer = calendar.monthrange(int(found["y"]), list(calendar.month_name).index(found["m"]))[1]
        assert question.expected == str(answer), question


def test_days_and_weeks_are_counted_from_the_day_that_is_named():
    """After is later, before is earlier, and a week has seven days."""
    for question in asked("dates", "days-after", "days-before", "weeks-after", "weeks-before"):
        found = operands(question)
        moved = (date.fromisoformat(question.expected) - day(found["d"])).days
        unit, _, where = question.operation.partition("-")
        assert moved == int(found["n"]) * (7 if unit == "weeks" else 1) * (1 if where == "after" else -1), question


def test_forms_are_mixed_as_the_report_says():
    """40 in 100 want plain answer tags, 30 JSON, 30 something else; the same for the same seed."""
    assert sum(form.weight for form in FORMS) == 100
    assert sum(form.weight for form in FORMS if form.is_json) == 30
    assert sum(form.weight for form in FORMS if form.name.startswith("answer-")) == 40
    assert choose_forms(1, 50) == choose_forms(1, 50)


def test_a_prompt_says_what_its_parser_reads():
    """A form whose text names another tag than its parser could not be answered."""
    for form in FORMS:
        prompt = build_prompt(form, run_python)
        assert f"<{form.field}>" in form.system or f'{{"{form.field}": ' in form.system or form.name == "short"
        assert prompt() == form.system
        reply = f'{{"{form.field}": "7"}}' if form.is_json else f"<{form.field}>7</{form.field}>"
        assert prompt.parser(reply)
