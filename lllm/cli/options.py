"""Options that several verbs share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from lllm.cli.screen import Screen

F = TypeVar("F", bound=Callable[..., Any])


def standard(function: F) -> F:
    """Give a verb ``--json`` and ``--debug``, and its screen as the first argument."""
    # The screen has read both already: an error may come before the options are parsed.
    function = click.option("--debug", is_flag=True, expose_value=False, help="Show the traceback of an error.")(
        function
    )
    function = click.option("--json", is_flag=True, expose_value=False, help="Write one JSON document.")(function)
    return click.pass_obj(function)  # pyright: ignore[reportReturnType] - it keeps the arguments that are left


def config_options(function: F) -> F:
    """Give a verb ``-c`` and ``--set``, as ``config`` and ``settings``."""
    told = "A value over the config's, such as provider=mock; may be repeated."
    function = click.option("--set", "settings", metavar="KEY=VALUE", multiple=True, help=told)(function)
    told = "The agent YAML.  [default: config/default.yaml of the project]"
    return click.option("-c", "--config", metavar="FILE", help=told)(function)


def log_options(function: F) -> F:
    """Give a verb ``-c`` and ``--log-dir``, as ``config`` and ``log_dir``."""
    told = "Where the logs are, in place of the config's log_dir."
    function = click.option("--log-dir", metavar="DIR", help=told)(function)
    return click.option("-c", "--config", metavar="FILE", help="The agent YAML that says where the log is.")(function)


__all__ = ["Screen", "config_options", "log_options", "standard"]
