"""A file of tasks, and what is left of it to do.

A task's session is named by the batch and by what the task says, so that the log itself knows what has been done: a
file that is edited, or put into another order, keeps what was done. A try that did not end well leaves its session, and
the next one is ``<name>.2``.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import click

from lllm.cli.asked import check_kwargs
from lllm.cli.exits import MissingError
from lllm.cli.work import Work
from lllm.errors import ConfigError
from lllm.log.base import ReplayableLogBase
from lllm.utils import digest, encode_json, safe_name

_KEYS = {"task", "id", "kwargs"}


@dataclass(frozen=True, slots=True)
class Plan:
    """What a batch has to do.

    Attributes:
        todo: tasks without a session that ended well, each with the name of its next session.
        done: the others, each with the session that ended well.
        killed: sessions of the former whose process died in the middle.
    """

    todo: list[Work]
    done: list[Work]
    killed: list[str]


def load_tasks(path: Path, batch: str, agent_type: str) -> list[Work]:
    """Read a file of tasks; every fault is found before the first task costs anything.

    Raises:
        MissingError: there is no such file.
        ConfigError: a line is no task; names each fault's line.
    """
    try:
        lines = path.read_bytes().removeprefix(b"\xef\xbb\xbf").split(b"\n")
    except OSError as error:
        raise MissingError(f"the tasks cannot be read: {error.strerror}", where=str(path)) from error
    works, faults = _parse_lines(lines)
    if faults:
        told = "".join(f"\n  {path}:{number}: {text}" for number, text in faults[:20])
        raise ConfigError(f"{len(faults)} lines are no tasks{told}", where=f"{path}:{faults[0][0]}")
    return list(_named(works, batch, agent_type))


def _parse_lines(lines: Sequence[bytes]) -> tuple[list[Work], list[tuple[int, str]]]:
    """Return the tasks of all lines, and the faults by line number."""
    works: list[Work] = []
    faults: list[tuple[int, str]] = []
    first: dict[str, int] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            work = parse_task(line)
            if work.id and first.setdefault(work.id, number) != number:
                raise _fault(f"the id {work.id!r:.60} stands in line {first[work.id]} already")
            works.append(work)
        except (ValueError, RecursionError, click.UsageError) as error:
            faults.append((number, str(getattr(error, "message", error))))
    return works, faults


def parse_task(line: bytes) -> Work:
    """Return the task of one line. Pure; its session has no name yet.

    Raises:
        ValueError: it is no JSON, or no task.
    """
    value: Any = json.loads(line)
    if isinstance(value, str):
        return Work(value)
    if not isinstance(value, dict) or "task" not in value:
        raise _fault('expected a text, or an object with "task"')
    told = cast("dict[str, Any]", value)
    if unknown := told.keys() - _KEYS:
        raise _fault(f"unknown key {min(unknown)!r}; known: id, kwargs, task")
    if not isinstance(told.get("id", ""), str | int):
        raise _fault("id: expected a text or a number")
    return Work(told["task"], id=str(told.get("id", "")), kwargs=check_kwargs(told.get("kwargs", {}), "kwargs"))


def _fault(told: str) -> ValueError:
    return ValueError(told)


def _named(works: Sequence[Work], batch: str, agent_type: str) -> Iterator[Work]:
    """Give each task its session's name; tasks that say the same are told apart by counting."""
    seen: Counter[str] = Counter()
    for work in works:
        told = digest(encode_json([agent_type, work.id, work.task, dict(work.kwargs)]))[:12]
        seen[told] += 1
        count = f"-{seen[told]}" if seen[told] > 1 else ""
        slug = safe_name(work.id or str(work.task)[:200], 24)[:24].strip("-.")
        name = f"{batch}.{slug}-{told}{count}".replace("..", ".")
        yield replace(work, session=safe_name(name), id=work.id or f"{slug}-{told[:6]}{count}")


def plan(works: Sequence[Work], log: ReplayableLogBase) -> Plan:
    """Return what is left to do, as the log tells it."""
    known = set(log.session_names())
    planned = Plan([], [], [])
    for work in works:
        assert work.session is not None
        name, attempt = work.session, 1
        while name in known and (status := log.describe_session(name).status) != "ok":
            if status == "open":
                planned.killed.append(name)
            attempt += 1
            name = f"{work.session}.{attempt}"
        (planned.done if name in known else planned.todo).append(replace(work, session=name))
    return planned
