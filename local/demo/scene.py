"""What a scene of the sample is made of, and how it says that something ended otherwise than it should."""

from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from local.client import Response


class Surprise(Exception):
    """Something ended otherwise than it should; the message says how."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """The receipt of an event as it was at that moment."""

    doc: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Note:
    """One more fact, in the columns of a receipt."""

    name: str
    what: str
    detail: str


Part = Response | Receipt | Note


@dataclass(frozen=True, slots=True)
class Scene:
    """One thing that happened, part by part; `surprise` is None when it ended as it should."""

    title: str
    parts: tuple[Part, ...]
    surprise: str | None = None

    @property
    def good(self) -> bool:
        return self.surprise is None


def played(title: str, parts: Iterable[Part]) -> Scene:
    """The scene once its parts have come, as far as they came."""
    shown: list[Part] = []
    try:
        for part in parts:
            shown.append(part)  # noqa: PERF402  (what came before a surprise is shown)
    except Surprise as surprise:
        return Scene(title, tuple(shown), str(surprise))
    except (OSError, ValueError, LookupError) as error:
        return Scene(title, tuple(shown), f"No usable answer came: {type(error).__name__}, {error}.")
    return Scene(title, tuple(shown))


def expect(good: object, otherwise: str) -> None:
    """Raises Surprise with `otherwise` unless it is good."""
    if not good:
        raise Surprise(otherwise)


def expect_status(response: Response, status: HTTPStatus) -> None:
    """Raises Surprise for any other status."""
    expect(response.status == status, f"The answer should have been {status.value}.")
