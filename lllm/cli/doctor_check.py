"""One line of the doctor's report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the report. ``broken`` needs repair, ``note`` is good to know."""

    name: str
    status: Literal["ok", "note", "broken"]
    told: str
    hint: str = ""
