"""nano, the tiny model that comes with lllm: where it lies, whether it can run here, and who plays it where it cannot.

Its folder is data of ``lllm.nano``, whose code makes it and is not used here.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from lllm.providers.mock import MockProvider

NANO = "nano"
FOLDER = Path(__file__).resolve().parents[1] / "nano" / "model"
RULES = "rules"
SCRIPTS = frozenset({"replies", "rules", "function"})
HINT = 'pip install "lllm[mlx]"'


class StandIn(MockProvider):
    """The mock of a config that asks for nano, on a machine where that cannot run. Its replies say that it is none."""

    model = RULES


def can_run() -> bool:
    """Return whether mlx-lm and mlx are installed; neither is imported."""
    try:
        return find_spec("mlx_lm") is not None and find_spec("mlx.core") is not None
    except (ImportError, ValueError):  # there is no mlx at all; or what is loaded under the name says not from where
        return False


def find_folder(model: str) -> Path:
    """Return the folder that a model's name stands for, whether it is there or not; a folder called nano goes first."""
    path = Path(model).expanduser()
    return FOLDER if model == NANO and not path.exists() else path


def to_shown(model: str) -> str:
    """Return how a model is called in logs: where ours lies differs from machine to machine."""
    return NANO if model == str(FOLDER) else model


def choose_player(settings: Mapping[str, Any]) -> str:
    """Return who answers by the settings of a provider of this kind: ``nano``, ``rules``, or empty for nobody."""
    if can_run():
        return NANO
    return RULES if SCRIPTS & settings.keys() else ""
