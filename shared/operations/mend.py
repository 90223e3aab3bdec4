"""Mend: run quarantined webhooks through their source's types and mappings of now."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Annotated

from pydantic import Field

from shared.access.sources import Source
from shared.bodies import Body
from shared.errors import NotFound, SignalboxError, Unavailable
from shared.exact import Json
from shared.hooks import take
from shared.killpoints import reached
from shared.line import Line
from shared.operations.pace import Pace
from shared.sources import Received
from shared.stages.account import of_verdicts
from shared.stages.verdict import Accepted
from shared.stores.kept import Cause, Item

MOST = 10_000


class Group(Body):
    """Kept requests to try again together: those of a cause, or of one source among them."""

    cause: Annotated[Cause, Field(strict=False)]
    source: Annotated[str, Field(max_length=64)] | None = None


async def replay(line: Line, section: str, id: str) -> dict[str, Json]:
    """Try a kept request again, with all that it holds; it leaves quarantine only once all of that is events.

    Raises NotFound, and what is still wrong with it. Its signature was checked when it came.
    """
    item = await line.quarantine.read(section, id)
    told = await _again(line, await line.sources.fresh(section, item.source), item)
    taken = [_shown(one) for one in told]
    return taken[0] if len(taken) == 1 else {"status": "accepted", "events": taken}


def _shown(told: Accepted) -> dict[str, Json]:
    return {"id": told.id, "status": "accepted", "event": told.event, "receipt": f"/v1/events/{told.id}"}


async def resume(line: Line, section: str, pace: Pace) -> int:
    """Take in what came while sources were paused that no longer are; answers how many.

    What does not fit stays in quarantine, under its own cause. Raises Unavailable.
    """
    taken = 0
    async for items in pace.chunks(line.quarantine.of_cause(section, Cause.PAUSED, MOST)):
        for item in items:
            source = await line.sources.find(item.source)
            if source is not None and not source.paused:
                taken += await _took(line, source, item)
    return taken


async def replay_group(line: Line, section: str, group: Group, pace: Pace) -> dict[str, Json]:
    """Try all kept requests of one cause again, or those of one source; what does not fit stays, under its own cause.

    Requests of paused sources are left alone. Answers how many were taken in and how many were tried in vain, and
    whether there was no time for others. Raises NotFound for a source that is not there, and Unavailable.
    """
    if group.source is not None:
        await line.sources.fresh(section, group.source)
    sources: dict[str, Source | None] = {}
    taken = tried = 0
    async for items in pace.chunks(line.quarantine.of_cause(section, group.cause, MOST)):
        for item in items:
            if group.source not in (None, item.source):
                continue
            if item.source not in sources:
                sources[item.source] = await _fresh(line, section, item.source)
            source = sources[item.source]
            if source is not None and not source.paused:
                tried += 1
                taken += await _took(line, source, item)
    return {"taken": taken, "left": tried - taken, "more": pace.is_over}


async def _fresh(line: Line, section: str, id: str) -> Source | None:
    with suppress(NotFound):
        return await line.sources.fresh(section, id)
    return None


async def _took(line: Line, source: Source, kept: Item) -> bool:
    try:
        await _again(line, source, await line.quarantine.read(source.section, kept.id))
    except Unavailable:
        raise
    except NotFound:  # somebody else took it in
        return False
    except SignalboxError as error:
        with suppress(NotFound):  # the same, meanwhile
            await line.quarantine.move(source.section, kept, error)
        return False
    return True


async def _again(line: Line, source: Source, item: Item) -> Sequence[Accepted]:
    section = await line.sections.read(source.section)
    request = Received("POST", f"/v1/hooks/{source.id}", item.headers, item.body or b"")
    told = await take(line, section, source, request)
    of_verdicts(line.meter, "mended", told)
    wrong = [one for one in told if isinstance(one, SignalboxError)]
    if wrong:
        # What is away for now goes before what is wrong: the request stays as it is.
        raise next((one for one in wrong if isinstance(one, Unavailable)), wrong[0])
    reached("mend.taken")
    await line.quarantine.remove(section.id, item)
    return [one for one in told if isinstance(one, Accepted)]
