"""Making a project's folder from a template: all of it or nothing, and nothing outside of it.

A template is a folder of plain files. Three tokens are replaced, exactly as they stand here and nothing else, so that
prompts may hold braces: ``__project_name__`` (in paths and texts) is the name as Python can import it,
``{{project_name}}`` the name itself, ``{{PROJECT_NAME}}`` the importable name in capitals, for environment variables.
"""

from __future__ import annotations

import keyword
import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lllm.cli.exits import MissingError
from lllm.errors import ConfigError, LLLMError

_SKIPPED = {"__pycache__", ".git", ".pytest_cache", ".ruff_cache", ".DS_Store"}
_HERE = Path(__file__).resolve()
# An installed wheel has its templates inside the package; a checkout has them beside it.
FOLDERS = (_HERE.parents[1] / "_template", _HERE.parents[2] / "template")


@dataclass(frozen=True, slots=True)
class Template:
    """A folder to copy.

    Attributes:
        files: its files by their path below it, sorted.
    """

    folder: Path
    files: tuple[Path, ...]


def list_templates() -> dict[str, Path]:
    """Return the templates that come with lllm, by name."""
    folder = next((folder for folder in FOLDERS if folder.is_dir()), None)
    found = sorted(folder.iterdir()) if folder is not None else []
    return {path.name: path for path in found if path.is_dir() and not path.name.startswith((".", "_"))}


def check_name(name: str) -> str:
    """Return ``name`` if a project can be called so.

    Raises:
        ConfigError: it cannot.
    """
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]{0,63}", name, re.ASCII):
        hint = "use letters, digits, - and _, at most 64 of them, beginning with a letter"
        raise ConfigError(f"{name[:80]!a} cannot name a project", hint=hint)
    if keyword.iskeyword(to_module(name)) or keyword.issoftkeyword(to_module(name)):
        raise ConfigError(f"{name!r} is a word of Python's, so it cannot name a project", hint=f"how about my-{name}?")
    return name


def to_module(name: str) -> str:
    """Return a project's name as Python can import it. Pure."""
    return name.replace("-", "_")


def tokens_of(name: str) -> dict[bytes, bytes]:
    """Return what each token is replaced by. Pure."""
    module = to_module(name)
    told = {"__project_name__": module, "{{project_name}}": name, "{{PROJECT_NAME}}": module.upper()}
    return {token.encode(): text.encode() for token, text in told.items()}


def find_template(name: str) -> Template:
    """Return a template that comes with lllm, or the folder of this path.

    Raises:
        MissingError: there is none.
        ConfigError: it holds a link, or something else that is no plain file.
    """
    known = list_templates()
    folder = known.get(name) or Path(name).expanduser()
    if not folder.is_dir():
        hint = f"there are: {', '.join(known) or 'none'}; or give the path of a folder"
        raise MissingError(f"there is no template {name!r}", hint=hint)
    folder = folder.resolve()
    return Template(folder, tuple(sorted(_walk(folder))))


def _walk(folder: Path) -> list[Path]:
    found: list[Path] = []
    for at, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name not in _SKIPPED]
        for name in [*folders, *files]:
            path = Path(at, name)
            if path.is_symlink() or not (path.is_dir() or path.is_file()):
                raise ConfigError(
                    "a template holds plain files only", where=str(path), hint="put the file itself there"
                )
        found += [Path(at, name).relative_to(folder) for name in files if name not in _SKIPPED and name[-4:] != ".pyc"]
    return found


def render_path(path: Path, tokens: Mapping[bytes, bytes]) -> Path:
    """Return a path of a template as the project has it. Pure.

    Raises:
        ConfigError: it would leave the project.
    """
    rendered = Path(*(_replaced(os.fsencode(part), tokens).decode("utf-8", "surrogateescape") for part in path.parts))
    if rendered.is_absolute() or ".." in rendered.parts or not rendered.parts:
        raise ConfigError(f"the template's path {path} leaves the project")
    return rendered


def render_file(data: bytes, tokens: Mapping[bytes, bytes]) -> bytes:
    """Return a file of a template as the project has it; what is no text stays as it is. Pure."""
    if b"\0" in data:
        return data
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return data
    return _replaced(data, tokens)


def _replaced(data: bytes, tokens: Mapping[bytes, bytes]) -> bytes:
    pattern = b"|".join(re.escape(token) for token in tokens)
    return re.sub(pattern, lambda found: tokens[found.group()], data)


def save_project(template: Template, target: Path, name: str) -> list[Path]:
    """Write a project's folder and return its files; it appears at once, whole, or not at all.

    Raises:
        LLLMError: the folder is there already, or cannot be written.
    """
    tokens = tokens_of(name)
    plan = {render_path(path, tokens): template.folder / path for path in template.files}
    if os.path.lexists(target):
        raise LLLMError("the folder is there already", where=str(target), hint="choose another --name or --dir")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _save_whole(plan, target, tokens)
    except OSError as error:
        raise LLLMError(f"the project cannot be written: {error.strerror}", where=str(target)) from error
    return sorted(plan)


def _save_whole(plan: Mapping[Path, Path], target: Path, tokens: Mapping[bytes, bytes]) -> None:
    draft = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        for path, source in plan.items():
            file = draft / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(render_file(source.read_bytes(), tokens))
            file.chmod(0o755 if os.access(source, os.X_OK) else 0o644)
        draft.chmod(0o755)
        draft.rename(target)  # an empty folder of that name would be replaced; anything else refuses
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
