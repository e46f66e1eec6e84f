"""Questions and requests that lie outside of the skill: they are answered with one text, and no function is called."""

from __future__ import annotations

import re
from random import Random

from lllm.nano.recipe.around.elsewhere import ASKED, NOUNS, ORDERS, SLOTS
from lllm.nano.recipe.language.wording import ask_for, bare, dress, fill, order

REFUSAL = "I cannot answer that."

_SLOT = re.compile(r"\{(\w+)\}")
_CHOICES = {name: tuple(words.split("|")) for name, words in SLOTS.items()}


def build_outside(random: Random) -> str:
    """Return something that nano cannot answer, as somebody may put it."""
    table = random.choices((NOUNS, ORDERS, ASKED), (len(NOUNS), len(ORDERS), len(ASKED)))[0]
    pattern = random.choice(table)
    text = fill(random, pattern, **{name: random.choice(_CHOICES[name]) for name in _SLOT.findall(pattern)})
    if table is not ASKED:
        text = ask_for(random, text) if table is NOUNS else order(random, text)
    return dress(random, text if random.random() < 0.5 else bare(text))
