"""Which functions a chat offers: the one that runs code, by many names, and others that are not to be called. Pure."""

from __future__ import annotations

from random import Random
from typing import NamedTuple

from lllm.nano.recipe.names import invent, to_words

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
OTHERS = (
    "api_docs(endpoints)",
    "api_docs(endpoints)",
    "get_weather(city)",
    "weather(place, day)",
    "search(query)",
    "web_search(query)",
    "search_docs(query, limit)",
    "fuel_cost(distance_km)",
    "fuel_cost(distance_km, litres_per_100_km, euros_per_litre)",
    "read_file(path)",
    "write_file(path, text)",
    "list_files(folder)",
    "send_email(to, subject, body)",
    "get_time(zone)",
    "now()",
    "get_price(symbol)",
    "stock_price(ticker)",
    "translate(text, language)",
    "lookup(word)",
    "find_user(name)",
    "get_order(order_id)",
    "cancel_order(order_id)",
    "book_table(day, guests)",
    "add_note(text)",
    "query_database(sql)",
    "fetch(url)",
    "open_page(url)",
    "convert_currency(amount, source, target)",
    "route(start, end)",
    "play_music(title)",
    "set_alarm(time)",
    "ask_human(question)",
    "summarize(text)",
    "draw(prompt)",
    "remember(fact)",
    "recall(topic)",
    "roll_dice(sides)",
    "get_holidays(year, country)",
    "news(topic)",
    "ping()",
)


class Offered(NamedTuple):
    """The functions that a chat offers.

    Attributes:
        name: of the one that runs code.
        parameter: its one parameter.
        others: those that are not to be called, each as ``name(parameter, parameter)``.
        place: of the one that runs code among all.
    """

    name: str
    parameter: str
    others: tuple[str, ...]
    place: int

    @property
    def listed(self) -> tuple[str, ...]:
        """All of them as ``name(parameter)``, in their order."""
        return (*self.others[: self.place], f"{self.name}({self.parameter})", *self.others[self.place :])


def build_function(random: Random) -> Offered:
    """Return what a chat offers: ``run_python(code)`` alone, mostly."""
    name, parameter = "run_python", "code"
    if random.random() >= 0.7:
        name = _new_name(random) if random.random() < 0.5 else random.choice(NAMES)
        parameter = _parameter(random)
    count = random.choices((0, 1, 2), (0.7, 0.2, 0.1))[0]
    others = [other for other in (_other(random) for _ in range(count)) if other.partition("(")[0] != name]
    return Offered(name, parameter, tuple(dict.fromkeys(others)), random.randint(0, len(set(others))))


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
    if random.random() < 0.8:
        return random.choice(OTHERS)
    parameters = ", ".join(dict.fromkeys(invent(random) for _ in range(random.randint(0, 3))))
    return f"{invent(random)}({parameters})"
