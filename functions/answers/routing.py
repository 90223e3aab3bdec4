"""Answers about routes and destinations."""

from typing import Literal, NotRequired

from typing_extensions import TypedDict

from functions.answers import Running, Time
from functions.answers.problems import Fault
from shared.exact import Json


class Destination(TypedDict):
    """A destination, without its secrets. One that is disabled takes nothing until it is resumed."""

    id: str
    kind: str
    settings: dict[str, Json]
    status: Literal["active", "paused", "disabled"]
    createdAt: Time
    disabledAt: NotRequired[Time]
    disabledReason: NotRequired[str]


class NewDestination(Destination):
    """A destination; the secrets that Signalbox made for it are shown this once."""

    secrets: NotRequired[dict[str, str]]


class ResumedDestination(Destination):
    """A destination with how many parked deliveries were let go."""

    resumed: int


class Destinations(TypedDict):
    """The section's destinations, by id."""

    destinations: list[Destination]


class Route(TypedDict):
    """A way from an event to a destination."""

    id: str
    event: str
    destination: str
    purpose: str
    mapping: dict[str, Json] | None
    versions: list[str] | None
    condition: dict[str, Json] | None
    status: Running
    createdAt: Time


class PreviewedRequest(TypedDict):
    """A request without its secrets: of the URL no query, of the headers the names, and of the body the text."""

    method: str
    url: str
    headers: list[str]
    body: str


class Preview(TypedDict):
    """Whether an event would take a route, and what would be sent; `reason` says why not."""

    takes: bool
    reason: str | None
    errors: list[Fault]
    request: PreviewedRequest | None


class Routes(TypedDict):
    """The section's routes, by id."""

    routes: list[Route]
