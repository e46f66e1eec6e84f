"""The sandboxed kernel as Jupyter's own clients get it."""

import asyncio
import shutil
import sys
import tempfile
import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_kernels import KernelManager, install, run, text_of  # noqa: F401 - one is a fixture

from lllm.errors import ConfigError, SandboxUnavailable
from lllm.sandbox.isolation.isolator import Plan
from lllm.sandbox.local.warden import WARDEN
from lllm.sandbox.policy import SandboxPolicy
from lllm.sandbox.probe import Chooser
from lllm.sandbox.stock import provisioner
from lllm.sandbox.stock.kernelspec import PROVISIONER, build_kernelspec, build_policy, install_kernelspec

# of jupyter_client's own thread for heartbeats, which the end of its context may surprise
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
PROJECT = Path(__file__).parents[2] / "pyproject.toml"


@pytest.fixture(scope="module")
def manager(sandboxed_kernel):
    """One kernel for the tests that leave it as it was."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("A_KEY", "canary")
        manager = KernelManager(kernel_name=sandboxed_kernel)
        manager.start_kernel()
        yield manager
        manager.shutdown_kernel(now=True)


@pytest.fixture
def client(manager):
    client = manager.client()
    client.start_channels()
    client.wait_for_ready(timeout=30)
    yield client
    client.stop_channels()


def test_it_sees_nothing_of_the_host(manager, client):
    """What stock Jupyter kernels have: the server's environment, its files, its network, its other processes."""
    _, outputs = run(
        client,
        f"""
import os, socket
from importlib.util import find_spec
print("A_KEY" in os.environ, find_spec("wire"), os.path.exists({str(PROJECT)!r}), os.path.exists("/proc"))
try: socket.socket(socket.AF_INET)
except OSError as error: print(error.strerror)
""",
    )
    assert text_of(outputs) == "False None False False\nAddress family not supported by protocol\n"
    assert manager.provisioner.tier == "A"


def test_no_connection_file_and_no_socket_can_be_seen_inside(client):
    """By such a file other code of the sandbox would speak for the client; a socket's path it could replace by a link."""
    walk = """
import os, stat
for top in ("box", "tmp", "dev", "etc"):
    for folder, _, files in os.walk(f"/{top}"):
        for path in (os.path.join(folder, name) for name in files):
            if path.endswith(".json") or stat.S_ISSOCK(os.lstat(path).st_mode):
                print(path)
"""
    assert run(client, walk)[1] == []


def test_an_interrupt_stops_the_cell_and_keeps_the_state(manager, client):
    """A signal to the sandbox's first process would end the kernel, and with it all variables."""
    run(client, "kept = 1")
    message = client.execute("print('on', flush=True)\nwhile True: pass", stop_on_error=False)
    while client.get_iopub_msg(timeout=20)["msg_type"] != "stream":
        pass
    manager.interrupt_kernel()
    while (reply := client.get_shell_msg(timeout=20))["parent_header"]["msg_id"] != message:
        pass
    assert reply["content"]["ename"] == "KeyboardInterrupt"
    assert text_of(run(client, "print(kept)")[1]) == "1\n"


def test_input_is_asked_of_the_client(client):
    """Jupyter's users answer `input()` at a prompt of their own."""
    client.allow_stdin = True
    reply = client.execute_interactive(
        "assert input('who? ') == 'me'", timeout=20, stdin_hook=lambda _: client.input("me"), allow_stdin=True
    )
    assert reply["content"]["status"] == "ok"


def test_a_restart_is_a_fresh_sandbox_behind_the_same_address(manager, client):
    """Clients stay connected, and find nothing of what the old kernel left: neither variables nor files."""
    run(client, "open('/tmp/left', 'w').write('x'); kept = 1")
    address = manager.get_connection_info()
    manager.restart_kernel(now=True)
    client.wait_for_ready(timeout=30)
    assert manager.get_connection_info() == address
    _, outputs = run(client, "import os; print('kept' in globals(), os.path.exists('/tmp/left'))")
    assert text_of(outputs) == "False False\n"


