"""Can code of a model be run here? Part of ``lllm doctor``: each isolator is tried for real, with one cell."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib.util import find_spec
from typing import Any

from lllm.cli.doctor_check import Check
from lllm.cli.doctor_prompts import loaded_prompts
from lllm.models.prompt import Prompt
from lllm.sandbox.isolation.unconfined import UNSAFE, is_unsafe_allowed
from lllm.sandbox.probe import Probed, probe_isolators

MODULES = ("IPython",)
"""What a kernel of an agent is made of; the rest of the extra is for Jupyter's own users."""
_TIERS = {"A": "own namespaces and a filter of system calls", "B": "Landlock and a filter of system calls"}


def check_sandbox(
    probe: Callable[[], Sequence[Probed]] = probe_isolators, modules: Sequence[str] = MODULES
) -> Iterator[Check]:
    """Yield a check for each isolator. None that works is broken only where a prompt lists ``run_python``.

    Args:
        probe: tries them; strongest first.
        modules: without one of these, there is nothing to try.
    """
    user = _find_user(loaded_prompts())
    if any(find_spec(name) is None for name in modules):
        if user:
            yield Check("sandbox", "broken", f"{user} lists run_python", 'pip install "lllm[sandbox]"')
        return
    if is_unsafe_allowed():
        yield Check("sandbox", "note", f"{UNSAFE} is set: code of models runs on this machine without isolation")
        user = ""
    yield from to_checks(probe(), user)


def to_checks(probed: Sequence[Probed], user: str) -> Iterator[Check]:
    """Yield what the report says of isolators. Pure.

    Args:
        probed: what came of trying each, strongest first.
        user: whoever needs one; empty where nobody does.
    """
    strongest = next((one.tier for one in probed if one.works), "")
    for one in probed:
        name, tier = f"sandbox {one.name}", f"tier {one.tier}"
        if one.works:
            yield Check(name, "ok", f"{tier}: {_TIERS[one.tier]}")
        elif strongest and strongest < one.tier:
            yield Check(name, "note", f"{tier}, not needed beside tier {strongest}: {_line(one)}")
        else:
            yield Check(name, "note", f"{tier}: {_line(one)}", one.hint)
    if user and not strongest:
        yield Check("sandbox", "broken", f"none works, and {user} lists run_python", "mend one of those above")


def _line(probed: Probed) -> str:
    """Return a problem in one line: of a traceback, what it ends with."""
    lines = [line.strip() for line in probed.problem.splitlines() if line.strip()]
    if len(lines) < 2:
        return "".join(lines)
    return f"{lines[0].partition('Traceback')[0].rstrip(': ')}: {lines[-1]}"


def _find_user(prompts: Iterable[Prompt[Any]]) -> str:
    """Return the first prompt that lists ``run_python``, or one made like it; empty where none does."""
    from lllm.tools.python import PythonTool  # noqa: PLC0415 - heavy

    for prompt in prompts:
        behind = (getattr(function.function, "__self__", None) for function in prompt.functions.values())
        if any(isinstance(one, PythonTool) for one in behind):
            return f"prompt {prompt.path}"
    return ""
