"""Sentences of a system text whose functions run no code; the skeletons of ``phrase``, ``$f`` is a function."""

from __future__ import annotations

import re

from lllm.nano.recipe.around.roles import BOTH, ROLES, USES

_OF_CODE = re.compile(r"python|code|kernel|print|comput|calculat|math", re.IGNORECASE)


def _without_code(skeletons: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(skeleton for skeleton in skeletons if not _OF_CODE.search(skeleton))


OTHER_ROLES = (
    *_without_code(ROLES),
    "You compute what (trips|journeys|orders|parcels) cost.",
    "You (price|plan) (trips|journeys|orders|holidays).",
    "You (know|tell|report) (the weather|prices|facts|times)(| with the help of functions).",
    "You (help|assist) (travellers|drivers|customers|guests|people) (|with what they ask).",
    "You (run|look after) (a small shop|the front desk|a house|a calendar|a help desk).",
    "You (answer|serve) (drivers|customers|travellers|callers|visitors) of our (site|shop|company|app).",
    "You are (a|the|our) $adjective (travel|weather|shop|home|office|trip|desk) (assistant|agent|helper|bot).",
    "You (turn|make) (a question|what people say) into (a call|calls) of (a function|functions).",
    "You have (functions|tools) for (what users ask|your work|everything).",
    "A user asks you (to do something|for something|something).",
)

OTHER_USES = (
    *_without_code(USES),
    "Call $f for the (amount|answer|value|facts|result); never guess (it|anything).",
    "Call $f(| for that| when it is needed| when it fits| with what the user says).",
    "Use $f(| for that| when it fits| to find the answer| to do it| to look things up).",
    "(Choose|Pick|Take) the function that fits(| the question| best).",
    "Use the (function|functions|tools)(| that you have| at hand| that fit).",
    "Call the (right|best|fitting) (function|tool)(| with the right arguments).",
    "You (can|may|should|must) (call|use) $f.",
    "(Take|Read) the arguments from the question(| and call $f).",
    "Give $f (what|the values that) the user (says|gives|names).",
    "(Facts|Amounts|Prices|Answers|Values) come from $f, never from (memory|your head).",
    "What you do not know, $f knows.",
    "Never guess(| an amount| a price| a fact| arguments); (call|ask|use) $f.",
    "There is $f for that.",
    "(Tools|Functions) are (there|listed below|yours to call).",
    "Your (tool|function) is $f.",
    "To answer, (call|use|ask) $f(| once| first).",
)

OTHER_BOTH = (
    *_without_code(BOTH),
    "(Call|Use|Ask) $f, then $ask",
    "(Call|Use) $f for what you do not know, then $ask",
    "Take what $f answers and $ask",
    "Never guess: (call|use) $f, and $ask",
    "First call $f, then $ask",
)
