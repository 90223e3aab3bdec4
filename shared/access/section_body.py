"""What creates a section: its name, its place in the world, and the limits that its storage is laid out by."""

import ipaddress
import re
import zoneinfo
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from shared.access.caller import SECTION_ID
from shared.access.countries import COUNTRIES
from shared.bodies import Body, Text, Whole
from shared.faults import matching, refusal

A_SECTION = 300_000
_SECTION_ID = "2 to 31 lower-case letters, digits and hyphens, a letter first"
_BASE_URL = "https:// and a host, nothing after it (http:// for this machine only)"
_URL = re.compile(r"https?://[^\s/?#@\\]+/?", re.ASCII)


def _country(code: str) -> str:
    if code not in COUNTRIES:
        raise refusal("Choose one of the expected values.", "an ISO 3166-1 alpha-2 country code, such as SE")
    return code


def _time_zone(name: str) -> str:
    if name not in zoneinfo.available_timezones():
        raise refusal("Choose one of the expected values.", "an IANA time zone, such as Europe/Stockholm")
    return name


def _public_base_url(text: str) -> str:
    """The URL without a slash at its end, in lower case (it holds nothing but a scheme, a host and a port)."""
    if not is_base_url(text.lower()):
        raise refusal("Write it in the expected form.", _BASE_URL)
    return text.lower().removesuffix("/")


def is_base_url(text: str) -> bool:
    """Whether this is https:// and a host, or this machine by http://, and nothing after it."""
    if not _URL.fullmatch(text):
        return False
    try:
        url = urlsplit(text)
        host, _ = url.hostname, url.port  # reading a port that is none raises
    except ValueError:
        return False
    return bool(host) and (url.scheme == "https" or _is_loopback(host or ""))


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _like(example: str, **more: str) -> Any:
    """What the description of the API says of a text; whether it is one is checked elsewhere."""
    return Field(json_schema_extra={"examples": [example], **more})


class SectionSettings(Body):
    """What can be changed of a section, whole."""

    name: Text
    country: Annotated[str, AfterValidator(_country), _like("SE", pattern="^[A-Z]{2}$")]
    time_zone: Annotated[str, AfterValidator(_time_zone), _like("Europe/Stockholm")]
    public_base_url: Annotated[
        str,
        Field(max_length=300),
        AfterValidator(_public_base_url),
        _like("https://example.com", format="uri"),
    ]
    retention_days: Annotated[Whole, Field(ge=1, le=3650)] | None = None
    idempotency_days: Annotated[Whole, Field(ge=7, le=90)] = 30
    per_minute: Annotated[Whole, Field(ge=1, le=10_000_000)] = A_SECTION
    """Requests and events that all its keys and sources may send in a minute, taken together."""


class SectionBody(SectionSettings):
    """A section to create. Its id and how many buckets take its events never change."""

    id: Annotated[str, matching(SECTION_ID.pattern, _SECTION_ID)]
    buckets: Annotated[Whole, Field(ge=1, le=64)] = 4
