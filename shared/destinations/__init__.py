"""Where events go, one file each: settings, a pure build, and which answers are final.

A destination is a module of this package that satisfies `Destination`; `docs/adding-a-destination.md` shows one.
It is imported on first use, so that a broken one stops nothing else.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from typing import Any, Protocol, TypeVar, cast

from shared.destinations.outcomes import Ruling
from shared.destinations.settings import DestinationSettings
from shared.errors import Invalid
from shared.event import Stored
from shared.exact import Json
from shared.ports import Outgoing

__all__ = ["KINDS", "Destination", "DestinationSettings", "Parcel", "load"]

KINDS = ("webhook",)
"""Every destination there is. A name from outside reaches the importer only if it is one of these."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """One event on its way to one destination.

    `id` is the delivery's, the same at every attempt; `properties` are the event's after the route's mapping;
    `attempt` counts from 1.
    """

    id: str
    event: Stored
    properties: Mapping[str, Json]
    attempt: int


S = TypeVar("S", bound=DestinationSettings)


class Destination(Protocol[S]):
    """What a destination's module holds. `build` is given what its own `Settings` made."""

    @property
    def KIND(self) -> str:  # noqa: N802
        """Its name in `KINDS`, which is also its module's."""

    @property
    def DEDUPLICATES(self) -> bool:  # noqa: N802
        """Whether it drops a second request under one delivery id, so that an unknown outcome may be sent again."""

    @property
    def SECRETS(self) -> tuple[str, ...]:  # noqa: N802
        """The names of its write-only secrets."""

    @property
    def FINAL(self) -> Mapping[int, Ruling]:  # noqa: N802
        """Where its answers mean something else than `outcomes.TABLE` says, by HTTP status."""

    @property
    def Settings(self) -> type[S]:  # noqa: N802
        """What a person sets; its JSON schema draws the form."""

    def generate_secrets(self, random: bytes) -> dict[str, str]:
        """The secrets that Signalbox makes for a new destination, from at least 32 random bytes."""

    def check_secrets(self, secrets: Mapping[str, str]) -> None:
        """Raises Invalid with a fault for each secret that cannot work."""

    def build(self, settings: S, secrets: Mapping[str, str], parcel: Parcel, now: datetime) -> Outgoing:
        """The request of one attempt. Pure; raises Invalid if the parcel can never become one."""


def load(kind: str) -> Destination[Any]:
    """The destination of that kind, imported on first use. Raises Invalid for a kind that is not in `KINDS`."""
    if kind not in KINDS:
        raise Invalid(f"There is no such kind of destination. Use one of: {', '.join(KINDS)}.")
    return cast("Destination[Any]", import_module(f"shared.destinations.{kind}"))
