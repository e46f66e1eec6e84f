"""Units by their names, and how people ask to have an amount in another unit."""

from __future__ import annotations

from lllm.nano.recipe.language.wording import Ways

# The larger unit, the smaller one, and what a number of the first is multiplied by to get the second.
# Names: plurals first, then short forms.
# An exact inch, foot, mile, pound, ounce and US gallon: NIST Handbook 44, appendix C.
PAIRS: tuple[tuple[str, str, str], ...] = (
    ("mile", "kilometre", "1.609344"),
    ("foot", "metre", "0.3048"),
    ("inch", "centimetre", "2.54"),
    ("pound", "kilogram", "0.45359237"),
    ("ounce", "gram", "28.349523125"),
    ("gallon", "litre", "3.785411784"),
    ("metre", "centimetre", "100"),
    ("kilometre", "metre", "1000"),
    ("kilogram", "gram", "1000"),
    ("litre", "millilitre", "1000"),
    ("hour", "minute", "60"),
    ("minute", "second", "60"),
    ("day", "hour", "24"),
    ("week", "day", "7"),
)
NAMES: dict[str, tuple[str, ...]] = {
    "mile": ("miles", "miles", "miles", "mi", "mile"),
    "kilometre": ("kilometres", "kilometers", "kilometers", "km", "km", "km", "kms", "kilometre", "kilometer", "KM"),
    "foot": ("feet", "feet", "feet", "ft", "ft", "foot"),
    "metre": ("metres", "meters", "meters", "m", "m", "metre", "meter"),
    "inch": ("inches", "inches", "inches", "in", "inch", "inch"),
    "centimetre": ("centimetres", "centimeters", "centimeters", "cm", "cm", "cm", "cms", "centimetre", "centimeter"),
    "pound": ("pounds", "pounds", "lbs", "lbs", "lb", "pound"),
    "kilogram": ("kilograms", "kilograms", "kg", "kg", "kg", "kilos", "kgs", "kilogram", "kilogrammes", "kilo"),
    "ounce": ("ounces", "ounces", "ounces", "oz", "oz", "ounce"),
    "gram": ("grams", "grams", "g", "g", "gram", "grammes", "gr"),
    "gallon": ("gallons", "gallons", "US gallons", "gal", "gallon", "us gallons", "gallons (US)"),
    "litre": ("litres", "liters", "liters", "l", "L", "litre", "liter"),
    "millilitre": ("millilitres", "milliliters", "milliliters", "ml", "ml", "mL", "millilitre", "milliliter", "mls"),
    "hour": ("hours", "hours", "hours", "h", "hrs", "hr", "hour"),
    "minute": ("minutes", "minutes", "minutes", "min", "mins", "minute"),
    "second": ("seconds", "seconds", "seconds", "s", "sec", "secs", "second"),
    "day": ("days", "days", "days", "day", "d"),
    "week": ("weeks", "weeks", "weeks", "wks", "week"),
}
SINGULAR = {"feet": "foot", "inches": "inch"}

# From, to, and the code that turns {n} of the first into the second.
SCALES: tuple[tuple[str, str, str], ...] = (
    ("celsius", "fahrenheit", "{n} * 9 / 5 + 32"),
    ("fahrenheit", "celsius", "({n} - 32) * 5 / 9"),
    ("celsius", "kelvin", "{n} + 273.15"),
    ("kelvin", "celsius", "{n} - 273.15"),
)
# What follows a number, then what a target is called.
DEGREES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "celsius": (
        (
            "°C",
            " °C",
            "C",
            " C",
            " degrees Celsius",
            " degrees celsius",
            " Celsius",
            " celsius",
            " degrees C",
            "° Celsius",
            " degrees centigrade",
            " deg C",
            " c",
        ),
        ("Celsius", "celsius", "°C", "degrees Celsius", "C", "degrees C", "centigrade", "deg C", "the Celsius scale"),
    ),
    "fahrenheit": (
        (
            "°F",
            " °F",
            "F",
            " F",
            " degrees Fahrenheit",
            " degrees fahrenheit",
            " Fahrenheit",
            " fahrenheit",
            " degrees F",
            "° Fahrenheit",
            " deg F",
            " f",
        ),
        ("Fahrenheit", "fahrenheit", "°F", "degrees Fahrenheit", "F", "degrees F", "deg F", "the Fahrenheit scale"),
    ),
    "kelvin": (
        (" K", "K", " kelvin", " Kelvin", " kelvins", " degrees Kelvin", "°K", " k"),
        ("Kelvin", "kelvin", "K", "kelvins", "degrees Kelvin", "the Kelvin scale"),
    ),
}

