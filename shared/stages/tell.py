"""Tell: list what happens to Signalbox's own parts, if anybody wants to know; a tick makes an event of it.

It is listed before it happens, and looked at once it has. So it costs one row where somebody listens, nothing where nobody
does, and no crash swallows it; nothing that is done here can stop what happens.
"""

from dataclasses import dataclass

from shared import logs
from shared.errors import SignalboxError
from shared.killpoints import reached
from shared.ports import Clock
from shared.routing.routes import Routes
from shared.stores.notices import Notices


@dataclass(frozen=True, slots=True)
class Teller:
    """Knows who listens."""

    routes: Routes
    notices: Notices
    clock: Clock

    async def is_wanted(self, section: str, event: str) -> bool:
        """Whether a route or a subscription takes this event of ours, by what this instance remembers."""
        return bool(await self.routes.of_event(section, event))

    async def happens(self, section: str, event: str, about: str, number: int = 0) -> None:
        """Something of ours is about to happen. What keeps it from being listed is logged, and stops nothing."""
        try:
            if await self.is_wanted(section, event):
                await self.notices.add(section, event, about, self.clock.now(), number)
                reached("tell.listed")
        except SignalboxError as error:
            logs.warn("tell", "not told", section=section, event=event, error=logs.name_of(error))
