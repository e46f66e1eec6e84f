"""The world as it was: what functions and steps of a recorded run answered, by what they were asked.

What one returned is looked up by its name, its arguments, and how often it was called with them before.
"""

from __future__ import annotations

import json
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from typing import Any

from lllm.errors import ReplayDiverged
from lllm.llm.effects import MISSING, Effect, Effects, Job, ListTools, NextResult, StartFunctions
from lllm.llm.mcp_offers import offer_id
from lllm.llm.place import ReplayStopped
from lllm.llm.stream import Listener
from lllm.models.call import FunctionCall, parse_arguments
from lllm.models.mcp import MCP
from lllm.replay.rebuilt import to_answered, to_error
from lllm.replay.recording import Recording

_OWN = frozenset({"now", "uuid4"})  # what is asked without doing anything


class World:
    """What functions and steps of a recorded run answered, each answer to be given once.

    Args:
        session: the recorded one's name.
        recording: its events.
    """

    def __init__(self, session: str, recording: Recording) -> None:
        self._session, self._recording = session, recording
        self._answers: dict[tuple[str, str], deque[Mapping[str, Any]]] = defaultdict(deque)
        self._values: dict[tuple[str, str], deque[Mapping[str, Any]]] = defaultdict(deque)
        self._lock = threading.Lock()
        for event in recording.events:
            if recording.is_nested(event):
                continue
            if event.kind == "function.call" and (found := recording.find("function.result", event.id)) is not None:
                arguments, fault = parse_arguments(event.data["arguments"])
                if not fault:  # what is no JSON object nobody can ask for
                    self._answers[event.data["name"], _key(arguments)].append(found.data)
            elif event.kind == "value":
                step = recording.find("step", event.id)
                about = None if step is None else step.data.get("about")
                self._values[event.data["name"], _key(about or {})].append(event.data)

    def answer(self, job: Job) -> FunctionCall:
        """Return a call with its recorded answer.

        Raises:
            ReplayStopped: no such call is left in the recording.
        """
        with self._lock:
            left = self._answers[job.function.name, _key(job.call.arguments)]
            data = left.popleft() if left else None
        if data is None:
            raise self._stopped("function.call", job.id, f"{job.function.name}({job.call.raw_arguments})")
        return to_answered(job.call, data)

    def value(self, name: str, id_: str, about: Mapping[str, Any]) -> Any:
        """Return the next recorded value of a step, or MISSING for the time and the like."""
        with self._lock:
            left = self._values[name, _key(about)]
            data = left.popleft() if left else None
        if data is None and name in _OWN:
            return MISSING
        if data is None:
            raise self._stopped("step", id_, f"{name} {_key(about)}" if about else name)
        if "error" in data:
            raise to_error(data["error"], path=data.get("type", ""))
        return data["value"]

    def offer(self, id_: str, server: MCP) -> str:
        """Return what a server offered.

        Raises:
            ReplayStopped: nobody asked it.
        """
        if text := self._recording.offer(offer_id(server)):
            return text
        raise self._stopped("offer", id_, f"what MCP server {server.server_label!r} offers")

    def _stopped(self, kind: str, id_: str, what: str) -> ReplayStopped:
        known = [
            f"{e.data.get('name')}({e.data.get('arguments', '')})" for e in self._recording.events if e.kind == kind
        ]
        report = {
            "session": self._session,
            "seq": None,
            "id": id_,
            "kind": kind,
            "pointer": "",
            "expected": known[:20],
            "got": what,
            "diff": "",
            "cause": "today's run does what was never recorded, so nobody knows what it would return",
            "message": f"the recording has no answer for {what:.200}",
        }
        hint = f"let it run for real in a fork: lllm fork {self._session}"
        return ReplayStopped(ReplayDiverged(str(report["message"]), report=report, where=id_, hint=hint))


class WhatIfTape:
    """Answers functions and steps from a recorded run, and lets models be asked."""

    offline = False

    def __init__(self, world: World) -> None:
        self._world = world

    def effects(self, live: Callable[[], Effects], listen: Listener | None = None) -> Effects:
        """Return what performs the effects of one call."""
        del listen
        return WhatIfEffects(self._world, live())

    def value(self, id: str, name: str, about: Mapping[str, Any] | None = None) -> Any:  # noqa: A002 - as above
        """Return the recorded value of a step."""
        return self._world.value(name, id, about or {})

    def is_spent(self, dialog_id: str) -> bool | None:
        """Leave it to the session."""
        del dialog_id

    def begun(self, id: str) -> int | None:  # noqa: A002 - as above
        """Return None: every item of a map begins."""
        del id

    def earlier(self, name: str) -> list[tuple[str, Mapping[str, Any], Any]]:
        """Return nothing: what functions left behind is not there, and none of them runs."""
        del name
        return []

    def next_number(self, prefix: str, cause: int) -> int | None:
        """Return None: ids are drawn anew."""
        del prefix, cause

    def first_free(self, prefix: str, first: int) -> int:
        """Return the first number."""
        del prefix
        return first

    def key(self, id: str) -> str | None:  # noqa: A002 - as above
        """Return None: no function runs."""
        del id

    def attempt(self, id: str) -> int:  # noqa: A002 - as above
        """Return 0: no step runs."""
        del id
        return 0


class WhatIfEffects:
    """Performs the effects of one call: model calls for real, functions from the recording."""

    def __init__(self, world: World, live: Effects) -> None:
        self._world, self._live = world, live
        self._results: deque[tuple[int, FunctionCall]] = deque()

    def perform(self, effect: Effect) -> Any:
        """Perform one effect, blocking."""
        done, answer = self._served(effect)
        return answer if done else self._live.perform(effect)

    async def aperform(self, effect: Effect) -> Any:
        """Async twin of :meth:`perform`."""
        done, answer = self._served(effect)
        return answer if done else await self._live.aperform(effect)

    def _served(self, effect: Effect) -> tuple[bool, Any]:
        match effect:
            case StartFunctions(jobs):
                self._results.extend((job.ordinal, self._world.answer(job)) for job in jobs)
                return True, None
            case NextResult():
                return True, self._results.popleft()
            case ListTools(id_, server):
                return True, self._world.offer(id_, server)
            case _:
                return False, None


def _key(arguments: Any) -> str:
    return json.dumps(arguments, sort_keys=True)
