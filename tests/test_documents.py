"""Documents: whatever was accepted lies in storage so that it comes back the same, number text included."""

import json
from dataclasses import fields, replace
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from shared import documents, exact
from shared.event import Event, Person, Stored, Unique
from shared.exact import Number
from tests.test_exact import TEXTS, VALUES, number_texts, same

TEXT = TEXTS.filter(bool)
PEOPLE = st.builds(
    Person,
    email=st.none() | TEXT,
    mobile=st.none() | TEXT,
    crm_id=st.none() | TEXT,
    external_ids=st.dictionaries(TEXT, TEXT, max_size=3),
    device_id=st.none() | TEXT,
)
EVENTS = st.builds(
    Event,
    event=TEXT,
    version=TEXT,
    purpose=TEXT,
    retention_days=st.none() | st.integers(1, 3650),
    person=PEOPLE,
    properties=st.dictionaries(TEXTS, VALUES, max_size=4),
    occurred_at=st.none() | st.just("2026-11-22T10:15:00+01:00"),
    received_at=st.datetimes(datetime(2020, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    source=TEXT,
    source_id=TEXT,
    trust=st.sampled_from(["server", "browser"]),
    key=st.none() | TEXT,
    test=st.booleans(),
    starts=st.booleans(),
    stale_after_hours=st.none() | st.integers(1, 8760),
    backfill=st.booleans(),
    unique=st.none()
    | st.builds(Unique, st.lists(TEXT, min_size=1, max_size=5).map(tuple), st.integers(1, 8760)),
)
EVENT = Event(
    event="a.b",
    version="v1",
    purpose="marketing",
    retention_days=None,
    person=Person(email="ada@example.com"),
    properties={"total": Number("42.50")},
    occurred_at=None,
    received_at=datetime(2026, 11, 22, 9, 15, 0, 123456, tzinfo=UTC),
    source="shop",
    source_id="key-1",
    trust="server",
    key="order-1",
    test=False,
)


@given(EVENTS)
def test_any_event_comes_back_the_same(event):
    read = documents.read_event(documents.write_event(event))

    assert same(read.properties, event.properties)
    for field in fields(Event):
        if field.name != "properties":
            assert getattr(read, field.name) == getattr(event, field.name)


@given(number_texts())
def test_number_text_is_the_same_in_storage(text):
    event = replace(EVENT, properties={"total": Number(text)})

    assert f'"total":{text}'.encode() in documents.write_event(event)
    assert documents.read_event(documents.write_event(event)).properties["total"].text == text


@given(PEOPLE)
def test_a_person_comes_back_the_same_and_names_only_what_is_there(person):
    doc = documents.write_person(person)

    assert documents.read_person(doc) == person
    assert None not in doc.values()


def test_an_event_without_a_time_of_its_own_occurred_when_it_was_received():
    assert documents.occurred(EVENT) == EVENT.received_at
    assert documents.envelope(Stored("id", EVENT))["occurredAt"] == "2026-11-22T09:15:00.123Z"


def test_an_event_occurred_when_its_sender_says_and_in_the_sender_s_own_text():
    event = replace(EVENT, occurred_at="2026-11-20T10:15:00+01:00")

    assert documents.occurred(event) == datetime(2026, 11, 20, 9, 15, tzinfo=UTC)
    assert documents.envelope(Stored("id", event))["occurredAt"] == "2026-11-20T10:15:00+01:00"


def test_an_envelope_shows_the_event_and_nothing_that_only_the_line_needs():
    shown = documents.envelope(Stored("id-1", EVENT))

    assert json.loads(exact.dumps(shown)) == {
        "id": "id-1",
        "event": "a.b",
        "version": "v1",
        "source": "shop",
        "occurredAt": "2026-11-22T09:15:00.123Z",
        "receivedAt": "2026-11-22T09:15:00.123Z",
        "person": {"email": "ada@example.com"},
        "properties": {"total": 42.5},
        "test": False,
    }
