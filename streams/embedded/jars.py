"""Kafka's jars: fetched once into the user's cache folder, each checked by its SHA-256."""

import fcntl
import hashlib
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from xml.etree import ElementTree as ET

from streams.errors import TowerError

if TYPE_CHECKING:
    from collections.abc import Iterator

KAFKA_VERSION = "4.3.1"
_DOWNLOADS_AT_ONCE = 4
_TRIES = 3


class Jar(NamedTuple):
    """One jar: its coordinates in a Maven repository and the SHA-256 of its bytes."""

    group: str
    artifact: str
    version: str
    sha256: str

    def below(self, repository: Path) -> Path:
        """Return where a local repository keeps the jar."""
        folder = repository.joinpath(*self.group.split("."), self.artifact, self.version)
        return folder / f"{self.artifact}-{self.version}.jar"


def cache_folder() -> Path:
    """Return the user's folder for what can be fetched or made again."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "tower"


def wanted() -> tuple[Jar, ...]:
    """Return the jars of the list, in its order."""
    lines = resources.files("streams.embedded").joinpath("jars.sha256").read_text().splitlines()
    jars = []
    for line in lines:
        if line and not line.startswith("#"):
            sha256, coordinates = line.split()
            group, artifact, version = coordinates.split(":")
            jars.append(Jar(group, artifact, version, sha256))
    return tuple(jars)


def fetch(folder: Path, say: Callable[[str], None]) -> tuple[Path, ...]:
    """Return the paths of all jars below `folder`, fetching those that are missing."""
    repository = folder / "maven"
    repository.mkdir(parents=True, exist_ok=True)
    with _locked(folder / "lock"):
        missing = [jar for jar in wanted() if not _is_whole(jar, repository)]
        if missing:
            say(f"Fetching Apache Kafka {KAFKA_VERSION}: {len(missing)} jars, once.")
            with ThreadPoolExecutor(_DOWNLOADS_AT_ONCE) as pool:
                list(pool.map(lambda jar: fetch_one(jar, repository), missing))
    return tuple(jar.below(repository) for jar in wanted())


def _is_whole(jar: Jar, repository: Path) -> bool:
    path = jar.below(repository)
    return path.exists() and hashlib.sha256(path.read_bytes()).hexdigest() == jar.sha256


def fetch_one(jar: Jar, repository: Path) -> None:
    """Fetch a jar into a local repository; one with other bytes is thrown away."""
    import jgo.config  # noqa: PLC0415 - slow to import, needed once
    import jgo.maven  # noqa: PLC0415

    settings = jgo.config.GlobalSettings.load()
    context = jgo.maven.MavenContext(
        repo_cache=repository,
        remote_repos=settings.repositories or mirror_in(Path.home() / ".m2" / "settings.xml"),
        timeout=60,
    )
    artifact = context.project(jar.group, jar.artifact).at_version(jar.version).artifact()
    problem: Exception | str = ""
    for _ in range(_TRIES):
        jar.below(repository).unlink(missing_ok=True)
        try:
            artifact.resolve()
        except Exception as error:  # noqa: BLE001 - whatever a download can raise
            problem = error
            continue
        if _is_whole(jar, repository):
            return
        problem = "its bytes are not those of the list"
    jar.below(repository).unlink(missing_ok=True)
    name = f"{jar.group}:{jar.artifact}:{jar.version}"
    raise TowerError(
        f"The embedded broker could not fetch {name} from the Maven repository ({problem});"
        " it needs the network once, or a mirror in ~/.m2/settings.xml."
    )


def mirror_in(settings: Path) -> dict[str, str] | None:
    """Return the mirror that Maven's settings name for the central repository, if any."""
    if not settings.exists():
        return None
    try:
        root = ET.parse(settings).getroot()  # noqa: S314 - the user's own file
    except ET.ParseError:
        return None
    for mirror in root.iterfind(".//{*}mirror"):
        of = {each.strip() for each in (mirror.findtext("{*}mirrorOf") or "").split(",")}
        url = (mirror.findtext("{*}url") or "").strip()
        if url and "!central" not in of and of & {"central", "*", "external:*"}:
            return {"central": url.rstrip("/")}
    return None


@contextmanager
def _locked(path: Path) -> "Iterator[None]":
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
