"""Names of tags, keys, labels and functions: the usual ones, and ones that nobody has seen yet. Pure."""

from __future__ import annotations

from random import Random


def to_words(text: str) -> tuple[str, ...]:
    """Return the words of a text."""
    return tuple(text.split())


USUAL: tuple[str, ...] = to_words(
    """
    answer result value cost total output reply final solution price number date response outcome amount sum count
    final_answer answer_text text data content res ans out return returned computed calculation computation figure
    score length weekday day time duration distance weight temperature balance budget fee bill estimate quantity
    size mean average median rate percent percentage ratio word string list items sorted sorted_list reversed
    converted conversion measurement unit units verdict conclusion summary report message finding findings info
    final_result end_result answer_value my_answer the_answer your_answer assistant_answer reply_text final_value
    result_text tool_result calc calc_result evaluation statistic stat metric metrics record entry field payload
    body note payout deliverable final_output product quotient remainder maximum minimum letters characters
    due_date deadline age year
    """
)
_BEGIN: tuple[str, ...] = to_words(
    """
    b bl br c ch cl d dr f fl g gl gr h j k kr l m n p pl pr qu r s sh sk sl sn st t tr v w y z
    """
)
_VOWEL: tuple[str, ...] = to_words(
    """
    a a e e i i o o u ai ea oo ou
    """
)
_END = ("", "", "", "l", "m", "n", "r", "s", "t", "x", "nd", "rk", "st", "ck", "sh")
_JOINED: tuple[str, ...] = to_words(
    """
    alpha beta delta trip shop order user step task item part final total net gross max min avg main exact plain
    raw clean short long first last next model machine agent worker tool bot box slot line cell row key code job
    run unit
    """
)


def invent(random: Random) -> str:
    """Return a word that can be said and means nothing, in small letters."""
    count = random.choice((1, 2, 2, 2, 3))
    return "".join(random.choice(_BEGIN) + random.choice(_VOWEL) + random.choice(_END) for _ in range(count))


def build_name(random: Random) -> str:
    """Return a name of a tag or of a key: a usual one, a new one, or one of two words."""
    chance = random.random()
    if chance < 0.45:
        return random.choice(USUAL[:12])
    if chance < 0.8:
        return random.choice(USUAL)
    if chance < 0.9:
        return invent(random)
    mark = random.choice(("_", "_", "_", "-", ""))
    return _two_words(random, mark)


def _two_words(random: Random, mark: str) -> str:
    first = random.choice(_JOINED) if random.random() < 0.6 else invent(random)
    second = random.choice(USUAL[:30]) if random.random() < 0.6 else invent(random)
    return first + mark + second if mark else first + second.capitalize()
