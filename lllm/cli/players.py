"""Who answers for the model in the box, as a person is told before anything is live, and by the doctor."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from lllm.cli.screen import Screen
from lllm.errors import ConfigError
from lllm.export.facts import dict_of
from lllm.providers.build import find_player
from lllm.providers.nano import HINT, NANO, RULES

TOLD = {
    NANO: "nano, a tiny model in this process",
    RULES: f"the config's rules in place of nano, since mlx-lm is not installed: {HINT}",
}


def find_players(values: Mapping[str, Any]) -> list[str]:
    """Return who answers for those agents of a config that ask the model in the box, each once; see ``find_player``."""
    players: dict[str, None] = {}
    agents = dict_of(values, "agent_configs")
    for name in agents:
        settings = {**values, **dict_of(agents, name)}
        with suppress(ConfigError):  # of lllm.toml; whoever builds the agents tells it
            player = find_player(str(settings.get("provider", "")), dict_of(settings, "provider_config"))
            if player is not None:
                players[player] = None
    return [*players]


def tell_players(screen: Screen, values: Mapping[str, Any]) -> None:
    """Say it to whoever starts something live; that nobody can answer is told by the first call."""
    for player in find_players(values):
        if player:
            screen.say(f"model {TOLD[player]}", "dim")
