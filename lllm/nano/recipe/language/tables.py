"""Tables of wordings: YAML files beside the code that uses them, one text a line."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from lllm.nano.recipe.language.wording import Ways

_ROOT = Path(__file__).parents[1]


def load_table(place: str) -> Any:
    """Return what stands in a file of the recipe, such as ``language/frames_around.yaml``."""
    return yaml.safe_load((_ROOT / place).read_text("utf-8"))


def load_ways(place: str) -> Mapping[str, Ways]:
    """Return the ways to ask for each operation of a file, by its name."""
    return {name: to_ways(told) for name, told in load_table(place).items()}


def to_ways(told: Mapping[str, list[str]]) -> Ways:
    """Return ways from a table that may lack a nature."""
    return Ways(*(tuple(told.get(nature, ())) for nature in Ways._fields))
