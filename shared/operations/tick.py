"""Tick: what has to happen by itself every minute, each part bounded in time and none stopping another."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import asdict
from datetime import timedelta
from itertools import groupby
from typing import Any

from shared import steps
from shared.errors import SignalboxError, Unavailable
from shared.killpoints import reached
from shared.line import Line
from shared.metrics import SILENT, UNUSUAL
from shared.operations import notices, replay_many
from shared.operations.alert import alert
from shared.operations.clear import clear
from shared.operations.mend import resume
from shared.operations.nearly import nearly
from shared.operations.pace import Pace
from shared.operations.purge import purge
from shared.operations.roll_up import roll_up
from shared.operations.sweep import sweep
from shared.operations.unpark import unpark
from shared.operations.vitals import vitals
from shared.stores.due import Waiting

MOST_DUE = 10_000
SECONDS_A_PART = 22
"""Eleven parts (242 s) stay well within the function's time-out, which would take other requests of the instance along."""
Part = Callable[[Line, Pace], Awaitable[dict[str, Any]]]


async def tick(line: Line) -> dict[str, Any]:
    """Send what was never handed off, hand off what is due or no longer parked, count the hours that have
    ended, see what is not as usual, delete what has expired or belonged to a deleted section.

    Says what it did.
    """
    parts: dict[str, Part] = {
        "sweep": _sweep,
        "due": hand_off_due,
        "unpark": _unpark,
        "tell": _tell,
        "mend": _mend,
        "replay": _replay,
        "rollUp": _roll_up,
        "alert": _alert,
        "vitals": _vitals,
        "purge": _purge,
        "clear": _clear,
    }
    done = {name: await _run(line, name, part) for name, part in parts.items()}
    with suppress(Unavailable):
        await line.beat.note(line.clock.now())
    return done


async def hand_off_due(line: Line, pace: Pace) -> dict[str, Any]:
    """Put retries whose time has come on the bus, those of one route together."""
    handed = 0
    async for chunk in pace.chunks(line.due.ready(line.clock.now(), MOST_DUE)):
        for (section, route), waiting in _by_route(chunk):
            await line.hand_off.deliveries(section, route, [one.event for one in waiting])
        reached("tick.due-handed-off")
        await asyncio.gather(*(line.due.remove(one) for one in chunk))
        handed += len(chunk)
    return {"handedOff": handed}


def _by_route(chunk: Iterable[Waiting]) -> list[tuple[tuple[str, str], list[Waiting]]]:
    def place(waiting: Waiting) -> tuple[str, str]:
        return waiting.section, waiting.route

    return [(key, list(group)) for key, group in groupby(sorted(chunk, key=place), key=place)]


async def _sweep(line: Line, pace: Pace) -> dict[str, Any]:
    return asdict(await sweep(line, pace))


async def _unpark(line: Line, pace: Pace) -> dict[str, Any]:
    return {"resumed": await unpark(line, pace)}


async def _tell(line: Line, pace: Pace) -> dict[str, Any]:
    return {"told": await notices.tell(line, pace)}


async def _mend(line: Line, pace: Pace) -> dict[str, Any]:
    return {
        "resumed": sum([await resume(line, section["id"], pace) for section in await line.sections.list()])
    }


async def _replay(line: Line, pace: Pace) -> dict[str, Any]:
    return {"replayed": await replay_many.go_on(line, pace)}


async def _roll_up(line: Line, pace: Pace) -> dict[str, Any]:
    return {"hours": await roll_up(line, pace)}


async def _alert(line: Line, pace: Pace) -> dict[str, Any]:
    found = await alert(line, pace)
    line.meter.gauge(SILENT, found["silent"])
    line.meter.gauge(UNUSUAL, found["unusual"])
    return {"nearlyUsed": await nearly(line, pace), **found}


async def _vitals(line: Line, pace: Pace) -> dict[str, Any]:
    found = await vitals(line, pace)
    if found is None:
        return {"stopped": "There was no time for all sections."}
    for metric, value, of in found.gauges():
        line.meter.gauge(metric, value, **of)
    return found.shown()


async def _purge(line: Line, pace: Pace) -> dict[str, Any]:
    return asdict(await purge(line, pace))


async def _clear(line: Line, pace: Pace) -> dict[str, Any]:
    return asdict(await clear(line, pace))


async def _run(line: Line, name: str, part: Part) -> dict[str, Any]:
    """A part that had nothing to do leaves no line."""
    try:
        with steps.step(line.spans, "tick", level=logging.DEBUG, part=name) as step:
            done = await part(line, Pace.of(line.clock, timedelta(seconds=SECONDS_A_PART)))
            if did := " ".join(f"{what}={count}" for what, count in done.items() if count):
                step.level = logging.INFO
                step.note(did=did)
            return done
    except SignalboxError as error:
        return {"stopped": error.detail}
    except Exception as error:  # noqa: BLE001  (one part that breaks never stops the others)
        return {"stopped": f"It broke: {type(error).__name__}."}
