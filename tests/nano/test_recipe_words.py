"""Questions about lists, strings and dates: their code is right, their operands can be read, their wordings are many."""

from __future__ import annotations

import ast
import io
import os
import re
import subprocess
import sys
from collections import Counter
from contextlib import redirect_stdout
from random import Random

import pytest

from lllm.nano.recipe.language import words
from lllm.nano.recipe.tasks import dates, lists, strings

KINDS = {"lists": lists, "strings": strings, "dates": dates}
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
COUNTS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
ORDINALS = ("zeroth", "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MARKS = {" ": "space|blank", "_": "underscore", "-": "hyphen|dash|minus", ",": "comma", ".": "dot|period|full stop"} | {
    "/": "slash", ":": "colon", ";": "semicolon", "+": "plus", "|": "pipe|bar", "*": "asterisk|star", "&": "ampersand"
} | {"": "nothing|empty string", ", ": "comma and a space|comma followed by a space"}  # fmt: skip


def build(kind, seed, count=300):
    random = Random(seed)
    return [KINDS[kind].build_task(random) for _ in range(count)]


def run(code):
    shown = io.StringIO()
    with redirect_stdout(shown):
        exec(compile(code, "<task>", "exec"), {})
    return shown.getvalue().removesuffix("\n")


def literals(code):
    """Return the constants of a code in their order, those below zero too."""
    tree = ast.parse(code)
    below = {id(node.operand) for node in ast.walk(tree) if isinstance(node, ast.UnaryOp)}
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    nodes.sort(key=lambda node: (node.lineno, node.col_offset))
    return [-node.value if id(node) in below else node.value for node in nodes]


def value_of(code):
    """Return what the first line of a code gives to its variable."""
    return ast.literal_eval(code.split("\n")[0].split(" = ", 1)[1])


def day_number(year, month, day):
    """Count the days from 1900-01-01, month by month, with no calendar but this one."""
    total = sum(366 if is_leap(past) else 365 for past in range(1900, year))
    return total + sum(month_length(year, past) for past in range(1, month)) + day - 1


def is_leap(year):
    return year % 400 == 0 or (year % 4 == 0 and year % 100 != 0)


def month_length(year, month):
    return 28 + is_leap(year) if month == 2 else 30 if month in {4, 6, 9, 11} else 31


def date_of(number):
    year, month = 1900, 1
    while number >= (366 if is_leap(year) else 365):
        number -= 366 if is_leap(year) else 365
        year += 1
    while number >= month_length(year, month):
        number -= month_length(year, month)
        month += 1
    return f"{year}-{month:02}-{number + 1:02}"


def expected_of_list(family, xs, rest):
    ordered = []
    for item in xs:  # insertion by hand
        at = next((i for i, other in enumerate(ordered) if item < other), len(ordered))
        ordered.insert(at, item)
    first_seen = [item for i, item in enumerate(xs) if item not in xs[:i]]
    by_length = {len(item): item for item in reversed(xs)} if isinstance(xs[0], str) else {}
    table = {
        "sorted": lambda: ordered,
        "sorted-descending": lambda: stable_descending(xs),
        "reversed": lambda: [xs[-i - 1] for i in range(len(xs))],
        "unique": lambda: first_seen,
        "count-item": lambda: len([item for item in xs if item == rest[0]]),
        "count-greater": lambda: len([item for item in xs if item > rest[0]]),
        "count-less": lambda: len([item for item in xs if item < rest[0]]),
        "count-even": lambda: len([item for item in xs if str(item)[-1] in "02468"]),
        "count-odd": lambda: len([item for item in xs if str(item)[-1] in "13579"]),
        "first": lambda: next(iter(xs)),
        "last": lambda: list(xs).pop(),
        "nth": lambda: next(item for i, item in enumerate(xs) if i == rest[0]),
        "second-largest": lambda: ordered[len(ordered) - 2],
        "join": lambda: "".join(f"{rest[0] if i else ''}{item}" for i, item in enumerate(xs)),
        "longest": lambda: by_length[max(by_length)],
        "shortest": lambda: by_length[min(by_length)],
    }
    return str(table[family]())


