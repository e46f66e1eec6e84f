"""Rewrite the generated parts of the docs from the code: ``python tests/docs/generate.py``.

A generated part stands between ``<!-- generated: NAME -->`` and ``<!-- end -->``. Each is a pure function of what the
code says of itself, so that a test can compare it with what the page shows.
"""

from __future__ import annotations

import ast
import inspect
import re
import sys
import tomllib
from dataclasses import MISSING, asdict, fields
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))

import click  # noqa: E402 - after the path, so that this runs in a checkout that is not installed
from builtin_tables import render_builtin_endpoints, render_builtin_services  # noqa: E402

from lllm import errors  # noqa: E402
from lllm.cli import exits  # noqa: E402
from lllm.cli.app import VERBS, cli  # noqa: E402
from lllm.config.project import CONFIG_NAMES  # noqa: E402
from lllm.config.schema import _AGENT, _KEYS, _LIMITS, DEFAULTS  # noqa: E402
from lllm.config.source import Node  # noqa: E402
from lllm.llm.limits import Limits  # noqa: E402
from lllm.log.envelope import KINDS  # noqa: E402
from lllm.log.file import MAX_SEGMENT_BYTES  # noqa: E402
from lllm.log.local import DEFAULT_DIR  # noqa: E402
from lllm.machine.draw import render_markdown, render_mermaid  # noqa: E402
from lllm.tools.cua import BrowserPolicy  # noqa: E402

_PART = re.compile(r"(<!-- generated: ([\w-]+) -->\n)(.*?)(<!-- end -->)", re.DOTALL)
_HELP_WIDTH = 96

_MEANINGS = {
    "name": "what the system is called; also the folder of its log",
    "log_type": "where sessions are kept: in files, nowhere, or in memory",
    "log_dir": "folder of the logs; `load_agent_config` makes it absolute, counting from the project",
    "log_durability": "what survives what; see [the log](log.md#what-survives-what)",
    "log_redact": "regular expressions of what must not be logged",
    "log_max_segment_bytes": "size at which a session begins a new file",
    "ckpt_dir": "a folder for the user's code; lllm keeps nothing in it",
    "random_seed": "seed of `session.random` and of the jitter of waits; without one, each session draws and logs its own",
    "agent_type": "which subclass of AgentBase runs",
    "system_type": "not read by lllm; kept for the user's own code",
    "provider": "name of the provider; see [model servers](../how-to/model-servers.md)",
    "provider_config": "settings of that provider",
    "auto_discover": "whether a command loads the project's files; from Python, `LLLM_AUTO_DISCOVER=0` turns that off",
    "agent_configs": "the agents by name; keys below",
    "activate_proxies": "paths of the proxies that `self.proxy` may call; without it, none",
    "cutoff_date": "a day: `self.proxy` asks for nothing, and shows nothing, that is dated on it or later",
    "deploy_mode": "whether `cutoff_date` does not hold",
    "max_exception_retry": "unusable replies of one step that are answered, not fatal",
    "max_interrupt_times": "rounds of functions in one call; 0 is none",
    "max_llm_recall": "repeats of one step's request after failures of transport",
    "max_parallel_functions": "functions of one reply that run at once",
    "limits": "limits of each call; keys below",
    "session_limits": "limits of the whole session; keys below, without `max_total_wait_s`",
    "model_name": "the model's name, as its server knows it; the mock needs none",
    "system_prompt_path": "key of a registered prompt",
    "system_prompt": "the prompt's text itself, where there is no `system_prompt_path`",
    "api_type": "which wire format: chat completions, or `response` at a provider that speaks it, as `openai` does",
    "max_tokens": "prompt and completion tokens together",
    "max_cost_usd": "money, as far as prices are known",
    "deadline_s": "seconds from the start",
    "max_total_wait_s": "seconds of waiting between repeats of failed model calls, for each call",
}
_FURTHER_DEFAULTS = {
    "max_parallel_functions": 8,
    "name": "lllm",
    "log_dir": DEFAULT_DIR,
    "log_max_segment_bytes": MAX_SEGMENT_BYTES,
    "provider": "openai",
    "api_type": "completion",
}


def render_errors():
    """Return every error: its place in the tree, what it says, and the exit code of the command line."""
    lines = ["| error | what, and who acts | exit code |", "|---|---|---|"]
    lines += [
        f"| {'&emsp;' * depth}`{kind.__name__}` | {_first_line(kind)} | {exits.exit_code_of(_bare(kind))} |"
        for depth, kind in _tree(errors.LLLMError, 0)
    ]
    return "\n".join(lines)


def _tree(kind, depth):
    yield depth, kind
    # Not those that the transport makes of ours and httpx's, which exist once a call has failed.
    below = [sub for sub in kind.__subclasses__() if getattr(errors, sub.__name__, None) is sub]
    for sub in below:
        yield from _tree(sub, depth + 1)


def _bare(kind):
    return kind("")


def _first_line(thing):
    return thing.__doc__.strip().partition("\n")[0].replace("``", "`")


def render_exit_codes():
    """Return the exit codes and their names."""
    names = {
        exits.OK: "done",
        exits.FAILED: "failed",
        exits.USAGE: "the command line, a config or a project file is wrong",
        exits.DIFFERS: "a replay differs from what was recorded",
        exits.NOT_FOUND: "a session, a file or a name is not there",
        exits.INTERRUPTED: "interrupted with Ctrl-C",
    }
    return "\n".join(
        ["| exit code | meaning |", "|---|---|", *(f"| {code} | {name} |" for code, name in names.items())]
    )


