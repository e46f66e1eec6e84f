"""``lllm prompts``: the prompts of a project."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from lllm.cli import exits
from lllm.cli.options import standard
from lllm.cli.screen import Screen, preview
from lllm.errors import DiscoveryError

if TYPE_CHECKING:
    from lllm.cli.lint import Finding
    from lllm.discovery import Discovered
    from lllm.models.prompt import Prompt
    from lllm.registry import Registry


@click.group()
def prompts() -> None:
    """List, show and lint the project's prompts."""


def _load() -> tuple[Registry[Prompt[Any]], Discovered]:
    from lllm.cli.project import discover, find_place  # noqa: PLC0415 - heavy
    from lllm.llm.prompts import PROMPT_REGISTRY  # noqa: PLC0415 - heavy

    return PROMPT_REGISTRY, discover(find_place(), {})


@prompts.command("list")
@standard
def list_(screen: Screen) -> int:
    """List the prompts by key."""
    registry, found = _load()
    rows = [(key, registry[key], registry.origin(key)) for key in registry]
    if screen.as_json:
        screen.json([{"key": key, "origin": origin, **_facts(prompt)} for key, prompt, origin in rows])
    elif rows:
        cells = [(key, ", ".join(p.functions) or "-", p.parser_name, preview(p.prompt, 60)) for key, p, _ in rows]
        screen.table(("key", "functions", "parser", "text"), cells)
    for error in found.failures.values():
        screen.say(f"not loaded: {error}", "red")
    return exits.OK


@prompts.command()
@click.argument("key")
@standard
def show(screen: Screen, key: str) -> int:
    """Show a prompt: its text, fields, functions and handlers."""
    registry, _ = _load()
    prompt = registry[key]
    if screen.as_json:
        functions = [function.to_dict() for function in prompt.functions_list]
        told = {"text": prompt.prompt, "handlers": prompt.handlers, "format": prompt.format_schema}
        screen.json({"key": key, "origin": registry.origin(key), **_facts(prompt), **told, "functions": functions})
        return exits.OK
    screen.line(f"{key}  ({registry.origin(key)})", "bold")
    for name, value in _facts(prompt).items():
        screen.line(f"{name:<10} {value if isinstance(value, str) else ', '.join(value) or '-'}")
    screen.line()
    screen.line(prompt.prompt)
    for name, text in prompt.handlers.items():
        screen.line(f"\n{name}:", "bold")
        screen.line(text)
    return exits.OK


def _facts(prompt: Prompt[Any]) -> dict[str, Any]:
    return {
        "fields": sorted(prompt.fields),
        "functions": list(prompt.functions),
        "parser": prompt.parser_name,
        "engine": prompt.engine,
        "hash": prompt.hash,
    }


@prompts.command()
@click.argument("key", required=False)
@standard
def lint(screen: Screen, key: str | None) -> int:
    """Look for what is wrong with one prompt, or all of them and the files that do not load."""
    from lllm.cli.lint import Finding, lint_prompt  # noqa: PLC0415 - heavy

    try:
        registry, found = _load()
        failures = list(found.failures.values())
    except DiscoveryError as error:
        from lllm.llm.prompts import PROMPT_REGISTRY as registry  # noqa: N811, PLC0415 - heavy

        failures = [error]
    keys = [key] if key is not None else list(registry)
    findings = [finding for k in keys for finding in lint_prompt(k, registry[k], registry.origin(k))]
    if key is None:
        findings += [Finding("error", "", error.message, error.where) for error in failures]
    n_errors = sum(finding.level == "error" for finding in findings)
    if screen.as_json:
        counts = {"prompts": len(keys), "errors": n_errors, "warnings": len(findings) - n_errors}
        screen.json({**counts, "findings": [asdict(finding) for finding in findings]})
    else:
        _show(screen, findings)
        screen.line(f"{len(keys)} prompts, {n_errors} errors, {len(findings) - n_errors} warnings")
    return exits.FAILED if n_errors else exits.OK


def _show(screen: Screen, findings: list[Finding]) -> None:
    for finding in findings:
        about = f"{finding.key}: " if finding.key else ""
        style = "red" if finding.level == "error" else "yellow"
        screen.line(f"{finding.where}: {finding.level}: {about}{finding.message}", style)
