"""Answers about what could not go on: quarantine, dead letters, and their replays."""

from typing import Literal, NotRequired

from typing_extensions import TypedDict

from functions.answers import Time
from functions.answers.events import Attempt
from functions.answers.problems import Fault
from functions.answers.routing import PreviewedRequest
from shared.exact import Json
from shared.stores import kept, replays
from shared.stores.trail import Status


class Kept(TypedDict):
    """A webhook in quarantine."""

    id: str
    cause: kept.Cause
    source: str
    at: Time
    detail: str
    errors: list[Fault]
    bytes: int


class Quarantine(TypedDict):
    """Webhooks in quarantine, by cause, oldest first."""

    quarantine: list[Kept]


class Mentioning(TypedDict):
    """Webhooks that mention a person, oldest first; those that mention more than they are found by; whether there may be others."""

    quarantine: list[Kept]
    perhaps: list[Kept]
    more: bool


class Fixture(TypedDict):
    """A request of a kind of source and what it says, as files in tests/fixtures/sources are; `refused` where it cannot be read."""

    origin: str
    settings: NotRequired[dict[str, Json]]
    headers: dict[str, str]
    body: str
    payload: NotRequired[list[Json]]
    facts: NotRequired[Json]
    mapped: NotRequired[Json]
    refused: NotRequired[str]


class Group(TypedDict):
    """Webhooks of one source that lie in quarantine for one cause."""

    cause: kept.Cause
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


class DeadGroup(TypedDict):
    """Dead and held deliveries to one destination with one cause; `oldest` is when the first of their events came."""

    cause: str
    reason: str
    destination: str
    count: int
    oldest: Time


class DeadGroups(TypedDict):
    """What is dead or held, by cause; the largest group of each first."""

    groups: list[DeadGroup]


class Letter(DeadLetter):
    """A dead letter with its attempts and the request that it would be now.

    `comparedWithLast`: whether the last attempt sent the `same`, or mapping, settings or person have `changed` since, or
    nothing was sent that could be compared.
    """

    status: Status
    replays: int
    attempts: list[Attempt]
    request: PreviewedRequest | None
    withoutRequest: str | None
    comparedWithLast: Literal["same", "changed", "unknown"]


class Redelivered(TypedDict):
    """The delivery was started anew; its destination gets it under `sentAs`."""

    id: str
    status: Status
    sentAs: str
    receipt: str


class Sample(TypedDict):
    """A delivery that a filter chooses."""

    id: str
    cause: str | None
    destination: str


class Survey(TypedDict):
    """How many deliveries a filter chooses; there may be more unless it is complete."""

    count: int
    complete: bool
    samples: list[Sample]


Replay = TypedDict(
    "Replay",
    {
        "id": str,
        "status": replays.Status,
        "filter": dict[str, Json],
        "perMinute": int,
        "as": Literal["same", "new"],
        "replayed": int,
        "skipped": int,
        "upTo": Time | None,
        "createdAt": Time,
        "changedAt": Time,
        "by": str,
    },
)
Replay.__doc__ = """How far a replay is. `skipped` failed again since, were replayed by somebody else, or must not be sent once more.

`upTo` is when the event came that was looked at last, where there is an order of time.
"""


class Replays(TypedDict):
    """The replays of the section, by id."""

    replays: list[Replay]
