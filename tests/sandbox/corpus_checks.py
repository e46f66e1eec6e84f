"""What must hold for each snippet of the corpus, beside the canaries that hold for all: its sentence, as a check."""

from __future__ import annotations

import re

from escape_world import (
    KILLED, NO_CALL, NO_FILE, NO_SOCKET, POLICY, Snippet, both, each_line, either, ends, goes_on, never_says, raises, says,
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


def _calls_are_logged(tried):
    return {call.endpoint for call in tried.result.calls} == {"echo"}


# name -> (check, runs in a kernel of its own, takes seconds)
CHECKS = {
    "env_secrets": (never_says(r"CANARY|API_KEY|SSH_AUTH_SOCK"), False, False),
    "proc1_environ": (NO_FILE, False, False),
    "proc_scan_environ": (says(""), False, False),
    "etc_shadow": (NO_FILE, False, False),
    "ssh_keys": (says(r"\[\]"), False, False),
    "project_dir": (either(says("False"), both(NO_FILE, lambda tried: tried.tier == "B")), False, False),
    "fd_dir_escape": (either(NO_FILE, each_line("Errno")), False, False),
    "ptrace_parent": (NO_CALL, False, False),
    "process_vm_readv": (NO_CALL, False, False),
    "proc_mem_pid1": (NO_FILE, False, False),
    "kill_parent": (goes_on, True, False),
    "kill_all_pids": (either(goes_on, ends("died")), True, False),
    "tcp_host_loopback": (NO_SOCKET, False, False),
    "udp_dns": (NO_SOCKET, False, False),
    "dns_resolve": (raises("gaierror"), False, False),
    "metadata_service": (raises("URLError"), False, False),
    "raw_packet": (NO_SOCKET, False, False),
    "netlink": (NO_SOCKET, False, False),
    "af_alg": (NO_SOCKET, False, False),
    "unix_abstract": (either(NO_SOCKET, says("(?!0).*")), False, False),
    "unix_path_daemons": (either(NO_SOCKET, each_line(" 2$")), False, False),
    "own_zmq_ports": (says(r"\[\] \[\] None"), False, False),
    "other_kernels_sockets": (says(""), False, True),
    "connection_file_theft": (either(says(r"\[\]"), raises("ModuleNotFoundError", "ImportError")), False, False),
    "forge_iopub": (goes_on, True, False),
    "zmq_desync_blocks_host_send": (either(KILLED, both(NO_FILE, goes_on)), True, False),
    "zmtp_endless_multipart": (either(KILLED, both(NO_FILE, goes_on)), True, False),
    "thread_bomb": (_threads_are_bounded, True, False),
    "memory_bomb": (either(raises("MemoryError"), ends("died")), True, True),
    "memory_bomb_children": (ends("died"), True, True),
    "tmpfs_memory": (_writes_are_bounded, True, False),
    "inode_fill": (ends("ok", "timeout", "died"), True, True),
    "disk_fill_file": (either(raises("OSError"), ends("died")), True, False),
    "infinite_loop": (both(ends("timeout"), goes_on), False, True),
    "infinite_loop_c": (ends("timeout"), True, True),
    "output_flood_one_write": (ends("output_limit"), True, False),
    "display_flood": (ends("output_limit"), True, False),
    "background_output_after_cell": (_late_output_is_told_apart, True, False),
    "setsid_daemon": (both(says("ok"), goes_on), True, False),
    "double_fork_nohup_sub": (both(says("ok"), goes_on), True, False),
    "symlink_out": (both(ends("ok"), goes_on), True, False),
    "fifo_artifact": (both(says("ok"), goes_on), True, False),
    "pth_persistence": (_nothing_but_home_was_written, True, False),
    "ipython_startup_persistence": (both(ends("ok"), goes_on), True, False),
    "pyc_poison": (never_says("wrote"), False, False),
    "broker_unlisted_endpoint": (both(raises("APIError"), lambda tried: bool(tried.result.calls[0].error)), False, False),
    "broker_forge_reply": (lambda tried: tried.result.calls == (), True, False),
    "broker_raw_fd": (either(KILLED, both(NO_FILE, goes_on)), True, False),
    "broker_huge_length": (either(KILLED, both(NO_FILE, goes_on)), True, False),
    "broker_deep_json": (goes_on, False, False),
    "broker_flood": (lambda tried: len(tried.result.calls) <= POLICY.call_count + 1, True, False),
    "broker_from_child": (both(_calls_are_logged, goes_on), True, False),
    "bidi_and_cr": (ends("ok"), False, False),
    "svg_png_payload": (both(ends("ok"), goes_on), False, False),
    "pickle_back": (ends("ok"), False, False),
    "comm_open_host": (goes_on, True, False),
    "clock_tamper": (both(says("-1 1"), goes_on), True, False),
    "monkeypatch_kernel": (either(goes_on, ends("died")), True, False),
    "inherited_fds": (either(NO_FILE, says("")), False, False),
    "tty_tiocsti": (each_line("Errno"), False, False),
    "io_uring": (NO_CALL, False, False),
    "userns_renest": (says(r"-1 1\s+CompletedProcess\(.*returncode=[1-9].*"), False, False),
    "clone3_newuser": (says("-1 38"), False, False),
    "remount_rw": (both(raises("OSError", "PermissionError"), lambda tried: "-1 1" in tried.text), False, False),
    "chroot_pivot": (raises("PermissionError"), False, False),
    "perf_event": (NO_CALL, False, False),
    "x32_abi": (_KILLED_BY_SIGNAL, False, False),
    "int80_32bit": (_KILLED_BY_SIGNAL, False, False),
    "sysctl_write": (NO_FILE, False, False),
    "sysrq": (NO_FILE, False, False),
    "cgroup_escape": (NO_FILE, False, False),
    "oom_score": (NO_FILE, False, False),
    "raise_rlimits": (raises("ValueError", "PermissionError"), False, False),
    "kernel_cross_state": (says("False None"), True, False),
    "random_repeat": (ends("ok"), True, False),
    "mountinfo_leak": (NO_FILE, False, False),
    "hostinfo_leak": (NO_FILE, False, False),
}
UNKNOWN = (lambda tried: True, True, True)


def to_snippets(rows):
    """Return the corpus as snippets: each as it stands, and where it looks for descriptors in /proc, by number, too."""
    snippets = []
    for row in rows:
        holds, fresh, heavy = CHECKS.get(row["name"], UNKNOWN)
        snippets.append(Snippet(row["name"], row["code"], holds, fresh, heavy))
        by_number = row["code"].replace("os.listdir('/proc/self/fd')", "map(str, range(256))")
        by_number = by_number.replace("os.readlink('/proc/self/fd/'+f).startswith", "'socket:'.startswith")
        if by_number != row["code"]:
            snippets.append(Snippet(row["name"] + "_by_number", by_number, holds, fresh=True, heavy=heavy))
    return snippets
