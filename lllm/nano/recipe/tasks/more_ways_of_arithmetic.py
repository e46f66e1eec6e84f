"""How people ask for parts and multiples, for two steps in a row, and for small problems of prices and shares."""

from __future__ import annotations

from lllm.nano.recipe.language.wording import Ways

_PART_SENTENCES = (
    "how much is {f} {a}?",
    "how much is {f} {a}?",
    "{f} {a}",
    "{f} {a}?",
    "{f} {a} = ?",
    "{f} {a} (is|makes|equals) (what|how much)?",
    "what number is {f} {a}?",
    "what do you get for {f} {a}?",
    "I have {a}. How much is {f} (it|that)?",
    "{a}: {f} it?",
    "if I (take|have|want|use|need) {f} {a}, how much is (it|that)?",
    "we need {f} {a}. How much is that?",
    "which number is {f} {a}?",
    "{a} people are here and {f} them leave. How many leave?",
)
_MULTIPLE_SENTENCES = (
    "how much is {f} {a}?",
    "how much is {f} {a}?",
    "{f} {a}",
    "{f} {a}?",
    "{f} {a} = ?",
    "{f} {a} (is|makes|equals) (what|how much)?",
    "what number is {f} {a}?",
    "what do you get for {f} {a}?",
    "what is {f} the number {a}?",
    "I have {a} and want {f} that. How much is it?",
    "which number is {f} {a}?",
)

# What stands for {f}, with the rest of the ways; {a} / 2 and so on.
HALF = (
    "half of|one half of|a half of|half",
    "halve {a}",
    "cut {a} in half",
    "split {a} in (two|half|halves)",
)
THIRD = ("a third of|one third of|1/3 of", "take a third of {a}", "cut {a} into thirds and take one")
QUARTER = ("a quarter of|one quarter of|one fourth of|a fourth of|1/4 of", "take a quarter of {a}", "quarter {a}")
DOUBLE = ("double|twice|two times|the double of", "double {a}", "make {a} twice as large", "double the number {a}")
TRIPLE = ("triple|three times|thrice|the triple of", "triple {a}", "make {a} three times as large", "treble {a}")


def build_part_ways(words: tuple[str, ...], *, is_multiple: bool = False) -> Ways:
    """Return the ways to ask for a part of {a}, or for a multiple of it, from one of the tables of words above."""
    said = f"({words[0]})"
    sentences = _MULTIPLE_SENTENCES if is_multiple else _PART_SENTENCES
    orders = (f"calculate {said} {{a}}", f"compute {said} {{a}}", f"find {said} {{a}}", f"work out {said} {{a}}")
    return Ways(
        nouns=(f"{said} {{a}}", f"{said} {{a}}", f"{said} the (number|amount|value) {{a}}"),
        orders=(*words[1:], *words[1:], *orders),
        sentences=tuple(sentence.replace("{f}", said) for sentence in sentences),
    )


_THING = "(pens|apples|books|tickets|cups|shirts|stamps|chairs|eggs|bottles|lamps|cakes|boxes|mugs|toys|bags)"
_ONE = "(pen|book|ticket|cup|shirt|stamp|chair|lemon|bottle|lamp|cake|box|mug|toy|bag|sandwich)"
_WHO = "(Anna|Tom|Maria|Ben|Sara|Omar|Lena|Raj|Chloe|Jack|my mum|my brother|a friend|he|she|a customer|the school)"
_EACH = "(each|apiece|a piece|per piece|per unit|per item)"
_KIDS = "(friends|children|people|kids|players|students|families|workers|cousins|guests)"

