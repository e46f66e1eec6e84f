"""How people ask for a statistic of some numbers, which stand where {s} is, or before or after the sentence."""

from __future__ import annotations

from lllm.nano.recipe.language.wording import Ways

KINDS = (
    "numbers",
    "numbers",
    "values",
    "list",
    "data",
    "figures",
    "data points",
    "scores",
    "measurements",
    "set",
    "sample",
)
HERE = (
    "these numbers",
    "these numbers",
    "the following numbers",
    "the following",
    "these",
    "these values",
    "the following values",
    "this list",
    "the following list",
    "the list below",
    "the numbers below",
    "this data",
    "this data set",
    "these figures",
    "these scores",
    "my numbers",
    "the given numbers",
)
IT = ("these numbers", "them", "these", "this list", "the list", "those numbers", "those", "the numbers", "all of them")

SUM = Ways(
    (
        "the sum of {s}",
        "the sum of {s}",
        "the total of {s}",
        "the sum total of {s}",
        "the sum of all (the|) (numbers|values|entries|elements) in {s}",
        "what {s} (add up|sum|come) to",
        "the (overall|grand) total of {s}",
    ),
    (
        "add up {s}",
        "add up {s}",
        "add {s}",
        "add {s} together",
        "sum {s}",
        "sum up {s}",
        "total {s}",
        "tot up {s}",
        "add all of {s} up",
        "compute the sum of {s}",
        "put {s} together into one total",
    ),
    (
        "what do {s} add up to?",
        "what do {s} sum to?",
        "how much (is|are) {s} (in total|together|altogether|in all|summed up)?",
        "how much do {s} (make|come to|add up to) (together|in total|)?",
        "what do I get (if|when) I add up {s}?",
        "if you add {s}, what do you get?",
        "(sum|total|sum of|add|add up|sum up): {s}",
        "sum of {s}?",
        "sum {s}",
        "the total? {s}",
        "I (paid|spent|earned|counted|scored|got) {s}. What is (the total|the sum|my total)?",
        "(grand|overall|) total of {s}?",
    ),
)
MEAN = Ways(
    (
        "the mean of {s}",
        "the mean of {s}",
        "the average of {s}",
        "the average of {s}",
        "the (arithmetic|) mean of {s}",
        "the average value of {s}",
        "the mean value of {s}",
        "an average (of|for|over) {s}",
        "the (mean|average) (for|over|across) {s}",
        "what {s} (come to|are|is) on average",
    ),
    (
        "average {s}",
        "average {s}",
        "take the (mean|average) of {s}",
        "average out {s}",
        "compute the (mean|average) (of|for) {s}",
        "find the (mean|average) of {s}",
        "work out the (mean|average) for {s}",
        "calculate the average over {s}",
    ),
    (
        "what do {s} average (out to|to|)?",
        "what is the (mean|average) (of|for) {s}?",
        "how much (is|are) {s} on average?",
        "on average, how (much|large) (is|are) {s}?",
        "(mean|average|avg|mean of|average of|arithmetic mean|mean value): {s}",
        "(mean|average|avg) of {s}?",
        "mean {s}",
        "avg {s}",
        "my (scores|marks|grades|times|readings) (are|were) {s}. What is (my|the) (average|mean)?",
        "I (measured|got|counted|recorded|scored) {s}. What is the (average|mean)?",
        "(if|when) I average {s}, what do I get?",
        "if you take the (mean|average) of {s}, what (is it|comes out)?",
        "what (value|number) is the (average|mean) of {s}?",
    ),
)
MEDIAN = Ways(
    (
        "the median of {s}",
        "the median of {s}",
        "the median of {s}",
        "the median value (of|in|for) {s}",
        "the (median|middle) number of {s} when sorted",
        "the (middle|central) value of {s}",
        "the 50th percentile of {s}",
    ),
    (
        "find the median of {s}",
        "take the median of {s}",
        "compute the median (of|for) {s}",
        "get the median out of {s}",
        "find the middle value of {s}",
        "sort {s} and take the middle one, the median",
        "work out the median for {s}",
    ),
    (
        "which (value|number) is the median of {s}?",
        "what's the median (of|for|in) {s}?",
        "(median|median of|median value|middle value): {s}",
        "median of {s}?",
        "median {s}",
        "median {s}",
        "my (scores|times|readings) (are|were) {s}. What is the median?",
        "I (measured|got|counted) {s}. What is the median?",
        "what (value|number) (is|lies|stands) in the middle of {s} (when|once) sorted?",
        "(if|when) I sort {s}, what is the median?",
    ),
)
_MOST = "(largest|biggest|highest|greatest|maximum)"
_LEAST = "(smallest|lowest|least|minimum)"
_ONE = "(number|value|one|entry|element|item)"


