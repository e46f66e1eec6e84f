"""What README and the docs say is what the code does."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from generate import PARTS, ROOT, find_parts, list_pages, render_page
from read_page import fits, parse_console, parse_page, parse_typed
from warm import address, run_warm

HERE = Path(__file__).parent
PAGES = list_pages()
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]
# A path that exists on one machine only. Placeholders such as /path/to/model are none.
OF_A_MACHINE = re.compile(r"(?<![\w.])(?:/home/\w|/Users/\w|/root\b|/work\b|/tmp/\w|[A-Z]:\\)")
LINK = re.compile(r"(?<!!)\[[^\]]+\]\(([^)\s]+)\)")


NOT_HERE = 77
"""The exit code by which a page says that this machine lacks something it needs, such as a sandbox."""


def run_page(page, folder):
    """Do what a page says in an empty folder, in a process of its own."""
    env = os.environ | {
        "LLLM_AUTO_DISCOVER": "0",
        "PYTHONPATH": str(ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUTF8": "1",
    }
    here = folder / "here"
    here.mkdir()
    return run_warm(str(HERE / "read_page.py"), str(page), address(), cwd=here, env=env, timeout_s=300)


def has_blocks(page):
    """Return whether there is anything to run on a page."""
    return any(True for _ in parse_page(page, None).examples())


@pytest.mark.parametrize("page", [page for page in PAGES if has_blocks(page)], ids=lambda page: page.stem)
def test_every_block_does_what_the_page_says(page, tmp_path):
    """A reader pastes the block; it has to work, offline, and print what the page shows."""
    done = run_page(page, tmp_path)
    if done.returncode == NOT_HERE:
        pytest.skip(f"this machine cannot do what the page does: {done.stderr[-500:]}")
    assert done.returncode == 0, done.stderr[-4000:]


BROKEN = {
    "python": ("```python\nassert 1 + 1 == 3\n```", "AssertionError"),
    "output": ("```console\n$ echo yes\nno\n```", "--- it prints\nyes"),
    "no output": ("```console\n$ echo yes\n```", "--- it prints\nyes"),
    "exit code": ("```console\n$ false\n```", "ended with exit code 1"),
    "exit code between": ("```console\n$ false\n$ echo on\non\n```", "before 'echo on' ended with exit code 1"),
    "killed": ("```console\n$ kill -9 $$\n$ echo $?\n0\n```", "--- it prints\n137"),
    "network of a command": (
        "```console\n$ echo 'import socket; socket.create_connection((\"127.0.0.1\", 9))' > test_nosy.py\n$ pytest -q test_nosy.py\n```",
        "must work offline",
    ),
    "network": ("```python\nimport socket\nsocket.create_connection(('127.0.0.1', 9))\n```", "must work offline"),
    "server of another process": (
        "```python\nimport socket\nsocket.socket().connect(('127.0.0.1', 9))\n```",
        "must work offline",
    ),
}


@pytest.mark.parametrize(("block", "reason"), BROKEN.values(), ids=BROKEN)
def test_a_wrong_block_is_found(block, reason, tmp_path):
    """A check that passes whatever the page says would be worse than none."""
    page = tmp_path / "page.md"
    page.write_text(f"# Page\n\n{block}\n", encoding="utf-8")
    done = run_page(page, tmp_path)
    assert done.returncode != 0
    assert reason in done.stderr


def test_commands_of_a_page_reach_no_network(tmp_path):
    """A page that needs a server passes on the machine where one happens to run."""
    (tmp_path / "nosy.py").write_text("import socket\nsocket.create_connection(('127.0.0.1', 9))\n", encoding="utf-8")
    command = [sys.executable, str(HERE / "offline.py"), "nosy"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "must work offline" in done.stderr


def test_an_output_may_leave_out_what_varies():
    """Names of sessions and times differ from run to run, everything else may not."""
    assert fits("session  2...\nsame", "session  20261121-x  \nsame\n")
    assert not fits("session  2...\nsame", "session  20261121-x\nother")
    assert parse_console("$ a\nout\n\n$ b\n") == [("a", "out\n\n"), ("b", "")]


def test_what_a_debugger_is_told_is_typed():
    """Else a page could show a debugger that answers what nobody asked, or one that waits for ever."""
    assert parse_typed("-> f()\n(Pdb) p 6 * 7\n42\n(Pdb) q\n") == ("p 6 * 7\nq\n", "-> f()\n(Pdb) 42\n(Pdb) ")
    assert parse_typed("42\n") == ("", "42\n")


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_generated_parts_are_up_to_date(page):
    """References that are written by hand drift; mend with ``python tests/docs/generate.py``."""
    text = page.read_text(encoding="utf-8")
    assert text.count("<!-- generated:") == len(find_parts(text))
    assert text == render_page(text)


def test_every_generated_part_stands_on_a_page():
    """A part that no page shows was lost by a slip of the pen."""
    shown = {name for page in PAGES for name in find_parts(page.read_text(encoding="utf-8"))}
    assert shown == set(PARTS)


def to_anchor(heading):
    """Return a heading's anchor. Pure."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def anchors(page):
    """Return the anchors of a page."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    return {to_anchor(heading) for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE)}


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_links_lead_somewhere(page):
    """A page or a heading that was renamed leaves dead links behind."""
    dead = []
    for link in LINK.findall(page.read_text(encoding="utf-8")):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            dead.append(link)
    assert dead == []


def test_every_page_can_be_reached_from_readme():
    """A page that nothing links to is not read."""
    seen, ahead = set(), [ROOT / "README.md"]
    while ahead:
        page = ahead.pop()
        if page in seen:
            continue
        seen.add(page)
        links = (link.partition("#")[0] for link in LINK.findall(page.read_text(encoding="utf-8")) if "://" not in link)
        ahead += [target for link in links if (target := (page.parent / link).resolve()).suffix == ".md"]
    assert set(PAGES) - seen == set()


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_no_page_knows_a_machine(page):
    """Outputs are pasted from somebody's terminal; the reader has another one."""
    assert OF_A_MACHINE.findall(page.read_text(encoding="utf-8")) == []


def test_readme_gives_continuous_integration_its_command():
    """CI runs what README tells people to run; this is how .ci/run reads it."""
    ci = (ROOT / ".ci/run").read_text(encoding="utf-8")
    extract = re.search(r"^command=\$\((.+)\)$", ci, re.MULTILINE)[1]
    command = subprocess.run(["bash", "-c", extract], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert command.count("\n") == 1
    assert command.startswith("python3 -m venv .venv && ")
    assert "requirements.lock" in command
    assert command.endswith(" .venv/bin/just check\n")


def test_readme_has_one_command_line_for_each_job():
    """Who pastes a block of several lines does not see where it stopped."""
    blocks = re.findall(
        r"^```sh\n(.*?)^```$", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )
    assert [block.count("\n") for block in blocks] == [1, 1, 1]
    assert "lllm create" in blocks[0]
    assert blocks[0].endswith("lllm replay last\n")
