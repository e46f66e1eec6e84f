"""Has nano answer, and prints what came of it as JSON: ``python ask_nano.py PROJECT``.

In a process of its own, since one that has used MLX cannot be forked. The project is a fresh starter; its sessions are
for the tests to read.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from lllm import Agent, auto_discover, build_agent
from lllm.config import load_agent_config
from lllm.errors import LLLMError

TASKS = (
    "What does the fuel for 420 km cost?",
    "How much is the fuel for 95 km?",
    "Price the fuel for a trip of 1310 km.",
)
SLIPS = range(14, 60)
"""Seeds that are tried until one leads to a reply that is mended; with the weights of today it is the first."""


def build_system(project: Path, **planner):
    """Return the starter's system, asking nano."""
    overrides = [f"agent_configs.planner.{name}={value}" for name, value in planner.items()]
    config = load_agent_config(project / "config/default.yaml", env={"LLLM_PROVIDER": "nano"}, overrides=overrides)
    return build_agent(config.values)


def answer_tasks(project):
    """Return what comes of each task at temperature 0."""
    system = build_system(project, temperature=0)
    return {task: system(task) for task in TASKS}


def find_repaired(project):
    """Return the name of a session in which a reply was mended, and how many were tried; it picks its words freely."""
    for seed in SLIPS:
        system, name = build_system(project, temperature=1.0, seed=seed), f"slip{seed}"
        try:
            system(TASKS[0], session_name=name)
        except LLLMError:
            continue
        if any(event.data.get("branch") == "retry" for event in system.log_base.read_session(name)):
            return {"session": name, "seed": seed}
    return None


def repeat(project, seed):
    """Return two sessions of one seed and one of another."""
    names = ("first", "second", "other")
    for name, used in zip(names, (seed, seed, seed + 1), strict=True):
        try:
            build_system(project, temperature=1.0, seed=used)(TASKS[0], session_name=name)
        except LLLMError as error:
            print(error, file=sys.stderr)
    return names


LABELS = ("dates", "arithmetic")
QUESTIONS = ("How many days are there between 3 May 2024 and 9 June 2024?", "What is 12 times 30?")


def classify_questions():
    """Return how likely each label is, for each question."""
    agent = Agent.quick("You sort questions.", model="nano")
    found = []
    for text in QUESTIONS:
        dialog = agent.init_dialog()
        dialog.send_message(text)
        found.append(agent.classify(dialog, LABELS, "What kind of task is this?")[0])
    return found


def main(project):
    """Ask for everything once."""
    auto_discover(project)
    repaired = find_repaired(project)
    told = {"answers": answer_tasks(project), "repaired": repaired, "labels": classify_questions()}
    if repaired:
        told["repeated"] = repeat(project, repaired["seed"])
    print(json.dumps(told))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
