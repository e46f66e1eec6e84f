"""From text to the JSON in it, strictly: what two readers could understand differently is a fault.

Also decides where in a reply the JSON stands: the whole of it, a fenced block, or brackets amid prose.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from typing import Any

from lllm.errors import ParseError
from lllm.parsing.blocks import balanced_blocks, fenced_blocks
from lllm.parsing.faults import clip

DEEPEST = 200  # the limit of the validating parser behind (jiter), said here so that both give one text
TOO_DEEP = f"the JSON is nested deeper than {DEEPEST} levels; write it flatter"
_FENCES = {"json", "jsonc", "json5", ""}
_CANDIDATES = 32  # a reply with more blocks than this is not an answer


def json_candidates(text: str) -> Iterator[str]:
    """Yield the parts of a reply that may be its JSON: first the whole of it, then the likeliest; none is checked."""
    whole = text.strip().removeprefix("\ufeff")
    yield whole
    fenced = (body.strip() for info, body in fenced_blocks(text) if info in _FENCES)
    yield from islice(fenced, _CANDIDATES)
    for block in islice(balanced_blocks(whole), _CANDIDATES):
        if block != whole:
            yield block


def load_json(text: str) -> Any:
    """Return the value of a text that is one JSON value without repeated keys, NaN, infinity, or too deep nesting.

    Raises:
        ParseError: it is not; names line, column and the text there.
    """
    try:
        return _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise ParseError(_render_syntax(error)) from None
    except RecursionError:
        raise ParseError(TOO_DEEP) from None
    except ValueError as error:  # an integer of more digits than Python converts
        raise ParseError(f"the JSON holds a number that is too long: {clip(str(error), 100)}") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ParseError(f"the key {json.dumps(clip(twice, 60))} stands twice in one object; write it once")
    return value


def _no_constant(name: str) -> Any:
    raise ParseError(f"{name} is not JSON; write a number or null")


def _finite(digits: str) -> float:
    value = float(digits)
    if value in {float("inf"), float("-inf")}:
        raise ParseError(f"the number {clip(digits, 40)} is too large")
    return value


_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant, parse_float=_finite)


def _render_syntax(error: json.JSONDecodeError) -> str:
    """Say where the syntax breaks, with the text around it and ``<<HERE>>`` at the place."""
    text, at = error.doc, error.pos
    if at >= len(text.rstrip()):
        return (
            f"the JSON ends too early ({error.msg}, line {error.lineno}, column {error.colno}): is the reply cut off?"
        )
    around = f"{text[max(0, at - 60) : at]}<<HERE>>{text[at : at + 40]}"
    return f"the JSON has a syntax error in line {error.lineno}, column {error.colno}: {error.msg}\n{around}"
