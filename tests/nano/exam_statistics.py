"""The exam's questions about a list's statistics."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from random import Random

from exam_operands import Made, Operation, listed, numbers, to_text

Values = list[Fraction]


def middle(values: Values) -> Fraction:
    """Return the median."""
    row = sorted(values)
    half = len(row) // 2
    return row[half] if len(row) % 2 else (row[half - 1] + row[half]) / 2


def spread(values: Values) -> str:
    """Return the population's standard deviation, as text."""
    mean = sum(values) / len(values)
    return repr(round(math.sqrt(sum((value - mean) ** 2 for value in values) / len(values)), 4))


ANSWERS: dict[str, Callable[[Values], str]] = {
    "mean": lambda values: to_text(sum(values) / len(values)),
    "sum": lambda values: to_text(sum(values, Fraction(0))),
    "median": lambda values: to_text(middle(values)),
    "max": lambda values: to_text(max(values)),
    "min": lambda values: to_text(min(values)),
    "range": lambda values: to_text(max(values) - min(values)),
    "count": lambda values: str(len(values)),
    "deviation": spread,
}
WORDINGS = {
    "mean": (
        "What is the mean of {xs}?",
        "What is the average of {xs}?",
        "average of {xs}",
        "Find the mean of these numbers: {xs}",
        "mean: {xs}",
        "Could you average {xs} for me?",
        "My grades are {xs}. What's my average?",
        "Calculate the average of the following values: {xs}",
        "i measured {xs}, what is the mean",
        "On average, how much are {xs}?",
    ),
    "sum": (
        "What is the sum of {xs}?",
        "Add up these numbers: {xs}",
        "total of {xs}",
        "Sum the list {xs}.",
        "sum {xs}",
        "What do {xs} add up to?",
        "The items on my receipt are {xs}. What is the total?",
        "Please total the following: {xs}",
        "I have the numbers {xs}, give me their sum",
        "Compute the total of {xs}.",
    ),
    "median": (
        "What is the median of {xs}?",
        "median of {xs}",
        "Find the median: {xs}",
        "Give me the median of the numbers {xs}.",
        "Which value is the median of {xs}?",
        "The scores were {xs}. What was the median?",
        "i need the median for {xs}",
        "Work out the median of this list: {xs}",
    ),
    "max": (
        "What is the largest of {xs}?",
        "What is the maximum of {xs}?",
        "Which number is the biggest: {xs}?",
        "max of {xs}",
        "Find the highest value in {xs}.",
        "Of {xs}, which one is the greatest?",
        "Tell me the largest number in this list: {xs}",
        "biggest number out of {xs}",
    ),
    "min": (
        "What is the smallest of {xs}?",
        "What is the minimum of {xs}?",
        "Which number is the lowest: {xs}?",
        "min of {xs}",
        "Find the smallest value in {xs}.",
        "Of {xs}, which one is the least?",
        "Tell me the minimum of this list: {xs}",
        "lowest number out of {xs}",
    ),
    "range": (
        "What is the range of {xs}?",
        "Find the range of the numbers {xs}.",
        "range of {xs}",
        "How far apart are the largest and the smallest of {xs}?",
        "Largest minus smallest of {xs}?",
        "Compute the range: {xs}",
        "The temperatures were {xs}. What is the range?",
        "give me the difference between the highest and lowest of {xs}",
    ),
    "count": (
        "How many numbers are in {xs}?",
        "How many numbers are there: {xs}?",
        "Count the numbers in this list: {xs}",
        "How many values does the list {xs} have?",
        "number of values in {xs}",
        "I wrote down {xs}. How many numbers is that?",
        "how many entries are in {xs}",
        "Please count how many numbers I give you: {xs}",
    ),
    "deviation": (
        "What is the standard deviation of {xs}?",
        "What is the population standard deviation of {xs}?",
        "Compute the population standard deviation: {xs}",
        "standard deviation of {xs}",
        "Find the population standard deviation of these values: {xs}",
        "I need the standard deviation for {xs}",
        "Treat {xs} as a whole population and give its standard deviation.",
        "population standard deviation for {xs} please",
    ),
}


def make_question(answer: Callable[[Values], str]):
    """Return a maker of questions with one answer."""

    def make(random: Random, _: str) -> Made:
        made = numbers(random)
        return {"xs": listed(random, [each.text for each in made])}, answer([each.value for each in made])

    return make


OPERATIONS = tuple(
    Operation("statistics", name, WORDINGS[name], make_question(answer)) for name, answer in ANSWERS.items()
)
