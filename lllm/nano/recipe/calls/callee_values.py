"""Values that are given to functions: how one stands in a question, and what it is in the call. Pure."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from lllm.nano.recipe.language.names import invent, to_words
from lllm.nano.recipe.language.operands import to_operand
from lllm.nano.recipe.language.phrase import capital
from lllm.nano.recipe.language.wording import keep, quoted, to_number
from lllm.nano.recipe.language.words import build_phrase, build_plain_word, build_word

Value = tuple[str, Any]
"""As it stands in the question (kept), and as JSON."""

CITIES = tuple(
    """
    Paris|London|Berlin|Madrid|Rome|Vienna|Oslo|Lisbon|Dublin|Athens|Prague|Warsaw|Zurich|Geneva|Hamburg|Munich|Lyon
    |Milan|Naples|Porto|Seville|Glasgow|Leeds|Boston|Chicago|Seattle|Denver|Austin|Dallas|Toronto|Montreal|Lima|Quito
    |Cairo|Lagos|Nairobi|Tokyo|Osaka|Kyoto|Seoul|Beijing|Delhi|Mumbai|Sydney|Perth|Auckland|Jakarta|Manila|Hanoi|Bergen
    |Turin|Graz|Bonn|Ulm|Split|Riga|New York|San Francisco|Los Angeles|Cape Town|Mexico City|Buenos Aires|Hong Kong
    |Salt Lake City|Rio de Janeiro|St. Gallen|Tel Aviv|New Orleans|Santa Cruz|Frankfurt|Zürich|Málaga|São Paulo
    """.replace("\n", "")
    .replace("    ", "")
    .split("|")
)
COUNTRIES = tuple(
    """
    France|Germany|Spain|Italy|Poland|Norway|Sweden|Finland|Denmark|Iceland|Ireland|Austria|Switzerland|Greece|Turkey
    |Portugal|Belgium|Hungary|Croatia|Japan|China|India|Nepal|Vietnam|Thailand|Canada|Mexico|Brazil|Chile|Peru|Kenya
    |Ghana|Egypt|Morocco|Australia|New Zealand|South Africa|Netherlands|DE|FR|ES|US|UK|South Korea
    """.replace("\n", "")
    .replace("    ", "")
    .split("|")
)
PEOPLE = to_words(
    """
    Anna Ben Carla David Emma Felix Grace Hugo Ida Jonas Karim Lena Maria Nils Olga Paul Quinn Rosa Sam Tara Ute Victor
    Wendy Xenia Yusuf Zoe Alice Bob Charlie Dora Eve Frank Gina Hans Ines Jack Kate Leo Mia Noah Omar Priya Ravi Sofia
    Tom Uma Vera Will Mehmet Ingrid Chen Fatima Miguel Aiko Lars Ruth
    """
)
LANGUAGES = to_words(
    """
    French German Spanish Italian Portuguese Dutch Polish Swedish Danish Greek Turkish Arabic Hebrew Hindi Japanese
    Chinese Korean Russian Latin Finnish Norwegian Czech English Swahili Thai
    """
)
SYMBOLS = to_words(
    """
    AAPL MSFT GOOG AMZN TSLA NVDA IBM ORCL NFLX META SAP BMW NKE DIS KO PEP INTC AMD BTC ETH VOW SIE T GE F
    """
)
CURRENCIES = to_words(
    """
    USD EUR GBP JPY CHF SEK NOK DKK PLN CAD AUD INR BRL MXN CNY euros dollars pounds yen francs rupees pesos kroner
    zloty yuan
    """
)
ZONES = to_words(
    """
    UTC GMT CET EST PST Europe/Berlin Europe/Paris America/New_York Asia/Tokyo Asia/Kolkata Australia/Sydney
    """
)
DAYS = tuple(
    """
    Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday|tomorrow|today|next Monday|next Friday|Saturday evening
    |tomorrow night|tonight|May 3|June 21|12 March|2024-05-01|2025-11-30|2026-02-14|March 5, 2025|the 4th of July
    |1 December|next week|Sunday morning|24/12
    """.replace("\n", "")
    .replace("    ", "")
    .split("|")
)
TOPICS = tuple(
    """
    cheap flights to Rome|electric cars|climate change|the history of jazz|vegan recipes|chess openings|solar panels
    |red shoes|Python decorators|used bikes|hiking trails in Norway|football results|the best pizza in Naples
    |quantum computers|inflation|space travel|housing prices|green tea|running shoes|data protection|wind power
    |folding bicycles|tax law|guitar chords|the moon landing|artificial intelligence|trains to Vienna|opening hours
    |parking rules|noise-cancelling headphones|garden tools|sleep|vaccines|coffee machines|robots
    """.replace("\n", "")
    .replace("    ", "")
    .split("|")
)
THINGS = tuple(
    """
    milk|bread|printer paper|USB cables|tulips|screws|blue pens|the red chair|office chairs|coffee beans|light bulbs
    |batteries|notebooks|size 42 boots|garden hoses|green tea|LED lamps|bike tyres|keyboards|mugs|HDMI adapters|towels
    """.replace("\n", "")
    .replace("    ", "")
    .split("|")
)
DEVICES = tuple(
    """
    lamp|heater|radio|fan|TV|oven|kitchen light|bedroom lamp|garden lights|coffee machine|air conditioner|dishwasher
    |hall light|speaker|projector|desk lamp|porch light|alarm|router|water pump
    """.replace("\n", "")
    .replace("    ", "")
    .split("|")
)
TITLES = tuple(
    """
    Yesterday|Imagine|Hey Jude|Bohemian Rhapsody|Blue Train|Take Five|Clair de Lune|Waterloo|Hotel California
    |Stairway to Heaven|So What|Thriller|Purple Rain|Smooth Operator|Moon River|Wonderwall|Dancing Queen|Africa
    """.replace("\n", "")
    .replace("    ", "")
    .split("|")
)
DISHES = tuple(
    """
    pancakes|lasagna|tomato soup|risotto|goulash|apple pie|pad thai|paella|falafel|carrot cake|onion soup|dumplings
    |chicken curry|lentil stew|potato salad|banana bread|ramen|quiche|minestrone|waffles|shakshuka|tacos
    """.replace("\n", "")
    .replace("    ", "")
    .split("|")
)
SAYINGS = tuple(
    """
    good morning|thank you very much|where is the station|I like apples|see you tomorrow|how are you|the cat sleeps
    |call me back|I am late|happy birthday|one coffee please|the bill please|buy milk|call mum|water the plants
    |pay the rent|the meeting is at three|pick up the parcel|the door code is 4711|send the report|feed the cat
    |book the hotel|renew the passport|thanks for your help|we are on our way|dinner is ready|my name is Anna
    |charge the bike|cancel the gym|ask Tom about the keys|the train was late|order more paper|return the books
    """.replace("\n", "")
    .replace("    ", "")
    .split("|")
)
_FILES = to_words("notes report data todo readme budget config users sales log main letter results draft index")
_ENDINGS = to_words("txt md csv json py log pdf toml yaml html")
_FOLDERS = to_words("docs src data home downloads photos tmp reports 2024 old music backup projects")
_SITES = to_words("example.com example.org news.example.net api.example.com shop.example.org blog.example.net")


def whole(low: int, high: int, *, words: bool = False) -> Callable[[Random], Value]:
    """Return a maker of whole numbers; small ones come as often as large ones, and as ``words`` now and then."""

    def make(random: Random) -> Value:
        top = min(high, 10 ** random.randint(len(str(low)), len(str(high))))
        code = str(random.randint(low, max(low, top)))
        return (to_operand(random, code) if words else to_number(random, code)[0]), int(code)

    return make


def real(low: int, high: int, places: int = 1, share: float = 0.3) -> Callable[[Random], Value]:
    """Return a maker of numbers some of which have decimals; the last decimal is no zero."""

    def make(random: Random) -> Value:
        if random.random() >= share:
            return whole(low, high)(random)
        decimals = "".join(random.choice("0123456789") for _ in range(random.randrange(places)))
        code = f"{random.randint(low, high)}.{decimals}{random.choice('123456789')}"
        return to_number(random, code)[0], float(code)

    return make


def one_of(texts: tuple[str, ...], invented: float = 0.15, small: float = 0.1) -> Callable[[Random], Value]:
    """Return a maker of texts of a table, of names that nobody has heard, and of either in small letters."""

    def make(random: Random) -> Value:
        text = capital(invent(random)) if random.random() < invented else random.choice(texts)
        text = text.lower() if random.random() < small else text
        return keep(text), text

    return make


def _text(random: Random) -> Value:
    text = random.choice(SAYINGS) if random.random() < 0.5 else build_phrase(random)
    return quoted(random, text), text


def _topic(random: Random) -> Value:
    text = random.choice(TOPICS) if random.random() < 0.6 else f"{build_plain_word(random)} {build_plain_word(random)}"
    return keep(text), text


def _word(random: Random) -> Value:
    text = build_word(random)
    return quoted(random, text), text


def _code(random: Random) -> Value:
    """A number of an order or an account: digits alone are a number."""
    digits = str(random.randrange(10, 10 ** random.randint(2, 7)))
    if random.random() < 0.55:
        return keep(digits), int(digits)
    mark = "".join(random.choice("ABCDEFGHKLMNPRSTUVWXYZ") for _ in range(random.choice((1, 1, 2, 3))))
    text = mark + random.choice(("-", "-", "", "_")) + digits
    return keep(text), text


def _time(random: Random) -> Value:
    hour, minute = random.randint(1, 12), random.choice((0, 0, 5, 10, 15, 20, 30, 40, 45, 50, 55))
    text = random.choice(
        (
            f"{hour}:{minute:02d}",
            f"{hour + 11}:{minute:02d}",
            f"{hour:02d}:{minute:02d}",
            f"{hour} {random.choice(('am', 'pm'))}",
            f"{hour}{random.choice(('am', 'pm'))}",
            f"{hour}:{minute:02d} {random.choice(('am', 'pm', 'AM', 'PM'))}",
            f"{hour} o'clock",
            random.choice(("noon", "midnight", "half past six", "quarter to nine")),
        )
    )
    return keep(text), text


def _path(random: Random) -> Value:
    text = f"{random.choice(_FILES)}.{random.choice(_ENDINGS)}"
    if random.random() < 0.5:
        text = f"{_folder(random)[1].rstrip('/')}/{text}"
    return (quoted(random, text) if random.random() < 0.3 else keep(text)), text


def _folder(random: Random) -> Value:
    text = random.choice(_FOLDERS) if random.random() < 0.7 else invent(random)
    text = random.choice(("", "", "/", "./")) + text + random.choice(("", "", "/", f"/{random.choice(_FOLDERS)}"))
    return keep(text), text


def _url(random: Random) -> Value:
    path = random.choice(
        ("", f"/{invent(random)}", f"/{random.choice(_FILES)}.html", f"/{invent(random)}/{invent(random)}")
    )
    text = random.choice(("https://", "https://", "http://", "www.")) + random.choice(_SITES) + path
    return keep(text), text


def _zone(random: Random) -> Value:
    return (one_of(ZONES, 0) if random.random() < 0.3 else MAKERS["city"])(random)


def _year(random: Random) -> Value:
    year = random.randint(1990, 2060)
    return keep(str(year)), year


MAKERS: dict[str, Callable[[Random], Value]] = {
    "length": real(1, 2500),
    "rate": real(3, 15, share=0.6),
    "price": real(1, 3, places=2, share=0.9),
    "amount": real(1, 20000, places=2),
    "number": real(0, 99999, places=2, share=0.2),
    "count": whole(1, 12, words=True),
    "whole": whole(0, 9999),
    "sides": whole(4, 100),
    "high": whole(20, 9999),
    "minutes": whole(1, 90),
    "percent": real(1, 60, share=0.15),
    "weight": real(1, 120),
    "degrees": real(0, 110, share=0.25),
    "height": whole(120, 210),
    "city": one_of(CITIES, 0.2),
    "country": one_of(COUNTRIES, 0.1),
    "person": one_of(PEOPLE, 0.2),
    "language": one_of(LANGUAGES, 0.08),
    "symbol": one_of(SYMBOLS, 0.05),
    "currency": one_of(CURRENCIES, 0, 0.15),
    "other_currency": one_of(CURRENCIES, 0, 0.15),
    "day": one_of(DAYS, 0, 0.1),
    "thing": one_of(THINGS, 0, 0),
    "device": one_of(DEVICES, 0, 0),
    "dish": one_of(DISHES, 0.1, 0.3),
    "title": one_of(TITLES, 0.2, 0.05),
    "zone": _zone,
    "topic": _topic,
    "text": _text,
    "word": _word,
    "code": _code,
    "time": _time,
    "path": _path,
    "folder": _folder,
    "url": _url,
    "year": _year,
}
