"""What the dispatcher says while it waits for the broker: each thing once, in words."""

from aiokafka.errors import KafkaConnectionError, UnknownTopicOrPartitionError

from streams.config import Settings
from streams.dispatch import kafka


async def test_what_is_waited_for_is_said_once(monkeypatch, caplog) -> None:
    async def nobody_refuses(_where: object) -> None:
        return None

    monkeypatch.setattr(kafka, "refusal", nobody_refuses)
    monkeypatch.setattr(kafka, "RETRY_SECONDS", 0)
    failures = [UnknownTopicOrPartitionError()] * 3 + [KafkaConnectionError("away")] * 2

    async def attempt() -> str:
        if failures:
            raise failures.pop(0)
        return "there"

    settings = Settings()
    assert await kafka.patiently(settings.kafka, "looking for the topic t", attempt) == "there"
    first, second = (record.getMessage() for record in caplog.records)
    assert first == (
        "looking for the topic t: it is not there; `tower worker` creates it, until then "
        "nothing can be done"
    )
    assert second.startswith("looking for the topic t: the broker does not answer (")
