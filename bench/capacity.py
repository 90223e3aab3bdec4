"""How far one deployment reaches: a day of the layout, simulated, against what Azure's parts take.

`python -m bench.pages` prints what comes of it. No storage and no bus: it draws sections, groups and partitions by chance from a seed, and adds up what they touch
(`bench.layout`) in the busiest seconds of each quarter of an hour.
"""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from math import ceil, cos, exp, pi

from bench import layout
from bench.measured import Measured, measured
from shared.access.section_body import SectionBody
from shared.stages.record import MAX_EVENTS
from shared.storage import EVENTS, PEOPLE, RECEIPTS, TIMELINE

SECONDS_A_DAY = 86_400
QUARTERS = 96
MOST = 1e9
WINDOW_SECONDS = 10
"""Over which the busiest seconds are looked at."""
RECEIPT_PARTITIONS = 256
ROOM = 0.7
"""A part that is used to more than this at the peak is too small: the rest is for retries, replays and bad days."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A deployment and what comes to it. What is assumed, not measured, says so in docs/capacity.md."""

    events_a_day: float
    sections: int = 20
    skew: float = 1.0
    """Zipf's exponent: 1 gives the largest of twenty sections 28 %, 0 gives all the same."""
    destinations: int = 1
    batch: int = 1
    """Events in a request."""
    new_share: float = 0.1
    buckets: int = SectionBody.model_fields["buckets"].default
    evening: float = 2.2
    """The busiest hour over the mean of the day."""
    burst: float = 1.5
    """The busiest seconds over their quarter of an hour."""
    transaction_seconds: float = 0.015
    """Of one transaction with Table Storage in the region."""
    busy: float = 0.5
    """How much of an instance's core is used before the platform starts another."""
    cores: float = 1.0
    """Of an instance with 2,048 MB."""
    most_instances: int = 100


@dataclass(frozen=True, slots=True)
class Limit:
    """What a part takes, where that is said, and what to do when it is too little."""

    name: str
    most: float
    source: str
    remedy: str


TABLES = "https://learn.microsoft.com/azure/storage/tables/scalability-targets"
BUS = "https://learn.microsoft.com/azure/service-bus-messaging/service-bus-throttling"
FLEX = "https://learn.microsoft.com/azure/azure-functions/flex-consumption-plan"
_PARTITION = {
    EVENTS.name: "more `buckets` when the section is made, up to 64",
    RECEIPTS.name: "divide the section",
    PEOPLE.name: "divide the section",
    TIMELINE.name: "divide the section",
}
PARTITIONS = {
    table: Limit(f"rows a second in one partition of `{table}`", 2_000, TABLES, remedy)
    for table, remedy in _PARTITION.items()
}
ACCOUNT = Limit(
    "rows a second in the storage account", 20_000, TABLES, "another deployment for some sections"
)
CREDITS = Limit("credits a second of the Standard namespace", 1_000, BUS, "Service Bus Premium")
INSTANCES = Limit("instances", 100, FLEX, "`maximumInstanceCount`, up to 1,000")
SECTION = Limit(
    "events a minute of the largest section",
    float(SectionBody.model_fields["per_minute"].default),
    "limits.md#rates",
    "the section's `perMinute`",
)
LIMITS = (*PARTITIONS.values(), ACCOUNT, CREDITS, INSTANCES, SECTION)
Used = Mapping[str, float]
"""By limit's name, how much of it is used, in its own unit."""


def simulate(plan: Plan, seed: int = 1, cpu: Measured | None = None) -> dict[str, float]:
    """The most that a day uses of each limit. Pure: the same for the same plan and seed. Quiet hours are left out."""
    rng, known = random.Random(seed), cpu or measured()  # noqa: S311  (a simulation, not a secret)
    most = dict.fromkeys((limit.name for limit in LIMITS), 0.0)
    for height in (one for one in day(plan.evening) if one >= 0.9 * plan.evening):
        for name, used in busiest(plan, height, rng, known).items():
            most[name] = max(most[name], used)
    return most


@cache
def day(evening: float) -> tuple[float, ...]:
    """The day's curve by quarters of an hour: always above nothing, 1 in the mean, and `evening` at its height."""
    low, high = 0.0, 50.0
    while high - low > 1e-9:
        middle = (low + high) / 2
        low, high = (middle, high) if max(_wave(middle)) < evening else (low, middle)
    return _wave(low)


