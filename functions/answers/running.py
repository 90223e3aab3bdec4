"""Answers about the app itself."""

from typing import Literal, NotRequired

from typing_extensions import TypedDict


class Alive(TypedDict):
    """The instance answers."""

    status: Literal["alive"]


class Dependency(TypedDict):
    """What the app stands on: whether it is there, how many milliseconds it took to find out, and what is wrong."""

    name: Literal["tables", "masterKeys", "blobs", "bus", "tick"]
    ready: bool
    milliseconds: int
    detail: str | None


class Ready(TypedDict):
    """The app takes events in. Whoever operates is told of each part; `degraded`: something that can wait is away."""

    status: Literal["ready", "degraded"]
    dependencies: NotRequired[list[Dependency]]


class Ticked(TypedDict):
    """What each part did, in numbers; or why it was stopped."""

    sweep: dict[str, int | str]
    due: dict[str, int | str]
    unpark: dict[str, int | str]
    tell: dict[str, int | str]
    mend: dict[str, int | str]
    replay: dict[str, int | str]
    rollUp: dict[str, int | str]
    alert: dict[str, int | str]
    vitals: dict[str, int | str]
    purge: dict[str, int | str]
    clear: dict[str, int | str]
