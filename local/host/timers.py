"""A listener that calls a function on its schedule, never two calls at once."""

import asyncio
import json
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from local.host.listener import InFlight
from local.host.ncrontab import Schedule
from local.host.protos import TypedData
from local.host.servicebus_data import utc_text

# A call that starts later than this after its time is told so by IsPastDue.
_PAST_DUE: Final = timedelta(seconds=1)
# An idle clock is read again this often, so that a changed clock or a sleeping machine shifts nothing.
_LONGEST_SLEEP_SECONDS: Final = 60.0

Fire = Callable[[TypedData], Coroutine[Any, Any, None]]


class Timer:
    """Times that pass while a call is under way are left out, as in the real host."""

    def __init__(
        self, schedule: Schedule, fire: Fire, clock: Callable[[], datetime], *, run_on_startup: bool = False
    ) -> None:
        self._schedule = schedule
        self._fire = fire
        self._clock = clock
        self._run_on_startup = run_on_startup
        self._calls = InFlight(1)
        self._last: datetime | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run())

    async def close(self, seconds: float) -> None:
        if self._task:
            self._task.cancel()
            await asyncio.wait([self._task])
        await self._calls.all_done(seconds)

    async def _run(self) -> None:
        if self._run_on_startup:
            await self._call(self._clock())
        while True:
            due = self._schedule.following(self._clock())
            await self._sleep_until(due)
            await self._call(due)

    async def _call(self, due: datetime) -> None:
        now = self._clock()
        # A call of its own task: closing cancels the wait for the next time, never the call.
        self._calls.start(self._fire(timer_data(self._schedule, self._last, due=due, now=now)))
        self._last = now
        await self._calls.one_done()

    async def _sleep_until(self, due: datetime) -> None:
        while (left := (due - self._clock()).total_seconds()) > 0:  # noqa: ASYNC110 - it is a time, not an event
            await asyncio.sleep(min(left, _LONGEST_SLEEP_SECONDS))


def timer_data(schedule: Schedule, last: datetime | None, *, due: datetime, now: datetime) -> TypedData:
    """A timer trigger's input; `last` is None before the first call."""
    status = {
        "Last": utc_text(last or datetime.min.replace(tzinfo=UTC)),
        "Next": utc_text(schedule.following(max(due, now))),
        "LastUpdated": utc_text(last or now),
    }
    fields = {
        "Schedule": {"AdjustForDST": True},
        "ScheduleStatus": status,
        "IsPastDue": now - due > _PAST_DUE,
    }
    return TypedData(json=json.dumps(fields))
