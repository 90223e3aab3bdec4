"""The doors that say how a section runs."""

import asyncio
import secrets
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from local.client import Client
from shared.azure.tables import AzureTables
from shared.operations.baseline import same_hours
from shared.operations.roll_up import SETTLED
from shared.stores.alerts import AlertStore
from shared.stores.rollups import HOUR, WHOLE, Hour, Rollups, hour_of
from shared.stores.tally import Tally
from shared.wiring import SPENT_PAUSE_SECONDS
from tests.functions.asking import assert_problem, pointers
from tests.functions.conftest import EVENT, MakeKey, Place
from tests.functions.test_funnel import a_definition, post
from tests.kill.rig import wait_until
from tests.running import Running

SECONDS = 20


def of(listed: list[dict[str, Any]], name: str, value: str) -> dict[str, Any]:
    [found] = [one for one in listed if one[name] == value]
    return found


@pytest.mark.feature("F256")
def test_the_numbers_of_a_dashboard_are_those_of_the_receipts_and_of_the_funnel(
    running: Running, make_key: MakeKey
):
    event, source, person = (
        a_definition(running),
        f"shop-{secrets.token_hex(4)}",
        {"crmId": secrets.token_hex(8)},
    )
    receipts = [
        post(running, event, person=person, source=source),
        post(running, event, person=person, source=source),
        post(running, event, person=person, source="erp"),
        post(running, event, person=person, source=source, test=True),
    ]
    reader = make_key("events:read", events=[event])["key"]

    told = type(running.client).keyed(running.stack.base_url, reader).get("/v1/metrics").doc

    funnel = running.client.get(f"/v1/definitions/{event}/funnel").doc
    stages = {one["stage"]: one["count"] for one in funnel["stages"]}
    [definition] = told["definitions"]
    assert (definition["received"], definition["outcomes"]["delivered"], definition["tests"]) == (3, 3, 1)
    assert (stages["received"], stages["delivered"], funnel["tests"]) == (3, 3, 1)
    assert {one["source"]: one["received"] for one in told["sources"]} == {source: 2, "erp": 1}
    assert told["total"]["latency"]["count"] == 3
    sent = [way for receipt in receipts for way in receipt["deliveries"]]
    for one in funnel["destinations"]:
        way = of(told["destinations"], "destination", one["destination"])
        assert (way["deliveries"], way["outcomes"]["delivered"]) == (one["deliveries"], one["delivered"])
        mine = [each for each in sent if each["destination"] == one["destination"]]
        assert way["deliveries"] == len(mine)
        assert way["outcomes"]["failed"] == sum(each["status"] == "dead" for each in mine)
        assert way["answerTime"]["count"] == way["outcomes"]["delivered"]


def test_the_whole_section_is_told_to_whoever_may_see_all_of_it(running: Running):
    event = a_definition(running)
    post(running, event, person={"crmId": "x"}, source="erp")

    told = running.client.get("/v1/metrics?limit=100&step=day").doc

    assert of(told["definitions"], "event", event)["received"] == 1
    assert told["total"]["waiting"]["dead"] >= 1
    for outcome, count in told["total"]["outcomes"].items():
        assert sum(one["outcomes"][outcome] for one in told["sources"]) == count
        assert sum(one["outcomes"][outcome] for one in told["parts"]) == count


def test_a_stranger_is_told_nothing_of_what_came_here(running: Running, stranger: Place):
    running.post_order()

    told = stranger.client.get("/v1/metrics").doc

    assert (told["total"]["received"], told["definitions"], told["destinations"]) == (0, [], [])


