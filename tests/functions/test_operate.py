"""The doors of operators: receipts, events newest first, dead letters and their replay."""

import json
import secrets
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from local.client import Response
from local.took import taken
from tests.functions.asking import Storage, assert_problem
from tests.functions.conftest import Place
from tests.kill.rewind import lose_retry, make_due
from tests.receiving import receiver
from tests.running import Running, order

FAR = "ffffffff-ffff-8000-8000-000000000000"
EARLY = "00000000-0000-8000-8000-000000000000"


@pytest.fixture(scope="session")
def dead(running: Running) -> tuple[str, dict[str, Any]]:
    """The URL of a destination that refuses, and the receipt of an event that ended there."""
    url = f"{running.stack.receiver_url}/bad/{secrets.token_hex(4)}"
    answer = sent_to(running, url)
    receipt = running.client.receipt(answer.doc["id"], lambda doc: doc["status"] == "failed")
    return url, receipt


def sent_to(running: Running, url: str) -> Response:
    """The answer to an event that goes to a destination at this URL, made for it."""
    event, name = f"tests.sent-{secrets.token_hex(4)}", f"place-{secrets.token_hex(4)}"
    about = {
        "title": "Sent",
        "description": "Goes to one place.",
        "purpose": "marketing",
        "retentionDays": 30,
    }
    settings = {"url": url, "timeoutSeconds": 5}
    running.operator.post("/v1/definitions", {"event": event, **about, "fields": []})
    running.operator.post("/v1/destinations", {"name": name, "kind": "webhook", "settings": settings})
    running.operator.post("/v1/routes", {"event": event, "destination": name})
    return running.client.post("/v1/events", {"event": event})


def test_a_receipt_tells_each_step_and_each_attempt(running: Running):
    answer = running.post_order()
    receipt = running.client.receipt(answer.doc["id"], lambda doc: doc["status"] == "delivered")

    assert [step["name"] for step in receipt["steps"]] == ["record", "resolve", "consent", "route"]
    [delivery] = receipt["deliveries"]
    assert (delivery["destination"], delivery["status"]) == ("journeys", "delivered")
    assert [attempt["statusCode"] for attempt in delivery["attempts"]] == [200]
    assert receipt["deduplicated"] is True


@pytest.mark.parametrize("id", [FAR, EARLY, "1", "01a2033D-2f27-8000-bd1f-8d9dc3752380"])
def test_an_event_that_does_not_exist_is_not_found(running: Running, id: str):
    assert_problem(running.client.get(f"/v1/events/{id}"), 404, "not-found")


def test_events_are_listed_newest_first_and_page_by_page(running: Running):
    posted = [running.post_order(test=True).doc["id"] for _ in range(5)]

    first = running.client.get("/v1/events?limit=2").doc["events"]
    second = running.client.get(f"/v1/events?limit=3&before={first[-1]['id']}").doc["events"]

    assert [one["id"] for one in [*first, *second]] == sorted(posted, reverse=True)
    assert "person" not in first[0]


def test_a_follower_sees_every_event_that_comes(running: Running):
    start = running.post_order(test=True).doc["id"]
    later = [running.post_order(test=True).doc["id"] for _ in range(3)]

    page = running.client.get(f"/v1/events?after={start}").doc

    assert [one["id"] for one in page["events"]] == sorted(later, reverse=True)
    assert page["next"] >= start


def test_a_page_from_beyond_all_time_begins_now_or_is_empty(running: Running):
    newest = running.post_order(test=True).doc["id"]

    assert running.client.get(f"/v1/events?limit=1&before={FAR}").doc["events"][0]["id"] == newest
    assert running.client.get(f"/v1/events?before={EARLY}").doc["events"] == []
    assert running.client.get(f"/v1/events?after={FAR}").doc["events"] == []


def test_a_section_without_events_lists_none_and_can_be_followed(quiet: Place):
    page = quiet.client.get("/v1/events").doc
    following = quiet.client.get(f"/v1/events?after={page['next']}")

    assert page["events"] == []
    assert (following.status, following.doc["events"]) == (200, [])


