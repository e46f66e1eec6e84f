"""A notebook whose cells run in a sandbox: what people and agents hold in their hands.

The log is the truth. Each cell that runs is a step of the session that this code runs in, so a replay serves its result
without a kernel; and the notebook on the disk is written only by a run that does something itself.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, Self

from lllm.errors import NotebookError, SandboxError
from lllm.registry import OUTSIDE
from lllm.sandbox.cell import STEP, CellResult, OnCall
from lllm.sandbox.life import KernelLife, Start, Work
from lllm.sandbox.notebook import tree
from lllm.sandbox.notebook.document import Document
from lllm.sandbox.notebook.file import to_path
from lllm.sandbox.notebook.in_thread import run_in_thread
from lllm.sandbox.notebook.notebook import Cell, Kind
from lllm.sandbox.notebook.read import from_data
from lllm.sandbox.policy import SandboxPolicy

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
        serve: makes what answers ``CALL_API``, from the metadata; None takes the proxies that they name.
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
        serve: Serve | None = None,
        start: Start | None = None,
    ) -> None:
        self.name = name
        self.path = to_path(Path(dir), name)
        self._lock = threading.Lock()
        self._is_closed = False
        self._document = Document(name, self.path, metadata)
        answers = partial(serve or _serve, self.metadata) if serve or self.metadata.get("proxies") else None
        self._life = KernelLife(policy or SandboxPolicy(), partial(_is_of, name), answers, start)
        self._life.is_lost = self._document.has_run  # in a kernel that is gone
        self._end = weakref.finalize(self, _close, self._life, os.getpid())

    @property
    def metadata(self) -> dict[str, Any]:
        """What the session was made with."""
        return self._document.metadata

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
        return self._document.cells

    def __len__(self) -> int:
        return len(self._document.cells)

    def append_code_cell(self, code: str) -> int:
        """Add a cell of code at the end; return its index."""
        return self._open_document().insert_cell(None, code, "code")

    def append_markdown_cell(self, text: str) -> int:
        """Add a cell of text at the end; return its index."""
        return self._open_document().insert_cell(None, text, "markdown")

    def insert_cell(self, index: int, source: str, kind: Kind = "code") -> int:
        """Add a cell before the cell ``index``, not before the first; return its index."""
        return self._open_document().insert_cell(index, source, kind)

    def overwrite_cell(self, index: int, source: str) -> None:
        """Give a cell another source; what came of the old one is gone from the notebook, not from the kernel."""
        self._open_document().overwrite_cell(index, source)

    def delete_cells(self, *indexes: int) -> None:
        """Delete cells from the notebook; what they did stays in the kernel."""
        self._open_document().delete_cells(indexes)

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
        with self._begin(index, timeout) as work:
            work.value = OUTSIDE.load().perform(STEP, work.about, self._to_make(work), repeatable=True)
        return self._keep(work)

    async def arun_cell(self, index: int, timeout: float | None = None) -> CellResult:  # noqa: ASYNC109 - of the cell
        """Async twin of :meth:`run_cell`. A cancellation interrupts the cell, and is passed on when it has ended."""
        with self._begin(index, timeout) as work:
            make = partial(run_in_thread, self._to_make(work), work.stop, self.policy.grace_s)
            work.value = await OUTSIDE.load().aperform(STEP, work.about, make, repeatable=True)
        return self._keep(work)

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
        self._open_document()
        about = {"sandbox": self.name, "restart": True}
        made: list[str] = []
        OUTSIDE.load().perform(STEP, about, lambda: made.append("now"), repeatable=True)
        self._life.restart(is_recorded=not made)

    def interrupt(self) -> None:
        """Interrupt the cell that runs, if one does. Safe from any thread."""
        self._life.interrupt()

    def directory_tree(self) -> str:
        """Return the files that cells have written, as a tree; the kernel says so, and could say anything."""
        self._open_document()
        if self._life.knows_nothing:
            return tree.render_tree([])
        with Work(self._life, {"sandbox": self.name, "tree": True}, tree.CODE) as work:
            work.value = OUTSIDE.load().perform(STEP, work.about, self._to_make(work), repeatable=True)
        return tree.render_tree(tree.parse_entries(CellResult.from_dict(work.value["result"])))

    def to_dict(self) -> dict[str, Any]:
        """Return the session as JSON data: ``name``, ``policy`` and ``notebook``, which holds the metadata."""
        return {"name": self.name, "policy": asdict(self.policy), "notebook": self._document.notebook}

    @classmethod
    def from_dict(
        cls,
        data: Mapping[str, Any],
        dir: str | Path,  # noqa: A002 - as above
        *,
        serve: Serve | None = None,
        start: Start | None = None,
    ) -> Self:
        """Return a session made again from :meth:`to_dict`'s data, in a folder that has no notebook of its name.

        Raises:
            NotebookError: there is one, or the data are no session.
        """
        try:
            name, policy = str(data["name"]), SandboxPolicy(**data["policy"])
            notebook = from_data(data["notebook"])
            session = cls(name, dir, notebook["metadata"]["lllm"]["metadata"], policy=policy, serve=serve, start=start)
        except (KeyError, TypeError) as error:
            raise NotebookError(f"this is no session: {error}") from error
        if len(session) > 1:
            session.close()
            raise NotebookError("there is a notebook of this name already", where=str(session.path))
        session._document.replace(notebook)
        session._life.is_lost = session._document.has_run
        return session

    def close(self) -> None:
        """End the kernel and let go of the notebook, which stays. Closing twice does nothing."""
        with self._lock:
            is_closed, self._is_closed = self._is_closed, True
        if is_closed:
            return
        self._end()
        self._document.close()

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
        self._document.delete()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _begin(self, index: int, timeout_s: float | None) -> Work:
        """Return a cell as what is to be done."""
        index, cell = self._open_document().find_code(index)
        about: dict[str, Any] = {"sandbox": self.name, "index": index, "code": cell["source"]}
        if timeout_s is not None:
            about["timeout_s"] = timeout_s
        return Work(self._life, about, cell["source"], cell["id"])

    def _to_make(self, work: Work) -> Callable[[], dict[str, Any]]:
        """Return what really runs a cell: from there on the notebook on the disk is ours to write."""
        return partial(work.make, self._document.take_file)

    def _keep(self, work: Work) -> CellResult:
        result = CellResult.from_dict(work.value["result"])
        self._document.keep_result(work.cell.id, result, self._life.take_rebuilt())
        return result

    def _code_ids(self) -> list[str]:
        return [cell["id"] for cell in self.cells if cell["cell_type"] == "code"]

    def _index_of(self, id_: str) -> int:
        return [cell["id"] for cell in self.cells].index(id_)

    def _open_document(self) -> Document:
        if self._is_closed:
            raise SandboxError(f"the notebook session {self.name!r} is closed")
        return self._document


def _is_of(name: str, _step: str, about: Mapping[str, Any]) -> bool:
    """Whether a step was done in the sandbox of this name."""
    return about.get("sandbox") == name


def _serve(metadata: Mapping[str, Any]) -> OnCall:
    return OUTSIDE.load().serve(metadata)


def _close(life: KernelLife, pid: int) -> None:
    """End the kernel, unless this is a process that was forked from the one it belongs to."""
    if os.getpid() == pid:
        life.close()
