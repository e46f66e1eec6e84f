"""A site that tries to get a browser out of where it may be, and the site that must never be reached. Both on loopback.

A test opens each path of ``ESCAPES``, clicks the place ``act``, and then asserts that ``Elsewhere`` was not touched
and that ``Hostile.escaped`` is empty.
"""

from __future__ import annotations

import contextlib
import re
import socket
import threading
from html import escape
from typing import NamedTuple

import hostile_pages as pages
from hostile_pages import BOXES, PLACES
from local_site import Answer, Site, to_page

__all__ = ["BIG_BYTES", "BOXES", "ESCAPES", "FIELDS", "PLACES", "SAME", "TRAPS", "Elsewhere", "Hostile", "Typed"]

BIG_BYTES = 50_000_000
_STREAMS = ("loop", "endless", "big", "silent", "drip", "half", "blank", "file")
_OTHERS = ("::1", "127.0.0.2")
_STYLE = """*{box-sizing:border-box;caret-color:transparent;animation:none!important;transition:none!important}
html{scrollbar-width:none}body{margin:0;width:1280px;min-height:800px;position:relative;background:#f4f1ee;color:#222;
font:16px/24px 'DejaVu Sans',Arial,sans-serif}.box{position:absolute}
#main{position:absolute;left:120px;top:96px;width:1040px;height:96px;overflow:hidden}h1{position:absolute;left:120px;
top:32px;margin:0;font-size:28px;line-height:40px}#act{background:#7c2d3b;color:#fff;font:600 20px/120px 'DejaVu Sans',
Arial,sans-serif;text-align:center;text-decoration:none;border:0;border-radius:8px}#field{border:1px solid #888;
background:#fff;font:inherit;padding:0 10px}#home{line-height:44px;text-align:center;color:#7c2d3b}
#result{position:absolute;left:440px;top:560px;margin:0}#more{position:absolute;left:120px;top:700px;height:80px;
width:1040px;overflow:hidden}"""


_WAYS = {
    **{f"link_{name}": ("link", address) for name, address in pages.ADDRESSES.items()},
    **{f"location_{name}": ("location", address) for name, address in pages.ADDRESSES.items()},
    **{f"tab_{name}": ("tab", address) for name, address in pages.ADDRESSES.items()},
    **{f"open_{name}": ("open", address) for name, address in pages.ADDRESSES.items()},
    **{f"go_{name}": ("go", script) for name, script in pages.GO.items()},
    **{f"head_{name}": ("head", html) for name, html in pages.HEAD.items()},
    **{f"body_{name}": ("body", html) for name, html in pages.BODY.items()},
    **{f"click_{name}": ("click", html) for name, html in pages.CLICKED.items()},
    **{f"answer_{name}": ("answer", told) for name, told in pages.ANSWERS.items()},
}
ESCAPES = tuple((name, f"/escape/{name}") for name in _WAYS)
"""Name and path of every attempt to leave."""

SAME = tuple((name, f"/spelled/{name}") for name in pages.SAME)
"""Links that look like another site and are the same one to a browser: they lead to ``/same/<name>``."""

TRAPS = (*((name, f"/{name}") for name in pages.TRAPS), *((name, f"/{name}") for name in _STREAMS))
"""Name and path of what wears out a browser, or asks for what a page may not have."""

FIELDS = tuple((name, f"/{name}") for name in pages.FIELDS)
"""Name and path of what is after a password; what was typed is in ``Hostile.typed``."""


class Typed(NamedTuple):
    """What a field held after a letter: the page, the field's id and its type at that moment, and the text."""

    page: str
    field: str
    type: str
    text: str


