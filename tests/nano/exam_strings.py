"""The exam's questions about texts. ``{s}`` is a word or a phrase, ``{w}`` one plain word, ``{p}`` a phrase."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from exam_operands import LONG_WORDS, PHRASES, Made, Operation, one_word, quoted, shown, some_text

WORDINGS = {
    "length": (
        "How many characters does {s} have?",
        "How long is the string {s}?",
        "length of {s}",
        "Count the characters in {s}.",
        "How many letters are in the word {w}?",
        "what's the length of {s}",
        "I typed {s}. How many characters is that?",
        "Tell me how many characters {s} consists of.",
        "number of characters in {s}",
        "number of letters in {w}?",
    ),
    "reversed": (
        "Reverse the string {s}.",
        "What is {s} backwards?",
        "spell {s} backwards",
        "Write {s} in reverse.",
        "How does {s} read from right to left?",
        "reverse {s}",
        "Please turn the text {s} around, last character first.",
        "Could you reverse {s} for me?",
    ),
    "upper": (
        "Convert {s} to upper case.",
        "Write {s} in capital letters.",
        "{s} in all caps",
        "Make {s} uppercase.",
        "What is {s} in upper case?",
        "Please put {s} into capitals",
        "uppercase {s}",
        "I need {s} in all capital letters.",
    ),
    "lower": (
        "Convert {s} to lower case.",
        "Write {s} in small letters.",
        "{s} in lowercase",
        "Make {s} all lowercase.",
        "What is {s} in lower case?",
        "Please put {s} into lower case letters",
        "lowercase {s}",
        "I need {s} without any capital letters, all in lower case.",
    ),
    "title": (
        "Convert {p} to title case.",
        "Write {p} in title case.",
        "{p} in title case",
        "Make {p} title case.",
        "What is {p} in title case?",
        "Use {p} as a headline: put it in title case.",
    ),
    "letter": (
        "How often does the letter {c} occur in {s}?",
        "How many times does {c} appear in {s}?",
        "How many {c}'s are in {w}?",
        "Count the letter {c} in {s}.",
        "number of {c} in {s}",
        "In {s}, how many times do you find the letter {c}?",
        "how many letters {c} are there in {s}",
        "Count how often the letter {c} shows up in {s}",
    ),
    "word-count": (
        "How many words are in {p}?",
        "Count the words in {p}.",
        "number of words in {p}",
        "How many words does the sentence {p} have?",
        "word count of {p}",
        "My title is {p}. How many words is that?",
    ),
    "vowels": (
        "How many vowels are in {s}?",
        "Count the vowels in {s}.",
        "number of vowels in {s}",
        "How many vowels does {s} contain?",
        "vowel count for {s}",
        "Tell me how many vowels {s} has.",
    ),
    "palindrome": (
        "Is {w} a palindrome?",
        "Is the word {w} a palindrome?",
        "{w}: palindrome or not?",
        "Does {w} read the same forwards and backwards?",
        "Check whether {w} is a palindrome.",
        "would you call {w} a palindrome",
    ),
    "replace": (
        "Replace {a} by {b} in {s}.",
        "In {s}, replace every {a} with {b}.",
        "replace {a} with {b} in {s}",
        "What does {s} become if you replace {a} with {b}?",
        "Change each {a} to {b} in {s}",
        "Take {s} and swap every {a} for {b}.",
        "Substitute {b} for {a} in {s}.",
        "What do you get when every {a} in {s} is turned into {b}?",
    ),
    "remove": (
        "Remove the letter {a} from {s}.",
        "Delete every {a} from {s}.",
        "remove all {a} from {s}",
        "What is {s} without the letter {a}?",
        "Take every {a} out of {s}",
        "Strip the letter {a} from {s}, please.",
    ),
    "first-n": (
        "What are the first {n} characters of {s}?",
        "Give me the first {n} characters of {s}.",
        "first {n} letters of {w}",
        "The first {n} characters of {s}?",
        "Cut {s} down to its first {n} characters.",
        "which {n} characters does {s} begin with",
    ),
    "last-n": (
        "What are the last {n} characters of {s}?",
        "Give me the last {n} characters of {s}.",
        "last {n} letters of {w}",
        "The last {n} characters of {s}?",
        "Keep only the last {n} characters of {s}.",
        "which {n} characters does {s} end with",
    ),
    "letters-sorted": (
        "Sort the letters of {w}.",
        "Put the letters of {w} in alphabetical order.",
        "letters of {w} sorted",
        "Arrange the letters of {w} alphabetically.",
        "What are the letters of {w} in alphabetical order?",
        "sort the letters in {w} from a to z",
    ),
    "no-spaces": (
        "Remove the spaces from {p}.",
        "Write {p} without spaces.",
        "{p} without spaces",
        "Delete all blanks in {p}.",
        "What is {p} with all the spaces taken out?",
        "strip every space out of {p}",
    ),
    "repeat": (
        "Repeat {w} {n} times.",
        "Write {w} {n} times in a row without spaces.",
        "repeat the word {w} {n} times",
        "What is {w} repeated {n} times?",
        "Say {w} {n} times, all in one string.",
        "String {w} repeated {n} times",
    ),
}
PALINDROMES = ("level", "radar", "kayak", "rotor", "Anna", "noon", "civic", "refer", "racecar", "deed", "Otto", "madam")


def pick(random: Random, wording: str, *, is_plain: bool = False) -> tuple[dict[str, str], str]:
    """Return the field of a wording, and the text that it stands for."""
    if "{w}" in wording:
        text = one_word(random)
        return {"w": shown(random, text)}, text
    if "{p}" in wording:
        text = random.choice(PHRASES)
        return {"p": quoted(random, text)}, text
    text = (random.choice(PHRASES) if random.random() < 0.3 else one_word(random)) if is_plain else some_text(random)
    return {"s": shown(random, text)}, text


def of_text(answer: Callable[[str], object], *, is_plain: bool = False):
    """Return a maker of questions about a text alone."""

    def make(random: Random, wording: str) -> Made:
        fields, text = pick(random, wording, is_plain=is_plain)
        return fields, str(answer(text))

    return make


def letter_of(random: Random, text: str) -> str:
    """Return a letter of a text, or now and then another."""
    return random.choice("abcdefghijklmnoprstu") if random.random() < 0.1 else random.choice(text.replace(" ", ""))


def marked(random: Random, letter: str) -> str:
    """Return a letter as it is asked about."""
    return letter if random.random() < 0.4 and letter not in "aI" else random.choice((f"'{letter}'", f'"{letter}"'))


def make_letter(random: Random, wording: str) -> Made:
    """A text in small letters, and a letter."""
    fields, text = pick(random, wording, is_plain=True)
    text, fields = (text, fields) if "'" not in text else ("good morning", {"s": '"good morning"'})
    letter = letter_of(random, text)
    told = letter if "{c}'s" in wording else marked(random, letter)
    return {**fields, "c": told}, str(sum(1 for sign in text if sign == letter))


def make_replace(random: Random, wording: str) -> Made:
    """A text, what goes and what comes."""
    fields, text = pick(random, wording, is_plain=True)
    text, fields = (text, fields) if "'" not in text else ("open the door", {"s": '"open the door"'})
    a, b = letter_of(random, text), random.choice("aeioxyz*-")
    b = b if b != a else "q"
    before, after = random.choice(("''", '""'))
    return {**fields, "a": f"{before}{a}{after}", "b": f"{before}{b}{after}"}, b.join(text.split(a))


def make_removed(random: Random, wording: str) -> Made:
    """A text and a letter."""
    fields, text = pick(random, wording, is_plain=True)
    text, fields = (text, fields) if "'" not in text else ("lost and found", {"s": '"lost and found"'})
    a = letter_of(random, text)
    return {**fields, "a": marked(random, a)}, "".join(sign for sign in text if sign != a)


def make_part(is_first: bool):
    """Return a maker of questions about one end of a text."""

    def make(random: Random, wording: str) -> Made:
        fields, text = pick(random, wording)
        n = random.randint(2, max(2, min(6, len(text) - 1)))
        signs = list(text)
        return {**fields, "n": str(n)}, "".join(signs[:n] if is_first else signs[len(signs) - n :])

    return make


def make_palindrome(random: Random, _: str) -> Made:
    """A palindrome, or another word."""
    text = random.choice(PALINDROMES) if random.random() < 0.5 else random.choice(LONG_WORDS)
    small = text.lower()
    return {"w": shown(random, text)}, str(all(small[at] == small[-1 - at] for at in range(len(small))))


def make_lower(random: Random, wording: str) -> Made:
    """A text with capitals."""
    _, text = pick(random, wording)
    loud = random.choice((text.upper(), text.capitalize(), text.swapcase()))
    return {"s": shown(random, loud)}, "".join(sign.lower() for sign in loud)


def make_repeat(random: Random, wording: str) -> Made:
    """A word and how often."""
    fields, text = pick(random, wording)
    n = random.randint(2, 5)
    return {**fields, "n": str(n)}, "".join(text for _ in range(n))


def make_title(random: Random, _: str) -> Made:
    """A phrase without an apostrophe: what follows one is a capital to Python, and to nobody else."""
    text = random.choice([phrase for phrase in PHRASES if "'" not in phrase])
    return {"p": quoted(random, text)}, " ".join(word[0].upper() + word[1:] for word in text.split(" "))


MAKERS = {
    "length": of_text(len),
    "reversed": of_text(lambda text: "".join(reversed(text))),
    "upper": of_text(lambda text: "".join(sign.upper() for sign in text)),
    "lower": make_lower,
    "title": make_title,
    "letter": make_letter,
    "word-count": of_text(lambda text: text.count(" ") + 1),
    "vowels": of_text(lambda text: sum(text.count(vowel) for vowel in "aeiou"), is_plain=True),
    "palindrome": make_palindrome,
    "replace": make_replace,
    "remove": make_removed,
    "first-n": make_part(is_first=True),
    "last-n": make_part(is_first=False),
    "letters-sorted": of_text(lambda text: "".join(sorted(text))),
    "no-spaces": of_text(lambda text: "".join(text.split())),
    "repeat": make_repeat,
}
OPERATIONS = tuple(Operation("strings", name, WORDINGS[name], make) for name, make in MAKERS.items())
