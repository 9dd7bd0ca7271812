"""A disk for the broker that can be filled up: a small file system in memory of our own.

It lives in a mount namespace of this process, so the system takes it away with the process,
however that one ends. Where mounting is not allowed, the broker's process is limited in the
size of its files instead (RLIMIT_FSIZE): its next write fails too, with another error.
"""

import ctypes
import os
import resource
from functools import cache
from pathlib import Path

SIZE_BYTES = 192 * 1024 * 1024
PAGE_BYTES = 4096
FILE_BYTES = 64 * 1024  # the most that a file may have, where there are no mounts

_CLONE_NEWNS = 0x00020000
_MS_REC, _MS_PRIVATE = 0x4000, 1 << 18


@cache
def may_mount() -> bool:
    """Give this process mounts of its own, once; return whether it may have them."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWNS) != 0:
        return False
    done: int = libc.mount(b"none", b"/", None, _MS_REC | _MS_PRIVATE, None)
    return done == 0


class Disk:
    """The folder of a broker's data."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder = folder
        self._balloon = folder / "balloon"
        self._mounted = may_mount() and self._mount()

    @property
    def how(self) -> str:
        """How it is filled."""
        return "no space left" if self._mounted else "files may not grow"

    def _mount(self) -> bool:
        libc = ctypes.CDLL(None, use_errno=True)
        path, size = os.fsencode(self.folder), f"size={SIZE_BYTES}".encode()
        done: int = libc.mount(b"tmpfs", path, b"tmpfs", 0, size)
        return done == 0

    def fill(self, pid: int) -> None:
        """Leave the broker with this process id no room to write."""
        if not self._mounted:
            _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (FILE_BYTES, hard))
            return
        with self._balloon.open("wb") as balloon:
            self._blow_up(balloon.fileno())

    def _blow_up(self, balloon: int) -> None:
        """Take all the room there is: the broker writes meanwhile, so in ever smaller steps."""
        taken, step = 0, SIZE_BYTES
        while step >= PAGE_BYTES:
            try:
                os.posix_fallocate(balloon, taken, step)
            except OSError:
                step //= 2
            else:
                taken += step

    def empty(self) -> None:
        """Make room again; a process that was limited stays so until it is started anew."""
        self._balloon.unlink(missing_ok=True)

    def close(self) -> None:
        """Take the file system away."""
        if self._mounted:
            ctypes.CDLL(None).umount2(os.fsencode(self.folder), 2)  # MNT_DETACH
