"""What the kernel does with a filter, in Python: classic BPF over ``struct seccomp_data``, as seccomp(2) describes it."""

from __future__ import annotations

import struct

ARCHES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}


def check_form(program):
    """Refuse what the kernel refuses: a jump past the end, a load outside the data, an end that returns nothing."""
    steps = list(struct.iter_unpack("=HBBI", program))
    assert 0 < len(steps) <= 4096
    for at, (code, yes, no, word) in enumerate(steps):
        assert code in (0x20, 0x15, 0x25, 0x35, 0x45, 0x06)
        assert code != 0x20 or (word % 4 == 0 and word < 64)
        assert code in (0x20, 0x06) or at + 1 + max(yes, no) < len(steps)
    assert steps[-1][0] == 0x06


def judge(program, machine, number, *args, arch=None):
    """Return what the filter says to one system call: the action and its value."""
    padded = [arg & 0xFFFFFFFFFFFFFFFF for arg in (*args, *[0] * (6 - len(args)))]
    data = struct.pack("=IIQ6Q", number, ARCHES[machine] if arch is None else arch, 0, *padded)
    steps = list(struct.iter_unpack("=HBBI", program))
    held, at = 0, 0
    while True:
        code, yes, no, word = steps[at]
        if code == 0x06:
            return word
        if code == 0x20:
            held = struct.unpack_from("=I", data, word)[0]
        else:
            passed = {0x15: held == word, 0x25: held > word, 0x35: held >= word, 0x45: bool(held & word)}[code]
            at += yes if passed else no
        at += 1
