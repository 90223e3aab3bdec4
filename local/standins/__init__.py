"""Stand-ins for the APIs that destinations speak to, for tests and for whoever develops against them.

Each module plays one vendor's API as its documentation describes it: `answer` checks a request and answers as the vendor
would. The receiver serves them, `http://127.0.0.1:<port>/<name>/...`, and can be told to fail instead.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pkgutil import iter_modules

from shared.exact import Json

NAMES = tuple(sorted(module.name for module in iter_modules(__path__) if not module.ispkg))


@dataclass(frozen=True, slots=True)
class Asked:
    """A request; `path` begins after the stand-in's name, and header names are in small letters."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Taken:
    """What a request brought: the event as the vendor has it now. A vendor that knows a second one by its `id` drops that."""

    what: Json
    id: str | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """An answer; without a `doc` it has no body, and one that is text is sent as it is. `taken` goes with a good one."""

    status: int
    doc: Json = None
    headers: Mapping[str, str] = field(default_factory=dict)
    taken: Taken | None = None


def answer(name: str, asked: Asked) -> Told:
    """What the API of that name answers."""
    told: Told = import_module(f"local.standins.{name}").answer(asked)
    return told
