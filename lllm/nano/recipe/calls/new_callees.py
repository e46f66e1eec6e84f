"""Functions that nobody has heard of, whose parameters say what they take; and questions that name parameters."""

from __future__ import annotations

from random import Random

from lllm.nano.recipe.calls.callee import Callee, Taken
from lllm.nano.recipe.language.names import invent
from lllm.nano.recipe.language.wording import Ways

# What a parameter is called, the kind of its values, and how a value stands in a sentence.
_TAKEN: tuple[tuple[Taken, tuple[str, ...]], ...] = (
    (Taken("number", "number", "number number n amount count value size quantity"), ("{number}", "with {number}")),
    (Taken("person", "person", "name name person who user owner"), ("for {person}", "for {person}", "{person}")),
    (Taken("city", "city", "city city place town location"), ("in {city}", "at {city}", "{city}")),
    (Taken("word", "word", "word word text label title"), ("{word}", "the word {word}")),
    (Taken("day", "day", "day day date when"), ("for {day}", "{day}")),
    (Taken("code", "code", "code id key order_id item_id"), ("{code}", "number {code}", "#{code}")),
    (Taken("language", "language", "language lang"), ("in {language}", "{language}")),
    (Taken("minutes", "minutes", "minutes minutes duration mins"), ("for {minutes} minutes", "{minutes} minutes")),
    (Taken("weight", "weight", "weight_kg kg weight mass"), ("{weight} kg", "of {weight} kg", "{weight}kg")),
)
_NOUNS = ("the {f} of $", "the {f} for $", "a {f} of $", "{f} $")
_ORDERS = (
    "{f} $",
    "{f} $",
    "{f} $",
    "{f} $",
    "(run|call|use|do|try) {f} (on|with|for) $",
    "(do|make) a {f}, $",
    "{f} this: $",
    "{f} the following: $",
)
_SENTENCES = (
    "{f} $",
    "{f} $(.|!|, please.)",
    "can you {f} $?",
    "what does {f} (say|give|return) for $?",
    "I (want|need) to {f} $.",
    "I'd like to {f} $, please.",
    "{f}: $",
    "$: {f} (it|that|this), please",
    "what do I get if I {f} $?",
    "how do I {f} $? Just do it.",
    "we need a {f}: $",
    "somebody should {f} $.",
    "what is the {f} of $?",
    "please {f} $",
    "is it possible to {f} $?",
    "time to {f} $.",
)
_RESULTS = ("{number}", "{number}", "{whole}", "done", "{word}", "{code}", "{word} {word}", "{money}", "{small} {word}")
_NAMED = (
    "(call|use|run) {f} with $",
    "(call|use|run) {f}: $",
    "{f} with $",
    "{f}: $",
    "{f}, $",
    "$ - {f}, please",
    "what does {f} (say|return|give) for $?",
)
_PAIRS = ("@ = #", "@=#", "@: #", "@ #", "# as @", "the @ #")


def build_callee(random: Random) -> Callee:
    """Return a function with a name that means nothing and one to three parameters."""
    name = invent(random) if random.random() < 0.75 else f"{invent(random)}_{invent(random)}"
    drawn = random.sample(_TAKEN, random.choice((1, 1, 2, 2, 2, 3)))
    given = _join(random, [random.choice(ways) for _, ways in random.sample(drawn, len(drawn))])

    def filled(patterns: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(pattern.replace("$", given) for pattern in patterns)

    ways = Ways(filled(_NOUNS), filled(_ORDERS), filled(_SENTENCES))
    further = (f"and {given}", f"now {given}", f"{{f}} {given}, too")
    return Callee(name, tuple(taken for taken, _ in drawn), name, ways, _RESULTS, further=further)


def build_named(random: Random, parameters: dict[str, str]) -> str:
    """Return a pattern that names the function and its parameters (by slot)."""
    pair = random.choice(_PAIRS)
    pairs = [pair.replace("@", name).replace("#", f"{{{slot}}}") for slot, name in parameters.items()]
    if random.random() < 0.3:
        random.shuffle(pairs)
    mark = random.choice((", ", ", ", " and ", "; "))
    return random.choice(_NAMED).replace("$", mark.join(pairs))


def _join(random: Random, parts: list[str]) -> str:
    """Return parts of a sentence in a row; two that begin with a value have a word or a comma between them."""
    joined = parts[0]
    for part in parts[1:]:
        begins_bare = part.startswith(("{", "#"))
        joined += (
            random.choice((" and ", ", ", " with ")) + part if begins_bare else random.choice((" ", " ", ", ")) + part
        )
    return joined
