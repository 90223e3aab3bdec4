"""What earlier versions have written is taken up: every recording ends with this code as it would have with its own."""

import asyncio
import json
from collections import Counter
from dataclasses import replace

import pytest

from shared import hooks
from shared.errors import Conflict, KeyReused, SignalboxError, Unauthenticated, Unavailable
from shared.messages import SCHEMA
from shared.operations import mend, replay
from shared.sources import Received
from shared.stages.verdict import Accepted
from tests.crash import Fuse, Message, World
from tests.house import body
from tests.operations import wrongs
from tests.upgrade import life
from tests.upgrade.record import lived
from tests.upgrade.recording import FOLDER, Recording, read, write

pytestmark = pytest.mark.slow
PRESENT = "the present code"
RECORDED = sorted(path.stem for path in FOLDER.glob("*.json"))
FIRST = "0.1.0-b9937fe"
LAID_OUT_OTHERWISE = ("people", "consents", "timeline")
"""What the first one wrote of people is not taken up: their layout changed before anything was released."""
WITH_PEOPLE = [name for name in (*RECORDED, PRESENT) if name != FIRST]
STAYS_DEAD = {"unmapped"}
"""Their route cannot turn them into a request, also when they are replayed."""


@pytest.fixture(scope="module")
def present() -> Recording:
    """What this code records of itself."""
    return asyncio.run(lived(PRESENT))


@pytest.fixture(params=[*RECORDED, PRESENT])
def recording(request) -> Recording:
    if request.param == PRESENT:
        mine: Recording = request.getfixturevalue("present")
        return mine
    found = read(FOLDER / f"{request.param}.json")
    tables = {name: rows for name, rows in found.tables.items() if name not in LAID_OUT_OTHERWISE}
    return replace(found, tables=tables) if found.version == FIRST else found


@pytest.fixture
async def world(recording: Recording) -> World:
    """A process of the present code, started on what was recorded, at that moment."""
    world = World(Fuse(), recording.tables)
    world.blobs.blobs = dict(recording.blobs)
    world.bus.messages = [replace(message) for message in recording.messages]
    world.clock.time = recording.at
    key = recording.known["keys"][0][0]
    world.caller = world.house.caller = await world.house.line.keys.authenticate(key)
    return world


def left(world: World) -> list[str]:
    """What is still under way, read from the raw stores."""
    return [
        *(f"on the bus: {message.body}" for message in world.bus.messages),
        *(f"given up: {message.body}" for message in world.bus.dead),
        *(rk for (_, rk), _ in wrongs.raw(world, "events") if rk.startswith(("u|", "w|", "p|"))),
        *(f"due: {rk}" for (pk, rk), _ in wrongs.raw(world, "due") if not pk.startswith("parked|")),
    ]


async def settled(world: World) -> World:
    """Days pass, with ticks and triggers, until nothing is under way any more."""
    still, _ = await world.settle(lambda: left(world))
    assert still == []
    assert [error for error in world.raised if not isinstance(error, Unavailable)] == []
    return world


def deliveries(world: World, id: str) -> dict[str, str]:
    """The states of an event's deliveries by destination, from raw rows."""
    rows = [(rk, row.values) for (_, rk), row in wrongs.raw(world, "receipts") if rk.startswith(f"{id}|")]
    return {
        str(values["destination"]): str(values["status"]) for _, values in rows if "destination" in values
    }


def stored(world: World) -> set[str]:
    return {rk[2:] for (_, rk), _ in wrongs.raw(world, "events") if rk.startswith("e|")}


def sent(world: World) -> Counter[str]:
    """How often each delivery has arrived."""
    return Counter(
        request.headers["webhook-id"] for request, status in world.receiver.requests if status == 200
    )


def ended(recording: Recording) -> set[str]:
    """The deliveries that had arrived before the upgrade."""
    rows = recording.tables["receipts"].items()
    return {rk.replace("|", "_") for (_, rk), row in rows if row.values.get("status") == "delivered"}


def of_status(recording: Recording, *statuses: str) -> dict[str, str]:
    """The events whose receipt is to read so, by name."""
    return {name: id for name, id, status, _ in recording.known["events"] if status in statuses}


async def repeated(world: World, recording: Recording) -> None:
    """Everything that was accepted under a key is sent again: each is answered as the event that it is."""
    before = stored(world)
    for envelope, id in recording.known["repeats"]:
        [told] = await world.house.post_all(envelope)
        assert isinstance(told, Accepted), (envelope, told)
        assert (told.id, told.replayed) == (id, True), envelope
    for hook, headers, raw, id in recording.known["webhooks"]:
        request = Received("POST", f"/v1/hooks/{hook}", headers, raw.encode())
        hooked = await hooks.webhook(world.house.line, hook, request)
        assert isinstance(hooked, hooks.Hooked)
        assert hooked.events, raw
        told = hooked.events[0]
        assert (told.id, told.replayed) == (id, True), raw
    assert stored(world) == before


