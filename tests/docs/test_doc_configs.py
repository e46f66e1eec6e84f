"""Every config that a page shows is one that lllm takes; the code on the pages is run by ``test_doc_pages.py``."""

from __future__ import annotations

import re

import pytest
from generate import ROOT, list_pages

from lllm.config import load_agent_config, load_project_config
from lllm.errors import ConfigError
from lllm.llm.build import build_one
from lllm.log import NoLog
from lllm.providers import build_provider
from lllm.providers.project import provider_tables

BLOCK = re.compile(r"^```(yaml|toml)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def blocks(kind):
    """Every block of a kind, as parameters with names."""
    for page in list_pages():
        found = [text for of, text in BLOCK.findall(page.read_text(encoding="utf-8")) if of == kind]
        found = [text for text in found if not text.startswith("openapi:")]  # a service's own description
        for number, text in enumerate(found):
            yield pytest.param(text, id=f"{page.stem}-{number}")


def write_agents(folder, text):
    """Write an agent YAML with what a page leaves to the project: an agent, and the file below."""
    (folder / "default.yaml").write_text("agent_type: trip\n", encoding="utf-8")
    (folder / "page.yaml").write_text(text, encoding="utf-8")
    return load_agent_config(folder / "page.yaml", env={}).values


@pytest.mark.parametrize("text", list(blocks("yaml")))
def test_an_agent_yaml_of_a_page_is_taken(text, tmp_path, monkeypatch):
    """A page told people to write a key that was then sent to the server as it stood."""
    monkeypatch.chdir(tmp_path)
    values = write_agents(tmp_path, text)
    for name, own in values.get("agent_configs", {}).items():
        plain = {key: value for key, value in own.items() if key != "system_prompt_path"}
        agent = build_one(name, plain, values, NoLog())
        assert agent.model, name
    if "provider" in values and "override" not in values.get("provider_config", {}):
        build_provider(values["provider"], values.get("provider_config", {}))


def test_every_yaml_of_a_page_is_looked_at():
    """A page whose blocks are called otherwise would be checked by nobody."""
    assert len(list(blocks("yaml"))) >= 12
    assert len(list(blocks("toml"))) >= 6


@pytest.mark.parametrize(
    "text", [*blocks("toml"), pytest.param((ROOT / "lllm.toml.example").read_text(), id="example")]
)
def test_a_project_file_of_a_page_is_taken(text, tmp_path, monkeypatch):
    """A table that is refused grants nothing, and ends the reader's first call."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LLLM_CONFIG", raising=False)
    for name in ("prompts", "proxies", "agents"):
        (tmp_path / name).mkdir()
    (tmp_path / "lllm.toml").write_text(text, encoding="utf-8")
    load_project_config(tmp_path / "lllm.toml")
    for name in provider_tables().llm:
        build_provider(name)


def test_a_config_that_is_not_taken_is_found(tmp_path):
    """A check that passes whatever a page says would be worse than none."""
    with pytest.raises(ConfigError, match="beside model_name"):
        write_agents(tmp_path, "agent_configs: {helper: {model_args: {seed: 7}}}")
    with pytest.raises(ConfigError, match="expected a mapping, got a list"):
        write_agents(tmp_path, "agent_configs: [{name: helper}]")
