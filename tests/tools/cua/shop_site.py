"""A tea shop on loopback, for tests in which a model drives a browser: what was done to it can be asserted."""

from __future__ import annotations

import re
from email import message_from_bytes
from html import escape
from typing import NamedTuple

import shop_pages as pages
from local_site import Answer, Site, to_page
from shop_pages import BOXES, PLACES, PRODUCTS, Product

__all__ = ["BOXES", "CODE", "FILE", "PASSWORD", "PLACES", "PRODUCTS", "USER", "Login", "Order", "Product", "Shop"]

USER, PASSWORD = "ada", "lovelace-1815"
CODE = "KETTLE-4711"
"""What the second tab shows."""
FILE = b"name,price\nGreen tea,4.50\n"
"""What is downloaded."""
_BY_ID = {one.id: one for one in PRODUCTS}


class Order(NamedTuple):
    """What was ordered: quantities by product id, the total in cents, and the fields of the form."""

    number: int
    items: dict
    cents: int
    fields: dict


class Login(NamedTuple):
    """Who tried to log in, and whether the password was right."""

    user: str
    right: bool


def faults(fields):
    """Return what is wrong with an order's fields, by field. The last rule is one that the page does not know."""
    found = {}
    if not fields.get("name", "").strip():
        found["name"] = "Please tell us your name."
    if not re.fullmatch(r"[^@ ]+@[^@ ]+[.][^@ ]+", fields.get("email", "")):
        found["email"] = "This is not an e-mail address."
    if not fields.get("street", "").strip():
        found["street"] = "Please tell us your street."
    if not re.fullmatch(r"[0-9]{5}", fields.get("postcode", "")):
        found["postcode"] = "A postcode has five digits."
    elif fields["postcode"].startswith("99"):
        found["postcode"] = "We do not deliver there."
    return found


