"""A server that is a program: started with a clean environment, read line by line within bounds, and never left behind.

The SDK has a transport for this. Ours also bounds what a server may say, keeps the end of what it says on stderr, which
is where it tells why it does not start, and stops what the server itself has started.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

import anyio
from mcp.shared.message import SessionMessage
from mcp_types import jsonrpc_message_adapter

from lllm.errors import ConfigError
from lllm.models.mcp import MCP

MAX_REPLY_BYTES = 32 << 20
"""Most that a server may say between two requests."""

EXIT_S, TERM_S = 2.0, 1.0
"""Seconds that a server has to end by itself, once its input is closed, and once it is told to."""

_TAIL_CHARS = 2000
_POLL_S = 0.01
_CHUNK_BYTES = 1 << 16
# What programs need to find their interpreter, their folders and their language. None of it is a secret.
_INHERITED = ("PATH", "HOME", "USER", "LANG", "LC_ALL", "TMPDIR", "SYSTEMROOT", "APPDATA", "LOCALAPPDATA", "TEMP")
# Asks the kernel to end this process with its parent (PR_SET_PDEATHSIG, SIGKILL; prctl(2)), then becomes the program.
# If the parent has died before, there is nobody to work for.
_GUARD = """
import ctypes, os, sys
ctypes.CDLL(None).prctl(1, 9)
if os.getppid() == int(sys.argv[1]):
    os.execv(sys.argv[2], sys.argv[2:])
"""


class ServerProgram:
    """A server's process.

    Attributes:
        tail: the end of what it said on stderr.
        fault: why nothing more is read from it; empty while it is.
    """

    def __init__(self, server: MCP, secrets: Mapping[str, str]) -> None:
        self._server, self._secrets = server, secrets
        self._process: asyncio.subprocess.Process | None = None
        self._code: int | None = None
        self._said_bytes = 0
        self.tail = ""
        self.fault = ""

    @property
    def is_gone(self) -> bool:
        """Whether it has ended, or is not read any more."""
        process = self._process
        return bool(self.fault) or process is None or process.returncode is not None or not _is_there(process.pid)

    def describe_end(self) -> str:
        """Return what is known of its end, in words."""
        ended = "" if self._code is None else f"it ended with exit code {self._code}"
        said = f"stderr: {self.tail.strip()}" if self.tail.strip() else ""
        return "; ".join(part for part in (self.fault, ended, said) if part)

    @asynccontextmanager
    async def streams(self) -> AsyncGenerator[tuple[Any, Any]]:
        """Start it and give what the SDK reads from and writes to; stop it in the end, whatever happens.

        Raises:
            ConfigError: there is no such program.
        """
        process = self._process = await self._start()
        to_us, read = anyio.create_memory_object_stream[Any](0)
        write, to_it = anyio.create_memory_object_stream[Any](0)
        tasks = [
            asyncio.create_task(work)
            for work in (self._read(process, to_us), self._write(process, to_it), self._listen(process))
        ]
        try:
            yield read, write
        finally:
            await asyncio.shield(asyncio.ensure_future(self._end(process, tasks[0])))
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)  # what broke them, the connection's end tells
            for stream in (to_us, read, write, to_it):
                stream.close()

    async def _end(self, process: asyncio.subprocess.Process, reader: asyncio.Task[None]) -> None:
        """Stop it, and remember how it ended if it did so by itself."""
        try:
            if reader.done() and not self.fault:  # it has closed its output
                await _has_ended(process, TERM_S)
            self._code = process.returncode
        finally:
            await _stop(process)

    async def _start(self) -> asyncio.subprocess.Process:
        server = self._server
        inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        env = {**inherited, **server.env, **self._secrets}
        program = shutil.which(server.command, path=env.get("PATH"))
        if program is None:
            raise ConfigError(f"there is no program {server.command!r}", hint="install it, or give its whole path")
        pipe = asyncio.subprocess.PIPE
        return await asyncio.create_subprocess_exec(
            *_guarded(program),
            *server.args,
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
            env=env,
            cwd=server.cwd or None,
            start_new_session=True,  # Ctrl-C is for us; and what it starts ends with it
        )

    async def _read(self, process: asyncio.subprocess.Process, to_us: Any) -> None:
        """Pass on each line that is a message; what else a server prints there is passed over."""
        assert process.stdout is not None
        buffer = bytearray()
        async with to_us:  # its end is the end of the connection
            while chunk := await process.stdout.read(_CHUNK_BYTES):
                self._said_bytes += len(chunk)
                if self._said_bytes > MAX_REPLY_BYTES:
                    self.fault = f"it said more than {MAX_REPLY_BYTES} bytes without being asked for more"
                    return
                searched = len(buffer)
                buffer += chunk
                if buffer.find(b"\n", searched) < 0:
                    continue
                *lines, rest = buffer.split(b"\n")
                for line in lines:
                    with suppress(ValueError):
                        await to_us.send(SessionMessage(jsonrpc_message_adapter.validate_json(line, by_name=False)))
                buffer = bytearray(rest)

    async def _write(self, process: asyncio.subprocess.Process, to_it: Any) -> None:
        assert process.stdin is not None
        async with to_it:
            async for message in to_it:
                self._said_bytes = 0
                line = message.message.model_dump_json(by_alias=True, exclude_unset=True)
                process.stdin.write(f"{line}\n".encode())
                with suppress(OSError):  # it has ended, which the reader tells
                    await process.stdin.drain()

    async def _listen(self, process: asyncio.subprocess.Process) -> None:
        assert process.stderr is not None
        while chunk := await process.stderr.read(_CHUNK_BYTES):
            self.tail = (self.tail + chunk.decode("utf-8", "replace"))[-_TAIL_CHARS:]


def _is_there(pid: int) -> bool:
    """Whether a process is there, also one that has just ended: asyncio may hear of an end later than others do."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _guarded(program: str) -> list[str]:
    """Return how a program is started so that it ends when we are killed, where the system can do that.

    A server that waits for input ends by itself then. One in the middle of a call would not notice.
    """
    if sys.platform != "linux" or not sys.executable:
        return [program]
    return [sys.executable, "-I", "-S", "-c", _GUARD, str(os.getpid()), program]


