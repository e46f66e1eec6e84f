"""The shop's pages: where everything stands, and the HTML. Pure; every picture of them is the same in every run."""

from __future__ import annotations

from html import escape
from typing import NamedTuple


class Product(NamedTuple):
    """What is sold; the price in cents."""

    id: int
    name: str
    cents: int
    stock: int
    color: str


PRODUCTS = (
    Product(1, "Green tea", 450, 12, "#5b8c5a"),
    Product(2, "Black tea", 390, 40, "#4a3728"),
    Product(3, "Mint tea", 520, 0, "#3fa796"),
    Product(4, "White tea", 1290, 3, "#c9b79c"),
    Product(5, "Blue teapot", 2400, 5, "#3a6ea5"),
    Product(6, "Red teapot", 2600, 0, "#b23a48"),
    Product(7, "Tea strainer", 780, 9, "#8d99ae"),
    Product(8, "Two cups", 1650, 7, "#e09f3e"),
    Product(9, "Honey jar", 690, 21, "#d98e04"),
)
LIST = ("apples", "bread", "cheese", "dates", "eggs")
FIELDS = ("name", "email", "street", "postcode")
LABELS = {"name": "Name", "email": "E-mail", "street": "Street and number", "postcode": "Postcode (5 digits)"}
LONG_LINES = 56

_ROW, _ITEM = 72, 64
BOXES = {
    "nav.home": (24, 10, 120, 36),
    "nav.search": (820, 10, 100, 36),
    "nav.basket": (930, 10, 150, 36),
    "nav.login": (1090, 10, 160, 36),
    "home.search": (120, 200, 240, 56),
    "home.list": (380, 200, 240, 56),
    "home.list5": (640, 200, 240, 56),
    "home.popup": (900, 200, 240, 56),
    "home.dialogs": (120, 276, 240, 56),
    "home.long": (380, 276, 240, 56),
    "home.menu": (640, 276, 240, 56),
    "home.keys": (900, 276, 240, 56),
    "home.download": (120, 352, 240, 56),
    "home.upload": (380, 352, 240, 56),
    "home.login": (640, 352, 240, 56),
    "home.basket": (900, 352, 240, 56),
    "search.query": (120, 140, 400, 40),
    "search.price": (540, 140, 170, 40),
    "search.stock": (730, 149, 22, 22),
    "search.go": (880, 140, 120, 40),
    **{f"search.result{n}": (120, 210 + _ROW * (n - 1), 880, 60) for n in range(1, 8)},
    "product.add": (560, 380, 220, 48),
    "product.basket": (800, 380, 220, 48),
    **{f"basket.quantity{n}": (640, 147 + _ROW * (n - 1), 80, 38) for n in range(1, 7)},
    **{f"basket.remove{n}": (860, 147 + _ROW * (n - 1), 110, 38) for n in range(1, 7)},
    "basket.update": (560, 600, 200, 48),
    "basket.checkout": (780, 600, 220, 48),
    **{f"checkout.{name}": (120, 170 + 100 * at, 480, 42) for at, name in enumerate(FIELDS)},
    "checkout.order": (120, 580, 220, 48),
    "login.user": (440, 230, 400, 42),
    "login.password": (440, 320, 400, 42),
    "login.go": (440, 390, 400, 46),
    "account.logout": (120, 220, 180, 46),
    "popup.open": (120, 200, 300, 56),
    "popup.code": (120, 330, 300, 42),
    "popup.send": (440, 330, 140, 42),
    "dialogs.alert": (120, 200, 220, 56),
    "dialogs.confirm": (360, 200, 220, 56),
    "dialogs.prompt": (600, 200, 220, 56),
    "menu.twice": (120, 200, 300, 80),
    "menu.right": (460, 200, 300, 80),
    "menu.hover": (800, 200, 300, 80),
    "menu.rename": (120, 290, 300, 44),
    "menu.delete": (120, 334, 300, 44),
    "menu.copy": (460, 290, 300, 44),
    "menu.paste": (460, 334, 300, 44),
    "keys.text": (120, 200, 520, 300),
    "keys.save": (120, 520, 160, 46),
    "keys.log": (680, 200, 400, 366),
    "download.file": (120, 200, 300, 56),
    "upload.file": (120, 200, 480, 56),
    "upload.send": (120, 280, 180, 46),
    "long.find": (120, 2940, 300, 56),
    **{f"list.{n}": (120, 180 + _ITEM * (n - 1), 400, 56) for n in range(1, 6)},
}
"""Where each thing stands: left, top, width, height in CSS pixels of the page. Its element has the key as its id."""

