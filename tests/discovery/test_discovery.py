"""Discovery: a project's files into the registries, however broken the project is."""

import os
import pickle
import sys
import threading

import pytest

from lllm.discovery import Discovered, auto_discover, discover_once, load_prompt_file
from lllm.discovery import project as discovery_project
from lllm.discovery.modules import import_name
from lllm.errors import ConfigError, DiscoveryError, NotRegisteredError
from lllm.llm.base import AGENT_REGISTRY
from lllm.llm.prompts import PROMPT_REGISTRY
from lllm.proxies.base import PROXY_REGISTRY
from lllm.registry import DISCOVERER

TOML = '[prompts]\nfolders = ["prompts"]\n[proxies]\nfolders = ["proxies"]\n[agents]\nfolders = ["agents"]\n'
PROMPT = "from lllm.models import Prompt\n{name} = Prompt(path={path!r}, prompt='hello')\n"


@pytest.fixture(autouse=True)
def fresh(monkeypatch, tmp_path):
    """Give each test a process that has discovered nothing."""
    monkeypatch.setattr(discovery_project, "_PROJECTS", type(discovery_project._PROJECTS)())
    monkeypatch.setattr(DISCOVERER, "run", discover_once)
    monkeypatch.setattr(sys, "path", sys.path[:])
    monkeypatch.delenv("LLLM_AUTO_DISCOVER", raising=False)
    monkeypatch.delenv("LLLM_CONFIG", raising=False)
    with PROMPT_REGISTRY.isolated(), PROXY_REGISTRY.isolated(), AGENT_REGISTRY.isolated():
        for registry in (PROMPT_REGISTRY, PROXY_REGISTRY, AGENT_REGISTRY):
            registry._entries.clear()
            registry.failures.clear()
        yield
    for name, module in list(sys.modules.items()):
        if str(tmp_path) in str(getattr(module, "__path__", "")) + str(getattr(module, "__file__", "")):
            del sys.modules[name]


@pytest.fixture
def root(tmp_path, monkeypatch):
    (tmp_path / ".git").mkdir()
    (tmp_path / "lllm.toml").write_text(TOML)
    for folder in ("prompts", "proxies", "agents"):
        (tmp_path / folder).mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def write(root):
    def write(name, text):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def failure(root, name):
    """Return what is said of a file, with places relative to the project."""
    return str(auto_discover().failures[str(root / name)]).replace(f"{root}/", "")


# What is found


def test_prompts_and_proxies_are_registered_under_their_keys(write, root):
    """The file's name comes before a path without a slash."""
    write("prompts/demo.py", PROMPT.format(name="a", path="system") + PROMPT.format(name="b", path="x/task"))
    write(
        "proxies/wa.py",
        "from lllm.proxies import BaseProxy, ProxyRegistrator\n"
        "@ProxyRegistrator('wolfram')\nclass A(BaseProxy): pass\nclass B(A): pass\nclass C(BaseProxy): pass\n",
    )
    found = auto_discover()
    assert found.config == root / "lllm.toml"
    assert found.prompts == ("demo/system", "x/task")
    assert found.proxies == ("wolfram", "wa/B", "wa/C")
    assert PROMPT_REGISTRY["demo/system"].path == "demo/system"
    assert PROMPT_REGISTRY.origin("x/task") == f"{root}/prompts/demo.py:4:1"
    assert PROXY_REGISTRY.origin("wolfram") == f"{root}/proxies/wa.py:3:1"
    assert found.failures == {}


def test_the_users_own_prompt_object_is_left_as_it_is(write):
    """Loading a file must not change what its code sees."""
    write("prompts/demo.py", PROMPT.format(name="a", path="system"))
    name = auto_discover().modules[0]
    assert sys.modules[name].a.path == "system"


def test_agents_register_themselves(write):
    """Their class does it when it is made; discovery only has to run the file."""
    write(
        "agents/solver.py",
        "from lllm.llm import AgentBase\nclass S(AgentBase):\n    agent_type = 'solver'\n    def call(self, task): return task\n",
    )
    assert AGENT_REGISTRY["solver"].__name__ == "S"


def test_files_are_loaded_in_sorted_order_below_the_folder(write):
    """The order must not depend on the disk."""
    for name in (
        "b/z.py",
        "a.py",
        "b/a.py",
        "c.py",
        "_private.py",
        ".hidden.py",
        "__init__.py",
        "__pycache__/x.py",
        "n.txt",
    ):
        write(f"prompts/{name}", "")
    assert [name.split(".", 1)[1] for name in auto_discover().modules] == [
        "prompts.a",
        "prompts.b.a",
        "prompts.b.z",
        "prompts.c",
    ]


