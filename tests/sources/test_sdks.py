"""Where a vendor's own SDK is at hand, it signs what we verify, verifies what our signer signs, and builds what we read."""

import base64
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared import exact, times
from shared.sources import Received
from shared.sources.genuine import check
from shared.sources.verifier import Reason, Rejected, Verified
from tests.sources.cases import CASES, kind_of
from tests.sources.signing import new_secret, request, sign
from tests.sources.vendors import SDKS, part

READABLE = [name for name, case in CASES.items() if "facts" in case]
TAKEN = [(sdk, name) for sdk, row in SDKS.items() for name in READABLE if name.partition("/")[0] == row.kind]
SIGNED = [(sdk, name) for sdk, name in TAKEN if SDKS[sdk].sign]


def unsigned(name: str) -> Received:
    return request(CASES[name]["body"], CASES[name]["headers"])


def bare(name: str) -> Received:
    """Without its headers, among which may be an id that is signed."""
    return request(CASES[name]["body"])


@pytest.mark.parametrize(("sdk", "name"), SIGNED)
def test_what_the_sdk_signs_is_verified_and_with_another_body_is_not(sdk, name):
    row, plain, now = SDKS[sdk], bare(name), datetime.now(UTC)
    proofs = kind_of(row.kind).proofs
    secret = new_secret(proofs[row.proof], b"sdk")
    signed = replace(plain, headers={**plain.headers, **row.sign(plain, secret, now)})

    assert check(proofs, signed, [secret], now) == Verified(0)
    tampered = replace(signed, body=plain.body + b" ")
    assert check(proofs, tampered, [secret], now) == Rejected(Reason.MISMATCH)


@pytest.mark.parametrize(("sdk", "name"), TAKEN)
def test_what_our_signer_signs_is_taken_by_the_sdk_and_with_another_secret_is_not(sdk, name):
    # ahead of the clock, because Paddle's believes a signature for five seconds only
    row, now = SDKS[sdk], datetime.now(UTC) + timedelta(minutes=4)
    proof = kind_of(row.kind).proofs[row.proof]
    secret, other = new_secret(proof, b"sdk"), new_secret(proof, b"somebody else's")
    signed = sign(proof, unsigned(name), secret, now)

    assert row.takes(signed, secret)
    assert not row.takes(signed, other)


def events(kind: str, member: str) -> Iterator[dict[str, Any]]:
    """The payloads of a kind's fixtures that have this member, as plain JSON."""
    for name in READABLE:
        if name.startswith(f"{kind}/"):
            docs = [json.loads(exact.dumps(one.payload)) for one in kind_of(kind).read(unsigned(name))]
            yield from (doc for doc in docs if member in doc)


def told(facts: Any) -> tuple[str, str, datetime | None]:
    """Type, id and time; the time as such, because there are several ways to write it."""
    at = facts.occurred_at and times.parse(facts.occurred_at)
    return facts.type, facts.delivery_id, at and at.replace(microsecond=0)


def data_of(event: dict[str, Any]) -> Any:
    return event.get("data") or base64.b64decode(event.get("data_base64", ""))


def cloud_event(doc: dict[str, Any]) -> Any:
    """The event as the SDK of CloudEvents has it."""
    attributes = {
        name: value for name, value in doc.items() if not name.startswith("data") or name == "datacontenttype"
    }
    whole = {"time": "2026-11-22T10:15:00Z", **{k: v for k, v in attributes.items() if v is not None}}
    at = times.parse(whole["time"])
    return part("cloudevents.core.v1.event").CloudEvent({**whole, "time": at}, data_of(doc) or None)


@pytest.mark.parametrize("mode", ["to_binary_event", "to_structured_event"])
@pytest.mark.parametrize("doc", [*events("cloudevents", "specversion")])
def test_what_the_sdk_of_cloudevents_builds_is_read_as_it_was_meant(doc, mode):
    built = getattr(part("cloudevents.core.bindings.http"), mode)(cloud_event(doc))
    headers = {name.lower(): value for name, value in built.headers.items()}

    [facts] = kind_of("cloudevents").read(Received("POST", "/v1/hooks/x", headers, built.body))

    meant = {"time": "2026-11-22T10:15:00Z", **doc}
    assert told(facts) == (
        doc["type"],
        f"{doc['source']}|{doc['id']}",
        times.parse(meant["time"]).replace(microsecond=0),
    )
    assert data_of(json.loads(exact.dumps(facts.payload))) == data_of(doc)


class Sent(Exception):
    """What the SDK is about to put on the wire."""


def published(events: list[Any]) -> Received:
    """What the SDK of Event Grid publishes; a subscription gets the same documents, with the same media type."""

    def hook(request: Any) -> None:
        raise Sent(request.http_request)

    key = part("azure.core.credentials").AzureKeyCredential("k")
    client = part("azure.eventgrid").EventGridPublisherClient(
        "https://t.example/", key, raw_request_hook=hook
    )
    with pytest.raises(Sent) as caught:
        client.send(events, raw_request_hook=hook)
    message = caught.value.args[0]
    return Received(
        "POST", "/v1/hooks/x", {"content-type": message.headers["Content-Type"]}, message.body.encode()
    )


def test_what_the_sdk_of_event_grid_sends_in_its_own_schema_is_read_as_it_was_meant():
    docs = list(events("event_grid", "eventType"))
    assert docs

    sent = published([part("azure.eventgrid").EventGridEvent.from_dict(doc) for doc in docs])

    facts = kind_of("event_grid").read(sent)
    assert [(one.type, one.delivery_id) for one in facts] == [
        (doc["eventType"], f"{doc['topic']}|{doc['id']}") for doc in docs
    ]
    assert [json.loads(exact.dumps(one.payload))["data"] for one in facts] == [doc["data"] for doc in docs]


@pytest.mark.parametrize("kind", ["event_grid", "cloudevents"])
def test_what_the_sdk_of_event_grid_sends_as_a_batch_of_cloudevents_is_read_as_it_was_meant(kind):
    docs = list(events("event_grid", "specversion"))
    assert docs

    sent = published([part("azure.core.messaging").CloudEvent.from_dict(doc) for doc in docs])

    assert sent.headers["content-type"].startswith("application/cloudevents-batch+json")
    assert [(one.type, one.delivery_id) for one in kind_of(kind).read(sent)] == [
        (doc["type"], f"{doc['source']}|{doc['id']}") for doc in docs
    ]
