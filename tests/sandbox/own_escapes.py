"""Hostile cells of this project's own, for both tiers."""

from __future__ import annotations

from escape_world import (
    KILLED,
    NO_FILE,
    NO_SOCKET,
    POLICY,
    Snippet,
    both,
    each_line,
    either,
    ends,
    goes_on,
    never_says,
    raises,
    says,
)  # fmt: skip

# What calls of the operating system are made with.
C = """
import ctypes, os, platform, sys
libc = ctypes.CDLL(None, use_errno=True)
def number(x86, arm): return x86 if platform.machine() == "x86_64" else arm
def call(*args): return libc.syscall(*[ctypes.c_long(a) for a in args]), ctypes.get_errno()
"""
EVERY_SOCKET = """
import os, socket
def every():
    for n in range(3, 256):
        try:
            yield socket.socket(fileno=os.dup(n))
        except OSError:
            pass
"""
NOT_ALLOWED = raises("PermissionError")
NOBODY_THERE = raises("PermissionError", "ProcessLookupError")


def _few_bytes(tried):
    """The number that it wrote is of bytes, and within the limit; where it died, it went over and was stopped."""
    return tried.result.status == "died" or int(tried.lines[0]) <= POLICY.tmp_bytes


FILES = [
    Snippet("no descriptor of a file or a folder is open", """
import os, stat
for n in range(256):
    try:
        mode = os.fstat(n).st_mode
    except OSError:
        continue
    if stat.S_ISREG(mode) or stat.S_ISDIR(mode) or stat.S_ISBLK(mode) or os.isatty(n):
        print(n, oct(mode))
""", says(""), fresh=True),
    Snippet("dots do not lead out of a folder", """
import os
here = os.open(".", os.O_RDONLY)
open(os.open("../" * 40 + HOST_PROJECT_DIR.lstrip("/") + "/.env", os.O_RDONLY, dir_fd=here)).read()
""", NO_FILE),
    Snippet("a folder that is only named opens no file in it", """
import os
folder = os.open(HOST_PROJECT_DIR, os.O_PATH)
print(open(os.open(".env", os.O_RDONLY, dir_fd=folder)).read())
""", NO_FILE),
    Snippet("a working directory of the host opens no file in it", """
import os
try:
    os.chdir(HOST_PROJECT_DIR)
    print(open(".env").read())
finally:
    os.chdir(os.environ["HOME"])
""", NO_FILE),
    Snippet("a link of the cell's own leads nowhere", """
import os
os.path.lexists("way") or os.symlink(HOST_PROJECT_DIR, "way")
print(open("way/.env").read())
""", NO_FILE),
    Snippet("a hard link cannot be made to a file of the host", """
import os
os.link(HOST_PROJECT_DIR + "/.env", "mine")
""", raises("FileNotFoundError", "PermissionError", "OSError")),
    Snippet("a file of the host keeps its mode, owner and times", """
import os
path = HOST_PROJECT_DIR + "/.env"
for change in (lambda: os.chmod(path, 0), lambda: os.utime(path, (0, 0)), lambda: os.chown(path, os.getuid(), -1),
               lambda: os.setxattr(path, "user.x", b"1"), lambda: os.chmod(HOST_PROJECT_DIR, 0o777)):
    try:
        change()
    except OSError:
        pass
"""),
    Snippet("Python's own files keep their mode, also by a descriptor", """
import json, os
file = os.open(json.__file__, os.O_RDONLY)
for change in (lambda: os.fchmod(file, 0o4755), lambda: os.utime(file, (0, 0))):
    try:
        change()
    except OSError:
        pass
now = os.fstat(file)
print(now.st_mode & 0o7777 == 0o4755, now.st_mtime == 0)
""", says("False False")),
    Snippet("a file of the host is neither emptied nor removed nor replaced", """
import os
path = HOST_PROJECT_DIR + "/.env"
open("mine", "w").close()
for change in (lambda: os.truncate(path, 0), lambda: os.unlink(path), lambda: os.rename("mine", path),
               lambda: os.rename(path, "mine"), lambda: os.rmdir(HOST_PROJECT_DIR), lambda: open(path, "a").write("x"),
               lambda: os.mkdir(HOST_PROJECT_DIR + "/new")):
    try:
        change()
        print("done")
    except OSError:
        pass
""", says("")),
    Snippet("nobody can be told what happens in a folder of the host", C + """
made = libc.inotify_init1(0)
print(libc.inotify_add_watch(made, HOST_PROJECT_DIR.encode(), 0xfff))
""", says("-1")),
    Snippet("a watch on the whole tree fails as well", C + """
print(libc.fanotify_init(0, 0), ctypes.get_errno())
""", says("-1 1")),
    Snippet("a device cannot be made", """
import os, stat
os.mknod("disk", stat.S_IFBLK | 0o600, os.makedev(8, 0))
""", NOT_ALLOWED),
    Snippet("the machine's memory and messages are not there", """
for path in ("/dev/mem", "/dev/kmsg", "/dev/port", "/dev/fuse", "/dev/kvm", "/dev/net/tun", "/dev/sda", "/dev/vda"):
    try:
        print(open(path, "rb"))
    except OSError:
        pass
""", says("")),
    Snippet("the kernel's settings are not there", "import os\nprint(os.listdir('/sys'))", NO_FILE),
    Snippet("a lease cannot stop who writes a shared file", """
import fcntl, json
fcntl.fcntl(open(json.__file__), 1024, 0)
""", NOT_ALLOWED),
]  # fmt: skip