async def _stop(process: asyncio.subprocess.Process) -> None:
    """End a process and all that it has started: its input is closed, then it is told to end, then it is ended.

    Source: the specification's page on lifecycle, 2025-11-25.
    """
    assert process.stdin is not None
    with suppress(OSError):
        process.stdin.close()
    try:
        if not await _has_ended(process, EXIT_S):
            _terminate(process)
            await _has_ended(process, TERM_S)
        _kill(process)  # what it has started, too
        await _has_ended(process, TERM_S)
    finally:
        _kill(process)
        # Of a pipe that something outside of its group still holds, nobody else would let go.
        getattr(process, "_transport").close()  # noqa: B009 - asyncio has no public way


async def _has_ended(process: asyncio.subprocess.Process, patience_s: float) -> bool:
    """Wait until a process has ended. Not with its own ``wait``, which also waits for all who hold its pipes."""
    end = time.monotonic() + patience_s
    while process.returncode is None and time.monotonic() < end:  # noqa: ASYNC110 - its own event waits for the pipes, too
        await asyncio.sleep(_POLL_S)
    return process.returncode is not None


def _signal(process: asyncio.subprocess.Process, name: str, otherwise: Callable[[], None]) -> None:
    with suppress(ProcessLookupError, PermissionError):
        if os.name == "posix":
            os.killpg(process.pid, getattr(signal, name))
        elif process.returncode is None:
            otherwise()


def _terminate(process: asyncio.subprocess.Process) -> None:
    _signal(process, "SIGTERM", process.terminate)


def _kill(process: asyncio.subprocess.Process) -> None:
    _signal(process, "SIGKILL", process.kill)
