"""Every fixture of every kind goes the way that a vendor's request goes, from the signature to the event, on fakes."""

from datetime import timedelta

import pytest

from shared import exact, hooks, sources
from shared.errors import Unauthenticated
from shared.operations import mend
from shared.operations.pace import Pace
from shared.sources import Received
from tests.house import OK, ORDER, SECTION, build
from tests.sources.cases import CASES, settings_of
from tests.sources.signing import new_secret, sign

HOOK = "0123456789abcdef0123456789abcdef"
READABLE = [name for name, case in CASES.items() if "facts" in case]
GREETED = [name for name, case in CASES.items() if "greeting" in case]
MAPPING = {"occurredAt": "`null`", "properties": {"orderId": "'1'", "totalValue": "`1`"}}


def facts_of(name):
    found = CASES[name].get("facts", [])
    return found if isinstance(found, list) else [found]


def set_up(name):
    """The fixture's kind, and the settings that it is read with."""
    kind = name.partition("/")[0]
    return kind, CASES[name].get("settings", settings_of(kind))


async def furnished(name):
    """A house with a source of the fixture's kind that takes each of its types for an order."""
    house = await build(*[OK] * 9).furnish()
    kind, settings = set_up(name)
    secret = new_secret(sources.load(kind, settings).proofs[0], b"taking in")
    types = {one["type"]: {"event": ORDER["event"], "mapping": MAPPING} for one in facts_of(name)}
    about = {"name": "a", "kind": kind, "label": "a", "settings": settings, "secrets": {"signing": secret}}
    doc = exact.loads(exact.dumps({**about, "types": types}))
    await house.line.sources.create("demo", doc, bytes.fromhex(HOOK), sources.KINDS)
    return house, secret


def arrives(house, name, secret):
    """The fixture's request, signed for the public URL and arriving under another one."""
    case, proof = CASES[name], sources.load(*set_up(name)).proofs[0]
    headers = {"content-type": "application/json", **case["headers"]}
    public = f"{SECTION['publicBaseUrl']}/v1/hooks/{HOOK}"
    plain = Received(case.get("method", "POST"), public, headers, case["body"].encode())
    signed = sign(proof, plain, secret, house.clock.now())
    return Received(plain.method, f"http://10.0.0.4:8080/v1/hooks/{HOOK}", signed.headers, plain.body)


async def sent(house, name, secret):
    told = await hooks.webhook(house.line, HOOK, arrives(house, name, secret))
    assert isinstance(told, hooks.Hooked)
    return told.events


@pytest.mark.parametrize("name", READABLE)
async def test_it_becomes_its_events_once_however_often_it_comes(name):
    house, secret = await furnished(name)

    first, again = await sent(house, name, secret), await sent(house, name, secret)

    keyed = [one["deliveryId"] is not None for one in facts_of(name)]
    assert [one.keyed for one in first] == keyed
    assert [(one.replayed, one.id == other.id) for one, other in zip(again, first, strict=True)] == [
        (known, known) for known in keyed
    ]


@pytest.mark.parametrize("name", READABLE)
async def test_to_a_paused_source_it_is_answered_well_kept_and_taken_in_later(name):
    house, secret = await furnished(name)
    await house.line.sources.pause("demo", HOOK)

    assert await sent(house, name, secret) is None
    await house.line.sources.resume("demo", HOOK)
    taken = await mend.resume(house.line, "demo", Pace.of(house.clock, timedelta(minutes=1)))

    assert taken == 1
    assert await house.line.quarantine.list("demo", None, 10) == []
    assert len(house.rows("events", "e|")) == len(facts_of(name))


@pytest.mark.parametrize("name", READABLE)
async def test_signed_with_another_secret_it_is_refused(name):
    house, secret = await furnished(name)
    other = new_secret(sources.load(*set_up(name)).proofs[0], b"somebody else's")

    with pytest.raises(Unauthenticated):
        await sent(house, name, other)
    assert secret != other


@pytest.mark.parametrize("name", GREETED)
async def test_a_greeting_is_answered_and_becomes_nothing(name):
    house, secret = await furnished(name)
    request = arrives(house, name, secret)
    ask = hooks.webhook if request.method == "POST" else hooks.greet

    told = await ask(house.line, HOOK, request)

    assert (told.doc, dict(told.headers)) == tuple(CASES[name]["greeting"].values())
    assert house.rows("events", "e|") == []
    assert await house.line.quarantine.list("demo", None, 10) == []
