"""Our own accept path: record and hand off, as `flow.intake` calls them."""

from shared import ids
from shared.access.sections import Section
from shared.azure.tables import AzureTables
from shared.line import Line
from shared.ports import Queue
from shared.stages.record import Candidate, Recorded, State


class CountingQueue:
    """Counts the messages that go to the bus."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue
        self.messages = 0

    async def send(self, queue: str, bodies: list[str], *, at: object = None) -> None:  # noqa: ARG002  (as the port has it)
        self.messages += len(bodies)
        await self._queue.send(queue, bodies)


class Grouped:
    """One event at a time from many callers; groups form by themselves."""

    def __init__(self, line: Line, section: Section, tables: AzureTables, queue: CountingQueue) -> None:
        self._line, self._section, self._tables, self._queue = line, section, tables, queue

    @property
    def requests(self) -> int:
        return self._tables.requests

    @property
    def messages(self) -> int:
        return self._queue.messages

    async def accept(self, candidate: Candidate) -> None:
        """Store one event, then hand its commit off."""
        [found] = await self._line.recorder.record(self._section, [candidate])
        if not isinstance(found, Recorded):
            raise found
        if found.state is not State.DONE:
            await self._line.hand_off.commits(self._section.id, [ids.commit_of(found.id)])

    async def idle(self) -> None:
        """Wait for what happens after the answer, so that its cost is counted."""
        await self._line.hand_off.idle()
