"""Which functions a chat offers: the one that runs code, by many names, and others. Pure."""

from __future__ import annotations

from random import Random
from typing import NamedTuple

from lllm.nano.recipe.calls.other_calls import UNASKED, choose, fits
from lllm.nano.recipe.language.names import invent, to_words

NAMES: tuple[str, ...] = to_words(
    """
    python execute run_code exec_python calc notebook interpreter py run sandbox_run exec run_script evaluate
    eval_python execute_python execute_code code_interpreter python_repl repl kernel run_cell cell shell compute
    calculate sandbox jupyter ipython python3 runPython runCode execPython code do_python py_exec run_py eval_code
    python_tool run_snippet calculator code_runner python_sandbox call_python use_python script process solve work
    executor run_in_sandbox
    """
)
PARAMETERS: tuple[str, ...] = to_words(
    """
    source script program text snippet input src cell body python statement expression lines content
    """
)


class Offered(NamedTuple):
    """The functions that a chat offers.

    Attributes:
        name: of the one that runs code; empty where there is none.
        parameter: its one parameter.
        others: those that run none, each as ``name(parameter, parameter)``.
        place: of the one that runs code among all.
    """

    name: str
    parameter: str
    others: tuple[str, ...]
    place: int

    @property
    def listed(self) -> tuple[str, ...]:
        """All of them as ``name(parameter)``, in their order."""
        runs = (f"{self.name}({self.parameter})",) if self.name else ()
        return (*self.others[: self.place], *runs, *self.others[self.place :])


def build_function(random: Random, question: str = "", *, outside: bool = False) -> Offered:
    """Return what a chat offers: ``run_python(code)`` alone, mostly.

    Args:
        random: where all chance comes from.
        question: no other function is one that might answer it.
        outside: the question is none that the function that runs code answers.
    """
    name, parameter = "run_python", "code"
    if random.random() >= 0.7:
        name = _new_name(random) if random.random() < 0.5 else random.choice(NAMES)
        parameter = _parameter(random)
    count = random.choices((0, 1, 2), (0.7, 0.2, 0.1))[0]
    others = _others(random, count, {name}, question, outside=outside)
    return Offered(name, parameter, others, random.randint(0, len(others)))


def build_function_beside(random: Random, listed: str, question: str) -> Offered:
    """Return what a chat offers whose question is one for a function as it is listed: that alone, or among others."""
    runner = build_function(random) if random.random() < 0.5 else Offered("", "", (), 0)
    taken = {runner.name, listed.partition("(")[0]}
    if len(taken) == 1:
        runner = Offered("", "", (), 0)
    others = [*_others(random, random.choices((0, 1, 2, 3), (0.5, 0.25, 0.15, 0.1))[0], taken, question), listed]
    random.shuffle(others)
    return Offered(runner.name, runner.parameter, tuple(others), random.randint(0, len(others)))


def _others(random: Random, count: int, taken: set[str], question: str, *, outside: bool = False) -> tuple[str, ...]:
    """Return functions whose names are not taken and that do not fit a question; fewer where the draw was bad."""
    drawn = {other.partition("(")[0]: other for other in (_other(random) for _ in range(count))}
    return tuple(
        other
        for name, other in drawn.items()
        if name not in taken and not (question and fits(question, other, outside=outside))
    )


def _new_name(random: Random) -> str:
    chance = random.random()
    if chance < 0.4:
        return invent(random)
    first = random.choice(("run", "exec", "py", "do", "call", "my", "use", "eval", invent(random)))
    return f"{first}_{random.choice(('it', 'code', 'tool', 'python', 'box', invent(random), invent(random)))}"


def _parameter(random: Random) -> str:
    chance = random.random()
    if chance < 0.55:
        return "code"
    return random.choice(PARAMETERS) if chance < 0.93 else invent(random)


def _other(random: Random) -> str:
    chance = random.random()
    if chance < 0.2:
        parameters = ", ".join(dict.fromkeys(invent(random) for _ in range(random.randint(0, 3))))
        return f"{invent(random)}({parameters})"
    if chance < 0.4:
        return random.choice(("api_docs(endpoints)", random.choice(tuple(UNASKED))))
    return choose(random).function
