"""Who watches a run cannot break it."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any


def guarded(listen: Callable[[Any], None]) -> Callable[[Any], None]:
    """Return a listener whose errors touch nothing else: after the first, which is a warning, it is told no more."""
    failed = False

    def tell(event: Any) -> None:
        nonlocal failed
        if failed:
            return
        try:
            listen(event)
        except Exception as error:  # noqa: BLE001 - showing a reply must not lose it
            failed = True
            warnings.warn(f"a listener failed: {type(error).__name__}: {error}", RuntimeWarning, stacklevel=2)

    return tell
