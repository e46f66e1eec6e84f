"""``lllm.toml`` says which servers there are, which may be called and what they cost; nothing is sent without its word."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from chat_values import ask, reply

from lllm.const import CompletionCost, ModelCard, Roles
from lllm.errors import CapabilityDenied, ConfigError
from lllm.models.message import Message
from lllm.providers import build_provider, list_providers, prices
from lllm.providers.build import default_model, provider_params
from lllm.providers.presets import PRESETS
from lllm.providers.prices import with_price
from lllm.providers.project import build_tables, choose_project, nearest, provider_tables
from lllm.providers.wire.profile import Profile


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Write ``lllm.toml`` of the working folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LLLM_CONFIG", raising=False)

    def write(text):
        (tmp_path / "lllm.toml").write_text(text)
        return tmp_path / "lllm.toml"

    return write


@pytest.fixture
def server():
    """A chat server on loopback, and the requests that reached it."""
    seen = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            seen.append((self.path, dict(self.headers), self.rfile.read(int(self.headers["content-length"]))))
            body = reply(content="hey", usage={"prompt_tokens": 1_000_000, "completion_tokens": 500_000})
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    httpd = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=httpd.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{httpd.server_port}", seen
    httpd.shutdown()
    thread.join()
    httpd.server_close()


# --- tables of servers -----------------------------------------------------------------------------------------------


def test_a_table_names_a_server_of_ones_own(project, server):
    url, seen = server
    project(
        f'[llm.mine]\nbase_url = "{url}/v1"\nmodel = "tiny"\ntimeout_ms = 9000\ntemperature = 0.1\nmax_tokens = 7\n'
    )
    provider = build_provider("mine")
    assert (provider.name, provider.profile.timeout_s, default_model("mine")) == ("mine", 9.0, "tiny")
    assert provider_params("mine") == {"temperature": 0.1, "max_tokens": 7}
    assert "mine" in list_providers()
    assert provider.send(ask()).content == "hey"
    provider.close()
    assert seen[0][0] == "/v1/chat/completions"


def test_a_table_changes_a_preset_and_a_config_changes_both(project):
    """From the far to the near: preset, environment, project, the agent's own config."""
    project('[llm.openai]\nmodel = "gpt-next"\napi_key_env = "TEAM_KEY"\ntimeout_s = 5\n')
    profile = build_provider("openai", {"timeout_s": 7}).profile
    assert (profile.api_key_env, profile.timeout_s, profile.base_url) == ("TEAM_KEY", 7, PRESETS["openai"].base_url)
    assert default_model("openai") == "gpt-next"


def test_a_table_may_be_another_account_of_a_preset(project):
    """Two keys at one service, each with its name in errors and logs; what the service signed is understood by both."""
    project('[llm.team]\nprovider = "anthropic"\napi_key_env = "TEAM_KEY"\n')
    profile = build_provider("team").profile
    assert (profile.name, profile.api, profile.family, profile.api_key_env) == (
        "team",
        "anthropic",
        "anthropic",
        "TEAM_KEY",
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("llm = 3\n", "llm is no table"),
        ("[llm]\nopenai = 3\n", "llm.openai is no table"),
        ("[llm.openai]\nbase_ulr = 'x'\n", "no setting 'base_ulr'"),
        ("[llm.openai]\ntimeout_ms = 'x'\n", "timeout_ms is a number"),
        ("[llm.openai]\nmax_tokens = 0\n", "max_tokens must be more than 0"),
        ("[llm.openai]\napi = 'chad'\n", "api is one of chat"),
        ("[llm.x]\nmodel = 'm'\n", "needs base_url"),
        ("[llm.x]\nprovider = 'opnai'\n", "provider 'opnai'"),
        ("[capabilities]\nllm_lokal = true\n", "no capability 'llm_lokal'"),
        ("[capabilities]\nllm_local = 1\n", "true or false"),
        ("[prices.m]\ninputs = 1\n", "knows no 'inputs'"),
        ("[prices.m]\ninput = -1\n", "US dollars"),
        ("[prices.m]\ninput = true\n", "US dollars"),
        ("[llm.openai\n", "lllm.toml:1:"),
    ],
)
def test_a_wrong_table_is_refused_before_anything_is_sent(project, text, says):
    path = project(text)
    with pytest.raises(ConfigError) as caught:
        build_provider("x" if "llm.x" in text else "openai")
    assert says in str(caught.value)
    assert ("[llm." in text and text.count("]")) or str(path) in caught.value.where


