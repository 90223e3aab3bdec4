"""The words of the line as data: what a sender meant (Draft), what was accepted (Event), who it is about."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from shared.errors import Fault
from shared.exact import Json
from shared.trace import Trace

MAX_EVENT = 128
EVENT = re.compile(r"[a-z][a-z0-9-]*\.[a-z][a-z0-9-]*", re.ASCII)
"""The form of a discriminator: `<category>.<slug>`."""


def is_event_name(text: str) -> bool:
    """Whether a definition could have this name: what is not one never reaches a storage key."""
    return len(text) <= MAX_EVENT and EVENT.fullmatch(text) is not None


Trust = Literal["server", "browser"]
"""The trust class of a credential: a browser's events never block a server's."""


@dataclass(frozen=True, slots=True)
class Person:
    """The identifiers that came with an event, as they were sent."""

    email: str | None = None
    mobile: str | None = None
    crm_id: str | None = None
    external_ids: Mapping[str, str] = field(default_factory=dict)
    device_id: str | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """An event as its sender meant it, before its definition is asked; `faults` are the envelope's own."""

    event: str
    properties: Mapping[str, Json]
    person: Person = Person()
    version: str | None = None
    key: str | None = None
    occurred_at: str | None = None
    source: str | None = None
    test: bool = False
    backfill: bool = False
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True, slots=True)
class Unique:
    """Which events of a definition are alike: those with the same values of these fields, received within so many hours."""

    by: tuple[str, ...]
    hours: int


@dataclass(frozen=True, slots=True)
class Event:
    """An event that fits its definition; what is stored is this, its number text untouched."""

    event: str
    version: str
    purpose: str
    retention_days: int | None
    person: Person
    properties: Mapping[str, Json]
    occurred_at: str | None
    received_at: datetime
    source: str
    source_id: str
    trust: Trust
    key: str | None
    test: bool
    starts: bool = True
    """Whether it may go anywhere: not when it came from a browser and its definition does not say so."""
    stale_after_hours: int | None = None
    """How long after it happened it may still start something; None: for ever."""
    unique: Unique | None = None
    """What makes it alike an earlier one, so that it starts nothing; None: nothing does."""
    backfill: bool = False
    """It tells of what was missed: it is kept with the person, at its time, and starts nothing."""
    trace: Trace | None = None
    """The place in a trace that it came by; None of what was stored before there were any."""


@dataclass(frozen=True, slots=True)
class Stored:
    """An event as it lies in storage, with its id."""

    id: str
    event: Event
