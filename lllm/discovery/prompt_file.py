"""``*.prompt.md``: a prompt as a file of text. YAML between two ``---`` lines, then a Jinja template."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lllm.config.merge import to_plain
from lllm.config.schema import Check, closed, open_mapping, scalar, texts
from lllm.config.source import Node, parse_yaml
from lllm.config.text import load_text
from lllm.discovery.files import PROMPT_SUFFIX
from lllm.errors import ConfigError
from lllm.models.prompt import Prompt
from lllm.registry import COMPUTER

_TEXT = scalar(str, "a text")
_KEYS: dict[str, Check] = {
    "path": _TEXT,
    "name": _TEXT,
    "description": _TEXT,
    "xml_tags": texts,
    "md_tags": texts,
    "signal_tags": texts,
    "required_xml_tags": texts,
    "required_md_tags": texts,
    "exception_prompt": _TEXT,
    "interrupt_prompt": _TEXT,
    "interrupt_final_prompt": _TEXT,
    "allow_web_search": scalar(bool, "true or false"),
    "computer_use_config": open_mapping,
}


def load_prompt_file(path: Path | str) -> Prompt[Any]:
    """Read a prompt file.

    Without a ``path`` of its own the prompt is called after its folder and its file: ``prompts/greet`` for
    ``prompts/greet.prompt.md``.

    Raises:
        ConfigError: the front matter or the template is wrong; names file, line and column. The user acts.
    """
    path = Path(path)
    front, body, body_line = _split(load_text(path), path)
    values = _front_values(front, path)
    values.setdefault("path", f"{path.absolute().parent.name}/{path.name.removesuffix(PROMPT_SUFFIX)}")
    try:
        prompt: Prompt[Any] = Prompt(prompt=body, engine="jinja", **values)
        if prompt.computer_use_config:
            COMPUTER.load()(prompt.computer_use_config)  # what is wrong with it is said now, and not amid a run
    except ConfigError as error:
        raise ConfigError(error.message, where=f"{path}:1:1", hint=error.hint) from error
    try:
        _ = prompt.fields  # compiles the template, so that its faults show now and not amid a run
    except ConfigError as error:
        line = body_line + getattr(error.__cause__, "lineno", 1) - 1
        raise ConfigError(error.message, where=f"{path}:{line}:1", hint=error.hint) from error
    return prompt


def _split(text: str, path: Path) -> tuple[str, str, int]:
    """Return front matter, body, and the line that the body starts at."""
    lines = text.splitlines(keepends=True)
    if not lines or lines[0].rstrip() != "---":
        return "", text, 1
    end = next((number for number, line in enumerate(lines[1:], 1) if line.rstrip() == "---"), None)
    if end is None:
        raise ConfigError("the front matter has no end", where=f"{path}:1:1", hint="close it with a line ---")
    return "".join(lines[1:end]), "".join(lines[end + 1 :]), end + 2


def _front_values(front: str, path: Path) -> dict[str, Any]:
    tree = parse_yaml(front, str(path), first_line=2) or Node({}, f"{path}:1:1")
    if faults := list(closed(tree, "", _KEYS)):
        more = "".join(f"\n  {where}: {text}" for where, text in faults[1:])
        raise ConfigError(faults[0][1] + more, where=faults[0][0])
    return to_plain(tree)
