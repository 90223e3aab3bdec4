"""Answers about people and their consent."""

from typing import Literal

from typing_extensions import TypedDict

from functions.answers import Time


class Consent(TypedDict):
    """What holds for the address now."""

    purpose: str
    state: Literal["opted_in", "opted_out"]
    at: Time


class Identifier(TypedDict):
    """One identifier of a person, in clear."""

    kind: str
    value: str


class Profile(TypedDict):
    """A person."""

    id: str
    createdAt: Time | None
    identifiers: list[Identifier]


class Happened(TypedDict):
    """One event of a person."""

    id: str
    event: str
    source: str
    test: bool


class Timeline(TypedDict):
    """The newest events of a person."""

    events: list[Happened]
