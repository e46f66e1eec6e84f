"""The sites that tests of a driven browser use do what those tests rest on."""

from __future__ import annotations

import json
import os
import shutil
import socket
import urllib.error
import urllib.parse
import urllib.request
from http.cookiejar import CookieJar

import hostile_site
import pytest
from hostile_site import BIG_BYTES, ESCAPES, FIELDS, SAME, TRAPS, Elsewhere, Hostile
from shop_site import CODE, FILE, PASSWORD, PLACES, USER, Login, Shop

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
RIGHT = {"name": "Ada", "email": "ada@example.com", "street": "Main Street 1", "postcode": "12345"}


class Visitor:
    """A visitor with cookies, who follows redirects."""

    def __init__(self, site):
        self.site = site
        self._open = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor(CookieJar())
        ).open

    def get(self, path, data=None, headers=None):
        """Return the status, the final path and the text."""
        asked = urllib.request.Request(self.site.url + path, data, headers or {})
        try:
            with self._open(asked, timeout=10) as answer:
                return answer.status, answer.url.removeprefix(self.site.url), answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, path, error.read().decode()

    def post(self, path, **fields):
        return self.get(path, urllib.parse.urlencode(fields).encode())

    def send(self, path, data):
        return self.get(path, json.dumps(data).encode(), {"content-type": "application/json"})


@pytest.fixture
def shop():
    with Shop() as shop:
        yield shop


@pytest.fixture
def visitor(shop):
    return Visitor(shop)


@pytest.fixture
def elsewhere():
    with Elsewhere() as site:
        yield site


@pytest.fixture
def hostile(elsewhere):
    with Hostile(elsewhere.url) as site:
        yield site


def test_every_page_is_there_and_the_same_twice(shop, visitor):
    pages = {name.split(".")[0] for name in PLACES} - {"nav", "home", "product"}
    for path in ["/", "/product/1", *(f"/{name}" for name in sorted(pages))]:
        first, second = visitor.get(path), visitor.get(path)
        assert (first[0], first) == (200, second)
    assert visitor.get("/nothing")[0] == visitor.get("/product/99")[0] == visitor.get("/order/1")[0] == 404


@pytest.mark.parametrize(
    ("query", "found"),
    [("q=", 9), ("q=TEA", 7), ("q=tea&price=500", 2), ("q=tea&stock=1", 5), ("q=pot&stock=1&price=2000", 0)],
)
def test_search_filters(visitor, query, found):
    assert f"Found: {found}<" in visitor.get(f"/search?{query}")[2]


def test_an_order_gets_the_next_number_and_empties_the_basket(shop, visitor):
    for number in (1, 2):
        visitor.post("/basket/add", id=1)
        visitor.post("/basket/add", id=1)
        visitor.post("/basket/add", id=5)
        visitor.post("/basket", q1=3, q5=1)
        assert shop.baskets == {"v1": {1: 3, 5: 1}}
        status, path, text = visitor.post("/checkout", **RIGHT)
        assert (status, path) == (200, f"/order/{number}")
        assert f"Your order number is {number}" in text
        assert shop.orders[-1] == (number, {1: 3, 5: 1}, 3750, RIGHT)
    assert shop.baskets == {"v1": {}}


def test_what_is_sold_out_or_removed_is_not_in_the_basket(shop, visitor):
    visitor.post("/basket/add", id=3)
    visitor.post("/basket/add", id=2)
    visitor.post("/basket", remove=2, q2=1)
    assert shop.baskets == {"v1": {}}
    visitor.post("/checkout", **RIGHT)
    assert shop.orders == []


@pytest.mark.parametrize(
    ("field", "value", "error"),
    [
        ("name", " ", "Please tell us your name."),
        ("email", "ada", "This is not an e-mail address."),
        ("street", "", "Please tell us your street."),
        ("postcode", "1234", "A postcode has five digits."),
        ("postcode", "99123", "We do not deliver there."),
    ],
)
def test_a_wrong_order_is_told_why(shop, visitor, field, value, error):
    visitor.post("/basket/add", id=1)
    status, _, text = visitor.post("/checkout", **{**RIGHT, field: value})
    assert (status, error in text, shop.orders) == (422, True, [])


