"""Tick: what has to happen by itself every minute, each part bounded and none stopping another."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any

from shared.errors import SignalboxError
from shared.line import Line
from shared.operations.purge import purge
from shared.operations.sweep import sweep
from shared.operations.unpark import unpark

MOST_DUE = 1_000
_log = logging.getLogger("signalbox.tick")


async def tick(line: Line) -> dict[str, Any]:
    """Send what was never handed off, hand off what is due or no longer parked, delete what has expired.

    Says what it did.
    """
    return {
        "sweep": await _part(line, "sweep", _sweep),
        "due": await _part(line, "due", hand_off_due),
        "unpark": await _part(line, "unpark", _unpark),
        "purge": await _part(line, "purge", _purge),
    }


async def hand_off_due(line: Line) -> dict[str, Any]:
    """Put retries whose time has come on the bus."""
    handed = 0
    async for waiting in line.due.ready(line.clock.now(), MOST_DUE):
        await line.hand_off.forward(waiting.section, waiting.route, [waiting.event])
        await line.due.remove(waiting)
        handed += 1
    return {"handedOff": handed}


async def _sweep(line: Line) -> dict[str, Any]:
    return asdict(await sweep(line))


async def _unpark(line: Line) -> dict[str, Any]:
    return {"resumed": await unpark(line)}


async def _purge(line: Line) -> dict[str, Any]:
    return asdict(await purge(line))


async def _part(line: Line, name: str, part: Callable[[Line], Awaitable[dict[str, Any]]]) -> dict[str, Any]:
    try:
        return await part(line)
    except SignalboxError as error:
        _log.warning("%s stopped: %s", name, error.detail)
        return {"stopped": error.detail}
    except Exception as error:  # noqa: BLE001  (one part that breaks never stops the others)
        _log.error("%s broke: %s", name, type(error).__name__)  # noqa: TRY400
        return {"stopped": f"It broke: {type(error).__name__}."}
