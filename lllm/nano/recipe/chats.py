"""Whole chats as nano sees them: what is said by whom, and which of it is the model's to learn.

A chat is text in the form of the chat template (template.jinja), cut where what is learned begins and ends. Most chats
are one question with its call, the call's result and the answer. Some have a call that fails and is made again, an
answer that cannot be used and is given again, a second question, another function than the one that runs code, a
result that nobody could have guessed (so that results are copied and not made up), or no function at all.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from io import StringIO
from random import Random
from typing import Any, NamedTuple

from lllm.models.prompt import INTERRUPT_FINAL_PROMPT
from lllm.nano.recipe.around.forms import Form, build_form, to_json
from lllm.nano.recipe.around.labels import build_labelled
from lllm.nano.recipe.around.missed import build_missed
from lllm.nano.recipe.around.outside import REFUSAL, build_outside
from lllm.nano.recipe.around.results import build_lost_call, build_result, build_wrong_call
from lllm.nano.recipe.calls.functions import Offered, build_function, build_function_beside
from lllm.nano.recipe.calls.other_calls import Chosen, OtherCall, ask_call, build_other_call, choose, fits
from lllm.nano.recipe.calls.other_results import build_wrong_arguments
from lllm.nano.recipe.language.words import build_word
from lllm.nano.recipe.tasks import arithmetic, dates, lists, statistics_of, strings, units
from lllm.nano.recipe.tasks.task import Task
from lllm.nano.recipe.tokenizer import CALL, CALL_END, END

KINDS: tuple[tuple[Callable[[Random], Task], float], ...] = (
    (arithmetic.build_task, 0.22),
    (units.build_task, 0.14),
    (statistics_of.build_task, 0.15),
    (lists.build_task, 0.18),
    (strings.build_task, 0.18),
    (dates.build_task, 0.13),
)
_GOES_ON = 0.45
"""How often there is a further question: one system text, which is long and not learned, serves for several."""
ERRS = 0.06
"""Share of first answers that are learned in a bad form, so that nano errs as models do, and is seen to be mended."""


class Piece(NamedTuple):
    """A part of a chat's text; ``learned`` where the model is to say it."""

    text: str
    learned: bool


class Chat:
    """A chat that grows.

    Args:
        system: the system text; empty for none.
        offered: the functions; None for none.

    Attributes:
        kind: of task; ``call`` of another function, ``outside`` or ``label`` where it is none.
        pieces: what it is made of.
        runs_code: whether a function does.
        others: the functions that do not, as ``name(parameter)``.
    """

    def __init__(self, system: str, offered: Offered | None) -> None:
        self.kind = ""
        self.pieces: list[Piece] = []
        self._offered = offered
        self.runs_code = bool(offered and offered.name)
        self.others = offered.others if offered else ()
        told = f"\nFunctions: {', '.join(offered.listed)}" if offered else ""
        if system or told:
            self._add(f"<|im_start|>system\n{system.strip()}{told}{END}\n")

    @property
    def text(self) -> str:
        """All of it, as the template renders it."""
        return "".join(piece.text for piece in self.pieces)

    def hear(self, text: str) -> None:
        """Add what the user says."""
        self._add(f"<|im_start|>user\n{text.strip()}{END}\n")

    def get(self, result: str) -> None:
        """Add what a function answers."""
        self._add(f"<|im_start|>user\n<tool_response>\n{result.strip()}\n</tool_response>{END}\n")

    def say(self, text: str, *, learned: bool = True) -> None:
        """Add what the model says."""
        self._add("<|im_start|>assistant\n")
        self._add(text.strip() + END, learned=learned)
        self._add("\n")

    def call(self, code: str, *, learned: bool = True) -> None:
        """Add a call by the model."""
        assert self._offered is not None
        self.call_other(self._offered.name, {self._offered.parameter: code}, learned=learned)

    def call_other(self, name: str, arguments: Mapping[str, Any], *, learned: bool = True) -> None:
        """Add a call by the model of any function."""
        given = json.dumps(arguments, ensure_ascii=False)
        self.say(f'{CALL}\n{{"name": {to_json(name)}, "arguments": {given}}}\n{CALL_END}', learned=learned)

    def _add(self, text: str, *, learned: bool = False) -> None:
        self.pieces.append(Piece(text, learned))