def render_keys(checks, defaults):
    """Return a table of config keys; the type is what a wrong value is told."""
    lines = ["| key | type | default | meaning |", "|---|---|---|---|"]
    for key, check in checks.items():
        lines.append(f"| `{key}` | {_type_of(check)} | {_shown(defaults.get(key))} | {_MEANINGS[key]} |")
    return "\n".join(lines)


def _type_of(check):
    (_, told), *_ = check(Node(object(), ""), "key")
    return re.fullmatch(r"key: expected (.*), got .*", told)[1]


def _shown(value):
    return "" if value is None else f"`{str(value).lower() if isinstance(value, bool) else value}`"


def render_system_keys():
    """Return the keys of an agent YAML."""
    return render_keys(_KEYS, DEFAULTS | _FURTHER_DEFAULTS)


def render_agent_keys():
    """Return the keys of one agent; those that it shares with the system default to the system's."""
    shared = {key: "the system's" for key in _AGENT if key in _KEYS}
    table = render_keys(_AGENT, _FURTHER_DEFAULTS | shared)
    return table.replace("`the system's`", "the system's")


def render_limits():
    """Return the keys of limits."""
    return render_keys(_LIMITS, {f.name: f.default for f in fields(Limits) if f.default is not MISSING})


def render_browser_policy():
    """Return the fields of a browser's policy: what the class says of each, and its default."""
    told = re.search(r"Attributes:\n(.*?)\n\n", inspect.getdoc(BrowserPolicy), re.DOTALL)[1]
    meanings = dict(re.findall(r"^    (\w+): (.*?)(?=\n    \w|\Z)", told, re.DOTALL | re.MULTILINE))
    lines = ["| field | default | meaning |", "|---|---|---|"]
    for name, default in ((name, value) for name, value in asdict(BrowserPolicy()).items() if name in meanings):
        text = " ".join(re.sub(r":data:`(\w+)`", "the kinds above", meanings[name]).replace("``", "`").split())
        lines.append(f"| `{name}` | {_plain(default)} | {text} |")
    return "\n".join(lines)


def _plain(default):
    if isinstance(default, dict):
        return " x ".join(map(str, default.values()))
    if isinstance(default, tuple):
        return ", ".join(default) or "none"
    return {True: "yes", False: "no", "": "none"}.get(default, default)


def render_config_names():
    """Return the names that a project's config file may have, in the order in which they are looked for."""
    return ", ".join(f"`{name}`" for name in CONFIG_NAMES)


def render_cli():
    """Return the help of every verb."""
    parts = [_help(cli, "lllm")]
    context = click.Context(cli, info_name="lllm")
    for verb in VERBS:
        parts += _verb(cli.get_command(context, verb), f"lllm {verb}")
    return "\n\n".join(parts)


def _verb(command, name):
    parts = [f"## {name}", _help(command, name)]
    if isinstance(command, click.Group):
        context = click.Context(command, info_name=name)
        for sub in command.list_commands(context):
            parts += [f"### {name} {sub}", _help(command.get_command(context, sub), f"{name} {sub}")]
    return parts


def _help(command, name):
    context = click.Context(command, info_name=name, terminal_width=_HELP_WIDTH, help_option_names=["-h", "--help"])
    return f"```text\n{command.get_help(context)}\n```"


def render_machine_table():
    """Return the machine's table."""
    return render_markdown()


def render_machine_diagram():
    """Return the machine's diagram, as a page shows it."""
    return f"```mermaid\n{render_mermaid()}\n```"


def render_log_kinds():
    """Return the kinds of event."""
    return "\n".join(["| kind | meaning |", "|---|---|", *(f"| `{kind}` | {text} |" for kind, text in KINDS.items())])


def render_floors():
    """Return the floors of the house from the contract that forbids imports upwards, roof first."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    layers = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    lines = ["| floor | module | what it decides |", "|---|---|---|"]
    for floor, layer in zip(range(len(layers) - 1, -1, -1), layers, strict=True):
        lines += [f"| {floor} | `lllm.{name}` | {_decides(name)} |" for name in re.split(r"\s*[|:]\s*", layer)]
    return "\n".join(lines)


def _decides(name):
    """Return the first sentence of a module's docstring, without importing it."""
    place = ROOT / "lllm" / name
    source = (place / "__init__.py" if place.is_dir() else place.with_suffix(".py")).read_text(encoding="utf-8")
    text = " ".join((ast.get_docstring(ast.parse(source)) or "").partition("\n\n")[0].split())
    return re.split(r"(?<=[.])\s", text)[0].replace("``", "`").replace("|", "\\|")


PARTS = {
    "builtin-services": render_builtin_services,
    "builtin-endpoints": render_builtin_endpoints,
    "errors": render_errors,
    "exit-codes": render_exit_codes,
    "system-keys": render_system_keys,
    "agent-keys": render_agent_keys,
    "limits-keys": render_limits,
    "config-names": render_config_names,
    "browser-policy": render_browser_policy,
    "cli": render_cli,
    "machine-table": render_machine_table,
    "machine-diagram": render_machine_diagram,
    "log-kinds": render_log_kinds,
    "floors": render_floors,
}


def list_pages():
    """Return README and every page below docs, sorted."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def find_parts(text):
    """Return the names of a page's generated parts. Pure."""
    return [found[2] for found in _PART.finditer(text)]


def render_page(text):
    """Return a page with its generated parts as the code has them today. Pure."""
    return _PART.sub(lambda found: f"{found[1]}{PARTS[found[2]]()}\n{found[4]}", text)


def main():
    """Rewrite every page that is out of date."""
    for page in list_pages():
        text = page.read_text(encoding="utf-8")
        if (today := render_page(text)) != text:
            page.write_text(today, encoding="utf-8")
            print(page.relative_to(ROOT))


if __name__ == "__main__":
    main()
