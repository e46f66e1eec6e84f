"""Which system calls a sandbox refuses, and their numbers on each machine.

A list of what is refused, closed at the top: every number up to ``LAST`` was judged, and all that came later is absent.
So it refuses what a list of what is allowed would, and stays short. The rest of the judged calls is what Python, numpy,
pandas, matplotlib and their subprocesses are made of: files, memory, threads, waiting, clocks to read.

Numbers: arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/unistd.h of Linux 6.10 (July 2024).
"""

from __future__ import annotations

MACHINES = ("x86_64", "aarch64")
LAST = 462  # mseal, the newest of Linux 6.10; numbers from 424 on are the same on both machines

# A line: the call, its number on x86_64, on aarch64; a dash where that machine never had it.
_FORBIDDEN = """
    # into other processes
    ptrace 101 117
    process_vm_readv 310 270
    process_vm_writev 311 271
    process_madvise 440 440
    process_mrelease 448 448
    pidfd_getfd 438 438
    kcmp 312 272
    move_pages 279 239
    migrate_pages 256 238
    # of other processes too: their scheduling
    sched_setparam 142 118
    sched_setattr 314 274
    ioprio_set 251 30
    # the kernel's keys, which no namespace holds
    add_key 248 217
    request_key 249 218
    keyctl 250 219
    # parts of the kernel where most ways to become root were found
    bpf 321 280
    perf_event_open 298 241
    userfaultfd 323 282
    io_uring_setup 425 425
    io_uring_enter 426 426
    io_uring_register 427 427
    io_setup 206 0
    io_destroy 207 1
    io_submit 209 2
    io_cancel 210 3
    io_getevents 208 4
    io_pgetevents 333 292
    vmsplice 278 75
    remap_file_pages 216 234
    modify_ldt 154 -
    seccomp 317 277
    # mounts and namespaces
    mount 165 40
    umount2 166 39
    pivot_root 155 41
    chroot 161 51
    move_mount 429 429
    open_tree 428 428
    fsopen 430 430
    fsconfig 431 431
    fsmount 432 432
    fspick 433 433
    mount_setattr 442 442
    statmount 457 457
    listmount 458 458
    unshare 272 97
    setns 308 268
    # files by number, in place of a path
    name_to_handle_at 303 264
    open_by_handle_at 304 265
    fanotify_init 300 262
    fanotify_mark 301 263
    # messages and memory outside any folder
    mq_open 240 180
    mq_unlink 241 181
    mq_timedsend 242 182
    mq_timedreceive 243 183
    mq_notify 244 184
    mq_getsetattr 245 185
    shmget 29 194
    shmat 30 196
    shmctl 31 195
    shmdt 67 197
    semget 64 190
    semop 65 193
    semctl 66 191
    semtimedop 220 192
    msgget 68 186
    msgsnd 69 189
    msgrcv 70 188
    msgctl 71 187
    # the machine itself
    init_module 175 105
    finit_module 313 273
    delete_module 176 106
    create_module 174 -
    query_module 178 -
    get_kernel_syms 177 -
    kexec_load 246 104
    kexec_file_load 320 294
    reboot 169 142
    settimeofday 164 170
    clock_settime 227 112
    clock_adjtime 305 266
    adjtimex 159 171
    quotactl 179 60
    quotactl_fd 443 443
    swapon 167 224
    swapoff 168 225
    acct 163 89
    syslog 103 116
    sethostname 170 161
    setdomainname 171 162
    vhangup 153 58
    iopl 172 -
    ioperm 173 -
    lsm_get_self_attr 459 459
    lsm_set_self_attr 460 460
    lsm_list_modules 461 461
    # left from older kernels
    uselib 134 -
    ustat 136 -
    sysfs 139 -
    _sysctl 156 -
    nfsservctl 180 42
    lookup_dcookie 212 18
"""

# Their caller goes another way when they are absent. clone3's flags lie behind a pointer, where no filter can look.
# Memory of a memfd belongs to no process and to no folder: whoever counts either would miss it.
_ABSENT = """
    clone3 435 435
    memfd_create 319 279
    memfd_secret 447 447
"""

# Landlock leaves a file's mode, owner, times and attributes alone (docs.kernel.org, userspace-api/landlock, "Current
# limitations", read 2026-11), by path and by a descriptor that may only read.
_ATTRIBUTES = """
    chmod 90 -
    fchmod 91 52
    fchmodat 268 53
    fchmodat2 452 452
    chown 92 -
    lchown 94 -
    fchown 93 55
    fchownat 260 54
    utime 132 -
    utimes 235 -
    futimesat 261 -
    utimensat 280 88
    setxattr 188 5
    lsetxattr 189 6
    fsetxattr 190 7
    removexattr 197 14
    lremovexattr 198 15
    fremovexattr 199 16
"""

# Landlock shows the names in a folder that it does not let one list, to who watches that folder.
_WATCHES = """
    inotify_init 253 -
    inotify_init1 294 26
    inotify_add_watch 254 27
"""

# What tells of any process by its number, where the host's are in sight.
_LOOKS = """
    getsid 124 156
    getpgid 121 155
    getpriority 140 141
    ioprio_get 252 31
    sched_getaffinity 204 123
    sched_getattr 315 275
    sched_rr_get_interval 148 127
    get_robust_list 274 100
    clock_gettime 228 113
    pidfd_open 434 434
"""

_SIGNALS = """
    kill 62 129
    tkill 200 130
    tgkill 234 131
    rt_sigqueueinfo 129 138
    rt_tgsigqueueinfo 297 240
    pidfd_send_signal 424 424
"""

_CHECKED = """
    socket 41 198
    socketpair 53 199
    ioctl 16 29
    fcntl 72 25
    clone 56 220
    personality 135 92
    prlimit64 302 261
    sched_setaffinity 203 122
    sched_setscheduler 144 119
    setpriority 141 140
"""

Numbers = dict[str, dict[str, int]]


def _parse(table: str) -> Numbers:
    """Return name -> number for each machine."""
    rows = [line.split() for line in table.splitlines() if line.strip() and "#" not in line]
    columns = {machine: column for column, machine in enumerate(MACHINES, start=1)}
    return {machine: {row[0]: int(row[at]) for row in rows if row[at] != "-"} for machine, at in columns.items()}


FORBIDDEN = _parse(_FORBIDDEN)
ABSENT = _parse(_ABSENT)
ATTRIBUTES = _parse(_ATTRIBUTES)
WATCHES = _parse(_WATCHES)
LOOKS = _parse(_LOOKS)
SIGNALS = _parse(_SIGNALS)
CHECKED = _parse(_CHECKED)
