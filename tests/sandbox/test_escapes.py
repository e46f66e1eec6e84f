"""Hostile cells against both tiers, with real canaries on the host: nothing of it is seen, reached, changed or ended.

The cells are this project's own (own_escapes.py) and, where it lies beside the project, those of a corpus. They run as
whoever runs the tests. Root's sandbox has other walls (no user namespace), so .ci/run, where it is root, has them run
once more by ordinary users.
"""

from __future__ import annotations

import json
import os
import re
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from as_user import TREE
from corpus_checks import to_snippets
from escape_world import World, started_at
from own_escapes import OWN

from lllm.errors import SandboxUnavailable
from lllm.sandbox.isolation.bubblewrap import Bubblewrap
from lllm.sandbox.isolation.landlock import Landlock

SHARED = Path(__file__).parents[2].parent / "shared"
CORPUS = SHARED / "escapes.jsonl"
IS_ROOT = os.geteuid() == 0
BOTH = pytest.mark.parametrize("tier", ["A", "B"])
_WORLDS = {}


def load_corpus():
    """Return the corpus; nothing where it is not there."""
    lines = CORPUS.read_text("utf-8").splitlines() if CORPUS.exists() else []
    return to_snippets(json.loads(line) for line in lines)


def to_params(snippets):
    """Return each for both tiers.

    A kernel of its own takes a third of a second. Those in tier B try the host's own code, which is the same for both,
    and those that root starts try little of what is its own: the long proofs run them.
    """
    return [
        pytest.param(
            tier, each, id=f"{tier}-{each.name}", marks=[pytest.mark.heavy] * (each.heavy or is_long(tier, each))
        )
        for each in snippets
        for tier in ("A", "B")
    ] or [pytest.param("A", None, marks=pytest.mark.skip(reason=f"no {CORPUS.name} beside the project"))]


def is_long(tier, snippet):
    return snippet.fresh and (IS_ROOT or (tier == "B" and snippet not in OWN))


@pytest.fixture(scope="module", autouse=True)
def worlds():
    """Close what was opened."""
    yield
    for world in _WORLDS.values():
        if isinstance(world, World):
            world.close()
    _WORLDS.clear()


@pytest.fixture
def world(tier):
    """The host and its kernels of one tier."""
    if tier not in _WORLDS:
        made = World({"A": Bubblewrap, "B": Landlock}[tier])
        try:
            made.shared()
        except SandboxUnavailable as error:
            made.close()
            made = f"tier {tier} does not work here: {error.message}"
        _WORLDS[tier] = made
    if isinstance(_WORLDS[tier], str):
        pytest.skip(_WORLDS[tier])
    return _WORLDS[tier]


def check(world, snippet):
    tried = world.run(snippet)
    assert world.check(tried) == ""
    assert snippet.holds(tried), f"{tried.result}\n\nthen: {tried.next}"


@pytest.mark.parametrize(("tier", "snippet"), to_params(OWN))
def test_nothing_of_the_host_is_reached(world, snippet):
    """Each is a way out that was found in a sandbox, or that somebody will look for."""
    check(world, snippet)


@pytest.mark.parametrize(("tier", "snippet"), to_params(load_corpus()))
def test_the_corpus_holds(world, snippet):
    """Written by others, for other sandboxes: what we did not think of."""
    check(world, snippet)


@BOTH
def test_one_kernel_knows_nothing_of_another(world):
    """Kernels of one host have the same user, and one program that they start from."""
    leave = """
import builtins, os, random, uuid
builtins.LEAK = LEAK = 1
folder = os.path.expanduser("~/.ipython/profile_default/startup")
os.makedirs(folder, exist_ok=True)
open(folder + "/00.py", "w").write("LEAK = 1")
open("left", "w").write("x")
open(os.environ["TMPDIR"] + "/left", "w").write("x")
print(random.random(), uuid.uuid4(), os.urandom(8).hex(), hash("text"))
"""
    look = """
import builtins, os, random, uuid
print(hasattr(builtins, "LEAK"), globals().get("LEAK"), [os.listdir(p) for p in (".", os.environ["TMPDIR"])])
print(random.random(), uuid.uuid4(), os.urandom(8).hex(), hash("text"))
"""
    first, second = world.start(), world.start()
    try:
        left = first.execute(leave).outputs[0]["text"].split()
        found, drawn = second.execute(look).outputs[0]["text"].splitlines()
    finally:
        world.end(first)
        world.end(second)
    assert re.fullmatch(r"False None \[\[('\.\w+'(, )?)*\], \[('\.\w+')?\]\]", found)
    assert not set(left) & set(drawn.split())


@BOTH
def test_a_kernel_that_kills_all_it_can_kills_no_other(world):
    """In tier B, their processes have the same user and are a number away."""
    first, second = world.start(), world.start()
    try:
        first.execute("import os\nfor p in range(2, 40000):\n  try: os.kill(p, 9)\n  except OSError: pass")
        first.execute("import os\nos.kill(-1, 9)")
        assert second.execute("6 * 7").status == "ok"
        assert world.sentinel.poll() is None
    finally:
        world.end(first)
        world.end(second)


@BOTH
def test_who_is_killed_leaves_nothing_behind(world):
    """``kill -9`` of the host runs no handler of it: all must end, and be removed, by itself."""
    code = """
import sys
sys.path.insert(0, sys.argv[1])
from lllm.sandbox.isolation.bubblewrap import Bubblewrap
from lllm.sandbox.isolation.landlock import Landlock
from lllm.sandbox.local.kernel import LocalKernel
from lllm.sandbox.policy import SandboxPolicy
from lllm.sandbox.inside.ends import list_tree
kernel = LocalKernel({"A": Bubblewrap, "B": Landlock}[sys.argv[2]](), SandboxPolicy())
kernel.execute("import os, time\\nopen('file', 'w').write('x')\\nif os.fork() == 0:\\n    os.setsid()\\n    time.sleep(600)")
print(*list_tree(kernel.pid), kernel._process.folder, flush=True)
input()
"""
    host = subprocess.Popen(
        [sys.executable, "-c", code, str(TREE), world.isolator.tier],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    *pids, folder = host.stdout.readline().split()
    assert len(pids) >= 3
    watched = [os.pidfd_open(int(pid)) for pid in pids if started_at(int(pid))]
    host.send_signal(signal.SIGKILL)
    host.communicate()
    for number in watched:
        assert select.select([number], (), (), 20)[0], f"processes {pids} outlived their host"
        os.close(number)
    assert folder == "None" or not Path(folder).exists()
