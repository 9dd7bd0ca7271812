"""How a process is told to stop: SIGTERM, or Ctrl-C in a terminal."""

import asyncio
import signal


def told_to_stop() -> asyncio.Event:
    """Return what is set once this process is told to stop; the loop must be running."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop
