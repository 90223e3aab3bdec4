"""Translate: an API envelope, or a webhook through its source's mapping, into drafts of events."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Annotated

from pydantic import Field, StringConstraints, ValidationError

from shared import documents, logs, mapping, sources
from shared.access.sources import Source, VendorType
from shared.bodies import DATE_TIME, Body
from shared.errors import (
    BrokenSource,
    Fault,
    Invalid,
    KeysDiffer,
    MalformedBody,
    SignalboxError,
    Unavailable,
    UnknownType,
)
from shared.event import Draft, Person
from shared.exact import Json
from shared.faults import faults_of, type_word
from shared.sources import Facts, Greeting, Received, SourceKind
from shared.watch import Watch

MAX_KEY = 255
MAX_BATCH = 1_000
Identifier = Annotated[str, StringConstraints(min_length=1, max_length=320)]
Label = Annotated[str, StringConstraints(min_length=1, max_length=100)]
_KEY = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,253}[\x21-\x7e])?")


class PersonBody(Body):
    """Who an event is about, as it stands in an envelope."""

    email: Identifier | None = None
    mobile: Identifier | None = None
    crm_id: Identifier | None = None
    external_ids: Annotated[dict[Label, Identifier], Field(max_length=20)] | None = None
    device_id: Identifier | None = None


class Envelope(Body):
    """One event as a sender posts it."""

    event: str
    version: Label | None = None
    id: Annotated[str, StringConstraints(min_length=1, max_length=MAX_KEY)] | None = None
    occurred_at: Annotated[str, DATE_TIME] | None = None
    source: Label | None = None
    person: PersonBody | None = None
    properties: dict[str, Json] = Field(default_factory=dict)
    test: bool = False
    backfill: bool = False
    """What was missed and is sent now: it is stored, and on the person's timeline at its time, and starts nothing."""


class Batch(Body):
    """Up to 1,000 events. `batch` leaves each to be read by itself, so that a bad one costs no other."""

    events: Annotated[list[Envelope], Field(min_length=1, max_length=MAX_BATCH)]


def envelope(body: Json, header_key: str | None = None) -> Draft:
    """The draft of one envelope. Its faults travel with it, so that those of its properties can join them.

    Raises Invalid when it does not even name an event, KeysDiffer, MalformedBody.
    """
    faults: list[Fault] = []
    try:
        Envelope.model_validate(body)
    except ValidationError as error:
        faults = faults_of(error)
    if not isinstance(body, Mapping) or not isinstance(body.get("event"), str):
        raise Invalid("The envelope does not name an event.", faults=faults)
    if body.get("backfill") is True and "occurredAt" not in body:
        faults.append(
            Fault("/occurredAt", "Say when it happened: it is for the past.", "an RFC 3339 time", "missing")
        )
    wrong = {fault.pointer.split("/")[1] for fault in faults if fault.pointer}
    return _draft({name: value for name, value in body.items() if name not in wrong}, header_key, faults)


def batch(body: Json) -> list[Json]:
    """The items of `{"events": [...]}`. Raises Invalid."""
    items = body.get("events") if isinstance(body, Mapping) else None
    if not isinstance(items, list) or not 1 <= len(items) <= MAX_BATCH or set(body) != {"events"}:
        found = f"a list of {len(items)}" if isinstance(items, list) else type_word(body)
        fault = Fault("/events", f"Send 1 to {MAX_BATCH} events.", "a list of events", found)
        raise Invalid('The body of a batch is {"events": [...]} and nothing else.', faults=[fault])
    return items


def idempotency_key(header: str | None) -> str | None:
    """The key in an `Idempotency-Key` header: a quoted structured-field string, or bare as most clients send it.

    https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/ (section 2.1). Raises MalformedBody.
    """
    if header is None:
        return None
    text = header.strip()
    if len(text) >= 2 and text[0] == text[-1] == '"':
        text = re.sub(r"\\([\"\\])", r"\1", text[1:-1])
    if not _KEY.fullmatch(text):
        raise MalformedBody(f"An Idempotency-Key has 1 to {MAX_KEY} printable ASCII characters.")
    return text


def kind_of(source: Source) -> SourceKind:
    """The kind of a source. Raises Unavailable when this version cannot load it: its signatures cannot be checked."""
    try:
        return sources.load(source.kind, source.settings)
    except Exception as error:  # noqa: BLE001  (whatever broke in this version)
        logs.fail("translate", "cannot be loaded", kind=source.kind, error=logs.told_of(error))
        raise Unavailable("This version cannot load the kind of the source.", retry_after=60) from None


