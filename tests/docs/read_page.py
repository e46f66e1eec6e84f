"""Do what a page of the docs says, in the working directory: ``python read_page.py PAGE [ADDRESS]``.

Python blocks run in one namespace, top to bottom. In console blocks each line after ``$ `` is a command, and the lines
below it are what it prints; ``...`` in them stands for anything. What stands behind ``(Pdb) `` is typed there. A
command that fails must be followed by ``$ echo $?``. Blocks in other languages are not run. ``<!-- invisible-code-block: python`` does what the text asks the
reader to do by hand.

Each command is a process of its own, forked by a warm Python, whose address may be given.
"""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

from offline import forbid_network
from sybil import Document
from sybil.parsers.markdown import CodeBlockParser, PythonCodeBlockParser

HERE = Path(__file__).resolve().parent
sys.path.insert(1, str(HERE.parent))

from warm import address  # noqa: E402 - after the path

ASK = HERE.parent / "warm_ask.py"
# Where lllm is installed, pytest finds its plugin by itself; twice it must not be given.
PLUGIN = "" if entry_points(group="pytest11", name="lllm") else " -p lllm.testing.plugin"
COMMANDS = {"lllm": "lllm", "pytest": f"pytest -p no:cacheprovider{PLUGIN}"}


def parse_page(path, run_console):
    """Return a page with its blocks of Python and console."""
    return Document.parse(str(path), PythonCodeBlockParser(), CodeBlockParser("console", run_console))


def parse_console(text):
    """Return the commands of a console block, each with what it is said to print. Pure."""
    first, *parts = re.split(r"^\$ ", text, flags=re.MULTILINE)
    if first.strip():
        raise ValueError(f"a console block begins with '$ ', not with {first.strip()[:40]!r}")
    return [part.partition("\n")[::2] for part in parts]


def fits(expected, got):
    """Return whether an output is the expected one; ``...`` stands for anything, ends of lines do not count. Pure."""
    pattern = ".*?".join(re.escape(part) for part in _trimmed(expected).split("..."))
    return re.fullmatch(pattern, _trimmed(got), re.DOTALL) is not None


def parse_typed(expected):
    """Return what is typed at a debugger's prompts, and what is then printed: a pipe shows no typing. Pure."""
    typed = re.findall(r"^\(Pdb\) (.*)$", expected, re.MULTILINE)
    return "".join(f"{line}\n" for line in typed), re.sub(r"^\(Pdb\) .*\n", "(Pdb) ", expected, flags=re.MULTILINE)


def _trimmed(text):
    return "\n".join(line.rstrip() for line in text.rstrip().split("\n"))


class Shell:
    """Runs the commands of a page, one after the other, in a folder that ``cd`` changes."""

    def __init__(self, bin_folder, warm):
        self._code = 0
        for name, module in COMMANDS.items():
            script = bin_folder / name
            script.write_text(
                f'#!/bin/sh\nexec "{sys.executable}" -IS "{ASK}" "{warm}" "{HERE}/offline.py" {module} "$@"\n'
            )
            script.chmod(script.stat().st_mode | stat.S_IXUSR)
        told = {"COLUMNS": "100", "NO_COLOR": "1", "TERM": "dumb", "PATH": f"{bin_folder}:{os.environ['PATH']}"}
        self._env = {key: value for key, value in os.environ.items() if not key.startswith("LLLM_")} | told

    def __call__(self, example):
        """Run one block; return what is wrong with it, or None."""
        for command, shown in parse_console(example.parsed):
            typed, expected = parse_typed(shown)
            if command == "echo $?":
                got, self._code = f"{self._code}\n", 0
            elif self._code:
                return f"a command before {command!r} ended with exit code {self._code}, which the page does not show"
            else:
                got = self._run(command, typed)
            if not fits(expected, got):
                return f"$ {command}\n--- the page says\n{expected}\n--- it prints\n{got}"
        return None

    def end(self):
        """Return what is wrong at the end of the page."""
        return f"the last command ended with exit code {self._code}" if self._code else ""

    def _run(self, command, typed):
        if command.startswith("cd "):
            os.chdir(command.removeprefix("cd "))
            return ""
        if command.startswith("export "):
            name, _, value = command.removeprefix("export ").partition("=")
            self._env[name] = value
            return ""
        run = subprocess.run(
            ["bash", "-c", command],
            env=self._env,
            input=typed.encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
            timeout=60,
        )
        self._code = run.returncode if run.returncode >= 0 else 128 - run.returncode  # as a shell tells of a signal
        return run.stdout.decode()


def main(page, warm=None):
    """Do what a page says; raise at the first thing that is not so."""
    forbid_network()
    bin_folder = Path.cwd().parent / f"{Path.cwd().name}-bin"
    bin_folder.mkdir()
    shell = Shell(bin_folder, warm or address())
    document = parse_page(page, shell)
    document.namespace["__name__"] = "page"
    for example in document.examples():
        example.evaluate()
    if wrong := shell.end():
        raise AssertionError(wrong)


if __name__ == "__main__":
    main(*sys.argv[1:])