def stable_descending(xs):
    ordered = []
    for item in xs:
        at = next((i for i, other in enumerate(ordered) if item > other), len(ordered))
        ordered.insert(at, item)
    return ordered


def expected_of_string(family, s, rest):
    table = {
        "length": lambda: sum(1 for _ in s),
        "letters": lambda: sum(1 for _ in s),
        "reversed": lambda: "".join(s[len(s) - 1 - i] for i in range(len(s))),
        "upper": lambda: "".join(map(str.upper, s)),
        "lower": lambda: "".join(map(str.lower, s)),
        "title": lambda: titled(s),
        "count-letter": lambda: sum(c in {rest[0], rest[0].upper()} for c in s),
        "word-count": lambda: len(re.findall(r"\S+", s)),
        "vowels": lambda: len(re.findall("[aeiou]", s, re.IGNORECASE)),
        "palindrome": lambda: all(s[i].lower() == s[-i - 1].lower() for i in range(len(s))),
        "replace": lambda: rest[1].join(s.split(rest[0])),
        "replace-named": lambda: rest[1].join(s.split(rest[0])),
        "remove-letter": lambda: "".join(c for c in s if c != rest[0]),
        "first-characters": lambda: "".join(c for i, c in enumerate(s) if i < rest[0]),
        "last-characters": lambda: "".join(c for i, c in enumerate(s) if i >= len(s) + rest[0]),
        "letters-sorted": lambda: "".join(c * s.count(c) for c in dict.fromkeys(sorted(s))),
        "without-spaces": lambda: "".join(c for c in s if c != " "),
        "repeat": lambda: "".join(s for _ in range(rest[0])),
    }
    return str(table[family]())


def titled(s):
    shown = ""
    for c in s:
        shown += c.lower() if shown and shown[-1].isalpha() else c.upper()
    return shown


def expected_of_date(family, values, code):
    if family == "leap-year":
        return str(is_leap(values[0]))
    if family == "days-in-month":
        return str(month_length(*values[:2]))
    number = day_number(*values[:3])
    if family == "weekday":
        return WEEKDAYS[number % 7]  # 1900 began on a Monday
    if family == "day-of-year":
        return str(number - day_number(values[0], 1, 1) + 1)
    if family == "days-between":
        return str(abs(number - day_number(*values[3:6])))
    days = values[3] * (7 if "weeks" in code else 1)
    return date_of(number + days if family == "date-after" else number - days)


def expected(task):
    constants = literals(task.code)
    if task.kind == "dates":
        return expected_of_date(task.family, [value for value in constants if isinstance(value, int)], task.code)
    if task.kind == "strings":
        return expected_of_string(task.family, value_of(task.code), constants[1:])
    xs = value_of(task.code)
    return expected_of_list(task.family, xs, constants[len(xs) :])


def place_of_date(question, year, month, day):
    """Return where a day stands in a question, in numbers or with the name of its month; None where it does not."""
    in_numbers = re.search(rf"{year}[-/]0?{month}[-/]0?{day}\b", question)
    name = rf"{MONTHS[month - 1]}\w*"
    nth = rf"0?{day}(st|nd|rd|th)?"
    in_words = re.search(rf"\b({name}[ ]{nth}|{nth}[- ](of )?{name})\b", question, re.IGNORECASE)
    found = in_numbers or (in_words if str(year) in question else None)
    return found and found.start()


def names_count(question, count, noun=""):
    shown = [str(count)] if count >= len(COUNTS) else [str(count), COUNTS[count]]
    one = ["a", ""] if count == 1 else ["twice"] if count == 2 else []
    return any(re.search(rf"(^|\W){word}\W*{noun}", question, re.IGNORECASE) for word in [*shown, *one])


