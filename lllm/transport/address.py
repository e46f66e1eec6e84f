"""What an address says of where it leads. Pure."""


def is_loopback(host: str) -> bool:
    """Whether a name or an address means this machine (RFC 6761, section 6.3; RFC 1122, section 3.2.1.3). Pure."""
    return host in ("localhost", "::1") or host.startswith("127.") or host.endswith(".localhost")