def test_an_imported_prompt_belongs_to_the_file_that_defines_it(write):
    """Whatever the order of the files, and whether it is imported by name, by star, or relatively."""
    write("prompts/z.py", PROMPT.format(name="p", path="task"))
    write("prompts/a.py", "from prompts.z import p as q\nfrom prompts.z import p\nr = q\n")
    write("prompts/b.py", "from prompts.z import *\n")
    write("prompts/c.py", "import prompts.z\nfrom .z import p\n")
    found = auto_discover()
    assert found.failures == {}
    assert found.prompts == ("z/task",)


def test_a_file_that_is_imported_by_another_runs_once(write, root):
    """A second run would make second objects of everything, which are not the registered ones."""
    write("prompts/b.py", "with open('ran', 'a') as f: f.write('x')\n" + PROMPT.format(name="p", path="t"))
    write("prompts/a.py", "from prompts.b import p\n")
    write("prompts/c.py", "from prompts.b import p\nfrom .b import p as again\nassert p is again\n")
    assert auto_discover().failures == {}
    assert (root / "ran").read_text() == "x"


def test_project_files_import_each_other(write):
    """Shared code lies beside the folders."""
    write("helpers.py", "TEXT = 'hi'\n")
    write(
        "prompts/a.py", "from helpers import TEXT\nfrom lllm.models import Prompt\np = Prompt(path='p', prompt=TEXT)\n"
    )
    assert auto_discover().failures == {}
    assert PROMPT_REGISTRY["a/p"].prompt == "hi"


def test_the_project_comes_last_on_the_path_and_once(root):
    """A project's json.py must not become everybody's json."""
    auto_discover()
    auto_discover(force=True)
    assert sys.path[-1] == str(root)
    assert sys.path.count(str(root)) == 1


@pytest.mark.parametrize("name", ["os", "json", "this"])
def test_a_file_that_is_called_like_a_library_does_not_shadow_it(write, root, name):
    """``this`` is one that nobody has imported yet."""
    write("lllm.toml", '[prompts]\nfolders = ["."]\n')
    write(f"{name}.py", PROMPT.format(name="p", path="t"))
    known = sys.modules.get(name)
    assert auto_discover().prompts == (f"{name}/t",)
    assert sys.modules.get(name) is known


def test_a_file_that_is_called_like_a_built_in_module_has_no_other_name(write, root):
    """Modules that are part of the interpreter stand in no folder, so the order of the path does not protect them."""
    sys.path.append(str(root))
    write("prompts/a.py", "")
    assert import_name(write("syslog.py", ""), root) == import_name(write("time.py", ""), root) == ""
    assert import_name(write("helper.py", ""), root) == "helper"
    assert import_name(root / "prompts" / "a.py", root) == "prompts.a"


def test_classes_of_project_files_can_be_pickled_and_be_dataclasses(write):
    """Both look their module up in sys.modules."""
    write(
        "prompts/a.py",
        "from __future__ import annotations\nimport dataclasses\n@dataclasses.dataclass\nclass D:\n    x: int\n",
    )
    module = sys.modules[auto_discover().modules[0]]
    assert pickle.loads(pickle.dumps(module.D(3))) == module.D(3)


def test_two_projects_do_not_share_module_names(root, write, tmp_path):
    """Every project has a prompts/system.py."""
    write("prompts/a.py", "X = 1\n")
    other = tmp_path / "other"
    (other / "prompts").mkdir(parents=True)
    (other / "lllm.toml").write_text('[prompts]\nfolders = ["prompts"]\n')
    (other / "prompts" / "a.py").write_text("X = 2\n")
    first, second = auto_discover().modules[0], auto_discover(other).modules[0]
    assert (sys.modules[first].X, sys.modules[second].X) == (1, 2)


def test_odd_file_names_are_loaded(write):
    """Not every file is meant to be imported."""
    write("prompts/01 my-prompt.v2.py", PROMPT.format(name="p", path="t"))
    assert auto_discover().prompts == ("01 my-prompt.v2/t",)


def test_no_bytecode_is_written(write, root, monkeypatch):
    """The folder is the user's; and a stale bytecode file must never win over an edit."""
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    write("prompts/a.py", "X = 1\n")
    auto_discover()
    assert not (root / "prompts" / "__pycache__").exists()


