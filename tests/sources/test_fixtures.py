"""Drives every fixture of every source kind: a new kind is one module and its fixtures, and no test code."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from shared import exact, times
from shared.errors import Invalid, MalformedBody
from shared.mapping import apply, compile_mapping
from shared.sources import KINDS, SourceKind, load
from shared.sources.verifier import Received, Verified, Verifier, verify
from tests.sources.security import SecurityCases
from tests.sources.signing import new_secret, request, sign

FIXTURES = Path(__file__).parents[1] / "fixtures" / "sources"
NOW = datetime(2026, 11, 22, 15, 15, 2, tzinfo=UTC)
CASES = {
    f"{path.parent.name}/{path.stem}": exact.loads(path.read_bytes())
    for path in sorted(FIXTURES.glob("*/*.json"))
}
READABLE = [name for name, case in CASES.items() if "refused" not in case]
REFUSED = [name for name, case in CASES.items() if "refused" in case]


def source(name: str) -> SourceKind:
    return load(name.partition("/")[0])


def signed(name: str) -> Received:
    verifier, case = source(name).VERIFIER, CASES[name]
    return sign(verifier, request(case["body"], case["headers"]), new_secret(verifier, b"test"), NOW)


@pytest.mark.parametrize("name", CASES)
def test_a_fixture_belongs_to_a_kind_and_says_where_it_comes_from(name):
    case = CASES[name]

    assert name.partition("/")[0] in KINDS
    assert re.search(r"https://|^written ", case["origin"])
    assert ("refused" in case) != ({"facts", "mapped"} <= case.keys())


@pytest.mark.parametrize("name", CASES)
def test_its_signature_is_verified(name):
    verifier = source(name).VERIFIER

    assert verify(verifier, signed(name), [new_secret(verifier, b"test")], NOW) == Verified(0)


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_read_is_refused_with_a_sentence(name):
    with pytest.raises((Invalid, MalformedBody), match=re.escape(CASES[name]["refused"])):
        source(name).read(signed(name))


@pytest.mark.parametrize("name", READABLE)
def test_its_facts_are_read_and_reading_twice_gives_the_same(name):
    case, facts = CASES[name], source(name).read(signed(name))

    assert facts == source(name).read(signed(name))
    assert case["facts"] == {
        "type": facts.type,
        "deliveryId": facts.delivery_id,
        "occurredAt": facts.occurred_at,
    }
    assert exact.dumps(facts.payload) == exact.dumps(exact.loads(case["body"]))
    assert facts.occurred_at is None or times.parse(facts.occurred_at)


@pytest.mark.parametrize("name", READABLE)
def test_it_is_mapped_as_expected_to_the_letter(name):
    facts = source(name).read(signed(name))
    doc = source(name).MAPPINGS.get(facts.type)
    mapped = None if doc is None else apply(compile_mapping(doc), facts.payload)

    assert exact.dumps(mapped, sort_keys=True) == exact.dumps(CASES[name]["mapped"], sort_keys=True)


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_is_whole(kind):
    plugin = load(kind)

    assert kind == plugin.KIND
    for doc in plugin.MAPPINGS.values():
        assert doc.keys() <= {"event", "occurredAt", "person", "properties"}
        compile_mapping(doc)


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_has_fixtures_for_every_mapping_that_it_suggests(kind):
    cases = [CASES[name] for name in READABLE if name.startswith(f"{kind}/")]

    assert cases, f"write a fixture under tests/fixtures/sources/{kind}"
    assert {case["facts"]["type"] for case in cases if case["mapped"]} >= load(kind).MAPPINGS.keys()


@pytest.mark.parametrize("name", ["", "Shopify", "verifier", "shopify.evil", "../shopify", "os", "__init__"])
def test_a_kind_that_is_not_known_is_refused_before_anything_is_imported(name):
    with pytest.raises(Invalid, match="Choose one of: shopify"):
        load(name)


class TestEveryKind(SecurityCases):
    @pytest.fixture(params=KINDS)
    def verifier(self, request) -> Verifier:
        return load(request.param).VERIFIER