class Hostile(Site):
    """The hostile site. Only ``127.0.0.1`` and its port should be allowed by who tests.

    Args:
        elsewhere: the address of the other site, such as ``Elsewhere().url``.

    Attributes:
        tried: the names of attempts whose script ran, at loading and at each click.
        reached: host and path of requests under a name that was not allowed, or that only an escape makes.
        leaks: what a page could read of where it may not, as name and text.
        told: what asking for a permission brought, as kind and answer.
        typed: what was typed into the pages of ``FIELDS``.
        stolen: what was posted by the page that talks to the model.
    """

    def __init__(self, elsewhere):
        super().__init__(also=_OTHERS)
        self.elsewhere = elsewhere.rstrip("/")
        self.tried, self.reached, self.leaks, self.told, self.typed, self.stolen = [], [], [], [], [], []

    @property
    def escaped(self):
        """All that an escape left here; empty where nothing got out."""
        with self.changed:
            return [*self.reached, *self.leaks]

    def answer(self, asked):
        """Return the answer to a request."""
        if asked.host != f"127.0.0.1:{self.port}" or asked.path.startswith("/reached/"):
            self._note(self.reached, (asked.host, asked.path))
        first, _, name = asked.path.lstrip("/").partition("/")
        if asked.method == "POST" and (found := getattr(self, f"_post_{first}", None)):
            return found(asked)
        if found := getattr(self, f"_get_{first or 'home'}", None):
            return found(asked, name)
        if first in pages.FIELDS:
            return self._field(first)
        if first in pages.TRAPS:
            return self._page(first, "<input {{field}}>", script=pages.TRAPS[first])
        return self._page(first, "<p>Nothing is here.</p>")._replace(status=404)

    def heard(self, line):
        """Take note of TLS, which nobody was allowed to speak here."""
        if line.startswith(b"\x16"):
            self._note(self.reached, ("TLS", ""))

    def _note(self, kept, what):
        with self.changed:
            kept.append(what)

    def _fill(self, text, name):
        port = self.elsewhere.rpartition(":")[2]
        values = {"url": self.elsewhere, "port": port, "own": str(self.port), "name": name}
        for key, value in values.items():
            text = text.replace("{{" + key + "}}", value)
        return re.sub(r"\{\{(act|field|home)(?::([^}]*))?\}\}", _boxed, text)

    def _page(self, name, body="", head="", script="", act="<button {{act}} onclick='act(true)'>Go on</button>"):
        run = f"function act(clicked){{tell('/tried',{{name:'{name}',clicked}});{script}\n}}" if script else ""
        run = run or f"function act(clicked){{tell('/tried',{{name:'{name}',clicked}})}}"
        return Answer(
            self._fill(
                f"<!doctype html><html lang=en><meta charset=utf-8><title>{escape(name)}</title>"
                f"<link rel=icon href='data:,'><style>{_STYLE}</style><script>{pages.SCRIPT}{run}</script>{head}<body>"
                f"<h1>{escape(name)}</h1>{act}<a {{{{home}}}} href='/'>Home</a><p id=result></p>"
                f"<div id=more></div>{body}<script>addEventListener('load',()=>act(false))</script>",
                name,
            )
        )

    # --- ways out ----------------------------------------------------------------------------------------------------

    def _get_home(self, asked, name):
        return self._page("A quiet page", "<div id=main>Nothing happens here.</div>")

    def _get_escape(self, asked, name):
        if name not in _WAYS:
            return self._page(name)._replace(status=404)
        way, told = _WAYS[name]
        if way == "answer":
            status, headers = told
            headers = tuple((key, self._fill(value, name)) for key, value in headers)
            return self._page(name, "<img src='data:,'>")._replace(status=status, headers=headers)
        return self._page(name, **_parts(way, told))

    def _get_spelled(self, asked, name):
        return self._page(name, act=f'<a {{{{act}}}} href="{pages.SAME.get(name, "/")}">Go on</a>')

    def _get_same(self, asked, name):
        return self._page(f"The same: {name}")

    def _get_reached(self, asked, name):
        return self._page("Reached")

    def _get_out(self, asked, name):
        return to_page(f"{self.elsewhere}/{name}", 302)

    def _get_out307(self, asked, name):
        return to_page(f"{self.elsewhere}/{name}", 307)

    def _get_hop3(self, asked, name):
        return to_page(f"/hop2/{name}", 302)

    def _get_hop2(self, asked, name):
        return to_page(f"/hop1/{name}", 307)

    def _get_hop1(self, asked, name):
        return to_page(f"{self.elsewhere}/{name}", 301)

    def _get_worker(self, asked, name):
        return Answer(self._fill(pages.WORKER, "go_" + next(iter(asked.query), "")), kind="text/javascript")

    # --- traps -------------------------------------------------------------------------------------------------------

    def _get_loop(self, asked, name):
        count = int(asked.query.get("n", "0"))
        return to_page(f"/loop?n={count + 1}", 302)

    def _get_endless(self, asked, name):
        return Answer(self._stream(b"<p>and on</p>\n" * 16384, 0.01))

    def _get_drip(self, asked, name):
        return Answer(self._stream(b"<p>and on</p>\n", 0.1))

    def _get_silent(self, asked, name):
        self.closing.wait(60)
        return self._page("silent")

    def _get_half(self, asked, name):
        return Answer((b"<p>half",), headers=(("content-length", "1000"),))

    def _get_big(self, asked, name):
        chunk = b"<p>" + b"x" * 999_993 + b"</p>"
        count = BIG_BYTES // len(chunk)
        return Answer((chunk for _ in range(count)), headers=(("content-length", str(count * len(chunk))),))

    def _get_blank(self, asked, name):
        return self._page("blank")

    def _get_file(self, asked, name):
        disposition = (("content-disposition", 'attachment; filename="x.bin"'),)
        return Answer(b"not asked for", headers=disposition, kind="application/octet-stream")

    def _stream(self, chunk, pause_s):
        yield b"<!doctype html><title>endless</title>"
        while not self.closing.wait(pause_s):
            yield chunk

    def _field(self, name):
        tell = (
            f"<script>function typed(el){{tell('/typed',{{page:'{name}',field:el.id,type:el.type,text:el.value}})}}"
            "addEventListener('input',e=>{if(e.target.type!==undefined)typed(e.target)})</script>"
        )
        return self._page(name, f"{tell}<div>{pages.FIELDS[name]}</div>")

    # --- what pages tell ---------------------------------------------------------------------------------------------

    def _post_tried(self, asked):
        self._note(self.tried, asked.fields()["name"])
        return Answer()

    def _post_leak(self, asked):
        fields = asked.fields()
        self._note(self.leaks, (fields["name"], fields["text"]))
        return Answer()

    def _post_told(self, asked):
        fields = asked.fields()
        self._note(self.told, (fields["what"], fields["got"]))
        return Answer()

    def _post_typed(self, asked):
        self._note(self.typed, Typed(**asked.fields()))
        return Answer()

    def _post_stolen(self, asked):
        self._note(self.stolen, asked.fields())
        return self._page("Thank you")