# When it runs


def test_first_use_of_a_registry_loads_the_project(write):
    """The effect of loading at import, without its cost."""
    write("prompts/demo.py", PROMPT.format(name="a", path="system"))
    assert "demo/system" in PROMPT_REGISTRY


@pytest.mark.parametrize("value", ["0", "false", "No", "OFF "])
def test_the_environment_turns_the_automatic_run_off_and_not_the_one_by_hand(write, monkeypatch, value):
    """A service that must not run files of its working folder says so."""
    monkeypatch.setenv("LLLM_AUTO_DISCOVER", value)
    write("prompts/demo.py", PROMPT.format(name="a", path="system"))
    assert list(PROMPT_REGISTRY) == []
    auto_discover()
    assert list(PROMPT_REGISTRY) == ["demo/system"]


def test_a_project_is_loaded_once(write, root):
    """Files have side effects."""
    write("prompts/a.py", "with open('ran', 'a') as f: f.write('x')\n")
    first = auto_discover()
    assert auto_discover(root / "prompts") is first
    len(PROMPT_REGISTRY)
    assert (root / "ran").read_text() == "x"


def test_force_runs_the_files_again(write):
    """A notebook that stays open while files are edited; the edit may keep size and time of the file."""
    write("prompts/a.py", PROMPT.format(name="p", path="one"))
    bad = write("prompts/b.py", "1/0\n")
    assert list(auto_discover().failures) == [str(bad)]
    write("prompts/a.py", PROMPT.format(name="p", path="two"))
    write("prompts/b.py", "")
    found = auto_discover(force=True)
    assert found.prompts == ("a/two",)
    assert found.failures == PROMPT_REGISTRY.failures == {}


def test_first_use_looks_for_a_project_once(write, root, monkeypatch):
    """A service asks registries for what they lack all the time; and its config may be gone by then."""
    config = write("cfg.toml", "")
    monkeypatch.setenv("LLLM_CONFIG", str(config))
    assert list(PROMPT_REGISTRY) == []
    config.unlink()
    assert list(PROMPT_REGISTRY) == []


def test_without_a_project_nothing_happens(root):
    """Registries then hold what was registered by hand."""
    (root / "lllm.toml").unlink()
    assert auto_discover() == Discovered()
    assert list(PROMPT_REGISTRY) == []


def test_an_explicit_start_wins_over_the_environment(write, root, monkeypatch):
    """An argument is nearer than a variable that a shell profile has set."""
    monkeypatch.setenv("LLLM_CONFIG", str(root / "no.toml"))
    assert auto_discover(root).config == root / "lllm.toml"
    with pytest.raises(ConfigError):
        auto_discover()


def test_a_broken_config_is_told_by_whoever_misses_a_key(write):
    """Silence here becomes 'no such prompt' there."""
    write("lllm.toml", "[prompts\n")
    with pytest.raises(ConfigError, match=r"lllm.toml:1:9"):
        PROMPT_REGISTRY["x"]


def test_two_threads_that_come_first_load_once_and_both_wait(write, root):
    """A server's first requests come together."""
    write("prompts/a.py", PROMPT.format(name="p", path="t") + "with open('ran', 'a') as f: f.write('x')\n")
    barrier, answers = threading.Barrier(8), []

    def ask():
        barrier.wait()
        discover_once()
        answers.append("a/t" in PROMPT_REGISTRY._entries)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [True] * 8
    assert (root / "ran").read_text() == "x"


