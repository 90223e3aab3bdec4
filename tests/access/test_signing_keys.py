"""An issuer's keys: fetched once for all who wait, again for a key that is missed, and kept while it is away."""

import asyncio
import json

import pytest

from shared.access.signing_keys import (
    AWAY_SECONDS,
    COOL_DOWN_SECONDS,
    KEPT_SECONDS,
    REFRESH_SECONDS,
    SigningKeys,
)
from shared.errors import Unavailable
from shared.ports import Answer, NoAnswer
from tests.access.issuing import AUTHORITY, ISSUER, KEYS, TENANT, PlayedIssuer
from tests.fakes import FakeClock

OLD, NEW = KEYS[0].id, KEYS[1].id
AWAY = [
    NoAnswer("timeout"),
    NoAnswer("connect"),
    Answer(503, {}, b""),
    Answer(302, {"location": "https://elsewhere.example.com"}, b""),
    Answer(200, {}, b"<html>"),
    Answer(200, {}, b"[" * 5_000),
    Answer(200, {}, b"[]"),
    Answer(200, {}, b'{"keys": []}'),
]


@pytest.fixture
def keys(issuer: PlayedIssuer, clock: FakeClock) -> SigningKeys:
    return SigningKeys(ISSUER, issuer, clock)


async def settled(keys: SigningKeys) -> None:
    """Until what is fetched behind everyone's back is there."""
    while keys._fetching:
        await keys._fetching


async def test_nothing_is_fetched_before_a_key_is_asked_for(keys, issuer):
    assert issuer.asked == []
    assert await keys.find(OLD) is not None
    assert issuer.asked == [ISSUER.metadata_url, f"{AUTHORITY}/{TENANT}/discovery/v2.0/keys"]


async def test_however_many_ask_at_once_it_is_fetched_once(keys, issuer):
    found = await asyncio.gather(*(keys.find(OLD) for _ in range(100)))

    assert None not in found
    assert issuer.fetches == 1


async def test_who_stops_waiting_stops_nobody_else(keys, issuer):
    first = asyncio.ensure_future(keys.find(OLD))
    await asyncio.sleep(0)
    first.cancel()

    assert await keys.find(OLD) is not None
    assert issuer.fetches == 1


async def test_while_keys_are_fetched_a_known_one_is_had_at_once(keys, issuer, clock):
    await keys.find(OLD)
    clock.pass_(seconds=COOL_DOWN_SECONDS)
    answers, hanging = issuer.send, asyncio.Event()

    async def hangs(request, *, timeout_seconds):
        await hanging.wait()
        return await answers(request, timeout_seconds=timeout_seconds)

    issuer.send = hangs
    missed = asyncio.ensure_future(keys.find(NEW))
    await asyncio.sleep(0)
    issuer.rotate()

    with pytest.raises(StopIteration):
        keys.find(OLD).send(None)
    assert not missed.done()
    hanging.set()
    assert await missed is not None


async def test_a_key_that_is_not_known_is_fetched_once_a_cool_down(keys, issuer, clock):
    await keys.find(OLD)
    for second in range(COOL_DOWN_SECONDS * 3):
        found = await asyncio.gather(*(keys.find(f"made up {second} {n}") for n in range(20)))
        assert set(found) == {None}
        clock.pass_(seconds=1)

    assert issuer.fetches == 3
    assert await keys.find(OLD) is not None


async def test_a_rotated_key_is_found_after_the_cool_down_and_the_old_one_goes_on(keys, issuer, clock):
    await keys.find(OLD)
    issuer.rotate()
    clock.pass_(seconds=COOL_DOWN_SECONDS)

    assert await keys.find(NEW) is not None
    assert await keys.find(OLD) is not None
    assert issuer.fetches == 2


async def test_a_withdrawn_key_is_forgotten_at_the_next_refresh_for_which_nobody_waits(keys, issuer, clock):
    await keys.find(OLD)
    issuer.withdraw()
    clock.pass_(seconds=REFRESH_SECONDS - 1)
    assert await keys.find(OLD) is not None
    assert issuer.fetches == 1
    clock.pass_(seconds=1)

    assert await keys.find(OLD) is not None
    await settled(keys)
    assert await keys.find(OLD) is None
    assert issuer.fetches == 2


@pytest.mark.parametrize("away", AWAY, ids=str)
async def test_an_issuer_that_was_never_there_is_an_outage_and_is_asked_again_soon(keys, issuer, clock, away):
    issuer.away = away
    for _ in range(3):
        with pytest.raises(Unavailable):
            await keys.find(OLD)
    assert issuer.fetches == 1
    issuer.away = None
    clock.pass_(seconds=AWAY_SECONDS)

    assert await keys.find(OLD) is not None


@pytest.mark.parametrize("away", AWAY, ids=str)
async def test_known_keys_outlive_an_outage(keys, issuer, clock, away):
    await keys.find(OLD)
    issuer.away = away
    clock.pass_(seconds=KEPT_SECONDS - 1)

    assert await keys.find(OLD) is not None
    await settled(keys)
    assert await keys.find(OLD) is not None


async def test_in_an_outage_nobody_can_tell_whether_an_unknown_key_is_wrong(keys, issuer, clock):
    await keys.find(OLD)
    issuer.away = NoAnswer("timeout")
    clock.pass_(seconds=COOL_DOWN_SECONDS)

    with pytest.raises(Unavailable) as caught:
        await keys.find(NEW)
    assert caught.value.retry_after == AWAY_SECONDS
    assert await keys.find(OLD) is not None


async def test_keys_are_not_kept_for_ever(keys, issuer, clock):
    await keys.find(OLD)
    issuer.away = NoAnswer("timeout")
    clock.pass_(seconds=KEPT_SECONDS)

    with pytest.raises(Unavailable):
        await keys.find(OLD)


@pytest.mark.parametrize(
    "metadata",
    [
        {"issuer": "https://login.example.com/another/v2.0"},
        {"jwks_uri": "https://elsewhere.example.com/keys"},
        {"jwks_uri": "https://login.example.com.evil.example/keys"},
        {"jwks_uri": None},
        {"jwks_uri": 1},
    ],
)
async def test_metadata_that_is_not_the_issuers_own_brings_no_keys(keys, issuer, metadata):
    issuer.metadata = metadata

    with pytest.raises(Unavailable):
        await keys.find(OLD)


@pytest.mark.parametrize(
    "changes",
    [
        {"kty": "oct", "k": "c2VjcmV0"},
        {"kty": "EC"},
        {"use": "enc"},
        {"alg": "PS256"},
        {"n": ""},
        {"n": 5},
        {"n": "AQAB"},
        {"e": None},
        {"d": "AQAB"},
        {"kid": 1},
        {"issuer": "https://login.example.com/another/v2.0"},
    ],
    ids=str,
)
async def test_a_key_that_is_none_for_us_is_left_out_and_the_others_are_taken(keys, issuer, changes):
    good, bad = KEYS[1].jwk, {**KEYS[0].jwk, **changes}
    documents = iter([issuer.mint.metadata(), {"keys": [bad, None, "key", good]}])

    async def send(_, *, timeout_seconds):
        return Answer(200, {}, json.dumps(next(documents)).encode())

    issuer.send = send

    assert await keys.find(OLD) is None
    assert await keys.find(NEW) is not None


async def test_microsofts_place_for_the_tenant_in_a_keys_issuer_is_understood(keys, issuer):
    key = {**KEYS[0].jwk, "issuer": f"{AUTHORITY}/{{tenantid}}/v2.0"}
    issuer.mint.published = lambda: {"keys": [key]}

    assert await keys.find(OLD) is not None
