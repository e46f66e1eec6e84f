"""Cells, calls of services and a browser in Markdown: code as code, outputs under it, the rest folded. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from lllm.export.actions import ActionView, ApprovalView, render_approval, render_seen
from lllm.export.asked import parse_asked, render_call, render_item, to_json
from lllm.export.cells import LIMIT_CHARS, CellView, Item, ServiceView
from lllm.export.fences import code, fence
from lllm.export.view import DialogView, Entry
from lllm.sandbox.shown.display import NOTHING, cut_middle, to_safe

_LINE_CHARS = 200


def tell_entry(entry: Entry) -> Iterator[str]:
    """Yield what a function was called with, what it made, and what the model read of that."""
    yield from tell_arguments(entry.arguments, entry.made)
    yield from tell_made(entry.made)
    if entry.text and is_told(entry.text, entry.made):
        return
    if entry.text and (has_cells(entry.made) or has_actions(entry.made)):
        yield tell_read(entry.text)
    elif entry.text:
        yield f"{fence(entry.text)}\n"


def tell_arguments(raw: str, made: Sequence[Item] = ()) -> Iterator[str]:
    """Yield a function's arguments, without the code of cells, which stands with these."""
    asked = parse_asked(raw, without=[item.code for item in made if isinstance(item, CellView)])
    if asked.rest:
        yield f"called with\n\n{fence(asked.rest, 'json')}\n"
    for key, text in asked.texts.items():
        yield f"called with {code(key, 40)}\n\n{fence(text)}\n"


def tell_read(text: str) -> str:
    """Return a function's result, folded, where what the function made tells most of it."""
    return f"<details><summary>what the model read</summary>\n\n{fence(text)}\n</details>\n\n"


def tell_made(made: Iterable[Item]) -> Iterator[str]:
    """Yield items in their order."""
    for item in made:
        if isinstance(item, CellView):
            yield from tell_cell(item)
        else:
            yield tell_other(item)


def tell_other(item: ServiceView | ActionView | ApprovalView) -> str:
    """Return what is no cell."""
    if isinstance(item, ServiceView):
        return tell_service(item)
    return tell_action(item) if isinstance(item, ActionView) else tell_approval(item)


def tell_cell(cell: CellView) -> Iterator[str]:
    """Yield a cell's code, what came of it, and what it called."""
    source = cell.code.rstrip("\n")
    yield f"{fence(source, 'python')}\n"
    if cell.status not in {"ok", "open"}:
        yield f"*the cell ended:* {code(cell.status, 40)}\n\n"
    texts = (part.text.rstrip("\n") for _, part in cell.parts())
    yield from (f"{fence(text)}\n" for text in texts if text)
    yield from map(tell_service, cell.services)


def tell_service(service: ServiceView) -> str:
    """Return the call of a service: its first words, and folded its parameters and its answer."""
    told = f"*#{service.seq}: called* {code(render_item(service))}\n\n"
    day = f"without data from {code(service.cutoff_date, 40)} on\n\n" if service.cutoff_date else ""
    answer = to_safe(service.error) if service.status == "failed" else _pretty(service.answer)
    blocks = f"{fence(_pretty(service.params), 'json')}\n{fence(answer, 'text' if service.error else 'json')}\n"
    return f"{told}<details><summary>parameters and answer</summary>\n\n{day}{blocks}</details>\n\n"


def tell_action(action: ActionView) -> str:
    """Return an action and what was seen: its notes, the questions, the picture's note, and folded the tree."""
    told = f"browser: {action.action} -> {render_seen(action, _LINE_CHARS)}"
    notes = "\n".join([*action.notes, *([action.picture.to_note()] if action.picture else [])])
    asked = "".join(map(tell_approval, action.approvals))
    tree = to_safe(cut_middle(action.tree, LIMIT_CHARS))
    fold = f"<details><summary>the page's structure</summary>\n\n{fence(tree, 'yaml')}\n</details>\n\n"
    block = f"{fence(notes)}\n" if notes else ""
    return f"*#{action.seq}:* {code(told, 2 * _LINE_CHARS)}\n\n{block}{asked}{fold if tree else ''}"


def tell_approval(approval: ApprovalView) -> str:
    """Return a question and its answer, on one line."""
    return f"*#{approval.seq}:* {code(render_approval(approval, _LINE_CHARS), 2 * _LINE_CHARS)}\n\n"


def tell_asked(entry: Entry, answered: frozenset[str]) -> Iterator[str]:
    """Yield the functions that a reply asks for; of one whose code stands in its own entry, only the name."""
    for number, (name, arguments) in enumerate(entry.asked):
        if f"{entry.id}/f{number}" in answered and parse_asked(arguments).texts:
            yield f"asks for {code(name)}, see below\n\n"
        else:
            yield f"asks for\n\n{fence(render_call(name, arguments))}\n"


def answered_in(dialog: DialogView) -> frozenset[str]:
    """Return the ids of the function calls whose arguments stand in entries of their own."""
    return frozenset(entry.id for entry in dialog.entries if entry.who == "function" and entry.arguments)


def has_cells(made: Iterable[Item]) -> bool:
    """Return whether a cell is among what was made."""
    return any(isinstance(item, CellView) for item in made)


def has_actions(made: Iterable[Item]) -> bool:
    """Return whether an action in a browser is among what was made."""
    return any(isinstance(item, ActionView) for item in made)


def is_told(text: str, made: Sequence[Item]) -> bool:
    """Return whether a result is no more than the text of the one cell that was run for it."""
    cells = [item for item in made if isinstance(item, CellView)]
    return len(cells) == 1 and text.strip() == (cells[0].told().strip() or NOTHING)


def _pretty(value: object) -> str:
    return to_safe(cut_middle(to_json(value, 2), LIMIT_CHARS))
