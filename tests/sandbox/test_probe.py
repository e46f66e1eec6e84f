"""Which isolator is taken, and what a user is told to do where none works: the command that mends it, word for word."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from lllm.errors import SandboxUnavailable
from lllm.sandbox.isolation.bubblewrap import Bubblewrap, find_program
from lllm.sandbox.isolation.unconfined import UNSAFE, Unconfined
from lllm.sandbox.policy import SandboxPolicy
from lllm.sandbox.probe import Chooser, Probed, find_hint, probe_isolators

USERNS = "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"
CONTAINER = "docker run --security-opt seccomp=unconfined"


@pytest.fixture(autouse=True)
def safe(monkeypatch):
    """No test is run without isolation because the developer's shell says so."""
    monkeypatch.delenv(UNSAFE, raising=False)


@pytest.fixture
def say(monkeypatch, tmp_path):
    """Puts a bubblewrap first in PATH that says what real ones say, and ends."""

    def say(message, status=1):
        program = tmp_path / "bwrap"
        program.write_text(f"#!/bin/sh\ncat >&2 <<'END'\n{message}\nEND\nexit {status}\n")
        program.chmod(0o755)
        tmp_path.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    return say


def refuse(isolators=(Bubblewrap,), **policy):
    """Return the error of a start for which no isolator will do."""
    with pytest.raises(SandboxUnavailable) as caught:
        Chooser(isolators).start(SandboxPolicy(**policy))
    return caught.value


@pytest.mark.parametrize(
    ("message", "hint"),
    [
        ("bwrap: setting up uid map: Permission denied", USERNS),
        ("bwrap: loopback: Failed RTM_NEWADDR: Operation not permitted", USERNS),
        (
            "bwrap: No permissions to creating new namespace, likely because the kernel does not allow non-privileged user namespaces.",
            "sudo sysctl -w kernel.unprivileged_userns_clone=1",
        ),
        ("bwrap: No permissions to create new namespace", "sudo sysctl -w kernel.unprivileged_userns_clone=1"),
        (
            "bwrap: Creating new namespace failed: No space left on device",
            "sudo sysctl -w user.max_user_namespaces=15000",
        ),
        ("bwrap: Creating new namespace failed: Operation not permitted", CONTAINER),
        ("bwrap: Failed to make / slave: Permission denied", CONTAINER),
        ("bwrap: execvp /python/bin/python3.11: Permission denied", "must be readable by the user who runs it"),
        ("ModuleNotFoundError: No module named 'IPython'", "pip install 'lllm[sandbox]'"),
        ("something nobody has seen", "lllm doctor tells more"),
    ],
)
def test_what_an_isolator_says_has_its_remedy(say, message, hint):
    """The words are those of real machines: a user who reads a wrong remedy turns the sandbox off."""
    say(message)
    error = refuse()
    assert hint in error.hint
    assert message in error.message
    assert error.message.startswith("no sandbox works on this machine: bubblewrap: the kernel did not start: ")


def test_a_program_that_says_nothing_is_told(say):
    say("", 1)
    assert "it said nothing" in refuse().message


def test_a_program_that_ends_well_but_starts_nothing_is_told(say):
    say("", 0)
    assert "the kernel did not start" in refuse().message


def test_a_missing_program_is_installed_by_its_packages_name(tmp_path):
    with pytest.raises(SandboxUnavailable, match="bubblewrap is not installed") as caught:
        find_program(str(tmp_path))
    assert caught.value.hint.startswith("apt install bubblewrap")


class Fake:
    """An isolator that fails, and counts how often it was asked."""

    def __init__(self, name, tier, error=None):
        self.name, self.tier, self.error, self.asked = name, tier, error, 0

    def plan(self, policy):
        self.asked += 1
        raise self.error or SandboxUnavailable(f"{self.name} is broken", hint=f"mend {self.name}")


def test_all_that_was_tried_is_told_with_each_remedy_once():
    fakes = [Fake("strong", "A"), Fake("weak", "B")]
    error = refuse([lambda: fakes[0], lambda: fakes[1], lambda: fakes[1]])
    assert error.message.endswith("strong: strong is broken; weak: weak is broken; weak: weak is broken")
    assert error.hint == "mend strong; or mend weak"


def test_a_policy_that_wants_tier_a_is_not_given_tier_b():
    weak = Fake("weak", "B")
    error = refuse([lambda: weak], min_tier="A")
    assert ("none is known" in error.message, weak.asked) == (True, 0)


