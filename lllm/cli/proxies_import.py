"""``lllm proxies import``: an OpenAPI document becomes a proxy module of the project."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lllm.cli import exits
from lllm.cli.exits import MissingError
from lllm.cli.options import standard
from lllm.cli.screen import Screen
from lllm.errors import LLLMError, LogError

if TYPE_CHECKING:
    from lllm.proxies.openapi import Document, LeftOut, Plan

_MANY = 200
"""Endpoints that a model still finds its way through in a prompt's catalogue, roughly."""


@dataclass(frozen=True, slots=True)
class _Target:
    """Where the module goes: a file, or stdout when that is None; and what the user must do for it to be loaded."""

    path: Path | None
    hint: str = ""


@click.command("import")
@click.argument("spec", metavar="SPEC")
@click.option("--only", multiple=True, metavar="TAG|/GLOB", help="Only this tag, or these paths; may be repeated.")
@click.option("--name", metavar="NAME", help="Name of the module.  [default: from the document's title]")
@click.option("--base-url", metavar="URL", help="Where the service is, in place of what the document says.")
@click.option("--deprecated", is_flag=True, help="Take also what the document calls deprecated.")
@click.option(
    "-o", "--output", metavar="FILE", help="The module.  [default: proxies/NAME.py of the project; else stdout]"
)
@click.option("--force", is_flag=True, help="Replace the file if it is there.")
@standard
def import_(screen: Screen, spec: str, *, output: str | None, force: bool, **asked: Any) -> int:
    """Make a proxy module from an OpenAPI document.

    SPEC is a JSON or YAML file of OpenAPI 3.0 or 3.1; - is stdin. Nothing is fetched, and what is left out is told.
    """
    from lllm.proxies.openapi import render_module  # noqa: PLC0415 - loaded when used

    plan = _plan(spec, asked)
    text = render_module(plan)
    target = _find_target(plan.name, output)
    if target.path is not None:
        _save(text, target.path, force=force)
    if screen.as_json:
        screen.json(_to_report(plan, target, text))
        return exits.OK
    if target.path is None:
        screen.data(text.rstrip("\n"))
    _tell(screen, plan, target)
    return exits.OK


def _plan(spec: str, asked: dict[str, Any]) -> Plan:
    """Read a document, and decide what its module says.

    Raises:
        ConfigError: it is no OpenAPI 3 document, or does not say where its service is.
        MissingError: there is no such file, or nothing in it is called as ``--only`` says.
        LLLMError: nothing of it can be imported.
    """
    from lllm.proxies.openapi import Wanted, build_plan, parse_document  # noqa: PLC0415 - loaded when used

    name = _check_name(asked["name"] or "")
    where = "stdin" if spec == "-" else spec
    document = parse_document(_load(spec), where)
    _check_only(document, asked["only"], where)
    plan = build_plan(document, Wanted(tuple(asked["only"]), asked["deprecated"], name, asked["base_url"] or ""))
    if not plan.operations:
        raise _nothing(plan, where)
    return plan


def _nothing(plan: Plan, where: str) -> LLLMError:
    """Return the error of a document of which nothing is left."""
    told = "; ".join(f"{count} {reason}" for reason, count in plan.count_reasons(whole=True).items())
    elsewhere = next((each.detail for each in plan.left_out if "another document" in each.reason), "")
    hint = f"it refers to {elsewhere}: bundle it into one file first, such as with redocly bundle" if elsewhere else ""
    return LLLMError(f"nothing can be imported: {told or 'it has no operations'}", where=where, hint=hint)


def _check_name(name: str) -> str:
    from lllm.proxies.openapi.names import to_name  # noqa: PLC0415 - loaded when used

    if name and to_name(name) != name:
        raise click.UsageError(f"--name {name!r} is no module's name; such as {to_name(name, 'service')}")
    return name


