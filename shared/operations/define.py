"""Define: change a definition, and let those know who listen."""

from shared.access.sections import Section
from shared.catalog import own
from shared.errors import NotFound
from shared.event import is_event_name
from shared.exact import Json
from shared.killpoints import reached
from shared.line import Line

Doc = dict[str, Json]


async def create(line: Line, section: Section, body: Json) -> Doc:
    """Define an event. Raises as `Definitions.create`."""
    event = body.get("event") if isinstance(body, dict) else None
    await _changes(line, section.id, event if isinstance(event, str) else "")
    doc = await line.definitions.create(section.id, body, section.retention_days)
    reached("define.written")
    return doc


async def add_version(line: Line, section: str, event: str, body: Json) -> Doc:
    """Give an event new fields. Raises as `Definitions.add_version`."""
    await _changes(line, section, event)
    doc = await line.definitions.add_version(section, event, body)
    reached("define.written")
    return doc


async def _changes(line: Line, section: str, event: str) -> None:
    """It is about to change, perhaps: what is newer than the newest version there is now will be told."""
    if is_event_name(event) and await line.teller.is_wanted(section, own.DEFINITION_CHANGED):
        await line.teller.happens(section, own.DEFINITION_CHANGED, event, await _newest(line, section, event))


async def _newest(line: Line, section: str, event: str) -> int:
    try:
        versions = await line.definitions.versions(section, event)
    except NotFound:
        return 0
    return int(versions[-1]["number"])
