"""Runs every destination's recorded cases: facts only in the case, the procedure here.

A case is `tests/fixtures/destinations/<kind>/<case>.json`: `origin`, `settings`, `secrets`, `now`, `delivery`,
`event` (id and stored document), `properties` if a mapping changed them, `identifiers` that are known of the person, the
`expected` request (its body is compared byte for byte as compact JSON, or as it is if it is text), and `answers` with
what becomes of them. `others` are more events (id and document) that meet it, so that `expected` is one request for all of
them. `access` is the request for an access token, or the scope for the app's own identity. A case with
`unfit` has neither `expected` nor `answers`: it is the reason why the event cannot be sent.
"""

from pathlib import Path
from typing import Any

import pytest

from shared import destinations, documents, exact, times
from shared.destinations import KINDS, DestinationKind, DestinationSettings, Parcel, secrets
from shared.destinations.access import OwnIdentity, TokenRequest
from shared.destinations.outcomes import judge
from shared.event import Stored
from shared.ports import Answer, Outgoing
from shared.stages.build import Unfit, joined, request_of
from tests.destinations.cases import CASES, name, read


@pytest.fixture(params=CASES, ids=name)
def case(request: pytest.FixtureRequest) -> Path:
    return Path(request.param)


def test_every_kind_has_a_fixture_and_every_fixture_a_kind():
    assert {case.parent.name for case in CASES} == set(KINDS)


def test_a_case_names_its_origin(case):
    assert len(read(case)["origin"]) > 20


def test_a_case_builds_the_expected_request(case):
    facts = read(case)

    built = build(case.parent.name, facts)

    if "unfit" in facts:
        assert isinstance(built, Unfit), built
        assert built.reason == facts["unfit"]
    else:
        assert isinstance(built, Outgoing), built
        assert shown(built) == facts["expected"] | {"body": written(facts["expected"]["body"])}


def test_a_case_builds_the_same_request_twice(case):
    facts = read(case)

    assert build(case.parent.name, facts) == build(case.parent.name, facts)


def test_a_case_asks_for_the_access_that_it_needs(case):
    facts = read(case)
    plugin, settings = opened(case.parent.name, facts)

    access = plugin.access(settings, facts["secrets"])

    match access:
        case None:
            assert "access" not in facts
        case OwnIdentity():
            assert facts["access"] == access.scope
        case TokenRequest():
            assert shown(access.request) == facts["access"] | {"body": written(facts["access"]["body"])}


def test_a_case_judges_its_answers(case):
    facts = read(case)
    plugin, settings = opened(case.parent.name, facts)
    for answer in facts.get("answers", ()):
        outcome = judge(
            Answer(int(answer["status"]), answer.get("headers", {}), b""),
            resends=plugin.deduplicates(settings),
            final=plugin.answers,
            now=times.parse(facts["now"]),
        )

        assert (outcome.state, outcome.cause) == (answer["state"], answer["cause"])


def opened(kind: str, facts: exact.Json) -> tuple[DestinationKind[Any], DestinationSettings]:
    plugin = destinations.load(kind)
    secrets.check(kind, plugin.secrets, facts["secrets"])
    return plugin, plugin.settings.model_validate(facts["settings"])


def build(kind: str, facts: exact.Json) -> Outgoing | Unfit:
    """The request of a case: where it has `others`, the one that all of them are joined to."""
    plugin, settings = opened(kind, facts)
    now, found = times.parse(facts["now"]), [facts["event"], *facts.get("others", ())]
    requests = [request_of(plugin, settings, facts["secrets"], parcel(facts, event), now) for event in found]
    together = [one for one in requests if isinstance(one, Outgoing)]
    return joined(plugin, together) or requests[0] if len(together) > 1 else requests[0]


def parcel(facts: exact.Json, one: exact.Json) -> Parcel:
    event = documents.read_event(exact.dumps(one["document"]).encode())
    return Parcel(
        id=facts["delivery"]["id"],
        event=Stored(one["id"], event),
        properties=facts.get("properties", event.properties),
        attempt=int(facts["delivery"]["attempt"]),
        identifiers=facts.get("identifiers", {}),
    )


def shown(request: Outgoing) -> dict[str, object]:
    return {
        "method": request.method,
        "url": request.url,
        "headers": dict(request.headers),
        "body": request.body.decode(),
    }


def written(body: exact.Json) -> str:
    return body if isinstance(body, str) else exact.dumps(body)