def test_there_is_a_recording():
    assert RECORDED


async def test_every_event_ends_where_it_should(world, recording):
    await settled(world)

    found = {name: (id, deliveries(world, id)) for name, id, _, _ in recording.known["events"]}
    assert found == {name: (id, ends) for name, id, _, ends in recording.known["events"]}
    receipts = {
        name: (await world.house.receipt(id))["status"] for name, id, _, _ in recording.known["events"]
    }
    assert receipts == {name: status for name, _, status, _ in recording.known["events"]}
    assert list(wrongs.not_listed(world, {})) == []


async def test_what_had_arrived_is_not_sent_again_and_the_rest_arrives(world, recording):
    await settled(world)

    delivered = {
        rk.replace("|", "_")
        for (_, rk), row in wrongs.raw(world, "receipts")
        if row.values.get("status") == "delivered"
    }
    assert ended(recording)
    assert sent(world).keys() & ended(recording) == set()
    assert sent(world).keys() == delivered - ended(recording)


async def test_repeats_are_repeats_at_once_and_after_days(world, recording):
    await repeated(world, recording)
    await settled(world)
    arrived = sent(world)

    await repeated(world, recording)
    await world.pass_(minutes=5)

    assert sent(world) == arrived


async def test_a_known_key_with_another_content_is_refused(world, recording):
    envelope, _ = recording.known["repeats"][0]

    [told] = await world.house.post_all({**envelope, "properties": {"n": "something else"}})

    assert isinstance(told, KeyReused)


async def test_keys_open_or_stay_shut(world, recording):
    for text, opens in recording.known["keys"]:
        try:
            await world.house.line.keys.authenticate(text)
        except Unauthenticated:
            assert not opens, text
        else:
            assert opens, text


async def test_clients_are_registered_or_revoked(world, recording):
    """Recordings of versions without clients know none."""
    listed = await world.house.line.clients.list("demo")

    assert [[one["id"], one["revokedAt"] is None] for one in listed] == recording.known.get("clients", [])


@pytest.mark.parametrize("recording", WITH_PEOPLE, indirect=True)
async def test_people_are_found_by_each_of_their_identifiers(world, recording):
    await settled(world)
    owners: dict[str, str] = {}
    for found, person in recording.known["people"]:
        for kind, value in found.items():
            owners.setdefault(json.dumps({kind: value}), person)
    assert len(set(owners.values())) > 2

    for person, owner in [
        *((json.loads(one), owner) for one, owner in owners.items()),
        *recording.known["people"],
    ]:
        told = await world.house.post_all(
            {"event": "orders.placed", "properties": {"n": "1"}, "person": person}
        )
        await world.work()
        assert (await world.house.receipt(told[0].id))["personId"] == owner, person


@pytest.mark.parametrize("recording", WITH_PEOPLE, indirect=True)
async def test_refusals_hold(world, recording):
    await settled(world)

    for person, ends in recording.known["refused"]:
        told = await world.house.post_all(
            {"event": "orders.placed", "properties": {"n": "1"}, "person": person}
        )
        await world.work()
        assert deliveries(world, told[0].id) == ends, person


@pytest.mark.parametrize("recording", WITH_PEOPLE, indirect=True)
async def test_a_timeline_holds_what_happened_to_a_person(world, recording):
    await settled(world)
    by_name = {name: id for name, id, _, _ in recording.known["events"]}
    person = recording.known["people"][0][1]

    events = await world.house.line.timeline.newest("demo", person, 100)

    assert {one["id"] for one in events} == {by_name[name] for name in ("ada", "ada again", "bob or ada")}


async def test_dead_and_held_deliveries_are_listed_and_replayed(world, recording):
    await settled(world)
    waiting = of_status(recording, "failed", "held")
    listed = await world.house.dead_letters()
    assert {one["event"] for one in listed} == set(waiting.values())

    await resume_all(world)
    for one in listed:
        await replay.dead_letter(world.house.line, "demo", one["id"])
        with pytest.raises(Conflict):
            await replay.dead_letter(world.house.line, "demo", one["id"])
    await settled(world)

    left_dead = {one["event"] for one in await world.house.dead_letters()}
    assert left_dead == {waiting[name] for name in STAYS_DEAD}
    assert {sent(world)[one["id"]] for one in listed if one["event"] not in left_dead} == {1}


