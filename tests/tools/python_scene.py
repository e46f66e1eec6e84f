"""An analyst that computes with ``run_python`` and calls a service: the program, its service and its log."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from lllm.llm.agent import Agent
from lllm.llm.session import Session
from lllm.log import LocalFileLog
from lllm.models.prompt import Prompt
from lllm.proxies.base import BaseProxy, ProxyRegistrator, register_proxy
from lllm.proxies.runtime import Proxy
from lllm.testing import function_model
from lllm.tools.python import run_python

KEY = "sk-planted-0123456789"
CELLS = (
    "rows = CALL_API('shop/sales/rows', {'n': 3})['rows']; x = sum(rows); print('got', rows)",
    "x += 1; x",
    "x * 10",
)


class Service:
    """A service on loopback that wants a key, and echoes it."""

    def __init__(self):
        self.asked = []
        asked = self.asked

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                asked.append((self.path, self.headers.get("x-key")))
                body = json.dumps({"rows": [1, 2, 3], "echo": self.headers.get("x-key")}).encode()
                self.send_response(200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Analyst:
    """The program, and how often its model was asked.

    Attributes:
        cells: what the model runs, one a step.
        seen: what the model read of each.
    """

    def __init__(self, folder, service, monkeypatch, cells=CELLS):
        monkeypatch.setenv("SHOP_KEY", KEY)
        port = service.server.server_port

        @ProxyRegistrator(path="shop", name="Shop", description="Sales of a shop.")
        class Shop(BaseProxy):
            base_url = f"http://127.0.0.1:{port}"
            api_key_env, api_key_name, api_key_in = "SHOP_KEY", "x-key", "header"
            cache_ttl_s = 0

            @BaseProxy.endpoint(
                category="sales", endpoint="rows", description="Rows.", params={"n*": (int, 3)}, response={"rows": [1]}
            )
            def rows(self): ...

        register_proxy("shop", Shop, overwrite=True)
        self.log = LocalFileLog("analyst", {"log_dir": str(folder)})
        self.cells, self.seen, self.asked = cells, [], 0
        self.proxy = Proxy(["shop"], cache=False)

    def run(self, session):
        session.load_proxy = lambda: self.proxy
        agent = Agent(
            name="analyst",
            system_prompt=Prompt(path="analyst", prompt="You compute.", functions_list=[run_python]),
            model="m",
            provider=function_model(self._reply),
        )
        dialog = agent.init_dialog(session=session)
        dialog.send_message("go")
        session.result = agent.call(dialog)[0].content
        return session.result

    def record(self, name="whole"):
        with Session.open(self.log, name, header={"task": "t"}, seed=1) as session:
            self.run(session)
        self.seen, self.asked = [], 0

    def _reply(self, request):
        self.asked += 1
        read = [message.content for message in request.history if message.role == "tool"]
        self.seen = read
        if len(read) < len(self.cells):
            code = self.cells[len(read)]
            return {"calls": [{"name": "run_python", "arguments": {"code": code}, "id": f"c{len(read)}"}]}
        return f"the answer is {read[-1]}"

    def events(self, name="whole"):
        return list(self.log.read_run(name))

    def text(self):
        """All bytes that the log holds, as text."""
        return "".join(p.read_text("utf-8", "replace") for p in self.log.folder.parent.rglob("*") if p.is_file())
