"""A browser as data: what a prompt, or the front matter of its file, may say of it, and what a model is offered then."""

from __future__ import annotations

import asyncio

import pytest

from lllm.discovery.prompt_file import load_prompt_file
from lllm.errors import ConfigError
from lllm.llm import Agent, Session
from lllm.log import MemoryLog
from lllm.models import Prompt
from lllm.providers.script import Script
from lllm.replay import replay
from lllm.testing import function_model
from lllm.tools.cua import BrowserPolicy, BrowserTool, Display, ask_at_terminal, browser_functions
from lllm.tools.cua.config import build_functions, to_policy

NAMES = [function.name for function in browser_functions(BrowserPolicy())]
FULL = {
    "sites": ["shop.test", "*.shop.test:443"],
    "start": "https://shop.test/",
    "display_width": 1024,
    "display_height": 768,
    "asks": ["leave"],
    "downloads": "/tmp/downloads",
    "uploads": ["a.txt"],
    "accepts_dialogs": True,
    "action_s": 5,
    "settle_s": 0.1,
    "max_bytes": 1000,
    "max_tabs": 2,
    "tree_chars": 0,
    "headless": False,
    "executable": "/usr/bin/chromium",
}


class World:
    """An agent with a prompt, on a model that says one thing after the other; ``requests`` is what it was asked."""

    def __init__(self, prompt, *replies):
        self.requests, self.log = [], MemoryLog()
        script = Script(replies)

        def respond(request):
            self.requests.append(request)
            return script(request)

        self.agent = Agent(name="agent", system_prompt=prompt, model="m", provider=function_model(respond))

    def run(self, session):
        session.result = self.agent.call(self._begin(session))[0].content
        return session.result

    async def arun(self, session):
        session.result = (await self.agent.acall(self._begin(session)))[0].content
        return session.result

    def _begin(self, session):
        dialog = self.agent.init_dialog(session=session)
        dialog.send_message("go")
        return dialog

    def live(self, face="sync"):
        """Run in a session that is logged; return the answer."""
        with Session.open(self.log, "s", header={"task": "t"}, seed=0) as session:
            return self.run(session) if face == "sync" else asyncio.run(self.arun(session))


def tool_of(function):
    """Return the browser behind a function."""
    call = function.function
    tool = getattr(call, "__self__", None) or call.args[0]
    assert isinstance(tool, BrowserTool)
    return tool


def refusal(config, build=build_functions):
    with pytest.raises(ConfigError) as caught:
        build(config)
    assert str(caught.value).startswith("computer_use_config: ")
    return caught.value


# --- to_policy -------------------------------------------------------------------------------------------------------


def test_each_key_says_what_a_policy_says():
    assert to_policy(FULL) == BrowserPolicy(
        sites=("shop.test", "*.shop.test:443"),
        start="https://shop.test/",
        display=Display(1024, 768),
        asks=("leave",),
        downloads="/tmp/downloads",
        uploads=("a.txt",),
        accepts_dialogs=True,
        action_s=5.0,
        settle_s=0.1,
        max_bytes=1000,
        max_tabs=2,
        tree_chars=0,
        headless=False,
        executable="/usr/bin/chromium",
    )


def test_no_key_is_left_out_here():
    """A field that a policy gets is one that data may tell."""
    own = {"display" if key.startswith("display_") else key for key in FULL}
    assert own == {name for name in BrowserPolicy.__dataclass_fields__ if not name.startswith("_")}


def test_what_is_not_said_is_as_in_a_policy():
    assert to_policy({}) == BrowserPolicy()
    assert to_policy({"display_width": 800}).display == Display(800, Display().height)
    assert to_policy({"display_height": 600}).display == Display(Display().width, 600)


@pytest.mark.parametrize("key", ["site", "display", "width", "tools", "Sites", ""])
def test_an_unknown_key_names_those_that_there_are(key):
    """A misspelled ``asks`` would ask about everything, and nobody would see why."""
    error = refusal({key: [], "start": ""})
    assert str(error) == f"computer_use_config: unknown key {key}"
    known = error.hint.removeprefix("known: ").split(", ")
    assert known == sorted(known)
    assert {*FULL, "tool", "approve"} <= set(known)


