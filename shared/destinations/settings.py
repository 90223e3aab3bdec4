"""What every destination's settings share: the border model, how long to wait, and what a URL may look like."""

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Any, Literal
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from shared.exact import Number
from shared.faults import refusal

MAX_URL = 2048
"""Characters."""
_NOT_IN_A_URL = re.compile(r"[\s\x00-\x1f\x7f\\]")


def _whole(value: object) -> object:
    """A JSON number without fraction as an int; anything else is left for pydantic to refuse."""
    return int(value) if isinstance(value, Number) and value.is_integer_text else value


def _listed(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


def _absolute(url: str) -> str:
    """Refuse a URL by its shape. Which scheme and address it may reach is decided when it is used."""
    parts = _split(url)
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0:
        raise refusal("Send an absolute URL; percent-encode spaces.", "URL like https://example.com/hook")
    if "@" in parts.netloc:
        raise refusal("Leave out user name and password; secrets have a place of their own.", "URL without @")
    if "#" in url:
        raise refusal("Leave out the fragment: it is never sent.", "URL without #")
    return url


def is_url(text: str) -> bool:
    """Whether it is an absolute URL as `Url` takes it."""
    try:
        return bool(_absolute(text)) and len(text) <= MAX_URL
    except PydanticCustomError:
        return False


def _split(url: str) -> SplitResult | None:
    """The parts of a URL, or None where `urlsplit` would raise or quietly drop characters."""
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018  (reading it checks it)
    except ValueError:
        return None
    return None if _NOT_IN_A_URL.search(url) else parts


Url = Annotated[
    str, Field(max_length=MAX_URL, json_schema_extra={"format": "uri"}), AfterValidator(_absolute)
]
"""An absolute http or https URL without user name, password and fragment."""


def _bare(url: str) -> str:
    """An address whose path, after what is there, is ours to say."""
    if "?" in url:
        raise refusal("Leave out the query.", "URL such as https://api.example.com")
    return url.rstrip("/")


BaseUrl = Annotated[Url, AfterValidator(_bare)]
"""A URL without query; a slash at its end is dropped."""

Identifier = Annotated[str, StringConstraints(pattern=r"^(email|mobile|crmId|deviceId|external:.{1,64})$")]
"""One of a person's identifiers, by its kind."""

PropertyName = Annotated[str, StringConstraints(min_length=1, max_length=128)]
"""The name of a property, after the route's mapping."""

Timeout = Annotated[int, Field(ge=1, le=30), BeforeValidator(_whole)]
"""Whole seconds, 1 to 30 (Standard Webhooks 1.0.0 suggests 15 to 30)."""


SCHEDULE = (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
"""Seconds before each repeat, as Standard Webhooks 1.0.0 suggests ("deliverability"): ten attempts over some 75 hours."""

_Wait = Annotated[int, Field(ge=1, le=604_800), BeforeValidator(_whole)]
Waits = Annotated[tuple[_Wait, ...], Field(max_length=19), BeforeValidator(_listed)]
"""Up to 19 waits of 1 second to 7 days (604,800 seconds)."""

Hours = Annotated[int, Field(ge=1, le=8_760), BeforeValidator(_whole)]
"""Whole hours, up to a year (8,760)."""

PerMinute = Annotated[int, Field(ge=2, le=1_000_000), BeforeValidator(_whole)]
"""Requests a minute, 2 to 1,000,000."""


def rate(by_default: int | None, why: str) -> Any:
    """The field for the requests that a destination is sent in a minute; `why` says what it is by default."""
    told = (
        "Requests a minute that it is sent at most, by all instances together; what is more waits its turn."
    )
    return Field(by_default, title="Rate", description=f"{told} {why}")


class DestinationSettings(BaseModel):
    """The settings that every destination has."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=False,
        extra="forbid",
        strict=True,
        frozen=True,
        hide_input_in_errors=True,
    )

    timeout_seconds: Timeout = Field(
        15, title="Timeout", description="Seconds to wait for an answer, connecting included."
    )
    retry_seconds: Waits = Field(
        SCHEDULE,
        title="Waits",
        description="Seconds before each repeat of an attempt that failed; without any there is one attempt.",
    )
    max_age_hours: Hours | None = Field(
        None,
        title="Maximum age",
        description="Hours after its receipt for which an event is worth sending; without it, for ever.",
    )
    on_unknown: Literal["hold", "resend"] = Field(
        "hold",
        title="Outcome unknown",
        description="Whether an attempt that may have arrived is held for a person to decide, or sent again. "
        "Where the destination drops repeats it is always sent again.",
    )
    per_minute: PerMinute | None = rate(None, "Without it, as many as its kind takes.")

    def of_its_kind(self) -> dict[str, object]:
        """What its kind alone has: where it is, and what is done there."""
        return self.model_dump(exclude=set(DestinationSettings.model_fields))

    @property
    def schedule(self) -> Sequence[timedelta]:
        """The wait before each repeat."""
        return [timedelta(seconds=wait) for wait in self.retry_seconds]