def _build_extreme(most: str, noun: str, short: str, than: str) -> Ways:
    return Ways(
        (
            f"the {most} {_ONE} (of|in|among|out of) {{s}}",
            f"the {most} (of|among) {{s}}",
            f"the {most} {_ONE} (of|in) {{s}}",
            f"the {noun} (of|in) {{s}}",
            f"the {noun} of {{s}}",
            f"which of {{s}} is (the|) {most}",
            f"the {noun} value of {{s}}",
        ),
        (
            f"find the {most} {_ONE} (of|in|among) {{s}}",
            f"find the {noun} (of|in) {{s}}",
            f"pick the {most} (of|from|out of) {{s}}",
            f"pick (out|) the {most} {_ONE} (of|from|in) {{s}}",
            f"take the {noun} of {{s}}",
            f"choose the {most} {_ONE} (of|from|among) {{s}}",
            f"get the {noun} out of {{s}}",
        ),
        (
            f"which (is|one is) the {most} (of|among) {{s}}?",
            f"which {_ONE} (of|in|among) {{s}} is (the|) {most}?",
            f"what is the {most} {_ONE} (of|in|among) {{s}}?",
            f"what's the {noun} (of|in) {{s}}?",
            f"({noun}|{short}|{most} number|{most} value|{most}): {{s}}",
            f"{noun} of {{s}}?",
            f"{short} {{s}}",
            f"{short} of {{s}}",
            f"{most} of {{s}}?",
            f"which of {{s}} is {than} than all the others?",
            f"I (measured|got|counted|recorded|scored) {{s}}. (What|Which) was the {most}?",
            f"of {{s}}, which (one|number|value) is the {most}?",
        ),
    )


LARGEST = _build_extreme(_MOST, "maximum", "max", "(larger|bigger|greater|higher)")
SMALLEST = _build_extreme(_LEAST, "minimum", "min", "(smaller|lower)")
RANGE = Ways(
    (
        "the range of {s}",
        "the range of {s}",
        "the range (in|for|covered by) {s}",
        "the spread of {s}, (highest|largest|maximum) minus (lowest|smallest|minimum)",
        "the (difference|gap|distance) between the (largest|biggest|highest) and the (smallest|lowest) of {s}",
        "the difference between the maximum and the minimum of {s}",
        "the statistical range of {s}",
        "the maximum minus the minimum of {s}",
    ),
    (
        "find the range of {s}",
        "take the range of {s}",
        "compute the range (of|for) {s}",
        "subtract the (smallest|lowest) from the (largest|highest) of {s}",
        "subtract the minimum of {s} from (its|the|their) maximum",
        "take the (largest|highest) of {s} minus the (smallest|lowest)",
    ),
    (
        "what range do {s} (have|cover|span)?",
        "what is the range (of|for) {s}?",
        "how far apart are the (largest|highest) and (smallest|lowest) of {s}?",
        "(range|range of|max minus min|max - min|spread from lowest to highest): {s}",
        "range of {s}?",
        "by how much does the (largest|highest) of {s} exceed the (smallest|lowest)?",
        "I (measured|got|recorded) {s}. What is the range?",
        "how (large|big|wide) is the range of {s}?",
    ),
)
COUNT = Ways(
    (
        "the (number|count|quantity) of (values|numbers|entries|items|elements) in {s}",
        "the length of {s}",
        "the size of {s}",
        "the count of {s}",
        "how many (numbers|values|entries|items) there are in {s}",
    ),
    (
        "count {s}",
        "count {s}",
        "count the (numbers|values|entries|items|elements) in {s}",
        "count how many (numbers|values|entries|items) are in {s}",
        "determine how many (numbers|values) {s} has",
    ),
    (
        "how many (numbers|values|entries|items|elements) are (there|) in {s}?",
        "how many (numbers|values|entries|items) (does|do) {s} (have|contain|hold|consist of)?",
        "how many (numbers|values|entries|items) in {s}?",
        "(count|length|how many numbers|how many values|number of values|size of the list): {s}",
        "how long is {s}?",
        "how many (numbers|values) (did I|do I|have I) (list|give|write down) in {s}?",
        "len {s}",
        "what's the (number|count) of (entries|items|values) in {s}?",
    ),
)
DEVIATION = Ways(
    (
        "the standard deviation of {s}",
        "the standard deviation of {s}",
        "the population standard deviation of {s}",
        "the (standard|std) deviation (of|for|in) {s}",
        "the (std dev|stdev|std|sd|SD|standard dev) of {s}",
        "sigma of {s}",
        "the population (std|SD|stdev) of {s}",
    ),
    (
        "find the standard deviation of {s}",
        "take the standard deviation of {s}",
        "compute the (population|) standard deviation (of|for) {s}",
        "calculate the (std dev|stdev|standard deviation) (of|for) {s}",
        "work out the standard deviation for {s}",
    ),
    (
        "what's the standard deviation (of|for|in) {s}?",
        "what is the (std dev|stdev|std|population standard deviation) of {s}?",
        "what standard deviation (do|does) {s} have?",
        "how large is the standard deviation of {s}?",
        "(standard deviation|std dev|stdev|population standard deviation|std|pstdev): {s}",
        "(standard deviation|std dev|stdev) of {s}?",
        "pstdev {s}",
        "I (measured|got|recorded) {s}. What is the standard deviation?",
    ),
)
