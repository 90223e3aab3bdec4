"""Answers about the app itself."""

from typing import Literal

from typing_extensions import TypedDict


class Alive(TypedDict):
    """The instance answers."""

    status: Literal["alive"]


class Ticked(TypedDict):
    """What each part did, in numbers; or why it was stopped."""

    sweep: dict[str, int | str]
    due: dict[str, int | str]
    unpark: dict[str, int | str]
    tell: dict[str, int | str]
    mend: dict[str, int | str]
    replay: dict[str, int | str]
    rollUp: dict[str, int | str]
    purge: dict[str, int | str]
    clear: dict[str, int | str]
