"""A run as a transcript in Markdown, for an issue or a review.

Whatever a model, a function or a user wrote stands in a fence that it cannot close, or in a code span of one line: in
it nothing is markup, no picture is loaded and nobody is mentioned.
"""

from __future__ import annotations

from collections.abc import Iterator

from lllm.export.facts import to_text
from lllm.export.fences import code, fence
from lllm.export.formats import Choice
from lllm.export.made import answered_in, has_actions, tell_asked, tell_entry, tell_made
from lllm.export.record import RunRecord
from lllm.export.view import DialogView, Entry, SessionView, to_view

_TITLES = {
    "system": "System",
    "user": "User",
    "assistant": "Assistant",
    "function": "Function",
    "handler": "What the model was told",
    "error": "Model call failed",
}


def render(record: RunRecord, choice: Choice) -> Iterator[str]:
    """Yield the transcript of a run."""
    del choice
    view = to_view(list(record.events()))
    yield from _head(record, view)
    for dialog in view.dialogs:
        yield from _dialog(dialog)
    if view.made:
        what = "Browser, cells" if has_actions(view.made) else "Cells"
        yield f"## {what} and services of the code itself\n\n"
        yield from tell_made(view.made)
    yield from _values(view)
    yield from _contracts(view)


def tell_facts(view: SessionView) -> str:
    """Return how a session ended and what it used, in one line."""
    cost = "cost unknown" if view.cost_usd is None else f"${view.cost_usd:.4f}"
    tokens = f"{view.prompt_tokens} prompt and {view.completion_tokens} completion tokens"
    return f"{to_status(view)}, {view.events} events, {view.wall_s:.1f} s, {tokens}, {cost}"


def to_status(view: SessionView) -> str:
    """Return a session's status in words; a hostile log may hold any text in its place."""
    told = {"ok": "ok", "failed": "failed", "open": "not closed (its process died, or still runs)"}
    return told.get(view.status, "of unknown status")


def _head(record: RunRecord, view: SessionView) -> Iterator[str]:
    yield f"# Session {code(record.name)}\n\n"
    if record.damage:
        yield f"**Not the whole run:** {code(record.damage, 400)}\n\n"
    yield f"- {tell_facts(view)}\n"
    if view.agent_type:
        yield f"- agent type {code(view.agent_type)}\n"
    if view.parent:
        yield f"- forked from {code(view.parent)} after event {view.parent_seq}\n"
    for resume in view.resumes:
        told = {key: value for key, value in resume.items() if key != "seq"}
        yield f"- gone on with after a crash (#{resume['seq']}): {code(to_text(told), 400)}\n"
    for run in view.runs:
        told = {"ok": "ok", "failed": "failed"}.get(run.status, "open")
        yield f"- called agent system {code(run.agent_type)} (#{run.seq}, {told}): {code(to_text(run.task))}\n"
    yield f"\n**Task**\n\n{fence(to_text(view.task))}\n"
    if view.status == "ok":
        yield f"**Result**\n\n{fence(to_text(view.result))}\n"
    elif view.status == "failed":
        yield f"**Failed**\n\n{fence(view.error)}\n"


def _dialog(dialog: DialogView) -> Iterator[str]:
    fork = f", forked from {code(dialog.parent)} at message {dialog.at}" if dialog.parent else ""
    yield f"## Dialog {code(dialog.id)} of {code(dialog.agent or 'nobody')}{fork}\n\n"
    answered = answered_in(dialog)
    for entry in dialog.entries:
        told = _entry(entry, answered)
        if entry.pruned:
            kind = "An attempt that could not be used" if entry.who == "assistant" else _TITLES["handler"]
            told = f"<details><summary>{kind} (#{entry.seq})</summary>\n\n{told}</details>\n\n"
        yield told


def _entry(entry: Entry, answered: frozenset[str]) -> str:
    if entry.who == "wait":
        return f"*#{entry.seq}: waited* {code(entry.text)}\n\n"
    if entry.who == "end":
        told = ", of what stands above.\n" if entry.is_told else f":\n\n{fence(entry.text)}"
        failed = f"\n\nThe call failed{told}" if entry.text else "\n"
        return f"*#{entry.seq}: {entry.note}*{failed}\n"
    title = _TITLES.get(entry.who, "Message")
    name = f" {code(entry.name)}" if entry.name else ""
    facts = [code(entry.note)] if entry.note else []
    facts += [f"{entry.duration_s:.2f} s"] if entry.duration_s is not None else []
    told = f"### #{entry.seq} {title}{name}" + "".join(f", {fact}" for fact in facts) + "\n\n"
    if entry.who == "function":
        return told + "".join(tell_entry(entry))
    if entry.text:
        told += f"{fence(entry.text)}\n"
    return told + "".join(tell_asked(entry, answered))


def _values(view: SessionView) -> Iterator[str]:
    if view.values:
        yield "## What the code asked for\n\n"
    for name, value in view.values:
        yield f"- {code(name)} = {code(to_text(value))}\n"
    if view.values:
        yield "\n"


def _contracts(view: SessionView) -> Iterator[str]:
    """Yield the prompts last: they are long, and mostly known."""
    if view.contracts:
        yield "## Prompts\n\n"
    for contract in view.contracts:
        names = ", ".join(code(name) for name in contract.functions) or "none"
        facts = f"prompt {code(contract.prompt)}, model {code(contract.model)}, functions: {names}"
        yield f"<details><summary>#{contract.seq}</summary>\n\n"
        yield f"agent {code(contract.agent)}, {facts}\n\n{fence(contract.text)}\n</details>\n\n"