async def resume_all(world) -> None:
    """A person lets every destination go on that is paused, or was disabled."""
    for one in await world.house.line.destinations.list("demo"):
        if one["status"] != "active":
            await world.house.line.destinations.set_status("demo", one["id"], "active")


async def test_what_was_parked_goes_on_when_it_is_resumed(world, recording):
    await settled(world)
    parked = [id for _, id, _, ends in recording.known["events"] if ends.get("closed") == "parked"]
    assert parked

    await resume_all(world)
    await settled(world)

    assert {deliveries(world, id)["closed"] for id in parked} == {"delivered"}
    assert wrongs.raw(world, "due") == {}.items()


async def test_kept_webhooks_are_mended_and_replayed_and_a_paused_source_is_resumed(world, recording):
    sources, known = world.house.line.sources, recording.known["kept"]
    assert await kept(world) == {id: cause for id, cause, _ in known}
    types = ("orders/create", "orders/unknown", "orders/undefined", "orders/version")
    meaning = {"event": "orders.placed", "mapping": life.SHOP_MAPPING}
    await sources.set_types("demo", life.SHOP, body(dict.fromkeys(types, meaning)))

    became = {id: await replayed(world, id) for id, cause, _ in known if cause != "paused"}
    await sources.resume("demo", life.TILL)
    await settled(world)

    assert {id for id, event in became.items() if event} == {id for id, _, becomes in known if becomes}
    assert {deliveries(world, event)["crm"] for event in became.values() if event} == {"delivered"}
    stay = {id: cause for id, cause, becomes in known if not becomes and cause != "paused"}
    assert await kept(world) == stay
    assert len(stored(world)) == len(recording.known["events"]) + sum(map(bool, became.values())) + 1


async def kept(world) -> dict[str, str]:
    """What is in quarantine, and why."""
    listed = await world.house.line.quarantine.list("demo", None, 100)
    return {one["id"]: one["cause"] for one in listed}


async def replayed(world, id) -> str:
    """The event that a kept webhook became, or nothing where it still cannot."""
    try:
        return str((await mend.replay(world.house.line, "demo", id))["id"])
    except SignalboxError:
        return ""


async def test_rejected_requests_are_shown(world):
    assert [one["reason"] for one in await world.house.line.rejected.list("demo", life.SHOP)] == ["mismatch"]


async def test_what_is_past_its_retention_is_deleted_and_nothing_else(world, recording):
    await settled(world)
    short = {
        id
        for name, id, _, _ in recording.known["events"]
        if name in ("kept a week", "second version", "refused")
    }
    await world.pass_(days=8)
    assert stored(world) == {id for _, id, _, _ in recording.known["events"]} - short

    for _ in range(2):
        await world.pass_(days=400)
    await resume_all(world)
    await world.pass_(minutes=1)
    assert await world.house.dead_letters() == []

    forever = {id for name, id, _, _ in recording.known["events"] if name == "kept forever"}
    assert {rk for (_, rk), _ in wrongs.raw(world, "events")} == {f"e|{id}" for id in forever}
    assert {rk.split("|")[0] for (_, rk), _ in wrongs.raw(world, "receipts")} == forever
    # With its people left behind, an event of the first that was under way is about somebody new.
    about = () if recording.version == FIRST else ("timeline",)
    for table in (*about, "deadletters", "quarantine", "rejected", "due"):
        assert dict(wrongs.raw(world, table)) == {}, table
    assert world.blobs.blobs == {}
    people = recording.tables.get("people", {})
    assert wrongs.raw(world, "people") >= people.items()


async def test_messages_of_a_newer_version_are_given_up_whole_and_stop_no_other(
    world, recording, monkeypatch
):
    newer = [
        Message("events", json.dumps({"schema": SCHEMA + 1, "section": "demo", "commit": "?"}), None),
        Message("deliveries", json.dumps({"schema": SCHEMA + 1, "section": "demo", "route": "?"}), None),
    ]
    world.bus.messages = [*map(replace, newer), *world.bus.messages]

    await world.settle(lambda: left(world))

    assert [(one.queue, one.body) for one in world.bus.dead] == [(one.queue, one.body) for one in newer]
    assert {type(error) for error in world.raised} == {ValueError}
    found = {name: deliveries(world, id) for name, id, _, _ in recording.known["events"]}
    assert found == {name: ends for name, _, _, ends in recording.known["events"]}


def test_a_recording_is_read_as_it_was_written(present, tmp_path):
    (tmp_path / "it.json").write_text(write(present))

    assert write(read(tmp_path / "it.json")) == write(present)


def test_a_second_recording_is_the_same(present):
    assert write(asyncio.run(lived(PRESENT))) == write(present)