def names_mark(question, mark):
    return mark in question or re.search(MARKS.get(mark, "(?!)"), question, re.IGNORECASE)


def unnamed_operands(task):
    """Return the operands of a code that do not stand in its question."""
    question, family, constants = task.question, task.family, literals(task.code)
    if task.kind == "dates":
        numbers = [value for value in constants if isinstance(value, int)]
        if family in {"leap-year", "days-in-month"}:
            month = numbers[1] if family == "days-in-month" else 0
            has_month = not month or MONTHS[month - 1] in question.lower() or f"-{month:02}" in question
            return [] if str(numbers[0]) in question and has_month else numbers
        dates_of = [numbers[:3]] + ([numbers[3:6]] if family == "days-between" else [])
        bad = [each for each in dates_of if place_of_date(question, *each) is None]
        unit = "week" if "weeks" in task.code else "day"
        moved = numbers[3] if family in {"date-after", "date-before"} else None
        return bad + ([] if moved is None or names_count(question, moved, unit) else [moved])
    items = value_of(task.code)
    shown = [items] if isinstance(items, str) else items
    rest = constants[len(shown) :]
    missing = [item for item in shown if str(item).lstrip("-") not in question]
    if family in {"replace", "replace-named", "remove-letter", "join", "count-letter", "count-item"}:
        found = question.lower() if family == "count-letter" else question
        missing += [value for value in rest if not names_mark(found, str(value))]
    if family in {"first-characters", "last-characters", "repeat"}:
        missing += [value for value in rest if not names_count(question, abs(value))]
    if family in {"count-greater", "count-less"} and str(abs(rest[0])) not in question:
        missing += rest
    if family == "nth" and not re.search(rf"\b({ORDINALS[rest[0] + 1]}|{rest[0] + 1})", question, re.IGNORECASE):
        missing += rest
    return missing


def blanked(task):
    """Return a question with what it is about left out."""
    question = task.question
    items = [] if task.kind == "dates" else value_of(task.code)
    for item in sorted([items] if isinstance(items, str) else map(str, items), key=len, reverse=True):
        question = question.replace(item, "_")
    question = re.sub(rf"\b({'|'.join(MONTHS)})[a-z]*\b", "_", question, flags=re.IGNORECASE)
    return re.sub(r"[\W\d_]+", " ", question).lower().strip()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", [1, 2])
class TestTasks:
    def test_code_prints_what_the_question_asks_for(self, kind, seed):
        """A model can be no better than the code that it learns from; the check computes by other means."""
        assert [(task, run(task.code)) for task in build(kind, seed) if run(task.code) != expected(task)] == []

    def test_operands_of_code_stand_in_the_question(self, kind, seed):
        """What is not in the question would have to be guessed."""
        assert [(task, unnamed_operands(task)) for task in build(kind, seed) if unnamed_operands(task)] == []

    def test_two_lines_print_one(self, kind, seed):
        """The canonical form: a first line that prepares, a second that prints, one line (or a text) as the result."""
        for task in build(kind, seed):
            first, second = task.code.split("\n")
            assert re.match(r"xs = \[|s = '|from (datetime|calendar) import ", first)
            assert second.startswith("print(")
            assert second.endswith(")")
            assert '"' not in task.code or '"' in str(value_of(task.code))

    def test_same_seed_gives_same_tasks(self, kind, seed):
        """The recipe can be repeated by anyone; another seed gives other questions."""
        assert build(kind, seed, 100) == build(kind, seed, 100)
        assert build(kind, seed, 100) != build(kind, seed + 2, 100)

    def test_nothing_of_the_grammar_is_left_over(self, kind, seed):
        """Slots, alternatives and marks are the recipe's own and never reach the model."""
        for task in build(kind, seed):
            left = task.question.replace("{}", "")
            if task.kind != "dates":
                for item in map(str, [value_of(task.code)] if task.kind == "strings" else value_of(task.code)):
                    left = left.replace(item, "")
            assert not re.search(r"\{[a-z]+\}|\([^()]*\|[^()]*\)|[\ue000\ue001]", left), task
            assert task.question == task.question.strip()
            assert task.kind == kind


