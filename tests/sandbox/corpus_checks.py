"""What must hold for each snippet of the corpus, beside the canaries that hold for all: its sentence, as a check."""

from __future__ import annotations

import re
from dataclasses import replace

from escape_world import (
    KILLED,
    NO_CALL,
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

_KILLED_BY_SIGNAL = both(never_says(r"x32|int80"), says(r"\(\d+, 31\)"))


def _writes_are_bounded(tried):
    """Every folder came to an end, and none took more than it may."""
    counts = [int(n) for n in re.findall(r"^\S+ (\d+) \[Errno", tried.text, re.MULTILINE)]
    return tried.result.status == "died" or (len(counts) == 6 and max(counts) * 10**6 <= POLICY.tmp_bytes)


def _threads_are_bounded(tried):
    count = re.match(r"\d+", tried.text)
    return tried.result.status == "died" or (count is not None and int(count[0]) <= POLICY.processes)


def _late_output_is_told_apart(tried):
    return "late" not in str(tried.next.outputs) and "late" in tried.next.background and goes_on(tried)


def _nothing_but_home_was_written(tried):
    return all("/box/" in line for line in tried.lines if line.startswith("wrote"))


_ONLY_ITS_OWN = each_line(r"Errno|/dev/null$|pipe:\[\d+\]$|socket:\[\d+\]$")


def _calls_are_logged(tried):
    return {call.endpoint for call in tried.result.calls} == {"echo"}


# name -> (check, runs in a kernel of its own)
CHECKS = {
    "env_secrets": (never_says(r"CANARY|API_KEY|SSH_AUTH_SOCK"), False),
    "proc1_environ": (NO_FILE, False),
    "proc_scan_environ": (says(""), False),
    "etc_shadow": (NO_FILE, False),
    "ssh_keys": (says(r"\[\]"), False),
    "project_dir": (either(says("False"), both(NO_FILE, lambda tried: tried.tier == "B")), False),
    "fd_dir_escape": (either(NO_FILE, _ONLY_ITS_OWN), False),
    "ptrace_parent": (NO_CALL, False),
    "process_vm_readv": (NO_CALL, False),
    "proc_mem_pid1": (NO_FILE, False),
    "kill_parent": (goes_on, False),
    "kill_all_pids": (either(goes_on, ends("died")), True),
    "tcp_host_loopback": (NO_SOCKET, False),
    "udp_dns": (NO_SOCKET, False),
    "dns_resolve": (raises("gaierror"), False),
    "metadata_service": (raises("URLError"), False),
    "raw_packet": (NO_SOCKET, False),
    "netlink": (NO_SOCKET, False),
    "af_alg": (NO_SOCKET, False),
    "unix_abstract": (either(NO_SOCKET, says("(?!0).*")), False),
    "unix_path_daemons": (either(NO_SOCKET, each_line(" 2$")), False),
    "own_zmq_ports": (says(r"\[\] \[\] None"), False),
    "other_kernels_sockets": (says(""), False),
    "connection_file_theft": (either(says(r"\[\]"), raises("ModuleNotFoundError", "ImportError")), False),
    "forge_iopub": (goes_on, False),
    "zmq_desync_blocks_host_send": (either(KILLED, both(NO_FILE, goes_on)), True),
    "zmtp_endless_multipart": (either(KILLED, both(NO_FILE, goes_on)), True),
    "thread_bomb": (_threads_are_bounded, True),
    "memory_bomb": (either(raises("MemoryError"), ends("died")), True),
    "memory_bomb_children": (ends("died"), True),
    "tmpfs_memory": (_writes_are_bounded, True),
    "inode_fill": (either(ends("died"), says(r"0 \[Errno 13\].*")), True),
    "disk_fill_file": (either(raises("OSError"), ends("died")), True),
    "infinite_loop": (both(ends("timeout"), goes_on), True),
    "infinite_loop_c": (ends("timeout"), True),
    "output_flood_one_write": (ends("output_limit"), True),
    "display_flood": (ends("output_limit"), True),
    "background_output_after_cell": (_late_output_is_told_apart, True),
    "setsid_daemon": (both(says("ok"), goes_on), True),
    "double_fork_nohup_sub": (both(says("ok"), goes_on), True),
    "symlink_out": (both(ends("ok"), goes_on), False),
    "fifo_artifact": (both(says("ok"), goes_on), False),
    "pth_persistence": (_nothing_but_home_was_written, False),
    "ipython_startup_persistence": (both(ends("ok"), goes_on), False),
    "pyc_poison": (never_says("wrote"), False),
    "broker_unlisted_endpoint": (both(raises("APIError"), lambda tried: bool(tried.result.calls[0].error)), False),
    "broker_forge_reply": (lambda tried: tried.result.calls == (), True),
    "broker_raw_fd": (either(KILLED, both(NO_FILE, goes_on)), True),
    "broker_huge_length": (either(KILLED, both(NO_FILE, goes_on)), True),
    "broker_deep_json": (either(goes_on, ends("died")), True),
    "broker_flood": (lambda tried: len(tried.result.calls) <= POLICY.call_count + 1, True),
    "broker_from_child": (both(_calls_are_logged, goes_on), True),
    "bidi_and_cr": (ends("ok"), False),
    "svg_png_payload": (both(ends("ok"), goes_on), False),
    "pickle_back": (ends("ok"), False),
    "comm_open_host": (goes_on, False),
    "clock_tamper": (both(says("-1 1"), goes_on), True),
    "monkeypatch_kernel": (either(goes_on, ends("died")), True),
    "inherited_fds": (either(NO_FILE, _ONLY_ITS_OWN), False),
    "tty_tiocsti": (each_line("Errno"), False),
    "io_uring": (NO_CALL, False),
    "userns_renest": (says(r"-1 1\s+CompletedProcess\(.*returncode=[1-9].*"), False),
    "clone3_newuser": (says("-1 38"), False),
    "remount_rw": (both(raises("OSError", "PermissionError"), lambda tried: "-1 1" in tried.text), False),
    "chroot_pivot": (raises("PermissionError"), False),
    "perf_event": (NO_CALL, False),
    "x32_abi": (_KILLED_BY_SIGNAL, False),
    "int80_32bit": (_KILLED_BY_SIGNAL, False),
    "sysctl_write": (NO_FILE, False),
    "sysrq": (NO_FILE, False),
    "cgroup_escape": (NO_FILE, False),
    "oom_score": (NO_FILE, False),
    "raise_rlimits": (raises("ValueError", "PermissionError"), False),
    "kernel_cross_state": (says("False None"), False),
    "random_repeat": (ends("ok"), False),
    "mountinfo_leak": (NO_FILE, False),
    "hostinfo_leak": (NO_FILE, False),
}
UNKNOWN = (lambda tried: True, True)  # the canaries alone, in a kernel of its own
HEAVY = {"other_kernels_sockets"}
TIMEOUT_S = {"infinite_loop": 1, "infinite_loop_c": 1, "other_kernels_sockets": 60}
THEN = {"background_output_after_cell": "import time; time.sleep(.2); print(6 * 7)"}


def to_snippets(rows):
    """Return the corpus as snippets: each as it stands, and where it looks for descriptors in /proc, by number, too."""
    snippets = []
    for row in rows:
        name = row["name"]
        holds, fresh = CHECKS.get(name, UNKNOWN)
        made = Snippet(
            name, row["code"], holds, fresh, name in HEAVY, TIMEOUT_S.get(name), THEN.get(name, "print(6 * 7)")
        )
        snippets.append(made)
        by_number = row["code"].replace("os.listdir('/proc/self/fd')", "map(str, range(256))")
        by_number = by_number.replace("os.readlink('/proc/self/fd/'+f).startswith", "'socket:'.startswith")
        if by_number != row["code"]:
            snippets.append(replace(made, name=f"{name}_by_number", code=by_number, fresh=True))
    return snippets
