"""``lllm log export``: a session as a page, a transcript, plain events, a notebook or traces."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lllm.cli import exits
from lllm.cli.options import log_options, standard
from lllm.cli.project import find_place, load_values, open_log
from lllm.cli.screen import Screen
from lllm.errors import ConfigError

if TYPE_CHECKING:
    from lllm.export import Choice, RunRecord
    from lllm.log.local import LocalFileLog


@click.command()
@click.argument("session", default="last")
@click.option("--html", "format_", flag_value="html", help="One page for a browser; it needs no network.")
@click.option("--md", "format_", flag_value="md", help="A transcript for an issue or a review.")
@click.option("--jsonl", "format_", flag_value="jsonl", help="The events as plain lines, texts filled in.")
@click.option("--ipynb", "format_", flag_value="ipynb", help="A notebook.")
@click.option("--otlp", "format_", flag_value="otlp", help="OpenTelemetry traces, as JSON.")
@click.option("--messages", is_flag=True, help="With --jsonl: each dialog's messages, in OpenAI's chat format.")
@click.option("--content", is_flag=True, help="With --otlp: also what was said, asked and answered.")
@click.option("-o", "--output", metavar="FILE", help="Where to write; - is stdout.")
@click.option("--force", is_flag=True, help="Replace FILE if it is there.")
@log_options
@standard
def export(  # noqa: PLR0913 - one parameter an option
    screen: Screen,
    session: str,
    format_: str | None,
    messages: bool,
    content: bool,
    output: str | None,
    force: bool,
    config: str | None,
    log_dir: str | None,
) -> int:
    """Write SESSION in another format: to stdout, or as a page or a notebook into a file of its name.

    Secrets are taken out again, by the patterns of today's config. What is left of a damaged session is written, too.
    """
    from lllm.export import Choice, RunRecord  # noqa: PLC0415 - loaded when used

    choice = Choice(_one_format(format_), messages, content)
    _check(choice)
    store = _open(config, log_dir)
    name = store.resolve(session)
    record = RunRecord(store, name)
    path = _to_path(choice, name, output, as_json=screen.as_json)
    size_bytes = _write(record, choice, path, force=force)
    if screen.as_json:
        told = {"session": name, "format": choice.format, "file": str(path), "bytes": size_bytes}
        screen.json(told | {"damage": record.damage})
    elif path is not None:
        screen.say(f"{path}: {size_bytes:,} bytes")
    if not record.damage:
        return exits.OK
    screen.say(f"error: not the whole run: {record.damage}\nhint: lllm log fsck {name}")
    return exits.FAILED


def _one_format(format_: str | None) -> str:
    if format_ is None:
        raise click.UsageError("in which format? --html, --md, --jsonl, --ipynb or --otlp")
    return format_


def _check(choice: Choice) -> None:
    if choice.messages and choice.format != "jsonl":
        raise click.UsageError("--messages goes with --jsonl")
    if choice.content and choice.format != "otlp":
        raise click.UsageError("--content goes with --otlp; every other format holds it anyway")


def _open(config: str | None, log_dir: str | None) -> LocalFileLog:
    """Return the log, which redacts by today's config also where the folder is named by hand."""
    from lllm.config.secret import find_secrets  # noqa: PLC0415 - loaded when used
    from lllm.log.local import to_redactor  # noqa: PLC0415 - as above

    place = find_place(config)
    store = open_log(place, log_dir)
    if place.config.is_file():
        values = load_values(place).values
        store.redactor = to_redactor(values.get("log_redact"))
        for secret in find_secrets(values):
            store.redactor.add(secret)
    return store


def _to_path(choice: Choice, name: str, output: str | None, *, as_json: bool) -> Path | None:
    """Return the file to write; None for stdout."""
    from lllm.export import FORMATS  # noqa: PLC0415 - loaded when used

    kind = FORMATS[choice.format]
    if output == "-" or (output is None and kind.is_text):
        if as_json:
            raise ConfigError("stdout cannot hold the export and --json at once", hint="name a file with -o")
        return None
    return Path(output).expanduser() if output else Path(f"{name}.{kind.ending}")


def _write(record: RunRecord, choice: Choice, path: Path | None, *, force: bool) -> int:
    from lllm.export import render_run, save_chunks  # noqa: PLC0415 - loaded when used

    chunks = render_run(record, choice)
    if path is not None:
        return save_chunks(chunks, path, force=force)
    size_bytes = 0
    for chunk in chunks:  # every format shows control characters, so that none reaches a terminal
        size_bytes += sys.stdout.buffer.write(chunk.encode("utf-8", "backslashreplace"))
    sys.stdout.buffer.flush()
    return size_bytes
