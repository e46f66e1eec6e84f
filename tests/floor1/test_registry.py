"""Registries: keys, origins, and what is said of a key that is missing."""

import threading

import pytest

from lllm.errors import DiscoveryError, NotRegisteredError
from lllm.registry import DISCOVERER, Discoverer, Port, Registry


@pytest.fixture(autouse=True)
def no_hook(monkeypatch):
    """Keep the project around the tests out of them."""
    monkeypatch.setattr(DISCOVERER, "run", lambda: None)


@pytest.fixture
def registry():
    return Registry("prompt")


def test_what_is_registered_is_found_with_its_origin(registry):
    """An error about a prompt can then say where it stands."""
    registry.register("a/b", 1, origin="f.py:3:1")
    assert registry["a/b"] == 1
    assert registry.origin("a/b") == "f.py:3:1"
    assert repr(registry) == "<Registry of 1 prompts>"


def test_a_missing_key_offers_the_nearest(registry):
    """A typo is the commonest cause."""
    registry.register("demo/system", 1)
    with pytest.raises(NotRegisteredError, match="no prompt is registered as 'demo/sytem'") as caught:
        registry["demo/sytem"]
    assert caught.value.hint == "did you mean 'demo/system'?"
    assert isinstance(caught.value, KeyError)


def test_a_missing_key_without_a_near_one_lists_what_is_known(registry):
    """An empty registry says so."""
    with pytest.raises(NotRegisteredError) as caught:
        registry["x"]
    assert caught.value.hint == "known: none"


def test_a_missing_key_tells_which_files_could_not_be_loaded(registry):
    """The key is likely in one of them."""
    registry.failures["p/bad.py"] = DiscoveryError("cannot be loaded: boom", where="p/bad.py:3:5")
    with pytest.raises(NotRegisteredError, match=r"not loaded: p/bad.py:3:5: cannot be loaded: boom"):
        registry["x"]


def test_two_files_with_one_key_are_refused_naming_both(registry):
    """Which one wins must not depend on the order of loading."""
    registry.register("k", 1, origin="/p/a.py:1:1")
    with pytest.raises(DiscoveryError, match=r"defined twice: in /p/a.py:1:1 and in /p/b.py:2:1"):
        registry.register("k", 2, origin="/p/b.py:2:1")
    assert registry["k"] == 1


def test_the_same_file_may_register_again(registry):
    """A notebook cell runs twice."""
    registry.register("k", 1, origin="/p/a.py:1:1")
    registry.register("k", 2, origin="/p/a.py:9:1")
    assert registry["k"] == 2


def test_the_same_value_may_be_registered_from_another_file(registry):
    """It is no clash when both mean one object."""
    value = object()
    registry.register("k", value, origin="/p/a.py:1:1")
    registry.register("k", value, origin="/p/b.py:1:1")
    assert registry["k"] is value


def test_overwriting_is_possible_when_it_is_said(registry):
    """A test replaces a project's prompt."""
    registry.register("k", 1, origin="/p/a.py:1:1")
    registry.register("k", 2, origin="/p/b.py:1:1", overwrite=True)
    assert registry["k"] == 2


def test_keys_come_sorted(registry):
    """Listings, hashes and the catalog must not depend on the order of loading."""
    for key in "bca":
        registry.register(key, key)
    assert list(registry) == ["a", "b", "c"]
    assert len(registry) == 3
    assert "a" in registry
    assert "z" not in registry
    assert registry.get("z") is None


@pytest.mark.parametrize("use", [lambda r: r["k"], list, len, lambda r: "k" in r], ids=["get", "iter", "len", "in"])
def test_first_use_runs_the_hook(registry, monkeypatch, use):
    """After ``import lllm`` the registries answer, though importing loads nothing."""
    monkeypatch.setattr(DISCOVERER, "run", lambda: registry.register("k", 1))
    use(registry)
    assert registry["k"] == 1


def test_a_known_key_does_not_run_the_hook(registry, monkeypatch):
    """Projects without files never pay for the search."""
    registry.register("k", 1)
    monkeypatch.setattr(DISCOVERER, "run", lambda: pytest.fail("ran"))
    assert registry["k"] == 1
    assert "k" in registry


def test_a_file_that_looks_something_up_while_it_loads_gets_an_answer(registry, monkeypatch):
    """Without the guard it would wait for itself for ever."""
    monkeypatch.setattr(DISCOVERER, "run", lambda: registry.register("k", len(registry)))
    assert registry["k"] == 0


def test_without_a_hook_nothing_runs():
    """A library that uses the registries alone needs no discovery."""
    Discoverer().ensure()


def test_a_failing_hook_can_be_tried_again():
    """A broken config is repaired while a notebook stays open."""
    discoverer = Discoverer()
    runs = []

    def fail():
        runs.append(1)
        raise DiscoveryError("x")

    discoverer.run = fail
    for _ in range(2):
        with pytest.raises(DiscoveryError):
            discoverer.ensure()
    assert len(runs) == 2


def test_a_second_thread_does_not_get_an_answer_before_the_first_has_loaded():
    """It would miss a key that is about to be there."""
    discoverer = Discoverer()
    started, release, callers = threading.Event(), threading.Event(), []

    def run():
        callers.append(threading.get_ident())
        if len(callers) == 1:
            started.set()
            release.wait(20)
        else:
            release.set()

    discoverer.run = run
    first = threading.Thread(target=discoverer.ensure)
    first.start()
    started.wait(20)
    discoverer.ensure()
    release.set()
    first.join()
    assert len(set(callers)) == 2, "the hook, which holds the lock, was not asked by the second thread"


def test_isolated_gives_a_block_contents_of_its_own(registry):
    """Tests must not see each other's prompts."""
    registry.register("k", 1)
    with registry.isolated():
        registry.register("l", 2)
        registry.failures["f"] = DiscoveryError("x")
    assert list(registry) == ["k"]
    assert registry.failures == {}


def test_a_port_is_empty_until_the_roof_connects_it():
    """A floor that needs one above says so, and does not import it."""
    port = Port("the lift")
    with pytest.raises(NotRegisteredError, match="nothing is connected as the lift"):
        port.load()
    port.load = lambda: 3
    assert port.load() == 3
