"""Secrets of all kinds, made up: keys in the shapes of known vendors, tokens that a program knows, ones a config names."""

from __future__ import annotations

import random
import string
from dataclasses import dataclass

WORD = string.ascii_letters + string.digits
# Vendor -> the key's head, its alphabet, and the length of the rest.
VENDORS = {
    "openai": ("sk-proj-", WORD + "_-", 48),
    "anthropic": ("sk-ant-api03-", WORD + "_-", 95),
    "bearer": ("Bearer ", WORD + "._~+/-", 40),
    "aws": ("AKIA", string.ascii_uppercase + string.digits, 16),
    "github": ("ghp_", WORD, 36),
    "github app": ("gho_", WORD, 36),
    "github fine": ("github_pat_", WORD + "_", 82),
    "google": ("AIza", WORD + "_-", 35),
    "slack": ("xoxb-", string.digits + string.ascii_letters, 30),
    "hugging face": ("hf_", WORD, 34),
}
PATTERN = r"corp-[0-9a-f]{16}"
ODD = WORD + "\"'\\/ \n\t{}[]:,$%&<>\u00e4\u00df\u4f60\U0001f511"


@dataclass(frozen=True)
class Planted:
    """One secret. ``how`` the log knows of it: by its shape, by its pattern, told to the redactor, or as a provider's."""

    text: str
    how: str


def make_secrets(amount, seed=0):
    """Return ``amount`` secrets, of every kind in turn."""
    chance = random.Random(seed)
    makers = [
        *((lambda vendor=vendor: Planted(to_key(vendor, chance), "shape")) for vendor in VENDORS),
        lambda: Planted(f"corp-{chance.randbytes(8).hex()}", "pattern"),
        lambda: Planted(draw(chance, WORD, 32), "added"),
        lambda: Planted(f"a{draw(chance, ODD, 24)}z", "added"),
        lambda: Planted(chance.randbytes(20).hex(), "provider"),
    ]
    return [makers[number % len(makers)]() for number in range(amount)]


def to_key(vendor, chance):
    """Return a key of a vendor's shape; like nearly all real ones, it holds a digit, and no word's edge inside."""
    head, alphabet, size = VENDORS[vendor]
    return head + chance.choice(string.ascii_uppercase) + "7" + draw(chance, alphabet, size - 3) + "Q"


def draw(chance, alphabet, size):
    return "".join(chance.choice(alphabet) for _ in range(size))