def _load(spec: str) -> bytes:
    from lllm.proxies.openapi import MAX_BYTES  # noqa: PLC0415 - loaded when used

    if spec == "-":
        return sys.stdin.buffer.read(MAX_BYTES + 1)
    if spec.lower().startswith(("http://", "https://")):
        raise click.UsageError("nothing is fetched: save the document as a file, and name that")
    try:
        with Path(spec).expanduser().open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError):
        raise MissingError("there is no such document", where=spec) from None
    except (OSError, ValueError) as error:
        raise LLLMError(f"the document cannot be read: {getattr(error, 'strerror', error)}", where=spec) from None


def _check_only(document: Document, only: tuple[str, ...], spec: str) -> None:
    from lllm.proxies.openapi.selection import list_tags, list_unmatched  # noqa: PLC0415 - loaded when used

    if missing := list_unmatched(document, only):
        tags = list_tags(document)
        told = f"tags: {', '.join(tags[:30])}{', …' if len(tags) > 30 else ''}" if tags else "it has no tags"
        raise MissingError(f"no operation is meant by --only {missing[0]!r}", where=spec, hint=f"{told}; or a /path/*")


def _find_target(name: str, output: str | None) -> _Target:
    """Decide where a module goes: where the user says, else into the project, else nowhere but stdout."""
    if output == "-":
        return _Target(None)
    from lllm.config import find_config_file, load_config  # noqa: PLC0415 - loaded when used

    if output is not None:
        return _Target(Path(output).expanduser().absolute())
    toml = find_config_file(env=os.environ)
    if toml is None:
        return _Target(None)
    folders = load_config(toml).proxy_folders
    folder = folders[0] if folders else toml.parent / "proxies"
    hint = "" if folders else f'in {toml.name}, write: [proxies] folders = ["proxies"]'
    return _Target(folder / f"{name}.py", hint)


def _save(text: str, path: Path, *, force: bool) -> None:
    from lllm.export import save_chunks  # noqa: PLC0415 - loaded when used

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        save_chunks([text], path, force=force)
    except LogError as error:
        raise LLLMError("the module cannot be written", where=error.where, hint=str(error.__cause__)) from error
    except OSError as error:
        raise LLLMError(f"the module cannot be written: {error.strerror}", where=str(path)) from error


def _to_report(plan: Plan, target: _Target, text: str) -> dict[str, Any]:
    return {
        "name": plan.name,
        "path": str(target.path) if target.path else None,
        "text": None if target.path else text,
        "base_url": plan.access.base_url,
        "api_key_in": plan.access.api_key_in,
        "operations": plan.seen,
        "imported": len(plan.operations),
        "endpoints": [f"{plan.name}/{each.category}/{each.endpoint}" for each in plan.operations],
        "left_out": [_to_row(each) for each in plan.left_out if not each.part],
        "in_part": [_to_row(each) for each in plan.left_out if each.part],
        "notes": [*plan.access.notes, *([target.hint] if target.hint else [])],
    }


def _to_row(each: LeftOut) -> dict[str, str]:
    row = {"operation": each.operation, "part": each.part, "reason": each.reason, "detail": each.detail[:200]}
    return {key: value for key, value in row.items() if value}


def _tell(screen: Screen, plan: Plan, target: _Target) -> None:
    """Say on stderr what was taken, and what was not and why."""
    place = f" -> {target.path}" if target.path else ""
    screen.say(f"{plan.name}: {len(plan.operations)} of {plan.seen} operations{place}", "bold")
    for whole, head in ((True, "left out"), (False, "taken in part")):
        for reason, count in plan.count_reasons(whole=whole).items():
            first = next(each for each in plan.left_out if each.reason == reason and (not each.part) is whole)
            about = " ".join(part for part in (first.operation, first.part) if part)
            screen.say(f"  {head}: {count} {reason}, such as {about[:100]}")
    if plan.left_out:
        screen.say("  each one: --json")
    notes = [*plan.access.notes, target.hint]
    if len(plan.operations) > _MANY:
        notes.append(f"{len(plan.operations)} endpoints make a long catalogue; --only takes some")
    for note in filter(None, notes):
        screen.say(f"note: {note}", "yellow")
