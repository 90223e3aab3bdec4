"""Answers about many events at once: how far they came, and why not further."""

from typing import Literal

from typing_extensions import TypedDict

from functions.answers import Time
from functions.answers.operate import Kept
from shared.exact import Json

Stages = Literal["received", "valid", "resolved", "consented", "routed", "delivered"]


class Reason(TypedDict):
    """Why some events are not there, in a word and in a sentence, and how many they are."""

    reason: str
    count: int
    detail: str


class Stage(TypedDict):
    """How many events came so far; the `gap` to the stage before is the sum of its reasons."""

    stage: Stages
    count: int
    gap: int
    reasons: list[Reason]


class Destination(TypedDict):
    """What became of the deliveries to one destination; the `gap` is the sum of its reasons."""

    destination: str
    deliveries: int
    delivered: int
    gap: int
    reasons: list[Reason]


class Refused(TypedDict):
    """What the API refused, counted as it was answered: approximate, and no part of the stages."""

    count: int
    reasons: list[Reason]


class Reached(TypedDict):
    """How many events came to each stage."""

    received: int
    valid: int
    resolved: int
    consented: int
    routed: int
    delivered: int


class Part(TypedDict):
    """An hour or a day of it; approximate where it was counted on the spot, incomplete where not all was counted."""

    since: Time
    approximate: bool
    complete: bool
    countedAt: Time | None
    reached: Reached


class Funnel(TypedDict):
    """How far the events of a definition came. Test events are counted apart, and so are those that went on without a person."""

    event: str
    since: Time
    until: Time
    approximate: bool
    complete: bool
    countedAt: Time | None
    stages: list[Stage]
    refused: Refused
    tests: int
    withoutPerson: int
    destinations: list[Destination]
    parts: list[Part]


class CountedAgain(TypedDict):
    """How many hours were counted. `next`: send it as `until` for the others."""

    counted: int
    next: Time | None


class Way(TypedDict):
    """One destination that an event might have reached: whether it did, and if not, by which rule.

    `unmet`: the parts of the route's condition, as it is now, that the event does not meet.
    """

    route: str
    destination: str
    reached: bool
    rule: str | None
    detail: str
    unmet: list[Json]


class Explained(TypedDict):
    """An event of the person; `rule` is what stopped it as a whole, or None where each way has its own."""

    id: str
    event: str
    occurredAt: Time
    receivedAt: Time
    receipt: str
    status: str
    rule: str | None
    detail: str
    ways: list[Way]


class Why(TypedDict):
    """What became of a person's events in a time, the newest first, and which webhooks in quarantine mention the person.

    `refused`: what the API refused of the definition in those hours, whoever it was about.
    """

    since: Time
    until: Time
    personId: str | None
    rule: str | None
    detail: str
    events: list[Explained]
    quarantine: list[Kept]
    refused: Refused | None
    more: bool
