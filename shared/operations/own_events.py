"""Own events: what Signalbox tells of itself comes in as any event does, and is counted at a door of its own."""

from collections.abc import Sequence

from shared import flow
from shared.access.caller import Caller
from shared.catalog import own
from shared.errors import Unavailable
from shared.event import Draft
from shared.line import Line
from shared.stages.account import of_verdicts


async def take_in(line: Line, section: str, drafts: Sequence[Draft]) -> None:
    """Take in events of ours. What is told again under its key is a repeat. Raises Unavailable: then maybe not all are in."""
    if not drafts:
        return
    caller = Caller(section, frozenset(), own.SENDER, own.SENDER, own.SENDER)
    verdicts = await flow.intake(line, caller, drafts)
    of_verdicts(line.meter, "own", verdicts)
    for verdict in verdicts:
        if isinstance(verdict, Unavailable):
            raise verdict
