"""What came out of a sandbox, as text that whoever reads it can trust their eyes with. Pure.

Such a text may hold escape sequences that move a terminal's cursor, signs that turn the direction of writing, and signs
that nobody sees. Here they are shown, or taken out where they only colour.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from lllm.sandbox.cell import CellResult
from lllm.sandbox.shown.mended import dict_of, list_of
from lllm.sandbox.shown.mime import SVG, to_joined
from lllm.sandbox.shown.pictures import PICTURES, Picture, parse_picture, to_size
from lllm.utils import visible

STATE_LOST = "[The kernel was replaced: the variables, imports and files of earlier cells are gone.]"
BACKGROUND = "[What earlier cells, still at work, wrote meanwhile:]"
NOTHING = "(no output)"

_COLOUR = re.compile(r"\x1b\[[0-9;:]*m")
# Signs without width or ink that `visible` leaves; among them tags and variation selectors, which hide whole messages.
_UNSEEN = re.compile(
    "[\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200d\u2060-\u206f\u3164\ufe00-\ufe0d\ufeff\uffa0"
    "\ufff9-\ufffb\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
# Markdown is written to be read; of all else that has a plain text, this is read best.
_READ_FIRST = (
    "text/markdown",
    "text/plain",
    "text/latex",
    "application/json",
    "text/html",
    SVG,
    "application/javascript",
)
# What Python prints of an object that says nothing of itself, such as <IPython.core.display.HTML object>.
_BARE = re.compile(r"<[\w.<>]{1,200} object(?: at 0x[0-9a-fA-F]+)?>")
_SHOWN_AS_THEY_ARE = frozenset({"text/plain", "text/markdown", "text/latex"})
_OVERWRITTEN = 3  # how often a line is written over before that is told in short


@dataclass(frozen=True, slots=True)
class Part:
    """One thing to read.

    Attributes:
        kind: ``text``, ``error``, ``source`` (of something that is not shown as itself), ``picture`` or ``note``.
        text: without signs that nobody sees; of a picture its note.
        mime: what it is; empty of a stream, an error and a note.
        picture: the picture, where it is one.
    """

    kind: Literal["text", "error", "source", "picture", "note"]
    text: str
    mime: str = ""
    picture: Picture | None = None


def strip_colours(text: str) -> str:
    """Return a text without the escape sequences that colour it; all others stay."""
    return _COLOUR.sub("", text)


def to_safe(text: str) -> str:
    """Return a text that is safe to print: no terminal obeys anything in it, and each sign of it is seen.

    Colours are taken out. Of a line that is written over and over, such as a progress bar, the first and the last
    state stay, and how many there were between.
    """
    text = strip_colours(text)
    if "\r" in text:
        text = "\n".join(map(_overwritten, text.split("\n")))
    return _UNSEEN.sub(_shown, visible(text))


def cut_middle(text: str, limit_chars: int) -> str:
    """Return a text of at most so many characters: its start, its end, and how much is missing between."""
    if len(text) <= limit_chars:
        return text
    note = f"\n... [{len(text) - limit_chars} characters or more left out] ...\n"
    room = limit_chars - len(note)
    if room < 2:
        return text[: max(0, limit_chars)]
    return f"{text[: room - room // 2]}{note}{text[-(room // 2) :]}"


def to_text(result: CellResult, limit_chars: int = 5000) -> str:
    """Return what a model reads of a cell: at most so many characters, and nothing of what went wrong left unsaid."""
    told = _told(result)
    error = _short(_error_of(result), max(limit_chars // 2, limit_chars - 1000)) if result.status != "ok" else ""
    left_chars = limit_chars - len(told) - len(error) - 2
    shown = "\n".join(part.text.rstrip("\n") for part in _parts_of(result, max(0, left_chars)))
    pieces = [told, cut_middle(shown, max(0, left_chars)), error]
    text = "\n".join(piece for piece in pieces if piece.strip("\n")) or NOTHING
    return cut_middle(text, limit_chars)


def to_parts(outputs: Sequence[Mapping[str, Any]], limit_chars: int | None = None) -> Iterator[Part]:
    """Yield what there is to read in outputs of a notebook, each text cut to at most so many characters."""
    for output in outputs:
        kind = output.get("output_type")
        if kind == "stream":
            yield Part("text", _short(to_joined(output.get("text")) or "", limit_chars))
        elif kind == "error":
            yield Part("error", _short(_traceback_of(output), limit_chars))
        else:
            yield from _bundle(output, limit_chars)


def _told(result: CellResult) -> str:
    """Return what is said before the output."""
    told = [STATE_LOST] if result.state_lost else []
    if result.background.strip():
        told.append(f"{BACKGROUND}\n{_short(result.background, 500)}")
    return "\n".join(told)


def _parts_of(result: CellResult, limit_chars: int) -> Iterator[Part]:
    """Yield the parts of a cell, without the error that is told at its end."""
    outputs = result.outputs
    if result.status != "ok":
        outputs = [output for output in outputs if output.get("output_type") != "error"]
    yield from to_parts(outputs, limit_chars)


def _error_of(result: CellResult) -> str:
    line = ": ".join(text for text in (result.ename, result.evalue) if text) or result.status
    if not result.traceback:
        return line
    told = "\n".join(result.traceback)
    return told if result.status == "error" else f"{told}\n{line}"  # where it was when it was stopped, and by what


def _traceback_of(output: Mapping[str, Any]) -> str:
    told = [line for line in list_of(output.get("traceback")) if isinstance(line, str)]
    return "\n".join(told) or f"{output.get('ename')}: {output.get('evalue')}"


def _bundle(output: Mapping[str, Any], limit_chars: int | None) -> Iterator[Part]:
    """Yield what there is to read of one display: a text, the pictures, and what had to be left out."""
    data = _without_bare(dict_of(output.get("data")))
    pictures = [mime for mime in PICTURES if mime in data]
    mime = next((mime for mime in (("text/plain",) if pictures else _READ_FIRST) if mime in data), "")
    if mime:
        yield _text(mime, data[mime], limit_chars)
    for name in pictures:
        picture = parse_picture(name, data[name])
        note = picture.to_note() if picture else f"[{name}: no such picture, or one that is too large]"
        yield Part("picture" if picture else "note", note, name, picture)
    if not mime and not pictures:
        names = ", ".join(f"{to_safe(name)}, {to_size(len(str(value)))}" for name, value in list(data.items())[:3])
        if names:
            yield Part("note", f"[{names}]")
    left_out = dict_of(dict_of(dict_of(output.get("metadata")).get("lllm")).get("left_out"))
    for name, reason in list(left_out.items())[:10]:
        yield Part("note", to_safe(f"[{name} left out: {reason}]"))


def _without_bare(data: dict[str, Any]) -> dict[str, Any]:
    """Return a display without a plain text that names only the object's type, where it holds anything else."""
    plain = to_joined(data.get("text/plain"))
    if len(data) < 2 or plain is None or not _BARE.fullmatch(plain.strip()[:300]):
        return data
    return {mime: value for mime, value in data.items() if mime != "text/plain"}


def _text(mime: str, value: Any, limit_chars: int | None) -> Part:
    text = to_joined(value)
    if text is None:
        import json  # noqa: PLC0415 - displays of data alone need it

        text = json.dumps(value, ensure_ascii=False)
    if mime in _SHOWN_AS_THEY_ARE:
        return Part("text", _short(text, limit_chars), mime)
    return Part("source", f"[{mime}]\n{_short(text, limit_chars)}", mime)


def _short(text: str, limit_chars: int | None) -> str:
    """Return a safe text, cut; first cut, so that what nobody will read is not looked through."""
    if limit_chars is None:
        return to_safe(text)
    return cut_middle(to_safe(cut_middle(text, limit_chars)), limit_chars)


def _overwritten(line: str) -> str:
    states = [state for state in line.split("\r") if state]
    if len(states) > _OVERWRITTEN:
        states = [states[0], f"... written over {len(states) - 2} times ...", states[-1]]
    return "\r".join(states)


def _shown(found: re.Match[str]) -> str:
    code = ord(found.group())
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
