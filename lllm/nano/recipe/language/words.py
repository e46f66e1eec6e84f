"""Texts to work on: common words, names, phrases, and strings that are no words at all.

Four in ten are made up, letter by letter or syllable by syllable: a model that has only ever seen words learns to
recall them, and what it needs is to copy any string exactly.
"""

from __future__ import annotations

from random import Random

_WORDS = """
apple apricot avocado banana blueberry cherry coconut cranberry grape kiwi lemon lime mango melon orange papaya peach
pear pineapple plum raspberry strawberry watermelon bean broccoli cabbage carrot celery cucumber garlic lettuce mushroom
onion pepper potato pumpkin radish spinach tomato bread butter cheese chocolate coffee cookie cream flour honey juice
milk noodle pasta pizza rice salad salt sandwich soup sugar tea vanilla water yogurt
ant bear bee bird buffalo butterfly camel cat chicken cow crocodile deer dog dolphin donkey duck eagle elephant falcon
ferret fish flamingo fox frog giraffe goat goose gorilla hamster hawk hedgehog hippopotamus horse jaguar kangaroo koala
leopard lion lizard llama lobster monkey moose mouse octopus ostrich otter owl panda panther parrot peacock penguin
pigeon platypus rabbit raccoon raven rhinoceros salmon seal shark sheep snail snake spider squirrel swan tiger tortoise
turkey turtle walrus whale wolf wombat zebra
red blue green yellow purple violet black white brown grey pink silver gold crimson turquoise indigo magenta teal
house home room kitchen garden window door roof wall floor stairs table chair bed lamp mirror carpet curtain shelf
drawer pillow blanket candle basket bottle bucket cup fork knife plate spoon kettle oven fridge towel soap brush broom
hammer nail screw ladder rope saw wrench drill shovel tractor engine wheel brake bicycle bus car train truck plane boat
ship ferry rocket helicopter submarine tram taxi ticket station airport harbour bridge tunnel road street highway
village city castle tower church library museum theatre school hospital factory office market shop bank hotel
restaurant bakery farm field forest jungle desert island beach ocean river lake mountain valley volcano canyon glacier
meadow swamp waterfall cloud rain snow storm thunder lightning wind fog rainbow sunshine sunset sunrise moon star
planet comet galaxy universe earth sky fire stone sand dust metal iron copper glass wood paper plastic leather cotton
wool silk diamond emerald ruby pearl crystal
book page letter word sentence paragraph chapter story novel poem song melody guitar piano violin trumpet drum flute
orchestra concert opera dance ballet painting picture statue camera film photograph newspaper magazine dictionary
alphabet language grammar mathematics geometry algebra physics chemistry biology history geography philosophy
psychology economics science experiment laboratory telescope microscope computer keyboard monitor printer screen
software program python java algorithm function variable database network server internet website browser password
username email message telephone battery cable robot machine calculator
doctor nurse teacher student pilot sailor farmer baker butcher carpenter plumber painter writer singer dancer actor
lawyer judge soldier king queen prince princess knight wizard dragon giant pirate ghost vampire monster
mother father brother sister uncle aunt cousin grandmother grandfather neighbour friend family child baby
head face eye ear nose mouth tooth tongue neck shoulder arm elbow hand finger thumb knee foot ankle heart brain bone
blood skin
football tennis hockey cricket baseball basketball volleyball swimming running cycling skiing chess puzzle riddle
jump walk run swim climb throw catch build break open close begin finish read write speak listen think remember forget
laugh smile cry sleep dream wake travel arrive leave bring carry push pull wash cook bake drink eat learn teach
happy sad angry calm brave clever curious gentle honest kind lazy lucky polite proud quiet quick slow strong weak bright
dark heavy light small large tiny huge long short wide narrow deep shallow hot cold warm cool dry wet soft hard smooth
rough sharp clean dirty empty full early late young old new ancient modern simple beautiful wonderful excellent
delicious dangerous important different difficult expensive incredible mysterious magnificent
always never often sometimes today tomorrow yesterday morning evening midnight monday tuesday wednesday thursday friday
saturday sunday january february march april june july august september october november december spring summer autumn
winter
committee bookkeeper mississippi assessment balloon success accommodation necessary rhythm syzygy queue aardvark
onomatopoeia encyclopedia responsibility extraordinary international communication environment development
congratulations refrigerator hippo umbrella xylophone yacht zeppelin zigzag jazz quiz fizz buzz abracadabra
supercalifragilistic pneumonia psychiatrist entrepreneur questionnaire parallel programming developer testing
"""

