"""What may be loaded: nothing but what is named, however an address is written."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lllm.errors import ConfigError
from lllm.tools.cua.border import Border


def allowed(url, *sites):
    return Border(sites).allows(url)


def connected(host, port, *sites):
    return Border(sites).allows_host(host, port)


# --- hosts -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "http://shop.test",
        "http://shop.test/",
        "https://shop.test/a?b#c",
        "ws://shop.test/socket",
        "wss://shop.test/socket",
        "http://shop.test:8080/",
        "https://shop.test:1/",
        "HTTPS://SHOP.TEST/",
        "https://Shop.Test./",
        "https://shop.test?@other.test",
        "https://shop.test#@other.test",
        "https://shop.test/@other.test",
    ],
)
@pytest.mark.parametrize("site", ["shop.test", "SHOP.test"])
def test_a_host_is_allowed_on_each_port_and_scheme_of_the_web(url, site):
    assert allowed(url, site)


@pytest.mark.parametrize(
    "url",
    [
        "http://other.test/",
        "http://www.shop.test/",
        "http://shop.test.other.test/",
        "http://notshop.test/",
        "http://shop.tes/",
        "http://shop.testt/",
        "http://test/",
        "http://other.test/shop.test",
        "http://other.test?shop.test",
        "http://other.test#shop.test",
        "http://other.test:80#@shop.test",
        "http://other.test\\@shop.test/",
        "http://shop.test\\@other.test/",
        "http://other.test\\.shop.test/",
        "http://shop.test%2eother.test/",
        "http://shop%2etest/",
        "http://shop.test\u3002other.test/",
        "http://sh\u043ep.test/",
        "http://shop.test\x00.other.test/",
        "http://shop.test .other.test/",
    ],
)
def test_another_host_is_not_however_it_looks(url):
    """Half of these are tricks on readers of addresses."""
    assert not allowed(url, "shop.test")


@pytest.mark.parametrize(
    "url", ["https://u@shop.test/", "https://u:p@shop.test/", "https://@shop.test/", "https://shop.test@other.test/"]
)
def test_an_address_with_a_user_is_not_allowed(url):
    """``https://bank.test@evil.test`` is a trick, and a password is none of the model's business."""
    assert not allowed(url, "shop.test", "other.test")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "/",
        "shop.test",
        "shop.test:80",
        "//shop.test/",
        "http:shop.test",
        "http:/shop.test",
        "http:///shop.test",
        "http://",
        "http://:80/",
        "http://./",
        "http://shop.test:x/",
        "http://shop.test:99999/",
        "http://shop.test:-1/",
        "http://[shop.test]/",
        "http://[::1/",
        "http://shop.test]/",
        "http://sh\u2100op.test/",
        "\ud800",
        "http://\ud800/",
    ],
)
def test_what_is_no_address_is_not_allowed(url):
    """And raises nothing."""
    assert not allowed(url, "shop.test")


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "file://shop.test/x",
        "ftp://shop.test/",
        "chrome://settings",
        "chrome-extension://shop.test/",
        "devtools://shop.test/",
        "view-source:https://shop.test/",
        "javascript:alert(1)",
        "filesystem:https://shop.test/x",
        "about:config",
        "about:blank?x",
        "httpss://shop.test/",
        "intent://shop.test/",
        "mailto:a@shop.test",
    ],
)
def test_other_schemes_are_not_allowed(url):
    """They lead to the machine, or into the browser itself."""
    assert not allowed(url, "shop.test", "settings")


@pytest.mark.parametrize(
    "url",
    ["about:blank", "about:srcdoc", "data:text/html,x", "DATA:,x", "blob:https://other.test/1-2", "blob:null/1"],
)
def test_what_a_page_makes_itself_is_allowed_everywhere(url):
    """It leads to no network."""
    assert allowed(url)


@pytest.mark.parametrize("url", ["http://shop.test/", "https://localhost/", "http://127.0.0.1/", "http://[::1]/"])
def test_without_sites_there_is_no_network(url):
    assert not allowed(url)
    assert not connected("127.0.0.1", 80)


# --- ports -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "is_allowed"),
    [
        ("http://shop.test:8080/", True),
        ("ws://shop.test:8080/", True),
        ("https://SHOP.test.:8080/", True),
        ("http://shop.test/", False),
        ("http://shop.test:808/", False),
        ("http://shop.test:80800/", False),
        ("http://shop.test:8081/", False),
    ],
)
def test_a_port_is_the_only_one_of_its_host(url, is_allowed):
    assert allowed(url, "shop.test:8080") == is_allowed


@pytest.mark.parametrize(("scheme", "port"), [("http", 80), ("ws", 80), ("https", 443), ("wss", 443)])
def test_a_scheme_stands_for_its_port(scheme, port):
    assert allowed(f"{scheme}://shop.test/", f"shop.test:{port}")
    assert not allowed(f"{scheme}://shop.test/", f"shop.test:{523 - port}")
    assert allowed(f"{scheme}://shop.test:{port}/", f"shop.test:{port}")


def test_port_0_is_a_port():
    """It is another one than that which is allowed."""
    assert not allowed("http://shop.test:0/", "shop.test:80")


def test_a_host_may_have_several_ports():
    sites = ("shop.test:1", "shop.test:2")
    assert [port for port in range(4) if connected("shop.test", port, *sites)] == [1, 2]


