"""A dry run says what would become of a payload, and stores nothing."""

import pytest

from shared import exact, sources
from shared.errors import Invalid, NotFound
from shared.operations.dry_run import dry_run
from tests.house import OK, ORDER, body, build

HOOK = "0123456789abcdef0123456789abcdef"
MEANING = {
    "event": ORDER["event"],
    "mapping": {
        "person": {"email": "email"},
        "properties": {"orderId": "to_string(id)", "totalValue": "total"},
    },
}
PAYLOAD = exact.loads('{"id": 1001, "total": 42.50, "email": "ada@example.com", "note": {"text": "x"}}')


async def tried(**members):
    house = await build(OK).furnish()
    about = {"name": "a", "kind": "shopify", "label": "a", "types": {"known": MEANING}}
    await house.line.sources.create("demo", body(about), bytes.fromhex(HOOK), sources.KINDS)
    told = await dry_run(house.line, "demo", HOOK, {"type": "known", "payload": PAYLOAD, **members})
    assert house.rows("events") == []
    return told


async def test_what_fits_is_shown_to_the_letter_with_what_is_left_out():
    told = await tried()

    assert (told["fits"], told["event"], told["errors"]) == (True, ORDER["event"], [])
    assert told["version"]
    assert exact.dumps(told["result"]) == (
        '{"person":{"email":"ada@example.com"},"properties":{"orderId":"1001","totalValue":42.50}}'
    )
    assert told["unmapped"] == ["/note/text"]


async def test_a_meaning_that_is_sent_along_counts_instead():
    meaning = {**MEANING, "mapping": {"properties": {"orderId": "note.text", "totalValue": "id"}}}
    told = await tried(type="new", meaning=body(meaning), occurredAt="2026-11-22T10:15:00+01:00")

    assert told["fits"]
    assert told["result"]["occurredAt"] == "2026-11-22T10:15:00+01:00"
    assert told["unmapped"] == ["/total", "/email"]


@pytest.mark.parametrize(
    ("meaning", "where"),
    [
        ({"mapping": {"properties": {"orderId": "id", "totalValue": "total"}}}, ["/properties/orderId"]),
        ({"mapping": {"properties": {"orderId": "note.text"}}}, ["/properties/totalValue"]),
        ({"mapping": {"properties": {"orderId": "join(',', id)"}}}, ["/properties/orderId"]),
        ({"mapping": {"properties": {"orderId": "["}}}, ["/properties/orderId"]),
        ({"mapping": {"person": "email"}}, ["/person"]),
        ({"event": "no.such"}, ["/event"]),
        ({"version": "v0"}, ["/version"]),
    ],
)
async def test_what_does_not_fit_says_why_and_where(meaning, where):
    told = await tried(meaning=body({**MEANING, **meaning}))

    assert not told["fits"]
    assert told["detail"].endswith(".")
    assert [fault["pointer"] for fault in told["errors"]] == where


async def test_a_type_that_the_source_does_not_know_is_told_and_all_is_left_out():
    told = await tried(type="unheard")

    assert (told["fits"], told["result"]) == (False, None)
    assert told["unmapped"] == ["/id", "/total", "/email", "/note/text"]


async def test_a_body_without_a_payload_and_another_section_s_source_are_refused():
    house = await build(OK).furnish()

    with pytest.raises(Invalid):
        await dry_run(house.line, "demo", HOOK, {"type": "known"})
    with pytest.raises(NotFound):
        await dry_run(house.line, "demo", HOOK, {"type": "known", "payload": {}})
