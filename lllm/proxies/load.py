"""Where a proxy's class is found: in the registry, which the project's files fill, else among those of lllm."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module

from lllm.errors import ConfigError
from lllm.proxies.base import PROXY_REGISTRY, BaseProxy

BUILTIN_PROXY_MODULES = ("exa", "fmp", "fred", "gkg", "gt", "kb", "msd", "pm", "wa")
_FOLDER = "lllm.proxies.builtin"


def load_builtin_proxies(modules: Iterable[str] | None = None) -> tuple[list[str], dict[str, str]]:
    """Register the proxies that come with lllm.

    A project's own proxy of the same path stays.

    Args:
        modules: some of ``BUILTIN_PROXY_MODULES``; None for all.

    Returns:
        The paths that are registered now, sorted; and, by module, why it could not be loaded.
    """
    loaded: list[str] = []
    errors: dict[str, str] = {}
    for module in BUILTIN_PROXY_MODULES if modules is None else modules:
        try:
            cls = load_builtin(module)
        except (ConfigError, ImportError) as error:
            errors[module] = str(error)
            continue
        if module not in PROXY_REGISTRY:
            PROXY_REGISTRY.register(module, cls, origin=cls.__module__)
        loaded.append(module)
    return sorted(loaded), errors


def load_builtin(path: str) -> type[BaseProxy]:
    """Return a proxy that comes with lllm, without registering it.

    Raises:
        ConfigError: there is none of this path.
        ImportError: its file is missing.
    """
    if path not in BUILTIN_PROXY_MODULES:
        raise ConfigError(f"no proxy {path!r} comes with lllm", hint=f"there are: {', '.join(BUILTIN_PROXY_MODULES)}")
    found = vars(import_module(f"{_FOLDER}.{path}")).values()
    own = [one for one in found if isinstance(one, type) and vars(one).get("_proxy_path") == path]
    if not own:
        raise ConfigError(f"{_FOLDER}.{path} declares no proxy of the path {path!r}")
    return own[0]


def load_class(path: str) -> type[BaseProxy]:
    """Return a proxy's class.

    Raises:
        NotRegisteredError: there is none; the hint offers the nearest.
    """
    if path in PROXY_REGISTRY or path not in BUILTIN_PROXY_MODULES:
        return PROXY_REGISTRY[path]
    return load_builtin(path)
