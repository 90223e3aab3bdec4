"""A key has two live secrets at most, and what is revoked is over."""

from collections.abc import Iterator

import pytest

from shared.access.keys import MAX_SECRETS, Keys
from shared.errors import Conflict, NotFound
from tests.access.making import RANDOM, body, refusal
from tests.fakes import FakeClock


async def test_a_rotated_key_has_two_live_secrets(keys: Keys, secrets: Iterator[bytes]) -> None:
    first = await keys.create("shop", body(), RANDOM)
    second = await keys.rotate("shop", first["id"], next(secrets))

    assert second["id"] == first["id"]
    assert [secret["number"] for secret in second["secrets"]] == [1, 2]
    assert await keys.authenticate(first["key"]) == await keys.authenticate(second["key"])


async def test_a_third_live_secret_is_a_conflict_until_one_is_revoked(
    keys: Keys, secrets: Iterator[bytes]
) -> None:
    first = await keys.create("shop", body(), RANDOM)
    await keys.rotate("shop", first["id"], next(secrets))

    with pytest.raises(Conflict, match=r"1 and 2\. Revoke one"):
        await keys.rotate("shop", first["id"], next(secrets))
    await keys.revoke("shop", first["id"], 1)
    third = await keys.rotate("shop", first["id"], next(secrets))
    assert [secret["number"] for secret in third["secrets"]] == [1, 2, 3]


async def test_a_revoked_secret_is_refused_and_the_other_lives_on(
    keys: Keys, secrets: Iterator[bytes]
) -> None:
    first = await keys.create("shop", body(), RANDOM)
    second = await keys.rotate("shop", first["id"], next(secrets))
    await keys.revoke("shop", first["id"], 1)

    assert "revoked" in await refusal(keys, first["key"])
    assert (await keys.authenticate(second["key"])).key_id == first["id"]


async def test_a_revoked_key_is_refused_with_every_secret_and_stays_listed(
    keys: Keys, secrets: Iterator[bytes]
) -> None:
    first = await keys.create("shop", body(), RANDOM)
    second = await keys.rotate("shop", first["id"], next(secrets))
    await keys.authenticate(first["key"])
    await keys.revoke("shop", first["id"])

    assert "revoked" in await refusal(keys, first["key"])
    assert "revoked" in await refusal(keys, second["key"])
    assert [key["revokedAt"] for key in await keys.list("shop")] == ["2026-11-22T09:15:00.000Z"]


async def test_revoking_again_keeps_the_first_time(keys: Keys, clock: FakeClock) -> None:
    id = (await keys.create("shop", body(), RANDOM))["id"]
    first = [await keys.revoke("shop", id, 1), await keys.revoke("shop", id)][-1]
    clock.pass_(hours=1)

    assert [await keys.revoke("shop", id, 1), await keys.revoke("shop", id)] == [first, first]


async def test_a_key_that_is_over_cannot_be_rotated(
    keys: Keys, clock: FakeClock, secrets: Iterator[bytes]
) -> None:
    revoked = await keys.create("shop", body(), RANDOM)
    await keys.revoke("shop", revoked["id"])
    expired = await keys.create("shop", body(expiresAt="2026-11-23T00:00:00Z"), RANDOM[::-1])
    clock.pass_(days=1)

    for key in (revoked, expired):
        with pytest.raises(Conflict, match="Create a new one"):
            await keys.rotate("shop", key["id"], next(secrets))


async def test_a_document_forgets_the_oldest_revoked_secrets(keys: Keys, secrets: Iterator[bytes]) -> None:
    answer = first = await keys.create("shop", body(), RANDOM)
    for number in range(1, 20):
        answer = await keys.rotate("shop", first["id"], next(secrets))
        await keys.revoke("shop", first["id"], number)

    assert [secret["number"] for secret in answer["secrets"]] == list(range(13, 21))
    assert len(answer["secrets"]) == MAX_SECRETS
    assert (await keys.authenticate(answer["key"])).key_id == first["id"]
    assert await refusal(keys, first["key"])


async def test_an_unknown_secret_number_is_not_found(keys: Keys) -> None:
    id = (await keys.create("shop", body(), RANDOM))["id"]

    with pytest.raises(NotFound, match="no such secret"):
        await keys.revoke("shop", id, 2)
