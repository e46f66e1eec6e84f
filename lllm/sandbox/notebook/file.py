"""A notebook on the disk: held by one session at a time, and either as it was or as it is now, never half of each."""

from __future__ import annotations

import fcntl
import os
import weakref
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from lllm.errors import NotebookError
from lllm.sandbox.notebook.notebook import Cell, Notebook, render_cell, to_json
from lllm.sandbox.notebook.read import from_json
from lllm.utils import safe_name


def to_path(folder: Path, name: str) -> Path:
    """Return where a session's notebook lies in its folder. Pure."""
    return folder / f"{safe_name(name)}.ipynb"


class NotebookFile:
    """The file of one notebook, locked from construction to ``close``. The system unlocks it when the process dies.

    Raises:
        NotebookError: another session, in this process or another, holds it; or its folder cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        lock = path.with_name(f".{path.name}.lock")
        fd = -1
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            while fd < 0:
                fd = _take(lock)
        except BlockingIOError:
            told = "another session works on this notebook"
            raise NotebookError(told, where=str(path), hint="close that one, or take another name") from None
        except OSError as error:
            _refuse("locked", path, error)
        self._texts: dict[int, tuple[Cell, str]] = {}  # of the cells as they were written last, by identity
        self._unlock = weakref.finalize(self, _unlock, lock, fd, os.getpid())

    def load(self) -> Notebook | None:
        """Return the notebook; None where there is none yet.

        Raises:
            NotebookError: it cannot be read, or is no notebook of a session.
        """
        try:
            return from_json(self.path.read_text("utf-8"), str(self.path))
        except FileNotFoundError:
            return None
        except UnicodeDecodeError as error:
            raise NotebookError(f"this is no notebook: {error}", where=str(self.path)) from error
        except OSError as error:
            _refuse("read", self.path, error)

    def save(self, notebook: Notebook, *, sync: bool = False) -> None:
        """Write the notebook; it outlives this process from then on, and a power loss if ``sync``.

        Raises:
            NotebookError: it cannot be written, such as on a full disk; the file is as it was.
        """
        content = to_json(notebook, self._render).encode("utf-8")
        self._texts = {key: self._texts[key] for key in map(id, notebook["cells"])}
        draft = self.path.with_name(f".{self.path.name}.tmp")
        try:
            try:
                _write(draft, content, sync=sync)
                draft.replace(self.path)
            finally:
                with suppress(OSError):
                    draft.unlink(missing_ok=True)
        except OSError as error:
            _refuse("written", self.path, error)

    def _render(self, cell: Cell) -> str:
        """Return a cell's text; one that stayed is not laid out again. Cells are never changed in place."""
        if id(cell) not in self._texts:
            self._texts[id(cell)] = (cell, render_cell(cell))
        return self._texts[id(cell)][1]

    def set_aside(self) -> Path:
        """Give the file another name that is free, and return that."""
        number = 1
        while os.path.lexists(aside := self.path.with_name(f"{self.path.stem}.before-{number}.ipynb")):
            number += 1
        try:
            return self.path.rename(aside)
        except OSError as error:
            _refuse("set aside", self.path, error)

    def remove(self) -> None:
        """Delete the notebook, and its folder if nothing else is in it."""
        with suppress(FileNotFoundError):
            self.path.unlink()
        self.close()
        with suppress(OSError):
            self.path.parent.rmdir()

    def close(self) -> None:
        """Let another session have it. Closing twice does nothing."""
        self._unlock()


def _unlock(path: Path, fd: int, pid: int) -> None:
    if os.getpid() == pid:  # a process that was forked from the one that holds it does not let go of it
        with suppress(OSError):
            path.unlink()  # while it is held: who waits for it looks again
    os.close(fd)


def _take(path: Path) -> int:
    """Return a locked file; -1 when its name meanwhile stands for another file, or for none."""
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(fd), path.stat()):
                return fd
    except BaseException:
        os.close(fd)
        raise
    os.close(fd)
    return -1


def _write(path: Path, content: bytes, *, sync: bool) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)
    with os.fdopen(fd, "wb", buffering=0) as file:
        view = memoryview(content)
        while view:
            view = view[file.write(view) :]
        if sync:
            os.fsync(fd)


def _refuse(what: str, path: Path, error: OSError) -> NoReturn:
    raise NotebookError(f"the notebook cannot be {what}: {error.strerror}", where=str(path)) from error