def greeting(source: Source, kind: SourceKind, received: Received) -> Greeting | None:
    """The answer to a handshake or a ping; None for anything else, and for what cannot be read."""
    try:
        return kind.greets(received)
    except SignalboxError:
        return None
    except Exception as error:  # noqa: BLE001  (whatever broke in this version)
        logs.fail("translate", "broke over a greeting", kind=source.kind, error=logs.told_of(error))
        return None


def facts(source: Source, received: Received) -> Sequence[Facts]:
    """What a genuine webhook says happened. Raises MalformedBody, Invalid, BrokenSource."""
    with _breaking_is_ours(source):
        found = sources.load(source.kind, source.settings).read(received)
    if len(found) > MAX_BATCH:
        raise Invalid(
            f"The request holds {len(found)} events. Have the sender send at most {MAX_BATCH} at once."
        )
    return found


def webhook(source: Source, found: Facts, watch: Watch | None = None) -> Draft:
    """The draft that the source's mapping makes of a webhook; `watch` sees what of it is taken. Raises UnknownType, Invalid, BrokenSource."""
    meaning = source.types.get(found.type)
    if meaning is None:
        raise UnknownType("The source has no event for this type. Add the type to the source, then replay.")
    with _breaking_is_ours(source):
        mapped = mapping.apply(mapping.compiled(_mapping(source, found, meaning)), found.payload, watch)
    document = {"occurredAt": found.occurred_at, **mapped, "event": meaning.event, "version": meaning.version}
    draft = envelope(
        {name: value for name, value in document.items() if value is not None}, found.delivery_id
    )
    if draft.faults:
        raise Invalid("What the mapping makes of the webhook is no envelope.", faults=draft.faults)
    return draft


def person_of(source: Source, found: Facts) -> Person:
    """Whom a webhook is about by its type's mapping, also where all else of it does not fit. Raises BrokenSource."""
    with _breaking_is_ours(source), suppress(Invalid):
        doc = _mapping(source, found, source.types.get(found.type)).get("person", {})
        mapped = mapping.apply(mapping.compiled({"person": doc}), found.payload).get("person")
        return _person(mapped) if isinstance(mapped, Mapping) else Person()
    return Person()


def _person(members: Mapping[str, Json]) -> Person:
    """Of identifiers that nobody has checked, those that are texts."""
    external = members.get("externalIds")
    several = external if isinstance(external, Mapping) else {}
    return documents.read_person({**_texts(members), "externalIds": _texts(several)})


def _texts(members: Mapping[str, Json]) -> dict[str, Json]:
    return {name: value for name, value in members.items() if isinstance(value, str)}


@contextmanager
def _breaking_is_ours(source: Source) -> Iterator[None]:
    """What breaks is the kind's fault and not the sender's: the request is kept."""
    try:
        yield
    except SignalboxError:
        raise
    except Exception as error:  # noqa: BLE001  (whatever broke in this version)
        raise BrokenSource(
            f"The kind {source.kind} broke: {type(error).__name__}. Update it, then replay."
        ) from None


def _mapping(source: Source, found: Facts, meaning: VendorType | None) -> mapping.MappingDoc:
    """The source's own mapping, else the one that comes with its kind."""
    default = sources.load(source.kind, source.settings).mappings.get(found.type, {})
    chosen = default if meaning is None or meaning.mapping is None else meaning.mapping
    return {name: value for name, value in chosen.items() if name != "event"}


def _draft(good: Mapping[str, Json], header_key: str | None, faults: list[Fault]) -> Draft:
    own_key = good.get("id")
    if header_key is not None and own_key is not None and header_key != own_key:
        raise KeysDiffer("The Idempotency-Key header and the body's id differ. Send one of them.")
    person = good.get("person")
    return Draft(
        event=good.get("event", ""),
        properties=good.get("properties", {}),
        person=documents.read_person(person) if person else Person(),
        version=good.get("version"),
        key=own_key if header_key is None else header_key,
        occurred_at=good.get("occurredAt"),
        source=good.get("source"),
        test=good.get("test", False),
        backfill=good.get("backfill", False),
        faults=tuple(faults),
    )
