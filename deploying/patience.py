"""Waiting for what takes its time in a cloud: bounded, and with a line of progress now and then."""

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Self, TypeVar

from deploying.trouble import NotYet, Trouble

Found = TypeVar("Found")
Say = Callable[[str], None]
TELL_SECONDS = 15
"""How often what is waited for is told again."""
PAUSE_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Patience:
    """How long something is waited for, and how long until it is asked again; in seconds."""

    seconds: float
    pause: float = PAUSE_SECONDS

    @classmethod
    def named(cls, seconds: float, environment: Mapping[str, str] = os.environ) -> Self:
        """That many seconds, unless PATIENCE_SECONDS and PAUSE_SECONDS say otherwise. Raises Trouble."""
        try:
            return cls(
                float(environment.get("PATIENCE_SECONDS") or seconds),
                float(environment.get("PAUSE_SECONDS") or PAUSE_SECONDS),
            )
        except ValueError:
            raise Trouble("PATIENCE_SECONDS and PAUSE_SECONDS are numbers of seconds.") from None

    def wait(self, ask: Callable[[], Found], what: str, advice: str, say: Say) -> Found:
        """What `ask` gives once it does not raise NotYet. Raises Trouble with the advice when the time is over."""
        started = told = time.monotonic()
        said = False
        while True:
            try:
                return ask()
            except NotYet as not_yet:
                now, reason = time.monotonic(), str(not_yet)
            if now - started >= self.seconds:
                raise Trouble(f"Waited {now - started:.0f} s for {what}: {reason}\n{advice}")
            if not said or now - told >= TELL_SECONDS:
                say(f"Waiting for {what} ({now - started:.0f} of at most {self.seconds:.0f} s): {reason}")
                said, told = True, now
            time.sleep(self.pause)