def _wave(steepness: float) -> tuple[float, ...]:
    heights = [exp(steepness * cos(2 * pi * (quarter - 78) / QUARTERS)) for quarter in range(QUARTERS)]
    return tuple(height * QUARTERS / sum(heights) for height in heights)


def shares(plan: Plan) -> list[float]:
    """What part of all events is each section's, the largest first; together 1."""
    weights = [1 / (rank + 1) ** plan.skew for rank in range(plan.sections)]
    return [weight / sum(weights) for weight in weights]


def busiest(plan: Plan, height: float, rng: random.Random, cpu: Measured) -> Used:
    """What the busiest seconds of a quarter of an hour use."""
    rate = plan.events_a_day / SECONDS_A_DAY * height * plan.burst
    account = credits = cores = 0.0
    hottest: dict[str, float] = {}
    for share in shares(plan):
        group = group_of(plan, rate * share, rate, cpu)
        work = layout.whole_way(round(group), plan.destinations, new_share=plan.new_share)
        commits = rate * share / round(group)
        account += layout.rows(work) * commits
        credits += 2 * layout.messages(round(group), plan.destinations) * commits
        cores += rate * share * cpu.whole.of(group) / 1000
        hottest = hottest or dict(_hottest(plan, work, commits, rng))
    return {
        **{PARTITIONS[table].name: used for table, used in hottest.items()},
        ACCOUNT.name: account,
        CREDITS.name: credits,
        INSTANCES.name: ceil(cores / plan.cores / plan.busy),
        SECTION.name: rate * shares(plan)[0] * 60,
    }


def group_of(plan: Plan, rate: float, all_together: float, cpu: Measured) -> float:
    """Events in a group: those that come to one bucket of one instance during a transaction, or with one request."""
    instances = max(1, ceil(all_together * cpu.door.of(1) / 1000 / plan.cores / plan.busy))
    meeting = rate / instances / plan.buckets * plan.transaction_seconds
    sent_together = plan.batch / layout.hit(plan.buckets, plan.batch)
    return min(float(MAX_EVENTS), max(1.0, meeting, sent_together))


def spread(total: int, parts: int, rng: random.Random) -> list[int]:
    """So many things into so many parts, each into any of them; together all of them."""
    found, left = [], total
    for after in range(parts - 1, 0, -1):
        mean = left / (after + 1)
        one = min(left, max(0, round(rng.gauss(mean, (mean * after / (after + 1)) ** 0.5))))
        found.append(one)
        left -= one
    return [*found, left]


def _hottest(
    plan: Plan, work: layout.Work, commits: float, rng: random.Random
) -> Iterator[tuple[str, float]]:
    """Of the largest section, which comes first: rows a second of the partition of each table that has the most."""
    places = {
        EVENTS.name: plan.buckets,
        RECEIPTS.name: RECEIPT_PARTITIONS,
        PEOPLE.name: layout.SIXTEEN,
        TIMELINE.name: layout.SIXTEEN,
    }
    drawn = max(1, round(commits * WINDOW_SECONDS))
    for table, parts in places.items():
        share = max(spread(drawn, parts, rng)) / drawn
        yield table, work[table].rows * commits * share


def use(plan: Plan, used: Used) -> dict[str, float]:
    """By limit's name, how much of it is used at the peak; 1 is all."""
    most = {limit.name: limit.most for limit in LIMITS} | {INSTANCES.name: plan.most_instances}
    return {name: amount / most[name] for name, amount in used.items()}


def first_to_break(plan: Plan, used: Used) -> Limit:
    """The limit that is used most."""
    shares_used = use(plan, used)
    return max(LIMITS, key=lambda limit: shares_used[limit.name])


def reach(plan: Plan, limit: Limit) -> float:
    """Events a day up to which this limit has room, to two figures, by halving; a thousand million at most."""
    low, high = 100_000.0, MOST
    while high / low > 1.02:
        middle = (low * high) ** 0.5
        tried = replace(plan, events_a_day=middle)
        fits = use(tried, simulate(tried))[limit.name] <= ROOM
        low, high = (middle, high) if fits else (low, middle)
    return low