class Shop(Site):
    """The shop; each visitor, by a cookie, has a basket and may be logged in.

    Args:
        slow_ms: how long ``/slow`` takes, and the text of ``/late``, where the address has no ``?ms=``.

    Attributes:
        orders: in the order of their numbers, which begin at 1.
        baskets: by visitor (``v1`` and so on), quantities by product id.
        logins: every try to log in.
        posts: every POST: the path and its fields; of an upload, the file's name and bytes.
        list_order, list5_order: how the two lists stand now.
        dialogs, picks, chords, notes, codes, uploads, downloads: what the pages of these names got.
    """

    def __init__(self, slow_ms=300):
        super().__init__()
        self.slow_ms = slow_ms
        self.orders, self.baskets, self.logins, self.posts = [], {}, [], []
        self.list_order, self.list5_order = list(pages.LIST), list(pages.LIST)
        self.dialogs, self.picks, self.chords, self.notes, self.codes = [], [], [], [], []
        self.uploads, self.downloads = [], []
        self._users = {}

    def answer(self, asked):
        """Return the answer to a request."""
        if asked.path == "/slow":
            return self._slow(asked)
        with self.changed:
            visitor = self._visitor(asked)
            found = self._route(asked, visitor)
        cookie = (("set-cookie", f"visitor={visitor}; Path=/; HttpOnly; SameSite=Lax"),)
        return found._replace(headers=(*found.headers, *cookie))

    def _visitor(self, asked):
        known = re.search(r"visitor=(v\d+)", asked.headers.get("cookie", ""))
        if known and known[1] in self.baskets:
            return known[1]
        fresh = f"v{len(self.baskets) + 1}"
        self.baskets[fresh] = {}
        return fresh

    def _route(self, asked, visitor):
        name, _, rest = asked.path.lstrip("/").partition("/")
        if asked.method == "POST":
            found = getattr(self, f"_post_{name}", None)
        else:
            found = getattr(self, f"_get_{name or 'home'}", None)
        if not found:
            return self._page(visitor, "Not found", pages.note(120, 150, "There is no such page."), status=404)
        return found(asked, visitor, rest)

    def _page(self, visitor, title, body, script="", status=200):
        count = sum(self.baskets[visitor].values())
        return Answer(pages.page(title, body, count, script, self._users.get(visitor, "")), status)

    def _slow(self, asked):
        ms = int(asked.query.get("ms", self.slow_ms))
        self.closing.wait(ms / 1000)
        return Answer(pages.page("Slow", pages.note(120, 150, f"This took {ms} ms.", name="result")))

    # --- pages -----------------------------------------------------------------------------------------------------

    def _get_home(self, asked, visitor, rest):
        return self._page(visitor, "Tea shop", pages.home())

    def _get_search(self, asked, visitor, rest):
        query, price, stock = (asked.query.get(name, "") for name in ("q", "price", "stock"))
        found = [one for one in PRODUCTS if query.lower().strip() in one.name.lower()]
        if price.isdecimal():
            found = [one for one in found if one.cents <= int(price)]
        if stock:
            found = [one for one in found if one.stock]
        return self._page(visitor, "Search", pages.search(query, price, stock, found))

    def _get_product(self, asked, visitor, rest):
        one = _BY_ID.get(int(rest)) if rest.isdecimal() else None
        if not one:
            return self._page(visitor, "Not found", pages.note(120, 150, "There is no such product."), status=404)
        return self._page(visitor, one.name, pages.product(one))

    def _get_basket(self, asked, visitor, rest):
        lines = [(_BY_ID[id_], quantity) for id_, quantity in self.baskets[visitor].items()]
        return self._page(visitor, "Basket", pages.basket(lines))

    def _get_checkout(self, asked, visitor, rest, told=None, errors=None):
        if not self.baskets[visitor]:
            return self._page(visitor, "Check out", pages.basket([]))
        return self._page(visitor, "Check out", pages.checkout(told or {}, errors or {}), pages.CHECK)

    def _get_order(self, asked, visitor, rest):
        number = int(rest) if rest.isdecimal() else 0
        if not 0 < number <= len(self.orders):
            return self._page(visitor, "Not found", pages.note(120, 150, "There is no such order."), status=404)
        order = self.orders[number - 1]
        told = pages.note(120, 150, f"Your order number is {number}", "big", "number")
        return self._page(visitor, "Thank you", told + pages.note(120, 230, f"Total: {pages.money(order.cents)}"))

    def _get_login(self, asked, visitor, rest, error=""):
        return self._page(visitor, "Log in", pages.login(error))

    def _get_account(self, asked, visitor, rest):
        if visitor not in self._users:
            return to_page("/login")
        hello = pages.note(120, 150, f"Welcome, {escape(self._users[visitor])}.", name="hello")
        button = pages.box("account.logout", "button", "Log out")
        return self._page(visitor, "Account", f"{hello}<form method=post action=/logout>{button}</form>")

    def _get_popup(self, asked, visitor, rest):
        if rest == "code":
            return self._page(visitor, "The code", pages.note(120, 150, CODE, "big", "code"))
        return self._page(visitor, "A second tab", pages.popup(f"Sent: {self.codes[-1]}" if self.codes else ""))

    def _get_list(self, asked, visitor, rest):
        script = pages.SEND + pages.TOLD + pages.DRAG
        return self._page(visitor, "Sort a list", pages.sortable(self.list_order), script)

    def _get_list5(self, asked, visitor, rest):
        script = pages.SEND + pages.TOLD + pages.DRAG5
        return self._page(visitor, "Sort, the other way", pages.sortable(self.list5_order), script)

    def _get_dialogs(self, asked, visitor, rest):
        return self._page(visitor, "Dialogs", pages.dialogs(), pages.SEND + pages.DIALOGS)

    def _get_long(self, asked, visitor, rest):
        pressed = sum(path == "/long" for path, _ in self.posts)
        return self._page(visitor, "A long page", pages.long(pressed))

    def _get_menu(self, asked, visitor, rest):
        return self._page(visitor, "Menus", pages.menu(), pages.SEND + pages.MENU)

    def _get_keys(self, asked, visitor, rest):
        return self._page(visitor, "Keys", pages.keys(), pages.SEND + pages.KEYS)

    def _get_download(self, asked, visitor, rest):
        if not rest:
            link = pages.box("download.file", "a", "Download the prices", "tile", href="/download/prices.csv")
            return self._page(visitor, "Download", link)
        self.downloads.append(asked.path)
        return Answer(FILE, headers=(("content-disposition", 'attachment; filename="prices.csv"'),), kind="text/csv")

    def _get_late(self, asked, visitor, rest):
        return self._page(visitor, "Late", pages.late(), pages.SEND + pages.LATE)

    def _get_upload(self, asked, visitor, rest):
        return self._page(visitor, "Upload", pages.upload([f"{name} arrived" for name, _ in self.uploads]))

    # --- posts -----------------------------------------------------------------------------------------------------

    def _told(self, asked):
        fields = asked.fields()
        self.posts.append((asked.path, fields))
        return fields

    def _post_basket(self, asked, visitor, rest):
        fields, basket = self._told(asked), self.baskets[visitor]
        if rest == "add":
            id_ = int(fields["id"])
            if _BY_ID[id_].stock:
                basket[id_] = basket.get(id_, 0) + 1
            return to_page("/basket")
        for id_ in list(basket):
            told = fields.get(f"q{id_}", "")
            basket[id_] = int(told) if told.isdecimal() else basket[id_]
            if not basket[id_] or fields.get("remove") == str(id_):
                del basket[id_]
        return to_page("/basket")

    def _post_checkout(self, asked, visitor, rest):
        fields, basket = self._told(asked), self.baskets[visitor]
        if not basket:
            return to_page("/basket")
        if errors := faults(fields):
            return self._get_checkout(asked, visitor, rest, fields, errors)._replace(status=422)
        cents = sum(_BY_ID[id_].cents * quantity for id_, quantity in basket.items())
        self.orders.append(Order(len(self.orders) + 1, dict(basket), cents, fields))
        basket.clear()
        return to_page(f"/order/{len(self.orders)}")

    def _post_login(self, asked, visitor, rest):
        fields = self._told(asked)
        is_right = (fields.get("user"), fields.get("password")) == (USER, PASSWORD)
        self.logins.append(Login(fields.get("user", ""), is_right))
        if not is_right:
            return self._get_login(asked, visitor, rest, "Wrong user name or password.")
        self._users[visitor] = fields["user"]
        return to_page("/account")

    def _post_logout(self, asked, visitor, rest):
        self._told(asked)
        self._users.pop(visitor, None)
        return to_page("/login")

    def _post_popup(self, asked, visitor, rest):
        self.codes.append(self._told(asked).get("code", ""))
        return to_page("/popup")

    def _post_list(self, asked, visitor, rest):
        self.list_order = self._told(asked)["order"]
        return Answer()

    def _post_list5(self, asked, visitor, rest):
        self.list5_order = self._told(asked)["order"]
        return Answer()

    def _post_dialogs(self, asked, visitor, rest):
        fields = self._told(asked)
        self.dialogs.append((fields["kind"], fields["answer"]))
        return Answer()

    def _post_menu(self, asked, visitor, rest):
        self.picks.append(self._told(asked)["pick"])
        return Answer()

    def _post_keys(self, asked, visitor, rest):
        fields = self._told(asked)
        if "chord" in fields:
            self.chords.append(fields["chord"])
        else:
            self.notes.append(fields["text"])
        return Answer()

    def _post_long(self, asked, visitor, rest):
        self._told(asked)
        return to_page("/long")

    def _post_upload(self, asked, visitor, rest):
        kind = asked.headers.get("content-type", "")
        for part in message_from_bytes(f"content-type: {kind}\r\n\r\n".encode() + asked.body).walk():
            if part.get_filename():
                self.uploads.append((part.get_filename(), part.get_payload(decode=True)))
                self.posts.append((asked.path, {"name": self.uploads[-1][0], "bytes": self.uploads[-1][1]}))
        return to_page("/upload")
