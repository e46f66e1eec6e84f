"""A notebook as data (nbformat 4.5): made, changed, and written as text. Pure.

A change returns a new notebook that shares the cells it left alone, so that one which could not be stored is as if it
had never been made. Nothing signs a notebook: Jupyter trusts none of its outputs until a person does.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from typing import Any, Literal

from lllm.errors import ConfigError
from lllm.sandbox.cell import CellResult
from lllm.sandbox.shown.mended import dict_of, mend_json, mend_text
from lllm.sandbox.shown.mime import is_json
from lllm.sandbox.shown.outputs import to_count

Cell = dict[str, Any]
Notebook = dict[str, Any]
Kind = Literal["code", "markdown"]

INIT = "# INIT CODE (DO NOT REMOVE THIS CELL)"
"""First line of the first cell of a session's notebook."""

_INIT_CODE = """
# Where lllm runs these cells, they have no network, no keys, and no files of the host. Services are called by the host:
#     CALL_API("path/category/endpoint", {"parameter": "value"})
try:
    CALL_API
except NameError:

    def CALL_API(endpoint, params=None):
        raise RuntimeError("services can be called only where lllm runs this notebook")
"""
_KERNEL = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
METADATA_BYTES = 1 << 20
_CALLS_BYTES = 1 << 20
_ANY = re.compile("")
_LINED = re.compile(r"text/|application/javascript$|image/svg\+xml$")  # what Jupyter writes line by line


def build_notebook(name: str, metadata: Mapping[str, Any]) -> Notebook:
    """Return the notebook of a new session: its first cell says what cells can do, and shows the session's metadata.

    Args:
        name: of the session.
        metadata: JSON data; it becomes a Python literal in the cell, whatever its texts hold.

    Raises:
        ValueError: the metadata are no JSON data, or too much of it.
    """
    kept = mend_json(dict(metadata), METADATA_BYTES)[0]
    about = {"name": mend_text(name), "metadata": kept, "next_cell": 0}
    empty: Notebook = {"cells": [], "metadata": {**_KERNEL, "lllm": about}, "nbformat": 4, "nbformat_minor": 5}
    return insert_cell(empty, 0, "code", f"{INIT}{_INIT_CODE}SESSION = {kept!a}")


def insert_cell(notebook: Notebook, index: int, kind: Kind, source: str) -> Notebook:
    """Return a notebook with a new cell before the cell ``index``; its id was never used in it."""
    cells, number = _cells(notebook), int(notebook["metadata"]["lllm"]["next_cell"])
    taken = {cell["id"] for cell in cells}
    while (id_ := f"cell-{number}") in taken:
        number += 1
    cell: Cell = {"cell_type": kind, "id": id_, "metadata": {}, "source": mend_text(source)}
    if kind == "code":
        cell |= {"outputs": [], "execution_count": None}
    about = {**notebook["metadata"]["lllm"], "next_cell": number + 1}
    changed = {**notebook, "metadata": {**notebook["metadata"], "lllm": about}}
    return {**changed, "cells": [*cells[:index], cell, *cells[index:]]}


def overwrite_cell(notebook: Notebook, index: int, source: str) -> Notebook:
    """Return a notebook in which a cell has another source, and nothing that came of the old one."""
    cell: Cell = {**_cells(notebook)[index], "source": mend_text(source), "metadata": {}}
    if cell["cell_type"] == "code":
        cell |= {"outputs": [], "execution_count": None}
    return _replaced(notebook, index, cell)


def delete_cells(notebook: Notebook, indexes: Iterable[int]) -> Notebook:
    """Return a notebook without some cells."""
    gone = set(indexes)
    return {**notebook, "cells": [cell for number, cell in enumerate(_cells(notebook)) if number not in gone]}


def keep_result(notebook: Notebook, id_: str, result: CellResult) -> Notebook:
    """Return a notebook in which a cell holds what it came to; the same one when the cell is gone meanwhile."""
    for index, cell in enumerate(_cells(notebook)):
        if cell["id"] == id_:
            count = to_count(result.execution_count) or None
            about = {**_about(cell), "lllm": _to_facts(result)}
            done = {**cell, "outputs": list(result.outputs), "execution_count": count, "metadata": about}
            return _replaced(notebook, index, done)
    return notebook


