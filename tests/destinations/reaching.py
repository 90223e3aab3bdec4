"""Leads a kind's recorded case to the stand-in of its API, and its person to the door."""

from urllib.parse import urlsplit

from local import standins
from shared import destinations
from shared.exact import Json
from tests.destinations.cases import SENT


def place(kind: str) -> str:
    """Where the receiver plays the kind's vendor."""
    return kind if kind in standins.NAMES else "ok"


def moved(kind: str, url: str) -> dict[str, Json]:
    """The settings of a kind's case, every address in them leading to its stand-in, those by default too."""
    settings = destinations.load(kind).settings.model_validate(SENT[kind]["settings"])
    members = settings.model_dump(by_alias=True, exclude_none=True)
    return {name: led(kind, value, url) for name, value in members.items()}


def led(kind: str, value: Json, url: str) -> Json:
    """An address, leading to the stand-in."""
    parts = urlsplit(str(value))
    if not parts.scheme.startswith("http"):
        return value
    return f"{url}/{place(kind)}{parts.path}{'?' if parts.query else ''}{parts.query}"


def person(identifiers: Json) -> dict[str, Json]:
    """Who has these identifiers, as a sender names them."""
    known = {name: value for name, value in identifiers.items() if not name.startswith("external:")}
    others = {name.removeprefix("external:"): identifiers[name] for name in identifiers.keys() - known.keys()}
    return {"email": "ada@example.com", **known, **({"externalIds": others} if others else {})}