PROCESSES = [
    Snippet("no signal reaches a process of the host, in whatever way", C + """
import signal
pid = HOST_SENTINEL_PID
ways = [lambda: os.kill(pid, 9), lambda: os.killpg(os.getpgid(pid), 9), lambda: call(number(200, 130), pid, 9),
        lambda: call(number(234, 131), pid, pid, 9), lambda: signal.pidfd_send_signal(os.pidfd_open(pid), 9),
        lambda: call(number(129, 138), pid, 9, id(bytearray(256)))]
for way in ways:
    try:
        way()
    except OSError:
        pass
"""),
    Snippet("the kernel sends no signal for a descriptor either", """
import fcntl, os, socket
one, two = socket.socketpair()
fcntl.fcntl(one, 8, HOST_SENTINEL_PID)
""", NOT_ALLOWED),
    Snippet("limits of a process of the host stay", """
import resource
resource.prlimit(HOST_SENTINEL_PID, resource.RLIMIT_NOFILE, (0, 0))
""", NOBODY_THERE),
    Snippet("a process of the host keeps its processors", "import os\nos.sched_setaffinity(HOST_SENTINEL_PID, {0})",
            NOBODY_THERE),
    Snippet("other processes of the user keep their priority", "import os\nos.setpriority(os.PRIO_USER, 0, 19)", NOT_ALLOWED),
    Snippet("what a process of the host does cannot be read", """
import os
for name in ("cwd", "exe", "root", "fd/0", "environ", "maps", "cmdline"):
    path = f"/proc/{HOST_SENTINEL_PID}/{name}"
    for look in (os.readlink, lambda path: open(path, "rb").read()):
        try:
            print(look(path))
        except OSError:
            pass
""", says("")),
    Snippet("a program that runs as its owner runs as us", """
import subprocess
for program in ("su", "sudo", "passwd", "mount", "newuidmap", "pkexec"):
    try:
        done = subprocess.run([program, "-c", "id"] if program == "su" else [program], capture_output=True, text=True, timeout=3)
        print(done.stdout)
    except (OSError, subprocess.TimeoutExpired):
        pass
""", never_says(r"uid=0|euid=0|root:")),
    Snippet("a program of our own gets no other user by its mode", """
import os, shutil, subprocess
with open(shutil.which("id"), "rb") as file, open(os.open("id", os.O_CREAT | os.O_WRONLY, 0o6755), "wb") as copy:
    copy.write(file.read())
os.chmod("id", 0o6755)
print(os.getuid() == int(subprocess.run(["./id", "-u"], capture_output=True, text=True).stdout))
""", says("True")),
    Snippet("our number cannot be changed", "import os\nfor u in (0, 1): os.setresuid(u, u, u)", raises("PermissionError", "OSError")),
    Snippet("no capability is there to be used", C + """
libc.prctl(47, 2, 21, 0, 0)
print(libc.prctl(47, 2, 21, 0, 0), libc.sethostname(b"x", 1), libc.mount(b"none", b"/tmp", b"tmpfs", 0, None))
""", says("-1 -1 -1")),
    Snippet("the filter stays", C + "print(libc.prctl(22, 0, 0, 0, 0), libc.prctl(38, 0, 0, 0, 0))", says("-1 -1")),
    Snippet("another filter cannot listen to calls", C + "print(*call(number(317, 277), 1, 8, 0))", says("-1 1")),
    Snippet("no namespace is made and none entered", C + """
flags = [0x10000000, 0x20000, 0x40000000, 0x20000000, 0x80]
print([libc.unshare(flag) for flag in flags], libc.setns(0, 0))
print([call(number(56, 220), flag | 17, 0, 0, 0, 0) for flag in flags[:4]])
""", says(r"\[-1, -1, -1, -1, -1\] -1\s+\[\(-1, 1\), \(-1, 1\), \(-1, 1\), \(-1, 1\)\]")),
    Snippet("another sandbox inside this one is none", """
import subprocess
print(subprocess.run(["bwrap", "--bind", "/", "/", "id"], capture_output=True).returncode != 0)
""", either(says("True"), NO_FILE)),
    Snippet("the kernel's keys and messages are closed", C + """
print(*call(number(250, 219), 0, -3, 0), *call(number(29, 194), 0, 4096, 0o1600), *call(number(68, 186), 0, 0o1600),
      *call(number(64, 190), 0, 1, 0o1600))
""", says("-1 1 -1 1 -1 1 -1 1")),
    Snippet("addresses stay random", C + "print(libc.personality(0x0040000))", says("-1")),
    Snippet("a job for later is not taken", """
import subprocess
for words in (["crontab", "-"], ["at", "now"], ["systemd-run", "--user", "id"]):
    try:
        print(subprocess.run(words, input=b"* * * * * id\\n", capture_output=True, timeout=3).returncode != 0)
    except (OSError, subprocess.TimeoutExpired):
        print(True)
""", each_line("True")),
    Snippet("who ignores every signal and adopts the orphans ends all the same", C + """
import signal, time
if os.fork() == 0:
    os.setsid()
    libc.prctl(36, 1, 0, 0, 0)
    for n in range(1, 32):
        if n not in (9, 19):
            signal.signal(n, signal.SIG_IGN)
    for _ in range(4):
        if os.fork() == 0 and os.fork() == 0:
            os.setsid()
            time.sleep(600)
    time.sleep(600)
print("ok")
""", both(says("ok"), goes_on), fresh=True),
    Snippet("forks without end come to one", """
import os
while True:
    try:
        os.fork()
    except OSError:
        pass
""", ends("died", "timeout"), fresh=True, timeout_s=1),
]  # fmt: skip