def mark_cell(notebook: Notebook, id_: str, marks: Mapping[str, Any]) -> Notebook:
    """Return a notebook in which a cell's metadata hold more facts under ``lllm``."""
    for index, cell in enumerate(_cells(notebook)):
        if cell["id"] == id_:
            about = _about(cell)
            return _replaced(
                notebook, index, {**cell, "metadata": {**about, "lllm": {**about.get("lllm", {}), **marks}}}
            )
    return notebook


def to_index(notebook: Notebook, index: int, *, end: int | None = None) -> int:
    """Return the index of a cell that one may change or run; negative ones count from the end.

    Raises:
        ConfigError: there is no such cell.
    """
    count = len(_cells(notebook)) if end is None else end
    if not -count <= index < count:
        raise ConfigError(f"there is no cell {index}: the notebook has {len(_cells(notebook))}")
    return index % count


def render_cell(cell: Cell) -> str:
    """Return a cell as text, as it stands in a notebook's."""
    laid_out = convert_texts(cell, _to_lines, _LINED)
    text = json.dumps(laid_out, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False)
    return "  " + text.replace("\n", "\n  ")  # within JSON's texts there are no line ends


def to_json(notebook: Notebook, render: Callable[[Cell], str] = render_cell) -> str:
    """Return a notebook as text; the same notebook gives the same text, laid out as Jupyter does.

    Args:
        notebook: the notebook.
        render: the text of a cell; whoever writes a notebook again and again keeps those of cells that stay.
    """
    rest = {key: value for key, value in notebook.items() if key != "cells"}
    told = json.dumps(rest, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False)
    cells = ",\n".join(map(render, _cells(notebook)))
    return f'{{\n "cells": [\n{cells}\n ],{told[1:]}\n'


def convert_texts(cell: Cell, convert: Callable[[Any], Any], mimes: re.Pattern[str] = _ANY) -> Cell:
    """Return a cell in which each text that may be one or many lines is in another form; of displays some types."""
    changed = {**cell, "source": convert(cell["source"])}
    if isinstance(cell.get("outputs"), list):
        changed["outputs"] = [_convert_output(output, convert, mimes) for output in cell["outputs"]]
    return changed


def _convert_output(output: Any, convert: Callable[[Any], Any], mimes: re.Pattern[str]) -> Any:
    told = dict_of(output)
    if "text" in told:
        return {**told, "text": convert(told["text"])}
    if isinstance(told.get("data"), dict):
        pairs = dict_of(told["data"]).items()
        is_kept = {mime: is_json(mime) or not mimes.match(mime) for mime, _ in pairs}
        return {**told, "data": {mime: value if is_kept[mime] else convert(value) for mime, value in pairs}}
    return output


def _to_lines(text: str) -> list[str]:
    return text.splitlines(keepends=True)


def _to_facts(result: CellResult) -> dict[str, Any]:
    """Return what a cell's metadata tell beside its outputs."""
    facts: dict[str, Any] = {"status": result.status}
    if result.status != "ok":
        facts |= {"ename": mend_text(result.ename), "evalue": mend_text(result.evalue)}
    if result.state_lost:
        facts["state_lost"] = True
    if result.calls:
        try:
            facts["calls"] = mend_json([asdict(call) for call in result.calls], _CALLS_BYTES)[0]
        except ValueError:
            facts["calls"] = [{"endpoint": mend_text(call.endpoint)} for call in result.calls]
    return facts


def _cells(notebook: Notebook) -> list[Cell]:
    return notebook["cells"]


def _about(cell: Cell) -> dict[str, Any]:
    return cell["metadata"]


def _replaced(notebook: Notebook, index: int, cell: Cell) -> Notebook:
    cells = _cells(notebook)
    return {**notebook, "cells": [*cells[:index], cell, *cells[index + 1 :]]}
