"""Which Chromium is on this machine, and how it is started."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

from lllm.errors import BrowserUnavailable

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge")
_PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
HINT = "install one: apt install chromium (Debian), brew install --cask chromium (macOS); or name one in $LLLM_CHROMIUM"
VARIABLE = "LLLM_CHROMIUM"
_VERSION_S = 20.0
_ENVIRONMENT = (
    *("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "TEMP", "TMP", "DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY"),
    *("XDG_RUNTIME_DIR", "SYSTEMROOT", "LOCALAPPDATA", "USERPROFILE"),
)
"""What the browser gets of this process's environment: its keys are none of a page's business."""


def find_chromium(named: str = "") -> str:
    """Return the path of a Chromium: the one that is named, that of ``$LLLM_CHROMIUM``, or the first on the path.

    Raises:
        BrowserUnavailable: there is none.
    """
    asked = named or os.environ.get(VARIABLE, "")
    if asked:
        if found := shutil.which(asked):
            return found
        raise BrowserUnavailable(f"there is no browser {asked!r}", hint=HINT)
    found = next(filter(None, map(shutil.which, NAMES)), None) or next(filter(os.path.isfile, _PLACES), None)
    if found is None:
        raise BrowserUnavailable("no Chromium was found", hint=HINT)
    return found


def version_of(path: str) -> str:
    """Return what a browser says of itself; empty if it says nothing in time."""
    try:
        told = subprocess.run(  # noqa: S603 - the browser that the user chose
            [path, "--version"], capture_output=True, timeout=_VERSION_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return told.stdout.decode(errors="replace").strip()


def is_sandboxed() -> bool:
    """Whether Chromium shuts its own processes in: it refuses to, for root."""
    return not hasattr(os, "geteuid") or os.geteuid() != 0


def has_display() -> bool:
    """Whether a window could be shown; where nobody can tell, it is tried."""
    return sys.platform != "linux" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def to_environment() -> dict[str, str | float | bool]:
    """Return the environment that the browser gets."""
    return {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}


def to_switches(proxy_port: int) -> list[str]:
    """Return the switches by which everything goes through the gate, and nothing that nobody asked for is sent."""
    return [
        f"--proxy-server=http://127.0.0.1:{proxy_port}",
        "--proxy-bypass-list=<-loopback>",  # or it would go to this machine by itself
        "--webrtc-ip-handling-policy=disable_non_proxied_udp",
        "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
        "--disable-quic",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-domain-reliability",
        "--disable-sync",
        "--no-pings",
    ]