# What is broken


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("x = 1\ndef f():\n    raise ValueError('boom')\nf()\n", "bad.py:3:5: cannot be loaded: ValueError: boom"),
        ("import json\n\nx = json.loads('{')\n", "bad.py:3:5: cannot be loaded: json.decoder.JSONDecodeError"),
        ("import sys\nsys.exit(3)\n", "bad.py:2:1: cannot be loaded: SystemExit: 3"),
        ("x = 1\ndef f(:\n", "bad.py:2:7: cannot be loaded: SyntaxError"),
        ("import nowhere_at_all\n", "bad.py:1:1: cannot be loaded: ModuleNotFoundError"),
        (b"x = '\xff'\n", "bad.py:1:"),
        (b"x = 1\0\n", "cannot be loaded: "),
        ("class E(Exception):\n    def __str__(self): raise KeyError\nraise E\n", "bad.py:3:1: cannot be loaded: "),
        ("def f(): f()\nf()\n", "cannot be loaded: RecursionError"),
        (
            "raise KeyboardInterrupt from None\n" if False else "raise GeneratorExit\n" if False else "1/0\n",
            "bad.py:1:1",
        ),
    ],
)
def test_a_file_that_cannot_be_loaded_names_its_place_and_stops_no_other(write, root, text, told):
    """One broken file must not take a project's other prompts away."""
    write("prompts/bad.py", text)
    write("prompts/good.py", PROMPT.format(name="p", path="t"))
    assert told in failure(root, "prompts/bad.py")
    assert list(PROMPT_REGISTRY) == ["good/t"]
    assert not [name for name in sys.modules if name.endswith("prompts.bad")]
    with pytest.raises(NotRegisteredError, match=r"not loaded: .*bad.py"):
        PROXY_REGISTRY["bad/t"]
    assert str(root / "prompts/bad.py") in AGENT_REGISTRY.failures


def test_ctrl_c_in_a_file_stops_the_run(write):
    """It is the user's, and no fault of the file."""
    write("prompts/a.py", "raise KeyboardInterrupt\n")
    with pytest.raises(KeyboardInterrupt):
        auto_discover()
    write("prompts/a.py", PROMPT.format(name="p", path="t"))
    assert auto_discover().prompts == ("a/t",)


def test_two_files_with_one_key_are_refused_naming_both(write, root):
    """Which one would win is nobody's guess; the other prompts are there."""
    write("prompts/a.py", PROMPT.format(name="p", path="x/task"))
    write("prompts/b.py", "\n" + PROMPT.format(name="p", path="x/task") + PROMPT.format(name="q", path="other"))
    for _ in range(2):
        with pytest.raises(DiscoveryError) as caught:
            auto_discover()
        text = str(caught.value).replace(f"{root}/", "")
        assert text == (
            "prompts/b.py:3:1: prompt 'x/task' is defined twice: in prompts/a.py:2:1 and in prompts/b.py:3:1"
        )
    assert PROMPT_REGISTRY["b/other"].prompt == "hello"


def test_a_clash_is_told_again_even_if_a_file_looks_something_up(write):
    """The second cell of a notebook must fail as the first did."""
    write(
        "prompts/a.py",
        PROMPT.format(name="p", path="t") + "from lllm.discovery import discover_once\ndiscover_once()\n",
    )
    write("prompts/b.py", PROMPT.format(name="p", path="a/t"))
    for _ in range(2):
        with pytest.raises(DiscoveryError, match="defined twice"):
            discover_once()


def test_one_file_with_one_key_twice_is_refused_too(write):
    """The later would win in silence."""
    write("prompts/a.py", PROMPT.format(name="p", path="t") + PROMPT.format(name="q", path="t"))
    with pytest.raises(DiscoveryError, match=r"a.py:2:1 and in .*a.py:4:1"):
        auto_discover()


def test_a_key_that_code_has_registered_is_not_replaced(write):
    """As above."""
    PROMPT_REGISTRY.register("a/t", "by hand", origin="notebook")
    write("prompts/a.py", PROMPT.format(name="p", path="t"))
    with pytest.raises(DiscoveryError, match="in notebook and in"):
        auto_discover()


def test_a_file_may_look_something_up_while_it_is_loaded(write):
    """It sees what was loaded before it."""
    write("prompts/a.py", PROMPT.format(name="p", path="t"))
    write(
        "prompts/b.py",
        "import lllm.llm.prompts as P\nfrom lllm.discovery import auto_discover\nseen = list(P.PROMPT_REGISTRY)\nassert auto_discover().modules == ()\n",
    )
    found = auto_discover()
    assert found.failures == {}
    assert sys.modules[found.modules[1]].seen == ["a/t"]


def test_a_file_may_delete_itself(write, root):
    """Its source was read, so places can still be told."""
    write("prompts/a.py", PROMPT.format(name="p", path="t") + "import os\nos.remove(__file__)\n")
    write("prompts/b.py", "import os\nos.remove(__file__)\n1/0\n")
    assert "b.py:3:1" in failure(root, "prompts/b.py")
    assert PROMPT_REGISTRY.origin("a/t").endswith("a.py:2:1")


