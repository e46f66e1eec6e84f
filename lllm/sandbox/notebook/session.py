"""A notebook whose cells run in a sandbox: what people and agents hold in their hands.

The log is the truth. Each cell that runs is a step of the session that this code runs in, so a replay serves its result
without a kernel; and the notebook on the disk is written only by a run that does something itself.
"""

from __future__ import annotations

import json
import os
import threading
import weakref
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, Self

from lllm.errors import ConfigError, NotebookError, SandboxError
from lllm.registry import OUTSIDE
from lllm.sandbox.cell import STEP, CellResult, Kernel, OnCall
from lllm.sandbox.notebook import tree
from lllm.sandbox.notebook.file import NotebookFile, to_path
from lllm.sandbox.notebook.in_thread import run_in_thread
from lllm.sandbox.notebook.life import KernelLife, Start, Steps, Work
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
from lllm.sandbox.policy import SandboxPolicy
from lllm.sandbox.shown.mended import mend_json
from lllm.utils import encode_json

Serve = Callable[[Mapping[str, Any]], OnCall]
"""Makes what answers ``CALL_API``, from a session's metadata."""


class JupyterSession:
    """A notebook, and the kernel that its cells run in. It is opened where it is, and else made.

    Args:
        name: of the session; its file is named after it, in characters that are safe on every system.
        dir: folder of the notebook.
        metadata: JSON data that makes a session what it is, such as ``proxies``, ``cutoff_date``, ``deploy_mode``; it
            is kept in the notebook. None takes what a notebook that is there holds.
        policy: how much the kernel may use.
        on_call: makes what answers ``CALL_API``, from the metadata; None takes the proxies that they name.
        start: starts the kernel; None takes one of this process's pool.

    Raises:
        NotebookError: another session works on the notebook, or it cannot be read or written.
        ConfigError: the metadata are no JSON data, or not those that the notebook was made with.
    """

    def __init__(
        self,
        name: str,
        dir: str | Path,  # noqa: A002 - the name that users know
        metadata: Mapping[str, Any] | None = None,
        *,
        policy: SandboxPolicy | None = None,
        on_call: Serve | None = None,
        start: Start | None = None,
    ) -> None:
        self.name = name
        self.path = to_path(Path(dir), name)
        self._given = None if metadata is None else _checked(metadata)
        self._lock = threading.RLock()
        self._file: NotebookFile | None = None
        self._is_closed = False
        self._notebook = self._open()
        serve = partial(on_call or _serve, self.metadata) if on_call or self.metadata.get("proxies") else None
        find = partial(_find_earlier, name)
        self._life = KernelLife(policy or SandboxPolicy(), start or start_kernel, serve, find, _recall)
        self._life.lost_before = _has_run(self._notebook)
        self._end = weakref.finalize(self, _close, self._life, os.getpid())

    @property
    def metadata(self) -> dict[str, Any]:
        """What the session was made with."""
        return self._notebook["metadata"]["lllm"]["metadata"]

    @property
    def policy(self) -> SandboxPolicy:
        """How much the kernel may use."""
        return self._life.policy

    @property
    def tier(self) -> str:
        """How the kernel is isolated: ``A``, ``B``, ``remote`` or ``none``; empty while there is no kernel."""
        return self._life.tier

    @property
    def cells(self) -> Sequence[Cell]:
        """The cells as a notebook holds them (nbformat 4.5); for reading only."""
        return tuple(self._notebook["cells"])

    def __len__(self) -> int:
        return len(self._notebook["cells"])

    def append_code_cell(self, code: str) -> int:
        """Add a cell of code at the end; return its index."""
        return self.insert_cell(len(self), code)

    def append_markdown_cell(self, text: str) -> int:
        """Add a cell of text at the end; return its index."""
        return self.insert_cell(len(self), text, "markdown")

    def insert_cell(self, index: int, source: str, kind: Kind = "code") -> int:
        """Add a cell before the cell ``index``, not before the first; return its index."""
        if kind not in ("code", "markdown"):
            raise ConfigError(f"there are no cells of kind {kind!r}", hint="code or markdown")
        with self._lock:
            index = self._changeable(index, len(self) + 1)
            self._change(insert_cell(self._notebook, index, kind, source))
            return index

    def overwrite_cell(self, index: int, source: str) -> None:
        """Give a cell another source; what came of the old one is gone from the notebook, not from the kernel."""
        with self._lock:
            self._change(overwrite_cell(self._notebook, self._changeable(index), source))

    def delete_cells(self, *indexes: int) -> None:
        """Delete cells from the notebook; what they did stays in the kernel."""
        with self._lock:
            self._change(delete_cells(self._notebook, [self._changeable(index) for index in indexes]))

    def run_cell(self, index: int, timeout: float | None = None) -> CellResult:
        """Run a cell, and keep in the notebook what it came to.

        Args:
            index: of a cell of code.
            timeout: seconds until it is interrupted; None takes the policy's.

        Raises:
            ConfigError: there is no such cell of code.
            SandboxUnavailable: no kernel can be started.
            NotebookError: the notebook cannot be written; the cell has run, and ``cells`` holds its result.
        """
        work = self._begin(index, timeout)
        with _noting(self._life, work) as done:
            done.value = OUTSIDE.load().perform(STEP, work.about, partial(self._make, work), repeatable=True)
        return self._keep(work, done.value)

    async def arun_cell(self, index: int, timeout: float | None = None) -> CellResult:  # noqa: ASYNC109 - of the cell
        """Async twin of :meth:`run_cell`. A cancellation interrupts the cell, and is passed on when it has ended."""
        work = self._begin(index, timeout)
        with _noting(self._life, work) as done:
            make = partial(run_in_thread, partial(self._make, work), work.stop, self.policy.grace_s)
            done.value = await OUTSIDE.load().aperform(STEP, work.about, make, repeatable=True)
        return self._keep(work, done.value)

    def run_all_cells(self, stop_on_error: bool = True, restart: bool = False) -> list[CellResult]:
        """Run the cells of code from first to last; return what each came to, in order.

        Args:
            stop_on_error: end with the first that is not ``ok``.
            restart: begin in a new kernel.
        """
        results: list[CellResult] = []
        if restart:
            self.restart()
        for id_ in self._code_ids():
            results.append(self.run_cell(self._index_of(id_)))
            if stop_on_error and results[-1].status != "ok":
                break
        return results

    async def arun_all_cells(self, stop_on_error: bool = True, restart: bool = False) -> list[CellResult]:
        """Async twin of :meth:`run_all_cells`."""
        results: list[CellResult] = []
        if restart:
            self.restart()
        for id_ in self._code_ids():
            results.append(await self.arun_cell(self._index_of(id_)))
            if stop_on_error and results[-1].status != "ok":
                break
        return results

    def restart(self) -> None:
        """End the kernel: the next cell finds a new one, without variables and files."""
        self._check_open()
        about = {"sandbox": self.name, "restart": True}
        OUTSIDE.load().perform(STEP, about, lambda: None, repeatable=True)
        self._life.restart()

    def interrupt(self) -> None:
        """Interrupt the cell that runs, if one does. Safe from any thread."""
        self._life.interrupt()

    def directory_tree(self) -> str:
        """Return the files that cells have written, as a tree; the kernel says so, and could say anything."""
        self._check_open()
        if self._life.knows_nothing and not self._life.lost_before:
            return tree.render_tree([])
        work = Work(self._life, {"sandbox": self.name, "tree": True}, tree.CODE)
        with _noting(self._life, work) as done:
            done.value = OUTSIDE.load().perform(STEP, work.about, partial(self._make, work), repeatable=True)
        return tree.render_tree(tree.parse_entries(CellResult.from_dict(done.value["result"])))

    def to_dict(self) -> dict[str, Any]:
        """Return the session as JSON data: ``name``, ``policy`` and ``notebook``, which holds the metadata."""
        return {"name": self.name, "policy": asdict(self.policy), "notebook": self._notebook}

    @classmethod
    def from_dict(
        cls,
        data: Mapping[str, Any],
        dir: str | Path,  # noqa: A002 - as above
        *,
        on_call: Serve | None = None,
        start: Start | None = None,
    ) -> Self:
        """Return a session made again from :meth:`to_dict`'s data, in a folder that has no notebook of its name.

        Raises:
            NotebookError: there is one, or the data are no session.
        """
        try:
            name, policy = str(data["name"]), SandboxPolicy(**data["policy"])
            notebook = from_data(data["notebook"])
            session = cls(
                name, dir, notebook["metadata"]["lllm"]["metadata"], policy=policy, on_call=on_call, start=start
            )
        except (KeyError, TypeError) as error:
            raise NotebookError(f"this is no session: {error}") from error
        if len(session) > 1:
            session.close()
            raise NotebookError("there is a notebook of this name already", where=str(session.path))
        session._change(notebook)
        session._life.lost_before = _has_run(notebook)
        return session

    def close(self) -> None:
        """End the kernel and let go of the notebook, which stays. Closing twice does nothing."""
        with self._lock:
            is_closed, self._is_closed = self._is_closed, True
        if is_closed:
            return
        self._end()
        if self._file is not None:
            try:
                self._file.save(self._notebook, sync=True)
            finally:
                self._file.close()

    @property
    def is_closed(self) -> bool:
        """Whether it takes no more cells."""
        return self._is_closed

    def delete(self) -> None:
        """Close the session and delete its notebook; its folder too, where nothing else is in it."""
        with self._lock:
            is_closed, self._is_closed = self._is_closed, True
        if is_closed:
            raise SandboxError(f"the notebook session {self.name!r} is closed")
        self._end()
        OUTSIDE.load().perform(STEP, {"sandbox": self.name, "delete": True}, self._remove, repeatable=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _begin(self, index: int, timeout_s: float | None) -> Work:
        """Return a cell as what is to be done."""
        self._check_open()
        with self._lock:
            index = to_index(self._notebook, index)
            cell = self.cells[index]
        if cell["cell_type"] != "code":
            raise ConfigError(f"cell {index} is no cell of code, but of {cell['cell_type']}")
        about: dict[str, Any] = {"sandbox": self.name, "index": index, "code": cell["source"]}
        if timeout_s is not None:
            about["timeout_s"] = timeout_s
        return Work(self._life, about, cell["source"], cell["id"])

    def _make(self, work: Work) -> dict[str, Any]:
        """Really run a cell: from here on the notebook on the disk is ours to write."""
        with self._lock:
            if self._file is None:
                self._file = self._take_file()
        return work.make()

    def _remove(self) -> None:
        (NotebookFile(self.path) if self._file is None else self._file).remove()

    def _keep(self, work: Work, value: Mapping[str, Any]) -> CellResult:
        """Put what a cell came to into the notebook. It has run, so a full disk does not undo that."""
        result = CellResult.from_dict(value["result"])
        with self._lock:
            notebook = keep_result(self._notebook, work.id, result)
            for id_, is_same in self._life.take_rebuilt():
                notebook = mark_cell(notebook, id_, {"rebuilt": "same" if is_same else "other output"})
            self._notebook = notebook
            if self._file is not None:
                self._file.save(notebook)
        return result

    def _change(self, notebook: Notebook) -> None:
        """Store a changed notebook; where that fails, nothing has changed."""
        self._check_open()
        if self._file is not None:
            self._file.save(notebook)
        self._notebook = notebook

    def _open(self) -> Notebook:
        """Return the notebook as it stood when the session was opened, on the disk or in the log."""
        about = {"sandbox": self.name, "open": self._given}
        try:
            found = OUTSIDE.load().perform(STEP, about, self._load, repeatable=True)["notebook"]
            if found is not None:
                return self._checked_notebook(from_data(found, str(self.path)))
            notebook = build_notebook(self.name, self._given or {})
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

    def _take_file(self) -> NotebookFile:
        """Take the notebook on the disk for a run that was a replay until now; what it does not continue is kept."""
        file = NotebookFile(self.path)
        try:
            found = file.load()
            if found is not None and not _is_start(found, self._notebook):
                file.set_aside()
            file.save(self._notebook)
        except BaseException:
            file.close()
            raise
        return file

    def _code_ids(self) -> list[str]:
        return [cell["id"] for cell in self.cells if cell["cell_type"] == "code"]

    def _index_of(self, id_: str) -> int:
        return [cell["id"] for cell in self.cells].index(id_)

    def _changeable(self, index: int, end: int | None = None) -> int:
        index = to_index(self._notebook, index, end=end)
        if index == 0:
            raise ConfigError("the first cell is the session's own, and stays as it is")
        return index

    def _check_open(self) -> None:
        if self._is_closed:
            raise SandboxError(f"the notebook session {self.name!r} is closed")


class _Done:
    """What a step came to."""

    value: Any = None


@contextmanager
def _noting(life: KernelLife, work: Work) -> Generator[_Done]:
    """Have the kernel's life remember a cell, however it ends."""
    done = _Done()
    try:
        yield done
    except BaseException:
        if work.has_begun or not work.is_made:
            life.note(work, None)
        raise
    life.note(work, done.value)


def start_kernel(policy: SandboxPolicy) -> Kernel:
    """Return a kernel of this process's pool: the one place where sessions get real ones from."""
    from lllm.sandbox.pool import find_pool  # noqa: PLC0415 - a replay starts none

    return find_pool(policy).acquire()


def _find_earlier(name: str) -> Steps:
    """Return what the run that is gone on with did in this sandbox, also within functions that do not run again."""
    return [step for step in OUTSIDE.load().earlier(STEP) if step[1].get("sandbox") == name]


def _serve(metadata: Mapping[str, Any]) -> OnCall:
    return OUTSIDE.load().serve(metadata)


def _recall(step: str) -> OnCall:
    return OUTSIDE.load().recall(step)


def _checked(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Return metadata as JSON data.

    Raises:
        ConfigError: they are none.
    """
    try:
        return mend_json(json.loads(encode_json(dict(metadata))), METADATA_BYTES)[0]
    except (TypeError, ValueError) as error:
        raise ConfigError(f"the metadata of a sandbox session must be JSON data: {error}") from error


def _has_run(notebook: Notebook) -> bool:
    """Whether a cell of a notebook ran before it was opened, in a kernel that is gone."""
    return any(cell.get("execution_count") for cell in notebook["cells"])


def _is_start(found: Notebook, notebook: Notebook) -> bool:
    """Whether the cells of one notebook are the first ones of another."""
    told = [(cell["id"], cell["source"]) for cell in notebook["cells"]]
    return [(cell["id"], cell["source"]) for cell in found["cells"]] == told[: len(found["cells"])]


def _close(life: KernelLife, pid: int) -> None:
    """End the kernel, unless this is a process that was forked from the one it belongs to."""
    if os.getpid() == pid:
        life.close()
