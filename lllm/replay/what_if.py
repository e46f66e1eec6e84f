"""What if: today's code, prompts or another model over a recorded task, with the world as it was then.

Models are asked for real. Functions do not run: what one returned is looked up by its name, its arguments, and how
often it was called with them before. A call that was never recorded stops the run: nobody knows what it would return.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from lllm.llm.build import build_session_limits
from lllm.llm.place import ReplayStopped
from lllm.llm.session import Session
from lllm.llm.stream import Listener
from lllm.log.base import ReplayableLogBase
from lllm.replay.diff import RunDiff, diff_runs
from lllm.replay.overrides import NO_OVERRIDES, Overrides, to_built, to_overridden_header
from lllm.replay.recording import Recording
from lllm.replay.rerun import Run, build_live, finished, kept, prompts_replaced, run_of
from lllm.replay.world import WhatIfTape, World

_OF_THE_OLD = frozenset({"session", "run_id", "parent", "forks"})


@dataclass(frozen=True, slots=True)
class WhatIfReport:
    """What would have been.

    Attributes:
        session: where the new run is logged; it replays like any other.
        result: what it returned.
        diff: the recorded run and the new one side by side, with tokens, money and time.
    """

    session: str
    result: Any
    diff: RunDiff


def what_if(
    log: ReplayableLogBase,
    session: str = "last",
    run: Run | None = None,
    *,
    overrides: Overrides = NO_OVERRIDES,
    listen: Listener | None = None,
    on_open: Callable[[str], None] | None = None,
) -> WhatIfReport:
    """Run a recorded session's task anew: models are asked, functions and steps answer what they answered then.

    Args:
        log: where the session is, and where the new one will be.
        session: its name, a unique start of it, or ``last``.
        run: what the session ran; default: the ``AgentBase`` that its header names.
        overrides: what is different: a model, a prompt, a setting.
        listen: told what calls do while they do it.
        on_open: told the new session's name.

    Raises:
        ReplayDiverged: a function or a step is called that was never recorded.
        LLLMError: whatever the run raises; its session is logged.
    """
    name = log.resolve(session)
    recording = Recording(log.read_run(name))
    header = {
        **to_overridden_header({k: v for k, v in recording.header.items() if k not in _OF_THE_OLD}, overrides),
        "what_if": {"session": name, "chain": recording.events[-1].h},
    }
    with prompts_replaced(header["prompts"]):
        code = run or run_of(build_live(to_built(header, overrides)), header)
        opened = _open(log, name, header, WhatIfTape(World(name, recording)))
        opened.listen = listen
        if on_open is not None:
            on_open(opened.name)
        try:
            with opened:
                result = kept(opened, finished(code(opened)))
        except ReplayStopped as stop:
            raise stop.failure from None
    both = (log.read_run(name), log.read_run(opened.name))
    return WhatIfReport(opened.name, result, diff_runs(*both, names=(name, opened.name)))


def _open(log: ReplayableLogBase, name: str, header: Mapping[str, Any], tape: WhatIfTape) -> Session:
    limits = build_session_limits(header.get("config") or {})
    new = f"{name[:90]}-if-{uuid4().hex[:6]}"
    return Session.open(log, new, header=header, limits=limits, seed=header.get("seed"), tape=tape)
