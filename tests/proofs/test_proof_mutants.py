"""One change to a program: a replay finds it at its first differing event, and what did not change gives no alarm.

Where the first differing event is, the changed program tells itself: it is run for real, with the same model, and the
two logs are compared.
"""

import random
from collections import Counter

from proof_mutations import KINDS, are_alike, first_unlike, mutate, run_live
from proof_plans import draw_plan
from proof_programs import Program, World
from proof_scale import amounts

from lllm.replay import replay

# Words of which one must stand in the likely cause. What a change makes of a random number shows in any message.
CODE = ("the code changed", "task changed")
CAUSES = {
    "system_prompt": ("system prompt",),
    "exception_prompt": ("exception_prompt",),
    "interrupt_prompt": ("interrupt prompt",),
    "docstring": ("docstring",),
    "function_list": ("list of functions",),
    "function_order": ("list of functions",),
    "parser_stricter": ("parser",),
    "parser_laxer": ("parser", *CODE),  # where a retry was the last, only the result tells
    "no_parser": ("parser",),
    "retries": ("parser", "limits"),
    "model": ("model's name",),
    "temperature": ("model's arguments",),
    "text": CODE,
    "argument": CODE,
    "fork_cut": ("forks other dialogs", *CODE),
    "shown": ("shows something else",),
}


def replayed(log, plan):
    """Replay a recorded run through a plan that may be another one."""
    return replay(log, "s", Program(plan, World(live=False)))


@amounts(20, 1000)
def test_a_change_is_caught_at_its_first_differing_event(amount):
    """Nothing runs at the same time here, so that there is one first event; the report must name that one."""
    told, seed, found = Counter(), 0, set()
    while told["caught"] < amount:
        plan, seed = draw_plan(seed, together=False, nested=False), seed + 1
        log, recorded = run_live(plan, seed)
        assert replayed(log, plan).status == "same", f"a false alarm, {seed}"
        name, changed = mutate(plan, random.Random(seed))
        unlike = first_unlike(recorded, run_live(changed, seed)[1])
        report = replayed(log, changed)
        if unlike is None:
            assert report.status == "same", (seed, name, report.difference)
            told["changes that change nothing"] += 1
            continue
        assert report.status == "differs", (seed, name)
        told["caught"] += 1
        told["exact"] += report.difference["seq"] in (unlike.seq, unlike.contract)
        cause = report.difference["cause"]
        assert any(words in cause for words in CAUSES.get(name, CODE)), (seed, name, cause)
        found.add(name)
    assert told["exact"] == told["caught"]
    assert amount < 500 or found == set(KINDS)


@amounts(20, 300)
def test_a_change_is_caught_where_things_run_at_the_same_time(amount):
    """Which of several first differences comes first is chance there; that there is one is none."""
    caught, seed = 0, 10_000
    while caught < amount:
        plan, seed = draw_plan(seed, nested=False), seed + 1
        log, recorded = run_live(plan, seed)
        assert replayed(log, plan).status == "same", f"a false alarm, {seed}"
        name, changed = mutate(plan, random.Random(seed))
        if are_alike(recorded, run_live(changed, seed)[1]):
            continue  # nothing changed, or an order that nobody promised
        assert replayed(log, changed).status == "differs", (seed, name)
        caught += 1
