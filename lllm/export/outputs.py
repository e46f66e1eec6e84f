"""What came of a cell, as outputs of a notebook (nbformat 4.5) that anything may open: text and pixels alone. Pure.

HTML, SVG, Markdown and formulas become their source: what opens a notebook may trust it, and each of them can load from
anywhere, or run.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import Any

from lllm.export.cells import CellView
from lllm.sandbox.shown.display import Part, to_safe

Output = dict[str, Any]


def to_outputs(cell: CellView) -> Iterator[Output]:
    """Yield the outputs of a cell; what else there is to say of it stands in outputs of its own."""
    for number, pairs in groupby(cell.parts(), key=lambda pair: pair[0]):
        parts = [part for _, part in pairs]
        if number >= 0:
            yield _to_output(cell.outputs[number], parts)
        else:
            yield from (_to_note(part, cell.status) for part in parts)


def to_lines(text: str) -> list[str]:
    """Return a text as a notebook holds it."""
    return text.splitlines(keepends=True)


def _to_output(output: Mapping[str, Any], parts: Iterable[Part]) -> Output:
    kind = output["output_type"]
    if kind == "stream":
        return _to_stream(output["name"], "".join(part.text for part in parts))
    if kind == "error":
        lines = "".join(part.text for part in parts).split("\n")
        return {"output_type": kind, "ename": to_safe(output["ename"]), "evalue": to_safe(output["evalue"])} | {
            "traceback": lines
        }
    shown: Output = {"output_type": kind, "data": _to_data(parts), "metadata": {}}
    return shown | ({"execution_count": output["execution_count"]} if kind == "execute_result" else {})


def _to_data(parts: Iterable[Part]) -> dict[str, Any]:
    """Return one display: its pictures, and all that is no picture as plain text."""
    data: dict[str, Any] = {}
    texts: list[str] = []
    for part in parts:
        if part.picture is None:
            texts.append(part.text)
        else:
            data[part.mime] = part.picture.base64
    return data | ({"text/plain": to_lines("\n".join(texts))} if texts else {})


def _to_note(part: Part, status: str) -> Output:
    if part.kind == "error":
        return {"output_type": "error", "ename": status, "evalue": part.text, "traceback": [part.text]}
    return _to_stream("stderr", f"{part.text}\n")


def _to_stream(name: str, text: str) -> Output:
    return {"output_type": "stream", "name": name, "text": to_lines(text)}
