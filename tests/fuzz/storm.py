"""Sends requests over many connections at once and keeps what was wrong with the answers."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from time import monotonic
from urllib.parse import urlsplit

from tests.described import Description
from tests.fuzz.judge import faults
from tests.fuzz.wire import Connection, Reply, Request

CONNECTIONS = 48
MOST = 20
"""Faulty answers that are kept whole."""


@dataclass
class Report:
    """What a storm came to."""

    seed: int
    sent: int = 0
    seconds: float = 0
    statuses: Counter[int] = field(default_factory=Counter)
    wrong: Counter[str] = field(default_factory=Counter)
    kept: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        rate = self.sent / self.seconds if self.seconds else 0
        counts = ", ".join(f"{status or 'none'}: {count}" for status, count in sorted(self.statuses.items()))
        wrong = f"{self.wrong.total()} faults"
        return f"FUZZ_SEED={self.seed}: {self.sent} in {self.seconds:.0f} s, {rate:.0f} a second, {wrong} ({counts})"

    def told(self) -> str:
        """The same, with what was wrong."""
        return "\n\n".join([str(self), *map(str, self.wrong.most_common(20)), *self.kept])


async def storm(base_url: str, requests: Iterable[Request], description: Description, report: Report) -> None:
    """Send them all and add to the report."""
    place, begun = urlsplit(base_url), monotonic()
    waiting = iter(requests)
    work = (
        _worker(str(place.hostname), place.port or 80, waiting, description, report)
        for _ in range(CONNECTIONS)
    )
    await asyncio.gather(*work)
    report.seconds += monotonic() - begun


async def one_by_one(base_url: str, requests: Iterable[Request]) -> list[Reply | None]:
    """Send them in order, each after the answer to the one before."""
    place = urlsplit(base_url)
    connection = Connection(str(place.hostname), place.port or 80)
    replies = [await connection.send(request) for request in requests]
    await connection.close()
    return replies


async def _worker(
    host: str, port: int, waiting: Iterator[Request], description: Description, report: Report
) -> None:
    connection = Connection(host, port)
    for request in waiting:
        try:
            reply = await connection.send(request)
            wrong = list(faults(request, reply, description))
        except TimeoutError:
            reply, wrong = None, ["no answer in time"]
            await connection.close()
        _note(report, request, reply, wrong)
    await connection.close()


def _note(report: Report, request: Request, reply: Reply | None, wrong: list[str]) -> None:
    report.sent += 1
    report.statuses[reply.status if reply else 0] += 1
    report.wrong.update(wrong)
    if wrong and len(report.kept) < MOST:
        answer = b"nothing" if reply is None else b"%d %s" % (reply.status, reply.body[:1_000])
        report.kept.append(f"{'; '.join(wrong)}\n{request.written()[:2_000]!r}\n{answer!r}")
