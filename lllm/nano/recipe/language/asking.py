"""How people ask: frames around what is wanted and what is to be done, and where the text or list of it stands.

It stands in the sentence, before it ("Take [3, 1]. Sort it.") or after it ("Sort this list: [3, 1]"); before and after,
the sentence points at it. One that has no quotes or brackets, and several words, never stands within a sentence.
"""

from __future__ import annotations

from random import Random
from typing import NamedTuple

from lllm.nano.recipe.language.wording import Ways, ask_for, bare, dress, fill, keep, order

NOUN_FRAMES = (
    "what is {x}?",
    "what is {x}",
    "what's {x}?",
    "whats {x}",
    "what would {x} be?",
    "what would be {x}?",
    "what do you get for {x}?",
    "give me {x}.",
    "give {x}",
    "I need {x}.",
    "I need to know {x}.",
    "I (want|require) {x}.",
    "I'd like {x}.",
    "I would like to (know|have|see) {x}.",
    "tell me {x}.",
    "(Can|Could) you tell me {x}?",
    "(Can|Could) you give me {x}?",
    "can I (get|have) {x}?",
    "may I have {x}, please?",
    "could I see {x}",
    "do you know {x}?",
    "do you know what {x} is?",
    "tell me what {x} is.",
    "I wonder what {x} is.",
    "I was wondering what {x} might be.",
    "any idea what {x} is?",
    "could you work out what {x} is?",
    "I need to know what {x} is.",
    "somebody asked me what {x} is.",
    "I have no idea what {x} is.",
    "find {x}.",
    "find me {x}",
    "find out what {x} is.",
    "(Work|Figure) out {x}.",
    "determine {x}.",
    "compute {x}.",
    "calculate {x}",
    "return {x}.",
    "output {x}.",
    "print {x}",
    "show me {x}.",
    "show {x}",
    "display {x}.",
    "report {x}.",
    "state {x}.",
    "provide {x}.",
    "(Get|Fetch) {x}",
    "get me {x}.",
    "write down {x}.",
    "let me know {x}.",
    "I'm looking for {x}.",
    "I'm after {x}.",
    "I am trying to (find|get|work out) {x}.",
    "I'm trying to figure out {x}.",
    "help me find {x}.",
    "help me with {x}",
    "{x}?",
    "{x}, please.",
    "{x}",
    "{x}.",
    "looking for {x}.",
    "need {x}",
    "wanted: {x}",
    "question: what is {x}?",
    "task: (find|give|compute) {x}.",
    "requested: {x}.",
    "my task is to find {x}.",
    "my homework asks for {x}.",
    "my (teacher|boss|colleague|sister) wants {x}.",
    "the exercise asks for {x}.",
    "for a (puzzle|game|quiz|test) I need {x}.",
    "for my (code|notes|report|script) I need {x}.",
    "I forgot how to get {x}.",
    "it would be (great|nice|helpful) to have {x}.",
    "what I need is {x}.",
    "what I'm asking for is {x}.",
    "all I want is {x}.",
    "just {x}",
    "just give me {x}, nothing else.",
    "simply (give|return|state) {x}.",
    "we need {x} here.",
    "how do I get {x}?",
    "someone asked me for {x}.",
    "would you mind telling me {x}?",
    "if you can, give me {x}.",
    "let's find {x}.",
    "the question is: what is {x}?",
    "I'd appreciate {x}.",
    "use Python to (find|get|compute) {x}.",
    "run some code and tell me {x}.",
    "check {x} for me.",
    "please let me have {x}.",
    "{x} = ?",
    "{x} is what?",
    "{x} is ...?",
)

VERB_FRAMES = (
    "{x}.",
    "{x}",
    "{x}!",
    "{x} for me.",
    "please {x}.",
    "(Can|Could|Would|Will) you {x}?",
    "can you please {x}?",
    "can you {x}",
    "could you quickly {x}?",
    "I want you to {x}.",
    "I'd like you to {x}.",
    "I need you to {x}.",
    "I need to {x}.",
    "I (want|have|would like) to {x}.",
    "I'm trying to {x}.",
    "I am supposed to {x}.",
    "help me {x}.",
    "help me to {x}",
    "go ahead and {x}.",
    "let's {x}.",
    "how do I {x}?",
    "how (would|do|can) you {x}?",
    "your (task|job): {x}.",
    "task: {x}",
    "the task is to {x}.",
    "the goal is to {x}.",
    "my homework: {x}.",
    "my (teacher|boss|friend|brother) asked me to {x}.",
    "you should {x}.",
    "you have to {x}.",
    "just {x}",
    "simply {x}.",
    "kindly {x}.",
    "now {x}.",
    "next, {x}.",
    "use Python to {x}.",
    "run some code to {x}.",
    "write code to {x}.",
    "are you able to {x}?",
    "is it possible to {x}?",
    "I was told to {x}.",
    "try to {x}.",
    "be so kind as to {x}.",
    "would you be able to {x}?",
    "would you be so good as to {x}?",
    "any chance you could {x}?",
    "if possible, {x}.",
    "do this: {x}.",
    "instruction: {x}",
    "todo: {x}",
    "for a (test|puzzle|game), {x}.",
    "we have to {x}.",
    "it's time to {x}.",
    "what do I get if I {x}?",
    "what (happens|comes out) when you {x}?",
    "what is the result if you {x}?",
    "show me what you get when you {x}.",
    "if I {x}, what do I get?",
    "if you {x}, what comes out?",
    "when we {x}, what's the outcome?",
    "suppose I {x}. What is the result?",
    "result wanted: {x}.",
    "I can't manage to {x}, can you?",
    "I'm too lazy to {x} myself.",
    "here's what I need: {x}.",
    "one thing to do: {x}",
    "you there, {x}",
    "I wonder if you could {x}.",
    "mind if I ask you to {x}?",
    "exercise 3: {x}.",
    "I could use some help to {x}.",
    "step 1: {x}.",
    "let me see you {x}.",
    "time to {x}",
)

