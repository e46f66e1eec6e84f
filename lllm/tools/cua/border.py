"""Where a browser may go: what a policy names, and what somebody has approved of since. All who ask, ask here."""

from __future__ import annotations

from collections.abc import Iterable

from lllm.tools.cua.sites import BLANK, EVERYWHERE, is_private, parse_sites, to_host, to_place

_BLANK = (BLANK, "about:srcdoc")
_OF_PAGE = ("data:", "blob:")
"""Schemes of what a page makes itself: they lead to no network."""


class Border:
    """The border around the sites of one browser.

    Args:
        sites: as a policy names them; see :class:`~lllm.tools.cua.policy.BrowserPolicy`.

    Raises:
        ConfigError: one is no site.
    """

    def __init__(self, sites: Iterable[str]) -> None:
        told = tuple(sites)
        self._is_everywhere = EVERYWHERE in told
        self._sites = parse_sites(told)
        self._opened: set[tuple[str, int]] = set()

    def open_for(self, place: tuple[str, int]) -> None:
        """Let through what leads to a host at a port, from now on: somebody has approved of it."""
        self._opened.add(place)

    def allows(self, url: str) -> bool:
        """Whether an address may be loaded."""
        if url in _BLANK or url[:5].lower().startswith(_OF_PAGE):
            return True
        place = to_place(url)
        return place is not None and self.allows_host(*place)

    def allows_host(self, host: str, port: int) -> bool:
        """Whether there may be a connection to a host."""
        name = to_host(host)
        return bool(name) and (self._is_everywhere or self._names(name, port) or (name, port) in self._opened)

    def allows_private(self, host: str, port: int) -> bool:
        """Whether that may lead to a private address: the host is named, or approved under a name that says so."""
        name = to_host(host)
        return self._names(name, port) or (is_private(name) and (name, port) in self._opened)

    def _names(self, name: str, port: int) -> bool:
        return any(site.fits(name, port) for site in self._sites)