def test_an_address_may_come_from_the_environment(project, monkeypatch):
    """As the servers' own clients read it; Ollama's has no scheme, and listens on all addresses."""
    monkeypatch.setenv("OLLAMA_HOST", "0.0.0.0:1234")
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "http://gate.example/")
    assert build_provider("ollama").profile.base_url == "http://127.0.0.1:1234"
    assert build_provider("anthropic").profile.base_url == "http://gate.example"
    assert build_provider("ollama", {"base_url": "http://x:1"}).profile.base_url == "http://x:1"
    for told in ("0.0.0.0", "127.0.0.1", "127.0.0.1:11434", "http://127.0.0.1:11434/"):
        monkeypatch.setenv("OLLAMA_HOST", told)
        assert build_provider("ollama").profile.base_url == "http://127.0.0.1:11434"


def test_a_changed_file_is_read_again(project):
    """A notebook lives longer than its project's config."""
    path = project('[llm.openai]\nmodel = "one"\n')
    assert default_model("openai") == "one"
    project('[llm.openai]\nmodel = "two"\n')
    os.utime(path, ns=(1, 1))
    assert default_model("openai") == "two"


def test_a_project_can_be_chosen(tmp_path, project, monkeypatch):
    """A command line names a config of another folder, whose project decides."""
    other = tmp_path / "other"
    other.mkdir()
    (other / "lllm.toml").write_text('[llm.openai]\nmodel = "far"\n')
    project('[llm.openai]\nmodel = "near"\n')
    monkeypatch.setattr("lllm.providers.project._chosen", [])
    choose_project(other / "lllm.toml")
    assert default_model("openai") == "far"
    (other / "lllm.toml").unlink()
    with pytest.raises(ConfigError):
        provider_tables()


# --- gates -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("granted", "allowed"),
    [
        ("", True),
        ("[capabilities]", False),
        ("[capabilities]\nllm_local = true", True),
        ("[capabilities]\nllm_cloud = true", False),
        ("[capabilities]\nllm_local = false", False),
    ],
)
def test_a_server_on_this_machine_needs_its_grant(project, server, granted, allowed):
    """Without the table everything is granted; with it, only what it names."""
    url, seen = server
    project(granted)
    provider = build_provider("openai_compatible", {"base_url": url})
    if allowed:
        assert provider.send(ask()).content == "hey"
        provider.close()
        return
    with pytest.raises(CapabilityDenied, match="llm_local"):
        provider.send(ask())
    assert not seen


async def refuse(provider):
    with pytest.raises(CapabilityDenied, match="llm_cloud") as caught:
        await provider.asend(ask())
    return caught.value


def test_a_server_elsewhere_needs_the_other_grant(project, monkeypatch):
    """Refused before the key is looked for, and before a name is looked up."""
    project("[capabilities]\nllm_local = true\n")
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    error = asyncio.run(refuse(build_provider("openai")))
    assert "llm_cloud = true" in error.hint


def test_a_file_that_cannot_be_read_grants_nothing(project, server):
    url, seen = server
    project("")
    provider = build_provider("openai_compatible", {"base_url": url})
    project("[capabilities\n")
    with pytest.raises(ConfigError):
        provider.send(ask())
    assert not seen


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("http://localhost:1", True),
        ("http://127.8.9.1", True),
        ("http://[::1]:3", True),
        ("http://a.localhost", True),
        ("http://localhost.example", False),
        ("http://10.0.0.1", False),
        ("https://api.openai.com", False),
    ],
)
def test_local_means_this_machine(url, local):
    """What leaves the machine has left it, whoever owns the other end."""
    assert Profile(name="x", base_url=url).is_local is local


