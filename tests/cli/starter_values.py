"""What the starter is asked and answers, and the environment of a process that is tried."""

import os
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
TASK = "What does the fuel for 420 km cost?"
ANSWER = "The fuel costs 49.14 euros."


def process_env(**more):
    env = {key: value for key, value in os.environ.items() if not key.startswith(("LLLM_", "PYTEST_"))}
    env |= {"PYTHONPATH": str(REPOSITORY), "PYTHONDONTWRITEBYTECODE": "1", "LLLM_PROVIDER": "mock"}
    return env | more
