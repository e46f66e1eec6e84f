"""``lllm doctor``: is everything here that a run needs?"""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Iterator
from dataclasses import asdict
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lllm.cli import exits
from lllm.cli.doctor_check import Check
from lllm.cli.options import standard
from lllm.cli.screen import Screen
from lllm.const import VERSION
from lllm.errors import LLLMError

if TYPE_CHECKING:
    from lllm.cli.project import Place

PACKAGES = ("click", "httpx", "jinja2", "pydantic", "pyyaml", "rich")
EXTRAS = {
    "aiohttp": ("aiohttp",),
    "cua": ("playwright",),
    "gateway": ("websockets",),
    "sandbox": ("IPython", "jupyter_client", "ipykernel"),
    "mlx": ("mlx_lm", "mlx"),
    "otel": ("opentelemetry",),
    "mcp": ("mcp",),
    "prices": ("genai_prices",),
}
LOW_DISK_BYTES = 200_000_000
_STYLES = {"ok": "", "note": "dim", "broken": "red"}


@click.command()
@click.option(
    "--providers", is_flag=True, help="Ask each configured model server whether it is well, two seconds each."
)
@click.option("-c", "--config", metavar="FILE", help="The agent YAML.  [default: config/default.yaml of the project]")
@standard
def doctor(screen: Screen, *, providers: bool, config: str | None) -> int:
    """Check Python, packages, the project's files, keys (never their values), the log's folder and the disk.

    Nothing is sent anywhere, unless --providers asks the model servers of the config and of lllm.toml.
    """
    from lllm.cli.doctor_browser import check_browser  # noqa: PLC0415 - heavy
    from lllm.cli.doctor_sandbox import check_sandbox  # noqa: PLC0415 - heavy

    checks = [*_installation(), *_project(config), *check_sandbox(), *check_browser()]
    if providers:
        from lllm.cli.doctor_servers import check_servers  # noqa: PLC0415 - heavy

        checks += check_servers(config)
    n_broken = sum(check.status == "broken" for check in checks)
    if screen.as_json:
        screen.json({"ok": not n_broken, "checks": [asdict(check) for check in checks]})
    else:
        for check in checks:
            screen.line(f"{check.status:<7} {check.name:<18} {check.told}", _STYLES[check.status])
            if check.hint:
                screen.line(f"{'':<26} hint: {check.hint}")
        screen.line(f"{n_broken} broken" if n_broken else "all is well", "bold red" if n_broken else "green")
    return exits.FAILED if n_broken else exits.OK


def _installation() -> Iterator[Check]:
    good = sys.version_info >= (3, 11)
    yield Check("python", "ok" if good else "broken", f"{platform.python_version()} at {sys.executable}")
    yield Check("lllm", "ok", VERSION)
    for name in PACKAGES:
        try:
            yield Check(name, "ok", version(name))
        except PackageNotFoundError:
            yield Check(name, "broken", "is not installed", f"pip install {name}")
    for extra, modules in EXTRAS.items():
        missing = [module for module in modules if find_spec(module) is None]
        told = f"without {', '.join(missing)}" if missing else "installed"
        hint = f'pip install "lllm[{extra}]", if you want it' if missing else ""
        yield Check(f"extra {extra}", "note" if missing else "ok", told, hint)


def _project(config: str | None) -> Iterator[Check]:
    from lllm.cli.project import discover, find_place, load_values  # noqa: PLC0415 - heavy

    try:
        place = find_place(config)
        yield _toml(place)
        values: dict[str, Any] = load_values(place).values if place.config.is_file() else {}
        found = discover(place, values)
    except LLLMError as error:
        yield Check("project", "broken", str(error), error.hint)
        return
    for path, error in found.failures.items():
        yield Check("file", "broken", str(error) if error.where else f"{path}: {error}", error.hint)
    yield Check(
        "loaded", "ok", f"{len(found.modules)} modules, {len(found.prompts)} prompts, {len(found.proxies)} proxies"
    )
    yield from _config(place)
    yield from _keys(values)
    yield from _players(values)
    yield from _disk(place, values)


def _toml(place: Place) -> Check:
    if place.toml is None:
        return Check("lllm.toml", "note", "none found from here upward", "lllm create --name demo makes a project")
    return Check("lllm.toml", "ok", str(place.toml))


def _config(place: Place) -> Iterator[Check]:
    from lllm.cli.check import find_faults  # noqa: PLC0415 - heavy

    if not place.config.is_file():
        yield Check("config", "note", f"there is no {place.config}")
        return
    faults = find_faults(place)
    for fault in faults:
        told = f"{fault.where}: {fault.message}" if fault.where else fault.message
        yield Check("config", "broken", told, fault.hint)
    if not faults:
        yield Check("config", "ok", str(place.config))


def _keys(values: dict[str, Any]) -> Iterator[Check]:
    """Tell which keys are set; one that the config needs is broken when it is not."""
    from lllm.cli.project import agent_configs  # noqa: PLC0415 - heavy
    from lllm.providers.presets import PRESETS  # noqa: PLC0415 - heavy

    settings = [{**values, **own} for own in agent_configs(values).values()]
    used: dict[str, dict[str, Any]] = {s.get("provider", "openai"): s.get("provider_config") or {} for s in settings}
    for name, profile in PRESETS.items():
        variable = used.get(name, {}).get("api_key_env", profile.api_key_env)
        if not variable:
            continue
        # What nobody uses and nobody set is no news.
        is_set = bool(os.environ.get(variable)) or "api_key" in used.get(name, {})
        if not is_set and name not in used:
            continue
        told = f"${variable} is {'set' if is_set else 'not set'}"
        is_missed = name in used and not is_set
        hint = f"export {variable}=..." if is_missed else ""
        yield Check(f"key of {name}", "broken" if is_missed else "ok", told, hint)


def _players(values: dict[str, Any]) -> Iterator[Check]:
    """Tell who plays the model in the box, where the config asks for it; whether mlx can be imported is tried."""
    from lllm.cli.players import TOLD, find_players  # noqa: PLC0415 - heavy
    from lllm.providers.nano import HINT, NANO, RULES  # noqa: PLC0415 - as above

    for player in find_players(values):
        if player == NANO:
            yield _try_mlx(TOLD[NANO], HINT)
        elif player == RULES:
            yield Check("model", "note", TOLD[RULES])
        else:
            yield Check("model", "broken", "nano needs mlx-lm", HINT)


def _try_mlx(told: str, hint: str) -> Check:
    try:
        import_module("mlx.core")
    except Exception as error:  # noqa: BLE001 - a package that is there and broken may raise anything
        return Check("model", "broken", f"{told}, if mlx could be imported: {error}", hint)
    return Check("model", "ok", told)


def _disk(place: Place, values: dict[str, Any]) -> Iterator[Check]:
    folder = Path(values.get("log_dir") or place.root)
    existing = next(path for path in (folder, *folder.parents) if path.is_dir())
    writable = os.access(existing, os.W_OK)
    yield Check("log folder", "ok" if writable else "broken", f"{folder}{'' if writable else ' cannot be written'}")
    free = shutil.disk_usage(existing).free
    is_low = free < LOW_DISK_BYTES
    hint = "make room: a run stops when its log cannot be written" if is_low else ""
    yield Check("free disk", "broken" if is_low else "ok", f"{free / 1e9:.1f} GB", hint)
