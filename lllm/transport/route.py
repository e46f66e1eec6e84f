"""Where a request goes out: the proxy that the environment names, and whom TLS trusts."""

from __future__ import annotations

import os
import ssl
from functools import cache
from urllib.request import getproxies, proxy_bypass

from lllm.transport.address import is_loopback

PROXY_UNUSABLE = "the proxy that is configured cannot be used"
"""Its address is not quoted: it may hold a password."""


def read_proxy(scheme: str, host: str) -> str | None:
    """Return the address of the proxy for a host, as ``HTTPS_PROXY``, ``ALL_PROXY``, ``NO_PROXY`` ... say; or None.

    What is meant for this machine goes through none: it would leave the machine, which nobody may have granted.
    """
    if is_loopback(host):
        return None
    proxies = getproxies()
    proxy = proxies.get(scheme) or proxies.get("all")
    if not proxy or proxy_bypass(host):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


@cache
def load_authorities() -> ssl.SSLContext:
    """Return a TLS context that trusts what ``SSL_CERT_FILE`` or ``SSL_CERT_DIR`` name, else Mozilla's authorities.

    Made once, when it is first needed: reading the authorities takes tens of milliseconds.
    """
    import certifi  # noqa: PLC0415 - only TLS needs it

    file, folder = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
    if file or folder:
        return ssl.create_default_context(cafile=file or None, capath=folder if not file else None)
    return ssl.create_default_context(cafile=certifi.where())


@cache
def build_empty_context() -> ssl.SSLContext:
    """Return a context that trusts nobody: a plain address must not pay for loading authorities."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
