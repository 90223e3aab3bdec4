"""Answers about sections, keys, clients and webhook sources."""

from typing import Literal, NotRequired

from typing_extensions import TypedDict

from functions.answers import Time
from functions.answers.events import Person
from functions.answers.problems import Fault
from shared.access.rights import Scope
from shared.access.roles import Role
from shared.exact import Json


class Section(TypedDict):
    """A section; its hash key is never answered."""

    id: str
    name: str
    country: str
    timeZone: str
    publicBaseUrl: str
    retentionDays: int | None
    idempotencyDays: int
    perMinute: int
    buckets: int
    status: Literal["active", "paused", "deleted"]
    createdAt: Time
    deletedAt: Time | None


class ResumedSection(Section):
    """A section with how many events and deliveries were let go."""

    resumed: int


class Sections(TypedDict):
    """All sections, by id."""

    sections: list[Section]


class Reached(TypedDict):
    """A section that the caller reaches, what they may do in it, and the only events that they may send; null is all."""

    id: str
    name: str
    status: Literal["active", "paused"]
    credential: str
    source: str
    scopes: list[Scope]
    events: list[str] | None


class Me(TypedDict):
    """Who asks: the sections that they reach, by id. `credential` is the id of their key or client."""

    sections: list[Reached]


class Exported(TypedDict):
    """Some records of a section; pass `next` on as `after` until it is null. `record` says what each is."""

    records: list[dict[str, Json]]
    next: str | None


class RotatedSection(TypedDict):
    """How many secrets were sealed anew, and the id of the master key that all of them are sealed under now."""

    id: str
    masterKey: str
    resealed: int


class KeySecret(TypedDict):
    """A secret of a key, without itself."""

    number: int
    createdAt: Time
    revokedAt: Time | None


class Key(TypedDict):
    """A key, without its text."""

    id: str
    name: str
    scopes: list[Scope]
    roles: list[Role]
    source: str
    events: list[str] | None
    origins: list[str] | None
    perMinute: int
    expiresAt: Time | None
    createdAt: Time
    revokedAt: Time | None
    secrets: list[KeySecret]


class NewKey(Key):
    """A key with its text, which is shown this once."""

    key: str


class ListedKey(Key):
    """A key with when it was last used, to the hour; null if never."""

    lastUsedAt: Time | None


class Keys(TypedDict):
    """The section's keys, revoked ones too, by id."""

    keys: list[ListedKey]


class Client(TypedDict):
    """A client as it is registered here; `id` is its application id in Entra."""

    id: str
    name: str
    scopes: list[Scope]
    source: str
    events: list[str] | None
    perMinute: int
    createdAt: Time
    revokedAt: Time | None


class ListedClient(Client):
    """A client with when it was last used here, to the hour; null if never."""

    lastUsedAt: Time | None


class Clients(TypedDict):
    """The section's clients, revoked ones too, by id."""

    clients: list[ListedClient]


class Change(TypedDict):
    """One change: `before` and `after` hold the members that differ, nothing secret."""

    at: Time
    by: str
    what: str
    id: str
    before: dict[str, Json]
    after: dict[str, Json]


class Changes(TypedDict):
    """Changes of a section's configuration, newest first; pass `next` on as `after`. It is null where there are no more."""

    changes: list[Change]
    next: str | None


class Meaning(TypedDict):
    """What one of the vendor's types becomes."""

    event: str
    version: str | None
    mapping: dict[str, Json] | None


class Source(TypedDict):
    """A webhook source; `secrets` is how many there are, `warnings` are what to do something about."""

    id: str
    hookPath: str
    name: str
    kind: str
    label: str
    types: dict[str, Meaning]
    paused: bool
    createdAt: Time
    settings: dict[str, Json] | None
    unverified: bool
    perMinute: int
    secrets: int
    warnings: list[str]


class ResumedSource(Source):
    """A source with how many kept webhooks were taken in."""

    resumed: int


class Sources(TypedDict):
    """The section's sources, by id."""

    sources: list[Source]


class Mapped(TypedDict):
    """What a mapping makes of a payload."""

    occurredAt: NotRequired[str]
    person: NotRequired[Person]
    properties: dict[str, Json]


class Tried(TypedDict):
    """A dry run. `unmapped`: JSON Pointers of what of the payload nothing took."""

    fits: bool
    event: str | None
    version: str | None
    result: Mapped | None
    detail: NotRequired[str]
    errors: list[Fault]
    unmapped: list[str]


class Rejection(TypedDict):
    """A request whose signature did not hold: why, the names of its headers, and how long its body was."""

    at: Time
    reason: str
    diagnosis: NotRequired[str]
    headers: str
    bytes: int


class Rejections(TypedDict):
    """The latest rejected requests of a source, newest first."""

    rejected: list[Rejection]
