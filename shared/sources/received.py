"""A webhook request as it arrived, for whoever checks and reads it."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

from shared.errors import Invalid

MAX_QUERY = 50
"""Parameters of a hook's query that are looked at: a sender of ours sends one or two."""


@dataclass(frozen=True, slots=True)
class Received:
    """A request: lower-case header names, and the public URL that the sender called."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes

    def header(self, *names: str) -> str | None:
        """The first of these headers that is there and not empty."""
        return next((value for name in names if (value := self.headers.get(name))), None)

    def required(self, *names: str) -> str:
        """The same, but raises Invalid when none is there."""
        value = self.header(*names)
        if value is None:
            raise Invalid(f"The request has no {names[0]} header. Send it, and let proxies pass it on.")
        return value

    def parameter(self, *names: str) -> str | None:
        """The first of these members of the query that is there and not empty; None for a query that is no query."""
        try:
            found = dict(reversed(parse_qsl(urlsplit(self.url).query, max_num_fields=MAX_QUERY)))
        except ValueError:
            return None
        return next((value for name in names if (value := found.get(name))), None)
