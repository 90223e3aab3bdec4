"""Answers about many events at once: how far they came, and why not further."""

from typing import Literal

from typing_extensions import TypedDict

from functions.answers import Time

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
    tests: int
    withoutPerson: int
    destinations: list[Destination]
    parts: list[Part]


class CountedAgain(TypedDict):
    """How many hours were counted. `next`: send it as `until` for the others."""

    counted: int
    next: Time | None
