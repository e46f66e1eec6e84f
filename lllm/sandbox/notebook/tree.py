"""The files that cells have written, as a tree. Pure, but for the code that the kernel runs."""

from __future__ import annotations

import json
from typing import Any

from lllm.sandbox.cell import CellResult
from lllm.sandbox.shown.display import to_safe
from lllm.sandbox.shown.mended import list_of
from lllm.sandbox.shown.mime import to_joined
from lllm.sandbox.shown.pictures import to_size

HOME = "/box"
_MOST = 500
_MARK = "lllm tree "

# In a function, and with its own imports: the cells' variables stay as they are.
CODE = f"""
def _tree():
    import json, os
    found, home = [], getattr(get_ipython(), "home", {HOME!r})
    for folder, folders, files in os.walk(home):
        folders.sort()
        for name in folders + sorted(files):
            path = os.path.join(folder, name)
            size = None if name in folders else os.lstat(path).st_size
            found.append([os.path.relpath(path, home), size])
            if len(found) > {_MOST}:
                return found
    return found
try:
    import json as _json
    print({_MARK!r} + _json.dumps(sorted(_tree())))
finally:
    del _tree, _json
"""

Entry = tuple[str, int | None]
"""A path below the folder of the cells, and its size in bytes; None of a folder."""


def parse_entries(result: CellResult) -> list[Entry]:
    """Return what a kernel said of its files; nothing where it did not say it in the form that was asked for."""
    text = "".join(to_joined(output.get("text")) or "" for output in result.outputs)
    _, mark, told = text.partition(_MARK)
    try:
        entries: Any = json.loads(told) if mark else []
    except (ValueError, RecursionError):
        return []
    return [entry for item in list_of(entries)[: _MOST + 1] if (entry := _to_entry(list_of(item))) is not None]


def render_tree(entries: list[Entry]) -> str:
    """Return a tree, one file or folder a line."""
    lines = [f"{HOME}/"] if entries else [f"{HOME}/ (empty)"]
    for path, size_bytes in entries[:_MOST]:
        *above, name = path.split("/")
        told = "/" if size_bytes is None else f"  {to_size(size_bytes)}"
        lines.append(f"{'  ' * (len(above) + 1)}{to_safe(name[:200])}{told}".replace("\n", "␊"))
    if len(entries) > _MOST:
        lines.append(f"  ... more than {_MOST}")
    return "\n".join(lines)


def _to_entry(item: list[Any]) -> Entry | None:
    if len(item) != 2 or not isinstance(item[0], str):
        return None
    size = item[1]
    is_size = isinstance(size, int) and not isinstance(size, bool) and size >= 0
    return (item[0], size) if is_size or size is None else None
