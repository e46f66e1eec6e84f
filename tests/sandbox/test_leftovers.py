"""What a sandbox may leave on the host, files and processes, is counted and removed, however it is hidden."""

from __future__ import annotations

import mmap
import os
import select
import subprocess
import sys

import pytest

from lllm.sandbox.inside.ends import kill_below, list_tree
from lllm.sandbox.inside.scratch import remove_folder
from lllm.sandbox.local.folders import find_count_excess, find_disk_excess

MiB = 1 << 20
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="of Linux: reads /proc")


def write(path, size_bytes=MiB):
    path.write_bytes(os.urandom(1024) * (size_bytes // 1024))
    return path


def test_files_within_the_limit_are_no_excess(tmp_path):
    """An honest cell writes files, too."""
    (tmp_path / "box").mkdir()
    write(tmp_path / "box" / "file")
    assert find_disk_excess(tmp_path, [os.getpid()], 2 * MiB) == ""


def test_files_in_all_folders_count_together(tmp_path):
    """Two folders of half the limit each are the limit."""
    for name in ("box", "tmp"):
        (tmp_path / name).mkdir()
        write(tmp_path / name / "file")
    assert find_disk_excess(tmp_path, [], 2 * MiB - 4096) == "its files took 2 MiB, and may take 1"


def test_a_sparse_file_counts_what_it_takes(tmp_path):
    """Its length is only a number."""
    with (tmp_path / "file").open("wb") as file:
        file.truncate(1 << 40)
    assert find_disk_excess(tmp_path, [], MiB) == ""


def test_a_link_out_counts_as_a_link(tmp_path):
    """A link to the host's root would have the warden walk through all of it."""
    (tmp_path / "way").symlink_to("/")
    assert find_disk_excess(tmp_path, [], MiB) == ""


@pytest.mark.skipif(os.geteuid() == 0, reason="root can list every folder")
def test_a_folder_that_hides_its_files_is_an_excess(tmp_path):
    """Who made it can still write to it."""
    (tmp_path / "dark").mkdir(mode=0o300)
    assert "cannot be counted" in find_disk_excess(tmp_path, [], MiB)


def test_a_path_too_long_to_be_listed_is_an_excess(tmp_path):
    """Step by step one can go deeper than any path is long."""
    make_deep(tmp_path, 100)
    assert "cannot be counted" in find_disk_excess(tmp_path, [], MiB)
    remove_folder(str(tmp_path))
    assert not tmp_path.exists()


def make_deep(top, levels):
    """Make folders in folders, whose path is longer than a path may be."""
    code = (
        "import os\nfor _ in range(%d):\n    os.mkdir('d' * 200)\n    os.chdir('d' * 200)\nopen('file', 'w').write('x')"
    )
    subprocess.run([sys.executable, "-ISc", code % levels], cwd=top, check=True)


def test_a_removed_file_that_is_open_counts(tmp_path):
    """No folder shows it any more, and the disk is as full."""
    path = write(tmp_path / "file")
    with path.open("rb"), path.open("rb"):
        path.unlink()
        assert "its files took" in find_disk_excess(tmp_path, [os.getpid()], MiB // 2)
        assert find_disk_excess(tmp_path, [os.getpid()], MiB + MiB // 2) == ""  # twice open, once on the disk
    assert find_disk_excess(tmp_path, [os.getpid()], MiB // 2) == ""


def test_a_removed_file_that_is_mapped_counts(tmp_path):
    """It stays without any descriptor."""
    path = write(tmp_path / "file")
    with path.open("rb") as file:
        mapped = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
    path.unlink()
    # Python's own map holds a copy of the descriptor: the file counts by both, which is never too little.
    assert "its files took" in find_disk_excess(tmp_path, [os.getpid()], MiB + MiB // 2)
    mapped.close()
    assert find_disk_excess(tmp_path, [os.getpid()], MiB // 2) == ""


def test_too_many_files_are_an_excess(tmp_path):
    """Empty files take no bytes by their own count, and the host's table of files all the same."""
    for number in range(30):
        (tmp_path / str(number)).touch()
    assert find_disk_excess(tmp_path, [], MiB, most_files=29) == "it made more than 29 files"
    assert find_disk_excess(tmp_path, [], MiB, most_files=30) == ""


def test_a_sandbox_that_has_ended_is_over_no_limit(tmp_path):
    """The warden looks while others close: an exception would end its thread, and nobody would watch any more."""
    with subprocess.Popen([sys.executable, "-ISc", ""]) as gone:
        pass
    assert find_disk_excess(tmp_path / "gone", [gone.pid], 1) == ""
    assert find_count_excess([gone.pid, gone.pid]) == find_count_excess([]) == ""


def test_a_folder_is_removed_whatever_is_in_it(tmp_path):
    """``shutil.rmtree`` gives up at a folder without rights, and fails at a thousand levels."""
    top = tmp_path / "top"
    (top / "dark" / "inner").mkdir(parents=True)
    (top / "dark" / "inner" / "file").write_text("x")
    (top / "dark" / "inner").chmod(0)
    (top / "dark").chmod(0o300)
    make_deep(top, 1100)
    remove_folder(str(top))
    assert not top.exists()


def test_removal_follows_no_link(tmp_path):
    """What the links of a cell point at is the host's."""
    kept = write(tmp_path / "kept")
    (tmp_path / "folder").mkdir()
    write(tmp_path / "folder" / "file")
    (tmp_path / "folder" / "inner").mkdir()
    (tmp_path / "top").mkdir()
    (tmp_path / "top" / "one").symlink_to(kept)
    (tmp_path / "top" / "two").symlink_to(tmp_path / "folder")
    remove_folder(str(tmp_path / "top"))
    assert not (tmp_path / "top").exists()
    assert kept.exists()
    assert (tmp_path / "folder" / "file").exists()
    assert (tmp_path / "folder" / "inner").exists()


def test_removing_what_is_gone_does_nothing(tmp_path):
    """Host and init both remove the folder, and one comes second."""
    remove_folder(str(tmp_path / "gone"))


def test_all_below_a_process_are_listed_and_killed():
    """Also those in a session of their own, and those below a chain that is longer than Python's stack."""
    code = """
import os, time
for depth in range(40):
    if os.fork():
        time.sleep(600)
    os.setsid()
print("up", flush=True)
time.sleep(600)
"""
    with subprocess.Popen([sys.executable, "-ISc", code], stdout=subprocess.PIPE, text=True) as top:
        assert top.stdout.readline() == "up\n"
        watched = {pid: os.pidfd_open(pid) for pid in list_tree(top.pid)[1:]}
        assert len(watched) == 40
        kill_below(top.pid)
        for number in watched.values():
            assert select.select([number], (), (), 20)[0]
            os.close(number)
        assert top.poll() is None  # only those below it
        top.kill()


def test_a_process_that_is_gone_has_none_below():
    """It may end at any moment."""
    with subprocess.Popen([sys.executable, "-ISc", ""]) as gone:
        pass
    assert list_tree(gone.pid) == []
    kill_below(gone.pid)
