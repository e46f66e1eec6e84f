"""How people ask what the fuel of a trip costs, and what a litre of it costs; the patterns of ``wording``."""

from __future__ import annotations

from lllm.nano.recipe.calls.callee import Callee, Taken
from lllm.nano.recipe.language.wording import Ways

_COST = Ways(
    nouns=(
        "the (fuel|petrol|gas|diesel|fuel cost|fuel price|petrol cost) for {distance}( km|km| kilometres| kilometers)",
        "the (cost|price) of (the|) (fuel|petrol|gas|diesel) for {distance}( km|km| kilometres)",
        (
            "the (cost|price) of (the|) (fuel|petrol|gas) for a (trip|drive|journey|tour) of {distance}( km|km| "
            "kilometres)"
        ),
        (
            "the (fuel|petrol|gas) (cost|costs|bill|price|money|expenses) (for|of|over) {distance}( km|km| kms| "
            "kilometres)"
        ),
        (
            "the (fuel|petrol|gas) (cost|bill) (for|of) (a|my|our|the) {distance}( km|km|-km) "
            "(trip|drive|journey|ride|tour)"
        ),
        "the amount (due|to pay|I pay) for the (fuel|petrol|gas) of {distance}( km|km| kilometres)",
        "(fuel|petrol|gas) for {distance}( km|km| kilometers)",
        "what {distance}( km|km| kilometres) (cost|cost me|cost us) in (fuel|petrol|gas)",
        "the (trip|fuel) cost for {distance}( km|km)",
        "how much (fuel|petrol) money I need for {distance}( km|km)",
    ),
    orders=(
        "(price|cost) (the fuel for|) a (trip|drive|journey) of {distance}( km|km| kilometres)",
        (
            "(work out|compute|calculate|estimate|find) what the (fuel|petrol|gas) for {distance}( km|km| kilometres) "
            "costs"
        ),
        "(work out|compute|calculate|estimate) the (fuel|petrol|gas) (cost|costs) (for|of) {distance}( km|km)",
        "(work out|calculate) how much (I|we|you) (pay|spend) (on|for) (fuel|petrol|gas) (over|for) {distance}( km|km)",
        "tell me what (driving|it costs to drive) {distance}( km|km| kilometres) (costs|) in (fuel|petrol|gas)",
        "(price|estimate) {distance}( km|km| kilometres) (of driving|by car|on the road)",
        (
            "(figure out|tell me) what (I|we) (need to|must|have to) pay for {distance}( km|km)( of|'s worth of) "
            "(fuel|petrol|gas)"
        ),
        "compute what a trip of {distance}( km|km| kilometres) costs",
    ),
    sentences=(
        "what does the fuel for {distance}( km|km| kilometres| kilometers) cost?",
        "what does the (fuel|petrol|gas|diesel) for {distance} km cost?",
        "what does the fuel for {distance} km cost?",
        "what does the fuel for {distance} km cost?",
        "how much is the fuel for {distance} km?",
        "how much is the fuel for {distance} km?",
        "how much is the (fuel|petrol|gas|diesel) for {distance}( km|km| kilometres| kilometers)?",
        "how much does the (fuel|petrol|gas|diesel) for {distance}( km|km| kilometres) cost?",
        "how much does (fuel|petrol|gas) cost for {distance}( km|km| kilometres)?",
        "what (will|would) the (fuel|petrol|gas) for {distance}( km|km) cost(| me| us)?",
        "what would (fuel|petrol|gas) for a {distance}( km|km|-km| kilometre) (trip|drive|journey|tour) cost?",
        "how (expensive|much) is (a trip of|driving|a drive of) {distance}( km|km| kilometres)(| by car| in fuel)?",
        "how much (fuel|petrol|gas) money (is|will be) needed for {distance}( km|km)?",
        (
            "(I|we) (drive|am driving|want to drive|will drive) {distance}( km|km| kilometres): what does the "
            "(fuel|gas) cost?"
        ),
        (
            "(I'm|I am) (driving|going) {distance}( km|km) (tomorrow|next week|today). (What|How much) is the "
            "(fuel|petrol|gas)?"
        ),
        (
            "(my|our|the) (trip|drive|journey|commute|holiday trip) is {distance}( km|km| kilometres) (long|). What "
            "does it cost?"
        ),
        "(my|our) (trip|tour) is {distance}( km|km| kilometres), how much (will|do) (I|we) pay for (fuel|petrol|gas)?",
        (
            "if (I|we) drive {distance}( km|km| kilometres), (what|how much) (do|will) (I|we) (spend|pay) (on|for) "
            "(fuel|petrol|gas)?"
        ),
        "{distance}( km|km| kilometres): what does the (fuel|petrol|gas) cost?",
        "{distance}( km|km| kilometres) by car, how much is (that|the fuel|the petrol)?",
        "for {distance}( km|km| kilometres), what is the (fuel cost|cost of the fuel|price of the petrol)?",
        "fuel (cost|costs|price), {distance}( km|km)",
        "(trip|drive|distance): {distance}( km|km). (Fuel cost|Cost|Price)?",
        "(to|for) a (friend|client|customer|meeting) {distance}( km|km) (away|from here): what does the fuel cost?",
        "it's {distance}( km|km| kilometres) to (my|our) (hotel|parents|office|grandmother). What does the fuel cost?",
        "(it is|we have) {distance}( km|km| kilometres) to go, what will (the fuel|the petrol|it) cost?",
        "what do I pay at the pump for {distance}( km|km| kilometres)?",
        "what do {distance}( km|km| kilometres) cost(| me| us)(| in fuel| in petrol| by car)?",
        "does the fuel for {distance}( km|km) cost (a lot|much)? How much?",
        "(I|we) drove {distance}( km|km| kilometres) (yesterday|last week|for work), what was the (fuel|petrol|gas)?",
        "how many euros (of|for) (fuel|petrol|gas) (do|will) (I|we) need for {distance}( km|km)?",
        "the distance is {distance}( km|km| kilometres). What (does|will) the fuel cost?",
        "someone drives {distance}( km|km| kilometres). How much does the (fuel|petrol) cost?",
        "(what's|what is) it going to cost to drive {distance}( km|km| kilometres)?",
        (
            "(I|we) need (to know|) the (fuel|petrol) (price|cost) of a {distance}( km|km|-kilometre) (trip|ride), "
            "what is it?"
        ),
    ),
)

