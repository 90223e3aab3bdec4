"""Fingerprints: equal exactly for the same content, and idempotency keys only within their scope."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.access.caller import Caller
from shared.access.sections import Section
from shared.event import Draft
from shared.exact import Number
from shared.stages.validate import fingerprint, key_hash
from tests.test_documents import PEOPLE
from tests.test_exact import TEXTS, VALUES, same

SECTION = Section("demo", "Demo", "SE", "UTC", "https://e.example", None, 30, 4, b"k" * 32)
PROPERTIES = st.dictionaries(TEXTS, VALUES, max_size=4)
DRAFTS = st.builds(
    Draft,
    event=st.sampled_from(["a.b", "a.c"]),
    properties=PROPERTIES,
    person=PEOPLE,
    occurred_at=st.none() | st.sampled_from(["2026-11-22T10:15:00Z", "2026-11-22T11:15:00+01:00"]),
    key=st.none() | TEXTS,
    source=st.none() | TEXTS,
    version=st.none() | TEXTS,
    test=st.booleans(),
)
DRAFT = Draft("a.b", {"total": Number("1.0"), "list": [{"a": True, "b": None}]})
SERVER = Caller("demo", frozenset(), "key-1", "shop", "source-1")


def shuffled(value):
    """The same content, the members of every object in another order."""
    if isinstance(value, dict):
        return {name: shuffled(value[name]) for name in sorted(value, reverse=True)}
    return [shuffled(item) for item in value] if isinstance(value, list) else value


@given(DRAFTS)
def test_the_order_of_members_does_not_matter(draft):
    assert fingerprint(SECTION, replace(draft, properties=shuffled(draft.properties))) == fingerprint(
        SECTION, draft
    )


@given(DRAFTS, DRAFTS)
def test_fingerprints_are_equal_exactly_for_the_same_content(one, other):
    def said(draft):
        return [draft.event, draft.occurred_at]

    equal = said(one) == said(other) and one.person == other.person
    equal = equal and same(shuffled(one.properties), shuffled(other.properties))

    assert (fingerprint(SECTION, one) == fingerprint(SECTION, other)) is equal


@pytest.mark.parametrize(
    "properties",
    [
        {"total": Number("1.00"), "list": [{"a": True, "b": None}]},
        {"total": Number("1"), "list": [{"a": True, "b": None}]},
        {"total": "1.0", "list": [{"a": True, "b": None}]},
        {"total": Number("1.0"), "list": [{"a": True}]},
        {"total": Number("1.0"), "list": [{"a": False, "b": None}]},
        {"total": Number("1.0"), "list": {"a": True, "b": None}},
        {"total": Number("1.0")},
        {"Total": Number("1.0"), "list": [{"a": True, "b": None}]},
    ],
)
def test_any_other_content_is_another_fingerprint(properties):
    assert fingerprint(SECTION, replace(DRAFT, properties=properties)) != fingerprint(SECTION, DRAFT)


@pytest.mark.parametrize("change", [{"event": "a.c"}, {"occurred_at": "2026-11-22T10:15:00Z"}])
def test_the_event_and_its_time_are_content(change):
    assert fingerprint(SECTION, replace(DRAFT, **change)) != fingerprint(SECTION, DRAFT)


@pytest.mark.parametrize("change", [{"version": "v2"}, {"source": "other"}, {"key": "k"}, {"test": True}])
def test_what_only_accompanies_an_event_is_not_content(change):
    assert fingerprint(SECTION, replace(DRAFT, **change)) == fingerprint(SECTION, DRAFT)


def test_another_section_has_other_fingerprints():
    assert fingerprint(replace(SECTION, hash_key=b"x" * 32), DRAFT) != fingerprint(SECTION, DRAFT)


def test_without_a_key_there_is_nothing_to_hash():
    assert key_hash(SECTION, SERVER, DRAFT) is None


@pytest.mark.parametrize(
    ("section", "caller", "key"),
    [
        (replace(SECTION, id="other"), SERVER, "k"),
        (SECTION, replace(SERVER, source_id="source-2"), "k"),
        (SECTION, replace(SERVER, trust="browser"), "k"),
        (SECTION, SERVER, "K"),
    ],
)
def test_a_key_counts_in_its_section_source_and_trust_class_only(section, caller, key):
    here = key_hash(SECTION, SERVER, replace(DRAFT, key="k"))

    assert key_hash(section, caller, replace(DRAFT, key=key)) != here
    assert key_hash(SECTION, replace(SERVER, key_id="another"), replace(DRAFT, key="k")) == here
