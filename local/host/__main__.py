"""Runs an app directory: `python -m local.host --root DIR [--port 0] [--no-timers]`.

Settings come from the environment only. Serves on 127.0.0.1 and prints one line of JSON when it does:
`{"port": N, "functions": [names]}`. Exits with 0 after SIGTERM or SIGINT, when what was under way is done;
with 2 when the app or its settings cannot be used.
"""

import argparse
import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path

from local.host.killing import arm
from local.host.server import serve
from local.host.settings import BadSettings
from local.host.worker import IndexingFailed


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m local.host", description="A local Azure Functions host")
    parser.add_argument("--root", type=Path, required=True, help="folder of function_app.py and host.json")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--no-timers", action="store_true", help="run no timer triggers")
    options = parser.parse_args()
    root = options.root.resolve()
    # What the app prints must not mix with the one line that a parent process reads.
    announcements, sys.stdout = sys.stdout, sys.stderr
    try:
        arm(os.environ)
        os.chdir(root)
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(serve(root, options.port, timers=not options.no_timers, announcements=announcements))
    except (IndexingFailed, BadSettings, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory


if __name__ == "__main__":
    sys.exit(main())
