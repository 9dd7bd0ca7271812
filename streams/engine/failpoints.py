"""Ends the process inside a flush, for the crash tests (TOWER_FAILPOINT).

`orders:half-rows:3` kills the worker with SIGKILL at the step `half-rows` of the third flush
that writes rows of the source `orders`.
"""

import os
import signal
from typing import Literal, get_args

from streams.errors import TowerError

Step = Literal["after-outputs", "half-rows", "before-partition-row"]


class Failpoint:
    """Counts the flushes of one source and dies at the wanted step."""

    def __init__(self, text: str | None) -> None:
        """Read SOURCE:STEP:N; without a text nothing ever happens."""
        self._source, self._step, self._wanted = "", "", 0
        self._flushes = 0
        if text is None:
            return
        parts = text.split(":")
        if len(parts) != 3 or parts[1] not in get_args(Step) or not parts[2].isdecimal():  # noqa: PLR2004
            raise TowerError(f"a failpoint is SOURCE:STEP:N, not {text!r}")
        self._source, self._step, self._wanted = parts[0], parts[1], int(parts[2])

    def flush(self, source: str) -> None:
        """Count a flush with rows."""
        if source == self._source:
            self._flushes += 1

    def due(self, source: str, step: Step) -> bool:
        """Return whether the process is to end at this step."""
        if source != self._source or step != self._step:
            return False
        return self._flushes >= self._wanted

    def reach(self, source: str, step: Step) -> None:
        """End the process if this is the step."""
        if self.due(source, step):
            line = f"failpoint hit {source} {step} {self._wanted} {os.getpid()}\n"
            os.write(2, line.encode())
            os.kill(os.getpid(), signal.SIGKILL)