def test_links_in_circles_end(write, root):
    """A folder is entered once."""
    write("prompts/in/a.py", "")
    (root / "prompts" / "in" / "again").symlink_to(root / "prompts")
    (root / "prompts" / "self").symlink_to("self")
    found = auto_discover()
    assert len(found.modules) == 1
    assert "cannot follow the link" in failure(root, "prompts/self")


def test_a_link_out_of_the_project_is_not_followed(write, root, tmp_path_factory):
    """Its target is not what the user looked at."""
    outside = tmp_path_factory.mktemp("outside")
    (outside / "evil.py").write_text("raise SystemError('ran')\n")
    (root / "prompts" / "evil.py").symlink_to(outside / "evil.py")
    (root / "prompts" / "folder").symlink_to(outside)
    assert "the link leaves the project" in failure(root, "prompts/evil.py")
    assert "the link leaves the project" in failure(root, "prompts/folder")


def test_a_virtual_environment_is_not_the_projects(write):
    """Nobody wants ten thousand files of libraries to be run."""
    write("prompts/venv/pyvenv.cfg", "")
    write("prompts/venv/lib/a.py", "1/0\n")
    assert auto_discover().failures == {}


def test_a_folder_that_is_not_there_is_told_of(write, root):
    """A typo in lllm.toml."""
    write("lllm.toml", '[prompts]\nfolders = ["promts"]\n')
    assert failure(root, "promts") == "promts: cannot read the folder: No such file or directory"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_what_cannot_be_read_is_told_of(write, root):
    """The rest is loaded."""
    write("prompts/a.py", "").chmod(0)
    (root / "proxies").chmod(0)
    assert "cannot read" in failure(root, "prompts/a.py")
    assert "cannot read" in failure(root, "proxies")
    (root / "proxies").chmod(0o755)


def test_a_folder_called_like_a_file_is_a_folder(write):
    """``x.py/`` is odd, and no reason to stop."""
    write("prompts/x.py/a.py", PROMPT.format(name="p", path="t"))
    assert auto_discover().prompts == ("a/t",)


def test_thousands_of_files_are_loaded(write, root):
    """Work grows with their number and not with its square."""
    for number in range(1000):
        (root / "prompts" / f"p{number:04}.py").write_text(f"X = {number}\n")
    assert len(auto_discover().modules) == 1000


# *.prompt.md


def test_a_prompt_file_is_front_matter_and_a_jinja_template(write):
    """Text as text."""
    write(
        "prompts/mail/greet.prompt.md",
        "---\nname: Greet\ndescription: d\nrequired_xml_tags: [answer]\nsignal_tags: [done]\n---\n"
        "Hello {{ name }}{% if x %} {x}{% endif %}.\n",
    )
    write("prompts/own.prompt.md", "---\npath: task\n---\nbody")
    write("prompts/plain.prompt.md", "only a body")
    assert auto_discover().prompts == ("mail/greet", "own/task", "prompts/plain")
    greet = PROMPT_REGISTRY["mail/greet"]
    assert greet(name="Bo", x=1) == "Hello Bo {x}.\n"
    assert (greet.name, greet.required_xml_tags, greet.signal_tags) == ("Greet", ("answer",), ("done",))
    assert PROMPT_REGISTRY.origin("mail/greet").endswith("greet.prompt.md:1:1")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("---\nxml_tag: [a]\n---\nx", "p.prompt.md:2:1: unknown key 'xml_tag' (did you mean 'xml_tags'?)"),
        ("---\nname: x\nxml_tags: a\n---\nx", "p.prompt.md:3:11: xml_tags: expected a list of texts"),
        ("---\nname: 5\nzzz: 1\n---\nx", "p.prompt.md:2:7: name: expected a text, got a whole number (5)\n  "),
        ("---\nname: [\n---\nx", "p.prompt.md:3:1: not YAML"),
        ("---\nname: x\nbody", "p.prompt.md:1:1: the front matter has no end"),
        ("---\nname: x\n---\na\n{% if %}", "p.prompt.md:5:1: "),
        ("---\nexception_prompt: no field\n---\nx", "p.prompt.md:1:1: "),
        (b"---\nname: \xff\n---\n", "p.prompt.md:2:7: the file is not UTF-8"),
    ],
)
def test_a_prompt_file_that_is_wrong_names_its_place(write, root, text, told):
    """The same kind of error as everywhere."""
    path = write("prompts/p.prompt.md", text)
    with pytest.raises(ConfigError) as caught:
        load_prompt_file(path)
    assert told in str(caught.value)
    assert told in failure(root, "prompts/p.prompt.md")
