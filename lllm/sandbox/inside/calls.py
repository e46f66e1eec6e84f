"""``CALL_API``: a cell asks the host to call a service."""

from __future__ import annotations

from stream import Writer
from wire import MAX_DEPTH, MAX_ITEMS, Channel, count_items

TYPE_CHECKING = False
if TYPE_CHECKING:  # typing takes as long to load as much of the rest
    from typing import Any


class APIError(RuntimeError):
    """A service did not answer, or the call was refused. The text says why."""


class Broker:
    """Asks the host, which knows the services and the keys."""

    def __init__(self, channel: Channel, writer: Writer, max_bytes: int) -> None:
        self._channel, self._writer, self._max_bytes = channel, writer, max_bytes
        self._asked = 0

    def call(self, endpoint: str, params: Any = None) -> Any:
        """Call a service and return its answer, as JSON data.

        Args:
            endpoint: such as "fred/series/observations".
            params: its parameters by name.

        Raises:
            APIError: it did not answer, or the host refused; the text says why.
        """
        channel = self._channel
        if channel is None:
            raise APIError("only the kernel's own process can call services, not one that it forked")
        self._writer.flush()
        with channel.lock:
            self._asked = asked = self._asked + 1
            self._send(channel, {"id": asked, "endpoint": endpoint, "params": {} if params is None else params})
            answer = channel.receive()
            while answer is not None and answer["id"] != asked:  # of a call that was interrupted
                answer = channel.receive()
        if answer is None:
            raise APIError("the host takes no more calls from this kernel")
        if "error" in answer:
            raise APIError(answer["error"])
        return answer["value"]

    def _send(self, channel: Channel, request: dict[str, Any]) -> None:
        if count_items(request, MAX_DEPTH) > MAX_ITEMS:
            raise APIError(f"the parameters cannot be sent: more than {MAX_ITEMS:,} items, or {MAX_DEPTH} levels")
        try:
            channel.send(request, self._max_bytes)
        except (TypeError, ValueError, RecursionError) as error:
            raise APIError(f"the parameters cannot be sent: {error}") from None

    def close(self) -> None:
        """Take no more calls."""
        if self._channel is not None:
            self._channel.close()
        self._channel = None
