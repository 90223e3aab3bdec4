"""The doors that say that somebody is in, and whether events can be taken in."""

from dataclasses import replace
from typing import Any, get_args

import pytest

from functions.calls import Call
from functions.health import read_readiness
from functions.replies import Reply
from local.client import Client
from shared.access.tokens import RANDOM_BYTES
from shared.errors import Fault, Unavailable
from shared.probe import NEEDED, Found, Part
from shared.sources import Received
from tests.functions.asking import assert_problem
from tests.functions.conftest import MakeKey
from tests.house import House, body, build
from tests.kill.rig import wait_until
from tests.running import Running

SECONDS = 20
OPERATOR = body({"name": "ops", "source": "ops", "scopes": ["operate"]})


def test_anybody_may_ask_whether_the_instance_is_alive(running: Running):
    answer = running.anonymous.get("/health/live")

    assert (answer.status, answer.doc) == (200, {"status": "alive"})


def test_it_tells_a_stranger_nothing_else(running: Running):
    answer = running.anonymous.get("/health/live?verbose=1")

    assert answer.doc == {"status": "alive"}
    assert not {"server", "x-powered-by"} & set(answer.headers)


def test_anybody_may_ask_whether_events_can_be_taken_in_and_learns_no_more(running: Running):
    answer = running.anonymous.get("/health/ready")

    assert (answer.status, answer.doc) == (200, {"status": "ready"})


@pytest.mark.feature("F259")
def test_whoever_operates_is_told_how_each_part_stands(running: Running):
    deployment = Client.keyed(running.stack.base_url, running.deployment_key)
    deployment.post("/v1/tick")

    def told() -> dict[str, Any]:
        doc: dict[str, Any] = running.operator.get("/health/ready").doc
        return {one["name"]: one for one in doc["dependencies"]}

    wait_until(lambda: told()["tick"]["ready"], "what was found before the tick to be forgotten", SECONDS)
    parts = told()
    assert set(parts) == {"tables", "masterKeys", "blobs", "bus", "tick"}
    assert all(one["ready"] and one["detail"] is None for one in parts.values())
    assert all(0 <= one["milliseconds"] < 3_000 for one in parts.values())
    assert running.operator.get("/health/ready").doc["status"] == "ready"


def test_a_credential_that_is_good_for_nothing_here_is_refused(running: Running, make_key: MakeKey):
    reader = Client.keyed(running.stack.base_url, make_key("events:read")["key"])

    assert_problem(reader.get("/health/ready"), 403, "forbidden")
    wrong = Client.keyed(running.stack.base_url, "sbx_wrong")
    assert_problem(wrong.get("/health/ready"), 401, "unauthenticated")


async def readiness(house: House, *away: str, key: str = "") -> Reply:
    """What is answered while some parts are away."""

    async def look() -> list[Found]:
        return [
            Found(part, is_there=part not in away, milliseconds=1, detail=f"{part} of store.example.com")
            if part in away
            else Found(part, is_there=True, milliseconds=1)
            for part in get_args(Part)
        ]

    probe = type("Played", (), {"look": staticmethod(look)})()
    headers = {"authorization": f"Bearer {key}"} if key else {}
    received = Received("GET", "https://app.example.com/health/ready", headers, b"")
    return await read_readiness(Call(replace(house.line, probe=probe), received, {}, {}))


async def operator(house: House) -> str:
    made: str = (await house.line.keys.create("demo", OPERATOR, b"o" * RANDOM_BYTES))["key"]
    return made


@pytest.mark.parametrize("part", get_args(Part))
async def test_without_what_is_needed_nothing_is_ready_and_without_the_rest_it_is_degraded(part: str):
    house = await build().furnish()
    key = await operator(house)

    if part in NEEDED:
        with pytest.raises(Unavailable) as refused:
            await readiness(house, part, key=key)
        assert refused.value.faults == (Fault(f"/{part}", f"{part} of store.example.com"),)
        return
    told: Any = (await readiness(house, part, key=key)).doc
    assert told["status"] == "degraded"
    assert [one["name"] for one in told["dependencies"] if not one["ready"]] == [part]
    assert (await readiness(house, part)).doc == {"status": "ready"}


async def test_a_stranger_is_not_told_what_is_away():
    house = await build().furnish()

    with pytest.raises(Unavailable) as refused:
        await readiness(house, "tables", "bus")

    assert refused.value.faults == ()
    assert "example.com" not in refused.value.detail