# {p} is a price, {n} a number of things; {p} * {n} or the other way round, as they stand in the question.
PRICE = Ways(
    (
        f"the (price|cost|total|total price|total cost) of {{n}} {_THING} at {{p}} {_EACH}",
        f"the total for {{n}} {_THING} at {{p}} {_EACH}",
        f"the (cost|price) of {{n}} {_THING} if one costs {{p}}",
    ),
    (
        f"(price|work out the price of|calculate the cost of) {{n}} {_THING} at {{p}} {_EACH}",
        f"work out what {{n}} {_THING} cost at {{p}} {_EACH}",
        "multiply a price of {p} by {n} items",
    ),
    (
        f"how much (do|would|will) {{n}} {_THING} cost at {{p}} {_EACH}?",
        f"how much (are|is the total for) {{n}} {_THING} at {{p}} {_EACH}?",
        f"a {_ONE} costs {{p}}. (How much|What) do {{n}} (of them|) cost?",
        f"one {_ONE} is {{p}}. How much are {{n}}?",
        f"{_THING} cost {{p}} {_EACH}. What (do|would|will) {{n}} cost?",
        f"{_THING} are {{p}} {_EACH}; I (buy|need|take) {{n}}. (How much do I pay?|What's the total?)",
        f"I (buy|bought|ordered|need) {{n}} {_THING} at {{p}} {_EACH}. (How much is that?|What's the total?|Total?)",
        f"{_WHO} (bought|ordered) {{n}} {_THING} for {{p}} {_EACH}. How much (was it|was that|did it cost)?",
        f"{_WHO} (bought|ordered) {{n}} {_THING}, {{p}} {_EACH}. What was (the total|the bill|the cost)?",
        f"if one {_ONE} costs {{p}}, how much (do|would|will) {{n}} cost?",
        f"if a {_ONE} is {{p}}, what is the price of {{n}}?",
        f"at {{p}} {_EACH}, what do {{n}} {_THING} (cost|come to)?",
        f"{{n}} {_THING}, {{p}} {_EACH}: (total?|how much?|what do I pay?|the price?)",
        f"{{n}} {_THING} at {{p}} {_EACH}?",
        f"what do I pay for {{n}} {_THING} at {{p}} {_EACH}?",
        f"what is the bill for {{n}} {_THING} when one costs {{p}}?",
        "an hour of work costs {p}. What do {n} hours cost?",
        "{n} hours at {p} an hour: how much is that?",
        "I earn {p} an hour and work {n} hours. How much do I earn?",
        "rent is {p} a month. How much is it for {n} months?",
    ),
)

# {a} in each of {b} groups: {a} * {b} in the order of the question.
GROUPS = Ways(
    (
        f"the number of {_THING} in {{b}} boxes of {{a}}",
        f"the total if {{b}} {_KIDS} bring {{a}} {_THING} each",
    ),
    (
        f"count the {_THING} in {{b}} boxes of {{a}}",
        "work out how many are in {b} boxes of {a}",
    ),
    (
        "each box holds {a} (things|items|eggs|books). How many are in {b} boxes?",
        f"there are {{b}} boxes with {{a}} {_THING} in each. How many {_THING} are there?",
        "a train goes {a} km an hour. How far does it go in {b} hours?",
        f"{{b}} {_KIDS} have {{a}} {_THING} each. How many {_THING} is that?",
        f"{_WHO} packs {{a}} {_THING} in each of {{b}} bags. How many {_THING} are packed?",
        "{b} rows of {a} seats: how many seats?",
        "a book has {b} chapters of {a} pages each. How many pages is that?",
        "I read {a} pages a day. How many do I read in {b} days?",
        f"how many {_THING} are in {{b}} boxes if each holds {{a}}?",
        "if one pack has {a} and I buy {b} packs, how many do I have?",
        "{b} weeks with {a} hours each: how many hours in all?",
        "a machine makes {a} parts an hour. How many does it make in {b} hours?",
    ),
)

