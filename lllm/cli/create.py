"""``lllm create``: a new project from a template."""

from __future__ import annotations

from pathlib import Path

import click

from lllm.cli.options import standard
from lllm.cli.screen import Screen
from lllm.cli.template import check_name, find_template, list_templates, render_path, save_project, tokens_of

_QUESTIONS = {
    "init_template": "What does the fuel for 420 km cost?",
    "example": "How are the sales of tea developing?",
}
_NEXT = """
next:
  cd {folder}
  lllm run "{question}"
  lllm replay last
"""


@click.command()
@click.option("--name", metavar="NAME", help="Letters, digits, - and _; also the folder's name.")
@click.option("--template", "template_name", default="init_template", show_default=True, help="A name, or a folder.")
@click.option("--dir", "folder", default=".", metavar="DIR", help="Where the project's folder is made.  [default: .]")
@click.option("--list", "lists", is_flag=True, help="List the templates.")
@click.option("--dry-run", is_flag=True, help="Show the files; write nothing.")
@standard
def create(screen: Screen, name: str | None, template_name: str, folder: str, *, lists: bool, dry_run: bool) -> int:
    """Start a project from a template. It runs at once, offline."""
    if lists:
        return _list(screen)
    if name is None:
        raise click.UsageError("give the project a --name")
    template = find_template(template_name)
    target = Path(folder).expanduser().absolute() / check_name(name)
    if dry_run:
        tokens = tokens_of(name)
        files = sorted(render_path(path, tokens) for path in template.files)
    else:
        files = save_project(template, target, name)
    if screen.as_json:
        screen.json({"name": name, "path": str(target), "files": [str(file) for file in files], "dry_run": dry_run})
        return 0
    for file in files:
        screen.line(str(Path(target.name, file)))
    if not dry_run:
        question = _QUESTIONS.get(template_name, "...")
        screen.say(_NEXT.format(folder=Path(folder, name), question=question).rstrip())
    return 0


def _list(screen: Screen) -> int:
    found = list_templates()
    if screen.as_json:
        screen.json([{"name": name, "path": str(path)} for name, path in found.items()])
    else:
        for name in found:
            screen.line(name)
    return 0
