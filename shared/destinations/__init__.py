"""Where events go, one file each: settings, secrets, limits, and a pure build.

A kind is a module of `kinds` with a `DESTINATION`; `docs/adding-a-destination.md` shows one. It is imported on first use,
so that a broken one stops nothing else.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from importlib import import_module
from pkgutil import iter_modules
from typing import Any, Generic, TypeVar

from shared.destinations import kinds
from shared.destinations.access import Access
from shared.destinations.limits import Limits
from shared.destinations.outcomes import Ruling
from shared.destinations.secrets import Secret
from shared.destinations.settings import DestinationSettings
from shared.errors import Invalid
from shared.event import Stored
from shared.exact import Json
from shared.ports import Outgoing

__all__ = [
    "KINDS",
    "DestinationKind",
    "DestinationSettings",
    "Limits",
    "Parcel",
    "Secret",
    "always",
    "load",
    "never",
]

KINDS = tuple(sorted(module.name for module in iter_modules(kinds.__path__)))
"""Every destination there is. A name from outside reaches the importer only if it is one of these."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """One event on its way to one destination.

    `id` is the delivery's, the same at every attempt; `properties` are the event's after the route's mapping;
    `attempt` counts from 1. `identifiers` are the person's by their kind (`email`, `mobile`, `crmId`, `external:<name>`,
    `deviceId`): those that came along, then those that are known, where the kind `looks_up` the person.
    """

    id: str
    event: Stored
    properties: Mapping[str, Json]
    attempt: int
    identifiers: Mapping[str, str] = field(default_factory=dict)


S = TypeVar("S", bound=DestinationSettings)


def _no_access(_settings: Any, _secrets: Mapping[str, str]) -> Access | None:
    return None


def _no_account(_settings: Any, _secrets: Mapping[str, str]) -> str | None:
    return None


def never(_settings: Any) -> bool:
    """Of a kind that takes every request for a new one, however it is set up."""
    return False


def always(_settings: Any) -> bool:
    """Of a kind whose receivers know a delivery by its id, however it is set up."""
    return True


@dataclass(frozen=True, slots=True)
class DestinationKind(Generic[S]):
    """What the module of a kind offers, as `DESTINATION`. It is pure: no I/O, no clock, no random ids.

    `settings`: what a person sets; its JSON schema draws the form.
    `build`: the request of one attempt; raises Invalid if the parcel can never become one.
    `secrets`: its write-only secrets, by name.
    `access`: how an access token is had, where one is needed: it is put into the request's `authorization`.
    `answers`: where its answers mean something else than `outcomes.TABLE` says, by HTTP status.
    `deduplicates`: whether, set up so, a second request under one delivery id changes nothing, so that an unknown outcome
    may be sent again.
    `limits`: what it takes; checked before anything is sent, and no more is sent in a minute.
    `looks_up`: whether `build` needs the person's identifiers, those too that did not come with the event.
    `account`: whose rate it is that is used up, where several destinations may have one; None where each has its own.
    `join`: one request in the place of two or more to one URL, where it takes several events in one.
    """

    settings: type[S]
    build: Callable[[S, Mapping[str, str], Parcel, datetime], Outgoing]
    secrets: Mapping[str, Secret] = field(default_factory=dict)
    access: Callable[[S, Mapping[str, str]], Access | None] = _no_access
    answers: Mapping[int, Ruling] = field(default_factory=dict)
    deduplicates: Callable[[S], bool] = never
    limits: Limits = field(default_factory=Limits)
    looks_up: bool = False
    join: Callable[[Sequence[Outgoing]], Outgoing] | None = None
    account: Callable[[S, Mapping[str, str]], str | None] = _no_account

    def per_minute(self, settings: S) -> int | None:
        """How many requests a destination that is set up so is sent in a minute at most; None for any number."""
        known = [one for one in (settings.per_minute, self.limits.per_minute) if one is not None]
        return min(known, default=None)


def load(kind: str) -> DestinationKind[Any]:
    """The destination of that kind, imported on first use. Raises Invalid for a kind that is not in `KINDS`."""
    if kind not in KINDS:
        raise Invalid(f"There is no such kind of destination. Use one of: {', '.join(KINDS)}.")
    module: Any = import_module(f"{kinds.__name__}.{kind}")
    found: DestinationKind[Any] = module.DESTINATION
    return found