CLAUSE_FRAMES = (
    "tell me {x}.",
    "please tell me {x}",
    "(can|could|would) you tell me {x}?",
    "do you know {x}?",
    "I (want|need|would like|have) to know {x}.",
    "I'd like to know {x}.",
    "I wonder {x}.",
    "I was wondering {x}.",
    "I'm (not sure|unsure|curious) {x}.",
    "I don't know {x}.",
    "I can't tell {x}.",
    "I forgot {x}",
    "find out {x}.",
    "(work|figure) out {x}.",
    "determine {x}.",
    "check {x}.",
    "check {x} for me.",
    "let me know {x}.",
    "show me {x}.",
    "say {x}.",
    "write down {x}.",
    "any idea {x}?",
    "(can|could) you (check|find out|work out|see|say) {x}?",
    "help me (find out|work out|see) {x}.",
    "the question is {x}.",
    "my question is {x}",
    "my (friend|teacher|boss|daughter) wants to know {x}.",
    "someone asked me {x}.",
    "I have been asked {x}.",
    "I'm trying to (find out|work out|see) {x}.",
    "use Python to (find out|see|check) {x}.",
    "it would help to know {x}.",
    "we need to know {x}.",
    "would you mind telling me {x}?",
    "{x}?",
    "{x}",
    "what I want to know is {x}.",
    "if you can, tell me {x}.",
    "is it clear {x}?",
    "are you able to say {x}?",
)

BEFORE = (
    "take {o}. ",
    "take the {k} {o}. ",
    "take {o} and ",
    "here is (a|my|the) {k}: {o}. ",
    "here's (a|my) {k}: {o}\n",
    "given {o}, ",
    "given the {k} {o}, ",
    "given: {o}. ",
    "consider {o}. ",
    "consider the {k} {o}. ",
    "consider this {k}: {o}\n",
    "for {o}: ",
    "with {o}: ",
    "{o} - ",
    "{o}: ",
    "{o}\n",
    "{o} ... ",
    "I have the {k} {o}. ",
    "I have this {k}: {o}. ",
    "I've got {o} here. ",
    "my {k} is {o}. ",
    "the {k} is {o}. ",
    "the {k}: {o}. ",
    "look at {o}. ",
    "look at the {k} {o}. ",
    "let's say I have {o}. ",
    "let the {k} be {o}. ",
    "suppose we have {o}. ",
    "suppose the {k} is {o}. ",
    "input: {o}\n",
    "{k}: {o}\n",
    "{k} = {o}\n",
    "{k}: {o}. ",
    "starting with {o}, ",
    "starting from the {k} {o}, ",
    "I typed {o}. ",
    "somebody wrote {o}. ",
    "my friend sent me {o}. ",
    "regarding {o}: ",
    "about the {k} {o}: ",
    "there is {o}. ",
    "we start with {o}. ",
    "use {o}. ",
    "use the {k} {o}. ",
    "data: {o}. ",
    "assume the {k} {o}. ",
)

AFTER = (": ", ": ", ":\n", "\n", ":\n\n", " - ", " -> ", "\n\n")
AFTER_WORDS = (
    " The {k} is {o}",
    " It's {o}",
    " I mean {o}",
    " Use {o}",
    " The {k}: {o}",
    " Here it is: {o}",
    " Here is the {k}: {o}",
    " My {k}: {o}",
    "\nInput: {o}",
    "\n{k}: {o}",
    "\n{k} = {o}",
    "\nHere you go: {o}",
)

LINES_BEFORE = tuple(opening for opening in BEFORE if opening.endswith(("{o}\n", "{o}: ", "{o} - ", "{o} ... ")))

