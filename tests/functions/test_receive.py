"""The door of one event: it is taken in once, and its numbers stay as they were written."""

import json
import secrets
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from local.client import Client, Response
from shared import times
from tests.functions.asking import ask, assert_problem, pointers, text_of
from tests.functions.conftest import MakeKey
from tests.running import Running, order

ORDER = "transactions.order-placed"
AT_ONCE = 20


def keyed(client: Client, header: str | None, **changes: Any) -> Response:
    """Post an order under a key in the header; `id=None` leaves its own id out."""
    body = {name: value for name, value in order(**changes).items() if value is not None}
    headers = {} if header is None else {"Idempotency_Key": header}
    return client.post("/v1/events", body, **headers)


def told(answer: Response) -> tuple[int, str | None, str | None]:
    """Status, id, and whether it is a repeat."""
    return answer.status, answer.doc.get("id"), answer.headers.get("idempotency-replayed")


def fresh() -> str:
    return f"key-{secrets.token_hex(8)}"


@pytest.mark.parametrize(
    "number",
    [
        "42.50",
        "0.1",
        "-0",
        "-0.0",
        "1e2",
        "1E+2",
        "1.0e-7",
        "100.00",
        "9007199254740993",
        "12345678901234567890.12",
        "12345678901234567890123456789012345678",
        "0.00000000000000000000000000000000000001",
        "1e308",
    ],
)
def test_the_text_of_a_number_reaches_receipt_and_destination_unchanged(running: Running, number: str):
    body = b'{"event":"%s","properties":{"orderId":"7","totalValue":%s}}' % (ORDER.encode(), number.encode())

    answer = running.client.send("POST", "/v1/events", body)
    receipt = running.client.receipt(answer.doc["id"], lambda doc: doc["status"] == "delivered")

    assert answer.status == 202
    [request] = running.received(receipt["deliveries"][0]["id"])
    assert f'"totalValue":{number}}}' in request["body"]
    assert f'"totalValue":{number}}}' in text_of(running.client, answer.doc["receipt"])


@pytest.mark.feature("F110")
def test_an_accepted_event_says_what_it_became_and_where_its_receipt_is(running: Running):
    answer = running.post_order()

    assert answer.status == 202
    assert answer.headers["content-type"] == "application/json"
    assert set(answer.doc) == {"id", "status", "event", "version", "receipt"}
    assert (answer.doc["status"], answer.doc["event"]) == ("accepted", ORDER)
    assert running.client.get(answer.doc["receipt"]).doc["id"] == answer.doc["id"]


def test_text_outside_ascii_arrives_as_it_was_sent(running: Running):
    name = 'Åsa 🦊 \u2028 日本語 \x7f \\ " /'
    properties = {"orderId": name, "totalValue": 1}

    answer = running.post_order(properties=properties, source=name)
    receipt = running.client.receipt(answer.doc["id"], lambda doc: doc["status"] == "delivered")

    assert (receipt["properties"], receipt["source"]) == (properties, name)
    [request] = running.received(receipt["deliveries"][0]["id"])
    assert json.loads(request["body"])["data"]["properties"]["orderId"] == name


def test_a_body_may_come_as_gzip(running: Running):
    import gzip

    body = gzip.compress(json.dumps(order()).encode())

    assert ask(running.client, "POST", "/v1/events", body, Content_Encoding="GZIP").status == 202


@pytest.mark.parametrize(
    ("header", "id"),
    [("{key}", None), ('"{key}"', None), (None, "{key}"), ("{key}", "{key}"), ('"{key}"', "{key}")],
)
@pytest.mark.feature("F123")
def test_an_event_is_taken_once_however_its_key_is_sent(running: Running, header: str | None, id: str | None):
    key = fresh()
    again = [None if one is None else one.format(key=key) for one in (header, id)]

    first = keyed(running.client, None, id=key)
    second = keyed(running.client, again[0], id=again[1])

    assert told(first) == (202, first.doc["id"], None)
    assert told(second) == (202, first.doc["id"], "true")
    assert second.doc == first.doc


def test_a_quote_in_a_quoted_key_is_escaped(running: Running):
    key = fresh()

    first = keyed(running.client, None, id=f'a"b\\{key}')
    second = keyed(running.client, f'"a\\"b\\\\{key}"', id=None)

    assert told(second) == (202, first.doc["id"], "true")


