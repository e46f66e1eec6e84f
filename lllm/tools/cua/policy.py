"""What a browser may do for a model."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from lllm.errors import ConfigError
from lllm.tools.cua.action import Display

SENSITIVE = ("leave", "download", "file", "password")
"""What waits for an approval: leaving the allowed sites, a download, a file chooser, typing into a password field."""
EVERYWHERE = "*"
_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}
_OF_PAGE = ("data", "blob")
"""Schemes of what a page makes itself: they lead to no network."""


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
        if unknown := sorted(set(self.asks) - set(SENSITIVE)):
            raise ConfigError(f"unknown in asks: {', '.join(unknown)}", hint=f"known: {', '.join(SENSITIVE)}")
        for site in self.sites:
            if "/" in site:
                raise ConfigError(f"{site!r} is an address, and no site", hint="write host, host:port or *.host")
        if self.start and not self.allows(self.start):
            raise ConfigError(f"the browser is to start at {self.start}, which sites does not allow")

    def allows(self, url: str) -> bool:
        """Whether an address may be loaded. Pure."""
        if url in ("about:blank", "about:srcdoc"):
            return True
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port
        except ValueError:
            return False
        if parts.scheme in _OF_PAGE:
            return True
        if parts.scheme not in _PORTS or parts.username is not None:
            return False
        return self.allows_host(host, port or _PORTS[parts.scheme])

    def allows_host(self, host: str, port: int) -> bool:
        """Whether there may be a connection to a host. Pure."""
        return EVERYWHERE in self.sites or self.names_host(host, port)

    def names_host(self, host: str, port: int) -> bool:
        """Whether a host is one of the sites by its own name, so that it may have a private address. Pure."""
        name = host.lower().rstrip(".")
        return bool(name) and any(_fits(site.lower(), name, port) for site in self.sites)


def _fits(site: str, host: str, port: int) -> bool:
    name, _, wanted = site.rpartition(":")
    if not wanted.isdecimal() or (":" in name and not name.endswith("]")):  # no port, or it is of an IPv6 address
        name, wanted = site, ""
    if wanted and int(wanted) != port:
        return False
    name = name.strip("[]")
    return host == name or (name.startswith("*.") and host.endswith(name[1:]) and host != name[1:])
