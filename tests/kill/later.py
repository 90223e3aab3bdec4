"""Later hours: sweeps of real storage and bus with a clock that is ahead of everybody else's."""

import asyncio
import logging
from datetime import UTC, datetime, timedelta
from time import monotonic

from shared.azure.bus import ServiceBusQueue
from shared.azure.tables import AzureTables
from shared.operations.pace import Pace
from shared.operations.sweep import Swept, sweep
from shared.wiring import assemble
from tests.fakes import FakeBlobs, FakeHttp, FakeIdentity, FakeSeal
from tests.kill import evidence
from tests.kill.evidence import Evidence
from tests.kill.rewind import make_all_due
from tests.kill.rig import Rig
from tests.running import Running

log = logging.getLogger("tests.kill")


class Ahead:
    """The machine's clock, and some more."""

    def __init__(self, by: timedelta) -> None:
        self._by = by

    def now(self) -> datetime:
        return datetime.now(UTC) + self._by

    def seconds(self) -> float:
        return monotonic()


def sweep_later(rig: Rig, by: timedelta) -> Swept:
    """What the sweeper does after so long; it reads no bodies, opens no secrets and sends nothing by HTTP."""
    return asyncio.run(_sweep(rig, Ahead(by)))


def sweep_hours_later(rig: Rig, hours: float = 1) -> list[Swept]:
    """The same twice: a look that finds deliveries stuck, and one that finds them still so and sends them again."""
    return [sweep_later(rig, timedelta(hours=later, minutes=1)) for later in (hours, hours + 2)]


def end_waiting(rig: Rig, running: Running, found: Evidence, seconds: float) -> Evidence:
    """What there is once the time of every retry has come; `seconds` are those that it may take to settle then."""
    for hours in (1, 6, 12):
        if found.unsettled or found.waiting:
            make_all_due(rig, found.waiting)
            log.warning("%d waited for long; %s", len(found.waiting), sweep_hours_later(rig, hours))
            found = evidence.settled(rig, running, seconds)
    return found


async def _sweep(rig: Rig, clock: Ahead) -> Swept:
    async with AzureTables(rig.storage) as tables, ServiceBusQueue(rig.bus) as queue:
        line = assemble(
            tables=tables,
            blobs=FakeBlobs(),
            queue=queue,
            seal=FakeSeal(),
            http=FakeHttp(),
            identity=FakeIdentity(),
            clock=clock,
        )
        swept = await sweep(line, Pace.of(clock, timedelta(seconds=40)))
        await line.hand_off.idle()
    return swept
