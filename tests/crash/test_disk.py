"""A disk that is full takes nothing more, and takes it again once there is room."""

import subprocess
import sys

import pytest

FILL = """
import os, sys
from pathlib import Path
from tests.crash.disk import Disk, may_mount
if not may_mount():
    sys.exit(77)
disk = Disk(Path(sys.argv[1]) / "disk")
assert disk.how == "no space left"
disk.fill(os.getpid())
try:
    (disk.folder / "more").write_bytes(bytes(8192))
except OSError as refused:
    print(refused.strerror)
disk.empty()
(disk.folder / "more").write_bytes(bytes(8192))
print((disk.folder / "more").stat().st_size)
"""
LIMIT = """
import os, sys
from pathlib import Path
from tests.crash import disk
disk.may_mount = lambda: False
full = disk.Disk(Path(sys.argv[1]) / "disk")
assert full.how == "files may not grow"
full.fill(os.getpid())
try:
    (full.folder / "more").write_bytes(bytes(disk.FILE_BYTES + 1))
except OSError as refused:
    print(refused.strerror)
"""


def said(code: str, folder) -> subprocess.CompletedProcess[str]:
    """Run code in a process of its own: what it does to itself must not stay."""
    return subprocess.run(
        [sys.executable, "-c", code, folder], capture_output=True, text=True, check=False
    )


def test_a_small_file_system_runs_full(tmp_path) -> None:
    done = said(FILL, tmp_path)
    if done.returncode == 77:
        pytest.skip("this system allows no mounts of our own")
    assert done.stdout.splitlines() == ["No space left on device", "8192"], done.stderr
    assert list((tmp_path / "disk").iterdir()) == []  # the mount went with its process


def test_without_mounts_files_cannot_grow(tmp_path) -> None:
    done = said(LIMIT, tmp_path)
    assert done.stdout.splitlines() == ["File too large"], done.stderr
