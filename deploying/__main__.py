"""The command of the hooks: `python -m deploying ready`, `first`, `renew`, `refresh`, `wait`, `smoke` or `chunked`."""

import logging
import signal
import sys
from types import FrameType

from deploying.steps import STEPS
from deploying.trouble import Trouble

STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Ctrl-C, a pipeline that is cancelled, and a terminal that is closed."""


def main(words: list[str]) -> int:
    """Take the steps that are named, one after the other, until one fails; the exit code."""
    if not words or not STEPS.keys() >= set(words):
        print(f"usage: python -m deploying {'|'.join(STEPS)} ...", file=sys.stderr)
        return 2
    # What is refused is told as what is waited for.
    logging.getLogger("signalbox").setLevel(logging.CRITICAL)
    for stop in STOPS:
        signal.signal(stop, _stopped)
    try:
        for word in words:
            STEPS[word](_say)
    except Trouble as trouble:
        print(f"\n{trouble}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped. The step can be repeated.", file=sys.stderr)
        return 130
    return 0


def _stopped(_signal: int, _frame: FrameType | None) -> None:
    """Leave the step in order: what it was given for a while is given back, also when asked to hurry."""
    for stop in STOPS:
        signal.signal(stop, signal.SIG_IGN)
    raise KeyboardInterrupt


def _say(what: str) -> None:
    print(what, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
