"""What our side of a browser's action costs beside Playwright alone, and a replay beside the run, in the same run.

    python tests/bench/browser.py [ROUNDS]

Both do the same to the tea shop of the tests, which is on loopback: go to a page, click into a field, type a word, each
followed by a picture of the viewport. Playwright alone waits for nothing after an action but the picture; ours waits
until nothing was loaded for ``settle_s`` (0.2 s by default), asks for title and accessibility tree, and goes through
the gate. The two take turns; medians are told, in milliseconds.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "tools" / "cua")]

from playwright.sync_api import sync_playwright  # noqa: E402 - after the path
from shop_site import PLACES, Shop  # noqa: E402 - after the path
from surfer import Surfer, act, open_log, policy_for  # noqa: E402 - after the path

from lllm.replay import replay  # noqa: E402 - after the path
from lllm.tools.cua.action import Display, parse_action  # noqa: E402 - after the path
from lllm.tools.cua.chromium import find_chromium, is_sandboxed  # noqa: E402 - after the path
from lllm.tools.cua.engine import Engine  # noqa: E402 - after the path

WORD = "teapot"
STEPS = ("goto", "click", "type")


def timed(work):
    begun = time.perf_counter()
    work()
    return (time.perf_counter() - begun) * 1000


class Alone:
    """Playwright as it is."""

    def __init__(self, shop):
        self._shop = shop
        self._playwright = sync_playwright().start()
        self._browser = self._playwright.chromium.launch(
            executable_path=find_chromium(), chromium_sandbox=is_sandboxed()
        )
        self._page = self._browser.new_page(viewport={"width": 1280, "height": 800})
        self._page.screenshot()

    def step(self, name):
        match name:
            case "goto":
                self._page.goto(f"{self._shop.url}/search")
            case "click":
                self._page.mouse.click(*PLACES["search.query"])
            case _:
                self._page.keyboard.type(WORD)
        self._page.screenshot()

    def close(self):
        self._browser.close()
        self._playwright.stop()


class Ours:
    """The engine of ``lllm.tools.cua``."""

    def __init__(self, shop, settle_s):
        self._told = {
            "goto": act("goto", url=f"{shop.url}/search"),
            "click": act("click", PLACES["search.query"]),
            "type": act("type", text=WORD),
        }
        self._engine = Engine(policy_for(shop, settle_s=settle_s))
        self.do({"type": "screenshot"})

    def do(self, told):
        self._engine.act(parse_action(told, Display()), lambda _kind, _what: False)

    def step(self, name):
        self.do(self._told[name])

    def close(self):
        self._engine.close()


def main(rounds):
    told = {}
    with Shop() as shop:
        makers = {
            "alone": lambda: Alone(shop),
            "ours": lambda: Ours(shop, 0.2),
            "ours_settle_0": lambda: Ours(shop, 0.0),
        }
        browsers = {}
        for name, make in makers.items():
            told[f"start_{name}"] = timed(lambda name=name, make=make: browsers.update({name: make()}))
        taken = {(name, step): [] for name in browsers for step in STEPS}
        for _ in range(rounds):
            for name, browser in browsers.items():
                for step in STEPS:
                    taken[name, step].append(timed(lambda browser=browser, step=step: browser.step(step)))
        for browser in browsers.values():
            browser.close()
        told |= {f"{step}_{name}": statistics.median(each) for (name, step), each in taken.items()}
        told |= measure_replay(shop, rounds)
    print(json.dumps({name: round(value, 2) for name, value in told.items()}, indent=2))


def measure_replay(shop, rounds):
    """Return what a run of ``3 * rounds`` actions takes live and replayed, and the bytes of its log."""
    actions = [act("goto", url=f"{shop.url}/search"), act("click", PLACES["search.query"]), act("type", text=WORD)]
    surfer = Surfer(policy_for(shop), actions * rounds, max_interrupt_times=None)
    with tempfile.TemporaryDirectory() as folder:
        log = open_log(folder)
        live = timed(lambda: surfer.live(log))
        again = timed(lambda: replay(log, "s", surfer.run))
        size = sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())
    n = len(surfer.actions)
    return {"live_per_action": live / n, "replay_per_action": again / n, "log_kb_per_action": size / n / 1000}


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10)