@pytest.mark.feature("F124")
def test_a_dead_letter_is_listed_by_its_cause_and_replayed_once_it_can_go(
    running: Running, dead: tuple[str, dict[str, Any]]
):
    url, receipt = dead
    [delivery] = receipt["deliveries"]
    listed = running.client.get(f"/v1/dead-letters?limit=100&cause={delivery['cause']}").doc["deadLetters"]
    control(running, url, 200)

    replayed = running.client.post(f"/v1/dead-letters/{delivery['id']}/replay")
    ended = running.client.receipt(receipt["id"], lambda doc: doc["status"] == "delivered")
    again = running.client.post(f"/v1/dead-letters/{delivery['id']}/replay")
    left = running.client.get("/v1/dead-letters?limit=100").doc["deadLetters"]

    assert delivery["id"] in [one["id"] for one in listed]
    assert replayed.status == 202
    assert (ended["status"], ended["deliveries"][0]["replays"]) == ("delivered", 1)
    assert_problem(again, 409, "conflict")
    assert delivery["id"] not in [one["id"] for one in left]


@pytest.mark.parametrize("door", ["quarantine", "dead-letters"])
def test_an_unknown_cause_is_answered_with_the_known_ones(running: Running, door: str):
    answer = running.client.get(f"/v1/{door}?cause=bad-luck")

    assert_problem(answer, 404, "not-found")
    assert "Use one of: " in answer.doc["detail"]


@pytest.mark.parametrize("suffix", ["", "_", "_!", "_rt", "_rt0000000000000000", "|", "_%7C"])
def test_what_is_no_delivery_cannot_be_replayed(running: Running, suffix: str):
    def replay(answer: Response) -> Response:
        return running.client.post(f"/v1/dead-letters/{answer.doc['id']}{suffix}/replay")

    answer = running.client.post("/v1/events", order())
    running.client.receipt(answer.doc["id"], lambda doc: doc["status"] == "delivered")

    assert_problem(replay(answer), 404, "not-found")


def control(running: Running, url: str, status: int) -> None:
    """Make the receiver answer otherwise from now on."""
    body = json.dumps({"path": url.removeprefix(running.stack.receiver_url), "status": status}).encode()
    urllib.request.urlopen(running.stack.receiver_url + "/control", body, timeout=5).close()  # noqa: S310


@pytest.mark.slow
@pytest.mark.feature("F124")
def test_what_failed_three_times_is_delivered_the_fourth(running: Running):
    url = f"{running.stack.receiver_url}/thrice/{secrets.token_hex(4)}"
    control(running, url, 503)
    id = sent_to(running, url).doc["id"]

    failed = [attempts(running, id, number) for number in (2, 3)]
    control(running, url, 200)
    delivered = attempts(running, id, 4)

    assert [doc["status"] for doc in (*failed, delivered)] == ["delivering", "delivering", "delivered"]
    [delivery] = delivered["deliveries"]
    assert [attempt["statusCode"] for attempt in delivery["attempts"]] == [503, 503, 503, 200]
    assert len(running.received(delivery["id"])) == 4


def attempts(running: Running, id: str, number: int) -> dict[str, Any]:
    """The receipt once so many attempts were made. The first retry comes by itself, for later ones time is let pass.

    The third lies on the bus and the fourth in a table, a moment after the receipt says that they are to come.
    """
    hasten = {3: lose_retry, 4: make_due}.get(number)
    doc: dict[str, Any] = {}
    for _ in range(10):
        if hasten:
            hasten(Storage.of(running), id)
            assert running.operator.post("/v1/tick").status == 200
        doc = running.client.receipt(id, lambda doc: tried(doc) == number, seconds=10)
        if tried(doc) == number:
            break
    assert tried(doc) == number
    return doc


def tried(doc: dict[str, Any]) -> int:
    return sum(len(one["attempts"]) for one in doc["deliveries"])