def test_visitors_have_baskets_of_their_own(shop, visitor):
    other = Visitor(shop)
    visitor.post("/basket/add", id=1)
    other.post("/basket/add", id=2)
    assert shop.baskets == {"v1": {1: 1}, "v2": {2: 1}}


def test_login_knows_right_from_wrong(shop, visitor):
    assert visitor.get("/account")[1] == "/login"
    assert "Wrong user name" in visitor.post("/login", user=USER, password="no")[2]
    _, path, text = visitor.post("/login", user=USER, password=PASSWORD)
    assert (path, f"Welcome, {USER}." in text) == ("/account", True)
    assert shop.logins == [Login(USER, False), Login(USER, True)]
    assert visitor.post("/logout")[1] == "/login"


def test_what_pages_send_is_kept(shop, visitor):
    order = ["eggs", "apples", "bread", "cheese", "dates"]
    visitor.send("/list", {"order": order})
    visitor.send("/list5", {"order": order[::-1]})
    visitor.send("/dialogs", {"kind": "confirm", "answer": "yes"})
    visitor.send("/menu", {"pick": "Rename"})
    visitor.send("/keys", {"chord": "Ctrl+Shift+K"})
    visitor.send("/keys", {"text": "hello"})
    visitor.post("/popup", code=CODE)
    assert (shop.list_order, shop.list5_order) == (order, order[::-1])
    assert (shop.dialogs, shop.picks, shop.chords) == ([("confirm", "yes")], ["Rename"], ["Ctrl+Shift+K"])
    assert (shop.notes, shop.codes, len(shop.posts)) == (["hello"], [CODE], 7)
    assert CODE in visitor.get("/popup/code")[2]
    assert "pressed 1 times" in visitor.post("/long")[2]


def test_files_go_both_ways(shop, visitor):
    assert visitor.get("/download/prices.csv")[2] == FILE.decode()
    part = '--x\r\ncontent-disposition: form-data; name="file"; filename="a.txt"\r\n\r\nhello\r\n--x--\r\n'
    visitor.get("/upload", part.encode(), {"content-type": "multipart/form-data; boundary=x"})
    assert (shop.downloads, shop.uploads) == (["/download/prices.csv"], [("a.txt", b"hello")])


def test_slow_is_as_slow_as_told_and_ends_with_the_site(shop, visitor):
    assert "This took 1 ms." in visitor.get("/slow?ms=1")[2]
    with socket.create_connection(("127.0.0.1", shop.port), timeout=10) as waiting:
        waiting.sendall(b"GET /slow?ms=3600000 HTTP/1.0\r\n\r\n")
        assert shop.wait_until(lambda: shop.paths.count("/slow") == 2)
        shop.close()
        assert waiting.recv(12) == b"HTTP/1.1 200"


def test_every_attempt_has_a_page_and_is_named_once(hostile, elsewhere):
    """The pages are asked for without following them, so nothing gets out here."""
    names = [name for name, _ in (*ESCAPES, *FIELDS, *TRAPS)]
    assert len(names) == len(set(names)) > 200
    for name, path in (*ESCAPES, *SAME, *TRAPS, *FIELDS):
        if path.strip("/") not in ("endless", "drip", "silent", "loop", "half"):
            status, text = peek(hostile.port, path)
            assert status in (200, 302, 307, 308), name
            assert b"{{" not in text, name
    assert (elsewhere.touched, hostile.escaped) == ([], [])
    assert peek(hostile.port, "/escape/nothing")[0] == peek(hostile.port, "/nothing")[0] == 404


