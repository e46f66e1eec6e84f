"""Nano's tokenizer: byte-level BPE that merges letters only, and whole tokens for what code and calls are made of.

A word has the same tokens wherever it stands (behind a blank, a quote, a bracket), and a digit is always one token. So
to copy an operand is to repeat tokens, which a tiny model learns soon; and every text can be written, by its bytes.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Any

END = "<|im_end|>"
SPECIAL = ("<|pad|>", "<|im_start|>", END)
CALL, CALL_END = "<tool_call>", "</tool_call>"
PIECES = (
    CALL, CALL_END, "<tool_response>\n", "\n</tool_response>", '\n{"name": "', '", "arguments": {"', '": "', '"}}\n',
    "system\n", "user\n", "assistant\n", "\nFunctions: ", "\\n", "print(", "print(round(", "sorted(xs",
    "xs = [", "s = '", "from datetime import date", ", timedelta", "from statistics import median",
    "from statistics import pstdev", "from calendar import isleap", "from calendar import monthrange",
    ".strftime('%A'))", ".timetuple().tm_yday)", " + timedelta(days=", " - timedelta(days=", " + timedelta(weeks=",
    " - timedelta(weeks=", ").days))", "list(dict.fromkeys(xs))", "sum(xs) / len(xs)", "s.lower()", "Error",
    "Traceback (most recent call last)", "-" * 75, "----> ", "I cannot answer that.",
)  # fmt: skip
"""Texts that are one token each wherever they stand."""
VOCABULARY = 1536
_WORDS = "[A-Za-z]+|[^A-Za-z]"


def train_tokenizer(texts: Iterable[str]) -> Any:
    """Return a tokenizer (of the package ``tokenizers``) that was made for some texts."""
    made = import_module("tokenizers")
    tokenizer = made.Tokenizer(made.models.BPE())
    tokenizer.pre_tokenizer = made.pre_tokenizers.Sequence(
        [
            made.pre_tokenizers.Split(made.Regex(_WORDS), "isolated"),
            made.pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = made.decoders.ByteLevel()
    trainer = made.trainers.BpeTrainer(
        vocab_size=VOCABULARY - len(SPECIAL) - len(PIECES),
        initial_alphabet=made.pre_tokenizers.ByteLevel.alphabet(),
        min_frequency=20,
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.add_special_tokens([made.AddedToken(text, special=True, normalized=False) for text in SPECIAL])
    tokenizer.add_tokens([made.AddedToken(text, special=False, normalized=False) for text in PIECES])
    return tokenizer


def load_tokenizer(folder: Path) -> Any:
    """Return the tokenizer of a model's folder."""
    return import_module("tokenizers").Tokenizer.from_file(str(folder / "tokenizer.json"))
