"""Drives every fixture of every source kind: a new kind is one module and its fixtures, and no test code."""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from shared import exact, times
from shared.errors import Invalid, MalformedBody
from shared.mapping import apply, compile_mapping
from shared.sources import KINDS, Facts, Received, SharedSecret, SourceKind, Verifier, load
from shared.sources.genuine import check
from shared.sources.policy import Reaction
from shared.sources.verifier import Reason, Rejected, Verified
from tests.sources.cases import CASES, KIND_SETTINGS, POLICIES, VECTORS, kind_of, settings_of
from tests.sources.security import SecurityCases, SharedSecretCases
from tests.sources.signing import new_secret, request, sign
from tests.sources.table import BETWEEN, TABLES

NOW = datetime(2026, 11, 22, 15, 15, 2, tzinfo=UTC)
READABLE = [name for name, case in CASES.items() if "facts" in case]
REFUSED = [name for name, case in CASES.items() if "refused" in case]
GREETINGS = [name for name, case in CASES.items() if "greeting" in case]
PROOFS = {f"{kind}-{n}": proof for kind in KINDS for n, proof in enumerate(kind_of(kind).proofs)}
CREDENTIALS = {"authorization", "cookie", "x-functions-key"}
ANSWERS = (200, 202, 401, 404, 405, 411, 413, 415, 422, 429, 500, 503)
"""What our doors may answer, and what may stand before them."""


def source(name: str) -> SourceKind:
    kind = name.partition("/")[0]
    return load(kind, CASES[name].get("settings", settings_of(kind)))


def received(name: str) -> Received:
    """The fixture's request as it is, not signed."""
    case = CASES[name]
    plain = request(case["body"], case["headers"])
    return Received(case.get("method", "POST"), plain.url, plain.headers, plain.body)


def signed(name: str) -> Received:
    proof = source(name).proofs[0]
    return sign(proof, received(name), new_secret(proof, b"test"), NOW)


def shown(facts: Facts) -> dict[str, Any]:
    return {"type": facts.type, "deliveryId": facts.delivery_id, "occurredAt": facts.occurred_at}


def listed(one: Any) -> list[Any]:
    return one if isinstance(one, list) else [one]


@pytest.mark.parametrize("name", CASES)
def test_a_fixture_belongs_to_a_kind_and_says_where_it_comes_from(name):
    case = CASES[name]

    assert name.partition("/")[0] in KINDS
    assert re.search(r"https://|^written ", case["origin"])
    assert [{"facts", "mapped"} <= case.keys(), "refused" in case, "greeting" in case].count(True) == 1


@pytest.mark.parametrize(
    "name", [name for name, case in CASES.items() if case.get("method", "POST") == "POST"]
)
def test_it_is_genuine_when_it_is_signed(name):
    proofs = source(name).proofs

    assert check(proofs, signed(name), [new_secret(proofs[0], b"test")], NOW) == Verified(0)


@pytest.mark.parametrize("name", VECTORS)
@pytest.mark.parametrize("tampered", [False, True], ids=["as it is", "another body"])
def test_a_vector_that_its_vendor_published_is_verified_and_with_another_body_is_not(name, tampered):
    one, proofs = VECTORS[name], kind_of(name.rpartition("-")[0]).proofs
    body = (one["body"] + "\n" * tampered).encode()
    told = check(
        proofs,
        Received(one["method"], one["url"], one["headers"], body),
        [one["secret"]],
        times.parse(one["at"]),
    )

    assert re.search(r"https://|^written ", one["origin"])
    assert told == (Rejected(Reason.MISMATCH) if tampered else Verified(0))


@pytest.mark.parametrize("name", CASES)
def test_whatever_stands_in_its_body_it_is_read_or_refused_with_a_sentence(name):
    kind, plain = source(name), received(name)
    for body in bent(plain.body):
        changed = replace(plain, body=body)
        kind.greets(changed)
        with suppress(Invalid, MalformedBody):
            assert all(isinstance(one, Facts) for one in kind.read(changed))