# {a} is what there was, {b} what went: {a} - {b}; {m} and {k} are the same as money.
LEFT = Ways(
    (
        "what is left of {m} after (spending|paying|using|losing) {k}",
        "the (rest|change|money left) from {m} after (spending|paying) {k}",
        "my change from {m} if I pay {k}",
    ),
    (
        "work out how much is left of {m} after (spending|paying|losing) {k}",
        "take a total of {m} and subtract the {k} that was spent",
    ),
    (
        "I (had|have) {m} and (spent|spend|paid|lost|used) {k}. (How much is left?|What is left?)",
        f"{_WHO} had {{m}} and (spent|lost|used|gave away) {{k}}. (How much is left?|What is left?)",
        "if I have {m} and spend {k}, how much (is left|do I have left|remains)?",
        "I pay with {m} for {k} worth of food. What is my change?",
        "a budget of {m}, {k} spent: (what is left?|what remains?|how much is left?|rest?)",
        "total {m}, spent {k}, (left?|what is left?|how much is left?|remaining?)",
        f"there (were|are) {{a}} {_THING} and {{b}} (were|are) (sold|eaten|lost|given away). How many are left?",
        f"a shop has {{a}} {_THING} and sells {{b}}. How many (are left|remain|does it have left)?",
        f"{_WHO} has {{a}} {_THING} and gives away {{b}}. How many are left?",
        "out of {m} I already (spent|used|paid) {k}. (What is left?|How much is left?|What remains?)",
        "my account has {m}. I take out {k}. (What is left?|What's the balance?|How much is in it now?)",
        "we saved {m} and paid {k}. How much do we still have?",
        "from my {m} I spent {k}; (what remains|how much is left)?",
        "a tank holds {a} litres and {b} litres are used. How much is left?",
        "of {a} pages I have read {b}. How many are left?",
    ),
)

# {a} among {b}: {a} / {b}; {m} is the same as money.
SHARE = Ways(
    (
        f"the share of each if {{m}} is (split|shared|divided) (equally|evenly) among {{b}} {_KIDS}",
        f"each one's part when {{b}} {_KIDS} share {{m}} (equally|evenly)",
    ),
    (
        f"(split|share|divide) {{m}} (equally|evenly) (among|between) {{b}} {_KIDS}",
        f"(split|share|divide) a bill of {{m}} (equally|evenly) (among|between) {{b}} {_KIDS}",
        f"(split|share|divide) {{m}} (among|between) {{b}} {_KIDS}",
    ),
    (
        f"{{m}} is (split|shared|divided) (equally|evenly) (among|between) {{b}} {_KIDS}. How much does each get?",
        f"if {{m}} is (split|shared) (equally|fairly) among {{b}} {_KIDS}, (how much|what) does each get?",
        f"{{b}} {_KIDS} share {{m}} (equally|evenly|fairly). How much (is it for each|does each get|per person)?",
        f"{{b}} {_KIDS} (split|share) a bill of {{m}}. (How much|What) does each pay?",
        f"a bill of {{m}}, {{b}} {_KIDS}: how much (each|per person|for each|per head)?",
        f"{{m}} for {{b}} {_KIDS}, how much (each|per person|for each|a head)?",
        f"{_WHO} (shares|splits) {{a}} {_THING} (equally|evenly) among {{b}} {_KIDS}. How many does each get?",
        f"we are {{b}} {_KIDS} and the total is {{m}}. (What does each pay?|How much each?|How much is it per person?)",
        f"how much does each of {{b}} {_KIDS} get if they share {{m}} (equally|evenly)?",
        f"how much does each pay when {{b}} {_KIDS} split {{m}}?",
        f"dinner was {{m}} for {{b}} {_KIDS}. How much (each|is that each|per person)?",
        f"{{a}} {_THING} go into {{b}} boxes, the same in each. How many in one box?",
        f"{{b}} {_THING} cost {{m}} (in total|together|altogether). (What does one cost?|How much is one?)",
        f"I paid {{m}} for {{b}} {_THING}. (What did one cost?|How much was each?|What is the price of one?)",
        "I drove {a} km in {b} hours. How many km is that per hour?",
        "the rent of {m} is shared by {b} flatmates. What does each pay?",
    ),
)
