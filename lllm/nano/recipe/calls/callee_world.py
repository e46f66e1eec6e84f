"""How people ask functions about places, prices and facts; the patterns of ``wording``."""

from __future__ import annotations

from lllm.nano.recipe.calls.callee import Callee, Taken
from lllm.nano.recipe.language.wording import Ways

_CITY = "city city city place town location where"
_COUNTRY = "country country country nation land country_name"
_START, _END = "start start origin from_place from_city source", "end end destination to_place to_city target goal"

WORLD = (
    Callee(
        "get_weather get_weather get_weather weather weather_in current_weather weather_forecast forecast getWeather",
        (
            Taken("city", "city", _CITY),
            Taken("day", "day", "day day date when", optional=True),
        ),
        (
            ""
            "weather|forecast|rain|snow|sunny|windy|wind|umbrella|temperature|wear|coat|warm|cold|hot|degrees|outside|sky|sun"
        ),
        Ways(
            (
                "the (weather|forecast|temperature|weather forecast) (in|for) {city}",
                "the (current|) weather (in|at) {city}",
                "{city}'s weather",
            ),
            (
                "(check|look up|get|tell me) the (weather|forecast|temperature) (in|for) {city}",
                "tell me how (warm|cold|hot|windy) it is in {city}",
            ),
            (
                "what('s| is) the weather (like|) in {city}?",
                "how is the weather in {city}?",
                "what is it like outside in {city}?",
                "is it (raining|sunny|snowing|windy|cold|warm|hot) in {city}?",
                "will it (rain|snow|be sunny|be windy) in {city}?",
                "how (warm|cold|hot) (is it|will it be|does it get) in {city}?",
                "do I need (an umbrella|a coat|sunscreen) in {city}?",
                "weather {city}",
                "weather in {city}?",
                "{city} weather",
                "I'm (going|flying|travelling) to {city}. What will the weather be?",
                "what should I wear in {city} with this weather?",
                "what temperature do they have in {city}?",
            ),
        ),
        ("{sky}", "{sky}, {degrees} degrees", "{degrees} °C", "{degrees}", "{degrees} degrees, {sky}", "{sky}"),
        ("for {day}", "(on|for) {day}", "I mean {day}.", "{day}"),
        ("and in {city}?", "(what about|how about) {city}?", "and {city}?", "now for {city}"),
        weight=4,
    ),
    Callee(
        "get_price get_price stock_price get_stock_price share_price quote price",
        (Taken("symbol", "symbol", "symbol symbol ticker stock share name"),),
        "price|stock|share|trad|quote|worth|cost|market|stand|much|where",
        Ways(
            ("the (price|share price|stock price|quote) of {symbol}", "the {symbol} (price|quote|share price)"),
            ("(get|check|look up|fetch) the (price|quote|share price) (of|for) {symbol}", "(quote|price) {symbol}"),
            (
                "what (does|do|would) {symbol} (shares|stock|) (cost|trade at|stand at)?",
                "how much is {symbol} (worth|trading at|now)?",
                "{symbol}: price?",
                "price of {symbol}?",
                "what is {symbol} worth?",
                "where does {symbol} stand (today|right now|)?",
                "I own some {symbol}. What's its price?",
                "at what price is {symbol} traded?",
            ),
        ),
        ("{money}", "{money}", "{money} USD", "{number}"),
        further=("and {symbol}?", "(what about|how about) {symbol}?"),
        weight=2,
    ),
    Callee(
        "get_time get_time current_time time_in local_time what_time clock",
        (Taken("zone", "zone", "zone zone timezone time_zone tz city place"),),
        "time|clock|late|early|hour",
        Ways(
            ("the (time|local time|current time|exact time) in {zone}", "the time in {zone} (now|right now)"),
            ("(tell me|check|get|look up) the (time|local time) in {zone}", "look at the clock in {zone}"),
            (
                "what time is it in {zone}(| now| right now)?",
                "how late is it in {zone}?",
                "time in {zone}?",
                "what does the clock say in {zone}?",
                "I want to call somebody in {zone}. What time is it there?",
                "do you have the time in {zone}?",
                "{zone} time now?",
                "what hour is it in {zone}?",
            ),
        ),
        ("{time}", "{time}", "{time} on Friday"),
        further=("and in {zone}?", "(what about|how about) {zone}?"),
        weight=2,
    ),
    Callee(
        "search search web_search search_web find look_up google search_docs",
        (Taken("query", "topic", "query query query q text term terms keywords"),),
        "search|google|look|find|web|online|internet|page|article|result|about|there|something|up for",
        Ways(
            ("(web pages|articles|something|pages|results) (about|on) {query}",),
            (
                "search (for|the web for|online for|the internet for) {query}",
                "(google|look up|look for) {query}",
                "find (pages|articles|something|out more|information) (about|on) {query}",
                "do a (web|) search (for|on|about) {query}",
            ),
            (
                "search: {query}",
                "what (does the web say|can you find|is there) about {query}?",
                "(I'm|I am) looking for (pages|news|articles) (about|on) {query}.",
                "is there anything online about {query}?",
                "can you search for {query}?",
                "what comes up for {query}?",
                "web search, {query}",
            ),
        ),
        ("{count} results", "{url}", "{word} {word}: {url}", "no results"),
        further=("and {query}?", "now search for {query}."),
        weight=2,
    ),
    Callee(
        "convert_currency convert_currency currency exchange to_currency convert_money",
        (
            Taken("amount", "amount", "amount amount value sum money"),
            Taken("source", "currency", "source source from_currency currency_from base have"),
            Taken("target", "other_currency", "target target to_currency currency_to quote want"),
        ),
        "convert|exchange|currenc|euro|dollar|pound|yen|franc|rupee|peso|kroner|zloty|yuan|[a-z]{3}",
        Ways(
            ("{amount} {source} in {target}", "the value of {amount} {source} in {target}"),
            (
                "(convert|change|exchange|turn) {amount} {source} (to|into|in) {target}",
                "(work out|tell me) what {amount} {source} are in {target}",
            ),
            (
                "how (much|many) {target} (is|are|do I get for) {amount} {source}?",
                "what (is|are) {amount} {source} in {target}?",
                "{amount} {source} to {target}",
                "I have {amount} {source}. How much is that in {target}?",
                "what do I get in {target} for {amount} {source}?",
                "{amount} {source} = ? {target}",
                "if I change {amount} {source} into {target}, what do I get?",
                "it costs {amount} {source}, what is that in {target}?",
            ),
        ),
        ("{money}", "{money}", "{number}"),
        weight=2,
    ),
    Callee(
        "exchange_rate exchange_rate get_rate rate fx_rate",
        (
            Taken("source", "currency", "source source base from_currency first"),
            Taken("target", "other_currency", "target target quote to_currency second"),
        ),
        "exchange|rate|stand|worth|convert|currenc|euro|dollar|pound|yen|franc|rupee|peso|kroner|zloty|yuan",
        Ways(
            ("the (exchange|conversion|) rate (from|of) {source} to {target}", "the {source} to {target} rate"),
            ("(check|get|look up) the exchange rate from {source} (to|into) {target}",),
            (
                "what is the exchange rate from {source} to {target}?",
                "how does {source} stand against {target}?",
                "rate {source}/{target}?",
                "what is one of {source} worth in {target}?",
                "at what rate is {source} changed into {target}?",
                "exchange rate, {source} to {target}",
            ),
        ),
        ("{price}", "{number}"),
    ),
    Callee(
        "route route get_route find_route directions plan_route navigate",
        (Taken("start", "city", _START), Taken("end", "city", _END)),
        "route|way|road|direction|drive|get to|get from|navigat|far|distance|trip|travel|go |from",
        Ways(
            ("the (best|fastest|shortest|) (route|way|road) from {start} to {end}", "directions from {start} to {end}"),
            (
                "(find|plan|show|get) (me|) (the|a) (route|way) from {start} to {end}",
                "navigate from {start} to {end}",
                "(bring|take|guide) me from {start} to {end}",
            ),
            (
                "how do I (get|drive|go|come) from {start} to {end}?",
                "which (way|road) leads from {start} to {end}?",
                "{start} to {end}, which (way|route)?",
                "I'm in {start} and want to go to {end}. Which way?",
                "route: {start} - {end}",
                "how do I get to {end} from {start}?",
                "which road do I take to {end} if I start in {start}?",
            ),
        ),
        ("{roads}", "{roads}, {distance} km", "take the {roads}"),
        further=("and from {start} to {end}?",),
        weight=2,
    ),
    Callee(
        "get_distance get_distance distance distance_between how_far",
        (Taken("start", "city", _START), Taken("end", "city", _END)),
        "distance|far|km|kilomet|mile|long|between|way|route|from",
        Ways(
            ("the distance (between {start} and|from {start} to) {end}", "the kilometres between {start} and {end}"),
            ("(look up|find|get|measure) the distance (between {start} and|from {start} to) {end}",),
            (
                "how far is it from {start} to {end}?",
                "how far (is|away is|apart are) {start} (and|from) {end}?",
                "how many (kilometres|km|miles) (is it|are there) from {start} to {end}?",
                "distance {start} {end}?",
                "how long is the way from {start} to {end}?",
                "{start} to {end}: how far?",
                "is it far from {start} to {end}? How far?",
            ),
        ),
        ("{distance}", "{distance} km", "{distance} kilometres"),
        further=("and from {start} to {end}?",),
    ),
    Callee(
        "get_holidays holidays list_holidays public_holidays",
        (Taken("year", "year", "year year y"), Taken("country", "country", _COUNTRY)),
        "holiday|free|off",
        Ways(
            ("the (public|bank|) holidays (of|in) {country} in {year}", "the {year} holidays in {country}"),
            ("(list|show|get|name) the (public|) holidays (of|in) {country} (in|for) {year}",),
            (
                "which (public|) holidays (are there|do they have) in {country} in {year}?",
                "when are the holidays in {country} in {year}?",
                "which days are free in {country} in {year}?",
                "holidays {country} {year}",
                "I need all public holidays of {year} in {country}.",
                "{country}, {year}: which holidays?",
            ),
        ),
        ("{count}", "{date}", "{date}, {date}", "['{date}', '{date}']"),
    ),
    Callee(
        "news get_news news_about headlines latest_news",
        (Taken("topic", "topic", "topic topic subject about query"),),
        "news|headline|new|happen|latest|about|paper",
        Ways(
            ("the (news|headlines|latest|latest news) (on|about) {topic}",),
            ("(get|show|read|fetch) (me|) the news (about|on) {topic}", "(look for|find) news about {topic}"),
            (
                "what's new (about|on|with) {topic}?",
                "any news (on|about) {topic}?",
                "news about {topic}?",
                "what do the papers say about {topic}?",
                "is there anything new on {topic}?",
                "what are the headlines about {topic}?",
                "news: {topic}",
            ),
        ),
        ("{count} stories", "{word} {word} {word}", "nothing new"),
        further=("and (about|on) {topic}?",),
    ),
    Callee(
        "get_capital capital capital_of capital_city",
        (Taken("country", "country", _COUNTRY),),
        "capital|city|town|govern",
        Ways(
            ("the capital (of|city of) {country}", "{country}'s capital"),
            ("name the capital of {country}", "look up the capital of {country}"),
            (
                "what is the capital of {country}?",
                "which city is the capital of {country}?",
                "capital of {country}?",
                "what's {country}'s capital?",
                "{country}: capital?",
                "in which city does the government of {country} sit?",
            ),
        ),
        ("{city}",),
        further=("and of {country}?", "(what about|how about) {country}?"),
    ),
    Callee(
        "get_population population population_of inhabitants count_people",
        (Taken("place", "city", "place place city town location name"),),
        "population|people|inhabitant|big|live|large|many",
        Ways(
            ("the population of {place}", "the number of inhabitants of {place}"),
            ("look up the population of {place}", "find out how many people live in {place}"),
            (
                "how many people live in {place}?",
                "what is the population of {place}?",
                "how many inhabitants does {place} have?",
                "population of {place}?",
                "{place}, how many people?",
                "how large is the population of {place}?",
            ),
        ),
        ("{whole}",),
        further=("and {place}?", "and in {place}?"),
    ),
    Callee(
        "shipping_cost shipping_cost get_shipping postage ship_price parcel_price",
        (
            Taken("weight", "weight", "weight_kg weight_kg weight kg mass_kg"),
            Taken("country", "country", "country country destination to_country target"),
        ),
        "ship|parcel|send|post|packag|deliver|kg|kilo",
        Ways(
            (
                "the (shipping|postage|shipping cost) for {weight}( kg|kg| kilos) to {country}",
                "the price of a {weight}( kg|kg) parcel to {country}",
            ),
            ("(work out|price|compute) the shipping of {weight}( kg|kg) to {country}",),
            (
                "what does it cost to (ship|send) {weight}( kg|kg| kilos) to {country}?",
                "how much is a parcel of {weight}( kg|kg) to {country}?",
                "I'm sending {weight}( kg|kg) to {country}. What's the postage?",
                "shipping to {country}, {weight}( kg|kg)?",
                "a package for {country} weighs {weight}( kg|kg), what will I pay?",
                "to {country} with {weight}( kg|kg): how much is the shipping?",
            ),
        ),
        ("{money}", "{money} euros"),
        further=("and {weight}( kg|kg) to {country}?",),
    ),
    Callee(
        "get_recipe recipe find_recipe how_to_cook",
        (Taken("dish", "dish", "dish dish food meal name"),),
        "recipe|made|cook|make|bake|prepare|dish|food|eat|ingredient",
        Ways(
            ("(a|the|your best) recipe for {dish}",),
            ("(find|show|get|give) (me|) (a|the) recipe for {dish}",),
            (
                "how do I (make|cook|prepare) {dish}?",
                "what do I need for {dish}? I want to cook it.",
                "I'd like to cook {dish}, is there a recipe?",
                "recipe: {dish}",
                "{dish} recipe?",
                "how is {dish} made?",
                "we want to cook {dish} (tonight|tomorrow|). Any recipe?",
            ),
        ),
        ("{word}, {word}, {word}", "{url}", "{minutes} minutes"),
        further=("and for {dish}?",),
    ),
    Callee(
        "now now current_datetime get_date today",
        (),
        "date|time|day|today|now|clock|late|year|month|hour",
        Ways(
            ("(today's|the current|the) date", "the (exact|current) (time|date and time)"),
            ("tell me the (time|date)", "(check|look at) the clock"),
            (
                "what time is it(| now| right now)?",
                "what (day|date) is (it|today|it today)?",
                "what's the time?",
                "how late is it?",
                "which day do we have today?",
                "what is today's date?",
                "do you have the time?",
                "what does the clock say?",
            ),
        ),
        ("{date} {time}", "{date}", "{time}"),
    ),
)
