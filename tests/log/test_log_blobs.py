import json
from hashlib import sha256

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lllm.errors import LogCorrupt, LogPoisoned
from lllm.log import LocalFileLog, fsck
from lllm.log.blobs import OVER_BYTES, find_references
from lllm.log.envelope import GENESIS, encode_line
from lllm.utils import encode_json


@pytest.fixture
def log(tmp_path):
    return LocalFileLog("base", {"log_dir": tmp_path, "durability": "flush"})


def write(log, *values, session="s"):
    with log.open_session(session) as opened:
        for value in values:
            opened.append("message", "1/m0", encode_json(value))
    return log.folder / session / "events-000001.jsonl"


def read(log, session="s"):
    return [event.data for event in log.read_session(session)]


def test_a_large_text_is_stored_once_and_comes_back(log):
    """A picture that is sent in ten turns must not make ten copies."""
    value = {"a": ["x" * 9000, {"b": "x" * 9000}], "c": "small"}
    path = write(log, value, value)
    assert path.stat().st_size < 1500
    assert [blob.name for blob in (log.folder / "blobs").rglob("*") if blob.is_file()] == [
        sha256(b"x" * 9000).hexdigest()
    ]
    assert read(log) == [value, value]


@pytest.mark.parametrize(("size", "blobs"), [(OVER_BYTES, 0), (OVER_BYTES + 1, 1)])
def test_the_limit_is_8_kb_of_utf8(log, size, blobs):
    """Text up to the limit stays in the line, where grep finds it."""
    write(log, {"a": "x" * size, "b": "é" * (size // 2)})
    assert len([blob for blob in (log.folder / "blobs").rglob("*") if blob.is_file()]) == blobs


def test_a_large_text_with_lone_surrogates_comes_back(log):
    """Models and terminals produce them, and UTF-8 has no place for them."""
    value = {"a": "\ud800" * 5000}
    write(log, value)
    assert read(log) == [value]


keys = st.sampled_from(["$blob", "$$blob", "$$$blob", "bytes", "a", "$"])
values = st.recursive(
    st.sampled_from(["x", "y" * 9000, 1, None]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner),
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(keys, values))
def test_users_own_dicts_that_look_like_references_survive(tmp_path_factory, value):
    """Data may hold anything, the log's own marks included."""
    log = LocalFileLog("base", {"log_dir": tmp_path_factory.mktemp("log"), "durability": "flush"})
    write(log, value)
    assert read(log) == [value]


def test_a_dict_that_names_a_real_blob_is_not_filled_in(log):
    """Otherwise one message could read another's content by naming its hash."""
    value = {"$blob": sha256(b"x" * 9000).hexdigest(), "bytes": 9000}
    write(log, {"a": "x" * 9000}, {"fake": value})
    assert read(log)[1] == {"fake": value}


@pytest.mark.parametrize("harm", ["missing", "damaged"])
def test_a_bad_blob_is_damage_with_its_place(log, harm):
    """An event without its content cannot be replayed, and the person must know which file to restore."""
    write(log, {"a": 1}, {"a": "x" * 9000, "b": "y" * 9000})
    blob = next(path for path in (log.folder / "blobs").rglob("*") if path.is_file())
    blob.unlink() if harm == "missing" else blob.write_bytes(b"z" * 9000)
    events = log.read_session("s")
    assert next(events).data == {"a": 1}
    with pytest.raises(LogCorrupt, match=blob.name):
        next(events)
    report = fsck(log.folder / "s")
    assert (report.ok, report.missing_blobs, report.events) == (False, [blob.name], 2)


def test_a_reference_never_leads_out_of_the_folder(log, tmp_path):
    """A log may come from somebody else."""
    write(log)
    line, _ = encode_line(GENESIS, 1, "message", 0, "1", 0.0, '{"a":{"$blob":"../../../../etc/passwd","bytes":1}}')
    (log.folder / "s" / "events-000001.jsonl").write_bytes(line)
    with pytest.raises(LogCorrupt, match="SHA-256"):
        read(log)


def test_a_blob_that_cannot_be_written_poisons_the_log(log):
    """Its event would refer to nothing."""
    with log.open_session("s") as opened:
        opened.append("message", "1/m0", "{}")
        (log.folder / "blobs").write_text("in the way")
        with pytest.raises(LogPoisoned):
            opened.append("message", "1/m1", encode_json({"a": "x" * 9000}))
        with pytest.raises(LogPoisoned):
            opened.append("message", "1/m1", "{}")
    assert len(read(log)) == 1


def test_a_secret_in_a_large_text_never_reaches_its_blob(tmp_path):
    """Blobs are kept longest of all."""
    log = LocalFileLog("base", {"log_dir": tmp_path, "durability": "flush"})
    log.redactor.add("swordfish-9")
    write(log, {"a": "swordfish-9" * 1000 + "é" * 9000})
    assert all(b"swordfish" not in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


def test_durable_logs_keep_blobs_too(tmp_path):
    """The path that waits for the disk differs; its content must not, also when the blob is there already."""
    log = LocalFileLog("base", {"log_dir": tmp_path, "durability": "strict"})
    write(log, {"a": "x" * 9000}, {"b": "x" * 9000})
    assert read(log) == [{"a": "x" * 9000}, {"b": "x" * 9000}]
    assert (
        json.loads((log.folder / "s" / "events-000001.jsonl").read_text().splitlines()[0])["data"]["a"]["bytes"] == 9000
    )


def test_a_text_that_looks_like_a_reference_is_none():
    """Who copies a session would look for a blob that never was."""
    sha = "a" * 64
    stored = encode_json({"text": {"$blob": sha, "bytes": 9}, "said": f'"$blob":"{"b" * 64}"', "$$blob": "c" * 64})
    assert list(find_references(stored.encode())) == [sha]
