"""One of two writers that race for sessions: told one command a line, answers one line. Run as a program.

open S, reopen S    take the session; answers ``taken <epoch>``, or the name of the error
append N            append N events to the session that is held, and a barrier; answers ``told <last seq>``, or the error
close               let go; answers ``closed``
"""

from __future__ import annotations

import sys

from lllm.errors import LogError
from lllm.log import LocalFileLog
from lllm.log.file import WriteOptions
from lllm.utils import encode_json


def nothing(_):
    pass


def obey(log, me, held, words):
    match words:
        case ["open", session]:
            held.append(log.open_session(session))
            return f"taken {held[-1].epoch}"
        case ["reopen", session]:
            held.append(log.reopen_session(session))
            return f"taken {held[-1].epoch}"
        case ["append", count]:
            data = encode_json({"by": me, "epoch": held[-1].epoch})
            for _ in range(int(count)):
                seq = held[-1].append("value", "v/0", data)
            held[-1].barrier()
            return f"told {seq}"
        case ["close"]:
            held.pop().close()
            return "closed"
    raise AssertionError(words)


def main(log_dir, me):
    # Power stays on in a race, so nothing need wait for a disk.
    log = LocalFileLog("base", {"log_dir": log_dir}, WriteOptions("barrier", sync=nothing, sync_folder=nothing))
    held = []
    for line in sys.stdin:
        try:
            answer = obey(log, me, held, line.split())
        except LogError as error:
            answer = type(error).__name__
        print(answer, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
