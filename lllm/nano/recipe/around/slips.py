"""Slips in code: a forgotten import, a bracket too few, a misspelled name; each with the fault that comes of it. Pure.

The faults are known by rules and not by running the code, so that they are the same on every Python.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from random import Random
from typing import NamedTuple

_IMPORT = re.compile(r"from (\w+) import (.+)\n")
_NAME = re.compile(
    r"(?<![\w.'])(print|round|sum|len|sorted|abs|max|min|list|median|pstdev|isleap|monthrange|date|timedelta|xs|s)\b"
)
_METHOD = re.compile(r"(?<=[)\w])\.(upper|lower|title|count|replace|split|join|strftime|fromkeys|timetuple)\(")
_TEXT = re.compile(r"'(?:[^'\\]|\\.)*'")
# Names that there are, in IPython too.
_THERE = frozenset(
    {
        "print",
        "pprint",
        "round",
        "sum",
        "len",
        "sorted",
        "abs",
        "max",
        "min",
        "list",
        "date",
        "xs",
        "s",
        "x",
        "ss",
        "in",
        "is",
    }
)


class Fault(NamedTuple):
    """What Python says of code.

    Attributes:
        kind: name of the exception.
        text: of the exception.
        line: that it arose in, from 1.
    """

    kind: str
    text: str
    line: int


Slip = Callable[[Random, str], tuple[str, Fault] | None]


def _without_import(random: Random, code: str) -> tuple[str, Fault] | None:
    found = _IMPORT.search(code)
    if found is None:
        return None
    names = found[2].split(", ")
    if len(names) > 1 and random.random() < 0.5:  # timedelta is forgotten, date is not
        wrong, names = code.replace(found[2], names[0], 1), names[1:]
    else:
        wrong = code.replace(found[0], "", 1)
    line, name = _first_use(wrong, names)
    return wrong, Fault("NameError", f"name '{name}' is not defined", line)


def _first_use(code: str, names: Sequence[str]) -> tuple[int, str]:
    """Return line and name of the name that is looked up first."""
    found = [(match.start(), name) for name in names if (match := _use(name, code))]
    at, name = min(found)
    return code.count("\n", 0, at) + 1, name


def _use(name: str, code: str) -> re.Match[str] | None:
    uses = re.finditer(rf"(?<![\w.]){name}\b", _TEXT.sub(lambda text: "_" * len(text[0]), code))
    lines = code.split("\n")
    return next((use for use in uses if not lines[code.count("\n", 0, use.start())].startswith("from ")), None)


def _without_bracket(random: Random, code: str) -> tuple[str, Fault] | None:
    del random
    if not code.endswith(")"):
        return None
    wrong = code[:-1]
    return wrong, Fault("SyntaxError", "incomplete input", wrong.count("\n") + 1)


def _extra_bracket(random: Random, code: str) -> tuple[str, Fault] | None:
    del random
    if not code.endswith(")"):
        return None
    return f"{code})", Fault("SyntaxError", "unmatched ')'", code.count("\n") + 1)


def _open_list(random: Random, code: str) -> tuple[str, Fault] | None:
    del random
    first, _, rest = code.partition("\n")
    if not (first.startswith("xs = [") and rest.startswith("print")):
        return None
    return f"{first[:-1]}\n{rest}", Fault("SyntaxError", "'[' was never closed", 1)


def _open_text(random: Random, code: str) -> tuple[str, Fault] | None:
    del random
    first, _, rest = code.partition("\n")
    if not (first.startswith("s = '") and first.endswith("'") and rest):
        return None
    return f"{first[:-1]}\n{rest}", Fault("SyntaxError", "unterminated string literal (detected at line 1)", 1)


def _misspelled(random: Random, code: str) -> tuple[str, Fault] | None:
    covered = _TEXT.sub(lambda text: "_" * len(text[0]), code)
    uses = [use for use in _NAME.finditer(covered) if _is_evaluated_first(covered, use)]
    if not uses:
        return None
    use = random.choice(uses)
    name = _slipped(random, use[0])
    line = code.count("\n", 0, use.start()) + 1
    return code[: use.start()] + name + code[use.end() :], Fault("NameError", f"name '{name}' is not defined", line)


def _is_evaluated_first(code: str, use: re.Match[str]) -> bool:
    """Return whether the misspelled name is what fails: it is looked up, and not assigned or imported."""
    line = code[code.rfind("\n", 0, use.start()) + 1 :]
    return not line.startswith("from ") and not re.match(r"\s*=[^=]", code[use.end() :])


def _misspelled_method(random: Random, code: str) -> tuple[str, Fault] | None:
    covered = _TEXT.sub(lambda text: "'" + "_" * (len(text[0]) - 2) + "'", code)
    owner = {"upper": "str", "lower": "str", "title": "str", "replace": "str", "split": "str"}
    uses = [use for use in _METHOD.finditer(covered) if use[1] in owner and covered[: use.start()].endswith("(s")]
    if not uses:
        return None
    use = uses[0]
    name = _slipped(random, use[1])
    line = code.count("\n", 0, use.start()) + 1
    text = f"'{owner[use[1]]}' object has no attribute '{name}'"
    return code[: use.start(1)] + name + code[use.end(1) :], Fault("AttributeError", text, line)


def _quoted_number(random: Random, code: str) -> tuple[str, Fault] | None:
    """Put quotes around the first number of a sum."""
    del random
    found = re.fullmatch(r"print\((\d+) ([+-]) (\d+)\)", code)
    if found is None:
        return None
    first, sign, second = found.groups()
    told = (
        'can only concatenate str (not "int") to str'
        if sign == "+"
        else "unsupported operand type(s) for -: 'str' and 'int'"
    )
    return f"print('{first}' {sign} {second})", Fault("TypeError", told, 1)


def _zero(random: Random, code: str) -> tuple[str, Fault] | None:
    """Divide by nothing where something was to be divided by."""
    del random
    found = re.fullmatch(r"(print\(round\(\d+) / \d+(, \d\)\))", code)
    if found is None:
        return None
    return f"{found[1]} / 0{found[2]}", Fault("ZeroDivisionError", "division by zero", 1)


def _impossible_date(random: Random, code: str) -> tuple[str, Fault] | None:
    """Write day and month the wrong way round."""
    del random
    found = re.search(r"date\((\d+), (\d+), (\d+)\)", code)
    if found is None or int(found[3]) <= 12 or not code.startswith("from datetime"):
        return None
    wrong = f"{code[: found.start()]}date({found[1]}, {found[3]}, {found[2]}){code[found.end() :]}"
    return wrong, Fault("ValueError", "month must be in 1..12", code.count("\n", 0, found.start()) + 1)


def _slipped(random: Random, name: str) -> str:
    """Return a name as a hurried hand writes it: never a name that there is."""
    at = random.randrange(len(name))
    kind = random.random()
    if kind < 0.4 and len(name) > 3:
        made = name[:at] + name[at + 1 :]
    elif kind < 0.7:
        made = name[: at + 1] + name[at] + name[at + 1 :]
    else:
        made = name[:at] + name[at + 1 : at + 2] + name[at] + name[at + 2 :]
    return made if made != name and made not in _THERE else f"{name}{name[-1]}"


# A slip that stands here more than once is made more often.
SLIPS: tuple[Slip, ...] = (
    _without_import,
    _without_import,
    _without_import,
    _without_import,
    _misspelled,
    _misspelled,
    _zero,
    _quoted_number,
    _impossible_date,
    _without_bracket,
    _extra_bracket,
    _open_list,
    _open_text,
    _misspelled,
    _misspelled_method,
    _quoted_number,
    _zero,
    _impossible_date,
)