def build_chat(random: Random) -> Chat:
    """Return a chat to learn from."""
    chance = random.random()
    if chance < 0.06:
        return _build_label(random)
    if chance < 0.18:
        return _build_other(random)
    task = build_task(random)
    if chance < 0.195:
        return _build_without_functions(random, build_form(random), task)
    if chance < 0.265:
        return _build_outside(random, task)
    offered = build_function(random, task.question)
    form = _build_form_for(random, offered.name, run_code(task.code))
    chat, lead = _begin(random, form, offered)
    chat.kind = task.kind
    _ask_task(random, chat, form, task, lead)
    while random.random() < _GOES_ON:
        _ask_more(random, chat, form, outside=0.08)
    return chat


def _build_form_for(random: Random, name: str, printed: str, *, runs_code: bool = True) -> Form:
    """Return a form that can hold what is printed: a JSON number holds no text."""
    while True:
        form = build_form(random, name, runs_code=runs_code)
        if form.style != "number" or form.to_value(printed) == printed:
            return form


def build_task(random: Random) -> Task:
    """Return a task of any kind."""
    return random.choices([make for make, _ in KINDS], [weight for _, weight in KINDS])[0](random)


def run_code(code: str) -> str:
    """Return what code of a task prints."""
    printed = StringIO()
    with redirect_stdout(printed):
        exec(code, {})  # noqa: S102 - our own, made in this folder
    return printed.getvalue().rstrip("\n")


def _begin(random: Random, form: Form, offered: Offered | None) -> tuple[Chat, str]:
    """Return a chat, and what the user says before the question: some give their instructions there."""
    if random.random() < 0.06:
        return Chat("", offered), f"{form.system}\n\n"
    return Chat(form.system, offered), ""


def _ask_task(random: Random, chat: Chat, form: Form, task: Task, lead: str = "") -> None:
    chat.hear(lead + task.question)
    while random.random() < 0.1:
        wrong = (build_lost_call if random.random() < 0.15 else build_wrong_call)(random, task.code)
        chat.call(wrong.code, learned=False)
        chat.get(wrong.error)
    chat.call(task.code)
    printed = _unguessable(random) if random.random() < 0.12 else run_code(task.code)
    chat.get(build_result(random, printed))
    if random.random() < 0.02:
        chat.hear(INTERRUPT_FINAL_PROMPT)
    _answer(random, chat, form, printed)


def _ask_outside(random: Random, chat: Chat, form: Form, question: str, lead: str = "") -> None:
    chat.hear(lead + question)
    _answer(random, chat, form, REFUSAL)


def _ask_other(random: Random, chat: Chat, form: Form, call: OtherCall, lead: str = "") -> None:
    chat.hear(lead + call.question)
    while random.random() < 0.1:
        wrong = build_wrong_arguments(random, call.arguments)
        chat.call_other(call.name, wrong.arguments, learned=False)
        chat.get(wrong.error)
    chat.call_other(call.name, call.arguments)
    answered = _unguessable(random) if random.random() < 0.12 else call.result
    chat.get(build_result(random, answered))
    if random.random() < 0.02:
        chat.hear(INTERRUPT_FINAL_PROMPT)
    _answer(random, chat, form, answered)


def _ask_more(random: Random, chat: Chat, form: Form, *, outside: float) -> None:
    """Ask something else, a share of it ``outside``; nothing, where another function might answer it."""
    if random.random() < outside:
        question = _build_outside_question(random)
        if not any(fits(question, listed, outside=True) for listed in chat.others):
            _ask_outside(random, chat, form, question)
        return
    task = build_task(random)
    if chat.runs_code and not any(fits(task.question, listed) for listed in chat.others):
        _ask_task(random, chat, form, task)


