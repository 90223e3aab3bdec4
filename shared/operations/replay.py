"""Replay: start one delivery anew that has ended, whatever its end was."""

from dataclasses import replace
from typing import Literal

from pydantic import Field

from shared.bodies import Body
from shared.destinations.outcomes import Outcome
from shared.errors import Conflict
from shared.exact import Json
from shared.killpoints import reached
from shared.line import Line
from shared.stores.trail import Delivery, Status

DONE = (Status.DELIVERED, Status.REFUSED)
"""Ends that nothing has to be mended of."""
Identity = Literal["same", "new"]
"""The id that a receiver gets: the one that it had, or one that it has not seen."""


class ReplayOne(Body):
    """How one delivery is started anew. Without `as` one that was delivered gets a new id, any other keeps its own."""

    as_: Identity | None = Field(None, alias="as")


async def dead_letter(line: Line, section: str, id: str) -> dict[str, Json]:
    """Replay one delivery under its own id. Raises NotFound, Conflict, Unavailable (then the sweeper goes on)."""
    delivery = await line.dead_letters.replay(section, id)
    reached("replay.unlisted")
    return await _handed_off(line, section, delivery)


async def delivery(line: Line, section: str, id: str, wanted: ReplayOne) -> dict[str, Json]:
    """Replay one that has ended. Raises NotFound, Conflict as `start`, Unavailable (then the sweeper goes on)."""
    found = await line.dead_letters.find(section, id)
    started = await start(line, section, found, as_new=is_new(wanted.as_, found.status))
    return await _handed_off(line, section, started)


def is_new(wanted: Identity | None, status: str) -> bool:
    """Whether a receiver gets another id: what it has under the old one, it drops."""
    return wanted == "new" or (wanted is None and status == Status.DELIVERED)


async def start(line: Line, section: str, ended: Delivery, *, as_new: bool) -> Delivery:
    """Make it pending; the caller hands it off.

    Raises Conflict when it has not ended, when somebody else starts it, and when it would reach nobody.
    """
    if ended.status in DONE:
        await _check(line, section, ended)
    return await line.dead_letters.restart(section, ended, as_new=as_new)


async def _check(line: Line, id: str, ended: Delivery) -> None:
    """Asked beforehand, so that what was delivered stays so where it would only end otherwise. Raises Conflict."""
    section, gate = await line.sections.read(id), line.forwarder.gate
    anew = replace(ended, status=Status.PENDING)
    sending = await gate.open(section, anew)
    if isinstance(sending, Outcome):
        why = sending.cause.sentence if sending.cause else ""
        raise Conflict(f"It would not be sent, so it stays {ended.status}. {why}")
    trail = await line.receipts.trail(id, ended.event_id)
    if await gate.refuses(section, trail, anew, sending, line.clock.now()):
        raise Conflict(f"The person has opted out of this purpose, so it stays {ended.status}.")


async def _handed_off(line: Line, section: str, started: Delivery) -> dict[str, Json]:
    await line.hand_off.deliveries(section, started.route, [started.event_id])
    receipt = f"/v1/events/{started.event_id}"
    return {"id": started.id, "status": started.status.value, "sentAs": started.sent_as, "receipt": receipt}