def _parts(way, told):
    """Return where an attempt stands in its page."""
    return {
        "link": {"act": f'<a {{{{act}}}} href="{escape(told)}">Go on</a>'},
        "tab": {"act": f'<a {{{{act}}}} target=_blank href="{escape(told)}">Go on</a>'},
        "location": {"script": f"location={_js(told)}"},
        "open": {"script": f"open({_js(told)})"},
        "go": {"script": told},
        "head": {"head": told, "body": "<input {{field}}>"},
        "body": {"body": f"<div id=main>{told}</div>"},
        "click": {"act": told},
    }[way]


def _boxed(match):
    """Write the id and the place of what ``{{act}}``, or ``{{act:more style}}``, stands for."""
    left, top, width, height = BOXES[match[1]]
    style = f"left:{left}px;top:{top}px;width:{width}px;height:{height}px;{match[2] or ''}"
    return f"id={match[1]} class=box style='{style}'"


def _js(address):
    """Write an address as a text of JavaScript within HTML."""
    told = address.replace("\\", "\\\\").replace("'", "\\'").replace("\t", "\\t").replace("</", "<\\/")
    return f"'{told}'"


class Elsewhere(Site):
    """The site that must not be reached: it would answer everything, to anybody, also to datagrams' senders.

    Attributes:
        connections: where each connection came from, also those on which nothing was said.
        lines: the first line of each request, as bytes, whatever it is.
        datagrams: what came by UDP on the same port.
    """

    def __init__(self):
        super().__init__(also=_OTHERS)
        self.connections, self.lines, self.datagrams = [], [], []
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            self._udp.bind(("127.0.0.1", self.port))
        except OSError:  # somebody else has it: then nothing can come by UDP
            self._udp.bind(("127.0.0.1", 0))
        self._listener = threading.Thread(target=self._listen, daemon=True)

    @property
    def touched(self):
        """All that arrived; empty where nothing did."""
        with self.changed:
            return [*self.lines, *self.datagrams] or list(self.connections)

    def __enter__(self):
        self._listener.start()
        return super().__enter__()

    def close(self):
        """Stop listening."""
        self.closing.set()
        if self._listener.is_alive():
            with contextlib.suppress(OSError):
                self._udp.sendto(b"", self._udp.getsockname())  # wakes the listener
            self._listener.join()
        self._udp.close()
        super().close()

    def _listen(self):
        while not self.closing.is_set():
            with contextlib.suppress(OSError):
                data, _ = self._udp.recvfrom(65536)
                if data:
                    self._note(self.datagrams, data)

    def _note(self, kept, what):
        with self.changed:
            kept.append(what)
            self.changed.notify_all()

    def connected(self, client_address):
        """Take note of a connection."""
        self._note(self.connections, client_address)

    def heard(self, line):
        """Take note of a request's first line; of one that is no HTTP, such as the start of TLS, of some bytes."""
        self._note(self.lines, line[:400])

    def answer(self, asked):
        """Welcome whoever comes."""
        open_to_all = (("access-control-allow-origin", "*"), ("access-control-allow-headers", "*"))
        open_to_all += (("access-control-allow-methods", "*"),)
        return Answer("<!doctype html><title>Elsewhere</title><h1>You are elsewhere</h1>", headers=open_to_all)
