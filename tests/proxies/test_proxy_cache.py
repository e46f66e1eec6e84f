"""Answers that are kept: for whom, how long, and that nothing bad comes of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time

import pytest
from loopback import KEY, Reply, declare, proxy_of

from lllm.errors import ProxyError
from lllm.llm import Session
from lllm.log import MemoryLog
from lllm.proxies.cache import AnswerCache, CacheLimits, load_cache

KEYED = {"api_key_env": "DEMO_KEY", "api_key_name": "api_key"}


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "kept"


def files(folder):
    return sorted(folder.iterdir()) if folder.exists() else []


def test_an_answer_is_served_again_from_memory_and_by_another_process(service, way, folder):
    """The second cache has read nothing but the files."""
    service.says({"items": [1]}, {"items": [2]})
    cls = declare(service.url)
    for cache in (AnswerCache(folder), AnswerCache(folder)):
        for _ in range(2):
            assert way.call(proxy_of(cls, cache=cache)) == {"items": [1]}
    assert len(service.asked) == 1


def test_a_kept_answer_is_the_callers_own(service, way):
    """Whoever changes what he was given changes nobody else's."""
    service.says({"items": [1]})
    proxy = proxy_of(declare(service.url), cache=AnswerCache())
    way.call(proxy)["items"].append(2)
    way.call(proxy)["items"].append(3)
    assert way.call(proxy) == {"items": [1]}


def test_the_log_says_that_an_answer_was_kept(service):
    """Whoever asks why it is old finds it there."""
    service.says({"items": []})
    log, proxy = MemoryLog(), proxy_of(declare(service.url), cache=AnswerCache())
    with Session.open(log, "s"):
        proxy("demo/items/list", {"q": "x"})
        proxy("demo/items/list", {"q": "x"})
    values = [event.data["value"] for event in log.read_session("s") if event.kind == "value"]
    assert values == [{"data": {"items": []}}, {"data": {"items": []}, "cached": True}]


def test_what_differs_has_an_answer_of_its_own(service, way, folder, monkeypatch):
    """The parameters, the cutoff, the account, and the declaration."""
    service.says({"items": []})
    cache = AnswerCache(folder)
    monkeypatch.setenv("DEMO_KEY", KEY)
    cls = declare(service.url, **KEYED)
    way.call(proxy_of(cls, cache=cache))
    way.call(proxy_of(cls, cache=cache), params={"q": "other"})
    way.call(proxy_of(cls, "2024-01-01", cache=cache))
    way.call(proxy_of(cls, "2024-01-02", cache=cache))
    way.call(proxy_of(declare(service.url, **KEYED, fixed={"x": "1"}), cache=cache))
    monkeypatch.setenv("DEMO_KEY", "another-key-0123")
    way.call(proxy_of(cls, cache=cache))
    assert len(service.asked) == len(files(folder)) == 6


def test_neither_keys_nor_errors_are_kept(service, way, folder, monkeypatch):
    """An error would be served when all is well again; a key would lie on a disk."""
    monkeypatch.setenv("DEMO_KEY", KEY)
    proxy = proxy_of(declare(service.url, **KEYED), cache=AnswerCache(folder))
    service.says(Reply(b"no", 400), {"items": [], "you": KEY})
    with pytest.raises(ProxyError):
        way.call(proxy)
    assert files(folder) == []
    assert way.call(proxy) == {"items": [], "you": "[redacted]"}
    (kept,) = files(folder)
    assert "0123" not in kept.name
    assert "service=" not in kept.read_text()
    assert (kept.stat().st_mode & 0o777, folder.stat().st_mode & 0o777) == (0o600, 0o700)


def test_what_changes_something_and_what_may_not_be_kept_is_not(service, way, folder):
    """A POST is done again; 0 seconds means never; False means not here."""
    cls = declare(service.url)
    for _ in range(2):
        way.call(proxy_of(cls, cache=AnswerCache(folder)), "demo/items/add", {"name": "x"})
        way.call(proxy_of(declare(service.url, cache_ttl_s=0.0), cache=AnswerCache(folder)))
        way.call(proxy_of(cls, cache=False))
    assert (len(service.asked), files(folder)) == (6, [])


def test_an_answer_grows_old(folder):
    """In memory and on disk, where the file's own date says when."""
    cache = AnswerCache(folder)
    cache.keep("a", "1", 1000.0)
    assert (folder / "a.json").stat().st_mtime > time.time() + 900
    cache.keep("b", "2", -1.0)
    assert (cache.find("a"), cache.find("b"), cache.find("c")) == ("1", None, None)
    assert (AnswerCache(folder).find("a"), AnswerCache(folder).find("b")) == ("1", None)