PLACES = {name: (left + width // 2, top + height // 2) for name, (left, top, width, height) in BOXES.items()}
"""The middle of each thing; ``list.1`` to ``list.5`` are the places of both lists, from the top.

Only ``long.find`` is below the first 800 pixels. The menus' entries are there when the menu is open.
"""

STYLE = """
*{box-sizing:border-box;caret-color:transparent;animation:none!important;transition:none!important}
html{scrollbar-width:none;overflow-anchor:none}
body{margin:0;width:1280px;min-height:800px;position:relative;background:#f6f4ef;color:#24292f;
 font:16px/24px 'DejaVu Sans',Arial,sans-serif}
.box,.note{position:absolute;margin:0}.note{white-space:nowrap}
.bar{position:absolute;left:0;top:0;width:1280px;height:56px;background:#1f4e5f}
.bar a{color:#fff;text-decoration:none;line-height:36px;text-align:center;border-radius:6px}
.bar a:hover{background:#2d6a80}
h1{position:absolute;left:120px;top:84px;margin:0;font-size:28px;line-height:36px;white-space:nowrap}
.tile,.button,button{display:block;border:0;border-radius:8px;background:#1f7a8c;color:#fff;text-align:center;
 font:600 16px/24px 'DejaVu Sans',Arial,sans-serif;text-decoration:none;cursor:pointer}
a.tile{line-height:54px;background:#fff;color:#1f4e5f;border:1px solid #cfd8dc}
a.button{line-height:48px}.quiet{background:#fff;color:#1f4e5f;border:1px solid #1f4e5f}
a.quiet{line-height:46px}button:disabled{background:#b0bec5}
input,select,textarea{font:16px/24px 'DejaVu Sans',Arial,sans-serif;border:1px solid #90a4ae;border-radius:6px;
 padding:6px 10px;background:#fff;color:#24292f}
input[type=checkbox]{padding:0;margin:0}textarea{resize:none}
:focus{outline:3px solid #f2a541;outline-offset:0}
.card{background:#fff;border:1px solid #d7dde0;border-radius:8px}
.row{text-decoration:none;color:inherit;line-height:58px;padding-left:76px}
.row b{position:absolute;left:480px}.row i{position:absolute;left:640px;font-style:normal;color:#5f6b73}
.swatch{position:absolute;left:10px;top:9px;width:40px;height:40px;border-radius:6px}
.error{color:#b00020;font-size:14px}.good{color:#1b7f3b}.big{font-size:40px;line-height:56px;font-weight:700}
.item{user-select:none;cursor:grab;line-height:54px;padding-left:20px}.item.held{background:#fff3d6;z-index:9}
.hidden{display:none}
"""


def money(cents):
    """Write an amount."""
    return f"€ {cents // 100}.{cents % 100:02}"


def box(name, tag, inside="", css="", /, **attributes):
    """Return an element at its place."""
    left, top, width, height = BOXES[name]
    told = "".join(f' {key.replace("_", "-")}="{escape(str(value))}"' for key, value in attributes.items())
    style = f"left:{left}px;top:{top}px;width:{width}px;height:{height}px"
    end = "" if tag == "input" else f"{inside}</{tag}>"
    return f'<{tag} id="{name}" class="box {css}" style="{style}"{told}>{end}'


def note(left, top, inside, css="", name=""):
    """Return a text at a place."""
    called = f' id="{name}"' if name else ""
    return f'<p{called} class="note {css}" style="left:{left}px;top:{top}px">{inside}</p>'


def page(title, body, count=0, script="", user=""):
    """Return a whole page under the shop's bar."""
    bar = (
        box("nav.home", "a", "Tea shop", href="/")
        + box("nav.search", "a", "Search", href="/search?q=")
        + box("nav.basket", "a", f"Basket ({count})", href="/basket")
        + box("nav.login", "a", escape(user) or "Log in", href="/account" if user else "/login")
    )
    script = f"<script>{script}</script>" if script else ""
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{escape(title)}</title><link rel=icon href='data:,'>"
        f"<style>{STYLE}</style><body><nav class=bar>{bar}</nav><h1>{escape(title)}</h1>{body}{script}"
    )


def home():
    """Links to everything."""
    names = {
        "search": "Search",
        "list": "Sort a list",
        "list5": "Sort, the other way",
        "popup": "A second tab",
        "dialogs": "Dialogs",
        "long": "A long page",
        "menu": "Menus",
        "keys": "Keys",
        "download": "Download",
        "upload": "Upload",
        "login": "Log in",
        "basket": "Basket",
    }
    return note(120, 136, "Tea, pots and cups since yesterday.") + "".join(
        box(f"home.{name}", "a", text, "tile", href=f"/{name}") for name, text in names.items()
    )


def search(query, price, stock, found):
    """Return the search form with what was found, the first seven of it."""
    prices = {"": "Any price", "500": "Up to € 5", "1000": "Up to € 10", "2000": "Up to € 20"}
    options = "".join(
        f"<option value='{value}'{' selected' if value == price else ''}>{text}</option>"
        for value, text in prices.items()
    )
    ticked = {"checked": ""} if stock else {}
    at_once = {"onchange": "this.form.submit()"}
    form = (
        "<form action=/search>"
        + box(
            "search.query", "input", name="q", value=query, placeholder="What are you looking for?", autocomplete="off"
        )
        + box("search.price", "select", options, name="price", aria_label="Price", **at_once).replace(
            "aria_l", "aria-l"
        )
        + box("search.stock", "input", name="stock", type="checkbox", value="1", **ticked, **at_once)
        + "<label class=note for='search.stock' style='left:762px;top:148px'>In stock</label>"
        + box("search.go", "button", "Search")
        + "</form>"
    )
    rows = "".join(
        box(
            f"search.result{at}",
            "a",
            f"<span class=swatch style='background:{one.color}'></span>{one.name}<b>{money(one.cents)}</b>"
            f"<i>{f'{one.stock} in stock' if one.stock else 'sold out'}</i>",
            "card row",
            href=f"/product/{one.id}",
        )
        for at, one in enumerate(found[:7], 1)
    )
    return form + (rows or note(120, 220, "Nothing was found.")) + note(120, 730, f"Found: {len(found)}", name="found")


def product(one):
    """Return the page of one product."""
    add = {} if one.stock else {"disabled": ""}
    return (
        f"<div class='box card' style='left:120px;top:150px;width:380px;height:380px'>"
        f"<div class=box style='left:90px;top:90px;width:200px;height:200px;border-radius:24px;background:{one.color}'>"
        "</div></div>"
        + note(560, 160, money(one.cents), "big")
        + note(560, 236, f"{one.stock} in stock" if one.stock else "Sold out", "" if one.stock else "error")
        + note(560, 280, f"Article number {1000 + one.id}")
        + f"<form method=post action=/basket/add><input type=hidden name=id value={one.id}>"
        + box("product.add", "button", "Add to basket", **add)
        + "</form>"
        + box("product.basket", "a", "Show the basket", "button quiet", href="/basket")
    )


def basket(lines):
    """Return the basket: lines of product and quantity, the first six of them."""
    if not lines:
        return note(120, 150, "The basket is empty.")
    total = sum(one.cents * quantity for one, quantity in lines)
    rows = "".join(_basket_row(at, one, quantity) for at, (one, quantity) in enumerate(lines[:6], 1))
    return (
        "<form method=post action=/basket>"
        + box("basket.update", "button", "Update", "quiet")  # the first button is what Enter presses
        + f"{rows}</form>"
        + box("basket.checkout", "a", "Check out", "button", href="/checkout")
        + note(120, 610, f"Total: {money(total)}", "good", "total")
    )


def _basket_row(at, one, quantity):
    top = 136 + _ROW * (at - 1)
    return (
        f"<div class='box card row' style='left:120px;top:{top}px;width:880px;height:60px'>"
        f"<span class=swatch style='background:{one.color}'></span>{one.name}"
        f"<b style='left:360px'>{money(one.cents)}</b></div>"
        + box(
            f"basket.quantity{at}",
            "input",
            name=f"q{one.id}",
            value=quantity,
            autocomplete="off",
            aria_label=f"Quantity of {one.name}",
        )
        + box(f"basket.remove{at}", "button", "Remove", "quiet", name="remove", value=one.id)
    )


CHECK = """
const rules={name:v=>v.trim()?'':'Please tell us your name.',
email:v=>/^[^@ ]+@[^@ ]+[.][^@ ]+$/.test(v)?'':'This is not an e-mail address.',
street:v=>v.trim()?'':'Please tell us your street.',
postcode:v=>/^[0-9]{5}$/.test(v)?'':'A postcode has five digits.'};
document.forms[0].addEventListener('submit',e=>{let bad=false;
 for(const k in rules){const text=rules[k](e.target.elements[k].value);
  document.getElementById('error.'+k).textContent=text;bad=bad||!!text}
 if(bad)e.preventDefault()});
"""


def checkout(told, errors):
    """Return the form of an order, with what was filled in and what is wrong with it."""
    fields = "".join(
        note(120, 144 + 100 * at, LABELS[name])
        + box(
            f"checkout.{name}",
            "input",
            name=name,
            value=told.get(name, ""),
            aria_label=LABELS[name],
            autocomplete="off",
        )
        + note(120, 212 + 100 * at, escape(errors.get(name, "")), "error", f"error.{name}")
        for at, name in enumerate(FIELDS)
    )
    button = box("checkout.order", "button", "Order now")
    return f"<form method=post action=/checkout novalidate>{fields}{button}</form>"


def login(error):
    """Return the form by which one logs in."""
    return (
        "<div class='box card' style='left:400px;top:170px;width:480px;height:330px'></div>"
        "<form method=post action=/login>"
        + note(440, 202, "User name")
        + box("login.user", "input", name="user", aria_label="User name", autocomplete="off")
        + note(440, 292, "Password")
        + box("login.password", "input", name="password", type="password", aria_label="Password", autocomplete="off")
        + box("login.go", "button", "Log in")
        + note(440, 452, escape(error), "error", "error")
        + "</form>"
    )


def popup(sent):
    """Return the page that opens a second tab."""
    return (
        note(120, 150, "The second tab shows a code. Write it here.")
        + box("popup.open", "button", "Open the second tab", onclick="window.open('/popup/code')")
        + "<form method=post action=/popup>"
        + note(120, 300, "Code")
        + box("popup.code", "input", name="code", aria_label="Code", autocomplete="off")
        + box("popup.send", "button", "Send")
        + "</form>"
        + note(120, 400, escape(sent), "good", "sent")
    )


# Waits for the answer: when a click or a key is done, the shop has it, and all of it in its order.
SEND = """
function send(path,data){const asked=new XMLHttpRequest();asked.open('POST',path,false);
 asked.setRequestHeader('content-type','application/json');asked.send(JSON.stringify(data))}
function show(text){document.getElementById('result').textContent=text}
"""

DIALOGS = """
function ask(kind){let came=null;
 if(kind=='alert'){alert('The kettle boils.');came='closed'}
 if(kind=='confirm')came=confirm('Pour the water?')?'yes':'no';
 if(kind=='prompt'){const text=prompt('How many minutes?','3');came=text===null?'nothing':text}
 show(kind+': '+came);send('/dialogs',{kind,answer:came})}
"""


def dialogs():
    """Return the page of alert, confirm and prompt."""
    return "".join(
        box(f"dialogs.{kind}", "button", kind.capitalize(), onclick=f"ask('{kind}')")
        for kind in ("alert", "confirm", "prompt")
    ) + note(120, 300, "Nothing was asked yet.", "good", "result")


MENU = """
const open_=name=>e=>{e.preventDefault();for(const m of document.querySelectorAll('.menu'))
 m.classList.toggle('hidden',m.id!=name)};
document.getElementById('menu.twice').addEventListener('dblclick',open_('file'));
document.getElementById('menu.right').addEventListener('contextmenu',open_('edit'));
for(const b of document.querySelectorAll('.menu button'))b.addEventListener('click',e=>{open_('')(e);
 show('Picked: '+b.textContent);send('/menu',{pick:b.textContent})});
"""


def menu():
    """Return the page of what opens by a double click, by the right button, and by the pointer alone."""
    entry = "".join(box(f"menu.{name.lower()}", "button", name, "quiet") for name in ("Rename", "Delete"))
    edit = "".join(box(f"menu.{name.lower()}", "button", name, "quiet") for name in ("Copy", "Paste"))
    return (
        "<style>.tip{display:none}[id='menu.hover']:hover+.tip{display:block}.card.box{line-height:78px;"
        "text-align:center;user-select:none}</style>"
        + box("menu.twice", "div", "Double-click me", "card")
        + box("menu.right", "div", "Right-click me", "card")
        + box("menu.hover", "div", "Point at me", "card")
        + note(800, 290, "The tip is: warm the pot first.", "tip good", "tip")
        + f"<div id=file class='menu hidden'>{entry}</div><div id=edit class='menu hidden'>{edit}</div>"
        + note(120, 420, "Nothing was picked yet.", "good", "result")
    )


KEYS = """
const text=document.getElementById('keys.text'),log=document.getElementById('keys.log');
document.addEventListener('keydown',e=>{if(['Control','Shift','Alt','Meta'].includes(e.key))return;
 const held=[['Ctrl',e.ctrlKey],['Alt',e.altKey],['Shift',e.shiftKey],['Meta',e.metaKey]];
 const mods=held.filter(m=>m[1]).map(m=>m[0]);
 const key=e.key==' '?'Space':e.key.length==1&&mods.length?e.key.toUpperCase():e.key;
 if(e.target!=text&&(e.ctrlKey||e.altKey))e.preventDefault();
 const chord=[...mods,key].join('+'),line=document.createElement('div');
 line.textContent=chord;log.append(line);if(log.childElementCount>13)log.firstChild.remove();
 send('/keys',{chord})});
document.getElementById('keys.save').onclick=()=>{send('/keys',{text:text.value});show('Saved.')};
"""


def keys():
    """Return the page that shows which keys it got."""
    return (
        note(120, 150, "Text")
        + box("keys.text", "textarea", name="text", aria_label="Text", spellcheck="false")
        + box("keys.save", "button", "Save")
        + note(680, 150, "Keys that came")
        + box("keys.log", "div", "", "card", tabindex="-1")
        + "<style>[id='keys.log']{padding:16px;overflow:hidden}</style>"
        + note(310, 530, "", "good", "result")
    )


DRAG = """
const items=[...document.querySelectorAll('.item')],top_=i=>180+64*i;let order=items.slice(),held=null,off=0;
function lay(){order.forEach((el,i)=>{if(el!==held)el.style.top=top_(i)+'px'})}
document.addEventListener('mousedown',e=>{const el=e.target.closest('.item');if(!el||e.button)return;
 e.preventDefault();held=el;off=e.pageY-el.offsetTop;el.classList.add('held')});
document.addEventListener('mousemove',e=>{if(!held)return;const y=e.pageY-off;held.style.top=y+'px';
 const to=Math.max(0,Math.min(order.length-1,Math.round((y-180)/64)));
 order=order.filter(el=>el!==held);order.splice(to,0,held);lay()});
document.addEventListener('mouseup',()=>{if(!held)return;held.classList.remove('held');held=null;lay();told()});
"""
DRAG5 = """
const items=[...document.querySelectorAll('.item')],top_=i=>180+64*i;let order=items.slice(),held=null;
function lay(){order.forEach((el,i)=>{el.style.top=top_(i)+'px'})}
for(const el of items){el.draggable=true;
 el.addEventListener('dragstart',e=>{held=el;e.dataTransfer.setData('text/plain',el.textContent)});
 el.addEventListener('dragover',e=>e.preventDefault());
 el.addEventListener('drop',e=>{e.preventDefault();if(!held||held===el)return;const to=order.indexOf(el);
  order=order.filter(one=>one!==held);order.splice(to,0,held);held=null;lay();told()})}
"""
TOLD = "function told(){const names=order.map(el=>el.textContent);show(names.join(', '));send(location.pathname,{order:names})}"


def sortable(order):
    """Return a list that is sorted by dragging; where its items begin are the places ``list.1`` and so on."""
    items = "".join(box(f"list.{at}", "div", escape(name), "card item") for at, name in enumerate(order, 1))
    return note(120, 140, "Drag the items.") + items + note(120, 530, escape(", ".join(order)), "good", "result")


def long(found):
    """Return a page of many screens, with a button far down."""
    lines = "".join(note(120, 180 + 48 * at, f"Line {at + 1} of a long story about tea.") for at in range(LONG_LINES))
    return (
        "<style>body{height:4000px}</style>"
        + note(120, 136, f"The button was pressed {found} times.", "good", "result")
        + lines
        + "<form method=post action=/long>"
        + box("long.find", "button", "I read it all")
        + "</form>"
    )


LATE = "fetch('/slow'+location.search).then(r=>r.text()).then(t=>show('It is here: '+/This took [0-9]+ ms/.exec(t)[0]))"


def late():
    """Return a page whose text comes after the page."""
    return note(120, 150, "Still loading.", "good", "result")


def upload(names):
    """Return the form by which a file is sent."""
    return (
        "<form method=post action=/upload enctype=multipart/form-data>"
        + box("upload.file", "input", type="file", name="file", aria_label="File")
        + box("upload.send", "button", "Send")
        + "</form>"
        + note(120, 360, escape(", ".join(names)), "good", "result")
    )
