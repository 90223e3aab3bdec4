"""A row in Dataverse: with an alternate key it may be written twice, without one it may not."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import documents, exact, times
from shared.destinations import Parcel
from shared.destinations.kinds import dataverse_row
from shared.errors import Invalid
from shared.event import Stored
from shared.exact import Json
from shared.ports import AccessToken, Answer, NoAnswer
from shared.stores.trail import Status
from tests.destinations.cases import CASES, read
from tests.house import House, body, build

[KEYED] = [read(case) for case in CASES if case.stem == "own-key" and case.parent.name == "dataverse_row"]
ORGANIZATION = KEYED["settings"]["organization"]


async def sent(settings: Json, *answers: Answer | NoAnswer) -> tuple[House, str]:
    """A house with a delivery to a table, after its first attempt."""
    house = await build(*answers).furnish()
    scope = f"{ORGANIZATION}/.default"
    house.identity.tokens[scope] = AccessToken("mine", house.clock.now() + timedelta(hours=1))
    await house.line.routes.set_status("demo", "rt-crm", "paused")
    settings = {"organization": ORGANIZATION, "table": "contoso_orders", **settings}
    doc = {"name": "table", "kind": "dataverse_row", "settings": settings}
    await house.line.destinations.create("demo", body(doc), bytes(32))
    await house.add_route("table")
    id = await house.accept()
    await house.work()
    return house, id


async def test_with_a_key_an_unknown_outcome_is_sent_again_to_the_same_row():
    house, id = await sent({"key": "contoso_signalboxid"}, NoAnswer("broken"), Answer(204, {}, b""))
    assert (await house.delivery(id, "rt-table")).status is Status.RETRYING

    house.clock.time += timedelta(minutes=1)
    await house.work()

    delivery = await house.delivery(id, "rt-table")
    assert delivery.status is Status.DELIVERED
    first, second = house.http.requests
    assert (first.method, first.url, first.body) == (second.method, second.url, second.body)
    assert first.url.endswith(f"/contoso_orders(contoso_signalboxid='{delivery.id}')")


async def test_without_a_key_an_unknown_outcome_is_held():
    house, id = await sent({}, NoAnswer("broken"))

    assert (await house.delivery(id, "rt-table")).status is Status.HELD
    assert len(house.http.requests) == 1


def url(key: Json) -> str:
    settings = dataverse_row.Settings.model_validate(KEYED["settings"])
    event = documents.read_event(exact.dumps(KEYED["event"]["document"]).encode())
    parcel = Parcel("d", Stored("e", event), {"orderId": key}, 1)
    return dataverse_row.build(settings, {}, parcel, times.parse(KEYED["now"])).url


@given(st.text())
def test_no_key_leaves_its_place_in_the_url(text):
    try:
        found = url(text)
    except Invalid:
        return

    place = found.removeprefix(f"{ORGANIZATION}/api/data/v9.2/contoso_orders(contoso_number='").removesuffix(
        "')"
    )
    assert "'" not in place.replace("''", "")
    assert not {*place} & {*"/?#&+: <>\\"}


@pytest.mark.parametrize("key", ["", None, True, [], {}, exact.loads("1.5"), exact.loads("1e3")])
def test_what_no_key_can_hold_is_told(key):
    with pytest.raises(Invalid, match="orderId cannot be a key"):
        url(key)


def test_a_key_property_without_a_key_is_refused():
    with pytest.raises(ValueError, match="Say which column is the alternate key"):
        dataverse_row.Settings.model_validate({**KEYED["settings"], "key": None})
