"""What the page's film shows, and in which order. Pure.

A frame is an action of a browser; or a question that no action led to, where it was not granted.
"""

from __future__ import annotations

from lllm.export.actions import ActionView, ApprovalView
from lllm.export.page_cells import Shown


class PageFilm:
    """The frames of a run, item by item."""

    def __init__(self) -> None:
        self._frames: list[tuple[int, int, str]] = []
        self._actions: set[str] = set()
        self._has_pictures = False

    def add(self, shown: Shown, id_: str, row: int, number: int) -> None:
        """Take the next item that has ended.

        Args:
            shown: the item.
            id_: of its step.
            row: of the event that began it.
            number: of the item among all of the page's.
        """
        item = shown.item
        if isinstance(item, ActionView):
            self._actions.add(id_)
            self._frames.append((row, number, ""))
            self._has_pictures |= item.picture is not None
        elif isinstance(item, ApprovalView) and shown.is_bad:
            self._frames.append((row, number, shown.place.cell))

    def to_list(self) -> list[int]:
        """Return the numbers of the items that are frames, as they began; none where no picture was taken."""
        if not self._has_pictures:
            return []
        return [number for _, number, action in sorted(self._frames) if action not in self._actions]
