"""The command: `python -m local.broker --queue events --queue deliveries:30:5 --port 0`."""

import argparse
import asyncio
import json
import logging
import signal

from local.broker import Broker, QueueSettings


def queue_settings(text: str) -> QueueSettings:
    """Read NAME[:lock_seconds[:max_deliveries]]. Raises ValueError."""
    name, *limits = text.split(":")
    if not name or len(limits) > 2:
        raise ValueError(text)
    settings = QueueSettings(name)
    lock_seconds = float(limits[0]) if limits else settings.lock_seconds
    max_deliveries = int(limits[1]) if len(limits) == 2 else settings.max_deliveries
    return QueueSettings(name, lock_seconds, max_deliveries)


async def serve(queues: list[QueueSettings], port: int) -> None:
    """Serve until SIGTERM or SIGINT; one JSON line on stdout says that the port is open."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        # Not loop.add_signal_handler, which Windows does not have.
        signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop.set))
    async with Broker(queues, port=port) as broker:
        print(json.dumps({"port": broker.port}), flush=True)
        await stop.wait()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m local.broker", description=__doc__)
    parser.add_argument(
        "--queue",
        type=queue_settings,
        action="append",
        required=True,
        metavar="NAME[:lock_seconds[:max_deliveries]]",
    )
    parser.add_argument("--port", type=int, default=0, help="on 127.0.0.1; 0 takes a free one")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    asyncio.run(serve(options.queue, options.port))


if __name__ == "__main__":
    main()
