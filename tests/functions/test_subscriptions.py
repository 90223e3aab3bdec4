"""The doors of subscriptions, on the running app: subscribe, be called, unsubscribe, be called no more."""

import json
import secrets
from typing import Any
from uuid import uuid4

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from local.client import Client
from tests.functions.asking import Storage, assert_problem, kept, pointers
from tests.functions.conftest import MakeKey, Place
from tests.kill.rewind import age_notices
from tests.kill.rig import wait_until
from tests.running import Running

SECONDS = 20


def defined(running: Running) -> str:
    """An event of a test's own."""
    event = f"tests.subscribed-{secrets.token_hex(6)}"
    about = {"title": "Subscribed", "description": "Goes out.", "purpose": "marketing", "retentionDays": 30}
    assert running.operator.post("/v1/definitions", {"event": event, **about, "fields": []}).status == 201
    return event


def place(running: Running) -> str:
    """A URL of a test's own that takes everything."""
    return f"{running.stack.receiver_url}/ok/{secrets.token_hex(6)}"


def calls(running: Running, url: str) -> list[dict[str, Any]]:
    """What was posted to a URL."""
    path = url.removeprefix(running.stack.receiver_url)
    lines = map(json.loads, running.stack.received.read_text().splitlines())
    return [one for one in lines if one["path"] == path]


def settled(running: Running, event: str, status: str) -> dict[str, Any]:
    """The receipt of a new event of that name."""
    answer = running.client.post("/v1/events", {"event": event})
    receipt: dict[str, Any] = running.client.receipt(answer.doc["id"], lambda doc: doc["status"] == status)
    return receipt


@pytest.mark.slow
@pytest.mark.feature("F300")
def test_who_subscribes_is_called_until_they_delete_it(running: Running):
    event, url = defined(running), place(running)

    made = running.operator.post("/v1/subscriptions", {"events": [event], "url": url})
    delivered = settled(running, event, "delivered")
    gone = running.operator.send("DELETE", made.headers["location"])
    after = settled(running, event, "processed")

    assert (made.status, gone.status) == (201, 204)
    [call] = calls(running, url)
    signed = Webhook(made.doc["secrets"]["signingSecret"])
    assert signed.verify(call["body"], call["headers"])["data"]["id"] == delivered["id"]
    with pytest.raises(WebhookVerificationError):
        signed.verify(call["body"] + " ", call["headers"])
    assert [one["destination"] for one in delivered["deliveries"]] == [made.doc["id"]]
    assert after["deliveries"] == []
    assert_problem(running.operator.send("DELETE", made.headers["location"]), 404, "not-found")


@pytest.mark.slow
def test_a_receiver_that_answers_410_is_called_no_more(running: Running):
    event = defined(running)
    url = f"{running.stack.receiver_url}/gone"
    made = running.operator.post("/v1/subscriptions", {"events": [event], "url": url})

    refused = settled(running, event, "refused")

    assert refused["deliveries"][0]["cause"] == "unsubscribed"
    assert_problem(running.operator.get(made.headers["location"]), 404, "not-found")
    settled(running, event, "processed")
    dead = running.operator.get("/v1/dead-letters?cause=gone&limit=100").doc["deadLetters"]
    assert [one for one in dead if one["destination"] == made.doc["id"]] == []


@pytest.mark.slow
def test_who_subscribes_to_failures_is_told_of_one_at_the_destination_that_they_name(running: Running):
    url, failing, event = place(running), f"bad-{secrets.token_hex(6)}", defined(running)
    bad = {"url": f"{running.stack.receiver_url}/bad/{failing}", "timeoutSeconds": 5}
    made(running, "/v1/destinations", name=failing, kind="webhook", settings=bad)
    made(running, "/v1/routes", event=event, destination=failing)
    subscribed = running.operator.post("/v1/failure-subscriptions", {"url": url, "destination": failing})

    failed = settled(running, event, "failed")
    age_notices(Storage.of(running))
    running.operator.post("/v1/tick")
    wait_until(lambda: bool(calls(running, url)), "to be told of a failure", SECONDS)

    assert (subscribed.status, subscribed.doc["events"]) == (201, ["delivery.failed"])
    [call] = calls(running, url)
    told_of = json.loads(call["body"])["data"]["properties"]
    assert (told_of["eventId"], told_of["destination"], told_of["status"]) == (failed["id"], failing, "dead")
    assert running.operator.send("DELETE", subscribed.headers["location"]).status == 204


