"""Run one program and end it with the process that asked for it, however that one ends.

Executed as a script. Its standard input is a pipe that the asking process holds open: the
system closes it when that process dies, also by kill -9, and then the program is killed and
the folder named by the first argument (empty: none) removed. On Linux the program is killed
as well when the guardian itself is. The first line on standard output is the program's pid;
what the program prints goes to standard error. It inherits the lock on its folder.
"""

import ctypes
import os
import shutil
import signal
import subprocess
import sys
import threading

_PR_SET_PDEATHSIG = 1


def _die_with_guardian() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def main(discard: str, command: list[str]) -> int:
    """Return the program's exit code once it has ended."""
    program = subprocess.Popen(  # noqa: S603 - the command is our own
        command,
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr,
        close_fds=False,  # the lock on the folder is held until the program has ended
        preexec_fn=_die_with_guardian,  # noqa: PLW1509 - no other thread runs yet
    )
    print(program.pid, flush=True)  # noqa: T201 - the protocol with the asking process
    abandoned = threading.Event()

    def watch() -> None:
        while os.read(sys.stdin.fileno(), 1):
            pass
        abandoned.set()
        program.kill()

    threading.Thread(target=watch, daemon=True).start()
    code = program.wait()
    if abandoned.is_set() and discard:
        shutil.rmtree(discard, ignore_errors=True)
    return code


if __name__ == "__main__":
    os._exit(main(sys.argv[1], sys.argv[2:]))  # not waiting for the thread that reads