def peek(port, path):
    """Return the status and the first bytes of an answer."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as stream:
        stream.sendall(f"GET {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nconnection: close\r\n\r\n".encode())
        told = b""
        while len(told) < 100_000 and (more := stream.recv(65536)):
            told += more
    return int(told.split()[1]), told


def test_redirects_lead_elsewhere_or_nowhere(hostile, elsewhere):
    assert Visitor(hostile).get("/hop3/x")[2].endswith("You are elsewhere</h1>")
    assert elsewhere.lines == [b"GET /x HTTP/1.1\r\n"]
    assert b"location: /loop?n=8\r\n" in peek(hostile.port, "/loop?n=7")[1]
    assert f"content-length: {BIG_BYTES}".encode() in peek(hostile.port, "/big")[1]


def test_elsewhere_notes_whatever_arrives(elsewhere):
    """A connection without a word, one that is no HTTP, and a datagram."""
    with socket.create_connection(("127.0.0.1", elsewhere.port), timeout=10) as stream:
        assert elsewhere.wait_until(lambda: elsewhere.touched)
        assert (len(elsewhere.connections), elsewhere.lines) == (1, [])
        stream.sendall(b"hello\r\n")
        assert elsewhere.wait_until(lambda: elsewhere.lines == [b"hello\r\n"])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"stun", ("127.0.0.1", elsewhere.port))
        assert elsewhere.wait_until(lambda: elsewhere.datagrams == [b"stun"])


def test_another_name_of_the_same_port_is_noticed(hostile):
    headers = {"host": f"localhost:{hostile.port}"}
    Visitor(hostile).get("/reached/x", headers=headers)
    assert hostile.escaped == [(f"localhost:{hostile.port}", "/reached/x")]


# --- with a browser ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def browser():
    api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    if not CHROMIUM:
        pytest.skip("there is no Chromium")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, chromium_sandbox=os.geteuid() != 0)
        yield browser
        browser.close()


@pytest.fixture
def tab(browser):
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    yield context.new_page()
    context.close()


_ELEMENT_AT = """([x, y]) => { scrollTo(0, Math.max(0, y - 400));
const el = document.elementFromPoint(x, y - scrollY); return el && el.closest('[id]') && el.closest('[id]').id }"""
_OPEN = {
    "menu.rename": "file",
    "menu.delete": "file",
    "menu.copy": "edit",
    "menu.paste": "edit",
}


def test_things_are_in_their_places(shop, tab):
    for id_ in (1, 2, 4, 5, 7, 8):
        tab.request.post(f"{shop.url}/basket/add", form={"id": str(id_)})
    tab.request.post(f"{shop.url}/login", form={"user": USER, "password": PASSWORD})
    found, path = {}, None
    for name, place in sorted(PLACES.items()):
        page = {"nav": "", "home": "", "product": "product/1"}.get(name.split(".")[0], name.split(".")[0])
        if page != path:
            tab.goto(f"{shop.url}/{page}")
            path = page
        if name in _OPEN:
            tab.evaluate("name => open_(name)(new Event('x'))", _OPEN[name])
        found[name] = tab.evaluate(_ELEMENT_AT, place)
    assert found == {name: name for name in PLACES}


def test_hostile_things_are_in_their_places(hostile, tab):
    tab.goto(f"{hostile.url}/morph")
    found = {name: tab.evaluate(_ELEMENT_AT, place) for name, place in hostile_site.PLACES.items()}
    assert found == {name: name for name in hostile_site.PLACES}


def test_lists_are_sorted_by_dragging(shop, tab):
    for path in ("list", "list5"):
        tab.goto(f"{shop.url}/{path}")
        tab.mouse.move(*PLACES["list.5"])
        tab.mouse.down()
        tab.mouse.move(*PLACES["list.3"])
        tab.mouse.move(*PLACES["list.1"])
        tab.mouse.up()
        assert shop.wait_until(lambda path=path: getattr(shop, f"{path}_order")[0] == "eggs")
    assert shop.list_order == shop.list5_order == ["eggs", "apples", "bread", "cheese", "dates"]


def test_an_unguarded_browser_does_get_out(hostile, elsewhere, tab):
    """Else the tests that nothing gets out would prove nothing."""
    tab.goto(f"{hostile.url}/escape/body_img")
    assert elsewhere.wait_until(lambda: b"GET /body_img HTTP/1.1\r\n" in elsewhere.lines)
    tab.goto(f"{hostile.url}/escape/link_plain")
    tab.mouse.click(*hostile_site.PLACES["act"])
    assert elsewhere.wait_until(lambda: b"GET /link_plain HTTP/1.1\r\n" in elsewhere.lines)


def test_two_runs_give_the_same_pictures(tab):
    pictures = []
    for _ in range(2):
        with Shop() as shop:
            tab.goto(f"{shop.url}/login")
            tab.mouse.click(*PLACES["login.user"])
            tab.keyboard.type("ada")
            pictures.append(tab.screenshot())
    assert pictures[0] == pictures[1]
