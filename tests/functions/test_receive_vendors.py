"""Every vendor's request at the real door: it becomes its events if that vendor signed it, and only then."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from local.client import Response
from shared import exact, sources
from shared.exact import Json, Number
from shared.sources import Received
from tests.functions.conftest import Place
from tests.running import Running
from tests.sources.cases import CASES, settings_of
from tests.sources.signing import new_secret, sign

READABLE = [name for name, case in CASES.items() if "facts" in case]
FIELD_TYPES: dict[type, str] = {str: "text", Number: "decimal", bool: "boolean"}
PLAIN = {"event": "tests.taken-in", "properties": {"what": "'x'"}}
"""What a type without a suggestion becomes."""
FEATURES = {
    **dict.fromkeys(("calendly", "github", "generic", "hubspot", "shopify", "stripe", "typeform"), ("F118",)),
    "cloudevents": ("F263",),
    "event_grid": ("F263",),
    "dataverse/contact-update": ("F108",),
}
STAGE = {
    "event": "tests.stage-changed",
    "mapping": {
        "person": {"crmId": "target.customerid || before.stage.customerid"},
        "properties": {"opportunity": "id", "from": "before.stage.stepname", "to": "target.stepname"},
    },
}


def shows(name: str) -> Any:
    rows = FEATURES.get(name, FEATURES.get(name.partition("/")[0], ()))
    return pytest.param(name, marks=pytest.mark.feature(*rows) if rows else ())


def listed(one: Any) -> list[Any]:
    return one if isinstance(one, list) else [one]


def mapped(name: str) -> Iterator[dict[str, Json]]:
    """What each event of a fixture becomes."""
    facts, suggested = listed(CASES[name]["facts"]), listed(CASES[name]["mapped"])
    return (doc or {**PLAIN, "properties": {"what": "x"}} for _, doc in zip(facts, suggested, strict=True))


def definition(event: str, fields: list[dict[str, Any]]) -> dict[str, Any]:
    about = {"title": event, "description": "Of a vendor.", "purpose": "marketing", "retentionDays": 30}
    return {"event": event, **about, "fields": [{**one, "description": "Any"} for one in fields]}


@pytest.fixture(scope="session")
def known(noisy: Place) -> Place:
    """A section that has a definition for whatever a vendor's request can become."""
    fields: dict[str, dict[str, str]] = {}
    for name in READABLE:
        for doc in mapped(name):
            seen: Any = doc["properties"]
            types = {key: FIELD_TYPES[type(value)] for key, value in seen.items()}
            fields[str(doc["event"])] = fields.get(str(doc["event"]), {}) | types
    for event, types in fields.items():
        wanted = definition(event, [{"name": key, "type": type_} for key, type_ in types.items()])
        assert noisy.client.post("/v1/definitions", wanted).status == 201
    return noisy


class Vendor:
    """A source of a fixture's kind, and the vendor that posts to it."""

    def __init__(self, place: Place, running: Running, name: str, types: Any = None) -> None:
        self.case, kind = CASES[name], name.partition("/")[0]
        settings = self.case.get("settings", settings_of(kind))
        self.proof = sources.load(kind, settings).proofs[0]
        self.secret = new_secret(self.proof, name.encode())
        about = {"name": name, "kind": kind, "label": kind, "secrets": {"signing": self.secret}}
        wanted = {**about, "types": types or dict(self.types())}
        wanted |= {} if settings is None else {"settings": json.loads(exact.dumps(settings))}
        made = place.client.post("/v1/sources", wanted)
        assert made.status == 201, made.doc
        self.client, self.hook = running.anonymous, made.doc["hookPath"]

    def types(self) -> Iterator[tuple[str, Any]]:
        for fact, doc in zip(listed(self.case["facts"]), listed(self.case["mapped"]), strict=True):
            plain = {"event": PLAIN["event"], "mapping": {"properties": PLAIN["properties"]}}
            yield fact["type"], {"event": doc["event"]} if doc else plain

    def posts(self, secret: str | None = None) -> Response:
        headers = {"content-type": "application/json", **self.case["headers"]}
        method = self.case.get("method", "POST")
        url = self.client.base_url + self.hook
        plain = Received(method, url, headers, self.case["body"].encode())
        signed = sign(self.proof, plain, secret or self.secret, datetime.now(UTC))
        return self.client.send(method, self.hook, signed.body, signed.headers)


