"""What registers a webhook source, and what mends one."""

from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    RootModel,
    StringConstraints,
    ValidationInfo,
    model_validator,
)

from shared.access.key_body import PerMinute
from shared.bodies import MAX_TEXT, Body, Discriminator, Text, context
from shared.faults import refusal
from shared.sources import KINDS

A_SOURCE = 60_000
"""Genuine webhooks and their events a minute, where a source says nothing else."""
MAX_TYPES = 200
MAX_SETTINGS = 20
"""Members of a source's settings; what they say is the kind's to judge."""
MAX_MAPPED = 200
"""Members of one mapping; what they say is the translator's to judge."""


def _known_kind(kind: str, info: ValidationInfo) -> str:
    kinds = context(info)["kinds"]
    if kind not in kinds:
        raise refusal("Choose one of the expected values.", ", ".join(sorted(kinds)))
    return kind


class SecretsBody(Body):
    """Secrets that the sender signs with. They are written and never answered."""

    # Eight characters, because an empty or tiny secret makes a signature that anybody can forge.
    signing: Annotated[str, StringConstraints(min_length=8, max_length=500)]


class TypeBody(Body):
    """What one vendor type becomes; without a version, the active one."""

    event: Discriminator
    version: Text | None = None
    mapping: Annotated[dict[str, Any], Field(max_length=MAX_MAPPED)] | None = None


VendorTypes = Annotated[
    dict[Annotated[str, StringConstraints(min_length=1, max_length=MAX_TEXT)], TypeBody],
    Field(max_length=MAX_TYPES),
]


SourceSettings = Annotated[dict[str, Any], Field(max_length=MAX_SETTINGS)]


class TypesBody(RootModel[VendorTypes]):
    """The meaning of every vendor type, by its name."""

    model_config = ConfigDict(strict=True, frozen=True)


class TryBody(Body):
    """A payload to try a mapping on; without a `meaning`, that which the source has for the type."""

    type: Annotated[str, StringConstraints(min_length=1, max_length=MAX_TEXT)]
    payload: Any
    meaning: TypeBody | None = None
    occurred_at: Annotated[str, StringConstraints(max_length=MAX_TEXT)] | None = None


class SettingsBody(RootModel[SourceSettings]):
    """What the kind of a source is to be set up with."""

    model_config = ConfigDict(strict=True, frozen=True)


class QuotaBody(Body):
    """How much a source may send from now on."""

    per_minute: PerMinute


class SourceBody(Body):
    """A webhook source to register."""

    # Validated with `kinds`, the known ones, as context.
    name: Text
    kind: Annotated[str, AfterValidator(_known_kind), Field(json_schema_extra={"enum": [*KINDS]})]
    label: Text
    settings: SourceSettings | None = None
    secrets: SecretsBody | None = None
    unverified: bool = False
    per_minute: PerMinute = A_SOURCE
    """Genuine webhooks, and the events that they carry, that it may send in a minute."""
    types: VendorTypes = Field(default_factory=dict)

    @model_validator(mode="after")
    def _one_way(self) -> "SourceBody":
        if self.unverified and self.secrets is not None:
            raise refusal(
                "Choose one: secrets, or unverified for a sender that nobody checks.", "one of the two"
            )
        return self
