"""The vendor's own tool, whole: a service that speaks the responses format, and a real browser that does what it says."""

from __future__ import annotations

import json
import threading
from base64 import b64decode
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from shop_site import PLACES, Shop
from surfer import in_browser, open_log, policy_for

from lllm.const import APITypes
from lllm.llm import Agent, Session
from lllm.models import Prompt
from lllm.providers import build_provider
from lllm.replay import replay
from lllm.tools.cua import computer_function

CHECK = {"id": "cu_sc_1", "code": "irrelevant_domain", "message": "Is this the right shop?"}


class Service:
    """Answers each request with the next output of its script, and keeps what it was asked."""

    def __init__(self, *outputs):
        asked, left = [], list(outputs)

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                asked.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
                told = {"id": f"resp_{len(asked)}", "object": "response", "model": "m", "status": "completed"}
                body = json.dumps({**told, "output": left.pop(0)}).encode()
                self.send_response(200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.asked = asked
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def moved(number, *actions, checks=()):
    """Return an item that asks for actions."""
    told = {"id": f"cu_{number}", "call_id": f"call_{number}", "status": "completed"}
    return {"type": "computer_call", **told, "actions": list(actions), "pending_safety_checks": list(checks)}


DRAG = {"type": "drag", "path": [{"x": x, "y": y} for x, y in (PLACES[f"list.{n}"] for n in (1, 3, 5))]}
SAID = {
    "type": "message",
    "id": "msg_1",
    "role": "assistant",
    "status": "completed",
    "content": [{"type": "output_text", "text": "Sorted.", "annotations": []}],
}


@pytest.fixture
def shop():
    with Shop() as shop:
        yield shop


@in_browser
def test_a_service_drives_a_browser_by_its_own_tool(shop, tmp_path, monkeypatch):
    """Its declaration, its items, a picture for each of its calls, the check that was acknowledged; and the replay."""
    service = Service([moved(1, {"type": "screenshot"})], [moved(2, DRAG, {"type": "wait"}, checks=[CHECK])], [SAID])
    asked = []

    def approve(approval):
        asked.append(approval)
        return True

    policy = policy_for(shop, start=f"{shop.url}/list")
    prompt = Prompt(path="p", prompt="Sort.", functions_list=[computer_function(policy, approve)])
    provider = build_provider("openai", {"base_url": service.url, "api_key": "k"}, api="responses")

    def run(session):
        agent = Agent(name="a", system_prompt=prompt, model="m", provider=provider, api_type=APITypes.RESPONSE)
        dialog = agent.init_dialog(session=session)
        dialog.send_message("Put the apples last.")
        session.result = agent.call(dialog)[0].content
        return session.result

    log = open_log(tmp_path)
    with Session.open(log, "s", seed=0) as session:
        assert run(session) == "Sorted."
    service.close()
    assert shop.list_order[-1] == "apples"
    assert [approval.what for approval in asked] == [CHECK["message"]]
    first, _, last = service.asked
    assert first["tools"] == [{"type": "computer"}]
    shown = [item for item in last["input"] if item.get("type") == "computer_call_output"]
    assert [item["call_id"] for item in shown] == ["call_1", "call_2"]
    assert [item.get("acknowledged_safety_checks") for item in shown] == [None, [CHECK]]
    for item in shown:
        kind, _, picture = item["output"]["image_url"].partition(",")
        assert kind == "data:image/png;base64"
        assert b64decode(picture).startswith(b"\x89PNG")
    shop.close()
    monkeypatch.setenv("LLLM_CHROMIUM", "no-such-browser")
    assert replay(log, "s", run).status == "same"
