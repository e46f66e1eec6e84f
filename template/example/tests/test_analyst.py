"""Tests of {{project_name}}: plain pytest, offline, in a log of their own."""

from pathlib import Path

import pytest

from lllm import Proxy, auto_discover, build_agent
from lllm.config import load_agent_config
from lllm.errors import CallRefused, SandboxUnavailable
from lllm.replay import replay
from lllm.sandbox import SandboxPolicy
from lllm.sandbox.probe import CHOOSER

ROOT = Path(__file__).parent.parent


def find_problem() -> str:
    """Return why no code can be run here; empty where it can."""
    try:
        CHOOSER.start(SandboxPolicy()).close()
    except SandboxUnavailable as error:
        return f"{error.message} ({error.hint})"
    return ""


PROBLEM = find_problem()
needs_sandbox = pytest.mark.skipif(bool(PROBLEM), reason=PROBLEM)


@pytest.fixture(autouse=True)
def project(monkeypatch):
    """The project's own service, with a key that is set for the test."""
    monkeypatch.delenv("SHOP_URL", raising=False)
    monkeypatch.setenv("SHOP_KEY", "key-of-the-tests")
    auto_discover(ROOT)


def build(tmp_path, *overrides):
    config = load_agent_config(ROOT / "config/default.yaml", env={}, overrides=[f"log_dir={tmp_path}", *overrides])
    return build_agent(config.values)


@needs_sandbox
def test_the_analyst_computes_with_what_the_shop_says(tmp_path):
    told = build(tmp_path)("How are the sales of tea developing?")
    assert told.startswith("From 2024-01 to 2025-12 the shop sold 3672 units of tea")


@needs_sandbox
def test_nothing_from_the_cutoff_on_is_seen(tmp_path):
    told = build(tmp_path, "cutoff_date=2025-01-01")("How are the sales of tea developing?")
    assert told.startswith("From 2024-01 to 2024-12 the shop sold 1656 units of tea")


@needs_sandbox
def test_a_run_can_be_replayed_without_the_shop(tmp_path, monkeypatch):
    system = build(tmp_path)
    told = system("How are the sales of honey developing?", session_name="honey")
    assert told.startswith("From 2024-01 to 2025-12 the shop sold 1507 units of honey")
    monkeypatch.setenv("SHOP_URL", "http://127.0.0.1:9")  # where nobody is
    report = replay(system.log_base, "honey")
    assert (report.status, report.result) == ("same", told)


@needs_sandbox
def test_the_key_is_nowhere_in_the_log(tmp_path):
    build(tmp_path)("How are the sales of tea developing?")
    logged = b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
    assert b"shop/sales/monthly" in logged
    assert b"key-of-the-tests" not in logged


def test_a_product_that_the_shop_does_not_have_is_not_guessed(tmp_path):
    assert build(tmp_path)("How are the sales of coffee developing?").startswith("Please ask for one of these")


def test_a_total_is_refused_under_a_cutoff():
    """It would give away what came later."""
    assert Proxy(["shop"])("shop/sales/totals")["tea"] == 3672
    early = Proxy(["shop"], cutoff_date="2025-01-01")
    assert early.available() == ["shop/catalog/products", "shop/sales/monthly"]
    with pytest.raises(CallRefused, match="cutoff"):
        early("shop/sales/totals")


def test_the_shop_is_declared_as_it_is():
    assert {told["status"] for told in Proxy(["shop"]).auto_test(live=True).values()} == {"ok"}
