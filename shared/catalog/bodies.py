"""What a definition and a version look like when people send them."""

from collections.abc import Iterator, Sequence
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints

from shared.bodies import Body, Discriminator, Slug, Whole
from shared.catalog.fields import FIELD_TYPES
from shared.errors import Fault
from shared.exact import Json
from shared.faults import matching, pointer, refusal

MAX_FIELDS = 100
MAX_UNIQUE_BY = 5
"""Fields by which events of a definition may be alike."""


def _known_type(name: str) -> str:
    if name not in FIELD_TYPES:
        raise refusal("Choose one of the field types.", ", ".join(FIELD_TYPES))
    return name


_FIELD_NAME = matching(
    "[a-z][A-Za-z0-9]{0,63}",
    "a lower-case letter, then letters and digits, at most 64 in all, such as orderId",
)
_NOT_BLANK = matching(r"[\s\S]*\S[\s\S]*", "text that is not blank")


class FieldBody(Body):
    """One field of a version."""

    name: Annotated[str, _FIELD_NAME]
    type: Annotated[str, AfterValidator(_known_type), Field(json_schema_extra={"enum": [*FIELD_TYPES]})]
    required: bool = False
    description: Annotated[str, StringConstraints(max_length=500)] = ""


class VersionBody(Body):
    """What can change from version to version."""

    fields: Annotated[list[FieldBody], Field(max_length=MAX_FIELDS)]


class UniqueBody(Body):
    """Which events say the same though their ids differ: equal values of these fields, within so many hours."""

    by: Annotated[list[str], Field(min_length=1, max_length=MAX_UNIQUE_BY)]
    hours: Annotated[Whole, Field(ge=1, le=8760)]


class DefinitionBody(VersionBody):
    """A new definition with its first version. `retentionDays` null means forever, and has to be said."""

    event: Discriminator
    title: Annotated[str, StringConstraints(max_length=100), _NOT_BLANK]
    description: Annotated[str, StringConstraints(max_length=1000), _NOT_BLANK]
    purpose: Slug
    retention_days: Annotated[Whole, Field(ge=1, le=3650)] | None
    stale_after_hours: Annotated[Whole, Field(ge=1, le=8760)] | None = None
    """How long after it happened an event may still start something; null means for ever."""
    from_browsers: Literal["store", "start"] = "store"
    """What comes by a publishable key anybody can send: it is stored and counted, or starts what others start too."""
    unique: UniqueBody | None = None
    """An event alike an earlier one starts nothing; null means that ids alone tell events apart."""


def faults_of_definition(body: Json) -> Sequence[Fault]:
    """What only the definition as a whole can tell: names that are there twice, and `unique` by what is no field."""
    return [*repeated_names(body), *_unique_faults(body)]


def repeated_names(body: Json) -> Sequence[Fault]:
    """Fields with the name of an earlier one; case does not tell names apart, because destinations fold it."""
    fields = body.get("fields") if isinstance(body, dict) else None
    names = [_folded_name(field) for field in fields[:MAX_FIELDS]] if isinstance(fields, list) else []
    first: dict[str | None, int] = {}
    for index, name in enumerate(names):
        first.setdefault(name, index)
    return [
        _repeated(index, first[name])
        for index, name in enumerate(names)
        if name is not None and first[name] != index
    ]


def _unique_faults(body: Json) -> Iterator[Fault]:
    fields, unique = (body.get("fields"), body.get("unique")) if isinstance(body, dict) else (None, None)
    by = unique.get("by") if isinstance(unique, dict) else None
    if not isinstance(fields, list) or not isinstance(by, list):
        return
    names = {field["name"] for field in fields[:MAX_FIELDS] if _folded_name(field) is not None}
    for index, name in enumerate(by[:MAX_UNIQUE_BY]):
        if isinstance(name, str) and (name not in names or name in by[:index]):
            detail = "Name each field of the definition once, as it is written there."
            yield Fault(pointer("unique", "by", index), detail, "a field of this definition", "text")


def _folded_name(field: Json) -> str | None:
    name = field.get("name") if isinstance(field, dict) else None
    return name.lower() if isinstance(name, str) else None


def _repeated(index: int, first: int) -> Fault:
    return Fault(
        pointer("fields", index, "name"),
        f"Choose another name: field {first} has this one. Upper and lower case count as the same.",
        "a name that no other field has",
        "text",
    )