def test_many_dead_letters_are_counted_and_started_anew_at_a_pace(running: Running):
    name = f"many-{secrets.token_hex(6)}"
    settings = {"url": f"{running.stack.receiver_url}/bad/{name}", "timeoutSeconds": 5}
    running.operator.post("/v1/destinations", {"name": name, "kind": "webhook", "settings": settings})
    made = running.operator.post("/v1/routes", {"event": order()["event"], "destination": name}).doc
    ids = [running.post_order().doc["id"] for _ in range(3)]
    for id in ids:
        running.client.receipt(id, lambda doc: doc["status"] == "failed")
    running.operator.post(f"/v1/routes/{made['id']}/pause")

    counted = running.operator.post("/v1/replays/try", {"destination": name}).doc
    begun = running.operator.post("/v1/replays", {"filter": {"destination": name}, "perMinute": 2})
    stopped = running.operator.post(f"{begun.headers['location']}/stop")
    resumed = running.operator.post(f"{begun.headers['location']}/resume")

    assert counted["count"] >= len(ids) <= len(counted["samples"])
    assert (begun.status, begun.doc["status"], begun.doc["replayed"]) == (201, "running", 2)
    assert (stopped.doc["status"], resumed.doc["status"]) == ("stopped", "running")
    assert begun.doc["id"] in [one["id"] for one in running.operator.get("/v1/replays").doc["replays"]]
    running.operator.post(f"{begun.headers['location']}/stop")


def test_a_replay_that_is_not_there_is_not_found(running: Running):
    assert_problem(running.operator.get("/v1/replays/nothing"), 404, "not-found")
    assert_problem(running.operator.post("/v1/replays/nothing/stop"), 404, "not-found")


@pytest.mark.slow
@pytest.mark.feature("F124")
def test_a_dead_letter_is_read_its_mapping_mended_and_previewed_and_it_is_delivered(running: Running):
    """At the stand-in for rows of Dataverse, which has no such column as the first mapping names."""
    table = f"{running.stack.receiver_url}/dataverse_row"
    name, event = f"rows-{secrets.token_hex(4)}", f"tests.row-{secrets.token_hex(4)}"
    settings = {
        "organization": table,
        "authority": table,
        "table": "contoso_orders",
        "tenantId": "11111111-1111-4111-8111-111111111111",
        "clientId": "22222222-2222-4222-8222-222222222222",
    }
    fields = [{"name": "number", "type": "text", "description": "The order's number"}]
    about = {"title": "Row", "description": "One.", "purpose": "marketing", "retentionDays": 30}
    running.operator.post("/v1/definitions", {"event": event, **about, "fields": fields})
    made = running.operator.post(
        "/v1/destinations",
        {"name": name, "kind": "dataverse_row", "settings": settings, "secrets": {"clientSecret": "s3cr3t"}},
    )
    assert made.status == 201, made.doc
    wrong = {"contoso_unknown": "properties.number", "contoso_mail": "person.email"}
    route = running.operator.post("/v1/routes", {"event": event, "destination": name, "mapping": wrong}).doc
    posted = {"event": event, "person": {"email": "ada@example.com"}, "properties": {"number": "A-17733"}}
    id = running.client.post("/v1/events", posted).doc["id"]
    running.client.receipt(id, lambda doc: doc["status"] == "failed")
    path = f"/v1/dead-letters/{id}_{route['id']}"

    letter = running.client.get(path)
    right = {"contoso_number": "properties.number", "contoso_mail": "person.email"}
    changed = running.operator.put(f"/v1/routes/{route['id']}", {"mapping": right})
    tried = {"event": event, "destination": name, "mapping": right}
    previewed = running.operator.post("/v1/routes/try", {"route": tried, "event": posted}).doc
    mended = running.client.get(path).doc
    replayed = running.client.post(f"{path}/replay")
    ended = running.client.receipt(id, lambda doc: doc["status"] == "delivered")

    assert (letter.status, letter.doc["cause"], letter.doc["comparedWithLast"]) == (200, "rejected", "same")
    assert "contoso_unknown" in letter.doc["attempts"][0]["answer"]
    # The key may read events.
    assert json.loads(letter.doc["request"]["body"])["contoso_unknown"] == "A-17733"
    assert "ada@example.com" not in str(letter.doc)
    assert "authorization" in letter.doc["request"]["headers"]
    assert "s3cr3t" not in str(letter.doc)
    assert (changed.status, mended["comparedWithLast"]) == (200, "changed")
    assert json.loads(previewed["request"]["body"])["contoso_number"] == "A-17733"
    assert json.loads(mended["request"]["body"])["contoso_number"] == "A-17733"
    assert (replayed.status, ended["deliveries"][0]["replays"]) == (202, 1)
    assert_problem(running.client.get(path), 404, "not-found")


