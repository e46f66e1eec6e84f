"""Words of classifications: questions, topics and names of classes; the skeletons of ``phrase``."""

from __future__ import annotations

DEFAULT = "Which of these fits best?"

KIND = (
    "which of these fits(| best| it| here)?",
    "which (class|label|category|group|word) fits(| best| the message| this)?",
    "which (class|label|category|group) does (it|this|the message|the text) belong to?",
    "(classify|label|categorise|sort) (it|this|the message|this text).",
    "(choose|pick) (a|the|the best) (class|label|category|word)(| for it| for this message|, please).",
    "what is it?",
    "what kind of (task|question|message|request) is (this|it)?",
    "what sort of (task|question|message|request) is (this|it)?",
    "what is (this|it|the message|the question|the user) about?",
    "what (does the user want|is the user asking for|is asked|is wanted)?",
    "which (topic|subject|field|kind|area) is it?",
    "(topic|kind|type|class|category|label)?",
    "where does (it|this|this message|the ticket) (go|belong)?",
    "which desk should (answer|handle|take) (it|this)?",
    "(route|send|forward) (it|this|the message) to the right (desk|place|queue|team).",
    "(name|tell|give|say) the (topic|kind|category|type)(| of the message| of it| of this).",
    "how would you (label|classify|tag|file) (it|this)?",
    "(under|in) which (heading|category|folder) would you (put|file) (it|this)?",
    "tag the message.",
    "decide what kind of (task|message|request) it is.",
)

ABOUT = (
    "is (this|it) about $topic?",
    "is (the|this) (message|text|question|request|task) about $topic?",
    "does (it|this|the message|the question|the text) (have to do with|concern|deal with) $topic?",
    "does the user ask (about|something about) $topic?",
    "about $topic?",
    "is the topic $topic?",
    "(would you say|do you think) (this|it) is about $topic?",
    "$topic: is that the topic?",
    "is $topic what (it|this|the message) is about?",
    "do they ask about $topic?",
    "(check|decide|say) whether (it|this|the message) is about $topic.",
    "true or not: (it|this) is about $topic.",
    "should (it|this) go to the desk for $topic?",
    "does this belong under $topic?",
)

TOPICS = {
    "arithmetic": ("arithmetic", "calculating with numbers", "sums and products", "a calculation", "basic math"),
    "units": ("units", "converting units", "units of measurement", "a unit conversion", "measures"),
    "dates": ("dates", "a date", "the calendar", "days and dates", "calendar dates"),
    "lists": ("lists", "a list", "a list of items", "the items of a list"),
    "strings": ("strings", "letters and words", "a piece of text and its letters", "characters of a text", "a string"),
}

# None of one kind may begin one of another: such classes are refused.
KIND_LABELS = {
    "arithmetic": ("arithmetic", "math", "maths", "calculation", "sums", "calculate", "computing", "calculator"),
    "units": ("units", "conversion", "measures", "measurement", "unit", "convert", "converter"),
    "dates": ("dates", "calendar", "date", "days"),
    "lists": ("lists", "list", "items", "sequence", "collection", "array"),
    "strings": ("strings", "text", "words", "letters", "string", "characters"),
    "chat": ("other", "else", "none", "chat", "unrelated", "outside", "general", "misc", "nothing"),
}

DIGITS = (
    "does (it|this|the message|the text) (contain|have|hold|include) a number?",
    "does (it|this|the message|the text) (contain|have|include) (digits|any digits|a digit|numbers|any number)?",
    "is there a (number|digit) in (it|this|the message|the text)?",
    "are there (digits|numbers|any digits) in (it|this|the message|the text)?",
    "(any|a) (number|digit|figure) in (it|this|there)?",
    "do you see a (number|digit)?",
    "(check|say) whether there is a (number|digit) in it.",
    "has (it|the text|the message) got a number in it?",
    "is a number (mentioned|given|written)?",
)

HOLDERS = (
    "$n",
    "$n",
    "(number|value|n|x|the number): $n",
    "(the|my|our) (number|value|result|score|total) is $n(|.)",
    "(I|we) (have|got|see|count|say) $n(|.)",
    "(take|consider|look at|here is|think of|what about) $n",
    "it is $n",
    "$n (it is|then|, please)",
    "x = $n",
)

EVEN = (
    "is (it|this|that|the number|the value|this number) even?",
    "is (it|this|that|the number) an even number?",
    "even?",
    "is the number (above|given|in the message) even?",
    "(can|could) you (divide|split) it by two without a rest?",
    "is (it|the number|this) divisible by (two|2)?",
    "(check|say|decide) whether (it|the number) is even.",
    "would you call (it|this number) even?",
)

NEGATIVE = (
    "is (it|this|that|the number|the value) negative?",
    "is (it|this|that|the number) (below|less than|under|smaller than) zero?",
    "negative?",
    "is (it|this|that) a negative (number|value)?",
    "does the number have a minus sign?",
    "(check|say) whether (it|the number) is negative.",
)

LARGER = (
    "is (it|this|that|the number|the value) (larger|bigger|greater|more|higher) than $n?",
    "is (it|this|that|the number) (above|over) $n?",
    "(larger|bigger|greater|more) than $n?",
    "does (it|the number) exceed $n?",
    "does (it|the number) beat $n?",
    "(check|say) whether (it|the number) is (larger|bigger|greater) than $n.",
    "compared to $n, is it (larger|bigger|greater)?",
    "> $n?",
)

SMALLER = (
    "is (it|this|that|the number|the value) (smaller|less|lower) than $n?",
    "is (it|this|that|the number) (below|under) $n?",
    "(smaller|less|lower) than $n?",
    "does (it|the number) stay (below|under) $n?",
    "(check|say) whether (it|the number) is (smaller|less) than $n.",
    "compared to $n, is it (smaller|less)?",
    "< $n?",
)

CAPITAL = (
    "is (it|this|the text|the message|everything) (in|written in) (capitals|capital letters|upper case|all caps)?",
    "(all caps|capitals|upper case)?",
    "does the user shout?",
    "is the (message|text) in (upper case|capitals)?",
    "are all letters (capitals|capital letters|upper case)?",
    "(check|say) whether (it|the text) is in capitals.",
    "did somebody leave caps lock on?",
)

MARKED = (
    "does (it|this|the text|the message) (have|contain|end with) a question mark?",
    "is there a question mark(| in it| at the end)?",
    "(a|any) question mark(| in it| there)?",
    "does (it|the message|the text) end with a question mark?",
    "(check|say) whether there is a question mark.",
    "do you see a question mark?",
)

SEVERAL = (
    "is (it|this|the text|the message) more than one word?",
    "are there (several words|two or more words|more words than one)(| in it)?",
    "(several|many) words?",
    "does (it|the message|the text) (have|contain) several words?",
    "(check|say) whether there are several words.",
)

# The first of a pair is said where it is so.
PAIRS = {
    "even": (("even", "odd"), ("Even", "Odd"), ("EVEN", "ODD")),
    "negative": (("negative", "positive"), ("Negative", "Positive"), ("minus", "plus"), ("below", "above")),
    "capitals": (("upper", "lower"), ("capitals", "small"), ("uppercase", "lowercase"), ("LOUD", "quiet")),
    "marked": (("question", "statement"), ("Question", "Statement"), ("asking", "telling")),
    "several": (("phrase", "word"), ("several", "single"), ("many", "one")),
}