def test_what_worked_is_tried_first_but_not_for_a_stricter_policy():
    """A tier that was found for one policy is none that another one allows."""
    strong, weak = Fake("strong", "A"), Fake("weak", "B")
    chooser = Chooser([lambda: strong, lambda: weak])
    assert (
        chooser.first(SandboxPolicy(), lambda isolator: isolator.plan(None) if isolator is strong else isolator) is weak
    )
    assert chooser.first(SandboxPolicy(), lambda isolator: isolator) is weak
    assert strong.asked == 1
    assert chooser.first(SandboxPolicy(min_tier="A"), lambda isolator: isolator) is strong


def test_an_error_that_is_no_lack_of_the_machine_is_not_passed_over():
    strong, weak = Fake("strong", "A", ValueError("a bug")), Fake("weak", "B")
    with pytest.raises(ValueError, match="a bug"):
        Chooser([lambda: strong, lambda: weak]).start(SandboxPolicy())
    assert weak.asked == 0


@pytest.mark.parametrize("told", ["", "0", "no", "false", "maybe"])
def test_other_words_do_not_take_the_walls_away(monkeypatch, told):
    monkeypatch.setenv(UNSAFE, told)
    assert "is broken" in refuse([lambda: Fake("strong", "A")]).message


def test_only_the_environment_of_the_process_takes_the_walls_away(monkeypatch, tmp_path, capsys):
    """No file of a project can: a project may be somebody else's."""
    monkeypatch.chdir(tmp_path)
    for name in (".env", "lllm.toml", "setup.cfg"):
        (tmp_path / name).write_text(f"{UNSAFE}=1\n")
    assert "is broken" in refuse([lambda: Fake("strong", "A")]).message
    monkeypatch.setenv(UNSAFE, "1")
    chooser = Chooser([lambda: Fake("strong", "A")])
    assert isinstance(chooser.first(SandboxPolicy(), lambda isolator: isolator), Unconfined)
    assert isinstance(chooser.first(SandboxPolicy(), lambda isolator: isolator), Unconfined)
    assert capsys.readouterr().err == f"lllm: {UNSAFE} is set: code of models runs on this machine without isolation\n"
    monkeypatch.delenv(UNSAFE)
    assert refuse([lambda: Fake("strong", "A")]) is not None
    with pytest.raises(SandboxUnavailable):
        chooser.start(SandboxPolicy())


def test_without_walls_the_tier_is_none_and_the_environment_still_empty(monkeypatch, capsys):
    """What is named tier none is not to be mistaken; and a key is not handed out for nothing."""
    monkeypatch.setenv(UNSAFE, "true")
    monkeypatch.setenv("PLANTED_KEY", "secret")
    kernel = Chooser([]).start(SandboxPolicy())
    folder = kernel._process.folder
    try:
        assert kernel.tier == "none"
        result = kernel.execute("import os\nopen('file', 'w').close()\nos.getcwd(), 'PLANTED_KEY' in os.environ")
        assert result.outputs[0]["data"]["text/plain"] == f"('{folder}', False)"
    finally:
        kernel.close()
    assert not folder.exists()
    assert UNSAFE in capsys.readouterr().err


def test_the_probe_runs_a_cell_in_each(isolator):
    """No version number and no file tells whether an isolator works; only its use does."""
    probed = probe_isolators()
    assert [each.name for each in probed] == ["bubblewrap", "landlock"]
    assert Probed(isolator.name, isolator.tier, works=True) in probed
    assert all(each.problem and not each.works for each in probed if each.problem or not each.works)


def test_the_probe_tells_what_is_wrong(say):
    say("bwrap: setting up uid map: Permission denied")
    bubblewrap = probe_isolators()[0]
    assert (bubblewrap.works, USERNS in bubblewrap.hint) == (False, True)
    assert "setting up uid map" in bubblewrap.problem


def test_a_hint_of_the_isolators_own_comes_first():
    error = SandboxUnavailable("setting up uid map: Permission denied", hint="mine")
    assert find_hint(error) == "mine"
    assert os.environ.get(UNSAFE) is None


def test_without_the_shell_one_line_says_what_to_install():
    """Else the model's log would hold a traceback of a kernel that could not come up."""
    code = """
import sys
sys.modules["IPython"] = None
from lllm.errors import SandboxUnavailable
from lllm.sandbox.policy import SandboxPolicy
from lllm.sandbox.probe import CHOOSER
try:
    CHOOSER.start(SandboxPolicy())
except SandboxUnavailable as error:
    print(error.message, "|", error.hint)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == "IPython is not installed, the shell that cells run in | pip install 'lllm[sandbox]'\n"
