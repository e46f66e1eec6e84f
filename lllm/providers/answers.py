"""One request and its answer, read while it arrives: what a transport feeds, and what comes of it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lllm.errors import BadReply, ProviderError
from lllm.models.message import Message
from lllm.models.request import ModelRequest
from lllm.providers.base import Delta, OnDelta
from lllm.providers.pace import Pace
from lllm.providers.wire.classify import parse_failure, redact
from lllm.providers.wire.draft import Asked
from lllm.providers.wire.formats import load_format
from lllm.providers.wire.profile import Profile
from lllm.providers.wire.stream import ReplyStream
from lllm.transport.port import WireRequest

if TYPE_CHECKING:
    from lllm.transport.port import Secrets

MAX_BODY_BYTES = 64 << 20


def to_credentials(key: str, profile: Profile) -> Secrets:
    """Return the header that holds the key; none for a server that wants none. Pure."""
    if not key:
        return ()
    return ((profile.key_header, f"Bearer {key}" if profile.key_header == "authorization" else key),)


class Question:
    """One request of no model, and its whole answer; it is the transport's receiver.

    Attributes:
        wire: the request, without credentials.
        secrets: the headers that hold them.
    """

    def __init__(self, wire: WireRequest, profile: Profile, key: str) -> None:
        self.wire = wire
        self.profile = profile
        self.secrets: Secrets = to_credentials(key, profile)
        self._key = key
        self._status = 0
        self._headers: Mapping[str, str] = {}
        self._body: list[bytes] = []
        self._size_bytes = 0

    def start(self, status: int, headers: Mapping[str, str]) -> None:
        """Take status and headers."""
        self._status, self._headers = status, headers

    def feed(self, chunk: bytes) -> None:
        """Take bytes of the body."""
        self._size_bytes += len(chunk)
        if self._size_bytes > MAX_BODY_BYTES:
            raise BadReply(f"the reply is longer than {MAX_BODY_BYTES:,} bytes", status=self._status, retryable=False)
        self._body.append(chunk)

    def body(self) -> bytes:
        """Return the body of an answer with status 200, or raise the error that the answer is."""
        body = b"".join(self._body)
        if self._status != 200:
            raise self._failure(body)
        return body

    def _failure(self, body: bytes) -> ProviderError:
        from lllm.transport.over_httpx import with_response  # noqa: PLC0415 - httpx is heavy

        secrets = (self._key,) if self._key else ()
        error = parse_failure(self._status, self._headers, body, now_s=time.time(), secrets=secrets)
        return with_response(error, self.wire, self._headers, self._redacted(body).encode())

    def _redacted(self, body: bytes) -> str:
        return redact(body.decode("utf-8", "replace"), (self._key,) if self._key else ())


class Exchange(Question):
    """One model call and its answer, read while it arrives; a stream is parsed piece by piece.

    Attributes:
        pace: told when the server refuses the call for its rate.
        sent_at: what ``pace.refusals`` was when it was sent.
    """

    def __init__(self, request: ModelRequest, profile: Profile, key: str, on_delta: OnDelta | None, pace: Pace) -> None:
        self._format = load_format(profile.api)
        super().__init__(self._format.build_request(request, profile), profile, key)
        self.pace, self.sent_at = pace, pace.refusals
        self.streamed = request.stream
        self.model = request.contract.model
        self._on_delta = on_delta
        self._asked = Asked(self.model, profile.family)
        self._stream: ReplyStream | None = None

    def start(self, status: int, headers: Mapping[str, str]) -> None:
        """Take status and headers."""
        super().start(status, headers)
        if status == 200 and self._format.is_stream(headers.get("content-type", ""), asked=self.streamed):
            self._stream = self._format.read_stream(self._asked)

    def feed(self, chunk: bytes) -> None:
        """Take bytes of the body."""
        if self._stream is None:
            super().feed(chunk)
            return
        try:
            self._show(self._stream.feed(chunk))
        except ProviderError:
            self._show(self._stream.take_pieces())  # what came before the fault, as if the bytes had been cut there
            raise

    def _show(self, deltas: list[Delta]) -> None:
        if self._on_delta is not None:
            for delta in deltas:
                self._on_delta(delta)

    def lose(self, error: ProviderError) -> None:
        """Take note that the attempt broke off; raise, unless the reply was whole by then."""
        if self._stream is None or not self._stream.complete:
            from lllm.transport.over_httpx import with_request  # noqa: PLC0415 - httpx is heavy

            with_request(error, self.wire)
            error.provider = self.profile.name
            error.partial = error.partial or (self._stream.partial if self._stream else "")
            self.pace.failed(error, self.sent_at)
            raise error

    def to_message(self) -> Message[Any]:
        """Return the reply, or raise the error that the answer is."""
        if self._stream is not None:
            return self._stream.end()
        body = self.body()
        try:
            return self._format.parse_reply(body, self._asked)
        except ProviderError as error:
            error.excerpt = self._redacted(error.excerpt.encode())
            raise
