"""What came of a cell, as outputs of a notebook (nbformat 4.5). Pure.

A display keeps its forms, as a notebook session keeps them; as plain text stands what there is to read of it. Left out
are scripts, and kinds that an extension may run. Nobody has signed this notebook, so Jupyter sanitizes its HTML
(https://jupyter-server.readthedocs.io/en/latest/operators/security.html, read 2026-11); other programs may not ask.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import Any, cast

from lllm.export.cells import CellView
from lllm.sandbox.shown.display import Part, to_safe
from lllm.sandbox.shown.mended import dict_of
from lllm.sandbox.shown.mime import SVG, to_joined

Output = dict[str, Any]

_MARKUP = ("text/html", "text/markdown", "text/latex", SVG)
_RASTERS = ("image/gif", "image/webp")  # which parts tell as notes; those that they hold as pictures were looked into
_JSON = "application/json"


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
    data = _to_forms(dict_of(output["data"])) | _to_data(parts)
    shown: Output = {"output_type": kind, "data": data, "metadata": {}}
    return shown | ({"execution_count": output["execution_count"]} if kind == "execute_result" else {})


def _to_forms(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return those forms of a display that a notebook may show as themselves, beside its pictures and its text."""
    texts = {mime: text for mime in (*_MARKUP, *_RASTERS) if (text := to_joined(data.get(mime))) is not None}
    forms: dict[str, Any] = {
        mime: text if mime in _RASTERS else to_lines(to_safe(text)) for mime, text in texts.items()
    }
    return forms | ({_JSON: _to_safe_json(data[_JSON])} if _JSON in data else {})


def _to_safe_json(value: Any) -> Any:
    """Return JSON data with texts that are safe to print; it is nested no deeper than a kernel's data may be."""
    if isinstance(value, str):
        return to_safe(value)
    if isinstance(value, list):
        return [_to_safe_json(item) for item in cast("list[Any]", value)]
    if isinstance(value, dict):
        return {to_safe(key): _to_safe_json(item) for key, item in cast("dict[str, Any]", value).items()}
    return value


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
