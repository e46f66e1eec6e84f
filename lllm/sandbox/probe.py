"""Which isolator works here. It is found by running it for real, since no version number and no file tells."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TypeVar

from lllm.errors import SandboxUnavailable
from lllm.sandbox.isolation.bubblewrap import Bubblewrap
from lllm.sandbox.isolation.isolator import Isolator
from lllm.sandbox.isolation.landlock import Landlock
from lllm.sandbox.isolation.unconfined import Unconfined, is_unsafe_allowed, warn_unsafe
from lllm.sandbox.local.kernel import LocalKernel
from lllm.sandbox.policy import SandboxPolicy

Started = TypeVar("Started")

ISOLATORS: tuple[Callable[[], Isolator], ...] = (Bubblewrap, Landlock)
"""From the strongest to the weakest."""

_USERNS = (
    "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0   (Ubuntu 23.10 and later forbid user namespaces)"
)
_CONTAINER = "in a container: docker run --security-opt seccomp=unconfined --security-opt apparmor=unconfined"
_INSTALL = "pip install 'lllm[sandbox]'"
_HINTS = (
    ("setting up uid map: Permission denied", _USERNS),
    ("Failed RTM_NEWADDR", _USERNS),
    ("No permissions to creat", f"sudo sysctl -w kernel.unprivileged_userns_clone=1; {_CONTAINER}"),
    ("Creating new namespace failed", f"sudo sysctl -w user.max_user_namespaces=15000; {_CONTAINER}"),
    ("Failed to make / slave", _CONTAINER),
    ("No module named 'IPython'", _INSTALL),
    ("Permission denied", "the Python that runs lllm, and its packages, must be readable by the user who runs it"),
)


@dataclass(frozen=True, slots=True)
class Probed:
    """What came of trying one isolator.

    Attributes:
        name: of the isolator.
        tier: ``A`` or ``B``.
        works: whether a kernel came up in it and ran a cell.
        problem: why not; empty where it works.
        hint: the command that mends it; empty where nobody knows one.
    """

    name: str
    tier: str
    works: bool
    problem: str = ""
    hint: str = ""


def probe_isolators(policy: SandboxPolicy | None = None) -> list[Probed]:
    """Try every isolator for real, one cell each; strongest first."""
    return [_probe(make(), policy or SandboxPolicy()) for make in ISOLATORS]


def _probe(isolator: Isolator, policy: SandboxPolicy) -> Probed:
    try:
        kernel = LocalKernel(isolator, policy)
        try:
            result = kernel.execute("1 + 1", 20)
        finally:
            kernel.close()
    except SandboxUnavailable as error:
        return Probed(isolator.name, isolator.tier, works=False, problem=error.message, hint=find_hint(error))
    works = result.status == "ok"
    return Probed(
        isolator.name, isolator.tier, works=works, problem="" if works else f"{result.ename}: {result.evalue}"
    )


def find_hint(error: SandboxUnavailable) -> str:
    """Return the command that mends what an isolator said. Pure."""
    return error.hint or next((hint for said, hint in _HINTS if said in error.message), "")


def _start(isolator: Isolator, policy: SandboxPolicy) -> LocalKernel:
    kernel = LocalKernel(isolator, policy)
    kernel.wait_ready()
    return kernel


class Chooser:
    """Starts kernels in the strongest isolator that works, and remembers which that was."""

    def __init__(self, isolators: Sequence[Callable[[], Isolator]] = ISOLATORS) -> None:
        self._isolators = isolators
        self._lock = threading.Lock()
        self._chosen: Isolator | None = None

    def start(self, policy: SandboxPolicy) -> LocalKernel:
        """Return a kernel that is up; see :meth:`first`."""
        if find_spec("IPython") is None:
            raise SandboxUnavailable("IPython is not installed, the shell that cells run in", hint=_INSTALL)
        return self.first(policy, lambda isolator: _start(isolator, policy))

    def first(self, policy: SandboxPolicy, attempt: Callable[[Isolator], Started]) -> Started:
        """Return what ``attempt`` makes of the strongest isolator in which it works.

        Raises:
            SandboxUnavailable: no isolator works that the policy allows; it says of each why.
        """
        problems: list[str] = []
        hints: list[str] = []
        for isolator in self._candidates(policy):
            try:
                started = attempt(isolator)
            except SandboxUnavailable as error:
                problems.append(f"{isolator.name}: {error.message}")
                hints.append(find_hint(error))
                continue
            with self._lock:
                self._chosen = isolator
            return started
        hint = "; or ".join(dict.fromkeys(filter(None, hints))) or "lllm doctor tells more"
        raise SandboxUnavailable(
            f"no sandbox works on this machine: {'; '.join(problems) or 'none is known'}", hint=hint
        )

    def _candidates(self, policy: SandboxPolicy) -> Iterator[Isolator]:
        chosen = self._chosen
        if is_unsafe_allowed():
            if chosen is None or chosen.tier != "none":
                warn_unsafe()
            yield Unconfined()
            return
        if chosen is not None and chosen.tier <= policy.min_tier:
            yield chosen
            return
        for make in self._isolators:
            isolator = make()
            if isolator.tier <= policy.min_tier:
                yield isolator


CHOOSER = Chooser()
