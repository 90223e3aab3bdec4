"""The command: `make bench`. Everything in one run: the accept path beside the plain design, then every other part."""

import argparse
import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence

from bench import accept, hosted, isolation, middle, stages
from bench.parts import Parts, furnished, running
from bench.report import Line, say, show

CONCURRENCY = (1, 16, 64, 256)
IN_HOST = ("door", "end_to_end", "isolation")
PARTS = ("accept", "duplicates", "middle", "stages", *IN_HOST)


async def in_process(
    parts: Parts, chosen: Sequence[str], concurrency: Sequence[int], rounds: int
) -> AsyncIterator[Line | str]:
    """What runs in this process, against real storage, bus and receiver."""
    async with accept.plain(parts) as plain, furnished(parts) as ours:
        if "accept" in chosen:
            for callers in concurrency:
                obvious, grouped = await accept.compare(plain, ours, callers, rounds)
                yield Line("accept", "plain", callers, obvious, 1)
                yield Line("accept", "grouped", callers, grouped, obvious.cpu_ms / grouped.cpu_ms)
        if "duplicates" in chosen:
            for share in accept.DUPLICATES:
                found = await accept.duplicates(ours, share, rounds)
                yield Line(f"duplicates {share} %", "grouped", accept.CALLERS_OF_DUPLICATES, found)
        if "middle" in chosen:
            for name, found in (await middle.steps(ours, rounds)).items():
                yield Line(f"middle: {name}", "grouped", 1, found)
        if "stages" in chosen:
            for name, found in (await stages.stages(ours, rounds)).items():
                yield Line(f"stage: {name}", "grouped", stages.CALLERS, found)
        yield f"{await ours.rows():,} rows in the events table of a fresh account at the end"


def in_host(chosen: Sequence[str], concurrency: Sequence[int], rounds: int) -> Iterator[Line | str]:
    """What runs in the Functions host, and what is worth knowing of its process."""
    if "door" in chosen:
        with hosted.hosted(queues=False) as host:
            for callers in concurrency:
                yield Line("door", "grouped", callers, asyncio.run(hosted.door(host, callers, rounds)))
    if "end_to_end" in chosen:
        found, memory = hosted.end_to_end(concurrency[1:] or concurrency, rounds)
        yield from (Line("end_to_end", "grouped", callers, one) for callers, one in found.items())
        yield f"host process: {memory.idle:.0f} MiB idle, {memory.peak:.0f} MiB at most"
        yield f"import of function_app.py: {hosted.import_ms():.0f} ms"
    if "isolation" in chosen:
        for fifth, one in isolation.isolation(rounds).items():
            yield Line(f"four of five, the fifth: {fifth}", "grouped", 1, one)


def main(chosen: Sequence[str], concurrency: Sequence[int], rounds: int) -> None:
    """Measure and report."""
    lines: list[Line] = []
    notes: list[str] = []

    def take(found: Line | str) -> None:
        if isinstance(found, str):
            notes.append(found)
        else:
            say(found)
            lines.append(found)

    async def first() -> None:
        with running() as parts:
            async for found in in_process(parts, chosen, concurrency, rounds):
                take(found)

    if {*chosen} - {*IN_HOST}:
        asyncio.run(first())
    for found in in_host(chosen, concurrency, rounds):
        take(found)
    show(lines, notes)


if __name__ == "__main__":
    asked = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    asked.add_argument("--rounds", type=int, default=5, help="medians are taken over these")
    asked.add_argument("--only", nargs="+", default=PARTS, choices=PARTS, help="measure these parts")
    asked.add_argument(
        "--concurrency", type=int, nargs="+", default=CONCURRENCY, metavar="CALLERS", help="at once"
    )
    given = asked.parse_args()
    main(given.only, given.concurrency, given.rounds)
