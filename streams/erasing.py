"""A customer forgotten: the key destroyed where we can reach it, and the dispatcher told.

What was measured about the customer's orders stays; it holds nobody's name or address.
"""

from aiokafka.errors import KafkaError

from streams.admin import connected
from streams.config import Settings
from streams.dispatch.vault import has_keys, open_vault
from streams.errors import TowerError
from streams.publishing import durable_producer
from streams.topics import CONTACT_UPDATES, named


async def erase(settings: Settings, customer_id: str) -> bool:
    """Forget a customer; return whether the key was here and is destroyed.

    The key goes first: from then on no copy of the contact can be read, whatever comes after.
    """
    destroyed = False
    if has_keys(settings):
        vault = await open_vault(settings)
        try:
            destroyed = await vault.destroy(customer_id)
        finally:
            await vault.close()
    async with connected(settings.kafka):
        pass  # one sentence at once instead of a producer's long patience
    topic = named(settings.namespace, CONTACT_UPDATES)
    try:
        async with durable_producer(settings.kafka) as producer:
            await producer.send_and_wait(topic, None, key=customer_id.encode())
    except KafkaError as error:
        raise TowerError(
            f"The dispatcher could not be told ({error!r}): say it again."
        ) from error
    return destroyed