def test_all_unknown_keys_are_named():
    assert str(refusal({"b": 1, "a": 2})) == "computer_use_config: unknown key a, b"


def test_the_hint_names_each_key():
    assert "environment" in refusal({"site": []}).hint


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("sites", "shop.test"),
        ("sites", None),
        ("sites", [1]),
        ("sites", {"shop.test": 1}),
        ("asks", "leave"),
        ("uploads", [None]),
        ("start", None),
        ("downloads", True),
        ("executable", 3),
        ("accepts_dialogs", "perhaps"),
        ("headless", None),
        ("action_s", "soon"),
        ("settle_s", [1]),
        ("max_bytes", 1.5),
        ("max_tabs", "many"),
        ("tree_chars", None),
    ],
)
def test_a_value_of_a_wrong_type_is_named(key, value):
    assert str(refusal({key: value})).startswith(f"computer_use_config: {key}")


@pytest.mark.parametrize("key", ["display_width", "display_height"])
@pytest.mark.parametrize("value", ["wide", None, 1.5, [], {}])
def test_a_size_must_be_a_number(key, value):
    assert str(refusal({key: value})).startswith("computer_use_config: ")


def test_a_wrong_size_is_named_as_it_was_written():
    assert "display_width" in str(refusal({"display_width": "wide"}))


@pytest.mark.parametrize(
    "config",
    [{"display_width": 0}, {"display_height": -1}, {"display_width": True}, {"max_bytes": -1}, {"action_s": -1}],
    ids=str,
)
def test_a_number_that_makes_no_sense_is_an_error(config):
    """Otherwise it is found when the browser starts, or by the model."""
    refusal(config)


@pytest.mark.parametrize(
    ("config", "told", "hint"),
    [
        (
            {"sites": ["https://shop.test"]},
            "is an address, and no site",
            "write host, host:port, *.host, or * for every public one",
        ),
        ({"asks": ["everything"]}, "unknown in asks: everything", "known: leave, download, file, password"),
        ({"start": "https://shop.test"}, "which sites does not allow", "sites allows: nothing"),
    ],
)
def test_what_a_policy_refuses_is_refused_with_its_hint(config, told, hint):
    with pytest.raises(ConfigError, match=told) as caught:
        build_functions(config)
    assert caught.value.hint == hint


# --- build_functions -------------------------------------------------------------------------------------------------


def test_by_default_each_kind_is_a_function():
    """For every model that sees pictures."""
    functions = build_functions({"sites": ["shop.test"]})
    assert [function.name for function in functions] == NAMES
    assert not any(function.vendor for function in functions)
    assert build_functions({"sites": ["shop.test"], "tool": "functions"})[0].name == NAMES[0]


@pytest.mark.parametrize(
    ("tool", "vendor"),
    [
        ("computer", {"type": "computer"}),
        (
            "computer_use_preview",
            {"type": "computer_use_preview", "display_width": 640, "display_height": 480, "environment": "browser"},
        ),
    ],
)
def test_a_vendors_own_tool_is_one_function(tool, vendor):
    (function,) = build_functions({"tool": tool, "display_width": 640, "display_height": 480})
    assert (function.name, function.vendor) == ("computer", vendor)
    assert tool_of(function).policy.display == Display(640, 480)


@pytest.mark.parametrize("tool", ["functions", "computer", "computer_use_preview"])
@pytest.mark.parametrize(
    ("approve", "approver"), [({}, None), ({"approve": ""}, None), ({"approve": "terminal"}, ask_at_terminal)]
)
def test_who_approves_is_chosen_by_name(tool, approve, approver):
    """Without anybody, what needs an approval is refused."""
    for function in build_functions({"tool": tool, **approve}):
        assert tool_of(function)._approve is approver