def test_a_header_and_an_id_that_differ_are_refused(running: Running):
    assert_problem(keyed(running.client, fresh(), id=fresh()), 400, "idempotency-keys-differ")


@pytest.mark.parametrize("header", ["x" * 256, '""', "å", '"\t"', " "])
def test_a_key_that_is_none_is_refused_or_not_there(running: Running, header: str):
    answer = ask(
        running.client,
        "POST",
        "/v1/events",
        json.dumps({**order(), "id": None}).encode(),
        Idempotency_Key=header,
    )

    if header.strip():
        assert_problem(answer, 400, "malformed-body")
    else:
        assert (answer.status, answer.doc["deduplicated"]) == (202, False)


def test_without_a_key_every_event_is_a_new_one_and_says_so(running: Running):
    answers = [keyed(running.client, None, id=None) for _ in range(2)]

    assert answers[0].doc["id"] != answers[1].doc["id"]
    assert [answer.doc["deduplicated"] for answer in answers] == [False, False]
    assert running.client.get(answers[0].doc["receipt"]).doc["deduplicated"] is False


@pytest.mark.feature("F123")
def test_twenty_at_once_are_one_event_and_nineteen_repeats(running: Running):
    key = fresh()
    with ThreadPoolExecutor(AT_ONCE) as threads:
        answers = list(threads.map(lambda _: keyed(running.client, key, id=None), range(AT_ONCE)))

    assert {answer.status for answer in answers} == {202}
    assert len({answer.doc["id"] for answer in answers}) == 1
    assert [told(answer)[2] for answer in answers].count("true") == AT_ONCE - 1


@pytest.mark.parametrize(
    "changes",
    [
        {"properties": {"orderId": "1001", "totalValue": 43, "currency": "EUR"}},
        {"person": {"email": "grace@example.com"}},
        {"occurredAt": "2026-11-22T10:15:00Z"},
    ],
    ids=["properties", "person", "time"],
)
@pytest.mark.feature("F123")
def test_a_key_stays_with_what_was_sent_under_it_first(running: Running, changes: dict[str, Any]):
    key = fresh()
    first = keyed(running.client, key, id=None)

    assert_problem(keyed(running.client, key, id=None, **changes), 422, "idempotency-key-reused")
    assert told(keyed(running.client, key, id=None)) == (202, first.doc["id"], "true")


def test_the_same_number_in_another_text_is_another_event(running: Running):
    body = order()
    first = running.client.send("POST", "/v1/events", json.dumps(body).encode())
    second = running.client.send("POST", "/v1/events", json.dumps(body).replace("42.5", "42.50").encode())

    assert first.status == 202
    assert_problem(second, 422, "idempotency-key-reused")


def test_a_refused_event_binds_no_key(running: Running):
    key = fresh()
    refused = keyed(running.client, key, id=None, properties={"orderId": "1"})

    assert (refused.status, pointers(refused)) == (422, ["/properties/totalValue"])
    assert told(keyed(running.client, key, id=None))[::2] == (202, None)


@pytest.mark.feature("F123")
def test_a_key_counts_for_its_own_source_only(running: Running, make_key: MakeKey):
    other = Client.keyed(running.stack.base_url, make_key("events:write")["key"])
    key = fresh()

    first, second = keyed(running.client, key, id=None), keyed(other, key, id=None)

    assert told(second)[::2] == (202, None)
    assert second.doc["id"] != first.doc["id"]


def test_a_repeat_of_what_an_older_version_took_is_still_a_repeat(running: Running):
    name = f"tests.moving-{secrets.token_hex(4)}"
    old = {"name": "old", "type": "text", "required": True, "description": "Gone in version 2"}
    new = {"name": "new", "type": "integer", "required": True, "description": "Since version 2"}
    definition = {"event": name, "title": "Moving", "description": "Its fields change.", "fields": [old]}
    made = running.operator.post(
        "/v1/definitions", {**definition, "purpose": "marketing", "retentionDays": 30}
    )
    event = {"event": name, "id": fresh(), "properties": {"old": "a"}}

    first = running.client.post("/v1/events", event)
    moved = running.operator.post(f"/v1/definitions/{name}/versions", {"fields": [new]})
    again = running.client.post("/v1/events", event)
    named = running.client.post("/v1/events", {**event, "id": fresh(), "version": first.doc["version"]})
    other = running.client.post("/v1/events", {**event, "id": fresh()})

    assert (made.status, moved.status) == (201, 201)
    assert told(again) == (202, first.doc["id"], "true")
    assert again.doc == first.doc
    assert told(named)[::2] == (202, None)
    assert (other.status, set(pointers(other))) == (422, {"/properties/old", "/properties/new"})


