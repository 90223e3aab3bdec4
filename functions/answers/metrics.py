"""Answers about a section as a whole: how many, how well, how long, and what waits."""

from typing import Literal

from typing_extensions import TypedDict

from functions.answers import Time


class Outcomes(TypedDict):
    """What became of what came; they add up to it."""

    delivered: int
    failed: int
    held: int
    parked: int
    waiting: int
    quarantined: int
    nowhere: int


class Latency(TypedDict):
    """How long things took, in seconds: the percentiles are estimates, made from the counts in `within`.

    `within`: how many took at most so many seconds and longer than the class before; `more`: longer than the last.
    """

    count: int
    p50: float | None
    p95: float | None
    within: dict[str, int]


class Measures(TypedDict):
    """`successRate`: the share of what was delivered, failed or is held; null where nothing was. `latency`: until it arrived."""

    received: int
    outcomes: Outcomes
    successRate: float | None
    tests: int
    refused: int
    latency: Latency


class WaitingNow(TypedDict):
    """Deliveries that are dead, held or parked now, and webhooks in quarantine; counted up to a limit."""

    dead: int
    held: int
    parked: int
    quarantined: int


class Total(Measures):
    """Of all. `atLeast`: the states of which there is more than was counted."""

    waiting: WaitingNow | None
    atLeast: list[str]
    oldestUnfinishedSeconds: float | None


class Definition(Measures):
    """Of one definition."""

    event: str
    oldestUnfinishedSeconds: float | None


class Source(TypedDict):
    """Of one source by its label; null: of all that are not named."""

    source: str | None
    received: int
    outcomes: Outcomes
    successRate: float | None
    latency: Latency
    quarantinedNow: int | None
    oldestUnfinishedSeconds: float | None


class DestinationWaiting(TypedDict):
    """Deliveries to it that are dead, held or parked now."""

    dead: int
    held: int
    parked: int


class Destination(TypedDict):
    """Of the deliveries to one destination; `answerTime`: how long it took to answer, whatever else took time."""

    destination: str
    deliveries: int
    outcomes: Outcomes
    successRate: float | None
    latency: Latency
    answerTime: Latency
    waiting: DestinationWaiting | None
    oldestUnfinishedSeconds: float | None


class Part(Measures):
    """An hour or a day of it."""

    since: Time
    approximate: bool
    complete: bool
    countedAt: Time | None


class Alert(TypedDict):
    """A definition or a source that is not as usual since an hour.

    `count` came in it, where at least `least` and at most `most` usually come; of a silence `least` says how many came in other
    weeks in the hours that it had lasted when it was found.
    """

    was: Literal["silent", "unusual"]
    of: Literal["definition", "source"]
    name: str
    since: Time
    count: int
    least: int
    most: int


class Metrics(TypedDict):
    """What came in a time and what became of it. `next`: send it as `after` for the definitions that follow."""

    since: Time
    until: Time
    approximate: bool
    complete: bool
    countedAt: Time | None
    total: Total
    definitions: list[Definition]
    next: str | None
    sources: list[Source]
    destinations: list[Destination]
    parts: list[Part]
    alerts: list[Alert]


class SourceOfADay(TypedDict):
    """What one source sent in a day; null: all that are not named."""

    source: str | None
    events: int
    outcomes: Outcomes


class Day(TypedDict):
    """A day of UTC: `events` that were received, those in `tests`, and what the API `refused` beside them."""

    date: str
    approximate: bool
    complete: bool
    countedAt: Time | None
    events: int
    tests: int
    refused: int
    deliveries: int
    sources: list[SourceOfADay]


class FullestMinute(TypedDict):
    """The minute in which most of a quota was taken; `share` is 1 where all of it was, and more where a batch took a debt."""

    at: Time
    count: int
    share: float


class Quota(TypedDict):
    """A quota that was used: how many requests and events it took, and how many were `refused` because nothing was left."""

    of: Literal["section", "key", "source"]
    id: str | None
    perMinute: int
    used: int
    refused: int
    fullestMinute: FullestMinute


class Limit(TypedDict):
    """How many there are of something, and may be at most."""

    what: Literal["definitions", "sources", "destinations", "routes", "subscriptions", "keys", "clients"]
    count: int
    most: int


class Usage(TypedDict):
    """What a section takes in and sends out, how full its quotas were, and what it has of what is limited."""

    since: Time
    until: Time
    approximate: bool
    complete: bool
    countedAt: Time | None
    days: list[Day]
    quotas: list[Quota]
    limits: list[Limit]