def damage(kept):
    whole = kept.read_text()
    yield whole[: len(whole) // 2]
    yield ""
    yield "[]"
    yield "{}"
    yield whole.replace('"answer": "1"', '"answer": "{"')
    yield whole.replace('"answer": "1"', '"answer": 1')
    yield whole.replace('"key": "a"', '"key": "b"')
    yield whole.replace('"until": ', '"until": "x", "was": ')
    yield "[" * 100_000


def test_a_damaged_file_is_no_answer(folder):
    """A process that was killed, a disk that was full, somebody's editor."""
    AnswerCache(folder).keep("a", "1", 1000.0)
    (kept,) = files(folder)
    for text in list(damage(kept)):
        kept.write_text(text)
        assert AnswerCache(folder).find("a") is None
        AnswerCache(folder).keep("a", "1", 1000.0)
        assert AnswerCache(folder).find("a") == "1"


def test_a_disk_that_takes_nothing_costs_nothing(tmp_path):
    """The cache is no reason for a call to fail."""
    (tmp_path / "file").write_text("")
    cache = AnswerCache(tmp_path / "file")
    cache.keep("a", "1", 1000.0)
    assert cache.find("a") == "1"
    (tmp_path / "kept/a.json").mkdir(parents=True)
    AnswerCache(tmp_path / "kept").keep("a", "1", 1000.0)
    assert files(tmp_path / "kept") == [tmp_path / "kept/a.json"]  # and nothing half written


def test_memory_has_an_end():
    """The oldest give way; what is kept anew is counted once."""
    cache = AnswerCache(limits=CacheLimits(memory_chars=10))
    for name in "abcd":
        cache.keep(name, "x" * 4, 1000.0)
    assert [cache.find(name) is not None for name in "abcd"] == [False, False, True, True]
    cache.keep("d", "x", 1000.0)
    cache.keep("e", "x" * 5, 1000.0)
    assert [cache.find(name) is not None for name in "cde"] == [True, True, True]


def test_the_disk_has_an_end(folder):
    """What is stale goes, then the first of too many, once in a process; a long answer stays in memory."""
    few = CacheLimits(file_chars=5, files=2)
    old = AnswerCache(folder, few)
    for number, name in enumerate("abcd"):
        old.keep(name, "1", 1000.0)
        os.utime(folder / f"{name}.json", (number if name == "d" else 2e9 + number,) * 2)
    (folder / "left.part").write_text("")
    os.utime(folder / "left.part", (1, 1))
    AnswerCache(folder, few).keep("e", "1", 1000.0)
    assert [path.stem for path in files(folder)] == ["b", "c", "e"]
    old.keep("f", "123456", 1000.0)
    assert (old.find("f"), len(files(folder))) == ("123456", 3)


def test_what_another_process_is_writing_is_left_to_it(folder):
    """It is stale by its date, and whole in a moment."""
    folder.mkdir()
    (folder / "now.part").write_text("")
    (folder / "moved.part").symlink_to("nowhere")  # listed, and gone when it is looked at
    AnswerCache(folder).keep("e", "1", 1000.0)
    assert [path.name for path in files(folder)] == ["e.json", "moved.part", "now.part"]


def test_two_writers_do_no_harm(folder):
    """Whoever reads meanwhile gets one of the two answers, whole."""
    texts = [json.dumps(word * 20_000) for word in ("a", "b")]

    def write(text):
        cache = AnswerCache(folder)
        for _ in range(20):
            cache.keep("k", text, 1000.0)

    threads = [threading.Thread(target=write, args=(text,)) for text in texts]
    for thread in threads:
        thread.start()
    seen = {AnswerCache(folder).find("k") for _ in range(200)}
    for thread in threads:
        thread.join()
    assert seen <= {None, *texts}
    assert AnswerCache(folder).find("k") in texts
    assert len(files(folder)) == 1


def test_the_usual_place_is_the_users_own(tmp_path, monkeypatch):
    """One for all proxies; what is no absolute path does not count, as the specification says."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert load_cache() is load_cache()
    load_cache().keep("a", "1", 1000.0)
    assert files(tmp_path / "lllm" / "proxies") == [tmp_path / "lllm" / "proxies" / "a.json"]
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    load_cache().keep("a", "1", 1000.0)
    assert (tmp_path / "home/.cache/lllm/proxies/a.json").exists()


def test_nothing_of_the_network_is_loaded_before_a_call():
    """A project's proxies are loaded at the first look into the registry, by whatever looks."""
    program = "import sys, lllm.proxies; print('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert not {"httpx", "aiohttp", "pydantic", "ssl", "asyncio"} & set(done.stdout.split())
