"""Answers about events: taking them in, what became of them, and what could not go on."""

from typing import Literal, NotRequired

from typing_extensions import TypedDict

from functions.answers import Running, Time
from functions.answers.problems import Fault, Told
from shared.exact import Json
from shared.stores import quarantine, replays
from shared.stores.trail import Status


class Accepted(TypedDict):
    """The event is stored."""

    id: str
    status: Literal["accepted"]
    event: str
    version: str
    receipt: str
    deduplicated: NotRequired[Literal[False]]


class Several(TypedDict):
    """The webhook is taken in with all that it holds, in order; it may hold nothing."""

    status: Literal["accepted"]
    events: list[Accepted]


class Quarantined(TypedDict):
    """The webhook is genuine, cannot become an event yet, and is kept."""

    status: Literal["quarantined"]


class Result(TypedDict):
    """The verdict for one event of a batch."""

    index: int
    status: Literal["accepted", "duplicate", "rejected", "retry"]
    id: NotRequired[str]
    problem: NotRequired[Told]


class Results(TypedDict):
    """A verdict for each event, in order."""

    results: list[Result]


class Summary(TypedDict):
    """What lists show of an event."""

    id: str
    event: str
    version: str
    source: str
    occurredAt: Time
    receivedAt: Time
    test: bool


class Listed(Summary):
    """An event in a list."""

    receipt: str


class Where(TypedDict):
    """The section that a list is of."""

    id: str
    status: Running


class Events(TypedDict):
    """Events, newest first; pass `next` on as `after` to follow."""

    section: Where
    events: list[Listed]
    next: str


class Person(TypedDict):
    """The identifiers that came with an event."""

    email: NotRequired[str]
    mobile: NotRequired[str]
    crmId: NotRequired[str]
    externalIds: NotRequired[dict[str, str]]
    deviceId: NotRequired[str]


class Step(TypedDict):
    """One thing that the line did with an event."""

    name: str
    at: Time
    outcome: str
    reason: NotRequired[str]
    detail: NotRequired[str]


class Attempt(TypedDict):
    """One try of a delivery; without an outcome it was begun and its end is not known."""

    number: int
    at: Time
    outcome: NotRequired[str]
    statusCode: NotRequired[int]
    reason: NotRequired[str]


class Delivery(TypedDict):
    """An event on its way to one route's destination."""

    id: str
    route: str
    destination: str
    purpose: str
    status: Status
    cause: str | None
    nextAttemptAt: Time | None
    replays: int
    attempts: list[Attempt]


class Receipt(Summary):
    """Everything that is known of one event."""

    person: Person
    properties: dict[str, Json]
    status: Literal["accepted", "processed", "delivering", "delivered", "parked", "held", "failed", "refused"]
    reason: Literal["section_paused", "destination_paused"] | None
    personId: str | None
    deduplicated: bool
    repeatDiffers: bool
    steps: list[Step]
    deliveries: list[Delivery]


class Kept(TypedDict):
    """A webhook in quarantine."""

    id: str
    cause: quarantine.Cause
    source: str
    at: Time
    detail: str
    errors: list[Fault]
    bytes: int


class Quarantine(TypedDict):
    """Webhooks in quarantine, by cause, oldest first."""

    quarantine: list[Kept]


class Group(TypedDict):
    """Webhooks of one source that lie in quarantine for one cause."""

    cause: quarantine.Cause
    source: str
    count: int
    oldest: Time


class Groups(TypedDict):
    """What lies in quarantine, by cause; the largest group of each first."""

    groups: list[Group]


class ReplayedGroup(TypedDict):
    """How many became events, how many were tried and are left, and whether there was no time for others."""

    taken: int
    left: int
    more: bool


class Replayed(TypedDict):
    """The kept webhook is an event now."""

    id: str
    status: Literal["accepted"]
    event: str
    receipt: str


class ReplayedSeveral(TypedDict):
    """All that the kept webhook holds are events now."""

    status: Literal["accepted"]
    events: list[Replayed]


class DeadLetter(TypedDict):
    """A delivery that ended without success, or is held."""

    id: str
    event: str
    route: str
    destination: str
    cause: str
    reason: str
    receipt: str


class DeadLetters(TypedDict):
    """Dead and held deliveries, by cause, oldest first."""

    deadLetters: list[DeadLetter]


class Redelivered(TypedDict):
    """The delivery was started anew."""

    id: str
    status: Status
    receipt: str


class Sample(TypedDict):
    """A dead letter that a filter chooses."""

    id: str
    cause: str
    destination: str


class Survey(TypedDict):
    """How many dead letters a filter chooses; there may be more unless it is complete."""

    count: int
    complete: bool
    samples: list[Sample]


class Replay(TypedDict):
    """How far a replay is. `skipped` failed again since, or were replayed by somebody else."""

    id: str
    status: replays.Status
    filter: dict[str, Json]
    perMinute: int
    replayed: int
    skipped: int
    createdAt: Time
    changedAt: Time
    by: str


class Replays(TypedDict):
    """The replays of the section, by id."""

    replays: list[Replay]
