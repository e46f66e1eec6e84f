"""Classification: a prompt that asks for one label, and a parser that reads how likely each label was."""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from math import exp
from typing import Any, ClassVar

from lllm.errors import ConfigError, ParseError
from lllm.models.message import Message, TokenLogprob
from lllm.models.prompt import Prompt

BINARY = ("Yes", "No")


class ClassParser:
    """Reads class probabilities from the log-probabilities of a reply's first label token.

    Args:
        classes: the labels. None may be the beginning of another: a token that fits both would count for neither.

    Raises:
        ConfigError: fewer than two labels, an empty one, or one that begins another, whatever their case.
    """

    takes_message = True
    model_args: ClassVar[dict[str, Any]] = {"logprobs": True, "top_logprobs": 20, "temperature": 0, "max_tokens": 8}

    def __init__(self, classes: tuple[str, ...]) -> None:
        ordered = sorted(label.strip().lower() for label in classes)  # a label stands right before what it begins
        if len(classes) < 2 or any(after.startswith(label) for label, after in pairwise(ordered)):
            raise ConfigError(f"classes must be two or more words, none the beginning of another: {list(classes)}")
        self.classes = classes
        self.name = f"classes({','.join(classes)})"

    def __call__(self, message: Message[Any]) -> dict[str, float]:
        """Return the probability of each class, in the order of the classes.

        Raises:
            ConfigError: the reply carries no log-probabilities: the server does not send them.
            ParseError: no label is among the likeliest tokens; the text is for the model.
        """
        if not message.logprobs:
            raise ConfigError(
                "the reply carries no log-probabilities", hint="use a server and model that send logprobs"
            )
        for place in message.logprobs:
            weights = self._weights(place)
            total = sum(weights.values())
            if total > 0:
                return {label: weights[label] / total for label in self.classes}
        raise ParseError(f"answer with exactly one of these words and nothing else: {', '.join(self.classes)}")

    def _weights(self, place: TokenLogprob) -> dict[str, float]:
        """Return each class's share at one token; it counts for the one class that it begins, or that begins it."""
        weights = dict.fromkeys(self.classes, 0.0)
        for token, logprob in place.top or ((place.token, place.logprob),):
            text = token.strip(" \n\t\"'*`.").lower()
            fits = [c for c in self.classes if text and (c.lower().startswith(text) or text.startswith(c.lower()))]
            if len(fits) == 1:
                weights[fits[0]] += exp(logprob)
        return weights


@lru_cache(maxsize=64)
def classifier_prompt(classes: tuple[str, ...]) -> Prompt[dict[str, float]]:
    """Return the prompt that asks for one of ``classes``; cached, so that its contract is made once."""
    listed = ", ".join(classes).replace("{", "{{").replace("}", "}}")
    return Prompt(
        path="lllm/classify",
        prompt=f"{{question}}\nAnswer with exactly one of these words and nothing else: {listed}",
        parser=ClassParser(classes),
    )
