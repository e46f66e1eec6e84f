"""Whether a provider may be called, asked anew at each call: who forbids a server forbids it from now on.

The file is looked for once, and from then on only looked at: a stat a call, in place of a search through the folders.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from lllm.providers.project import ProviderTables, chosen_project, mark_of, provider_tables


class _Known(NamedTuple):
    place: tuple[str, str, Path | None]
    tables: ProviderTables


class Grants:
    """What the project grants to one provider. Safe under threads.

    A file that is made where there was none is found by providers that have not been called yet, and by others once the
    working folder changes.
    """

    def __init__(self) -> None:
        self._known: _Known | None = None

    def check(self, tables: ProviderTables | None, *, local: bool, what: str) -> None:
        """Refuse what is not granted.

        Args:
            tables: those that count; None takes the project's, as they are now.
            local: whether the model runs on this machine.
            what: how the error calls it.

        Raises:
            CapabilityDenied: it is not granted.
            ConfigError: the file cannot be read, so it grants nothing.
        """
        (tables or self._look()).check_granted(local=local, what=what)

    @property
    def tables(self) -> ProviderTables:
        """The tables that were looked at last."""
        return self._known.tables if self._known is not None else ProviderTables()

    def _look(self) -> ProviderTables:
        known, place = self._known, _place()
        if known is not None and not place[0]:
            return known.tables
        if known is None or known.place != place or mark_of(known.tables.path) != known.tables.mark:
            known = self._known = _Known(place, provider_tables())
        return known.tables


def _place() -> tuple[str, str, Path | None]:
    """Return what decides which file counts."""
    try:
        folder = os.getcwd()  # noqa: PTH109 - a path's object would cost more than the rest of the check
    except OSError:  # somebody removed it: what it said holds
        folder = ""
    return folder, os.environ.get("LLLM_CONFIG", ""), chosen_project()
