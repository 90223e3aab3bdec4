"""Runs every destination's recorded cases: facts only in the case, the procedure here.

A case is `tests/fixtures/destinations/<kind>/<case>.json`: `origin`, `settings`, `secrets`, `now`, `delivery`,
`event` (id and stored document), `properties` if a mapping changed them, the `expected` request (its body is
compared byte for byte as compact JSON, or as it is if it is text), and `answers` with what becomes of them.
"""

from pathlib import Path

import pytest

from shared import destinations, documents, exact, times
from shared.destinations import KINDS, Parcel
from shared.destinations.outcomes import judge
from shared.event import Stored
from shared.ports import Answer, Outgoing

FIXTURES = Path(__file__).parents[1] / "fixtures" / "destinations"
CASES = sorted(FIXTURES.glob("*/*.json"))
NAMES = [f"{case.parent.name}/{case.stem}" for case in CASES]


@pytest.fixture(params=CASES, ids=NAMES)
def case(request: pytest.FixtureRequest) -> Path:
    return Path(request.param)


def test_every_kind_has_a_fixture_and_every_fixture_a_kind():
    assert {case.parent.name for case in CASES} == set(KINDS)


def test_a_case_names_its_origin(case):
    assert len(exact.loads(case.read_bytes())["origin"]) > 20


def test_a_case_builds_the_expected_request(case):
    facts = exact.loads(case.read_bytes())
    expected = facts["expected"]

    built = build(case.parent.name, facts)

    assert built.body.decode() == written(expected["body"])
    assert dict(built.headers) == expected["headers"]
    assert (built.method, built.url) == (expected["method"], expected["url"])


def test_a_case_builds_the_same_request_twice(case):
    facts = exact.loads(case.read_bytes())

    assert build(case.parent.name, facts) == build(case.parent.name, facts)


def test_a_case_judges_its_answers(case):
    facts = exact.loads(case.read_bytes())
    plugin = destinations.load(case.parent.name)
    for answer in facts["answers"]:
        outcome = judge(
            Answer(int(answer["status"]), answer.get("headers", {}), b""),
            deduplicates=plugin.DEDUPLICATES,
            final=plugin.FINAL,
            now=times.parse(facts["now"]),
        )

        assert (outcome.state, outcome.cause) == (answer["state"], answer["cause"])


def build(kind: str, facts: exact.Json) -> Outgoing:
    plugin = destinations.load(kind)
    event = documents.read_event(exact.dumps(facts["event"]["document"]).encode())
    parcel = Parcel(
        id=facts["delivery"]["id"],
        event=Stored(facts["event"]["id"], event),
        properties=facts.get("properties", event.properties),
        attempt=int(facts["delivery"]["attempt"]),
    )
    settings = plugin.Settings.model_validate(facts["settings"])
    return plugin.build(settings, facts["secrets"], parcel, times.parse(facts["now"]))


def written(body: exact.Json) -> str:
    return body if isinstance(body, str) else exact.dumps(body)
