"""Measures: a tally in the few numbers that a dashboard shows, of all that it counts, of each source and of each destination.

An event has one outcome, and so has a delivery; the outcomes add up to what was received, or sent.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from shared.exact import Json
from shared.operations.waiting import Oldest, Waiting
from shared.stores.spread import by_bound, estimate
from shared.stores.stops import DELIVERED, OUTCOMES, Outcome, Stop, outcome_of
from shared.stores.tally import OTHERS, Tally

TRIED: tuple[Outcome, ...] = ("delivered", "failed", "held")
"""What has ended and was to arrive somewhere: what a success rate is of."""

Doc = dict[str, Json]


@dataclass(frozen=True, slots=True)
class Now:
    """How things stand at a time, as far as the caller may know."""

    at: datetime
    waiting: Waiting | None = None
    oldest: Oldest = field(default_factory=Oldest)

    def of_all(self) -> Doc:
        """What waits, and how old the oldest event is that is under way. `atLeast`: of which states there is more."""
        there = self.waiting
        return {
            "waiting": {state: there.count(state) for state in there.of} if there else None,
            "atLeast": sorted(there.more) if there else [],
            "oldestUnfinishedSeconds": self.age(self.oldest.of_all),
        }

    def of_destination(self, name: str) -> Doc:
        """The same of one destination."""
        there = self.waiting
        states = ("dead", "held", "parked")
        counts = (
            {state: count[name] for state, count in there.of.items() if state in states} if there else None
        )
        return {"waiting": counts, "oldestUnfinishedSeconds": self.age(self.oldest.destinations.get(name))}

    def age(self, since: datetime | None) -> float | None:
        """Seconds since then."""
        return None if since is None else max(round((self.at - since).total_seconds(), 3), 0.0)


def outcomes(tally: Tally) -> Counter[str]:
    """What became of its events."""
    counts = Counter({DELIVERED: tally.delivered})
    for stop, count in tally.stops.items():
        counts[outcome_of(*stop)] += count
    return counts


def measures(tally: Tally) -> Doc:
    """What is told of all that a tally counts."""
    return {
        **_counted("received", outcomes(tally)),
        "tests": tally.tests,
        "refused": tally.refused.total(),
        "latency": latency(_summed(tally.delays)),
    }


def by_source(tally: Tally, now: Now) -> list[Doc]:
    """Of each source, those with the most events first; None: of all others, and of what no source is known of."""
    named = tally.capped()
    parts = _parts(named.came, str)
    others = parts.setdefault(OTHERS, Counter())
    others.update(outcomes(tally) - _summed(named.came))
    delays = _parts(named.delays, str)
    kept = now.waiting.of["quarantined"] if now.waiting else Counter[str]()
    for source in kept:
        parts.setdefault(source, Counter())
    return [
        {
            "source": source or None,
            **_counted("received", counts),
            "latency": latency(delays.get(source, {})),
            "quarantinedNow": kept[source] if now.waiting else None,
            "oldestUnfinishedSeconds": now.age(now.oldest.sources.get(source)),
        }
        for source, counts in _listed(parts)
        if counts or source
    ]


def by_destination(tally: Tally, now: Now) -> list[Doc]:
    """Of each destination what became of its deliveries, those with the most first."""
    parts = _parts(tally.sent, lambda word: outcome_of("", word))
    waiting = now.waiting.of if now.waiting else {}
    for state in ("dead", "held", "parked"):
        for name in waiting.get(state, ()):
            parts.setdefault(name, Counter())
    arrivals, answers = _parts(tally.arrivals, str), _parts(tally.answers, str)
    return [
        {
            "destination": name,
            **_counted("deliveries", counts),
            "latency": latency(arrivals.get(name, {})),
            "answerTime": latency(answers.get(name, {})),
            **now.of_destination(name),
        }
        for name, counts in _listed(parts)
    ]


def latency(counts: Mapping[str, int]) -> Doc:
    """How long things took, in seconds: estimates, and the counts of the classes that they are made from."""
    half, most = estimate(counts, 0.5), estimate(counts, 0.95)
    return {
        "count": sum(counts.values()),
        "p50": None if half is None else round(half, 3),
        "p95": None if most is None else round(most, 3),
        "within": by_bound(counts),
    }


def success_rate(counts: Mapping[str, int]) -> float | None:
    """The share that was delivered of what was TRIED, 0 to 1; None where nothing was."""
    tried = sum(counts.get(one, 0) for one in TRIED)
    return round(counts.get(DELIVERED, 0) / tried, 4) if tried else None


def _counted(what: str, counts: Counter[str]) -> Doc:
    return {
        what: counts.total(),
        "outcomes": {one: counts[one] for one in OUTCOMES},
        "successRate": success_rate(counts),
    }


def _parts(counts: Counter[Stop], word: Callable[[str], str]) -> dict[str, Counter[str]]:
    parts: dict[str, Counter[str]] = {}
    for (name, said), count in counts.items():
        parts.setdefault(name, Counter())[word(said)] += count
    return parts


def _summed(counts: Counter[Stop]) -> Counter[str]:
    total = Counter[str]()
    for (_, word), count in counts.items():
        total[word] += count
    return total


def _listed(parts: Mapping[str, Counter[str]]) -> list[tuple[str, Counter[str]]]:
    """Those with the most first, the others last."""
    return sorted(parts.items(), key=lambda one: (one[0] == OTHERS, -one[1].total(), one[0]))