def test_the_policy_of_the_kernelspec_holds(sandboxed_kernel, tmp_path, monkeypatch):
    """Limits belong to the kernel that a user chose from the menu, not to the server. A kill is seen and explained."""
    prefix = tmp_path / "small"
    install_kernelspec("small", policy={"file_bytes": 1000}, prefix=str(prefix))
    monkeypatch.setenv("JUPYTER_PATH", str(prefix / "share" / "jupyter"))
    manager = KernelManager(kernel_name="small")
    manager.start_kernel()
    folder, process = Path(manager.provisioner._folder), manager.provisioner._process
    client = manager.client()
    client.start_channels()
    client.wait_for_ready(timeout=30)
    reply, _ = run(client, "with open('f', 'wb', buffering=0) as file:\n    file.write(bytes(1000)); file.write(b'x')")
    assert reply["ename"] == "OSError"
    assert oct(folder.stat().st_mode & 0o777) == "0o700"
    assert process in WARDEN._busy  # memory of all processes together is bounded by nothing else
    process.kill("memory")
    assert not manager.is_alive()
    client.stop_channels()
    manager.shutdown_kernel()
    assert not folder.exists()
    assert not process.is_running
    assert process not in WARDEN._busy


def test_a_kernel_that_does_not_come_up_says_why(tmp_path):
    """Else a user of Jupyter sees a kernel that is `connecting` for ever."""

    class Broken:
        name, tier = "broken", "A"

        def plan(self, policy):
            return Plan(["/bin/sh", "-c", "echo no such thing >&2"], {})

    attempt = provisioner._Attempt(SandboxPolicy(), str(tmp_path / "k"), "key")
    for _ in range(2):  # a weaker isolator is tried next, at the same addresses
        with pytest.raises(SandboxUnavailable, match="no such thing"):
            attempt(Broken())


def test_a_user_of_jupyter_reads_what_mends_it(sandboxed_kernel, monkeypatch):
    """Jupyter shows an error's text in a dialog; the command that mends it would be missing there."""

    class Lacking:
        name, tier = "lacking", "A"

        def plan(self, policy):
            raise SandboxUnavailable("there is no bwrap", hint="apt install bubblewrap")

    monkeypatch.setattr(provisioner, "CHOOSER", Chooser([Lacking]))
    manager = KernelManager(kernel_name=sandboxed_kernel)
    with pytest.raises(SandboxUnavailable) as caught:
        manager.start_kernel()
    assert str(caught.value).endswith("lacking: there is no bwrap. What mends it: apt install bubblewrap")
    manager.cleanup_resources()


def test_a_folder_with_a_long_path_is_not_used(tmp_path, monkeypatch):
    """The system refuses to bind a socket at a path of more than a hundred bytes."""
    deep = tmp_path / ("x" * 90)
    deep.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(deep))
    folder = provisioner._make_folder()
    shutil.rmtree(folder)
    assert len(folder) < 90
    assert list(deep.iterdir()) == []


@pytest.mark.parametrize("told", [{"memory": 1}, {"memory_bytes": "much"}, {"memory_bytes": 0}])
def test_a_policy_that_is_none_is_refused_before_it_is_installed(told, tmp_path):
    """A limit with a typing error in its name would be no limit."""
    with pytest.raises(ConfigError, match="policy"):
        install_kernelspec(policy=told, prefix=str(tmp_path))
    assert list(tmp_path.iterdir()) == []
    assert build_policy({"memory_bytes": 5}) == SandboxPolicy(memory_bytes=5)


def test_kernels_of_other_languages_are_refused(sandboxed_kernel):
    """What would run is ipykernel: a notebook in R that gets Python is worse than an error."""
    manager = KernelManager()
    manager._kernel_spec = KernelSpec.from_resource_dir(
        KernelSpecManager().get_kernel_spec(sandboxed_kernel).resource_dir
    )
    manager._kernel_spec.language = "R"
    with pytest.raises(ConfigError, match="not 'R' ones"):
        manager.start_kernel()
    manager.cleanup_resources()


def test_servers_find_what_they_read_in_the_launch_arguments(manager):
    """A kernel gateway takes `env` out of them before it launches, and fails where there is none."""
    told = asyncio.run(manager.provisioner.pre_launch(cwd="somewhere"))
    assert (told["cmd"], told["cwd"], "PATH" in told["env"]) == ([], "somewhere", True)


def test_without_the_provisioner_nothing_runs():
    """An old Jupyter that ignores the provisioner must not start a kernel without isolation instead."""
    spec = build_kernelspec("Sandbox", {})
    assert shutil.which(spec["argv"][0]) is None
    assert Path(sys.executable).name not in spec["argv"]


def test_the_package_declares_the_provisioner():
    """Jupyter finds it by this entry point alone."""
    declared = tomllib.loads(PROJECT.read_text())["project"]["entry-points"]["jupyter_client.kernel_provisioners"]
    loaded = EntryPoint(PROVISIONER, declared[PROVISIONER], "jupyter_client.kernel_provisioners").load()
    assert loaded is provisioner.SandboxProvisioner
