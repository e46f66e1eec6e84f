"""A scripted model works in a shop through a real browser, task by task; each run replays without one."""

from __future__ import annotations

import re

import pytest
from shop_site import CODE, PASSWORD, PLACES, USER, Shop
from surfer import Surfer, act, in_browser, open_log, policy_for, replay_without_browser

pytestmark = in_browser


@pytest.fixture
def shop():
    with Shop() as shop:
        yield shop


def click(name, **fields):
    return act("click", PLACES[name], **fields)


def write(text):
    return act("type", text=text)


def press(*keys):
    return act("keypress", keys=list(keys))


class Goto(str):
    """A page of the shop that is gone to; the address is known when the test runs."""

    __slots__ = ()


def drag(*names):
    return act("drag", path=[{"x": PLACES[name][0], "y": PLACES[name][1]} for name in names])


def write_code(texts):
    """Return what types the code that the second tab showed."""
    return write(re.search(r"KETTLE-\d+", "\n".join(texts))[0])


class Task:
    """One task.

    Args:
        actions: what the model does.
        says: what the last result must hold.
        did: whether the shop says that it is done.
        options: of the policy.
    """

    def __init__(self, *actions, says, did=lambda _shop: True, **options):
        self.actions, self.says, self.did, self.options = actions, says, did, options


BUY = (click("product.add"), Goto("product/4"), click("product.add"), click("nav.basket"))
ADDRESS = (click("checkout.name"), write("Ada\tada@example\tMain Street 1\t12345"), click("checkout.order"))
TASKS = {
    "search": Task(
        Goto("search"), click("search.query"), write("teapot\n"), click("search.result1"), says="Blue teapot at http"
    ),
    "filter": Task(
        Goto("search"),
        click("search.price"),
        press("ArrowDown"),
        press("Enter"),
        click("search.stock"),
        says="Found: 2",
    ),
    "basket": Task(
        Goto("product/1"),
        *BUY,
        act("double_click", PLACES["basket.quantity1"]),
        write("3\n"),
        says="Total: € 26.40",
        did=lambda shop: shop.baskets["v1"] == {1: 3, 4: 1},
    ),
    "order with a mistake": Task(
        Goto("product/1"),
        click("product.add"),
        Goto("checkout"),
        *ADDRESS,
        act("click", PLACES["checkout.email"]),
        press("End"),
        write(".org\n"),
        says="Your order number is 1",
        did=lambda shop: [order.fields["email"] for order in shop.orders] == ["ada@example.org"],
    ),
    "slow page": Task(Goto("slow?ms=700"), says="This took 700 ms."),
    "second tab": Task(
        Goto("popup"),
        click("popup.open"),
        act("back"),
        click("popup.code"),
        write_code,
        click("popup.send"),
        says=f"Sent: {CODE}",
        did=lambda shop: shop.codes == [CODE],
    ),
    "list": Task(
        Goto("list"), drag("list.1", "list.3", "list.5"), says="eggs", did=lambda shop: shop.list_order[-1] == "apples"
    ),
    "list of the other kind": Task(
        Goto("list5"), drag("list.5", "list.3", "list.1"), says="eggs", did=lambda shop: shop.list5_order[0] == "eggs"
    ),
    "login": Task(
        Goto("login"),
        click("login.user"),
        write(f"{USER}\t{PASSWORD}\n"),
        says=f"Welcome, {USER}.",
        did=lambda shop: shop.logins == [(USER, True)],
    ),
    "dialogs": Task(
        Goto("dialogs"),
        click("dialogs.alert"),
        click("dialogs.confirm"),
        says="note: a dialog (confirm) said 'Pour the water?'; it was accepted",
        did=lambda shop: shop.dialogs == [("alert", "closed"), ("confirm", "yes")],
        accepts_dialogs=True,
    ),
    "long page": Task(
        Goto("long"),
        act("scroll", (640, 400), scroll_y=2600),
        act("click", (PLACES["long.find"][0], PLACES["long.find"][1] - 2600)),
        says="pressed 1 times",
    ),
    "menus": Task(
        Goto("menu"),
        act("double_click", PLACES["menu.twice"]),
        click("menu.rename"),
        click("menu.right", button="right"),
        click("menu.paste"),
        act("move", PLACES["menu.hover"]),
        says="warm the pot first",
        did=lambda shop: shop.picks == ["Rename", "Paste"],
    ),
    "keys": Task(
        Goto("keys"),
        click("keys.log"),
        press("Ctrl", "Shift", "K"),
        press("ALT+ENTER"),
        press("+"),
        click("keys.text"),
        write("two\nlines"),
        press("Ctrl", "A"),
        write("one line"),
        click("keys.save"),
        says="Saved.",
        did=lambda shop: shop.notes == ["one line"] and {"Ctrl+Shift+K", "Alt+Enter", "+"} <= set(shop.chords),
    ),
    "files": Task(
        Goto("download"),
        click("download.file"),
        Goto("upload"),
        click("upload.file"),
        click("upload.send"),
        says="at http",
        did=lambda shop: [name for name, _ in shop.uploads] == ["letter.txt"],
    ),
}


def actions_of(task, shop):
    """Return a task's actions in a shop."""
    return [act("goto", url=f"{shop.url}/{one}") if isinstance(one, Goto) else one for one in task.actions]


@pytest.mark.parametrize("name", TASKS)
def test_a_task_is_done_and_replays_without_a_browser(name, shop, tmp_path, monkeypatch):
    """Sync and async in turn; what the vendor's tool does by the same engine is tried where it is asked."""
    task, turn = TASKS[name], list(TASKS).index(name)
    letter = tmp_path / "letter.txt"
    letter.write_text("Dear shop", "utf-8")
    policy = policy_for(shop, uploads=(str(letter),), downloads=str(tmp_path), **task.options)
    surfer = Surfer(policy, actions_of(task, shop), lambda _approval: True)
    log = open_log(tmp_path)
    answer = surfer.live(log, face="async" if turn % 2 else "sync")
    assert task.says in answer
    assert task.did(shop)
    assert all(message.images for message in surfer.results)
    shop.close()
    report, is_same = replay_without_browser(surfer, log, tmp_path, monkeypatch)
    assert (report.status, report.result, is_same) == ("same", answer, True)
