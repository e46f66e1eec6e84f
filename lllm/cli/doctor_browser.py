"""Can a model drive a browser here? Part of ``lllm doctor``: one is asked for its version, and none is started."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from importlib.util import find_spec
from typing import Any, cast

from lllm.cli.doctor_check import Check
from lllm.cli.doctor_prompts import loaded_prompts
from lllm.errors import BrowserUnavailable
from lllm.models.prompt import Prompt
from lllm.tools.cua.chromium import HINT, find_chromium, is_sandboxed, version_of

MODULES = ("playwright",)
_EXTRA = 'pip install "lllm[cua]"'


def check_browser(
    find: Callable[[str], str] = find_chromium,
    tell_version: Callable[[str], str] = version_of,
    modules: Sequence[str] = MODULES,
    shuts_in: Callable[[], bool] = is_sandboxed,
) -> Iterator[Check]:
    """Yield a check for each browser that prompts name; what is missing is broken only where a prompt needs it.

    Args:
        find: returns the path of the browser of a name, or of any for the empty name; raises BrowserUnavailable.
        tell_version: asks the browser at a path; empty where it says nothing.
        modules: without one of these, no browser can be driven.
        shuts_in: whether the browser's own sandbox is on.
    """
    users = _find_users(loaded_prompts())
    if missing := [name for name in modules if find_spec(name) is None]:
        yield _lack(f"without {', '.join(missing)}", _EXTRA, next(iter(users.values()), ""))
    for name, user in users.items() or [("", "")]:
        try:
            path = find(name)
        except BrowserUnavailable as error:
            yield _lack(str(error), error.hint, user)
            continue
        if not (version := tell_version(path)):
            yield _lack(f"{path} does not tell its version", HINT, user)
        elif not missing:
            yield Check("browser", "ok", f"{version} at {path}")
            if not shuts_in():
                yield Check("browser", "note", "as root Chromium's own sandbox is off", "run as an ordinary user")


def _lack(told: str, hint: str, user: str) -> Check:
    if user:
        return Check("browser", "broken", f"{told}, and {user} needs a browser", hint)
    return Check("browser", "note", told, hint)


def _find_users(prompts: Iterable[Prompt[Any]]) -> dict[str, str]:
    """Return the first prompt that needs each browser, by the browser's name; any that is found has the empty name."""
    users: dict[str, str] = {}
    for prompt in prompts:
        for name in _browsers(prompt):
            users.setdefault(name, f"prompt {prompt.path}")
    return users


def _browsers(prompt: Prompt[Any]) -> Iterator[str]:
    """Yield the names of the browsers that a prompt needs."""
    from lllm.tools.cua.tool import BrowserTool  # noqa: PLC0415 - heavy

    if config := prompt.computer_use_config:
        yield str(config.get("executable") or "")
    for function in prompt.functions.values():
        for one in _behind(function.function):
            if isinstance(one, BrowserTool):
                yield one.policy.executable


def _behind(called: object) -> Iterator[object]:
    """Yield what a callable is bound to: a method's object, and what a partial one was given."""
    if isinstance(called, partial):
        whole = cast("partial[Any]", called)
        yield from whole.args
        yield from whole.keywords.values()
        yield from _behind(whole.func)
    else:
        yield getattr(called, "__self__", None)