def bent(body: bytes) -> Iterator[bytes]:
    """The body with each of its values in turn changed into something else."""
    try:
        doc = exact.loads(body)
    except MalformedBody:
        return
    for one in changed(doc):
        yield exact.dumps(one).encode()


def changed(doc: Any) -> Iterator[Any]:
    yield from (None, True, exact.loads("5"), "", "x", [], {}, [None], {"": None}, exact.loads("1e300"))
    if isinstance(doc, dict):
        for name in doc:
            yield {key: value for key, value in doc.items() if key != name}
            yield from ({**doc, name: one} for one in changed(doc[name]))
    if isinstance(doc, list):
        for n in range(len(doc)):
            yield from ([*doc[:n], one, *doc[n + 1 :]] for one in changed(doc[n]))


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_read_is_refused_with_a_sentence(name):
    with pytest.raises((Invalid, MalformedBody), match=re.escape(CASES[name]["refused"])):
        source(name).read(signed(name))


@pytest.mark.parametrize("name", READABLE)
def test_its_facts_are_read_and_reading_twice_gives_the_same(name):
    case, found = CASES[name], source(name).read(signed(name))
    payloads = listed(case["payload"] if "payload" in case else exact.loads(case["body"]))

    assert list(found) == list(source(name).read(signed(name)))
    assert [shown(one) for one in found] == listed(case["facts"])
    assert [exact.dumps(one.payload) for one in found] == [exact.dumps(one) for one in payloads]
    assert all(one.occurred_at is None or times.parse(one.occurred_at) for one in found)


@pytest.mark.parametrize("name", READABLE)
def test_what_quarantine_keeps_of_its_headers_is_enough_to_read_it(name):
    kind, whole = source(name), signed(name)
    patterns = [re.compile(one.replace("*", ".*")) for one in (*kind.headers, "content-type")]
    kept = {
        name: value for name, value in whole.headers.items() if any(one.fullmatch(name) for one in patterns)
    }

    assert list(kind.read(Received("POST", "/v1/hooks/x", kept, whole.body))) == list(kind.read(whole))


@pytest.mark.parametrize("name", READABLE)
def test_it_is_mapped_as_expected_to_the_letter(name):
    kind = source(name)
    docs = [(kind.mappings.get(one.type), one.payload) for one in kind.read(signed(name))]
    mapped = [None if doc is None else result(doc, payload) for doc, payload in docs]

    assert exact.dumps(mapped, sort_keys=True) == exact.dumps(listed(CASES[name]["mapped"]), sort_keys=True)


def result(doc: Any, payload: Any) -> Any:
    """What a mapping makes of a payload, or where it does not fit."""
    try:
        return apply(compile_mapping(doc), payload)
    except Invalid as error:
        return {"faults": [fault.pointer for fault in error.faults]}


@pytest.mark.parametrize("name", READABLE)
def test_it_is_no_greeting(name):
    assert source(name).greets(signed(name)) is None


@pytest.mark.parametrize("name", GREETINGS)
def test_a_handshake_or_a_ping_is_answered_as_its_vendor_expects(name):
    case, told = CASES[name]["greeting"], source(name).greets(received(name))

    assert told is not None
    assert (told.doc, dict(told.headers)) == (case["doc"], case["headers"])


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_is_whole(kind):
    plugin = kind_of(kind)

    assert plugin.proofs
    for doc in plugin.mappings.values():
        assert doc.keys() <= {"event", "occurredAt", "person", "properties"}
        compile_mapping(doc)


