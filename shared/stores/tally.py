"""Tally: how far events came and why not further, counted; pure, so that counting the same again gives the same.

The funnel's stages are nested: an event is counted at a stage if it is counted at each before. It is counted as
stopped once, at the first stage that it did not reach, for one reason. So the gap between two stages is the sum of its
reasons, because it is computed as that sum.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from shared.exact import Json
from shared.stores.reasons import Reason
from shared.stores.trail import Delivery, Status, Trail

RECEIVED, VALID, RESOLVED, CONSENTED, ROUTED, DELIVERED = STAGES = (
    *("received", "valid", "resolved", "consented", "routed", "delivered"),
)
"""How far an event may come, in this order."""
URGENCY = (
    *(Status.DEAD, Status.HELD, Status.PENDING, Status.SENDING, Status.RETRYING, Status.PARKED),
    *(Status.DELIVERED, Status.REFUSED),
)
"""The states of deliveries; what most needs somebody's eye comes first."""
_WITH_CAUSE = (Status.DEAD, Status.HELD, Status.RETRYING)
_FINAL = frozenset(
    {
        *(Reason.NO_IDENTIFIER, Reason.OPTED_OUT, Reason.NO_ROUTE, Reason.NO_CONDITION_MET),
        *(Reason.STALE, Reason.BACKFILL, Reason.ALIKE, Reason.UNTRUSTED, Reason.UNSUBSCRIBED),
    }
)
"""Where an event stops for good."""

Stop = tuple[str, str]
"""The stage that was not reached, and the reason."""


def stop_of(trail: Trail, *, paused: bool) -> Stop | None:
    """Where an event stopped; None for one of which at least one delivery arrived. `paused`: whether its section is."""
    if not trail.steps:
        return RESOLVED, Reason.SECTION_PAUSED if paused else Reason.NOT_PROCESSED
    statuses = {one.status for one in trail.deliveries}
    if Status.DELIVERED in statuses:
        return None
    if not statuses:
        if trail.person is None:
            return RESOLVED, Reason.NO_IDENTIFIER
        return ROUTED, next(
            (one.reason for one in trail.steps if one.name == "route"), None
        ) or Reason.NO_ROUTE
    if statuses == {Status.REFUSED}:
        causes = {reason_of(one) for one in trail.deliveries}
        is_left = Reason.UNSUBSCRIBED in causes
        return (DELIVERED, Reason.UNSUBSCRIBED) if is_left else (CONSENTED, Reason.OPTED_OUT)
    return DELIVERED, reason_of(min(trail.deliveries, key=urgency))


def reason_of(delivery: Delivery) -> str:
    """Why a delivery is not there: its state, with the cause where there is one, as in `dead.rejected`."""
    if delivery.status is Status.REFUSED:
        return Reason.UNSUBSCRIBED if delivery.cause == Reason.UNSUBSCRIBED else Reason.OPTED_OUT
    named = delivery.status in _WITH_CAUSE and delivery.cause
    return f"{delivery.status}.{delivery.cause}" if named else delivery.status.value


def urgency(delivery: Delivery) -> int:
    """Its place in URGENCY: 0 most needs somebody's eye."""
    return URGENCY.index(delivery.status)


@dataclass(slots=True)
class Tally:
    """What was counted of one definition's events.

    `stops`: by stage and reason; `sent`: by destination and what became of it, `delivered` or the reason. `nobody`: of those
    that were resolved, how many went on without a person. Test events are counted apart from all else, and so is what the
    API `refused`, by the type of the problem, because that is no event and not computed from rows.
    """

    delivered: int = 0
    tests: int = 0
    nobody: int = 0
    stops: Counter[Stop] = field(default_factory=Counter)
    sent: Counter[Stop] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)

    def add(self, trail: Trail, *, test: bool, paused: bool) -> None:
        """Count one event."""
        if test:
            self.tests += 1
            return
        stop = stop_of(trail, paused=paused)
        if stop is None:
            self.delivered += 1
        else:
            self.stops[stop] += 1
        self.nobody += trail.person is None and (stop is None or stop[0] != RESOLVED)
        for one in trail.deliveries:
            word = DELIVERED if one.status is Status.DELIVERED else reason_of(one)
            self.sent[one.destination, word] += 1

    def quarantined(self, cause: str, count: int) -> None:
        """Count what came by webhooks that lie in quarantine."""
        self.stops[VALID, cause] += count

    def __iadd__(self, other: "Tally") -> Self:
        self.delivered += other.delivered
        self.tests += other.tests
        self.nobody += other.nobody
        self.stops.update(other.stops)
        self.sent.update(other.sent)
        self.refused.update(other.refused)
        return self

    @property
    def stored(self) -> int:
        """Events that it counts, those in test too; the others it counts are none yet."""
        valid = sum(count for (stage, _), count in self.stops.items() if stage != VALID)
        return self.delivered + self.tests + valid

    @property
    def is_final(self) -> bool:
        """Whether nothing that it counts can go any further, by itself or by somebody's doing."""
        open_deliveries = any(word not in (DELIVERED, *_FINAL) for _, word in self.sent)
        return not open_deliveries and all(reason in _FINAL for _, reason in self.stops)

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

    def written(self) -> dict[str, Json]:
        """As a document."""
        return {
            "delivered": self.delivered,
            "tests": self.tests,
            "nobody": self.nobody,
            "stops": _rows(self.stops),
            "sent": _rows(self.sent),
            "refused": dict(self.refused),
        }


def read_tally(doc: Mapping[str, Json]) -> Tally:
    """The tally that `written` wrote."""
    delivered, tests, nobody = (int(str(doc[name])) for name in ("delivered", "tests", "nobody"))
    refused = Counter({reason: int(count) for reason, count in doc["refused"].items()})
    return Tally(delivered, tests, nobody, _counter(doc["stops"]), _counter(doc["sent"]), refused)


def _rows(counter: Counter[Stop]) -> list[Json]:
    return [[*pair, count] for pair, count in sorted(counter.items())]


def _counter(rows: Json) -> Counter[Stop]:
    return Counter({(first, second): int(count) for first, second, count in rows})