@pytest.mark.feature("F308")
def test_usage_is_told_by_source_and_day_and_a_quota_of_which_80_percent_went_is_told_of(
    running: Running, silent: Place
):
    client, source = silent.client, f"shop-{secrets.token_hex(4)}"
    wanted = {"url": "https://hooks.example.com/quotas", "events": ["quota.nearly-used"]}
    assert client.post("/v1/subscriptions", wanted).status == 201
    made = client.post(
        "/v1/keys", {"name": "shop", "source": source, "scopes": ["events:write"], "perMinute": 10}
    )
    shop = Client.keyed(running.stack.base_url, made.doc["key"])
    event = {"event": EVENT, "properties": {"text": "x", "decimal": 1.5}}
    statuses = [shop.post("/v1/events", {**event, "id": f"{source}-{n}"}).status for n in range(11)]

    def mine() -> dict[str, Any]:
        quotas = {one["id"]: one for one in client.get("/v1/usage").doc["quotas"]}
        found: dict[str, Any] = quotas.get(made.doc["id"], {"used": 0})
        return found

    wait_until(lambda: mine()["used"] == 10, "what was taken to be written", SPENT_PAUSE_SECONDS + SECONDS)
    deployment = Client.keyed(running.stack.base_url, running.deployment_key)
    assert deployment.post("/v1/tick").doc["alert"]["nearlyUsed"] >= 1
    deployment.post("/v1/tick")
    told = [one["event"] for one in client.get("/v1/events?limit=100").doc["events"]]
    day = client.get("/v1/usage").doc["days"][-1]

    assert statuses == [202] * 10 + [429]
    assert (mine()["perMinute"], mine()["refused"], mine()["fullestMinute"]["share"]) == (10, 1, 1.0)
    assert of(day["sources"], "source", source)["events"] == 10
    assert told.count("quota.nearly-used") == 1


@pytest.mark.feature("F254")
def test_a_sender_that_stops_is_told_of_once_and_once_more_when_it_is_back(running: Running, silent: Place):
    """The weeks before are laid down as their roll-ups would have."""
    client, last = silent.client, hour_of(datetime.now(UTC) - SETTLED) - HOUR
    same = [one for back in (0, 1) for one in same_hours(last - HOUR * back, ZoneInfo("Europe/Stockholm"))]
    wanted = {"url": "https://hooks.example.com/volumes", "events": ["volume.silent", "volume.resolved"]}
    assert client.post("/v1/subscriptions", wanted).status == 201
    asyncio.run(lay_down(silent, last - HOUR * 2, {**dict.fromkeys(same, 100), last - HOUR: 0}))
    deployment = Client.keyed(running.stack.base_url, running.deployment_key)

    def told() -> list[str]:
        """What is told until a tick has nothing new."""
        assert "stopped" not in deployment.post("/v1/tick").doc["alert"]
        events = client.get("/v1/events?limit=100").doc["events"]
        return sorted(one["event"] for one in events if one["event"].startswith("volume."))

    begun = [told() for _ in range(2)]
    alerts = client.get("/v1/metrics").doc["alerts"]
    asyncio.run(lay_down(silent, None, {last: 100}))
    over = [told() for _ in range(2)]

    assert begun == [["volume.silent"] * 2] * 2
    assert {(one["was"], one["of"], one["name"]) for one in alerts} == {
        ("silent", "definition", EVENT),
        ("silent", "source", "tests"),
    }
    assert over == [["volume.resolved"] * 2 + ["volume.silent"] * 2] * 2
    assert client.get("/v1/metrics").doc["alerts"] == []


async def lay_down(at: Place, up_to: datetime | None, volumes: Mapping[datetime, int]) -> None:
    """So many events of one definition and source in each hour, all hours up to one looked at already."""
    async with AzureTables(at.connection) as tables:
        rollups = Rollups(tables)
        for begin, came in volumes.items():
            tally = Tally(came=Counter({("tests", "nowhere"): came} if came else {}))
            hour = Hour(begin, begin + HOUR, stored={EVENT: came}, arrived={EVENT: came})
            await rollups.save(at.section, hour, {EVENT: tally, WHOLE: tally})
        if up_to is not None:
            store = AlertStore(tables)
            await store.save(at.section, replace(await store.read(at.section), up_to=up_to, there={}))


def test_metrics_need_the_right_to_read_events(running: Running, make_key: MakeKey):
    writer = make_key("events:write")["key"]

    refused = type(running.client).keyed(running.stack.base_url, writer).get("/v1/metrics")

    assert_problem(refused, 403, "forbidden")


def test_a_time_or_a_page_that_cannot_be_had_is_refused(running: Running):
    for query, where in (("limit=0", "/limit"), ("since=yesterday", "/since"), ("step=week", "/step")):
        answer = running.client.get(f"/v1/metrics?{query}")
        assert_problem(answer, 422, "invalid")
        assert pointers(answer) == [where]
