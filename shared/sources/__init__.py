"""Webhook sources as plug-ins: one module in `kinds` for each kind of sender, loaded when its first request arrives."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from shared import exact
from shared.bodies import read_body
from shared.errors import Invalid
from shared.exact import Json
from shared.mapping import MappingDoc
from shared.sources import kinds
from shared.sources.about import About
from shared.sources.genuine import Proof, SharedSecret
from shared.sources.policy import Policy
from shared.sources.received import Received
from shared.sources.verifier import Timestamp, Verifier

__all__ = [
    "KINDS",
    "About",
    "Facts",
    "Greeting",
    "Policy",
    "Received",
    "SharedSecret",
    "SourceKind",
    "Timestamp",
    "Verifier",
    "delivery_of",
    "load",
]

KINDS = tuple(sorted(found.name for found in iter_modules(kinds.__path__)))
"""All there are: listing the folder imports none of them."""
MAX_SET_UP = 1_000
"""Kinds with their settings that an instance keeps set up."""
MAX_DELIVERY = 255
"""Characters of a delivery id that is put together."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a vendor's request says of one thing that happened.

    `type` is the vendor's word for it; `delivery_id` is the same on every retry, or None where the vendor has none, and
    then a repeat cannot be told. `payload` is what the mapping sees.
    """

    type: str
    delivery_id: str | None
    payload: Json
    occurred_at: str | None = None


@dataclass(frozen=True, slots=True)
class Greeting:
    """The answer, with status 200, to a request by which a sender only asks whether we are there and willing."""

    doc: Json = None
    headers: Mapping[str, str] = field(default_factory=dict)


def _no_greeting(received: Received) -> Greeting | None:  # noqa: ARG001  (every kind is asked with the request)
    return None


@dataclass(frozen=True, slots=True)
class SourceKind:
    """What the module of a kind offers, as `SOURCE`. It is pure: no I/O, no clock, no random ids.

    `proofs`: how the vendor shows that it is itself, the strongest first.
    `policy`: what the vendor makes of our answers. `about`: what people should know of it.
    `read`: the facts of a genuine request, one for each thing that happened; none where there is nothing to take in.
    Raises MalformedBody for a body that is no JSON, Invalid where something that is needed is missing.
    `headers`: those that `read` needs, `ce-*` for all that begin so: of a request in quarantine no others are kept.
    `mappings`: for vendor types worth having, the mapping to start from, with members of an event as it is posted.
    `words`: of the values in its payloads those that are the vendor's own words and nobody's data, which a fixture made of a
    request keeps; what mappings name is kept anyway.
    `greets`: the answer to a handshake or a ping, else None. A POST has been checked before, no other method has.
    """

    proofs: tuple[Proof, ...]
    policy: Policy
    about: About
    read: Callable[[Received], Sequence[Facts]]
    headers: tuple[str, ...] = ()
    mappings: Mapping[str, MappingDoc] = field(default_factory=dict)
    words: tuple[str, ...] = ()
    greets: Callable[[Received], Greeting | None] = _no_greeting


def load(kind: str, settings: Json = None) -> SourceKind:
    """The plug-in of a kind, set up as a source has it: a module has a `SOURCE`, or `Settings` and `source(settings)`.

    Raises Invalid for any name that is not in KINDS, before anything is imported, and for settings that do not fit.
    """
    if kind not in KINDS:
        raise Invalid(f"There is no such kind of source. Choose one of: {', '.join(KINDS)}.")
    module = _module(kind)
    if hasattr(module, "Settings"):
        return _set_up(kind, exact.dumps(settings or {}))
    if settings:
        raise Invalid(f"The kind {kind} has no settings. Leave them out.")
    found: SourceKind = module.SOURCE
    return found


def is_set_up(kind: str) -> bool:
    """Whether a kind of KINDS has settings."""
    return hasattr(_module(kind), "Settings")


def _module(kind: str) -> Any:
    return import_module(f"{kinds.__name__}.{kind}")


@lru_cache(maxsize=MAX_SET_UP)
def _set_up(kind: str, settings: str) -> SourceKind:
    """The kind as its settings have it: every event of a webhook asks for it."""
    module = _module(kind)
    made: SourceKind = module.source(read_body(module.Settings, exact.loads(settings)))
    return made


def delivery_of(*parts: Json) -> str:
    """A delivery id put together of what a payload says; hashed where it would be too long."""
    text = "|".join(str(part).replace("%", "%25").replace("|", "%7C") for part in parts)
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass"))
    return text if len(text) <= MAX_DELIVERY else digest.hexdigest()