# --- money -----------------------------------------------------------------------------------------------------------


def test_the_projects_prices_are_used(project, server):
    project("[prices.m]\ninput = 2\noutput = 10\n")
    provider = build_provider("openai_compatible", {"base_url": server[0]})
    message = provider.send(ask())
    provider.close()
    assert message.usage.cost_usd == 7.0


def test_an_unknown_price_stays_unknown(project, server):
    project("")
    provider = build_provider("openai_compatible", {"base_url": server[0]})
    assert provider.send(ask(model="no-such-model")).usage.cost_usd is None
    provider.close()


USAGE = CompletionCost(1000, 100, 500)


def priced(message_model, asked, url, prices=()):
    message = Message(Roles.ASSISTANT, "x", model=message_model, usage=USAGE)
    return with_price(message, asked, url, dict(prices)).usage.cost_usd


def test_the_package_knows_services_by_their_address():
    """The same name at another address is another price: a llama on the table costs nothing that anybody knows."""
    pytest.importorskip("genai_prices")
    cloud = priced("gpt-4o-mini-2024-07-18", "gpt-4o-mini", "https://api.openai.com/v1")
    assert cloud == pytest.approx((500 * 0.15 + 500 * 0.075 + 100 * 0.6) / 1e6)
    assert priced("gpt-4o-mini", "gpt-4o-mini", "http://localhost:8000/v1") is None
    assert priced("no-such", "no-such", "https://api.openai.com/v1") is None


def test_the_projects_table_goes_over_a_model_card():
    """The card may come from a library, the table is the user's own word."""
    known = Message(Roles.ASSISTANT, "x", model="m", usage=replace(USAGE, cost_usd=5.0))
    card = ModelCard("m", input_price=1.0, output_price=1.0)
    assert with_price(known, "m", "http://x", {"m": card}).usage.cost_usd == pytest.approx(1100 / 1e6)
    assert with_price(known, "m", "http://x", {"m": ModelCard("m")}).usage.cost_usd == 5.0
    assert with_price(known, "m", "http://x", {}).usage.cost_usd == 5.0


def test_a_price_of_ones_own_goes_over_the_package():
    card = ModelCard("gpt-4o-mini", input_price=1.0, output_price=1.0)
    mine = priced("gpt-4o-mini", "gpt-4o-mini", "https://api.openai.com/v1", {"gpt-4o-mini": card})
    assert mine == pytest.approx(1100 / 1e6)


def test_what_is_written_to_a_cache_has_its_own_price():
    """Anthropic takes more for it than for plain input."""
    card = ModelCard("m", input_price=1.0, cached_input_price=0.1, cache_write_price=1.25, output_price=5.0)
    usage = card.price(CompletionCost(1000, 100, 300, cache_write_tokens=400))
    assert usage.cost_usd == pytest.approx((300 * 1 + 300 * 0.1 + 400 * 1.25 + 100 * 5) / 1e6)
    assert (usage + usage).cache_write_tokens == 800


# --- what must not get past ------------------------------------------------------------------------------------------


def test_a_grant_that_is_taken_back_holds_from_the_next_call_on(project, server):
    """A long-lived program must not go on with what its owner has forbidden, nor with old prices."""
    url, seen = server
    project(f'[llm.x]\nbase_url = "{url}"\n[prices.m]\ninput = 1\noutput = 0\n')
    provider = build_provider("x")
    assert provider.send(ask()).usage.cost_usd == 1.0
    project(f'[llm.x]\nbase_url = "{url}"\n[prices.m]\ninput = 2\noutput = 0\n')
    assert provider.send(ask()).usage.cost_usd == 2.0
    project("[capabilities]\nllm_local = false\n")
    with pytest.raises(CapabilityDenied):
        provider.send(ask())
    provider.close()
    assert len(seen) == 2


