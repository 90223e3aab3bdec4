"""The sweeper of a later hour: real storage and bus, with a clock that is ahead of everybody else's."""

import asyncio
from datetime import UTC, datetime, timedelta
from time import monotonic

from shared.azure.bus import ServiceBusQueue
from shared.azure.tables import AzureTables
from shared.operations.pace import Pace
from shared.operations.sweep import Swept, sweep
from shared.wiring import assemble
from tests.fakes import FakeBlobs, FakeHttp, FakeSeal
from tests.kill.rig import Rig


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


async def _sweep(rig: Rig, clock: Ahead) -> Swept:
    async with AzureTables(rig.storage) as tables, ServiceBusQueue(rig.bus) as queue:
        line = assemble(
            tables=tables, blobs=FakeBlobs(), queue=queue, seal=FakeSeal(), http=FakeHttp(), clock=clock
        )
        swept = await sweep(line, Pace.of(clock, timedelta(seconds=40)))
        await line.hand_off.idle()
    return swept
