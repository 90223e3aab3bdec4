"""What one commit touches: requests and rows by table, and messages. The arithmetic of the layout, without storage.

`docs/design-notes.md` says why; a test compares each number here with what the line does.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from math import ceil

from shared.ports import MAX_OPERATIONS
from shared.stages.hand_off import MAX_EVENTS_A_MESSAGE
from shared.storage import EVENTS, PEOPLE, RECEIPTS, TIMELINE

SIXTEEN = 16
"""Partitions of people and of timelines in a section: the first hex digit of a hash."""


@dataclass(frozen=True, slots=True)
class Touched:
    """What is asked of one table; rows are counted as Azure counts entities, read or written."""

    requests: float = 0
    rows: float = 0

    def __add__(self, other: "Touched") -> "Touched":
        return Touched(self.requests + other.requests, self.rows + other.rows)


Work = Mapping[str, Touched]
"""By table."""


def accept(events: int, *, keyed: bool = True) -> Work:
    """One transaction with the events, their keys, the outbox row and the days on which they end; one that marks it."""
    days = 2 if keyed else 1
    return {EVENTS.name: Touched(2, events * (2 if keyed else 1) + 1 + days + 2)}


def process(events: int, destinations: int, *, new: bool) -> Work:
    """The commit, who each event is about, their timelines, and what was decided."""
    partitions = hit(SIXTEEN, events)
    decided = events * (1 + destinations)
    return {
        EVENTS.name: Touched(1, events),
        PEOPLE.name: Touched(events + (partitions if new else 0), events * (4 if new else 2)),
        TIMELINE.name: Touched(partitions, events),
        RECEIPTS.name: Touched(ceil(decided / MAX_OPERATIONS), decided),
    }


def deliver(events: int, destinations: int) -> Work:
    """By message: trails, events, claims, ends, and trails again where others are open; the outbox row at the end."""
    sent = [*_messages(events, destinations)]
    again = events * (1 + destinations) if len(sent) > 1 else 0
    rows = sum(one * (1 + destinations) + 2 * one + again for one in sent)
    return {
        RECEIPTS.name: Touched(len(sent) * (4 if again else 3), rows),
        EVENTS.name: Touched(len(sent) + 1, events * destinations + 1) if sent else Touched(),
    }


def messages(events: int, destinations: int) -> int:
    """Of one commit: its own, and those of its deliveries."""
    return 1 + len([*_messages(events, destinations)])


@cache
def whole_way(events: int, destinations: int, *, new_share: float) -> Work:
    """All that a commit touches, of whose events this share is about people whom nobody knew."""
    known, new = (process(events, destinations, new=one) for one in (False, True))
    parts = (accept(events), _mixed(known, new, new_share), deliver(events, destinations))
    tables = {table for part in parts for table in part}
    return {table: sum((part.get(table, Touched()) for part in parts), Touched()) for table in tables}


def requests(work: Work) -> float:
    """To all tables together."""
    return sum(one.requests for one in work.values())


def rows(work: Work) -> float:
    """Of all tables together."""
    return sum(one.rows for one in work.values())


def hit(partitions: int, items: float) -> float:
    """How many of so many partitions are expected to have one of these items, which lie there by chance."""
    return partitions * (1 - float((1 - 1 / partitions) ** items))


def _messages(events: int, destinations: int) -> Iterator[int]:
    """How many events each message of deliveries names."""
    for _ in range(destinations):
        for begun in range(0, events, MAX_EVENTS_A_MESSAGE):
            yield min(MAX_EVENTS_A_MESSAGE, events - begun)


def _mixed(one: Work, other: Work, share: float) -> Work:
    return {
        table: Touched(
            one[table].requests * (1 - share) + other[table].requests * share,
            one[table].rows * (1 - share) + other[table].rows * share,
        )
        for table in one
    }