def test_dead_letters_are_counted_by_cause_and_destination(running: Running):
    id = sent_to(running, f"{running.stack.receiver_url}/bad/{secrets.token_hex(4)}").doc["id"]
    [delivery] = running.client.receipt(id, lambda doc: doc["status"] == "failed")["deliveries"]

    groups = running.client.get("/v1/dead-letter-groups").doc["groups"]

    [own] = [one for one in groups if one["destination"] == delivery["destination"]]
    assert (own["cause"], own["count"]) == ("rejected", 1)
    assert own["reason"].startswith("The destination refused the event.")


@pytest.mark.slow
def test_a_receiver_that_drops_what_it_knows_takes_a_replay_of_what_was_delivered(
    running: Running, tmp_path: Path
):
    with receiver(tmp_path) as url:
        id = sent_to(running, f"{url}/ok").doc["id"]
        [delivery] = running.client.receipt(id, lambda doc: doc["status"] == "delivered")["deliveries"]
        chosen = {
            "status": "delivered",
            "destination": delivery["destination"],
            "since": "2026-01-01T00:00:00Z",
        }
        counted = running.operator.post("/v1/replays/try", chosen).doc
        same = replayed(running, id, {"filter": chosen, "as": "same"}, 1)
        new = replayed(running, id, {"filter": chosen}, 2)

    requests = [json.loads(line) for line in (tmp_path / "had.jsonl").read_text().splitlines()]
    assert (counted["count"], counted["samples"][0]["id"]) == (1, delivery["id"])
    assert [one["headers"]["webhook-id"] for one in requests] == [
        delivery["id"], delivery["id"], f"{delivery['id']}_r2",
    ]  # fmt: skip
    assert [line["id"] for line in taken(tmp_path / "took", "webhook")] == [
        delivery["id"],
        f"{delivery['id']}_r2",
    ]
    assert (same["sentAs"], same["replays"], new["sentAs"], new["replays"]) == (
        delivery["id"], 1, f"{delivery['id']}_r2", 2,
    )  # fmt: skip


def replayed(running: Running, id: str, wanted: dict[str, Any], number: int) -> dict[str, Any]:
    """The event's one delivery, after a replay of it has ended."""
    begun = running.operator.post("/v1/replays", wanted)
    assert (begun.status, begun.doc["status"], begun.doc["replayed"]) == (201, "done", 1), begun.doc
    receipt = running.client.receipt(
        id, lambda doc: doc["status"] == "delivered" and doc["deliveries"][0]["replays"] == number
    )
    one: dict[str, Any] = receipt["deliveries"][0]
    return one


def test_a_replay_of_what_was_delivered_has_to_say_from_when_on(running: Running):
    for path, body, where in (
        ("/v1/replays/try", {"status": "delivered"}, "/since"),
        ("/v1/replays", {"filter": {"status": "refused"}}, "/filter/since"),
    ):
        answer = running.operator.post(path, body)

        assert_problem(answer, 422, "invalid")
        assert [error["pointer"] for error in answer.doc["errors"]] == [where]