@pytest.mark.parametrize("kind", KINDS)
def test_every_family_of_the_table_comes(kind):
    """A maker with a weight that is too small, or none, would leave a hole in the skill."""
    named = {family for family, _, _ in KINDS[kind].FAMILIES}
    came = Counter(task.family for task in build(kind, 5, 1500))
    assert named == set(came) - {"replace-named"}
    assert min(came.values()) >= 15
    for family, weight, make in KINDS[kind].FAMILIES:
        assert weight > 0
        assert make(Random(3)).family in {family, "replace-named"}


@pytest.mark.parametrize("kind", KINDS)
def test_wordings_are_wide(kind):
    """What a tiny model makes of a new wording depends on how many it has seen: few questions are alike."""
    skeletons = Counter(blanked(task) for task in build(kind, 6, 2000))
    assert len(skeletons) > 1750
    assert skeletons.most_common(1)[0][1] < 20


def test_days_between_takes_the_first_from_the_second():
    """One canonical order, that of the question: nothing to guess for the model."""
    tasks = [task for task in build("dates", 8, 800) if task.family == "days-between"]
    places = []
    for task in tasks:
        numbers = [value for value in literals(task.code) if isinstance(value, int)]
        places.append([place_of_date(task.question, *each) for each in (numbers[3:], numbers[:3])])
    assert len(places) > 100
    assert all(first <= second for first, second in places)


def test_tasks_do_not_depend_on_the_hash_seed():
    """A recipe that iterated over a set would give other chats in each process."""
    script = """
from random import Random
from lllm.nano.recipe.tasks import dates, lists, strings
print([[build(random) for _ in range(50)] for build in (lists.build_task, strings.build_task, dates.build_task)
      for random in [Random(9)]])
"""
    environment = os.environ | {"PYTHONUTF8": "1", "PYTHONHASHSEED": "7", "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-S", "-c", script], env=environment, capture_output=True, check=True)
    assert done.stdout.decode().strip() == str([build(kind, 9, 50) for kind in KINDS])


class TestWords:
    def test_four_in_ten_are_no_words(self):
        """A model that has seen only words recalls them instead of copying."""
        known = {word.lower() for word in (*words.WORDS, *words.NAMES, *words.ACCENTED)}
        random = Random(4)
        for build_one in (words.build_word, words.build_plain_word):
            made_up = sum(build_one(random).lower() not in known for _ in range(2000))
            assert 0.35 < made_up / 2000 < 0.5

    def test_texts_have_2_to_30_characters(self):
        """The skill names this range; longer ones are not promised."""
        random = Random(5)
        makers = (
            words.build_text,
            words.build_word,
            words.build_phrase,
            words.build_palindrome,
            words.build_identifier,
        )
        lengths = {len(make(random)) for make in makers for _ in range(600)}
        assert min(lengths) >= 2
        assert max(lengths) <= 30
        assert max(map(len, words.PHRASES)) <= 30

    def test_palindromes_are_palindromes(self):
        """Half of the questions for one must be answered with yes."""
        made = [words.build_palindrome(Random(seed)).lower() for seed in range(300)]
        assert [word for word in made if word != word[::-1]] == []

    def test_word_list_is_long_and_has_no_twins(self):
        """Some six hundred words, each once."""
        assert len(words.WORDS) >= 600
        assert [word for word, count in Counter(words.WORDS).items() if count > 1] == []

    @pytest.mark.parametrize("text", ["it's", "a\\b", "'", 'say "hi"', "naïve", "\\'"])
    def test_literal_in_single_quotes_reads_back(self, text):
        """All strings in code stand in single quotes, whatever is in them."""
        literal = words.to_literal(text)
        assert literal[0] == literal[-1] == "'"
        assert ast.literal_eval(literal) == text