_NAMES = """
Alice Bob Carol David Emma Frank Grace Henry Isabel Jack Karen Liam Maria Noah Olivia Peter Quentin Rachel Samuel Tina
Ursula Victor Wendy Xavier Yasmin Zoe Anna Otto Hannah Ada Alan Grete Hiroshi Ingrid Jamal Kofi Lakshmi Mohammed Nadia
Omar Priya Ravi Sofia Tomas Uma Viktor Wei Ximena Yuki Zainab José André Zoë Björn Chloé Renée Jürgen Søren
London Paris Berlin Madrid Rome Vienna Lisbon Dublin Oslo Helsinki Athens Warsaw Prague Budapest Cairo Nairobi Lagos
Delhi Mumbai Tokyo Osaka Seoul Beijing Sydney Toronto Chicago Boston Denver Seattle Austin Lima Bogotá Zürich
Amazon Nile Sahara Everest Mars Jupiter Saturn Neptune Venus Mercury Python Linux OpenAI GitHub YouTube JavaScript
PowerPoint MacBook iPhone README NASA USA
"""

_ACCENTED = "café naïve résumé jalapeño façade über crème señor fiancée cliché déjà Köln mañana smørrebrød"

_PALINDROMES = """
racecar level noon radar civic madam kayak refer rotor deed stats tenet wow mom dad eye pop peep solos rotator
reviver deified redder minim sagas Anna Otto Hannah Bob Eve Ada Madam Level Racecar abba abcba 12321 1221 1001 4554
"""

WORDS = tuple(_WORDS.split())
NAMES = tuple(_NAMES.split())
ACCENTED = tuple(_ACCENTED.split())
PALINDROMES = tuple(_PALINDROMES.split())

PHRASES = (
    "hello world",
    "Hello World",
    "Hello, World!",
    "good morning",
    "Good morning everyone",
    "good night moon",
    "happy birthday",
    "happy new year",
    "see you later",
    "see you tomorrow",
    "thank you very much",
    "the quick brown fox",
    "over the lazy dog",
    "to be or not to be",
    "once upon a time",
    "the end",
    "time flies",
    "time is money",
    "practice makes perfect",
    "better late than never",
    "easy come easy go",
    "a piece of cake",
    "break a leg",
    "all is well",
    "the cat sat on the mat",
    "I love pizza",
    "I like green tea",
    "we are the champions",
    "it is raining again",
    "it's a dog's life",
    "don't panic",
    "let's go home",
    "what a wonderful day",
    "may the force be with you",
    "New York City",
    "San Francisco",
    "Rio de Janeiro",
    "open source software",
    "machine learning",
    "artificial intelligence",
    "data science is fun",
    "keep it simple",
    "lorem ipsum dolor sit amet",
    "one two three",
    "abc def ghi",
    "rock and roll",
    "fish and chips",
    "salt and pepper",
    "black and white",
    "Never Odd Or Even",
    "nurses run",
    "step on no pets",
    "The Great Gatsby",
    "War and Peace",
    "Monday morning blues",
    "red green blue",
    "file not found",
    "access denied",
    "coffee break",
    "ice cream sandwich",
)

_SMALL = (
    "the",
    "a",
    "my",
    "your",
    "our",
    "this",
    "and",
    "of",
    "in",
    "on",
    "is",
    "are",
    "was",
    "for",
    "with",
    "not",
    "to",
)
_ONSETS = ("b", "br", "c", "ch", "cl", "d", "dr", "f", "fl", "g", "gr", "h", "j", "k", "l", "m", "n", "p", "pl", "qu")
_MORE_ONSETS = ("r", "s", "sh", "sk", "st", "str", "t", "th", "tr", "v", "w", "x", "y", "z", "", "")
_NUCLEI = ("a", "e", "i", "o", "u", "a", "e", "i", "o", "u", "ai", "ea", "ee", "ie", "oo", "ou", "y")
_CODAS = (
    "",
    "",
    "",
    "",
    "b",
    "ck",
    "d",
    "ff",
    "g",
    "l",
    "ll",
    "m",
    "n",
    "nd",
    "ng",
    "p",
    "r",
    "rt",
    "s",
    "ss",
    "t",
    "x",
)
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_LETTERS_AND_DIGITS = _LETTERS + "0123456789"
_ANY_CASE = _LETTERS + _LETTERS.upper() + "0123456789"


