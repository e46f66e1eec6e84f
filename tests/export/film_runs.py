"""Runs in which a model drove a browser: written event by event, no browser is needed."""

from __future__ import annotations

from export_runs import Story, png

from lllm.utils import encode_json

FRONT, CART = ("https://shop.test/", "Shop"), ("https://shop.test/cart", "Cart")


def seen(at=FRONT, picture=None, notes=(), tree='- heading "Shop" [level=1]'):
    """What an action comes to; a picture is base64."""
    url, title = at
    return {"url": url, "title": title, "notes": [*notes], "tree": tree, "png": png() if picture is None else picture}


class Film(Story):
    """A session whose model drives a browser, call by call; ids are those that sessions give."""

    def __init__(self, task="Buy tea."):
        super().__init__()
        self.steps = 0
        self.add("session.open", task=task, agent_type="buyer", seed=1)
        self.add("dialog.open", "1", agent="buyer")
        self.say("1/m0", "user", task)

    def ask(self, name, about, *acts, text="read", error=None, images=None):
        """Let the model call a function that does something: each act is a function of the scope of the call."""
        step = f"1/s{self.steps}"
        self.steps += 1
        self.add("model.request", step, contract="c", n=1)
        self.reply(step, "", [(name, encode_json(about))], 0.5)
        self.add("function.call", f"{step}/f0", name=name, arguments=encode_json(about))
        for number, act in enumerate(acts):
            act(self, f"{step.replace('/', '-')}-f0.v/{number}")
        message = {"role": "tool", "content": text, "tool_call_id": "c0", "images": images or []}
        self.add("function.result", f"{step}/f0", message=message, **({"error": error} if error else {}))
        return self

    def act(self, action, value=None, error=None, asks=(), path=None):
        """Let the model do one thing in the browser."""
        picture = value.get("png") if isinstance(value, dict) else None
        images = [{"base64": picture, "media_type": "image/png", "url": ""}] if picture else []
        return self.ask(
            "browse", {"step": self.steps}, acting(action, value, error, asks, path), error=error, images=images
        )

    def end(self, status="ok"):
        self.add("call.close", f"1/s{self.steps - 1}", outcome="done")
        self.add("session.close", status=status, result="bought")
        return self


def acting(action, value=None, error=None, asks=(), path=None):
    """An action: what it came to, or failed of, what was asked meanwhile, and where the mouse was."""

    def write(story, id_):
        about = {"action": action} if path is None else {"action": action, "path": path}
        story.add("step", id_, name="browser", about=about)
        for number, ask in enumerate(asks):
            ask(story, f"{id_.replace('/', '~')}.v/{number}")
        if error is not None:
            story.add("value", id_, 0.5, name="browser", error=error)
        elif value is not None:
            story.add("value", id_, 0.5, name="browser", value=value)

    return write


def asking(kind, what, *, granted=None, by="asked"):
    """A question; without an answer, none is logged."""

    def write(story, id_):
        story.add("step", id_, name="approval", about={"kind": kind, "what": what})
        if granted is not None:
            story.add("value", id_, 0.25, name="approval", value={"granted": granted, "by": by})

    return write


def shopping(text=""):
    """Return a run with one of everything that a browser's steps can be; ``text`` stands wherever a page's may stand."""
    film = Film()
    film.act(
        f"goto https://shop.test{text}", seen((f"https://shop.test/{text}", f"Shop{text}"), tree=f"- text: {text}")
    )
    film.act("click (10, 20)", seen(CART, notes=[f"a dialog said: Welcome{text}", "it was closed"]))
    leave = asking("leave", f"https://elsewhere.test/{text}", granted=False, by=f"nobody was there to ask{text}")
    film.act(f"type 'tea{text}'", seen(CART), asks=[asking("password", f"Login{text}", granted=True), leave])
    film.act("scroll (1, 1) by 0, 200", error=f"BrowserError: it died{text}")
    film.act("wait 10 ms", seen(CART, picture=""))
    film.ask(
        "computer", {"actions": []}, asking("safety", f"Is this wise?{text}", granted=False), error="ApprovalDenied"
    )
    film.act("screenshot", seen(CART, picture="bm8gcGljdHVyZQ=="))
    return film.end()


FRAMES = [
    ("goto https://shop.test", ""),
    ("click (10, 20)", ""),
    ("type 'tea'", "refused"),
    ("scroll (1, 1) by 0, 200", "failed"),
    ("wait 10 ms", ""),
    ("safety Is this wise?", "refused"),
    ("screenshot", ""),
]
"""The captions and marks of the film of ``shopping``."""