_PRICE = Ways(
    nouns=(
        "the (fuel|petrol|gas|diesel) price (in|for|of) {country}",
        "the price of (fuel|petrol|gas|diesel|a litre of fuel) in {country}",
        "the cost of (a litre|one litre|) (of|) (fuel|petrol|diesel) in {country}",
        "{country}'s (fuel|petrol) price",
    ),
    orders=(
        "(look up|check|find|get) the (fuel|petrol|gas|diesel) price (in|for|of) {country}",
        "(look up|tell me|find out) what (fuel|petrol|gas|a litre of fuel) costs in {country}",
    ),
    sentences=(
        "what does (fuel|petrol|gas|a litre of fuel|a litre of petrol) cost in {country}?",
        "how much is (fuel|petrol|gas|a litre of diesel|a litre of petrol) in {country}?",
        "how (expensive|cheap) is (fuel|petrol|gas) in {country}?",
        "(I'm|we are) (in|driving through|going to) {country}. What does (fuel|petrol|a litre) cost there?",
        "{country}: what does a litre of fuel cost?",
        "what do (I|people) pay (for|per) (a litre of fuel|litre of petrol) in {country}?",
        "fuel in {country}, how much?",
    ),
)

FUEL = (
    Callee(
        "fuel_cost fuel_cost fuel_cost fuel_cost trip_cost get_fuel_cost petrol_cost compute_fuel_cost fuelCost fuel",
        (
            Taken(
                "distance", "length", "distance_km distance_km distance_km distance km kilometres kilometers length_km"
            ),
            Taken("litres", "rate", "litres_per_100_km litres_per_100_km litres_per_100km consumption", optional=True),
            Taken(
                "price",
                "price",
                "euros_per_litre euros_per_litre price_per_litre fuel_price litre_price",
                optional=True,
            ),
        ),
        "fuel|petrol|gas|diesel|tank|trip|driv|journey|commut|km|kilomet|litre|mile|car|road|distance",
        _COST,
        ("{money}", "{money}", "{money}", "{money} euros", "{number}", "EUR {money}"),
        (
            "(at|with) {litres}( litres|l| l| liters) (per|/|on) 100( km|km)",
            "if (my|the|our) car (takes|needs|uses|burns) {litres}( litres|l| l) (per|on) 100( km|km)",
            "(my|the|our) car (takes|needs|uses|burns) {litres}( litres|l| l| liters) (per|on) 100( km|km).",
            "(at|for|with) {price} euros (per|a) (litre|liter)",
            "(fuel|petrol|gas|a litre of fuel|a litre) (costs|is) {price} euros(| now| here).",
            "(at|with) {litres}( litres|l) per 100 km and {price} euros (per|a) litre",
            "(my|the) car needs {litres}( litres|l| l) per 100 km, and a litre costs {price} euros.",
        ),
        (
            "and for {distance}( km|km| kilometres)?",
            "(and|now) {distance}( km|km| kilometres)?",
            "(what about|how about) {distance}( km|km| kilometres)?",
            "what if (I|we) drive {distance}( km|km)?",
            "the same for {distance}( km|km| kilometres)(.|, please.)",
            "now (for|the fuel for) {distance}( km|km| kilometres).",
        ),
        weight=9,
    ),
    Callee(
        "fuel_price fuel_price get_fuel_price petrol_price fuel_price_in litre_price",
        (Taken("country", "country", "country country country_code land nation where"),),
        "fuel|petrol|gas|diesel|litre",
        _PRICE,
        ("{price}", "{price}", "{price} euros", "{price} EUR per litre"),
        further=("and in {country}?", "(what about|how about) {country}?", "and {country}?"),
        weight=2,
    ),
)
