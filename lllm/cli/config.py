"""``lllm config``: what a config means, and what is wrong with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from lllm.cli import exits
from lllm.cli.options import config_options, standard
from lllm.cli.screen import Screen

if TYPE_CHECKING:
    from lllm.cli.check import Fault


@click.group()
def config() -> None:
    """Show and check a config."""


@config.command()
@click.option("--origin", is_flag=True, help="Show where each value comes from.")
@config_options
@standard
def show(screen: Screen, config: str | None, settings: tuple[str, ...], *, origin: bool) -> int:
    """Show the effective config; secrets show as their name."""
    from lllm.cli.project import find_place, load_values  # noqa: PLC0415 - heavy
    from lllm.config import render_config  # noqa: PLC0415 - as above
    from lllm.config.render import to_dict  # noqa: PLC0415 - as above

    effective = load_values(find_place(config), settings)
    if screen.as_json:
        screen.json(to_dict(effective))
    else:
        screen.line(render_config(effective, origin=origin))
    return exits.OK


@config.command()
@config_options
@standard
def check(screen: Screen, config: str | None, settings: tuple[str, ...]) -> int:
    """Check the config and all that it names: files, prompts, agent types, providers, the log's folder."""
    from lllm.cli.check import find_faults  # noqa: PLC0415 - heavy
    from lllm.cli.project import find_place  # noqa: PLC0415 - as above

    place = find_place(config)
    faults = find_faults(place, settings)
    if screen.as_json:
        told = [{"where": fault.where, "message": fault.message, "hint": fault.hint} for fault in faults]
        screen.json({"config": str(place.config), "ok": not faults, "faults": told})
    else:
        _show(screen, faults)
        screen.line(f"{place.config}: {f'{len(faults)} faults' if faults else 'ok'}", "red" if faults else "green")
    return exits.USAGE if faults else exits.OK


def _show(screen: Screen, faults: list[Fault]) -> None:
    for fault in faults:
        screen.line(f"{fault.where}: {fault.message}" if fault.where else fault.message, "red")
        if fault.hint:
            screen.line(f"  hint: {fault.hint}")
