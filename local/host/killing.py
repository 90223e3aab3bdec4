"""Ends this process at a kill point that the environment names, as a crash would: for tests of what heals it."""

import logging
import os
import re
import signal
from collections.abc import Callable, Mapping
from itertools import count
from typing import Final

from local.host.settings import BadSettings
from shared import killpoints

SETTING: Final = "SIGNALBOX_KILL_AT"
logger = logging.getLogger(__name__)


def arm(environ: Mapping[str, str], kill: Callable[[], None] | None = None) -> None:
    """Kill when `SIGNALBOX_KILL_AT` is reached: a point's name, or `name:n` for the n-th time. Unset: never.

    `kill` sends this process SIGKILL, if it is not given. Raises BadSettings.
    """
    named = environ.get(SETTING)
    if not named:
        return
    name, colon, number = named.partition(":")
    if name not in killpoints.POINTS or (colon and not re.fullmatch("[1-9][0-9]*", number)):
        raise BadSettings(
            f"{SETTING} must be the name of a kill point in shared/killpoints.py, or name:number"
        )
    killpoints.arm(_killer(name, int(number or 1), kill or _kill))


def _killer(wanted: str, number: int, kill: Callable[[], None]) -> Callable[[str], None]:
    times = count(1)

    def on_reached(name: str) -> None:
        if name == wanted and next(times) == number:
            logger.warning("killed at %s", name)
            kill()

    return on_reached


def _kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
