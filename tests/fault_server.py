"""A small HTTP server that misbehaves exactly as told: raw sockets and threads, so that every byte is chosen here."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from urllib.parse import urlsplit


class FaultServer:
    """Serves faults by path: ``/<number>/...`` answers with the fault of that number.

    A fault is a mapping with ``status, headers, body`` or ``chunks``, and optional ``split`` (bytes a write), ``delay_ms``
    (between chunks), ``close`` (``abort``, ``hang``, ``abort_before_headers``), ``repeat``, ``http`` and ``second`` (the
    answer to the next request for it), ``then`` (``abort`` at the second request, unanswered).
    """

    def __init__(self):
        self.faults = []
        self.requests = []
        self.connections = 0
        self.closed_by_client = threading.Event()
        self._stop = threading.Event()
        self._asked = {}
        self._threads = []
        self._open = set()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)

    def __enter__(self):
        self._start(self._accept)
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._listener.close()
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)

    def _start(self, target, *args):
        thread = threading.Thread(target=target, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def add(self, fault):
        """Serve a fault, and return the base URL under which it is found."""
        self.faults.append(fault)
        host, port = self._listener.getsockname()
        return f"http://{host}:{port}/{len(self.faults) - 1}"

    def _accept(self):
        self._listener.settimeout(0.1)
        while not self._stop.is_set():
            try:
                connection, _ = self._listener.accept()
            except TimeoutError:
                continue
            except OSError:
                return
            self.connections += 1
            self._start(self._serve, connection)

    def _serve(self, connection):
        connection.settimeout(30)
        self._open.add(connection)
        with connection, contextlib.suppress(OSError):
            buffer = b""
            while not self._stop.is_set():
                buffer = self._one(connection, buffer)
                if buffer is None:
                    break
        self._open.discard(connection)

    def _one(self, connection, buffer):
        while b"\r\n\r\n" not in buffer:
            data = connection.recv(65536)
            if not data:
                return None
            buffer += data
        head, _, rest = buffer.partition(b"\r\n\r\n")
        lines = head.lower().split(b"\r\n")
        length = next((int(line.split(b":")[1]) for line in lines if line.startswith(b"content-length:")), 0)
        while len(rest) < length:
            rest += connection.recv(65536)
        self.requests.append((head, rest[:length]))
        number = int(urlsplit(head.split(b" ")[1]).path.split(b"/")[1])
        fault = self.faults[number]
        self._asked[number] = self._asked.get(number, 0) + 1
        if self._asked[number] > 1 and "second" in fault:
            fault = fault["second"]
        if fault.get("then") == "abort" and self._asked[number] == 2:  # the second request on a kept connection
            self._abort(connection)
            return None
        return rest[length:] if self._answer(connection, fault) else None

    def _answer(self, connection, fault):
        close = fault.get("close")
        if close == "abort_before_headers":
            return self._abort(connection)
        if "raw" in fault:
            connection.sendall(fault["raw"].encode("latin-1"))
            return False
        old = fault.get("http") == "1.0"
        streamed = "chunks" in fault and not old
        self._send_head(connection, fault, old=old)
        if "chunks" in fault:
            self._send_chunks(connection, fault, old=old)
        else:
            connection.sendall(body_of(fault))
        if close == "hang":
            return self._hang(connection)
        if close == "abort":
            return self._abort(connection)
        if streamed:
            connection.sendall(b"0\r\n\r\n")
        return not old and fault.get("keep", True)

    @staticmethod
    def _send_head(connection, fault, *, old):
        headers = {name.lower(): value for name, value in fault.get("headers", {}).items()}
        if "chunks" in fault and not old:
            headers["transfer-encoding"] = "chunked"
        elif "chunks" not in fault:
            headers.setdefault("content-length", str(len(body_of(fault))))
        status = f"HTTP/1.{0 if old else 1} {fault['status']} X"
        lines = [status, *(f"{name}: {value}" for name, value in headers.items())]
        connection.sendall("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n")

    def _send_chunks(self, connection, fault, *, old):
        chunks = [chunk if isinstance(chunk, bytes) else chunk.encode() for chunk in fault["chunks"]]
        if repeat := fault.get("repeat"):
            chunks += [repeat["chunk"].encode()] * repeat["n"]
        for chunk in self._pieces(chunks, fault.get("split")):
            connection.sendall(chunk if old else b"%x\r\n%s\r\n" % (len(chunk), chunk))
            if fault.get("delay_ms"):
                self._stop.wait(fault["delay_ms"] / 1000)

    @staticmethod
    def _pieces(chunks, split):
        for chunk in chunks:
            step = split or len(chunk) or 1
            yield from (chunk[i : i + step] for i in range(0, len(chunk), step))

    def _hang(self, connection):
        """Say nothing more, until the client gives up or the test ends."""
        if not connection.recv(1):
            self.closed_by_client.set()
        return False

    @staticmethod
    def _abort(connection):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return False


def body_of(fault):
    """The body of a fault as bytes."""
    body = fault.get("body", "")
    return body if isinstance(body, bytes) else body.encode("utf-8", "surrogatepass")