@pytest.mark.slow
def test_who_wants_to_know_is_told_of_a_new_definition(running: Running):
    url = place(running)
    subscription = {"events": ["definition.changed"], "url": url}
    path = running.operator.post("/v1/subscriptions", subscription).headers["location"]
    event = defined(running)

    age_notices(Storage.of(running))
    running.operator.post("/v1/tick")
    wait_until(lambda: bool(told(running, url, event)), "to be told of a definition", SECONDS)

    [call] = told(running, url, event)
    running.operator.send("DELETE", path)
    assert call["type"] == "definition.changed"
    assert call["data"]["properties"]["definition"] == f"/v1/definitions/{event}"
    assert call["data"]["person"] == {}


@pytest.mark.slow
def test_that_a_destination_was_disabled_comes_by_mail_with_where_and_why(running: Running):
    event, dead = defined(running), f"gone-{secrets.token_hex(6)}"
    url, mail = f"{running.stack.receiver_url}/gone", mailbox(running)
    made(running, "/v1/destinations", name=dead, kind="webhook", settings={"url": url})
    made(running, "/v1/routes", event=event, destination=dead)
    made(running, "/v1/routes", event="destination.disabled", destination=mail)

    settled(running, event, "failed")
    shown = running.operator.get(f"/v1/destinations/{dead}").doc
    age_notices(Storage.of(running))
    running.operator.post("/v1/tick")
    wait_until(lambda: bool(mails(running, dead)), "a mail about a destination", SECONDS)

    assert (shown["status"], shown["disabledReason"]) == (
        "disabled",
        "It answered that it is gone for good (410).",
    )
    [text] = mails(running, dead)
    assert text.startswith(f"{dead} is disabled. It answered that it is gone for good (410). ")
    assert f"destination: {dead}\n" in text
    changes = [one for one in running.operator.get("/v1/audit?limit=100").doc["changes"] if one["id"] == dead]
    assert (changes[0]["what"], changes[0]["by"]) == ("destination disabled", "signalbox")


def mailbox(running: Running) -> str:
    """A destination that sends mail; its name."""
    name, place = f"mail-{secrets.token_hex(6)}", f"{running.stack.receiver_url}/azure_email"
    entra = {"tenantId": str(uuid4()), "clientId": str(uuid4()), "authority": place}
    settings = {"endpoint": place, "sender": "us@example.com", "recipients": ["ops@example.com"], **entra}
    secret = {"clientSecret": "of the app"}
    made(running, "/v1/destinations", name=name, kind="azure_email", settings=settings, secrets=secret)
    return name


def mails(running: Running, about: str) -> list[str]:
    """The texts of the mails that were sent about something."""
    lines = map(json.loads, running.stack.received.read_text().splitlines())
    sent = [one for one in lines if one["path"].startswith("/azure_email/emails:send")]
    texts = [str(json.loads(one["body"])["content"]["plainText"]) for one in sent]
    return [text for text in texts if about in text]


def made(running: Running, path: str, **doc: Any) -> None:
    answer = running.operator.post(path, doc)
    assert answer.status == 201, answer.doc


def told(running: Running, url: str, event: str) -> list[dict[str, Any]]:
    bodies = [json.loads(one["body"]) for one in calls(running, url)]
    return [one for one in bodies if one["data"]["properties"]["event"] == event]


def test_a_subscription_is_read_and_listed_without_its_secret(running: Running):
    made = running.operator.post("/v1/subscriptions", {"events": ["delivery.failed"], "url": place(running)})
    [secret] = made.doc["secrets"].values()

    read = running.operator.get(made.headers["location"])
    listed = running.operator.get("/v1/subscriptions").doc["subscriptions"]

    running.operator.send("DELETE", made.headers["location"])
    assert secret.startswith("whsec_")
    assert read.doc == {name: value for name, value in made.doc.items() if name != "secrets"}
    assert read.doc in listed
    assert [text for text in kept(running) if secret.removeprefix("whsec_") in text] == []


