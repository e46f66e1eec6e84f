"""What the project's ``lllm.toml`` says of providers: its own tables of them, what may be called, what models cost.

The file is read; nothing of the project is run for it. So its ``[capabilities]`` hold wherever a provider is used, also
where discovery is switched off. A file that cannot be read grants nothing.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from math import isfinite
from pathlib import Path
from typing import Any, cast

from lllm.const import ModelCard
from lllm.errors import CapabilityDenied, ConfigError

Mark = tuple[int, ...]
"""How a file looks: it differs once somebody writes the file, also where its size and its date stay."""

CAPABILITIES = ("llm_local", "llm_cloud")
_PRICES = {
    "input": "input_price",
    "cached_input": "cached_input_price",
    "cache_write": "cache_write_price",
    "output": "output_price",
}


@dataclass(frozen=True, slots=True)
class ProviderTables:
    """The tables of one ``lllm.toml``.

    Attributes:
        path: the file; None where there is no project.
        llm: settings of a provider, by the name after ``llm.``.
        granted: what may be called; None where the file does not say, and all may.
        prices: what models cost, by name.
        mark: how the file looked when it was read; None where there is no file.
    """

    path: Path | None = None
    llm: Mapping[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]])
    granted: frozenset[str] | None = None
    prices: Mapping[str, ModelCard] = field(default_factory=dict[str, ModelCard])
    mark: Mark | None = None

    def check_granted(self, *, local: bool, what: str) -> None:
        """Refuse a model that the project does not grant.

        Args:
            local: whether it runs on this machine.
            what: how the error calls it.

        Raises:
            CapabilityDenied: it is not granted.
        """
        capability = CAPABILITIES[not local]
        if self.granted is not None and capability not in self.granted:
            raise CapabilityDenied(
                f"{what} needs the capability {capability}, which the project does not grant",
                where=f"{self.path}",
                hint=f"{capability} = true in [capabilities], if it shall be called",
            )


_read: dict[Path, ProviderTables] = {}
_chosen: list[Path] = []


def choose_project(toml: Path | None) -> None:
    """Have ``toml`` be the project's file from now on, whatever the working folder is; None undoes it."""
    _chosen[:] = [] if toml is None else [toml]


def chosen_project() -> Path | None:
    """Return what :func:`choose_project` was told last."""
    return _chosen[0] if _chosen else None


def mark_of(path: Path | None) -> Mark | None:
    """Return how the file looks now; None where there is none."""
    if path is None:
        return None
    try:
        stat = os.stat(path)  # noqa: PTH116 - called before each model call; a path's own method takes twice the time
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_ctime_ns, stat.st_size, stat.st_ino


def provider_tables() -> ProviderTables:
    """Return the tables of the project: the chosen one, else that of ``$LLLM_CONFIG`` or of the working folder.

    Raises:
        ConfigError: the file cannot be read, or a table is wrong.
    """
    from lllm.config.project import find_config_file, load_config  # noqa: PLC0415 - not needed where nothing is called

    path = chosen_project() or find_config_file(env=os.environ)
    if path is None:
        return ProviderTables()
    known, mark = _read.get(path), mark_of(path)
    if known is None or mark is None or known.mark != mark:  # a file that cannot be looked at is refused by who reads
        known = _read[path] = replace(build_tables(load_config(path).tables, path), mark=mark)
    return known


def build_tables(tables: Mapping[str, Any], path: Path | None = None) -> ProviderTables:
    """Return what the tables of an ``lllm.toml`` say. Pure.

    Raises:
        ConfigError: one of them is wrong.
    """
    llm = {name: _table(table, f"llm.{name}", path) for name, table in _table(tables.get("llm"), "llm", path).items()}
    prices = {
        name: _card(name, _table(table, f"prices.{name}", path), path)
        for name, table in _table(tables.get("prices"), "prices", path).items()
    }
    _check_gate(tables, path)
    granted = _granted(_table(tables["capabilities"], "capabilities", path), path) if "capabilities" in tables else None
    return ProviderTables(path, llm, granted, prices)


def _check_gate(tables: Mapping[str, Any], path: Path | None) -> None:
    """Refuse a table that was meant to be the gate: with its name misspelt, it would grant everything."""
    for name in tables:
        if name.lower().startswith("capab") and name != "capabilities":
            told = f"there is no table [{name}]"
            raise ConfigError(told, where=str(path or ""), hint="did you mean [capabilities]?")


def _table(value: Any, name: str, path: Path | None) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ConfigError(f"{name} is no table", where=str(path or ""), hint=f"write [{name}]")
    return cast("dict[str, Any]", value)


def _granted(table: dict[str, Any], path: Path | None) -> frozenset[str]:
    for name, value in table.items():
        if name not in CAPABILITIES:
            raise ConfigError(
                f"there is no capability {name!r}", where=str(path or ""), hint=nearest(name, CAPABILITIES)
            )
        if not isinstance(value, bool):
            raise ConfigError(f"[capabilities] {name} is true or false, not {value!r}", where=str(path or ""))
    return frozenset(name for name, value in table.items() if value)


def _card(name: str, table: dict[str, Any], path: Path | None) -> ModelCard:
    for key, value in table.items():
        if key not in _PRICES:
            raise ConfigError(f"[prices.{name}] knows no {key!r}", where=str(path or ""), hint=nearest(key, _PRICES))
        if isinstance(value, bool) or not isinstance(value, int | float) or not (isfinite(value) and value >= 0):
            told = f"[prices.{name}] {key} is US dollars for a million tokens, not {value!r}"
            raise ConfigError(told, where=str(path or ""))
    return replace(ModelCard(name), **{_PRICES[key]: float(value) for key, value in table.items()})


def nearest(name: str, known: Collection[str]) -> str:
    """Return a hint that offers the known name nearest to ``name``, or all of them. Pure."""
    import difflib  # noqa: PLC0415 - only for who made a mistake

    near = difflib.get_close_matches(name, known, n=1, cutoff=0.65)  # "temprature" is no "system_turns"
    return f"did you mean {near[0]!r}?" if near else f"known: {', '.join(sorted(known))}"