@pytest.mark.parametrize("tool", ["functions", "computer", "computer_use_preview"])
def test_the_policy_is_that_of_the_config(tool):
    tools = {id(tool_of(function)): tool_of(function) for function in build_functions({**FULL, "tool": tool})}
    (only,) = tools.values()
    assert only.policy == to_policy(FULL)


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("tool", "functions, computer, computer_use_preview"),
        ("approve", "terminal"),
        ("environment", "browser"),
    ],
)
@pytest.mark.parametrize("value", ["other", "Browser", " ", None, True, 1, [], {}, ["computer"]])
def test_a_choice_that_there_is_not_names_those_that_there_are(name, value, known):
    error = refusal({name: value})
    assert str(error).startswith(f"computer_use_config: {name} cannot be {value!r}")
    assert error.hint == f"known: {known}"


def test_the_only_environment_may_be_named():
    """Configs of the vendor's tool do."""
    assert [f.name for f in build_functions({"environment": "browser", "tool": "computer"})] == ["computer"]


def test_equal_configs_have_the_same_functions():
    """A browser belongs to its functions: a second turn must find that of the first."""
    assert build_functions(dict(FULL)) is build_functions(dict(FULL))
    assert build_functions({"sites": ("shop.test",)}) is build_functions({"sites": ["shop.test"]})
    assert build_functions({"max_tabs": 3}) is not build_functions({"max_tabs": 4})


def test_the_order_of_keys_does_not_matter():
    """Two dicts are equal whatever their order."""
    assert build_functions({"max_tabs": 3, "start": ""}) is build_functions({"start": "", "max_tabs": 3})


def test_a_config_is_not_changed():
    """It is the prompt's, and part of what its contract is known by."""
    config = {**FULL, "tool": "computer", "approve": "terminal", "environment": "browser"}
    build_functions(config)
    assert config == {**FULL, "tool": "computer", "approve": "terminal", "environment": "browser"}


def test_a_config_that_is_refused_is_refused_again():
    """What is kept is what was built."""
    for _ in range(2):
        refusal({"max_tabs": "many"})


@pytest.mark.parametrize("config", [{"action_s": float("nan")}, {"sites": {"shop.test"}}, {"start": b"x"}], ids=str)
def test_a_value_that_is_no_data_is_an_error(config):
    refusal(config)


# --- a prompt that has one -------------------------------------------------------------------------------------------


def prompt_with(config, **options):
    return Prompt(path="test/system", prompt="Be brief.", computer_use_config=config, **options)


@pytest.mark.parametrize(
    ("tool", "names"), [("functions", NAMES), ("computer", ["computer"]), ("computer_use_preview", ["computer"])]
)
def test_a_model_is_offered_what_the_config_says(tool, names):
    """No browser is started for it: nobody has used it yet."""
    world = World(prompt_with({"sites": ["shop.test"], "tool": tool}), "done")
    assert world.live() == "done"
    (request,) = world.requests
    assert [function.name for function in request.contract.functions] == names
    assert "browser" not in [event.data.get("name") for event in world.log.read_run("s")]


def test_it_stands_beside_the_prompts_own_functions():
    def add(a: int, b: int) -> int:
        """Add."""
        return a + b

    world = World(prompt_with({"tool": "computer"}, functions_list=[add]), "done")
    world.live()
    assert [function.name for function in world.requests[0].contract.functions] == ["add", "computer"]


def test_a_prompt_without_a_config_has_no_browser():
    world = World(prompt_with({}), "done")
    world.live()
    assert list(world.requests[0].contract.functions) == []


def test_two_functions_of_one_name_are_an_error():
    """One of them would be played by the other."""

    def click() -> str:
        """Click."""
        return ""

    with pytest.raises(ConfigError, match="two functions have one name"):
        World(prompt_with({"sites": ["shop.test"]}, functions_list=[click]), "done").live()


@pytest.mark.parametrize("config", [{"tool": "mouse"}, {"site": []}, {"sites": "shop.test"}], ids=str)
def test_a_config_that_is_wrong_is_told_before_the_model_is_asked(config):
    world = World(prompt_with(config), "done")
    with pytest.raises(ConfigError, match=r"^session s, 1: computer_use_config: "):
        world.live()
    assert world.requests == []