KINDS_OF_VALUES = {
    "text": ("a", 1, "text", "number"),
    "integer": (42, 12.5, "whole number", "number"),
    "decimal": (12.5, "5", "number", "text"),
    "boolean": (True, "true", "true or false", "text"),
    "date": ("2026-11-22", "2026-02-30", "date", "text"),
    "timestamp": ("2026-11-22T10:15:00Z", "2026-11-22T10:15:00", "time", "text"),
}


@pytest.mark.feature("F29", "F31", "F56")
@pytest.mark.parametrize("type", KINDS_OF_VALUES)
def test_each_type_takes_its_own_values_and_says_what_came_instead(running: Running, type: str):
    good, bad, expected, received = KINDS_OF_VALUES[type]
    event = f"tests.of-{type}-{secrets.token_hex(4)}"
    about = {"title": "Typed", "description": "Has one field.", "purpose": "marketing", "retentionDays": 30}
    field = {"name": "value", "type": type, "description": "Any"}
    assert (
        running.operator.post("/v1/definitions", {"event": event, **about, "fields": [field]}).status == 201
    )

    taken = running.client.post("/v1/events", {"event": event, "properties": {"value": good}})
    refused = running.client.post("/v1/events", {"event": event, "properties": {"value": bad}})

    assert taken.status == 202
    assert_problem(refused, 422, "invalid")
    [fault] = refused.doc["errors"]
    assert (fault["pointer"], fault["received"]) == ("/properties/value", received)
    assert expected in fault["expected"]


@pytest.mark.feature("F47")
def test_an_event_has_the_source_that_it_names_or_else_its_keys(running: Running, make_key: MakeKey):
    client = Client.keyed(
        running.stack.base_url, make_key("events:write", "events:read", source="till")["key"]
    )

    answers = [client.post("/v1/events", order(**named)) for named in ({}, {"source": "till 7"})]
    sourceless = running.operator.post("/v1/keys", {"name": "none", "scopes": ["events:write"]})

    assert [client.get(one.doc["receipt"]).doc["source"] for one in answers] == ["till", "till 7"]
    assert_problem(sourceless, 422, "invalid")
    assert pointers(sourceless) == ["/source"]


def test_what_was_missed_is_on_the_timeline_at_its_time_and_starts_nothing(running: Running):
    person = {"email": f"{secrets.token_hex(8)}@example.com"}
    today = running.post_order(person=person, occurredAt="2026-03-02T09:00:00Z")
    missed = running.post_order(person=person, occurredAt="2026-03-01T09:00:00Z", backfill=True)

    sent = running.client.receipt(today.doc["id"], lambda doc: doc["deliveries"])
    receipt = running.client.receipt(missed.doc["id"], lambda doc: doc["status"] == "processed")

    timeline = running.client.get(f"/v1/people/{sent['personId']}/timeline").doc["events"]
    assert [one["id"] for one in timeline] == [today.doc["id"], missed.doc["id"]]
    assert receipt["deliveries"] == []
    [route] = [step for step in receipt["steps"] if step["name"] == "route"]
    assert (route["outcome"], route["reason"]) == ("skipped", "backfill")


def test_what_was_missed_says_when_it_happened(running: Running):
    answer = running.post_order(backfill=True)

    assert_problem(answer, 422, "invalid")
    assert pointers(answer) == ["/occurredAt"]


@pytest.mark.feature("F305")
def test_when_it_happened_is_kept_beside_when_it_came_and_two_years_ahead_is_refused(running: Running):
    now = datetime.now(UTC)
    yesterday = times.text(now - timedelta(days=1))

    told = running.client.get(running.post_order(occurredAt=yesterday).doc["receipt"]).doc
    ahead = running.post_order(occurredAt=times.text(now + timedelta(days=730)))

    assert told["occurredAt"] == yesterday
    assert abs(times.parse(told["receivedAt"]) - now) < timedelta(hours=1)
    assert_problem(ahead, 422, "invalid")
    assert pointers(ahead) == ["/occurredAt"]