def build_pronounceable(random: Random) -> str:
    """Make a word that is no word, of one to four syllables: ``trelando``."""
    onsets = _ONSETS + _MORE_ONSETS
    syllables = (
        random.choice(onsets) + random.choice(_NUCLEI) + random.choice(_CODAS)
        for _ in range(random.choice((1, 2, 2, 2, 3, 3, 4)))
    )
    word = "".join(syllables)[:20]
    return word if len(word) > 1 else word + "no"


def build_letters(random: Random) -> str:
    """Make a string of 3 to 14, seldom 30 characters by chance, now and then of two or three letters alone."""
    length = random.randint(3, 14) if random.random() < 0.92 else random.randint(15, 30)
    alphabet = random.choice((_LETTERS, _LETTERS, _LETTERS_AND_DIGITS, _ANY_CASE, ""))
    if not alphabet:  # runs such as abbabaab, which a model miscounts
        alphabet = "".join(random.sample(_LETTERS, random.randint(2, 3)))
    return "".join(random.choices(alphabet, k=length))


def build_identifier(random: Random) -> str:
    """Make a name as programs and files have: ``max_speed``, ``item-42``, ``OrderId``."""
    parts = [build_plain_word(random) for _ in range(random.choice((1, 2, 2, 3)))]
    if len(parts) == 1 or random.random() < 0.2:
        parts.append(str(random.randint(0, 9999)))
    text = random.choice("___---. ").strip().join(parts)
    return text[:30].rstrip("_-.")


def build_plain_word(random: Random) -> str:
    """Choose or make one word of small letters, made up four times in ten."""
    if random.random() < 0.6:
        return random.choice(WORDS)
    word = build_pronounceable(random)
    return word if random.random() < 0.7 else "".join(random.choices(_LETTERS, k=random.randint(2, 12)))


def build_word(random: Random) -> str:
    """Choose or make one string without blanks: 2 to 30 characters of any letter case."""
    chance = random.random()
    if chance < 0.44:
        return _to_cased(random, random.choice(WORDS))
    if chance < 0.55:
        return random.choice(NAMES)
    if chance < 0.57:
        return random.choice(ACCENTED)
    if chance < 0.60:
        return build_identifier(random)
    if chance < 0.80:
        return _to_cased(random, build_pronounceable(random))
    return build_letters(random)


def build_phrase(random: Random) -> str:
    """Choose or make two to six words with blanks between, 30 characters at most."""
    if random.random() < 0.3:
        return random.choice(PHRASES)
    words = [
        random.choice(_SMALL) if random.random() < 0.25 else build_plain_word(random)
        for _ in range(random.choice((2, 2, 3, 3, 4, 5, 6)))
    ]
    while len(words) > 2 and len(" ".join(words)) > 30:
        words.pop()
    return _to_phrase_case(random, " ".join(word[:14] for word in words))


def build_text(random: Random) -> str:
    """Choose or make a string: a word two times in three, else a phrase."""
    return build_word(random) if random.random() < 0.66 else build_phrase(random)


def build_palindrome(random: Random) -> str:
    """Choose or make a text that reads the same from its end, one word."""
    if random.random() < 0.45:
        return _to_cased(random, random.choice(PALINDROMES))
    half = build_plain_word(random)[:6] if random.random() < 0.6 else build_letters(random)[:6].lower()
    return _to_cased(random, half + (half[::-1] if random.random() < 0.5 else half[-2::-1]))


def to_literal(text: str) -> str:
    """Write a string as Python has it, always in single quotes."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _to_cased(random: Random, word: str) -> str:
    chance = random.random()
    if chance < 0.74:
        return word
    if chance < 0.88:
        return word[:1].upper() + word[1:]
    if chance < 0.95:
        return word.upper()
    return "".join(random.choice((letter, letter.upper())) for letter in word)


def _to_phrase_case(random: Random, phrase: str) -> str:
    chance = random.random()
    if chance < 0.7:
        return phrase
    if chance < 0.85:
        return phrase[:1].upper() + phrase[1:]
    return phrase.title() if chance < 0.94 else phrase.upper()