_PLURALS = (
    ("this {k}", "these {k}"),
    ("here is (a|my|the)", "here are (some|my|the)"),
    ("here's (a|my)", "here are (some|my)"),
    ("Here is", "Here are"),
    ("Here it is", "Here they are"),
    (" It's", " They are"),
    ("{k} is {o}", "{k} are {o}"),
)
_CLAUSE = ("how ", "whether ", "if ", "what ", "which ")
_HEADING = ("{s}:", "{s},", "{s} -", "{s}?")


class Subject(NamedTuple):
    """What a question is about.

    Attributes:
        operand: as it stands in the question.
        kinds: what one can call it, such as ``word``.
        here: how a sentence points at one that follows it, such as ``this word``.
        it: how a sentence points at one that stood before it.
        is_bare: nothing around it says where it begins and ends, so that no comma may follow or precede it.
        is_long: bare, and of several words: it stands at the end or on a line of its own.
    """

    operand: str
    kinds: tuple[str, ...]
    here: tuple[str, ...]
    it: tuple[str, ...]
    is_bare: bool = False
    is_long: bool = False


def _to_agree(pattern: str, kind: str) -> str:
    """Put what a text is called into a pattern, in the plural where it is several things."""
    if kind.endswith("s"):
        for one, many in _PLURALS:
            pattern = pattern.replace(one, many)
    return pattern.replace("{k}", kind)


def build_question(random: Random, ways: Ways, subject: Subject, operands: dict[str, str]) -> str:
    """Put an operation on a subject (``{s}`` in the patterns) into words; ``operands`` are the other slots."""
    chance = random.random()
    if not subject.is_long and chance < 0.56:
        return _build_inline(random, ways, subject, operands)
    if chance < 0.82:
        return _build_after(random, ways, subject, operands)
    return _build_before(random, ways, subject, operands)


def build_sentence(random: Random, ways: Ways, subject: str, operands: dict[str, str]) -> str:
    """Put an operation into one sentence, not yet dressed; ``subject`` stands in the place of ``{s}``."""
    if subject != "{s}" and "{s}" not in subject:  # pointed at, it cannot stand as a heading
        ways = Ways(*([one for one in each if not one.startswith(_HEADING)] for each in ways))
    weights = (len(ways.nouns), len(ways.orders), 2 * len(ways.sentences))
    nature = random.choices((0, 1, 2), weights)[0]
    text = fill(random, random.choice(ways[nature]).replace("{s}", subject), **operands)
    if nature == 2:
        return text
    if text.startswith(_CLAUSE):
        return fill(random, random.choice(CLAUSE_FRAMES), x="_").replace(keep("_"), text)
    if random.random() < 0.4:
        return ask_for(random, text) if nature == 0 else order(random, text)
    frame = fill(random, random.choice((NOUN_FRAMES, VERB_FRAMES)[nature]), x="_")
    return frame.replace(keep("_"), text)


def _build_inline(random: Random, ways: Ways, subject: Subject, operands: dict[str, str]) -> str:
    named = "{s}" if random.random() < 0.6 else f"the {random.choice(subject.kinds)} {{s}}"
    operand = bare(subject.operand)
    for _ in range(4):
        sentence = build_sentence(random, ways, named, {**operands, "s": operand})
        question = dress(random, sentence)
        if not subject.is_bare or (f"{operand}," not in question and f", {operand}" not in question):
            return question
    return _build_after(random, ways, subject, operands)


def _build_after(random: Random, ways: Ways, subject: Subject, operands: dict[str, str]) -> str:
    head = dress(random, build_sentence(random, ways, random.choice(subject.here), operands))
    operand = bare(subject.operand)
    if random.random() < 0.3:
        end = head if head[-1] in ".?!" else head + "."
        tail = _to_agree(
            random.choice(AFTER_WORDS[-8:] if subject.is_long else AFTER_WORDS), random.choice(subject.kinds)
        )
        return end + tail.replace("{o}", operand)
    joint = random.choice(AFTER)
    return (head.rstrip(".?!: ") if joint[0] == ":" else head) + joint + operand


def _build_before(random: Random, ways: Ways, subject: Subject, operands: dict[str, str]) -> str:
    opening = random.choice(LINES_BEFORE if subject.is_long else BEFORE)
    opening = _to_agree(opening, random.choice(subject.kinds))
    sentence = build_sentence(random, ways, random.choice(subject.it), operands)
    text = dress(random, sentence) if opening[-2] in ".:" or opening[-1] == "\n" else bare(sentence)
    opening = bare(fill(random, opening.rstrip(), o="{o}")) + opening[len(opening.rstrip()) :]
    if not opening.startswith("{o}") and random.random() < 0.7:
        opening = opening[:1].upper() + opening[1:]
    return opening.replace("{o}", bare(subject.operand)) + text