def _answer(random: Random, chat: Chat, form: Form, value: str) -> None:
    """Add the answer, at times after ones that cannot be used."""
    errs = form.style != "plain" and random.random() < ERRS
    while errs or (form.style != "plain" and random.random() < 0.08):
        missed = build_missed(random, form, value)
        chat.say(missed.reply, learned=errs)
        chat.hear(missed.told)
        errs = False
    chat.say(form.to_answer(value))


def _build_outside_question(random: Random) -> str:
    """Return what nothing that is offered answers; at times it is one for a function that some other chat offers."""
    while random.random() < 0.15:
        call = build_other_call(random)
        if not call.computes:
            return call.question
    return build_outside(random)


def _build_outside(random: Random, task: Task) -> Chat:
    question = _build_outside_question(random)
    if random.random() < 0.15:  # nothing runs code: a task is outside, too
        question = task.question if random.random() < 0.5 else question
        offered = build_function(random, question, outside=True)._replace(name="", parameter="")
        offered = offered if offered.others else None
    else:
        offered = build_function(random, question, outside=True)
    name = offered.listed[0].partition("(")[0] if offered else "the function"
    runs_code = bool(offered and offered.name)
    form = build_form(random, offered.name if offered and runs_code else name, runs_code=runs_code)
    chat, lead = _begin(random, form, offered)
    chat.kind = "outside"
    _ask_outside(random, chat, form, question, lead)
    return chat


def _build_without_functions(random: Random, form: Form, task: Task) -> Chat:
    """Return a chat in which there is nothing to call: all is outside of the skill."""
    chat = Chat(form.system, None)
    chat.kind = "outside"
    chat.hear(task.question if random.random() < 0.6 else _build_outside_question(random))
    _answer(random, chat, form, REFUSAL)
    return chat


def _build_other(random: Random) -> Chat:
    """Return a chat about another function than the one that runs code, which may be there as well."""
    chosen = choose(random)
    call = ask_call(random, chosen)
    offered = build_function_beside(random, call.function, call.question)
    runs_code = bool(offered.name) and random.random() < 0.5
    form = _build_form_for(random, offered.name if runs_code else call.name, call.result, runs_code=runs_code)
    chat, lead = _begin(random, form, offered)
    chat.kind = "call"
    _ask_other(random, chat, form, call, lead)
    while random.random() < 0.25:
        if random.random() < 0.6:
            _ask_again(random, chat, form, chosen, call)
        else:
            _ask_more(random, chat, form, outside=0.3)
    return chat


def _ask_again(random: Random, chat: Chat, form: Form, chosen: Chosen, before: OtherCall) -> None:
    """Ask for the same function, in few words if they say all; nothing, where another function might answer."""
    required = sum(not taken.optional for taken in chosen.callee.takes)
    is_short = len(before.arguments) == required and random.random() < 0.6
    call = ask_call(random, chosen, further=is_short)
    if not any(fits(call.question, other) for other in chat.others if other != call.function):
        _ask_other(random, chat, form, call)


def _build_label(random: Random) -> Chat:
    """Return a chat whose last message asks which class fits."""
    told = build_labelled(random)
    chance = random.random()
    offered = build_function(random) if chance < 0.3 else None
    chat = Chat(build_form(random).system if chance < 0.7 else "", offered)
    chat.kind = "label"
    chat.hear(told.text)
    chat.hear(told.asked)
    chat.say(told.label)
    return chat


def _unguessable(random: Random) -> str:
    """Return what no code in sight could have printed."""
    chance = random.random()
    if chance < 0.3:
        return str(random.randint(-(10 ** random.randint(1, 7)), 10 ** random.randint(1, 9)))
    if chance < 0.5:
        return str(round(random.uniform(-1000, 100_000), random.randint(1, 4)))
    if chance < 0.65:
        return str([random.randint(0, 999) for _ in range(random.randint(1, 10))])
    if chance < 0.75:
        return str([build_word(random) for _ in range(random.randint(1, 6))])
    return " ".join(build_word(random) for _ in range(random.randint(1, 3)))
