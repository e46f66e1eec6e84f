"""Functions that return pictures: the model sees them, the log keeps them, a replay serves them."""

from __future__ import annotations

from base64 import b64encode

import pytest
from world import calls

from lllm.llm import Agent, Session
from lllm.log import LocalFileLog
from lllm.models import Image, Prompt
from lllm.replay import replay
from lllm.testing import function_model

PICTURE = Image(b64encode(bytes(range(256)) * 100).decode())


def look(times: int) -> list:
    """Look at something."""
    return [f"seen {times} times", PICTURE]


class Painter:
    """An agent whose model looks once and then tells how many pictures it was shown."""

    def __init__(self, function=look):
        self.looked = 0
        self.shown = []

        def run(times: int) -> list:
            self.looked += 1
            return function(times)

        def respond(request):
            results = [message for message in request.history if message.role == "tool"]
            self.shown = [image for message in results for image in message.images]
            return f"{len(self.shown)} pictures" if results else calls(("look", {"times": 2}))

        prompt = Prompt(path="p", prompt="x", functions_list=[run])
        prompt.functions_list[0].name = "look"
        self.agent = Agent(name="a", system_prompt=prompt, model="m", provider=function_model(respond))

    def run(self, session):
        dialog = self.agent.init_dialog(session=session)
        dialog.send_message("go")
        session.result = self.agent.call(dialog)[0].content
        return session.result


@pytest.fixture
def log(tmp_path):
    return LocalFileLog("x", {"log_dir": str(tmp_path)})


def test_a_model_sees_the_pictures_that_a_function_returns(log):
    painter = Painter()
    with Session.open(log, "s", seed=0) as session:
        assert painter.run(session) == "1 pictures"
    assert painter.shown == [PICTURE]


def test_a_picture_is_kept_once_and_as_a_blob(log, tmp_path):
    """A run of a hundred screenshots must not be a log of a hundred megabytes of text."""
    with Session.open(log, "s", seed=0) as session:
        Painter().run(session)
    (events,) = tmp_path.rglob("events-*.jsonl")
    assert len(events.read_bytes()) < len(PICTURE.base64)
    assert len([path for path in tmp_path.rglob("blobs/*/*") if path.stat().st_size > 8000]) == 1


def test_a_replay_serves_the_picture_and_looks_at_nothing(log):
    with Session.open(log, "s", seed=0) as session:
        Painter().run(session)
    painter = Painter()
    report = replay(log, "s", painter.run)
    assert (report.status, report.result, painter.looked) == ("same", "1 pictures", 0)


def test_another_picture_in_the_log_is_another_run(log):
    """The pictures are part of what a request is made of, so that nothing can be changed unseen."""
    with Session.open(log, "s", seed=0) as session:
        Painter().run(session)
    events = log.read_run("s")
    (result,) = [event for event in events if event.kind == "function.result"]
    assert [image["base64"] for image in result.data["message"]["images"]] == [PICTURE.base64]
    with Session.open(log, "t", seed=0) as session:
        Painter(lambda times: [f"seen {times} times", Image("aGk=")]).run(session)
    first, second = (
        [event.data["chain"] for event in log.read_run(name) if event.kind == "model.request"] for name in "st"
    )
    assert first[0] == second[0]
    assert first[1] != second[1]
