"""Calls: one HTTP request at a door, as its handler has it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from functions.replies import Reply
from shared.access.caller import Caller
from shared.access.quotas import Standing
from shared.exact import Json
from shared.line import Line
from shared.sources import Received
from shared.stages.receive import body_of, json_of


@dataclass(frozen=True, slots=True)
class Call:
    """One request at an open door."""

    line: Line
    request: Received
    params: Mapping[str, str]
    query: Mapping[str, str]

    @property
    def body(self) -> Json:
        """The body as exact JSON. Raises as `receive.json_of`."""
        return json_of(self.request)

    @property
    def optional_body(self) -> Json:
        """The same, or an empty object where nothing was sent."""
        return json_of(self.request) if body_of(self.request) else {}


@dataclass(frozen=True, slots=True)
class KeyedCall(Call):
    """One request whose caller is known and may do this."""

    caller: Caller

    @property
    def section(self) -> str:
        """The section it is about. Raises Forbidden when a deployment key has not named one."""
        return self.caller.require_section()

    @property
    def asked_in(self) -> str:
        """The query that names the section, where the request's named it; for a Location that keeps it."""
        return f"?section={self.section}" if "section" in self.query else ""

    async def spend(self, amount: int = 1) -> Standing:
        """Take from the caller's quotas: one for the request, and for a batch its events. Raises QuotaExceeded."""
        id = self.caller.section
        section = None if id is None else await self.line.sections.find(id)
        return self.line.quotas.of_caller(self.caller, section, amount)


Handler = Callable[[KeyedCall], Awaitable[Reply]]
OpenHandler = Callable[[Call], Awaitable[Reply]]
