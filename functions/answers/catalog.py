"""Answers about definitions and their versions."""

from typing import Literal

from typing_extensions import TypedDict

from functions.answers import Time


class Described(TypedDict):
    """A field of a version."""

    name: str
    type: str
    required: bool
    description: str


class Entry(TypedDict):
    """A version without its fields."""

    id: str
    number: int
    createdAt: Time


class Version(Entry):
    """A version with its fields."""

    fields: list[Described]


class Ranked(Entry):
    """A version in the list of a definition's."""

    status: Literal["active", "accepted"]


class Versions(TypedDict):
    """The versions of an event, oldest first."""

    versions: list[Ranked]


class Unique(TypedDict):
    """Which events of a definition are alike, and start nothing after the first."""

    by: list[str]
    hours: int


class About(TypedDict):
    """What every answer about a definition says."""

    event: str
    category: str
    title: str
    description: str
    purpose: str
    retentionDays: int | None
    staleAfterHours: int | None
    fromBrowsers: Literal["store", "start"]
    unique: Unique | None
    versions: int
    warnings: list[str]


class Defined(About):
    """A definition in a list, its active version without the fields."""

    version: Entry


class Definition(About):
    """A definition with its active version."""

    version: Version


class Definitions(TypedDict):
    """Every definition of the section, by name."""

    definitions: list[Defined]
