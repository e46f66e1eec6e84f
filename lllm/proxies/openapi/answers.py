"""What an operation answers with when all goes well: JSON or text, and a short example of it."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Any

from lllm.proxies.openapi.document import Document, to_dict
from lllm.proxies.openapi.examples import make_up, to_short
from lllm.proxies.openapi.parameters import find_json, name_some
from lllm.proxies.openapi.plan import JSON, UnfitError
from lllm.proxies.openapi.schema import Folder


def read_answer(document: Document, responses: Mapping[Any, Any]) -> tuple[str, JSON]:
    """Return ``json`` or ``text``, and a short example of the answer, None where none is known.

    Raises:
        UnfitError: it answers with what a proxy does not read.
    """
    stated = {str(code).upper(): response for code, response in responses.items()}
    good = [code for code in stated if code.startswith("2")] or [code for code in stated if code == "DEFAULT"]
    if stated and not good:
        raise UnfitError("it has no answer that a proxy reads", ", ".join(islice(stated, 5)))
    contents = [to_dict(document.resolve(stated[code]).get("content")) for code in good]
    for content in contents:
        if (media := find_json(content)) is not None:
            return "json", _example_of(document, media)
    if any(_is_text(str(name)) for content in contents for name in content):
        return "text", None
    if contents and all(contents):
        raise UnfitError("its answer is neither JSON nor text", name_some(contents[0]))
    return "json", None


def _is_text(media_type: str) -> bool:
    return media_type.startswith("text/") and not media_type.startswith("text/event-stream")


def _example_of(document: Document, media: Mapping[Any, Any]) -> JSON:
    try:
        if (example := media.get("example")) is not None:
            return to_short(example)
        for named in to_dict(media.get("examples")).values():
            if (example := document.resolve(named).get("value")) is not None:
                return to_short(example)
        folder = Folder(document)
        schema = folder.fold(media.get("schema"))
    except UnfitError:
        return None
    return to_short(make_up(folder, schema, whole=True)) if schema.type else None
