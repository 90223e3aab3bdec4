"""What all request bodies share: their base model, the types of their members, and how they are read."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    ValidationInfo,
)
from pydantic.alias_generators import to_camel

from shared import times
from shared.errors import Fault, Invalid
from shared.event import EVENT, MAX_EVENT
from shared.exact import Json, Number
from shared.faults import faults_of, matching, refusal

MAX_TEXT = 100


class Body(BaseModel):
    """A request body: camelCase, no member that is not named, nothing coerced."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=False, extra="forbid", strict=True, frozen=True
    )


B = TypeVar("B", bound=BaseModel)


def read_body(
    model: type[B], body: Json, *, also: Callable[[Json], Sequence[Fault]] = lambda _: (), **given: Any
) -> B:
    """The body as its model. Raises Invalid with all its faults, those that `also` finds included.

    The model's validators find what is `given` by `context`.
    """
    try:
        read, faults = model.model_validate(body, context=given), []
    except ValidationError as error:
        faults = faults_of(error)
    faults += also(body)
    if faults:
        raise Invalid("Correct what `errors` lists and send the body again.", faults=faults)
    return read


def context(info: ValidationInfo) -> dict[str, Any]:
    """What `read_body` was given beside the body."""
    given: dict[str, Any] | None = info.context
    return given or {}


def _whole(value: object) -> object:
    return int(value) if isinstance(value, Number) and value.is_integer_text else value


DATE_TIME = Field(json_schema_extra={"format": "date-time"})
"""Says of a text that it is an RFC 3339 time, for the description of the API."""


def _time(text: str) -> str:
    try:
        return times.text(times.parse(text))
    except (ValueError, OverflowError):
        raise refusal("Write it in the expected form.", "an RFC 3339 time with an offset") from None


Time = Annotated[str, AfterValidator(_time), DATE_TIME]
"""An RFC 3339 time, in UTC once it is read."""

Whole = Annotated[int, BeforeValidator(_whole)]
"""A number written without fraction and exponent."""

Text = Annotated[
    str,
    StringConstraints(min_length=1, max_length=MAX_TEXT),
    matching(r"\S(.*\S)?", "one line of text without space around it"),
]

Slug = Annotated[
    str,
    matching(
        "[a-z][a-z0-9-]{0,63}", "one word in lower case, such as marketing: letters, digits and hyphens"
    ),
]

Discriminator = Annotated[
    str,
    StringConstraints(max_length=MAX_EVENT),
    matching(
        EVENT.pattern,
        "<category>.<slug> in lower case, such as transactions.order-placed: letters, digits, hyphens",
    ),
]
"""An event's name."""


class RevokeBody(Body):
    """Which secret of a key to revoke; without it the whole key."""

    secret: Annotated[Whole, Field(ge=1)] | None = None
