"""The notebook sessions of one folder, by name."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, Self

from lllm.errors import NotebookError
from lllm.registry import OUTSIDE
from lllm.sandbox.cell import STEP
from lllm.sandbox.life import Start
from lllm.sandbox.notebook.file import to_path
from lllm.sandbox.notebook.session import JupyterSession, Serve
from lllm.sandbox.policy import SandboxPolicy
from lllm.utils import safe_name


class JupyterSandbox:
    """Notebook sessions, each in a folder of its own below ``root``.

    Their kernels end with this process, with ``shutdown_all``, or at the end of a ``with`` block; notebooks stay.

    Args:
        root: the folder.
        policy: how much each kernel may use.
        serve: makes what answers ``CALL_API``, from a session's metadata; None takes the proxies that they name.
        start: starts a kernel; None takes one of this process's pool.
    """

    def __init__(
        self,
        root: str | Path,
        policy: SandboxPolicy | None = None,
        serve: Serve | None = None,
        start: Start | None = None,
    ) -> None:
        self.root = Path(root)
        self.policy = policy or SandboxPolicy()
        self._open = partial(JupyterSession, policy=self.policy, serve=serve, start=start)
        self._sessions: dict[str, JupyterSession] = {}
        self._lock = threading.RLock()

    def new_session(self, name: str, metadata: Mapping[str, Any] | None = None) -> JupyterSession:
        """Return a new session.

        Raises:
            NotebookError: there is one of this name.
        """
        with self._lock:
            if self._is_there(name):
                told = f"there is a notebook session {name!r} already"
                raise NotebookError(told, where=str(self._path(name)), hint="get_session opens it")
            return self._get(name, metadata or {})

    def get_session(self, name: str, create: bool = True) -> JupyterSession:
        """Return a session: the one that is open, else the one in the folder, else, if ``create``, a new one.

        Raises:
            NotebookError: there is none of this name, or its notebook cannot be read.
        """
        with self._lock:
            if not create and not self._is_there(name):
                known = ", ".join(self.list_sessions()[:20]) or "none"
                raise NotebookError(
                    f"there is no notebook session {name!r}", where=str(self.root), hint=f"known: {known}"
                )
            return self._get(name, None)

    def list_sessions(self) -> list[str]:
        """Return the names of the sessions in the folder, as files are named after them, sorted."""
        about = {"sandbox": None, "list": True}
        return OUTSIDE.load().perform(STEP, about, self._list, repeatable=True)

    def shutdown_session(self, name: str) -> None:
        """End a session's kernel and let go of its notebook; without such a session, do nothing."""
        with self._lock:
            session = self._sessions.pop(safe_name(name), None)
        if session is not None:
            session.close()

    def delete_session(self, name: str) -> None:
        """End a session and delete its notebook.

        Raises:
            NotebookError: there is none of this name, or it cannot be deleted.
        """
        session = self.get_session(name, create=False)
        with self._lock:
            self._sessions.pop(safe_name(name), None)
        session.delete()

    def shutdown_all(self) -> None:
        """End all kernels; every one, also where a notebook cannot be written."""
        with self._lock:
            sessions, self._sessions = list(self._sessions.values()), {}
        failures: list[Exception] = []
        for session in sessions:
            try:
                session.close()
            except NotebookError as error:
                failures.append(error)
        if failures:
            raise failures[0]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.shutdown_all()

    def _get(self, name: str, metadata: Mapping[str, Any] | None) -> JupyterSession:
        key = safe_name(name)
        session = self._sessions.get(key)
        if session is None or session.is_closed:
            session = self._sessions[key] = self._open(name, self._path(name).parent, metadata)
        return session

    def _is_there(self, name: str) -> bool:
        if safe_name(name) in self._sessions:
            return True
        about = {"sandbox": None, "find": name}
        return OUTSIDE.load().perform(STEP, about, lambda: self._path(name).exists(), repeatable=True)

    def _path(self, name: str) -> Path:
        return to_path(self.root / safe_name(name), name)

    def _list(self) -> list[str]:
        return sorted(path.stem for path in self.root.glob("*/*.ipynb") if path.stem == path.parent.name)
