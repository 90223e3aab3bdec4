"""The command of the hooks: `python -m deploying ready`, `first`, `renew`, `wait`, `smoke` or `chunked`."""

import sys

from deploying.steps import STEPS
from deploying.trouble import Trouble


def main(words: list[str]) -> int:
    """Take the steps that are named, one after the other, until one fails; the exit code."""
    if not words or not STEPS.keys() >= set(words):
        print(f"usage: python -m deploying {'|'.join(STEPS)} ...", file=sys.stderr)
        return 2
    try:
        for word in words:
            STEPS[word](_say)
    except Trouble as trouble:
        print(f"\n{trouble}", file=sys.stderr)
        return 1
    return 0


def _say(what: str) -> None:
    print(what, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
