"""A small project whose tests are run by a pytest of their own, in this process."""

import pytest

import lllm.testing.record
import lllm.testing.replayer  # noqa: F401 - as above

AGENT = """
from lllm import AgentBase


class Greeter(AgentBase):
    agent_type = "greeter"

    def call(self, task, **kwargs):
        if task == "nobody":
            raise ValueError("nobody is there")
        return self.agents["host"].ask(f"Greet {task}.").content


CONFIG = {
    "agent_type": "greeter",
    "provider": "mock",
    "provider_config": {"rules": [{"when": "Ada", "reply": "Hello, Ada."}, {"when": "", "reply": "Hello."}]},
    "agent_configs": {"host": {"system_prompt": "Be polite."}},
}
"""
HEAD = "import pytest, warnings\nfrom greeter import CONFIG\n\n"


class Project:
    """A folder with an agent, tests and recorded sessions."""

    def __init__(self, pytester):
        self.pytester = pytester
        self.root = pytester.path
        self.sessions = self.root / "sessions"
        pytester.makepyfile(greeter=AGENT)
        pytester.syspathinsert()

    def change(self, old="Greet", new="Salute"):
        """Change the code of the agent."""
        file = self.root / "greeter.py"
        text = file.read_text(encoding="utf-8")
        assert old in text
        file.write_text(text.replace(old, new), encoding="utf-8")

    def write(self, body):
        """Write the file of tests."""
        (self.root / "test_greeter.py").write_text(HEAD + body, encoding="utf-8")

    def run(self, *args):
        """Run the tests."""
        return self.pytester.runpytest_inprocess("-p", "lllm.testing.plugin", "-p", "no:cacheprovider", *args)

    def record(self, body, *args):
        """Write the tests and record their sessions."""
        self.write(body)
        result = self.run("--lllm-record", "once", *args)
        assert result.ret == 0
        return result

    def recorded(self):
        """Return the content of every recording, by its path."""
        files = sorted(path for path in self.sessions.rglob("*") if path.is_file())
        return {str(path.relative_to(self.sessions)): path.read_bytes() for path in files}


@pytest.fixture
def project(pytester, monkeypatch):
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    return Project(pytester)


@pytest.fixture
def ada():
    """A test that says what to run."""
    return """
@pytest.mark.lllm_replay("ada", task="Ada", config=CONFIG)
def test_ada():
    pass
"""
