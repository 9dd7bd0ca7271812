"""A broker's folder belongs to one broker: a lock in it, held as long as anything writes there.

The lock is of the system (`flock`) and goes with the last process that has the file open: the
one that asked for the broker, the guardian or Kafka. A kill -9 leaves none behind.
"""

import fcntl
import os
import time
from pathlib import Path

from streams.errors import TowerError

_PATIENCE_SECONDS = 2.0  # a broker whose parent was killed is about to end
_POLL_SECONDS = 0.05


class Claim:
    """The exclusive right to a folder, made where it is missing; nothing else is touched.

    Raises TowerError when another broker has it or the folder cannot be had.
    """

    def __init__(self, folder: Path) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self.file = os.open(folder / "tower.lock", os.O_RDWR | os.O_CREAT, 0o600)
        except (FileExistsError, NotADirectoryError) as error:
            raise TowerError(f"{folder} is not a folder: there is a file.") from error
        except OSError as error:
            raise TowerError(f"The folder {folder} cannot be had: {error.strerror}.") from error
        try:
            self._lock(folder)
        except BaseException:
            os.close(self.file)
            raise

    def _lock(self, folder: Path) -> None:
        until = time.monotonic() + _PATIENCE_SECONDS
        while True:
            try:
                fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                if time.monotonic() > until:
                    raise TowerError(f"{folder} is in use by another broker.") from error
                time.sleep(_POLL_SECONDS)
            except OSError as error:
                raise TowerError(
                    f"The folder {folder} cannot be locked: {error.strerror}."
                ) from error
            else:
                return

    def release(self) -> None:
        """Give the folder up; a process that inherited `file` still holds it."""
        os.close(self.file)