# --- wildcards -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("host", "is_allowed"),
    [
        ("a.shop.test", True),
        ("a.b.shop.test", True),
        ("A.SHOP.TEST.", True),
        ("shop.test", False),
        (".shop.test", False),
        ("ashop.test", False),
        ("a.shop.test.other.test", False),
        ("a.shop", False),
        ("test", False),
        ("", False),
    ],
)
def test_a_star_stands_for_what_is_below_a_host(host, is_allowed):
    """The host itself is written beside it where it is wanted."""
    assert connected(host, 443, "*.shop.test") == is_allowed
    assert connected(host, 443, "*.shop.test:443") == is_allowed
    assert not connected(host, 80, "*.shop.test:443")


@pytest.mark.parametrize("site", ["*.", "*.*", "*shop.test", "shop.*", "s*p.test", "*:80", "", ".", ":80"])
def test_a_star_stands_for_nothing_elsewhere(site):
    """A pattern that somebody hoped would work must not open everything."""
    with pytest.raises(ConfigError, match="is no site"):
        Border((site,))


def test_a_backslash_ends_a_host_below_a_star_too():
    r"""A browser goes to other.test; the gate stops it there, but ``start`` and a ``goto`` would pass."""
    assert not allowed("http://other.test\\.shop.test/", "*.shop.test")


def test_a_star_by_itself_is_everywhere():
    """The gate then leaves out what is private, but for what is named beside it."""
    border = Border(("*", "127.0.0.1:80"))
    assert border.allows("https://shop.test:8443/a")
    assert border.allows_host("shop.test", 1)
    assert not border.allows_private("shop.test", 443)
    assert border.allows_private("127.0.0.1", 80)
    assert not border.allows_private("127.0.0.1", 81)
    for url in ("file:///etc/passwd", "chrome://settings", "https://u@shop.test/", "shop.test", "javascript:1"):
        assert not border.allows(url)


@pytest.mark.parametrize(
    ("site", "host"), [("shop.test", "shop.test"), ("*.shop.test", "a.shop.test"), ("shop.test:80", "SHOP.test.")]
)
def test_a_host_of_a_site_may_be_private(site, host):
    border = Border((site,))
    assert border.allows_private(host, 80)
    assert border.allows_host(host, 80)
    for other in ("", ".", "other.test"):
        assert not border.allows_private(other, 80)


# --- IPv4 and IPv6 ---------------------------------------------------------------------------------------------------


def test_an_address_of_version_4_is_a_host():
    assert allowed("http://127.0.0.1:8000/", "127.0.0.1:8000")
    assert allowed("http://127.0.0.1/", "127.0.0.1")
    for other in ("127.0.0.2", "127.0.0.11", "127.1", "2130706433", "0x7f000001", "localhost", "[::ffff:127.0.0.1]"):
        assert not allowed(f"http://{other}/", "127.0.0.1")


@pytest.mark.parametrize("site", ["[::1]", "::1"])
def test_an_address_of_version_6_is_written_with_brackets_or_without(site):
    assert allowed("http://[::1]/", site)
    assert allowed("https://[::1]:8000/", site)
    assert connected("::1", 443, site)
    assert not allowed("http://[::2]/", site)
    assert not allowed("http://[::1:80]/", site)


def test_an_address_of_version_6_may_have_a_port():
    assert allowed("http://[::1]:8000/", "[::1]:8000")
    assert not allowed("http://[::1]/", "[::1]:8000")
    assert not allowed("http://[::1]:8001/", "[::1]:8000")
    assert not connected("::1:8000", 80, "[::1]:8000")


def test_the_end_of_an_address_of_version_6_is_no_port():
    """``::1:8000`` is an address of its own."""
    assert not connected("::1", 8000, "::1:8000")
    assert connected("::1:8000", 80, "::1:8000")


# --- names of other scripts ------------------------------------------------------------------------------------------


def test_a_host_of_another_script_is_allowed_as_it_is_written():
    """A browser asks for the punycode: that is what stands in sites."""
    assert connected("xn--bcher-kva.test", 443, "xn--bcher-kva.test")
    assert allowed("https://XN--BCHER-KVA.test/", "xn--bcher-kva.test")
    assert not allowed("https://xn--bcher-kva.test/", "bucher.test")


def test_a_site_of_another_script_is_the_one_that_a_browser_asks_for():
    """It is accepted without a word, and never fits."""
    assert connected("xn--bcher-kva.test", 443, "b\u00fccher.test")


# --- any address -----------------------------------------------------------------------------------------------------

PIECES = st.sampled_from(
    (
        *("http", "https", "data", "file", ":", "/", "//", "@", "#", "?", "\\", "[", "]", ".", "%2e", "\t", "\n", " "),
        *("shop.test", "other.test", "80", ":80", "*", "::1", "127.0.0.1", "\u3002", "\u2100", "\ud800", "\u0130"),
    )
)
URLS = st.lists(PIECES, max_size=8).map("".join) | st.text(max_size=20)


@settings(max_examples=400)
@given(URLS)
@example("http://shop.test:\u0668\u0660/")
def test_any_text_is_allowed_or_not(url):
    """A page chooses its addresses: none may raise, and none gets further than the host that is named."""
    assert allowed(url, "shop.test:80", "*.shop.test") in (True, False)
    if allowed(url, "shop.test"):
        assert "shop.test" in url.lower() or url.lower().lstrip().startswith(("data:", "blob:"))


@settings(max_examples=200)
@given(st.text(max_size=12), st.integers(0, 65535))
def test_any_host_is_connected_to_or_not(host, port):
    """The gate asks with what the browser sent."""
    assert connected(host, port, "shop.test") == (host.lower().rstrip(".") == "shop.test")
