"""A made-up service on this machine, in place of one on the internet: so this project runs offline.

``python service/shop.py`` serves it alone until Ctrl-C, and prints the variables that lead to it.
"""

import json
import os
import secrets
import threading
from contextlib import suppress
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

SALES = json.loads(Path(__file__).with_name("sales.json").read_text(encoding="utf-8"))


@cache
def start_shop() -> str:
    """Serve on a free port of this machine until this process ends; return the address.

    Where ``SHOP_KEY`` is not set, it is: to a key of this process alone.
    """
    os.environ.setdefault("SHOP_KEY", secrets.token_hex())
    server = ThreadingHTTPServer(("127.0.0.1", 0), ShopHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}"


class ShopHandler(BaseHTTPRequestHandler):
    """GET /products, /products/NAME/months and /totals; each needs the key."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        key = self.headers.get("X-Shop-Key", "")
        if not secrets.compare_digest(key.encode(), os.environ["SHOP_KEY"].encode()):
            self.answer(401, {"error": "the key is missing or wrong"})
            return
        url = urlsplit(self.path)
        query = {name: values[-1] for name, values in parse_qs(url.query).items()}
        try:
            self.answer(200, find(url.path.strip("/").split("/"), query))
        except KeyError as error:
            self.answer(404, {"error": f"there is no {error.args[0]!r}"})

    def answer(self, status: int, data: object) -> None:
        body = json.dumps(data).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Say nothing: the calls are in the session's log."""


def find(parts: list[str], query: dict[str, str]) -> object:
    """Return what a path asks for; KeyError when there is no such thing."""
    match parts:
        case ["products"]:
            return [{"product": name, "unit": told["unit"]} for name, told in SALES.items()]
        case ["products", name, "months"]:
            first, last = query.get("from", ""), query.get("to", "9999-99")
            months = SALES[name]["months"].items()
            return {"product": name, "months": [{"month": m, "units": n} for m, n in months if first <= m <= last]}
        case ["totals"]:
            return {name: sum(told["months"].values()) for name, told in SALES.items()}
    raise KeyError("/".join(parts))


if __name__ == "__main__":
    print(f"export SHOP_URL={start_shop()} SHOP_KEY={os.environ['SHOP_KEY']}", flush=True)
    with suppress(KeyboardInterrupt):
        threading.Event().wait()