def test_another_folder_has_another_project(project, server, tmp_path, monkeypatch):
    url, seen = server
    project("")
    provider = build_provider("openai_compatible", {"base_url": url})
    provider.send(ask())
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "lllm.toml").write_text("[capabilities]\n")
    monkeypatch.chdir(tmp_path / "inner")
    with pytest.raises(CapabilityDenied):
        provider.send(ask())
    provider.close()
    assert len(seen) == 1


def test_a_folder_that_is_gone_changes_nothing(project, server, tmp_path, monkeypatch):
    url, seen = server
    project("")
    provider = build_provider("openai_compatible", {"base_url": url})
    provider.send(ask())
    monkeypatch.setattr("os.getcwd", lambda: (_ for _ in ()).throw(FileNotFoundError()))
    provider.send(ask())
    provider.close()
    assert len(seen) == 2


def test_a_model_in_the_process_needs_its_grant(project):
    """It is a model on this machine, too; nothing is loaded."""
    project("[capabilities]\nllm_cloud = true\n")
    provider = build_provider("mlx", {"model_path": "nowhere"})
    with pytest.raises(CapabilityDenied, match="llm_local"):
        provider.send(ask())


@pytest.mark.parametrize("price", ["nan", "inf", "-1", "true", '"3"'])
def test_a_price_that_is_no_amount_is_refused(project, price):
    """A log holds none, so the reply that was paid for would be lost."""
    project(f"[prices.m]\ninput = {price}\n")
    with pytest.raises(ConfigError, match="US dollars"):
        provider_tables()


@pytest.mark.parametrize(
    "package",
    [
        "raise RuntimeError('broken')",
        "import a_package_that_is_not_there",
        "",
        "def Usage(**kw): raise TypeError('another release')",
        "def Usage(**kw): return kw\ndef calc_price(*a, **kw): return None",
        "class P: total_price = float('inf')\ndef Usage(**kw): return kw\ndef calc_price(*a, **kw): return P",
    ],
    ids=["raises", "misses", "empty", "other-usage", "other-answer", "infinite"],
)
def test_a_reply_outlives_a_broken_price_package(package, tmp_path, monkeypatch):
    """It is paid for: whatever the package does, the reply comes, and its price is unknown."""
    (tmp_path / "genai_prices.py").write_text(package)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "genai_prices", raising=False)
    prices._load_package.cache_clear()
    try:
        paid = Message(Roles.ASSISTANT, "x", model="gpt-4o", usage=CompletionCost(1000, 10))
        assert with_price(paid, "gpt-4o", "https://api.openai.com/v1", {}) == paid
    finally:
        prices._load_package.cache_clear()
        monkeypatch.delitem(sys.modules, "genai_prices", raising=False)


@pytest.mark.parametrize("value", ["nan", "inf", '"hot"', "true", "2020-01-01", "[1]"])
@pytest.mark.parametrize("key", ["temperature", "max_tokens"])
def test_a_model_argument_that_is_no_number_is_refused(project, key, value):
    project(f'[llm.x]\nbase_url = "http://h"\n{key} = {value}\n')
    with pytest.raises(ConfigError, match=f"{key} is a number"):
        provider_params("x")


@pytest.mark.parametrize("name", ["capabilties", "capability", "Capabilities"])
def test_a_gate_whose_name_is_misspelt_is_refused(name):
    """Kept like any table of the user's own, it would grant what it was written to forbid."""
    with pytest.raises(ConfigError, match=name) as caught:
        build_tables({name: {"llm_cloud": False}})
    assert caught.value.hint == "did you mean [capabilities]?"
    assert build_tables({"capture": {}}).granted is None


def test_a_guess_that_is_far_off_is_not_offered():
    """Who wrote "temprature" and is told of "system_turns" looks in the wrong place."""
    assert nearest("temprature", ["system_turns", "base_url"]) == "known: base_url, system_turns"
    assert nearest("basse_url", ["system_turns", "base_url"]) == "did you mean 'base_url'?"
