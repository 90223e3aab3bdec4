"""Replay: start a dead or held delivery anew."""

from shared.exact import Json
from shared.killpoints import reached
from shared.line import Line


async def dead_letter(line: Line, section: str, id: str) -> dict[str, Json]:
    """Replay one delivery under its own id. Raises NotFound, Conflict, Unavailable (then the sweeper goes on)."""
    delivery = await line.dead_letters.replay(section, id)
    reached("replay.unlisted")
    await line.hand_off.deliveries(section, delivery.route, [delivery.event_id])
    return {"id": delivery.id, "status": delivery.status.value, "receipt": f"/v1/events/{delivery.event_id}"}
