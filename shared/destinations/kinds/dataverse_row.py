"""A row of a table of Dataverse: created, or written by an alternate key.

https://learn.microsoft.com/power-apps/developer/data-platform/webapi/create-entity-web-api and
https://learn.microsoft.com/power-apps/developer/data-platform/use-upsert-insert-update-record
"""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Annotated, Self
from urllib.parse import quote
from uuid import UUID

from pydantic import Field, StringConstraints, model_validator

from shared import exact
from shared.destinations import DestinationKind, Limits, Parcel
from shared.destinations.dataverse import JSON_HEADERS, DataverseSettings, access, account
from shared.destinations.entra import ENTRA_SECRETS
from shared.destinations.outcomes import NO_ACCESS
from shared.destinations.settings import Identifier, PropertyName
from shared.errors import Invalid
from shared.exact import Json, Number
from shared.faults import refusal
from shared.ports import Outgoing

_BIND = "@odata.bind"
_REFERENCE = re.compile(r"/?[A-Za-z_][A-Za-z0-9_]*\(.{1,400}\)")
_NOT_IN_A_KEY = frozenset("/<>*%&:\\?+")
"""https://learn.microsoft.com/power-apps/developer/data-platform/define-alternate-keys-entity"""

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,127}$")]


class Settings(DataverseSettings):
    """Which table, how a row is found again, and which lookup names the person."""

    table: Name = Field(
        title="Table", description="Its entity set name, which is a plural, such as contoso_orders."
    )
    key: Name | None = Field(
        None,
        title="Alternate key",
        description="A column that alone is an alternate key of the table. A row is written by it: created, or changed "
        "where there is one. Left out, each event creates a row.",
    )
    key_property: PropertyName | None = Field(
        None,
        title="Value of the key",
        description="The property that the key holds. Left out, it is the delivery's id: 36 characters, _ and the "
        "route's id.",
    )
    person_lookup: Name | None = Field(
        None,
        title="Lookup of the person",
        description="The navigation property that refers to the person's row, such as contoso_Contact.",
    )
    person_table: Name = Field("contacts", title="Table of people", description="Where that lookup leads.")
    person: Identifier = Field(
        "crmId", title="Identifier of the person", description="Its value is the row's GUID."
    )

    @model_validator(mode="after")
    def _needs_key(self) -> Self:
        if self.key_property is not None and self.key is None:
            raise refusal("Say which column is the alternate key, or leave keyProperty out.", "key")
        return self


def build(settings: Settings, _secrets: Mapping[str, str], parcel: Parcel, _now: datetime) -> Outgoing:
    """One row. Raises Invalid for a key, a lookup or a person that it cannot have."""
    columns = {name: value for name, value in parcel.properties.items() if name != settings.key_property}
    if settings.key in columns:
        # Of two values of a key, a new row would get this one, and not be found again.
        raise Invalid(
            f"{settings.key} is the alternate key. Leave it out of the mapping, or name it as keyProperty."
        )
    row = {**columns, **dict(_person(settings, parcel.identifiers))}
    for name, value in row.items():
        if name.endswith(_BIND) and not (isinstance(value, str) and _REFERENCE.fullmatch(value)):
            raise Invalid(f"{name} is no reference. Map it to text such as /accounts(<its GUID>).")
    at = f"{settings.organization}/api/data/v9.2/{settings.table}"
    body = exact.dumps(row).encode()
    if settings.key is None:
        return Outgoing("POST", at, JSON_HEADERS, body)
    return Outgoing("PATCH", f"{at}({settings.key}={_key(settings, parcel)})", JSON_HEADERS, body)


def _person(settings: Settings, identifiers: Mapping[str, str]) -> Iterator[tuple[str, Json]]:
    if settings.person_lookup is None:
        return
    try:
        row = UUID(identifiers.get(settings.person, ""))
    except ValueError:
        raise Invalid(f"The person has no {settings.person} that is a row's GUID.") from None
    yield settings.person_lookup + _BIND, f"/{settings.person_table}({row})"


def _key(settings: Settings, parcel: Parcel) -> str:
    """The key's value as OData writes it in a URL (OData 4.01, part 2, section 5.1.1.14): text in quotes."""
    value = parcel.properties.get(settings.key_property) if settings.key_property else parcel.id
    if isinstance(value, Number) and value.is_integer_text:
        return str(value)
    if not isinstance(value, str) or not value or _NOT_IN_A_KEY & {*value}:
        raise Invalid(
            f"{settings.key_property} cannot be a key. It has to be a whole number, or text without "
            f"{' '.join(sorted(_NOT_IN_A_KEY))} ."
        )
    return quote("'" + value.replace("'", "''") + "'", safe="'")


DESTINATION = DestinationKind(
    settings=Settings,
    build=build,
    secrets=ENTRA_SECRETS,
    access=access,
    account=account,
    answers={401: NO_ACCESS},
    # A second request under one key finds the first one's row, and writes the same values into it.
    deduplicates=lambda settings: settings.key is not None,
    limits=Limits(
        nested=False,
        names=re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}(@odata\.bind)?"),
        names_are="letters, digits and _, and @odata.bind after a lookup's",
        # https://learn.microsoft.com/power-apps/developer/data-platform/webapi/reference/memoattributemetadata
        text=1_048_576,
    ),
    looks_up=True,
)
