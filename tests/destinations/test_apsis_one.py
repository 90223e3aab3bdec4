"""Apsis One: a refused token is not used again, and what is too large is told before it is sent."""

from datetime import timedelta

import pytest

from local.standins import Asked
from local.standins import apsis_one as standin
from shared import documents, exact, times
from shared.destinations import Parcel
from shared.destinations.kinds import apsis_one
from shared.event import Stored
from shared.ports import Answer
from shared.stages.build import Unfit, request_of
from shared.stores.trail import Status
from tests.destinations.cases import FIXTURES, SENT
from tests.house import body, build

CASE = SENT["apsis_one"]


def token(text: str) -> Answer:
    return Answer(200, {}, exact.dumps({"access_token": text, "expires_in": 86_400}).encode())


@pytest.mark.parametrize("status", [401, 403])
async def test_a_token_that_is_refused_is_not_used_again(status):
    house = await build(token("t1"), Answer(status, {}, b""), token("t2"), Answer(204, {}, b"")).furnish()
    await house.line.routes.set_status("demo", "rt-crm", "paused")
    doc = {"name": "apsis", "kind": "apsis_one", "settings": CASE["settings"], "secrets": CASE["secrets"]}
    await house.line.destinations.create("demo", body(doc), bytes(32))
    await house.add_route("apsis")
    id = await house.accept()
    await house.work()
    house.clock.time += timedelta(minutes=1)

    await house.work()

    assert (await house.delivery(id, "rt-apsis")).status is Status.DELIVERED
    sent = [asked.headers["authorization"] for asked in house.http.requests[1::2]]
    assert sent == ["Bearer t1", "Bearer t2"]


def test_more_than_100_kb_are_told_before_anything_is_sent():
    settings = apsis_one.Settings.model_validate(CASE["settings"])
    event = documents.read_event(exact.dumps(CASE["event"]["document"]).encode())
    parcel = Parcel("d", Stored("e", event), {"note": "x" * 100_000}, 1, CASE["identifiers"])

    told = request_of(apsis_one.DESTINATION, settings, CASE["secrets"], parcel, times.parse(CASE["now"]))

    assert isinstance(told, Unfit)
    assert told.reason.endswith("bytes, and the destination takes 100,000.")


@pytest.mark.parametrize("keyspace", ["integration.keyspaces.shop", "com.apsis1.keyspaces.web"])
def test_another_keyspace_needs_to_know_its_key(keyspace):
    with pytest.raises(ValueError, match="Say which identifier is the profile's key"):
        apsis_one.Settings.model_validate({**CASE["settings"], "keyspace": keyspace})


def asked(items: int, note: str = "") -> Asked:
    """A request to the stand-in with so many events."""
    facts = exact.loads((FIXTURES.parent / "standins/apsis_one.json").read_bytes())["request"]
    [item] = facts["body"]["items"]
    body_ = exact.dumps({"items": [{**item, "data": {"note": note}}] * items}).encode()
    return Asked(facts["method"], facts["path"], {}, facts["headers"], body_)


@pytest.mark.parametrize(("items", "note", "status"), [(20, "", 204), (20, "x" * 5_000, 413)])
def test_the_stand_in_takes_several_events_of_a_profile_up_to_100_kb(items, note, status):
    assert standin.answer(asked(items, note)).status == status