def events(answer: Response) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = answer.doc.get("events", [answer.doc])
    return found


@pytest.mark.parametrize("name", [shows(name) for name in READABLE])
def test_it_becomes_its_events_once_and_nothing_where_somebody_else_signed(
    running: Running, known: Place, name: str
):
    vendor = Vendor(known, running, name)

    forged = vendor.posts(new_secret(vendor.proof, b"somebody else's"))
    first, again = vendor.posts(), vendor.posts()
    receipts = [known.client.get(one["receipt"]).doc for one in events(first)]

    assert (forged.status, first.status, again.status) == (401, 202, 202), first.doc
    seen = [(one["event"], one["properties"], one["source"]) for one in receipts]
    wanted = [json.loads(exact.dumps([doc["event"], doc["properties"]])) for doc in mapped(name)]
    assert seen == [(event, properties, name.partition("/")[0]) for event, properties in wanted]
    keyed = [fact["deliveryId"] is not None for fact in listed(CASES[name]["facts"])]
    same = [one["id"] == two["id"] for one, two in zip(events(first), events(again), strict=True)]
    assert same == keyed


@pytest.mark.feature("F130")
def test_a_stage_that_changes_in_dynamics_is_told_with_the_stage_before(running: Running, known: Place):
    fields = [{"name": name, "type": "text"} for name in ("opportunity", "from", "to")]
    assert known.client.post("/v1/definitions", definition("tests.stage-changed", fields)).status == 201

    answer = Vendor(known, running, "dataverse/opportunity-update", {"opportunity.update": STAGE}).posts()

    assert answer.status == 202, answer.doc
    told = known.client.get(answer.doc["receipt"]).doc
    assert (told["properties"]["from"], told["properties"]["to"]) == ("1-Qualify", "2-Develop")


@pytest.mark.feature("F138")
def test_json_of_any_shape_is_tried_mapped_and_taken_in(running: Running, known: Place):
    payload = {
        "kind": "lead",
        "who": {"mails": [{"to": "lead@example.com"}]},
        "deal": [{"n": "7", "worth": "9.90"}],
    }
    meaning = {
        "event": "tests.lead-captured",
        "mapping": {
            "person": {"email": "who.mails[0].to"},
            "properties": {"deal": "deal[0].n", "worth": "to_number(deal[0].worth)"},
        },
    }
    fields = [{"name": "deal", "type": "text"}, {"name": "worth", "type": "decimal"}]
    assert known.client.post("/v1/definitions", definition("tests.lead-captured", fields)).status == 201
    about = {"name": "crm", "kind": "generic", "label": "crm", "secrets": {"signing": "of the crm"}}
    settings = {"proof": {"scheme": "secret"}, "type": "body.kind"}
    made = known.client.post("/v1/sources", {**about, "settings": settings, "types": {"lead": meaning}})

    tried = known.client.post(f"/v1/sources/{made.doc['id']}/try", {"type": "lead", "payload": payload})
    body = json.dumps(payload).encode()
    answer = running.anonymous.send("POST", made.doc["hookPath"], body, {"X-Signalbox-Secret": "of the crm"})
    told = known.client.get(answer.doc["receipt"]).doc

    assert (tried.doc["fits"], tried.doc["unmapped"]) == (True, ["/kind"])
    assert (answer.status, told["person"]) == (202, {"email": "lead@example.com"})
    assert told["properties"] == tried.doc["result"]["properties"] == {"deal": "7", "worth": 9.9}