# {x} is an amount with its unit ("5 miles"), {n} the number alone, {u} its unit, {v} the other unit.
BOTH = Ways(
    nouns=(
        "{x} in {v}",
        "{x} in {v}",
        "{x} in {v}",
        "{x} (converted|changed|turned|translated) (to|into) {v}",
        "{x} expressed in {v}",
        "{x} as {v}",
        "{x} to {v}",
        "{x} (given|written|measured) in {v}",
        "the equivalent of {x} in {v}",
        "the value of {x} in {v}",
        "the {v} equivalent of {x}",
        "the {v} value for {x}",
        "the conversion of {x} (to|into) {v}",
        "the same as {x}, but in {v}",
        "(a conversion|the conversion) from {u} to {v} of {n}",
    ),
    orders=(
        "convert {x} to {v}",
        "convert {x} to {v}",
        "convert {x} into {v}",
        "convert {x} in {v}",
        "convert {n} from {u} to {v}",
        "convert (this|the following) (to|into) {v}: {x}",
        "convert from {u} to {v}: {n}",
        "change {x} (to|into) {v}",
        "turn {x} into {v}",
        "transform {x} (to|into) {v}",
        "translate {x} (to|into) {v}",
        "switch {x} (over to|to|into) {v}",
        "express {x} in {v}",
        "write {x} in {v}",
        "put {x} (in|into) {v}",
        "give {x} in {v}",
        "show {x} in {v}",
        "state {x} in {v}",
        "say {x} in {v}",
        "take {x} and convert (it|that) (to|into) {v}",
        "work out {x} in {v}",
        "go from {x} to {v}",
        "calculate {x} in {v}",
        "recalculate {x} in {v}",
        "do the conversion of {x} to {v}",
    ),
    sentences=(
        "how much is {x} in {v}?",
        "how much is {x} in {v}?",
        "what is {x} in {v}?",
        "what's {x} in {v}?",
        "what would {x} be in {v}?",
        "what does {x} (equal|make|come to) in {v}?",
        "what is {x} equal to in {v}?",
        "{x} to {v}",
        "{x} to {v}?",
        "{x} in {v}",
        "{x} in {v}?",
        "{x} into {v}",
        "{x} -> {v}",
        "{x} → {v}",
        "{x} => {v}?",
        "{x} = ? {v}",
        "{x} is (what|how much) in {v}?",
        "{x}, in {v}?",
        "{x}. (In|Into|To) {v}, please.",
        "{x}: (what is that|how much is that|how much is it) in {v}?",
        "in {v}, (what|how much) is {x}?",
        "in {v}, {x} is (what|how much)?",
        "{v} for {x}?",
        "{u} to {v}: {n}",
        "{u} to {v}, {n}",
        "{u} into {v}: {n}?",
        "from {u} to {v}: {n}",
        "from {x} to {v}",
        "I have {x}. (What is it|How much is that|What's that|What would that be) in {v}?",
        "I (have|measured|got|read) {x} (but|and) I (need|want) (it in|it as) {v}.",
        "I need {v}, but all I have is {x}.",
        "(conversion|convert|unit conversion|units|in other units): {x} to {v}",
        "(my notes say|the label says|it says here|the display shows|the sheet says) {x}. What is that in {v}?",
        "if it is {x}, (what|how much) is (it|that) in {v}?",
        "(given|suppose we have) {x}, (what|how much) is it in {v}?",
        "what do I get (if|when) I convert {x} (to|into) {v}?",
        "what do I get (if|when) {x} is (converted|turned) into {v}?",
        "how do I write {x} in {v}?",
        "my friend (only knows|uses|thinks in) {v}. (How much|What) is {x} (for her|for him|then)?",
        "a (recipe|manual|map|sign|book) says {x}. How much is (it|that) in {v}?",
        "{x} must be (given|written|stated) in {v}. What is it?",
        "do you know {x} in {v}?",
    ),
)