@pytest.mark.parametrize("kind", KINDS)
def test_no_header_that_proves_who_sent_it_is_kept_in_quarantine(kind):
    plugin = kind_of(kind)
    proving = {header for proof in plugin.proofs for header in proof.headers}

    assert not (proving | CREDENTIALS) & set(plugin.headers)


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_has_fixtures_for_every_mapping_that_it_suggests(kind):
    cases = [CASES[name] for name in READABLE if name.startswith(f"{kind}/")]
    pairs = [
        pair for case in cases for pair in zip(listed(case["facts"]), listed(case["mapped"]), strict=True)
    ]

    assert cases, f"write a fixture under tests/fixtures/sources/{kind}"
    assert {facts["type"] for facts, mapped in pairs if mapped} >= kind_of(kind).mappings.keys()


@pytest.mark.parametrize("kind", KINDS)
def test_what_its_vendor_makes_of_each_of_our_answers_is_as_documented(kind):
    policy, told = kind_of(kind).policy, POLICIES[kind]
    reactions = {str(status): policy.reaction(status).value for status in ANSWERS}

    assert re.search(r"https://|^not documented", told["origin"])
    assert (policy.seconds, reactions) == (told["seconds"], told["reactions"])


@pytest.mark.parametrize("kind", KINDS)
def test_what_we_answer_a_genuine_request_is_taken_for_success_or_comes_again(kind):
    """Taken, kept or paused: `accepted`. A greeting: 200. Storage away: 503. Over its quota: 429, or 503 where that is lost."""
    policy = kind_of(kind).policy

    assert policy.reaction(policy.accepted) is Reaction.SUCCESS
    assert policy.reaction(200) is Reaction.SUCCESS
    assert policy.reaction(503) is Reaction.RETRIED or policy.retries == "none"
    assert Reaction.DISABLES not in (policy.reaction(401), policy.reaction(429))


def test_a_kind_is_set_up_once_for_the_same_settings_and_anew_for_others():
    newest, any_ = {"oldestVersion": "v3"}, {"oldestVersion": "v1"}

    assert load("hubspot", newest) is load("hubspot", {**newest})
    assert len(load("hubspot", newest).proofs) < len(load("hubspot", any_).proofs)
    with pytest.raises(Invalid):
        load("hubspot", {"oldestVersion": "v0"})


@pytest.mark.parametrize(
    "name", ["", "Shopify", "verifier", "shopify.evil", "../shopify", "..verifier", "os", "kinds", "__init__"]
)
def test_a_kind_that_is_not_known_is_refused_before_anything_is_imported(name):
    with pytest.raises(Invalid, match="Choose one of: "):
        load(name)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in KIND_SETTINGS])
def test_a_kind_without_settings_takes_none(kind):
    with pytest.raises(Invalid, match="has no settings"):
        load(kind, {"a": 1})


@pytest.mark.parametrize("page", TABLES, ids=lambda page: page.name)
def test_a_page_has_its_table_of_kinds_as_they_say_it(page):
    """After a wanted change: python -m tests.sources.table"""
    assert BETWEEN.findall(page.read_text()) == [TABLES[page]()]


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_says_what_is_signed_if_and_only_if_it_signs(kind):
    plugin = kind_of(kind)
    signs = kind == "generic" or isinstance(plugin.proofs[0], Verifier)
    cells = (plugin.about.signed, plugin.about.repeat, plugin.about.notes)

    assert bool(plugin.about.signed) == signs
    assert [text for text in cells if re.search(r"[|\n]|\.$", text)] == []


def test_the_kinds_are_known_without_importing_one():
    """Whatever starts imports this; a kind that is broken must not stop the others."""
    code = "import sys, shared.sources as s; print(len(s.KINDS), [m for m in sys.modules if '.kinds.' in m])"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603

    assert told.stdout.split() == [str(len(KINDS)), "[]"]


class TestEverySigner(SecurityCases):
    @pytest.fixture(params=[name for name, proof in PROOFS.items() if isinstance(proof, Verifier)])
    def verifier(self, request) -> Any:
        return PROOFS[request.param]


class TestEverySharedSecret(SharedSecretCases):
    @pytest.fixture(params=[name for name, proof in PROOFS.items() if isinstance(proof, SharedSecret)])
    def verifier(self, request) -> Any:
        return PROOFS[request.param]
