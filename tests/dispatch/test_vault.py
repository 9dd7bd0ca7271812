"""Contacts sealed by a key of their own: what opens them, and what never does again."""

import stat

import pytest

from streams.config import Settings
from streams.dispatch.contacts import Contacts
from streams.dispatch.vault import SEALED, has_keys, open_vault

PLAIN = b'{"customer_id":"ann","channels":[{"kind":"email","address":"ann@example.org"}]}'


@pytest.fixture(params=["sqlite", "postgres"])
def settings(request, tmp_path):
    if request.param == "postgres":
        return Settings(claims_database=request.getfixturevalue("database"))
    return Settings(claims=tmp_path / "claims.sqlite")


@pytest.fixture
async def vault(settings):
    opened = await open_vault(settings)
    yield opened
    await opened.close()


async def test_what_is_sealed_is_opened_by_its_customer_alone(vault, settings):
    first, second = [(await vault.seal({"ann": PLAIN}))["ann"] for _ in range(2)]
    assert first.startswith(SEALED)
    assert b"ann" not in first
    assert first != second  # never the same nonce
    assert vault.opened("ann", first) == vault.opened("ann", second) == PLAIN
    await vault.seal({"bo": b"{}"})
    assert vault.opened("bo", first) is None
    assert vault.opened("ann", first[:-1] + bytes([first[-1] ^ 1])) is None
    assert vault.opened("ann", SEALED) is None
    assert vault.opened("ann", PLAIN) == PLAIN  # of before contacts were sealed
    assert has_keys(settings)


async def test_another_process_opens_it_and_keeps_the_same_key(vault, settings):
    other = await open_vault(settings)
    try:
        sealed = await vault.seal({"ann": PLAIN})
        assert other.opened("ann", sealed["ann"]) is None
        again = await other.seal({"ann": PLAIN})
        assert vault.opened("ann", again["ann"]) == PLAIN
        assert other.opened("ann", sealed["ann"]) == PLAIN
    finally:
        await other.close()


async def test_a_key_destroyed_is_destroyed_for_every_copy(vault, settings):
    sealed = (await vault.seal({"ann": PLAIN}))["ann"]
    key = vault._keys["ann"].hex()
    assert await vault.destroy("ann")
    assert not await vault.destroy("ann")
    assert vault.opened("ann", sealed) is None
    await vault.refresh()
    assert vault.opened("ann", sealed) is None
    renewed = (await vault.seal({"ann": PLAIN}))["ann"]  # who comes back has another key
    assert (vault.opened("ann", renewed), vault.opened("ann", sealed)) == (PLAIN, None)
    if settings.claims_address is None:
        left = settings.keys_file.read_bytes()
        wal = settings.keys_file.with_name(f"{settings.keys_file.name}-wal").read_bytes()
        assert key.encode() not in left + wal
        assert stat.S_IMODE(settings.keys_file.stat().st_mode) == 0o600


async def test_who_comes_again_gets_a_key_that_is_kept(vault, settings):
    other = await open_vault(settings)
    try:
        await other.seal({"ann": PLAIN})
        await vault.destroy("ann")
        heard = Contacts(settings, None, other, None)
        heard.hear(b"ann", None)  # by way of the topic, as of any update
        again = (await other.seal({"ann": PLAIN}))["ann"]
        await vault.refresh()  # as after a restart
        assert vault.opened("ann", again) == PLAIN
    finally:
        await other.close()
