"""What the faults of a run act upon: the broker and its disk, the workers, the topics."""

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError

from streams.config import Settings
from streams.embedded import EmbeddedBroker
from streams.topics import TOPICS, named
from tests.crash.crew import TOWER, Crew, die_with_parent
from tests.crash.disk import Disk

NAMESPACE = "crash"
SESSION_SECONDS = 4.0
PATIENCE_SECONDS = 10.0  # with a broker that was away
PARTITIONS = 4
PACE_SECONDS = 0.2
BACKLOG_SECONDS = 1.5  # of events are sent while nobody works, the rest waits
NOBODY = "nobody works"
SETTINGS = {
    "TOWER_NAMESPACE": NAMESPACE,
    "TOWER_PARTITIONS": str(PARTITIONS),
    "TOWER_CLOCK": "feed",
    "TOWER_METRICS_PORT": "0",
    "TOWER_SESSION_TIMEOUT_SECONDS": str(SESSION_SECONDS),
    "TOWER_HEARTBEAT_SECONDS": "0.5",
}
CONFIGS = {topic.name: topic.config for topic in TOPICS}


class Scene:
    """One run's own broker and workers; `command` starts a worker.

    `told` is what happened, each line with the seconds since the run began, `findings` what
    a fault saw that must not be.
    """

    def __init__(
        self, folder: Path, command: Sequence[str] = TOWER, env: Mapping[str, str] | None = None
    ) -> None:
        self.folder = folder
        self.told: list[str] = []
        self.findings: list[str] = []
        self.began = time.monotonic()
        self.disk = Disk(folder / "broker")
        self.broker = EmbeddedBroker(self.disk.folder)
        self.silent = asyncio.Lock()  # held by whoever takes the broker away
        self.choosing = asyncio.Lock()  # held by whoever waits for a worker to strike at
        self._command, self._given = command, env or {}
        self.crew: Crew
        self.settings: Settings
        self._publisher: subprocess.Popen[bytes] | None = None
        self._holders: set[str] = set()

    def tell(self, what: str) -> None:
        """Note what happened."""
        self.told.append(f"{time.monotonic() - self.began:6.2f} s  {what}")

    async def open(self) -> None:
        """Start the broker."""
        await asyncio.to_thread(self.broker.start)
        bootstrap = self.broker.bootstrap
        env = os.environ | SETTINGS | {"TOWER_BROKERS": bootstrap} | self._given
        self.settings = Settings(
            brokers=bootstrap, namespace=NAMESPACE, partitions=PARTITIONS, clock="feed"
        )
        self.crew = Crew(self.folder, env, self.tell, self._command)
        self._env = env

    def publish(self, file: Path, rate: float, keys: str) -> subprocess.Popen[bytes]:
        """Begin to publish a file at so many lines a second."""
        words = [TOWER[0], "publish", str(file), "--rate", f"{rate:.1f}", "--keys", keys]
        with (self.folder / "publish.log").open("wb") as log:
            self._publisher = subprocess.Popen(
                words, env=self._env, stdout=log, stderr=log,
                preexec_fn=die_with_parent,  # noqa: PLW1509 - started by the only loop
            )  # fmt: skip
        return self._publisher

    def hold(self, why: str) -> None:
        """Let the publisher stand still until nobody holds it any more."""
        self._holders.add(why)
        self._signal_publisher(signal.SIGSTOP)

    def release(self, why: str) -> None:
        """Let the publisher go on if nobody else holds it."""
        self._holders.discard(why)
        if not self._holders:
            self._signal_publisher(signal.SIGCONT)

    def _signal_publisher(self, number: signal.Signals) -> None:
        if self._publisher is not None and self._publisher.poll() is None:
            self._publisher.send_signal(number)

    async def pace(self) -> None:
        """Hold the publisher while nobody works, so that later faults meet events too."""
        away = 0.0
        while True:
            working = any(each.recovered() and not each.stopped for each in self.crew.alive)
            away = 0.0 if working else away + PACE_SECONDS
            if away > BACKLOG_SECONDS:
                self.hold(NOBODY)
            elif NOBODY in self._holders:
                self.release(NOBODY)
            await asyncio.sleep(PACE_SECONDS)

    def published(self) -> str:
        """Return what the publisher said."""
        return (self.folder / "publish.log").read_text(errors="replace")

    async def configure(self, topic: str, **changes: str) -> None:
        """Give a topic its own settings with some changes; a broker just back needs a while."""
        until = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                return await self._configure(topic, **changes)
            except KafkaError:
                if time.monotonic() > until:
                    raise
                await asyncio.sleep(0.5)

    async def _configure(self, topic: str, **changes: str) -> None:
        config = CONFIGS[topic] | {
            name.replace("_", "."): value for name, value in changes.items()
        }
        name = named(NAMESPACE, topic)
        admin = AIOKafkaAdminClient(bootstrap_servers=self.broker.bootstrap)
        await admin.start()
        try:
            await admin.alter_configs(
                [ConfigResource(ConfigResourceType.TOPIC, name, configs=config)]
            )
        finally:
            await admin.close()

    async def close(self) -> None:
        """End everything: workers, publisher, broker, its disk."""
        if hasattr(self, "crew"):
            self.crew.close()
        if self._publisher is not None and self._publisher.poll() is None:
            self._publisher.kill()
            self._publisher.wait()
        async with self.silent:
            await asyncio.to_thread(self.broker.kill)
        self.disk.close()
