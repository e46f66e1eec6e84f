"""What a policy takes, and what it says of what it does not take."""

from __future__ import annotations

import pytest

from lllm.errors import ConfigError
from lllm.tools.cua.policy import SENSITIVE, BrowserPolicy


@pytest.mark.parametrize("name", ["sites", "asks", "uploads"])
def test_one_text_in_the_place_of_several_is_an_error(name):
    """It would be taken for its letters."""
    with pytest.raises(ConfigError, match=f"^{name} is one text, 'leave'$") as caught:
        BrowserPolicy(**{name: "leave"})
    assert caught.value.hint == "write ('leave',)"


@pytest.mark.parametrize("name", ["sites", "asks", "uploads"])
def test_a_list_is_kept_as_a_tuple(name):
    """A policy is a key of dicts."""
    policy = BrowserPolicy(**{name: ["leave"]})
    assert getattr(policy, name) == ("leave",)
    assert hash(policy) == hash(BrowserPolicy(**{name: ("leave",)}))


@pytest.mark.parametrize("site", ["https://shop.test", "shop.test/", "shop.test/a", "//shop.test"])
def test_an_address_is_no_site(site):
    with pytest.raises(ConfigError, match="is an address, and no site") as caught:
        BrowserPolicy(sites=("fine.test", site))
    assert caught.value.hint == "write host, host:port, *.host, or * for every public one"


@pytest.mark.parametrize(
    "site", ["", " shop.test", "*.", "shop.test:", "shop.test:http", "u@shop.test", "shop.test?", "shop.test."]
)
def test_what_fits_no_host_is_no_site(site):
    """Somebody hoped for something by it, and finds out only when each page is refused."""
    with pytest.raises(ConfigError):
        BrowserPolicy(sites=(site,))


@pytest.mark.parametrize("sites", [(8080,), (None,), (b"shop.test",)])
def test_a_site_that_is_no_text_is_an_error(sites):
    with pytest.raises(ConfigError):
        BrowserPolicy(sites=sites)


def test_what_is_asked_about_is_known():
    assert BrowserPolicy().asks == SENSITIVE == ("leave", "download", "file", "password")
    assert BrowserPolicy(asks=()).asks == ()
    with pytest.raises(ConfigError, match=r"unknown in asks: passwords, upload$") as caught:
        BrowserPolicy(asks=("upload", "leave", "passwords"))
    assert caught.value.hint == "known: leave, download, file, password"


def test_a_browser_begins_where_it_may_be():
    """Its first page would be a refusal otherwise."""
    assert BrowserPolicy(sites=("shop.test",), start="https://shop.test/a").start == "https://shop.test/a"
    assert BrowserPolicy(start="about:blank").start == "about:blank"
    for start in ("https://other.test/", "shop.test", "file:///etc/passwd"):
        with pytest.raises(ConfigError, match=r"which sites does not allow|and no address"):
            BrowserPolicy(sites=("shop.test",), start=start)


def test_equal_policies_are_one_key():
    """A session finds its browser by it."""
    one, other = (BrowserPolicy(sites=["shop.test"], uploads=["a"]) for _ in range(2))
    assert one == other
    assert len({one, other, BrowserPolicy(sites=["shop.test"])}) == 2
