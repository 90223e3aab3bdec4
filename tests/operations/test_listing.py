"""What is listed: events newest first through any silence, followed without a gap, and a receipt in one word."""

from dataclasses import replace

import pytest

from shared.errors import Invalid, NotFound
from shared.operations import listing
from shared.operations.listing import page_of, status
from shared.stores.trail import Delivery, Status, Step, Trail
from tests.house import ORDER, body, build

STEP = Step("resolve", "t", "found")


async def furnished(count=0, **apart):
    """A house with so many events, some time apart, and their ids from the oldest."""
    house = await build().furnish()
    ids = []
    for n in range(count):
        house.clock.pass_(**apart)
        ids.append(await house.accept(id=f"order-{n}"))
    return house, ids


async def listed(house, **query):
    page = page_of({name: str(value) for name, value in query.items()})
    return await listing.newest(house.line, house.caller, page)


def ids_of(page):
    return [one["id"] for one in page["events"]]


def trail(*statuses):
    deliveries = tuple(
        Delivery("id", f"rt-{n}", "crm", "marketing", status=one) for n, one in enumerate(statuses)
    )
    return Trail(None, (STEP,), deliveries)


@pytest.mark.parametrize(
    ("statuses", "word"),
    [
        ([], "processed"),
        ([Status.DELIVERED], "delivered"),
        ([Status.REFUSED], "refused"),
        ([Status.DELIVERED, Status.REFUSED], "delivered"),
        ([Status.DELIVERED, Status.PENDING], "delivering"),
        ([Status.DELIVERED, Status.SENDING], "delivering"),
        ([Status.RETRYING, Status.PARKED], "delivering"),
        ([Status.PARKED, Status.DELIVERED], "parked"),
        ([Status.HELD, Status.PENDING], "held"),
        ([Status.DEAD, Status.HELD, Status.DELIVERED], "failed"),
    ],
)
def test_the_word_for_an_event_is_what_most_needs_an_eye(statuses, word):
    assert status(trail(*statuses)) == word


def test_an_event_that_was_only_stored_is_accepted():
    assert status(Trail()) == "accepted"
    assert status(Trail(repeat_differs=True)) == "accepted"


@pytest.mark.parametrize("apart", [{"milliseconds": 1}, {"seconds": 1}, {"minutes": 7}, {"days": 40}])
async def test_pages_backwards_show_every_event_once_newest_first(apart):
    house, ids = await furnished(23, **apart)

    seen: list[str] = []
    edge: dict[str, str] = {}
    while page := ids_of(await listed(house, limit=5, **edge)):
        seen += page
        edge = {"before": page[-1]}

    assert seen == ids[::-1]


async def test_the_newest_are_found_after_a_long_silence_in_few_requests():
    house, ids = await furnished(3, seconds=1)
    house.clock.pass_(days=700)
    before = house.tables.requests

    assert ids_of(await listed(house)) == ids[::-1]
    assert house.tables.requests - before <= 4 * 20


async def test_following_shows_every_event_in_order_without_a_gap():
    house, ids = await furnished(1, seconds=1)
    cursor = (await listed(house))["next"]
    seen = []

    for n in range(40):
        house.clock.pass_(seconds=3)
        ids.append(await house.accept(id=f"later-{n}"))
        page = await listed(house, after=cursor, limit=4)
        seen += ids_of(page)[::-1]
        cursor = page["next"]

    assert set(ids[1:-4]) <= set(seen)
    assert list(dict.fromkeys(seen)) == sorted(set(seen))


async def test_a_follower_can_begin_where_nothing_has_happened_yet():
    house, _ = await furnished()
    cursor = (await listed(house))["next"]

    house.clock.pass_(minutes=1)
    id = await house.accept()

    assert ids_of(await listed(house, after=cursor)) == [id]


async def test_a_cursor_never_goes_back():
    house, ids = await furnished(1, seconds=1)

    assert (await listed(house, after=ids[0]))["next"] >= ids[0]


async def test_a_follower_who_may_see_some_events_only_is_not_stopped_by_the_others():
    house, _ = await furnished()
    cursor = (await listed(house))["next"]
    await house.line.definitions.create("demo", body({**ORDER, "event": "other.thing"}))
    for n in range(6):
        await house.accept(id=f"order-{n}")
    house.clock.pass_(minutes=1)
    wanted = await house.accept(id="wanted", event="other.thing")
    house.clock.pass_(minutes=1)
    house.caller = replace(house.caller, events=frozenset({"other.thing"}))

    seen = []
    for _ in range(4):
        page = await listed(house, after=cursor, limit=2)
        seen += ids_of(page)
        cursor = page["next"]

    assert seen == [wanted]


async def test_a_list_shows_what_an_event_is_and_nothing_personal():
    house, [id] = await furnished(1, seconds=1)

    [shown] = (await listed(house))["events"]

    assert shown["id"] == id
    assert shown["receipt"] == f"/v1/events/{id}"
    assert "ada" not in str(shown)


@pytest.mark.parametrize(
    "query",
    [
        {"limit": "0"},
        {"limit": "101"},
        {"limit": "-1"},
        {"limit": "ten"},
        {"limit": "٣"},
        {"limit": "1" * 5_000},
        {"after": "x"},
        {"before": ""},
        {"after": "0190A000-0000-8000-8000-000000000000"},
    ],
)
def test_a_query_that_cannot_be_used_is_refused_with_its_place(query):
    with pytest.raises(Invalid) as refusal:
        page_of(query)

    assert [fault.pointer for fault in refusal.value.faults] == [f"/{name}" for name in query]


@pytest.mark.parametrize(
    "place", ["00000000-0000-0000-0000-000000000000", "ffffffff-ffff-8fff-bfff-ffffffffffff"]
)
async def test_any_place_can_be_asked_for(place):
    house, [id] = await furnished(1, seconds=1)

    assert ids_of(await listed(house, after=place)) == ([id] if place < id else [])
    assert ids_of(await listed(house, before=place)) == ([id] if place > id else [])


@pytest.mark.parametrize("id", ["", "x", "0190a000-0000-8000-8000-000000000000", "|", "~"])
async def test_a_receipt_that_is_not_there_is_not_found(id):
    house, _ = await furnished()

    with pytest.raises(NotFound):
        await house.receipt(id)


async def test_a_receipt_is_not_found_from_another_section_or_without_the_right_to_its_event():
    house, [id] = await furnished(1, seconds=1)
    caller = house.caller

    house.caller = replace(caller, events=frozenset({"other.thing"}))
    with pytest.raises(NotFound):
        await house.receipt(id)
    house.caller = replace(caller, section="other")
    with pytest.raises(NotFound):
        await house.receipt(id)


async def test_a_crowd_before_a_silence_is_not_read_whole(monkeypatch):
    monkeypatch.setattr(listing, "MOST_A_WINDOW", 10)
    house, ids = await furnished(300, seconds=1)
    house.clock.pass_(days=3)
    read = []
    summaries = house.line.ledger.summaries

    async def counted(*place):
        found = await summaries(*place)
        read.append(len(found))
        return found

    monkeypatch.setattr(house.line.ledger, "summaries", counted)
    assert ids_of(await listed(house, limit=8)) == ids[:-9:-1]

    assert max(read) <= 10
    # Ids are random in part, and with them where a window ends.
    assert len(read) <= 4 * 50