def call_without_browser(tool):
    """Return a call that no browser is needed for: a place off the display, or keys that end its use."""
    if tool == "functions":
        return {"name": "click", "arguments": {"x": 5000, "y": 1}}
    return {"name": "computer", "arguments": {"actions": [{"type": "keypress", "keys": ["CTRL", "W"]}]}}


@pytest.mark.parametrize("face", ["sync", "async"])
@pytest.mark.parametrize("tool", ["functions", "computer", "computer_use_preview"])
def test_a_run_with_a_browser_replays(tool, face):
    """The contract of each request is the same again, and so is what the model was told."""
    world = World(prompt_with({"sites": ["shop.test"], "tool": tool}), {"calls": [call_without_browser(tool)]}, "done")
    live = world.live(face)
    assert len(world.requests) == 2
    report = replay(world.log, "s", world.run if face == "sync" else world.arun)
    assert (report.status, report.difference, report.result, report.steps) == ("same", {}, live, 2)
    assert len(world.requests) == 2
    (told,) = [message.content for message in world.requests[-1].history if message.role == "tool"]
    assert ("off the display" if tool == "functions" else "ended the use of the browser") in told


def test_another_config_is_another_contract():
    """A replay says so, in place of an answer that fits no more."""
    world = World(prompt_with({"sites": ["shop.test"]}), "done")
    other = World(prompt_with({"sites": ["shop.test"], "tool": "computer"}), "done")
    world.live()
    assert replay(world.log, "s", world.run).status == "same"
    assert replay(world.log, "s", other.run).status != "same"


# --- a prompt file ---------------------------------------------------------------------------------------------------

FRONT = """\
computer_use_config:
  sites: [shop.test, "*.shop.test:443"]
  start: https://shop.test/
  display_width: 1024
  display_height: 768
  asks: []
  tool: computer_use_preview
  approve: terminal
  environment: browser
"""


def write_prompt(folder, front):
    path = folder / "surf.prompt.md"
    path.write_text(f"---\n{front}---\nUse the browser.\n", "utf-8")
    return path


def test_a_prompt_file_may_have_a_browser(tmp_path):
    prompt = load_prompt_file(write_prompt(tmp_path, FRONT))
    world = World(prompt, "done")
    world.live()
    (function,) = world.requests[0].contract.functions
    assert function.vendor["display_width"] == 1024
    (built,) = build_functions(prompt.computer_use_config)
    assert tool_of(built).policy == BrowserPolicy(
        ("shop.test", "*.shop.test:443"), "https://shop.test/", Display(1024, 768), ()
    )


def test_front_matter_is_the_same_as_a_dict(tmp_path):
    """A prompt may move from Python into a file, and its browser stays."""
    prompt = load_prompt_file(write_prompt(tmp_path, FRONT))
    assert build_functions(prompt.computer_use_config) is build_functions(
        {
            "sites": ["shop.test", "*.shop.test:443"],
            "start": "https://shop.test/",
            "display_width": 1024,
            "display_height": 768,
            "asks": [],
            "tool": "computer_use_preview",
            "approve": "terminal",
            "environment": "browser",
        }
    )


@pytest.mark.parametrize("front", ["computer_use_config: chromium\n", "computer_use_config: [sites]\n"])
def test_front_matter_that_is_no_mapping_names_its_place(tmp_path, front):
    path = write_prompt(tmp_path, front)
    with pytest.raises(ConfigError) as caught:
        load_prompt_file(path)
    assert caught.value.where.startswith(f"{path}:2:")


@pytest.mark.parametrize(
    "line",
    ["site: [shop.test]", "sites: shop.test", "display_width: wide", "approve: true", "tool: mouse", "asks: leave"],
)
def test_front_matter_that_says_nonsense_is_told_when_the_file_is_read(tmp_path, line):
    """So that a doctor finds it, and no session begins with it."""
    with pytest.raises(ConfigError, match=r"prompt\.md:1:1: computer_use_config: "):
        load_prompt_file(write_prompt(tmp_path, f"computer_use_config:\n  {line}\n"))
