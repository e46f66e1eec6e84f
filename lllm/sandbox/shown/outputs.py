"""Messages of one cell become its outputs, as a notebook keeps them. Pure, but for what the fold itself remembers.

Messages are Jupyter's (https://jupyter-client.readthedocs.io/en/stable/messaging.html, read 2026-11), outputs are those
of nbformat 4.5 (https://nbformat.readthedocs.io/en/latest/format_description.html, read 2026-11). The code in the
sandbox can send anything, so here nothing is believed: whatever comes in, valid outputs of bounded size come out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from lllm.sandbox.shown.display import strip_colours
from lllm.sandbox.shown.mended import dict_of, list_of, mend_json, mend_text, to_utf8
from lllm.sandbox.shown.mime import to_joined, to_kept

Output = dict[str, Any]
Content = Mapping[str, Any]

_OUTPUT_BYTES = 256  # what an output counts beside its content, about what it takes in memory
_METADATA_BYTES = 64 * 1024
_KINDS = 64
_ID_CHARS = 200
_TOLD = frozenset({"status", "execute_input", "execute_reply"})  # tells of the kernel, shows nothing


class OutputFold:
    """The outputs of one cell, message by message.

    Args:
        limit_bytes: of all that the cell writes or shows, also of what it clears again.
        limit_messages: how often it may show something. Text written to a stream counts by its bytes alone.
        limit_item_bytes: of one value of one display; None is half of ``limit_bytes``.

    Attributes:
        over: which limit was passed, ``bytes`` or ``messages``; empty as long as none was. What comes after is dropped.
    """

    def __init__(self, limit_bytes: int, limit_messages: int, limit_item_bytes: int | None = None) -> None:
        self.over = ""
        self._limits = {"bytes": limit_bytes, "messages": limit_messages}
        self._left_bytes, self._left_messages = limit_bytes, limit_messages
        self._item_bytes = limit_bytes // 2 if limit_item_bytes is None else limit_item_bytes
        self._items: list[Output | _Stream] = []
        self._by_id: dict[str, list[Output]] = {}
        self._clear_first = False

    def add(self, message: Any) -> None:
        """Take one message, ``{"msg_type", "content"}``. What is none, or shows nothing, is passed by."""
        told = dict_of(message)
        kind, content = told.get("msg_type"), dict_of(told.get("content"))
        if self.over or not isinstance(kind, str) or kind in _TOLD:
            return
        if kind == "stream":
            self._stream(content)
            return
        self._left_messages -= 1
        if self._left_messages < 0:
            self.over = "messages"
        else:
            self._handle(kind, content)

    def outputs(self) -> tuple[Output, ...]:
        """Return the outputs so far; when a limit was passed, the last one says so."""
        outputs = [item.to_output() if isinstance(item, _Stream) else item for item in self._items]
        if self.over:
            note = f"[output cut: more than {self._limits[self.over]} {self.over}]\n"
            outputs.append({"output_type": "stream", "name": "stderr", "text": note})
        return tuple(outputs)

    def traceback(self) -> tuple[str, ...]:
        """Return the lines of the last error that was shown, without colours; none when there is none."""
        errors = [item for item in self._items if not isinstance(item, _Stream) and item["output_type"] == "error"]
        text = strip_colours("\n".join(errors[-1]["traceback"])) if errors else ""
        return tuple(text.splitlines())

    def _handle(self, kind: str, content: Content) -> None:
        if kind == "display_data":
            self._show(content, {"output_type": kind})
        elif kind == "execute_result":
            self._show(content, {"output_type": kind, "execution_count": to_count(content.get("execution_count"))})
        elif kind == "update_display_data":
            self._update(content)
        elif kind == "clear_output":
            self._clear(content)
        elif kind == "error":
            self._error(content)

    def _stream(self, content: Content) -> None:
        text = to_joined(content.get("text"))
        if not text:
            return
        name = "stderr" if content.get("name") == "stderr" else "stdout"
        self._clear_if_asked()
        last = self._items[-1] if self._items else None
        if not isinstance(last, _Stream) or last.name != name:
            if not self._spend(_OUTPUT_BYTES):
                return
            last = _Stream(name)
            self._items.append(last)
        part = to_utf8(text[: self._left_bytes + 1])  # no longer than what is looked at
        last.content += part[: self._left_bytes]
        self._spend(len(part))

    def _show(self, content: Content, output: Output) -> None:
        output["data"], output["metadata"], size_bytes = self._bundle(content)
        if self._spend(size_bytes):
            self._clear_if_asked()
            self._items.append(output)
            if id_ := _display_id(content):
                self._by_id.setdefault(id_, []).append(output)

    def _update(self, content: Content) -> None:
        """Change what was displayed under an id. One of another cell is none of ours."""
        outputs = self._by_id.get(_display_id(content), [])
        data, metadata, size_bytes = self._bundle(content)
        if outputs and self._spend(size_bytes * len(outputs)):  # a notebook holds it once for each
            for output in outputs:
                output["data"], output["metadata"] = data, metadata

    def _clear(self, content: Content) -> None:
        self._clear_first = True
        if content.get("wait") is not True:
            self._clear_if_asked()

    def _error(self, content: Content) -> None:
        texts = [content.get("ename"), content.get("evalue"), *list_of(content.get("traceback"))]
        left_bytes, kept = min(self._item_bytes, self._left_bytes), list[str]()
        for text in texts:
            part = to_utf8(text[: left_bytes + 1])[:left_bytes] if isinstance(text, str) else b""
            kept.append(part.decode("utf-8", "ignore"))
            left_bytes -= len(part) + _OUTPUT_BYTES
            if left_bytes <= 0:
                break
        ename, evalue, *traceback = [*kept, "", ""][: max(2, len(kept))]
        if self._spend(sum(len(to_utf8(text)) + _OUTPUT_BYTES for text in kept)):
            self._clear_if_asked()
            self._items.append({"output_type": "error", "ename": ename, "evalue": evalue, "traceback": traceback})

    def _bundle(self, content: Content) -> tuple[dict[str, Any], dict[str, Any], int]:
        """Return data and metadata of a display, and what they count; what cannot be kept is told in the metadata."""
        data, left_out, size_bytes = dict[str, Any](), dict[str, str](), _OUTPUT_BYTES
        for number, (mime, value) in enumerate(dict_of(content.get("data")).items()):
            if number == _KINDS:
                left_out["..."] = f"more than {_KINDS} kinds"
                break
            try:
                data[mime], size = to_kept(mime, value, self._item_bytes)
                size_bytes += size
            except ValueError as error:
                left_out[mend_text(str(mime)[:100])] = str(error)
        metadata, size = _metadata(content)
        if left_out:
            metadata["lllm"] = {"left_out": left_out}
            size_bytes += _OUTPUT_BYTES * len(left_out)
        return data, metadata, size_bytes + size

    def _spend(self, size_bytes: int) -> bool:
        """Return whether so much more may be kept."""
        if size_bytes > self._left_bytes:
            self.over, self._left_bytes = "bytes", 0
            return False
        self._left_bytes -= size_bytes
        return True

    def _clear_if_asked(self) -> None:
        if self._clear_first:
            self._items, self._by_id, self._clear_first = [], {}, False


class _Stream:
    """Text of one stream without a break. As bytes: a list of its parts would take many times as much."""

    __slots__ = ("content", "name")

    def __init__(self, name: str) -> None:
        self.name = name
        self.content = bytearray()

    def to_output(self) -> Output:
        return {"output_type": "stream", "name": self.name, "text": self.content.decode("utf-8", "ignore")}


def build_outputs(
    messages: Iterable[Any], limit_bytes: int = 8 << 20, limit_messages: int = 1000
) -> tuple[Output, ...]:
    """Return the outputs that the messages of one cell come to."""
    outputs = OutputFold(limit_bytes, limit_messages)
    for message in messages:
        outputs.add(message)
    return outputs.outputs()


def to_count(count: Any) -> int | None:
    """Return the number of a cell in its kernel; None of anything that is none."""
    return count if isinstance(count, int) and not isinstance(count, bool) and 0 <= count < 1 << 53 else None


def _metadata(content: Content) -> tuple[dict[str, Any], int]:
    try:
        metadata, size_bytes = mend_json(dict_of(content.get("metadata")), _METADATA_BYTES)
    except ValueError:
        return {}, 0
    metadata.pop("lllm", None)  # ours to tell
    return metadata, size_bytes


def _display_id(content: Content) -> str:
    id_ = dict_of(content.get("transient")).get("display_id")
    return id_[:_ID_CHARS] if isinstance(id_, str) else ""
