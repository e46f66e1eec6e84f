"""A notebook is read: from a file that a person may have changed, or that is damaged. Nothing is guessed. Pure."""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

from lllm.errors import NotebookError
from lllm.sandbox.notebook.notebook import INIT, Cell, Notebook, convert_texts, to_json
from lllm.sandbox.shown.mended import dict_of, list_of
from lllm.sandbox.shown.mime import is_json, to_joined
from lllm.sandbox.shown.outputs import to_count

_ID = re.compile(r"[a-zA-Z0-9-_]{1,64}")
_KEYS = {
    "code": {"cell_type", "id", "metadata", "source", "outputs", "execution_count"},
    "markdown": {"cell_type", "id", "metadata", "source"},
    "raw": {"cell_type", "id", "metadata", "source"},
}
_OUTPUT_KEYS = {
    "stream": {"output_type", "name", "text"},
    "display_data": {"output_type", "data", "metadata"},
    "execute_result": {"output_type", "data", "metadata", "execution_count"},
    "error": {"output_type", "ename", "evalue", "traceback"},
}


def from_json(text: str, where: str = "") -> Notebook:
    """Return the notebook of a text.

    Raises:
        NotebookError: it is damaged, or not of nbformat 4.5; nothing is guessed.
    """
    try:
        data: Any = json.loads(text)
    except (ValueError, RecursionError) as error:
        _refuse(f"this is no notebook: {error}", where)
    return from_data(data, where)


def from_data(data: Any, where: str = "") -> Notebook:
    """Return the notebook that JSON data is, with its lines joined.

    Raises:
        NotebookError: as in :func:`from_json`.
    """
    notebook = dict_of(data)
    if not isinstance(notebook.get("cells"), list):
        _refuse("this is no notebook: it has no cells", where)
    version = (notebook.get("nbformat"), notebook.get("nbformat_minor"))
    if version != (4, 5) or set(notebook) != {"cells", "metadata", "nbformat", "nbformat_minor"}:
        _refuse(f"this is a notebook of version {version[0]}.{version[1]}, not 4.5", where)
    about = dict_of(notebook["metadata"])
    ours = dict_of(about.get("lllm"))
    if not ours:
        _refuse("this notebook was not made by lllm", where)
    cells = [_read_cell(cell, f"cell {number}", where) for number, cell in enumerate(notebook["cells"])]
    if len({cell["id"] for cell in cells}) < len(cells):
        _refuse("two cells have one id", where)
    if not cells or not cells[0]["source"].startswith(INIT):
        _refuse("its first cell, which begins with '# INIT CODE', is gone", where)
    told = {**ours, "metadata": dict_of(ours.get("metadata")), "next_cell": to_count(ours.get("next_cell")) or 0}
    read: Notebook = {**notebook, "cells": cells, "metadata": {**about, "lllm": told}}
    try:
        to_json(read).encode("utf-8")
    except (ValueError, RecursionError) as error:
        _refuse(f"this notebook could not be written again: {error}", where)
    return read


def _read_cell(data: Any, place: str, where: str) -> Cell:
    cell = dict_of(data)
    kind = cell.get("cell_type")
    if not isinstance(kind, str) or set(cell) - {"attachments"} != _KEYS.get(kind):
        _refuse(f"{place} is none of nbformat 4.5", where)
    cell = convert_texts(cell, to_joined)
    is_known = isinstance(cell["id"], str) and _ID.fullmatch(cell["id"]) and isinstance(cell["metadata"], dict)
    if not is_known or not isinstance(cell["source"], str):
        _refuse(f"{place} has a wrong id, metadata or source", where)
    if kind == "code" and not (isinstance(cell["outputs"], list) and all(map(_is_output, list_of(cell["outputs"])))):
        _refuse(f"{place} has outputs that are none of nbformat 4.5", where)
    if kind == "code" and cell["execution_count"] is not None and to_count(cell["execution_count"]) is None:
        _refuse(f"{place} has a wrong execution_count", where)
    return cell


def _is_output(data: Any) -> bool:
    """Whether it is an output, its lines joined."""
    output = dict_of(data)
    kind = output.get("output_type")
    if not isinstance(kind, str) or set(output) != _OUTPUT_KEYS.get(kind):
        return False
    if kind == "stream":
        return isinstance(output["name"], str) and isinstance(output["text"], str)
    if kind == "error":
        texts = [output["ename"], output["evalue"], *list_of(output["traceback"])]
        return isinstance(output["traceback"], list) and all(isinstance(text, str) for text in texts)
    if not isinstance(output["data"], dict) or not isinstance(output["metadata"], dict):
        return False
    count = output.get("execution_count")
    shown = dict_of(output["data"]).items()
    is_counted = count is None or to_count(count) is not None
    return is_counted and all(is_json(mime) or isinstance(value, str) for mime, value in shown)


def _refuse(message: str, where: str) -> NoReturn:
    raise NotebookError(message, where=where, hint="mend it in Jupyter, move it away, or take another name")
