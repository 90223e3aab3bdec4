"""Mend: run a quarantined webhook through its source's types and mappings of now."""

from shared.errors import Invalid, NotFound, SignalboxError
from shared.exact import Json
from shared.flow import take
from shared.line import Line
from shared.sources import Received


async def replay(line: Line, section: str, id: str) -> dict[str, Json]:
    """Try a kept request again; it leaves quarantine only once it is an event.

    Raises NotFound, and what is still wrong with it. Its signature was checked when it came.
    """
    item = await line.quarantine.read(section, id)
    source = await line.sources.find(item.source)
    if source is None:
        raise NotFound("The source of this request is gone.")
    request = Received("POST", f"/v1/hooks/{item.source}", item.headers, item.body)
    told = await take(line, source, request)
    if isinstance(told, Invalid):
        raise Invalid(f"It still does not fit: {told.detail}", faults=told.faults)
    if isinstance(told, SignalboxError):
        raise told
    await line.quarantine.remove(section, item)
    return {"id": told.id, "status": "accepted", "event": told.event, "receipt": f"/v1/events/{told.id}"}
