"""Records programs and scenes, or replays each into a second log and compares the bytes; a process of its own."""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from proof_plans import draw_plan
from proof_programs import Program, World

from lllm.llm.session import Session
from lllm.log import LocalFileLog
from lllm.replay import replay
from lllm.replay.second import is_identical

sys.path.insert(0, str(Path(__file__).parents[1] / "replay"))
from replay_scenes import SCENES, NoModel
from replay_scenes import World as SceneWorld


def names(amount: int) -> list[str]:
    """Return the names of all sessions: of the drawn programs, then of the scenes."""
    return [f"p{seed}" for seed in range(amount)] + [f"x-{name}" for name in sorted(SCENES)]


def run_of(name: str, *, live: bool) -> Any:
    """Return what a session runs."""
    if name.startswith("p"):
        return Program(draw_plan(int(name[1:])), World(live=live, wild=True))
    scene = SCENES[name[2:]]
    world = SceneWorld(scene.model() if live else NoModel(), live=live)
    return lambda session: scene.run(session, world)


def record(log: LocalFileLog, name: str) -> None:
    """Run one for real; how it ends is its own business."""
    with suppress(BaseException), Session.open(log, name, header={"task": name}) as session:
        result = run_of(name, live=True)(session)
        session.result = asyncio.run(result) if asyncio.iscoroutine(result) else result


def is_same(log: LocalFileLog, name: str, folder: Path, *, damage: bool) -> bool:
    """Replay one into a second log; return whether that has the same bytes, of which one may be changed on the way."""
    report = replay(log, name, run=run_of(name, live=False), copy_to=folder)
    if damage:
        events = Path(report.copy) / "events-000001.jsonl"
        events.write_bytes(events.read_bytes().replace(b"session.open", b"session.oben", 1))
    same = report.status == "same" and is_identical(log.session_path(name), Path(report.copy))
    shutil.rmtree(folder, ignore_errors=True)
    return same


def main(verb: str, folder: Path, amount: int) -> dict[str, Any]:
    """Do all of them and return what came of it."""
    log = LocalFileLog("sessions", {"log_dir": str(folder), "durability": "none"})
    every = names(amount)
    if verb == "record":
        for name in every:
            record(log, name)
        return {"sessions": len(every)}
    unlike = [name for name in every if not is_same(log, name, folder / "copy", damage=verb == "replay-damaged")]
    return {"sessions": len(every), "identical": len(every) - len(unlike), "unlike": unlike}


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))))
