"""A second log of a replay: where nothing differs it has the same bytes, which any tool can compare."""

from pathlib import Path

import pytest
from crashes import STAMP, Shop
from replay_scenes import SCENES, World, record

from lllm.errors import ConfigError
from lllm.log import LocalFileLog, MemoryLog
from lllm.replay import fork, replay, resume
from lllm.replay.second import SecondLog, is_identical


@pytest.fixture
def shop(tmp_path):
    return Shop(tmp_path / "logs").record()


def files(folder):
    return {path.name: path.read_bytes() for path in folder.rglob("events-*") if path.is_file()}


def test_the_copy_of_a_replay_has_the_same_bytes(shop, tmp_path):
    report = replay(shop.log, "whole", shop.run, copy_to=tmp_path / "copy")
    assert report.status == "same"
    copied = next((tmp_path / "copy").rglob("events-*")).parent
    assert files(copied) == files(shop.log.session_path("whole"))
    assert report.copy == str(copied)


def test_the_copy_says_what_todays_code_said(tmp_path):
    """It is no copy of the file: what may differ and is passed over is the recording's, the rest is today's."""
    shop = Shop(tmp_path / "logs").record()
    second = SecondLog(shop.log, tmp_path / "copy")
    event = next(e for e in shop.events() if e.id == "1/m1")
    second.take(event, '{"message":{"role":"user","content":"other"}}')
    copied = second.save("whole")
    assert not is_identical(shop.log.session_path("whole"), copied)
    assert b'"content":"other"' in next(copied.glob("events-*")).read_bytes()


def test_a_folder_that_is_there_is_refused_before_the_replay(shop, tmp_path):
    """Nothing of the user's is overwritten, and nothing of it is mixed with the copy."""
    (tmp_path / "copy").mkdir()
    ran = []
    with pytest.raises(ConfigError, match="there already"):
        replay(shop.log, "whole", lambda session: ran.append(shop.run(session)), copy_to=tmp_path / "copy")
    assert not ran
    assert list((tmp_path / "copy").iterdir()) == []


def test_a_replay_that_differs_leaves_no_copy(shop, tmp_path):
    shop.prompt = "You buy much."
    report = replay(shop.log, "whole", shop.run, copy_to=tmp_path / "copy")
    assert (report.status, report.copy) == ("differs", "")
    assert not (tmp_path / "copy").exists()


def test_a_log_in_memory_cannot_be_copied(tmp_path):
    shop = Shop(tmp_path / "logs")
    shop.log = MemoryLog()
    shop.record()
    with pytest.raises(ConfigError, match="only a log on disk"):
        replay(shop.log, "whole", shop.run, copy_to=tmp_path / "copy")


def test_the_copy_of_a_resumed_session_has_the_same_bytes(shop, tmp_path):
    name = shop.die_after("step", STAMP)
    resume(shop.log, name, shop.run)
    report = replay(shop.log, name, shop.run, copy_to=tmp_path / "copy")
    assert files(shop.log.session_path(name)) == files(tmp_path / "copy")
    assert report.copy


def test_the_copy_of_a_fork_has_the_same_bytes(shop, tmp_path):
    """Its own events: what it shares is its parent's."""
    name = fork(shop.log, "whole", "1/s1", shop.run).session
    report = replay(shop.log, name, shop.run, copy_to=tmp_path / "copy")
    assert report.status == "same"
    assert files(shop.log.session_path(name)) == files(tmp_path / "copy")


def test_a_copy_replays_as_its_recording_does(shop, tmp_path):
    report = replay(shop.log, "whole", shop.run, copy_to=tmp_path / "copy")
    copied = Path(report.copy)
    log = LocalFileLog(copied.parent.name, {"log_dir": str(copied.parent.parent)})
    assert replay(log, copied.name, shop.run).status == "same"


@pytest.mark.parametrize("name", sorted(SCENES))
def test_every_scene_that_replays_has_the_same_bytes(tmp_path, name):
    """The format proves itself on whatever users may write."""
    scene = SCENES[name]
    log = LocalFileLog("scenes", {"log_dir": str(tmp_path)})
    record(scene, log)
    world = World(None, live=False)
    report = replay(log, "s", lambda session: scene.run(session, world), copy_to=tmp_path / "copy")
    if report.status == "same":
        assert files(log.session_path("s")) == files(tmp_path / "copy")