def test_one_that_cannot_be_is_refused_with_where(running: Running):
    answer = running.operator.post("/v1/subscriptions", {"events": ["no.such"], "url": "ftp://a.example"})

    assert_problem(answer, 422, "invalid")
    assert pointers(answer) == ["/url"]
    answer = running.operator.post("/v1/subscriptions", {"events": ["no.such"], "url": place(running)})
    assert_problem(answer, 422, "invalid")
    assert pointers(answer) == ["/events/0"]


@pytest.mark.parametrize("named", [{}, {"event": "delivery.failed", "events": ["delivery.failed"]}])
def test_events_are_named_in_one_way(running: Running, named: dict[str, Any]):
    answer = running.operator.post("/v1/subscriptions", {**named, "url": place(running)})

    assert_problem(answer, 422, "invalid")
    assert pointers(answer) == ["/events"]


def test_one_event_can_be_named_alone(running: Running):
    made = running.operator.post("/v1/subscriptions", {"event": "delivery.failed", "url": place(running)})
    unknown = running.operator.post("/v1/subscriptions", {"event": "no.such", "url": place(running)})

    running.operator.send("DELETE", made.headers["location"])
    assert (made.status, made.doc["events"]) == (201, ["delivery.failed"])
    assert (unknown.status, pointers(unknown)) == (422, ["/event"])


def test_who_names_the_section_in_the_query_follows_the_location_without_a_header(running: Running):
    plain = Client.keyed(running.stack.base_url, running.deployment_key)
    wanted = {"event": "delivery.failed", "url": place(running)}
    made = plain.post("/v1/subscriptions?section=demo", wanted)

    elsewhere = plain.send("DELETE", made.headers["location"].replace("=demo", "=another"))
    unnamed = plain.send("DELETE", made.headers["location"].partition("?")[0])
    gone = plain.send("DELETE", made.headers["location"])

    assert [elsewhere.status, unnamed.status, gone.status] == [404, 403, 204]


def test_the_header_goes_before_the_query(running: Running):
    wanted = {"event": "delivery.failed", "url": place(running)}
    made = running.operator.post("/v1/subscriptions?section=nosuch", wanted)

    assert (made.status, made.headers["location"]) == (
        201,
        f"/v1/subscriptions/{made.doc['id']}?section=demo",
    )
    assert running.operator.send("DELETE", made.headers["location"]).status == 204


def test_the_query_opens_no_other_section(running: Running, stranger: Place):
    wanted = {"event": "delivery.failed", "url": place(running)}
    made = running.operator.post("/v1/subscriptions?section=demo", wanted)
    foreign = stranger.client.post("/v1/subscriptions?section=demo", wanted)

    assert_problem(foreign, 404, "not-found")
    assert_problem(stranger.client.send("DELETE", made.headers["location"]), 404, "not-found")
    assert running.operator.send("DELETE", made.headers["location"]).status == 204


def test_it_needs_the_right_to_route(running: Running, make_key: MakeKey):
    reader = Client.keyed(running.stack.base_url, make_key("delivery:read")["key"])
    body = {"events": ["delivery.failed"], "url": place(running)}

    assert reader.get("/v1/subscriptions").status == 200
    assert_problem(reader.post("/v1/subscriptions", body), 403, "forbidden")
    assert_problem(reader.send("DELETE", "/v1/subscriptions/sub_00"), 403, "forbidden")


def test_nobody_posts_or_defines_an_event_of_signalbox_itself(running: Running):
    posted = running.client.post("/v1/events", {"event": "delivery.failed", "properties": {}})
    about = {"title": "Mine", "description": "Not mine.", "purpose": "marketing", "retentionDays": 30}
    defined_ = running.operator.post("/v1/definitions", {"event": "delivery.failed", **about, "fields": []})

    assert_problem(posted, 422, "unknown-event")
    assert "nobody else sends" in posted.doc["detail"]
    assert_problem(defined_, 409, "conflict")
