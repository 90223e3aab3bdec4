"""Tally: how far events came and why not further, counted; pure, so that counting the same again gives the same.

An event is counted at each stage that it reached, and as stopped once (`stops`). So the gap between two stages is the sum of
its reasons, because it is computed as that sum.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Self

from shared.exact import Json
from shared.stores.spread import class_of
from shared.stores.stops import (
    DELIVERED,
    FINAL,
    RESOLVED,
    STAGES,
    VALID,
    Stop,
    outcome_of,
    reason_of,
    stop_of,
)
from shared.stores.trail import Status, Trail

MOST_SOURCES = 100
"""Sources that an hour of a definition is told by: those with the most events. Senders choose the names."""
OTHERS = ""
"""The source of what other sources sent, all of them together."""


@dataclass(frozen=True, slots=True)
class Came:
    """How an event came: its source, when it was received, and whether it is a test."""

    source: str
    at: datetime
    test: bool = False


@dataclass(slots=True)
class Tally:
    """What was counted of one definition's events.

    `stops`: by stage and reason; `sent`: by destination and what became of it, `delivered` or the reason. `nobody`: of those
    that were resolved, how many went on without a person. Test events are counted apart from all else, and so is what the
    API `refused`, by the type of the problem, because that is no event and not computed from rows.

    `came`: by source and what became of it; `delays`: by source and class (`spread`), how long events took until they first
    arrived somewhere; `arrivals` and `answers`: by destination and class, how long deliveries took from the event's receipt, and
    how long the destination took to answer. What was replayed is in none of the classes: it took as long as a person did.
    """

    delivered: int = 0
    tests: int = 0
    nobody: int = 0
    stops: Counter[Stop] = field(default_factory=Counter)
    sent: Counter[Stop] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    came: Counter[Stop] = field(default_factory=Counter)
    delays: Counter[Stop] = field(default_factory=Counter)
    arrivals: Counter[Stop] = field(default_factory=Counter)
    answers: Counter[Stop] = field(default_factory=Counter)

    def add(self, trail: Trail, came: Came, *, paused: bool) -> None:
        """Count one event."""
        if came.test:
            self.tests += 1
            return
        stop = stop_of(trail, paused=paused)
        self.came[came.source, outcome_of(*stop) if stop else DELIVERED] += 1
        if stop is None:
            self.delivered += 1
        else:
            self.stops[stop] += 1
        self.nobody += trail.person is None and (stop is None or stop[0] != RESOLVED)
        for one in trail.deliveries:
            word = DELIVERED if one.status is Status.DELIVERED else reason_of(one)
            self.sent[one.destination, word] += 1
        self._time(trail, came)

    def quarantined(self, cause: str, count: int, source: str = OTHERS) -> None:
        """Count what came by webhooks that lie in quarantine."""
        self.stops[VALID, cause] += count
        self.came[source, outcome_of(VALID, cause)] += count

    def _time(self, trail: Trail, came: Came) -> None:
        delays = []
        for one in trail.deliveries:
            if one.done_at is None or one.replays or one.status is not Status.DELIVERED:
                continue
            delays.append((one.done_at - came.at).total_seconds())
            self.arrivals[one.destination, class_of(delays[-1])] += 1
            if one.took is not None:
                self.answers[one.destination, class_of(one.took / 1000)] += 1
        if delays:
            self.delays[came.source, class_of(min(delays))] += 1

    def __iadd__(self, other: "Tally") -> Self:
        self.delivered += other.delivered
        self.tests += other.tests
        self.nobody += other.nobody
        self.stops.update(other.stops)
        self.sent.update(other.sent)
        self.refused.update(other.refused)
        self.came.update(other.came)
        self.delays.update(other.delays)
        self.arrivals.update(other.arrivals)
        self.answers.update(other.answers)
        return self

    @property
    def stored(self) -> int:
        """Events that it counts, those in test too; the others it counts are none yet."""
        valid = sum(count for (stage, _), count in self.stops.items() if stage != VALID)
        return self.delivered + self.tests + valid

    @property
    def is_final(self) -> bool:
        """Whether nothing that it counts can go any further, by itself or by somebody's doing."""
        open_deliveries = any(word not in (DELIVERED, *FINAL) for _, word in self.sent)
        return not open_deliveries and all(reason in FINAL for _, reason in self.stops)

    def reached(self) -> dict[str, int]:
        """How many events came to each stage: those that came to the next one, and those that stopped before it."""
        counts, count = {DELIVERED: self.delivered}, self.delivered
        for number in range(len(STAGES) - 1, 0, -1):
            count += sum(self.gap(STAGES[number]).values())
            counts[STAGES[number - 1]] = count
        return {stage: counts[stage] for stage in STAGES}

    def gap(self, stage: str) -> Mapping[str, int]:
        """How many came to the stage before and not to this one, by reason, the most frequent first."""
        found = Counter({reason: count for (at, reason), count in self.stops.items() if at == stage})
        return dict(found.most_common())

    def capped(self) -> "Tally":
        """The same with MOST_SOURCES of its sources, those with the most events, and all others as one (OTHERS)."""
        events = Counter[str]()
        for (source, _), count in sorted(self.came.items()):
            events[source] += count if source != OTHERS else 0
        named = {source for source, _ in events.most_common(MOST_SOURCES)}
        return replace(self, came=_capped(self.came, named), delays=_capped(self.delays, named))

    def written(self) -> dict[str, Json]:
        """As a document."""
        named = self.capped()
        return {
            "delivered": self.delivered,
            "tests": self.tests,
            "nobody": self.nobody,
            "stops": _rows(self.stops),
            "sent": _rows(self.sent),
            "refused": dict(self.refused),
            "came": _rows(named.came),
            "delays": _rows(named.delays),
            "arrivals": _rows(self.arrivals),
            "answers": _rows(self.answers),
        }


def sum_of(tallies: Iterable[Tally]) -> Tally:
    """What all of them come to together."""
    total = Tally()
    for one in tallies:
        total += one
    return total


def read_tally(doc: Mapping[str, Json]) -> Tally:
    """The tally that `written` wrote. Earlier versions knew of no sources and no times."""
    delivered, tests, nobody = (int(str(doc[name])) for name in ("delivered", "tests", "nobody"))
    return Tally(
        delivered,
        tests,
        nobody,
        stops=_counter(doc["stops"]),
        sent=_counter(doc["sent"]),
        refused=Counter({reason: int(count) for reason, count in doc["refused"].items()}),
        **{name: _counter(doc.get(name, ())) for name in ("came", "delays", "arrivals", "answers")},
    )


def _capped(counter: Counter[Stop], named: Collection[str]) -> Counter[Stop]:
    """With all other sources as one."""
    made = Counter[Stop]()
    for (source, word), count in counter.items():
        made[source if source in named else OTHERS, word] += count
    return made


def _rows(counter: Counter[Stop]) -> list[Json]:
    return [[*pair, count] for pair, count in sorted(counter.items())]


def _counter(rows: Json) -> Counter[Stop]:
    return Counter({(first, second): int(count) for first, second, count in rows})
