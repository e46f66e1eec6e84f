"""The notebook of a session: as it is held in memory, stands on the disk, and was found according to the log.

The log is the truth: a replay opens the notebook that was found then, and leaves the disk alone. A run that does
something itself takes the file, and from then on every change is on the disk before it counts.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lllm.errors import ConfigError, SandboxError
from lllm.registry import OUTSIDE
from lllm.sandbox.cell import STEP, CellResult
from lllm.sandbox.notebook.file import NotebookFile
from lllm.sandbox.notebook.notebook import (
    METADATA_BYTES,
    Cell,
    Kind,
    Notebook,
    build_notebook,
    delete_cells,
    insert_cell,
    keep_result,
    mark_cell,
    overwrite_cell,
    to_index,
)
from lllm.sandbox.notebook.read import from_data
from lllm.sandbox.shown.mended import mend_json
from lllm.utils import encode_json


class Document:
    """A notebook, opened where it is, and else made. Safe under threads.

    Args:
        name: of its session.
        path: of its file.
        metadata: JSON data that it is made with; None takes what a notebook that is there holds.

    Raises:
        NotebookError: another session works on it, or it cannot be read or written.
        ConfigError: the metadata are no JSON data, or not those that it was made with.
    """

    def __init__(self, name: str, path: Path, metadata: Mapping[str, Any] | None) -> None:
        self.path = path
        self._name = name
        self._given = None if metadata is None else _checked(metadata)
        self._lock = threading.RLock()
        self._file: NotebookFile | None = None
        self._is_closed = False
        self._notebook = self._open()

    @property
    def notebook(self) -> Notebook:
        """It as data (nbformat 4.5); for reading only."""
        return self._notebook

    @property
    def metadata(self) -> dict[str, Any]:
        """What it was made with."""
        return self._notebook["metadata"]["lllm"]["metadata"]

    @property
    def cells(self) -> Sequence[Cell]:
        """Its cells; for reading only."""
        return tuple(self._notebook["cells"])

    @property
    def has_run(self) -> bool:
        """Whether it shows that a cell was run."""
        return any(cell.get("execution_count") for cell in self._notebook["cells"])

    def find_code(self, index: int) -> tuple[int, Cell]:
        """Return a cell of code, and its index from 0.

        Raises:
            ConfigError: there is no such cell.
        """
        with self._lock:
            index = to_index(self._notebook, index)
            cell = self.cells[index]
        if cell["cell_type"] != "code":
            raise ConfigError(f"cell {index} is no cell of code, but of {cell['cell_type']}")
        return index, cell

    def insert_cell(self, index: int | None, source: str, kind: Kind) -> int:
        """Add a cell before the cell ``index``, or at the end; return its index."""
        if kind not in ("code", "markdown"):
            raise ConfigError(f"there are no cells of kind {kind!r}", hint="code or markdown")
        with self._lock:
            end = len(self._notebook["cells"])
            at = self._changeable(end if index is None else index, end + 1)
            self.replace(insert_cell(self._notebook, at, kind, source))
            return at

    def overwrite_cell(self, index: int, source: str) -> None:
        """Give a cell another source, and nothing that came of the old one."""
        with self._lock:
            self.replace(overwrite_cell(self._notebook, self._changeable(index), source))

    def delete_cells(self, indexes: Sequence[int]) -> None:
        """Delete cells."""
        with self._lock:
            self.replace(delete_cells(self._notebook, [self._changeable(index) for index in indexes]))

    def replace(self, notebook: Notebook) -> None:
        """Store a changed notebook; where that fails, nothing has changed."""
        with self._lock:
            if self._file is not None:
                self._file.save(notebook)
            self._notebook = notebook

    def keep_result(self, id_: str, result: CellResult, rebuilt: Sequence[tuple[str, bool]]) -> None:
        """Put in what a cell came to. It has run, so a full disk does not undo that.

        Args:
            id_: of the cell; where it is gone meanwhile, so is the place of its result.
            result: what it came to.
            rebuilt: ids of cells that had to be run again before it, and whether they showed the same.
        """
        with self._lock:
            notebook = keep_result(self._notebook, id_, result)
            for id_again, is_same in rebuilt:
                notebook = mark_cell(notebook, id_again, {"rebuilt": "same" if is_same else "other output"})
            self._notebook = notebook
            if self._file is not None:
                self._file.save(notebook)

    def take_file(self) -> None:
        """Take the notebook on the disk, from a run that was a replay until now; what it does not continue is kept."""
        with self._lock:
            if self._file is not None:
                return
            if self._is_closed:
                raise SandboxError("the session was closed meanwhile")
            file = NotebookFile(self.path)
            try:
                found = file.load()
                if found is not None and not _is_start(found, self._notebook):
                    file.set_aside()
                file.save(self._notebook)
            except BaseException:
                file.close()
                raise
            self._file = file

    def close(self) -> None:
        """Write it down for good, and let another session have it: a cell that ends later changes it no more."""
        with self._lock:
            file, self._file, self._is_closed = self._file, None, True
            if file is not None:
                try:
                    file.save(self._notebook, sync=True)
                finally:
                    file.close()

    def delete(self) -> None:
        """Delete its file, and the folder where nothing else is in it."""
        self._is_closed = True
        OUTSIDE.load().perform(STEP, {"sandbox": self._name, "delete": True}, self._remove, repeatable=True)

    def _remove(self) -> None:
        with self._lock:
            file, self._file = self._file, None
            (NotebookFile(self.path) if file is None else file).remove()

    def _open(self) -> Notebook:
        """Return the notebook as it stood when the session was opened, on the disk or in the log."""
        about = {"sandbox": self._name, "open": self._given}
        try:
            found = OUTSIDE.load().perform(STEP, about, self._load, repeatable=True)["notebook"]
            if found is not None:
                return self._checked_notebook(from_data(found, str(self.path)))
            notebook = build_notebook(self._name, self._given or {})
            if self._file is not None:
                self._file.save(notebook)
        except BaseException:
            if self._file is not None:
                self._file.close()
            raise
        return notebook

    def _load(self) -> dict[str, Any]:
        self._file = NotebookFile(self.path)
        return {"notebook": self._file.load()}

    def _checked_notebook(self, notebook: Notebook) -> Notebook:
        held = notebook["metadata"]["lllm"].get("metadata")
        if self._given is not None and held != self._given:
            told = f"this notebook was made with other metadata: {encode_json(held)}"
            raise ConfigError(told, where=str(self.path), hint="take another name, or the same metadata")
        return notebook

    def _changeable(self, index: int, end: int | None = None) -> int:
        index = to_index(self._notebook, index, end=end)
        if index == 0:
            raise ConfigError("the first cell is the session's own, and stays as it is")
        return index


def _checked(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Return metadata as JSON data.

    Raises:
        ConfigError: they are none.
    """
    try:
        return mend_json(json.loads(encode_json(dict(metadata))), METADATA_BYTES)[0]
    except (TypeError, ValueError) as error:
        raise ConfigError(f"the metadata of a sandbox session must be JSON data: {error}") from error


def _is_start(found: Notebook, notebook: Notebook) -> bool:
    """Whether the cells of one notebook are the first ones of another."""
    told = [(cell["id"], cell["source"]) for cell in notebook["cells"]]
    return [(cell["id"], cell["source"]) for cell in found["cells"]] == told[: len(found["cells"])]