NETWORK = [
    Snippet("there is no family of sockets but one", """
import socket
made = []
for family in range(64):
    for kind in (1, 2, 3, 5):
        try:
            socket.socket(family, kind)
            made.append(family)
        except OSError:
            pass
print(sorted(set(made)))
""", lambda tried: tried.text.strip() == {"A": "[1]", "B": "[]"}[tried.tier]),
    Snippet("no pair of sockets is of the network", "import socket\nsocket.socketpair(socket.AF_INET)", NO_SOCKET),
    Snippet("a program reaches no more than we do", """
import subprocess, sys
code = "import socket; socket.create_connection(('127.0.0.1', HOST_CANARY_PORT))"
print(subprocess.run([sys.executable, "-ISc", code], capture_output=True).returncode)
""", says("1")),
    Snippet("a shell reaches no more either", """
import subprocess
subprocess.run(["bash", "-c", "echo x > /dev/tcp/127.0.0.1/HOST_CANARY_PORT"], capture_output=True)
"""),
    Snippet("the host's network cards are not told", """
import fcntl, socket
fcntl.ioctl(socket.socketpair()[0], 0x8912, bytes(40))
""", NOT_ALLOWED),
    Snippet("nothing can be typed into a terminal of our own", """
import fcntl, pty
ours, other = pty.openpty()
fcntl.ioctl(other, 0x5412, b"x")
""", raises("PermissionError", "OSError", "FileNotFoundError")),
]  # fmt: skip

AMOUNTS = [
    Snippet("memory that belongs to no process is not to be had", "import os\nos.memfd_create('x')", raises("OSError")),
    Snippet("memory that processes share is counted", """
import mmap, os, time
held = []
for _ in range(16):
    if os.fork() == 0:
        held = mmap.mmap(-1, 200 << 20)
        for at in range(0, 200 << 20, 4096):
            held[at] = 1
        time.sleep(60)
        os._exit(0)
time.sleep(60)
""", ends("died"), fresh=True),
    Snippet("files without content are counted",
            "n = 0\nwhile True:\n    open(f'file{n}', 'w').close()\n    n += 1", ends("died"), fresh=True),
    Snippet("a file that was removed while it is open is counted", """
import os
held, size = [], 0
try:
    while size < 400 << 20:
        held.append(open("gone", "wb", buffering=0))
        os.unlink("gone")
        for _ in range(8):
            size += held[-1].write(bytes(1 << 20))
except OSError:
    pass
import time; time.sleep(1)
print(size)
""", _few_bytes, fresh=True),
    Snippet("a folder that may not be listed is counted, and removed", """
import os
os.mkdir("dark", 0o300)
size = 0
try:
    for number in range(50):
        size += open(f"dark/{number}", "wb", buffering=0).write(bytes(8 << 20))
except OSError:
    pass
import time; time.sleep(1)
print(size)
""", _few_bytes, fresh=True),
    Snippet("folders in folders without end are counted, and removed", """
import os
size = 0
try:
    for number in range(3000):
        os.mkdir("d" * 50)
        os.chdir("d" * 50)
    for number in range(50):
        size += open(f"{number}", "wb", buffering=0).write(bytes(8 << 20))
except OSError:
    pass
import time; time.sleep(1)
print(size)
""", _few_bytes, fresh=True),
    Snippet("a flood past the kernel ends", """
import os
while True:
    os.write(1, b"x" * 65536)
""", ends("output_limit"), fresh=True),
    Snippet("a flood of a program ends", "import subprocess\nsubprocess.run(['yes'])", ends("output_limit"), fresh=True),
    Snippet("a flood of errors ends", "import os\nwhile True: os.write(2, b'x' * 65536)", ends("output_limit"), fresh=True),
    Snippet("a flood after the cell ends", """
import threading, os
def flood():
    while True:
        os.write(1, b"late" * 16384)
threading.Thread(target=flood, daemon=True).start()
""", fresh=True, then="import time; time.sleep(.2); print(6 * 7)"),
    Snippet("descriptors come to an end", """
import os
held = []
while True:
    held.extend(os.pipe())
""", raises("OSError"), fresh=True),
    Snippet("an answer may not be too long", "CALL_API('echo', {'x': 'y' * 3_000_000})", either(raises("APIError"), ends("died")), fresh=True),
    Snippet("a call may not be without end", """
x = {}
for _ in range(100_000):
    x = {"x": x}
CALL_API("echo", x)
""", either(raises("APIError"), ends("died")), fresh=True),
]  # fmt: skip

