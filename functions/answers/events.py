"""Answers about events: taking them in, what became of them, and what could not go on."""

from typing import Literal, NotRequired

from typing_extensions import TypedDict

from functions.answers import Running, Time
from functions.answers.problems import Told
from shared.exact import Json
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


class Posted(TypedDict):
    """An event as it could be posted, with substitutes for its values."""

    event: str
    occurredAt: Time
    source: str
    person: Person
    properties: dict[str, Json]
    test: bool


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
    answer: NotRequired[str]


class Delivery(TypedDict):
    """An event on its way to one route's destination; `sentAs` is the id that this knows it by, the delivery's own at first."""

    id: str
    route: str
    destination: str
    purpose: str
    status: Status
    cause: str | None
    detail: str
    sentAs: str
    nextAttemptAt: Time | None
    replays: int
    attempts: list[Attempt]


class Receipt(Summary):
    """Everything that is known of one event."""

    person: Person
    properties: dict[str, Json]
    status: Literal["accepted", "processed", "delivering", "delivered", "parked", "held", "failed", "refused"]
    reason: Literal["section_paused", "destination_paused"] | None
    detail: str
    personId: str | None
    traceId: str | None
    deduplicated: bool
    repeatDiffers: bool
    steps: list[Step]
    deliveries: list[Delivery]
