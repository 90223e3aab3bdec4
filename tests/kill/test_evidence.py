"""The judge of the kill tests: it finds nothing wrong with what is well, and each thing that can be wrong."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.kill.canaries import leaks
from tests.kill.evidence import Evidence, without, wrongs

TOLD = {"one": {"id-1"}, "two": {"id-2"}, "quiet": {"id-3"}}


def request(id: str, key: str, status: int = 200):
    body = json.dumps({"data": {"properties": {"orderId": key}}})
    return {"headers": {"webhook-id": f"{id}_route"}, "status": status, "body": body}


def delivery(id: str, status: str, **more: str):
    return {"RowKey": f"{id}|route", "status": status, "destination": "crm", **more}


WELL = Evidence(
    keys={"id-1": "one", "id-2": "two", "id-3": "quiet"},
    quiet=frozenset({"id-3"}),
    bound=["id-1", "id-2", "id-3"],
    outbox=["w|1|id-1"],
    processed=frozenset({"id-1", "id-2", "id-3"}),
    deliveries=[delivery("id-1", "delivered"), delivery("id-2", "dead")],
    listed=frozenset({"id-2|route"}),
    requests=[request("id-1", "one"), request("id-2", "two", 400)],
)
MORE = {"id-1": "one", "id-2": "two", "id-3": "quiet", "id-4": "four"}
AN_HOUR_HENCE = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
WRONG = {
    "was acknowledged and is not stored": replace(WELL, keys={"id-1": "one", "id-3": "quiet"}),
    "is stored and was never acknowledged": replace(WELL, keys=MORE),
    "stored 2 times": replace(WELL, keys={**MORE, "id-4": "one"}),
    "bound to 0 keys": replace(WELL, bound=["id-1", "id-3"]),
    "bound to 2 keys": replace(WELL, bound=["id-1", "id-1", "id-2", "id-3"]),
    "a key names id-4, which is not there": replace(WELL, bound=[*WELL.bound, "id-4"]),
    "u|id-1 waits to be handed off": replace(WELL, outbox=["u|id-1"]),
    "id-1 is nothing": replace(WELL, deliveries=WELL.deliveries[1:]),
    "id-1 is delivered and dead": replace(WELL, deliveries=[*WELL.deliveries, delivery("id-1", "dead")]),
    "id-1 is sending": replace(WELL, deliveries=[delivery("id-1", "sending"), WELL.deliveries[1]]),
    "id-1 is refused": replace(WELL, deliveries=[delivery("id-1", "refused"), WELL.deliveries[1]]),
    "id-1 has not come to rest": replace(WELL, processed=frozenset({"id-2", "id-3"})),
    "must have none": replace(WELL, deliveries=[*WELL.deliveries, delivery("id-4", "delivered")]),
    "a test and was delivered": replace(WELL, deliveries=[*WELL.deliveries, delivery("id-3", "delivered")]),
    "dead or held and not listed": replace(WELL, listed=frozenset()),
    "listed and neither dead nor held": replace(WELL, listed=frozenset({"id-1|route", "id-2|route"})),
    "marked delivered and was not taken": replace(WELL, requests=[request("id-1", "one", 503)]),
    "taken and is not marked delivered": replace(WELL, requests=[*WELL.requests, request("id-2", "two")]),
    "one was delivered under 2 ids": replace(WELL, requests=[*WELL.requests, request("id-2", "one", 400)]),
}


def test_nothing_is_wrong_with_what_is_well():
    assert wrongs(TOLD, WELL) == []


@pytest.mark.parametrize("told", WRONG)
def test_what_is_wrong_is_found(told):
    assert any(told in wrong for wrong in wrongs(TOLD, WRONG[told])), wrongs(TOLD, WRONG[told])


def test_a_key_that_was_answered_with_two_ids_is_found():
    found = wrongs({**TOLD, "one": {"id-1", "id-2"}}, WELL)

    assert found == ["key one was answered with 2 ids"]


def test_a_retry_that_is_far_off_waits_and_one_that_is_near_is_not_settled():
    far = replace(WELL, deliveries=[delivery("id-1", "retrying", dueAt=AN_HOUR_HENCE), WELL.deliveries[1]])
    now = datetime.now(UTC).isoformat()
    near = replace(WELL, deliveries=[delivery("id-1", "retrying", dueAt=now), WELL.deliveries[1]])

    assert (far.waiting, far.unsettled) == ({"id-1"}, set())
    assert (near.waiting, near.unsettled) == (set(), {"id-1"})


def test_what_the_receiver_had_of_purged_events_is_left_out():
    assert without(WELL, {"id-1"}).requests == WELL.requests[1:]


def test_a_log_that_holds_what_was_sent_is_found_and_one_that_does_not_is_not(tmp_path):
    clean, leaking = tmp_path / "host-0.log", tmp_path / "host-1.log"
    clean.write_text("WARNING left to the sweeper: 1 commits of demo\n")
    leaking.write_text("WARNING no such person: ada@example.com\n")

    assert leaks([clean, leaking], {"an address": "@example.com"}) == ["host-1.log holds an address"]


def test_a_log_without_a_line_proves_nothing(tmp_path):
    (tmp_path / "host-0.log").touch()

    with pytest.raises(AssertionError, match="empty"):
        leaks([tmp_path / "host-0.log"], {})