# Of amounts only: how many.
AMOUNTS = Ways(
    nouns=(
        "the number of {v} in {x}",
        "how many {v} {x} (is|are|make)",
        "how many {v} there are in {x}",
        "the (amount|number) of {v} for {x}",
    ),
    orders=(
        "count the {v} in {x}",
        "work out how many {v} {x} (is|are)",
        "tell me how many {v} are in {x}",
        "find how many {v} there are in {x}",
    ),
    sentences=(
        "how many {v} (is|are) {x}?",
        "how many {v} (is|are) in {x}?",
        "how many {v} in {x}?",
        "how many {v} in {x}?",
        "how many {v} are there in {x}?",
        "how many {v} (does|do) {x} (have|make|equal|contain|come to)?",
        "how many {v} (make|make up|equal|would be|correspond to) {x}?",
        "how many {v} do I get (out of|from|for) {x}?",
        "{x} (is|are|makes|equals) how many {v}?",
        "{x} - how many {v}?",
        "{x}: how many {v} (is it|is that|are there)?",
        "in {x}, how many {v} are there?",
        "if I have {x}, how many {v} (is it|is that|do I have)?",
        "I have {x}. How many {v} is that?",
        "{v} in {x}?",
        "number of {v} in {x}",
    ),
)

# Of one quantity only; what it needs stands before it.
LENGTHS = (
    "(I ran|we walked|she cycled|he drove|they swam) {x}. How many {v} is that?",
    "(a road|a rope|a wall|a wire|the field|the path) is {x} long. How long is it in {v}?",
    "how long is {x} in {v}?",
    "how far is {x} in {v}?",
    "the distance is {x}; (what's that|give it) in {v}.",
)
WEIGHTS = (
    "(my dog|the parcel|the bag|a box|the baby|the cake) weighs {x}. How much is that in {v}?",
    "how heavy is {x} in {v}?",
    "the weight is {x}; (what's that|give it) in {v}.",
    "a recipe needs {x} of flour. How many {v} is that?",
)
VOLUMES = (
    "(the tank|a bottle|the bucket|the pool|my glass) holds {x}. How many {v} is that?",
    "a recipe needs {x} of milk. How much is that in {v}?",
    "I filled up {x} of petrol. How much is it in {v}?",
)
TIMES = (
    "how long is {x} in {v}?",
    "(the film|the trip|a game|the meeting|the flight) (lasts|takes|took|lasted) {x}. How many {v} is that?",
    "I waited {x}. How many {v} did I wait?",
    "there (are|is) {x} left. How many {v} is it?",
    "how many {v} (long is|pass in|go by in) {x}?",
)
TEMPERATURES = (
    "it is {x} (outside|today|here|in my room). (What is that|How much is it) in {v}?",
    "water at {x}: what is (it|that) in {v}?",
    "the oven is at {x}. What is that in {v}?",
    "the (thermometer|weather report|forecast|recipe) says {x}. What is that in {v}?",
    "how (hot|cold|warm) is {x} in {v}?",
    "what temperature is {x} in {v}?",
    "a temperature of {x} is what in {v}?",
)
STORIES: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("mile", "kilometre", "foot", "metre", "inch", "centimetre"), LENGTHS),
    **dict.fromkeys(("pound", "kilogram", "ounce", "gram"), WEIGHTS),
    **dict.fromkeys(("gallon", "litre", "millilitre"), VOLUMES),
    **dict.fromkeys(("hour", "minute", "second", "day", "week"), TIMES),
    **dict.fromkeys(("celsius", "fahrenheit", "kelvin"), TEMPERATURES),
}
