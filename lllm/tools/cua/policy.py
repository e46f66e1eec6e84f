"""What a browser may do for a model."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from lllm.errors import ConfigError
from lllm.tools.cua.action import Display
from lllm.tools.cua.border import Border
from lllm.tools.cua.sites import BLANK, is_address, to_place

SENSITIVE = ("leave", "download", "file", "password")
"""What waits for an approval: leaving the allowed sites, a download, a file chooser, typing into a password field."""
_LEAST = {"action_s": 0.1, "settle_s": 0, "max_bytes": 1, "max_tabs": 1, "tree_chars": 0}


@dataclass(frozen=True, slots=True)
class BrowserPolicy:
    """Limits of a browser that a model drives.

    Attributes:
        sites: what may be loaded: ``host``, ``host:port``, ``*.host``, or ``*`` for every public address; nothing else,
            whatever a page tries.
        start: where it begins; empty for a blank page.
        display: the viewport.
        asks: which of :data:`SENSITIVE` wait for an approval; the others are refused without a question.
        downloads: folder that approved downloads are saved in; without one none is.
        uploads: files that an approved file chooser is given; without any it is given none.
        accepts_dialogs: whether a page's question (``confirm``) is answered with yes, and not with no.
        action_s: seconds that one action may take, less those that somebody thinks about an approval.
        settle_s: seconds without traffic after which a page is looked at.
        max_bytes: that one action may load.
        max_tabs: that may be open at once.
        tree_chars: of the accessibility tree that a model reads beside the picture; 0 for none.
        headless: whether no window is shown.
        executable: of Chromium; empty for the first one that is found.

    Raises:
        ConfigError: it says what cannot be.
    """

    sites: tuple[str, ...] = ()
    start: str = ""
    display: Display = field(default_factory=Display)
    asks: tuple[str, ...] = SENSITIVE
    downloads: str = ""
    uploads: tuple[str, ...] = ()
    accepts_dialogs: bool = False
    action_s: float = 20.0
    settle_s: float = 0.2
    max_bytes: int = 50_000_000
    max_tabs: int = 5
    tree_chars: int = 4000
    headless: bool = True
    executable: str = ""

    def __post_init__(self) -> None:
        for name in ("sites", "asks", "uploads"):
            if isinstance(told := getattr(self, name), str):
                raise ConfigError(f"{name} is one text, {told!r}", hint=f"write ({told!r},)")
            object.__setattr__(self, name, tuple(told))
        border = Border(self.sites)
        if unknown := sorted(set(self.asks) - set(SENSITIVE)):
            raise ConfigError(f"unknown in asks: {', '.join(unknown)}", hint=f"known: {', '.join(SENSITIVE)}")
        for name, least in _LEAST.items():
            told: Any = getattr(self, name)
            if isinstance(told, bool) or not isinstance(told, int | float) or not told >= least:
                raise ConfigError(f"{name} is {told!r:.40}, and must be a number, {least} at least")
        if not isinstance(self.display, Display):  # pyright: ignore[reportUnnecessaryIsInstance] - a user's slip
            raise ConfigError(f"display is {self.display!r:.40}", hint="write Display(1280, 800)")
        self._check_start(border)

    def _check_start(self, border: Border) -> None:
        if not isinstance(self.start, str):  # pyright: ignore[reportUnnecessaryIsInstance] - a user's slip
            raise ConfigError(f"start is {self.start!r:.40}, and no text")
        if self.start and self.start != BLANK and (not is_address(self.start) or to_place(self.start) is None):
            raise ConfigError(f"start is {self.start!r:.200}, and no address", hint="write http://... or https://...")
        if self.start and not border.allows(self.start):
            hint = f"sites allows: {', '.join(self.sites) or 'nothing'}"
            raise ConfigError(f"the browser is to start at {self.start}, which sites does not allow", hint=hint)
