"""The doors of people and their consent."""

import secrets
from typing import Any

import pytest

from tests.functions.asking import assert_problem, pointers
from tests.running import Running


def somebody() -> str:
    return f"somebody-{secrets.token_hex(6)}@example.com"


def processed(running: Running, email: str, **changes: Any) -> dict[str, Any]:
    """The receipt of an order of this person, once it has been processed."""
    answer = running.post_order(**{"person": {"email": email}, **changes})
    receipt: dict[str, Any] = running.client.receipt(
        answer.doc["id"], lambda doc: doc["status"] not in ("accepted", "delivering")
    )
    return receipt


@pytest.mark.feature("F166")
def test_a_person_is_read_with_what_happened_to_them_newest_first(running: Running):
    email = somebody()
    later = processed(running, f" {email.upper()} ", occurredAt="2026-02-01T00:00:00Z")
    earlier = processed(running, email, occurredAt="2026-01-01T00:00:00+01:00")

    person = running.client.get(f"/v1/people/{later['personId']}")
    timeline = running.client.get(f"/v1/people/{later['personId']}/timeline")

    assert (person.status, person.doc["id"]) == (200, earlier["personId"])
    assert person.doc["identifiers"] == [{"kind": "email", "value": email}]
    assert timeline.status == 200
    assert [one["id"] for one in timeline.doc["events"]] == [later["id"], earlier["id"]]


@pytest.mark.feature("F276")
def test_two_people_who_share_a_device_stay_two_and_the_receipt_says_so(running: Running):
    device, ada, bob = secrets.token_hex(8), somebody(), somebody()
    first = processed(running, ada, person={"email": ada, "deviceId": device})

    second = processed(running, bob, person={"email": bob, "deviceId": device})

    [step] = [one for one in second["steps"] if one["name"] == "resolve"]
    assert second["personId"] != first["personId"]
    assert (step["outcome"], "belong to somebody else" in step["detail"]) == ("created", True)
    known = running.client.get(f"/v1/people/{first['personId']}").doc["identifiers"]
    assert {one["value"] for one in known} == {ada, device}


@pytest.mark.parametrize("path", ["/v1/people/nobody", "/v1/people/nobody/timeline"])
def test_somebody_who_does_not_exist_is_not_found(running: Running, path: str):
    assert_problem(running.client.get(path), 404, "not-found")


def test_an_address_that_opted_out_is_refused_until_it_opts_in_again(running: Running):
    email = somebody()
    consent = {"email": email, "purpose": "marketing", "reason": "asked for it"}

    out = running.client.post("/v1/consents", {**consent, "state": "opted_out"})
    refused = processed(running, email)
    into = running.client.post("/v1/consents", {**consent, "state": "opted_in"})
    passed = processed(running, email)

    assert (out.status, out.doc["state"]) == (200, "opted_out")
    assert email not in str(out.doc)
    assert (refused["status"], refused["deliveries"][0]["cause"]) == ("refused", "opted_out")
    assert (into.status, passed["status"]) == (200, "delivered")


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"email": None}, [""]),
        ({"mobile": "+46701740605"}, [""]),
        ({"email": "ada lovelace"}, ["/email"]),
        ({"email": 5}, ["/email"]),
        ({"state": "unsure"}, ["/state"]),
        ({"purpose": "Two Words"}, ["/purpose"]),
        ({"purpose": None, "state": None}, ["/purpose", "/state"]),
        ({"reason": "x" * 201}, ["/reason"]),
        ({"person": {"email": "ada@example.com"}}, ["/person"]),
    ],
)
def test_a_consent_that_cannot_be_meant_is_refused(
    running: Running, changes: dict[str, Any], where: list[str]
):
    consent = {"email": somebody(), "purpose": "marketing", "state": "opted_out", **changes}

    answer = running.client.post("/v1/consents", consent)

    assert_problem(answer, 422, "invalid")
    assert pointers(answer) == where
    assert "lovelace" not in str(answer.doc)


def received(running: Running, **person: Any) -> dict[str, Any]:
    """The receipt of an order of whoever has these identifiers, once it has been processed."""
    answer = running.post_order(person=person or None)
    receipt: dict[str, Any] = running.client.receipt(
        answer.doc["id"], lambda doc: doc["status"] not in ("accepted", "delivering")
    )
    return receipt


def resolved(receipt: dict[str, Any]) -> dict[str, Any]:
    [step] = [one for one in receipt["steps"] if one["name"] == "resolve"]
    return dict(step)


@pytest.mark.feature("F163", "F169")
@pytest.mark.parametrize(
    ("person", "reason"),
    [
        ({"email": "found-by@example.com", "deviceId": "found-by"}, "by_email"),
        ({"mobile": "070-123 45 67"}, "by_mobile"),
        ({"deviceId": "found-by-device"}, "by_deviceId"),
        ({}, "no_identifier"),
        ({"crmId": "null"}, "no_identifier"),
        ({"externalIds": {"erp": "0"}}, "no_identifier"),
    ],
)
def test_every_event_has_its_person_or_says_why_it_has_none(
    running: Running, person: dict[str, Any], reason: str
):
    receipt = received(running, **person)

    step = resolved(receipt)
    assert step["reason"] == reason
    assert (
        (receipt.get("personId") is None) == (step["outcome"] == "unresolved") == (reason == "no_identifier")
    )


@pytest.mark.feature("F275")
@pytest.mark.parametrize("value", ["anonymous", "NULL", "0-0", "-1"])
def test_a_value_that_stands_for_nobody_makes_two_people_no_one(running: Running, value: str):
    one, two = (received(running, email=somebody(), crmId=value, deviceId=value) for _ in range(2))

    assert one["personId"] != two["personId"]
    assert [resolved(receipt)["outcome"] for receipt in (one, two)] == ["created", "created"]
