"""The doctor tells whether a model could drive a browser, and starts none to find out."""

import subprocess
import sys

import pytest

from lllm.cli.doctor_browser import MODULES, check_browser
from lllm.cli.doctor_check import Check
from lllm.errors import BrowserUnavailable
from lllm.llm.prompts import PROMPT_REGISTRY
from lllm.models.function import Function
from lllm.models.prompt import Prompt
from lllm.tools.cua.chromium import HINT
from lllm.tools.cua.functions import browser_functions, computer_function
from lllm.tools.cua.policy import BrowserPolicy

VERSION = "Chromium 150.0"
EXTRA = 'pip install "lllm[cua]"'
ROOT = Check("browser", "note", "as root Chromium's own sandbox is off", "run as an ordinary user")
POLICY = BrowserPolicy(sites=("example.org",))


def find(name):
    return f"/usr/bin/{name or 'chromium'}"


def find_none(name):
    raise BrowserUnavailable(f"there is no browser {name!r}" if name else "no Chromium was found", hint=HINT)


def tell_version(path):
    return VERSION


def checks(find=find, tell_version=tell_version, modules=("json",), *, is_root=False):
    return list(check_browser(find, tell_version, modules, lambda: not is_root))


def register(path="surfer/system", **told):
    PROMPT_REGISTRY.register(path, Prompt(path=path, prompt="Look it up.", **told))


def test_playwright_and_a_chromium_are_ok():
    assert checks() == [Check("browser", "ok", "Chromium 150.0 at /usr/bin/chromium")]


def test_a_missing_chromium_that_nobody_needs_is_a_note_with_its_command():
    assert checks(find_none) == [Check("browser", "note", "no Chromium was found", HINT)]


def test_a_missing_playwright_that_nobody_needs_is_a_note_with_its_command():
    assert checks(modules=("json", "no_such_module")) == [Check("browser", "note", "without no_such_module", EXTRA)]


def test_both_are_told_where_both_are_missing():
    """One command after the other would be found out by running the doctor twice."""
    assert [check.hint for check in checks(find_none, modules=("no_such_module",))] == [EXTRA, HINT]


def test_a_browser_that_does_not_tell_its_version_is_not_ok():
    """A stub that only says where to get the browser is on the path of some systems."""
    assert checks(tell_version=lambda path: "") == [
        Check("browser", "note", "/usr/bin/chromium does not tell its version", HINT)
    ]


@pytest.mark.parametrize(
    "told",
    [
        {"computer_use_config": {"sites": ["example.org"]}},
        {"functions_list": browser_functions(POLICY)[2:3]},
        {"functions_list": [computer_function(POLICY)]},
        {"functions_list": [computer_function(POLICY, preview=True)]},
    ],
    ids=["config", "functions", "computer", "preview"],
)
def test_what_is_missing_is_broken_where_a_prompt_needs_it(told):
    register(**told)
    assert checks(find_none, modules=("no_such_module",)) == [
        Check("browser", "broken", "without no_such_module, and prompt surfer/system needs a browser", EXTRA),
        Check("browser", "broken", "no Chromium was found, and prompt surfer/system needs a browser", HINT),
    ]
    [check] = checks(tell_version=lambda path: "")
    assert check.status == "broken"
    assert [check.status for check in checks()] == ["ok"]


def test_a_prompt_with_other_functions_needs_no_browser():
    register(functions_list=[Function("look", "Look.", function=print), Function("later", "Is linked later.")])
    assert [check.status for check in checks(find_none)] == ["note"]


def test_the_browser_that_a_prompt_names_is_the_one_that_is_looked_for():
    """One of another name does not help it."""
    register("named/policy", functions_list=browser_functions(BrowserPolicy(executable="edge")))
    register("named/config", computer_use_config={"executable": "brave"})
    assert [check.told for check in checks()] == [
        "Chromium 150.0 at /usr/bin/brave",
        "Chromium 150.0 at /usr/bin/edge",
    ]
    assert [check.told for check in checks(find_none)] == [
        "there is no browser 'brave', and prompt named/config needs a browser",
        "there is no browser 'edge', and prompt named/policy needs a browser",
    ]


def test_one_browser_is_told_once_however_many_prompts_need_it():
    register("one/system", functions_list=browser_functions(POLICY))
    register("two/system", functions_list=browser_functions(POLICY))
    assert len(checks()) == 1


def test_root_is_told_that_a_sandbox_is_off():
    """What shuts in a hostile page is then only what shuts in the process."""
    assert checks(is_root=True)[1:] == [ROOT]


def test_root_is_told_nothing_of_a_browser_that_is_not_there():
    assert ROOT not in checks(find_none, is_root=True)
    assert ROOT not in checks(modules=("no_such_module",), is_root=True)


def test_whether_this_is_root_is_looked_up(monkeypatch):
    for user, told in ((0, [ROOT]), (1000, [])):
        monkeypatch.setattr("os.geteuid", lambda user=user: user)
        assert list(check_browser(find, tell_version, ("json",)))[1:] == told


def test_the_doctor_reports_it(project, lllm_json, monkeypatch):
    monkeypatch.setenv("LLLM_CHROMIUM", "no-such-browser")
    _, told = lllm_json("doctor")
    [check] = [one for one in told["checks"] if one["name"] == "browser" and one["hint"] == HINT]
    assert check["told"] == "there is no browser 'no-such-browser'"
    assert "extra cua" in {one["name"] for one in told["checks"]}


def test_playwright_is_looked_for_and_not_imported():
    """It is a third of a second and a process of Node's."""
    code = "import sys; from lllm.cli.doctor_browser import check_browser as c; list(c()); print('playwright' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (MODULES, done.stdout.strip()) == (("playwright",), "False")