TALK = [
    Snippet("all descriptors closed is an end with a name", "import os\nos.closerange(3, 256)", ends("died"), fresh=True),
    Snippet("an exit is an end with a name", "import os\nos._exit(0)", ends("died"), fresh=True),
    Snippet("a signal to oneself is an end with a name", "import os\nos.kill(os.getpid(), 9)", ends("died", "error"), fresh=True),
    Snippet("a kernel that stopped itself is ended", "import os\nos.kill(os.getpid(), 19)", ends("timeout", "error"), fresh=True, timeout_s=1),
    Snippet("who holds on to a cell loses the kernel", """
while True:
    try:
        while True: pass
    except BaseException:
        pass
""", ends("timeout"), fresh=True, timeout_s=1),
    Snippet("half a frame is no frame", EVERY_SOCKET + "for s in every(): s.send(b'\\0\\0')", either(KILLED, ends("timeout")), fresh=True, timeout_s=1),
    Snippet("a reply of the cell's own ends that cell and no more", EVERY_SOCKET + """
import json, struct
data = json.dumps({"msg_type": "execute_reply", "parent": "1", "content": {"status": "ok", "execution_count": 7}}).encode()
for s in every():
    s.send(struct.pack(">I", len(data)) + data)
""", either(KILLED, goes_on), fresh=True),
    Snippet("content of any kind is no error of the host", EVERY_SOCKET + """
import json, struct
for content in (None, [], 1, "x", {"text": 5}, {"text": None, "name": []}, {"data": []}, {"data": {"text/html": 1}}):
    for kind in ("stream", "display_data", "error", "execute_result", "clear_output", None, 7, []):
        data = json.dumps({"msg_type": kind, "parent": "1", "content": content}).encode()
        for n, s in enumerate(every()):
            s.send(struct.pack(">I", len(data)) + data)
""", fresh=True),
    Snippet("numbers that are none are no error of the host", EVERY_SOCKET + """
import struct
for data in (b'{"x": NaN}', b'{"x": 1e999}', b'{"x": ' + b"9" * 10000 + b"}", b"\\xff\\xfe", b"[]", b"null", b'"\\\\ud800"'):
    for s in every():
        s.send(struct.pack(">I", len(data)) + data)
""", fresh=True),
    Snippet("text that is no text is shown as such", "print('\\ud800 \\x00 \\x1b[2J \\u202e')", both(ends("ok"), goes_on)),
    Snippet("Python's own functions are the cell's to break", """
import builtins, json, os, time
json.dumps = os.write = time.monotonic = builtins.len = builtins.isinstance = None
""", either(goes_on, ends("died", "timeout"), KILLED), fresh=True),
    Snippet("the kernel holds nothing of the host", """
import gc, sys
word = "".join(["CAN", "ARY"])
print([text for text in gc.get_objects() if isinstance(text, dict) and word in str(list(text))])
print([name for name in sys.modules if name.split(".")[0] == "lllm"])
""", says(r"\[\]\s+\[\]")),
    Snippet("a service that is not declared is refused, and the refusal kept", "CALL_API('file:///etc/passwd', {})",
            both(raises("APIError"), lambda tried: [call.endpoint for call in tried.result.calls] == ["file:///etc/passwd"])),
]  # fmt: skip

OWN = [*FILES, *PROCESSES, *NETWORK, *AMOUNTS, *TALK]
