"""One Kafka broker as a child process: start, stop, kill, pause, keep or throw away."""

import base64
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

from streams.embedded import guardian, properties
from streams.embedded.claim import Claim
from streams.embedded.jars import cache_folder, fetch
from streams.embedded.java import ClassArchive, Java, class_archive, find_java
from streams.embedded.listeners import Listener, scram_words
from streams.errors import TowerError

_READY = "Kafka Server started"
_START_SECONDS = 60.0
_STOP_SECONDS = 30.0
_POLL_SECONDS = 0.02
_MEMORY = Path("/dev/shm")  # noqa: S108 - mkdtemp makes a folder of our own in it
_ROOM_BYTES = 4 * 1024**3


def _throwaway_folder() -> Path:
    """Return a new folder, in memory where the system has room for it.

    Kafka keeps five files a partition: on a disk, making and removing them is most of what a
    short-lived broker does.
    """
    roomy = _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _ROOM_BYTES
    return Path(tempfile.mkdtemp(prefix="tower-kafka-", dir=_MEMORY if roomy else None))


def _silent(_: str) -> None:
    """Say nothing."""


class EmbeddedBroker:
    """A single-node Apache Kafka on free loopback ports.

    Its data lives in `folder` and is kept there; without a folder it lives in a temporary one
    that goes with the broker. Clients connect at `port`, else at a free one. The broker dies
    with this process, also on kill -9. `say` is told, in one line, when something takes long.
    More `listeners` have TLS and logins; with `acls` their clients may do what ACLs say.
    From `start` to `close` the folder is its own, whoever else wants it. Raises TowerError when
    the folder, Java or the jars cannot be had, or Kafka does not start.
    """

    def __init__(
        self,
        folder: Path | None = None,
        *,
        port: int | None = None,
        say: Callable[[str], None] = _silent,
        listeners: Sequence[Listener] = (),
        acls: bool = False,
    ) -> None:
        self._kept = folder is not None
        self._say = say
        self._port = port
        self._listeners = tuple(listeners)
        self._acls = acls
        self.folder = folder or _throwaway_folder()
        self.log = self.folder / "broker.log"
        self.pid: int | None = None
        self._claim: Claim | None = None
        self._guardian: subprocess.Popen[bytes] | None = None
        self._ports: properties.Ports | None = None
        self._java: Java | None = None
        self._archive: ClassArchive | None = None
        self._jars: tuple[Path, ...] = ()

    @property
    def bootstrap(self) -> str:
        """Where clients connect, `127.0.0.1:PORT`; the same after a restart."""
        if self._ports is None:
            raise TowerError("The embedded broker has not been started.")
        return f"127.0.0.1:{self._ports.client}"

    def address(self, protocol: str) -> str:
        """Return where clients of one of the other listeners connect."""
        if self._ports is None:
            raise TowerError("The embedded broker has not been started.")
        listeners = zip(self._listeners, self._ports.more, strict=True)
        ports = {str(each.protocol): port for each, port in listeners}
        return f"127.0.0.1:{ports[protocol]}"

    @property
    def running(self) -> bool:
        """Whether the process lives; a paused one does."""
        return self._guardian is not None and self._guardian.poll() is None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        """Start and return once the broker serves clients."""
        if self.running:
            return
        try:
            self._claim = self._claim or Claim(self.folder)
            self._prepare()
            self._launch()
            self._await_ready()
        except BaseException:
            self.close()
            raise

    def stop(self) -> None:
        """Stop in order (SIGTERM) and keep the data; a broker that hangs is killed."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End at once (SIGKILL), as a power cut would."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """Stop if it runs, and start again on the same ports with the same data."""
        self.stop()
        self.start()

    def pause(self) -> None:
        """Freeze the process (SIGSTOP): connections stay open and nothing answers."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let a paused process go on."""
        self._signal(signal.SIGCONT)

    def close(self) -> None:
        """Stop for good; a temporary folder is removed."""
        if self._kept or (self._archive and not self._archive.path.exists()):
            self.stop()
        else:
            self.kill()
        if not self._kept:
            shutil.rmtree(self.folder, ignore_errors=True)
        if self._claim is not None:
            self._claim.release()
            self._claim = None

    def _prepare(self) -> None:
        """Find Java and the jars, choose ports, format the folder once."""
        cache = cache_folder()
        if self._java is None:
            self._jars = fetch(cache, self._say)
            self._java = find_java()
            self._archive = class_archive(self._java, self._jars, cache)
        config = self.folder / "server.properties"
        if self._ports is None:
            kept = properties.ports_of(config.read_text()) if config.exists() else None
            self._ports = self._chosen_ports(kept)
            text = properties.render(
                self._ports, self.folder / "data", self._listeners, asks=self._acls
            )
            config.touch(0o600)  # it may hold passwords
            config.write_text(text)
        if not (self.folder / "data" / "meta.properties").exists():
            self._format(config)

    def _chosen_ports(self, kept: properties.Ports | None) -> properties.Ports:
        """Return the port asked for, those of the last time, or free ones."""
        more = len(self._listeners)
        if self._port is not None:
            if not properties.is_free(self._port):
                raise TowerError(f"Port {self._port} of 127.0.0.1 is in use.")
            return properties.free_ports(more)._replace(client=self._port)
        usable = kept is not None and len(kept.more) == more and kept.all_free()
        return kept if kept and usable else properties.free_ports(more)

    def _format(self, config: Path) -> None:
        cluster = base64.urlsafe_b64encode(b"\0" + uuid.uuid4().bytes[1:]).decode().rstrip("=")
        tool = ["kafka.tools.StorageTool", "format", "-t", cluster, "-c", str(config)]
        tool += scram_words(self._listeners)
        done = subprocess.run(  # noqa: S603 - our own command
            [*self._command(), *tool], capture_output=True, text=True, check=False
        )
        if done.returncode:
            last = (done.stderr or done.stdout).strip().splitlines()[-1:]
            raise TowerError(f"Kafka could not prepare {self.folder}: {' '.join(last)}")

    def _command(self, extra: tuple[str, ...] = ()) -> list[str]:
        if self._java is None or self._archive is None:
            raise TowerError("The embedded broker has not been prepared.")
        return self._java.command(self._jars, self._archive.load_flags() + extra)

    def _launch(self) -> None:
        extra = self._archive.write_flags() if self._archive else ()
        command = [*self._command(extra), "kafka.Kafka", str(self.folder / "server.properties")]
        discard = "" if self._kept else str(self.folder)
        script = [sys.executable, "-I", "-S", guardian.__file__, discard]
        self._log_from = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as log:
            self._guardian = subprocess.Popen(  # noqa: S603 - our own command
                [*script, *command],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                pass_fds=[self._claim.file] if self._claim else [],
                start_new_session=True,  # Ctrl-C in the terminal is for us, not for the broker
            )
        if self._guardian.stdout is None:
            raise TowerError("The embedded broker's process has no output.")
        first = self._guardian.stdout.readline()
        self.pid = int(first) if first.strip() else None

    def _await_ready(self) -> None:
        until = time.monotonic() + _START_SECONDS
        with self.log.open("rb") as log:
            log.seek(self._log_from)
            seen = b""
            while _READY.encode() not in seen:
                if not self.running:
                    raise TowerError(
                        f"Kafka ended while starting; its log is {self._keep_log()}"
                    )
                if time.monotonic() > until:
                    raise TowerError(f"Kafka did not start; its log is {self._keep_log()}")
                time.sleep(_POLL_SECONDS)
                seen += log.read()

    def _keep_log(self) -> Path:
        """Return where the log can be read after a temporary folder is gone."""
        if self._kept:
            return self.log
        handle, name = tempfile.mkstemp(prefix="tower-kafka-", suffix=".log")
        os.close(handle)
        return Path(shutil.copy(self.log, name))

    def _signal(self, number: signal.Signals) -> None:
        if self.running and self.pid is not None:
            with suppress(ProcessLookupError):  # it ended, its guardian has yet to say so
                os.kill(self.pid, number)

    def _end(self, number: signal.Signals) -> None:
        process = self._guardian
        if process is None:
            return
        self._signal(number)
        self._signal(signal.SIGCONT)
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._signal(signal.SIGKILL)
            process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
        self._guardian = self.pid = None
        if self._archive:
            self._archive.adopt()
