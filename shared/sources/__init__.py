"""Webhook sources as plug-ins: one module for each kind of sender, loaded when its first request arrives."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Protocol, cast

from shared.errors import Invalid
from shared.exact import Json
from shared.mapping import MappingDoc
from shared.sources.verifier import Received, Verifier

__all__ = ["KINDS", "Facts", "Received", "SourceKind", "Verifier", "load"]

KINDS = ("shopify",)


@dataclass(frozen=True, slots=True)
class Facts:
    """What a vendor's request says of itself.

    `type` is the vendor's word for what happened; `delivery_id` is the same on every retry of this delivery.
    """

    type: str
    delivery_id: str
    payload: Json
    occurred_at: str | None


class SourceKind(Protocol):
    """What the module of a kind offers. It is pure: no I/O, no clock, no random ids."""

    @property
    def KIND(self) -> str:  # noqa: N802
        """Its name, which is the module's."""

    @property
    def VERIFIER(self) -> Verifier:  # noqa: N802
        """How the vendor signs."""

    @property
    def MAPPINGS(self) -> Mapping[str, MappingDoc]:  # noqa: N802
        """For vendor types worth having: the mapping to start from, with members of an event as it is posted."""

    @property
    def HEADERS(self) -> tuple[str, ...]:  # noqa: N802
        """The headers that `read` needs: of a request in quarantine no others are kept."""

    def read(self, received: Received) -> Facts:
        """Raises MalformedBody for a body that is no JSON, Invalid where a header that is needed is missing."""


def load(kind: str) -> SourceKind:
    """The plug-in of a kind. Raises Invalid for any name that is not in KINDS, before anything is imported."""
    if kind not in KINDS:
        raise Invalid(f"There is no such kind of source. Choose one of: {', '.join(KINDS)}.")
    return cast("SourceKind", import_module(f"shared.sources.{kind}"))
