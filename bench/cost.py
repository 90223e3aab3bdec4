"""What a month costs: requests, messages and CPU of each event, as they are measured, times list prices.

`python -m bench.pages` prints the tables of docs/costs.md. The prices are data (`bench/prices.json`), with their date.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from math import exp
from pathlib import Path
from typing import Any

from bench import layout
from bench.capacity import CREDITS, QUARTERS, ROOM, SECONDS_A_DAY, Plan, day, group_of, simulate, use
from bench.measured import measured

PROD = Path(__file__).parents[1] / "infra/parameters/prod.env"
PRICES = Path(__file__).with_name("prices.json")
DAYS = 365 / 12
"""Of a month."""
BILLED_SECONDS = 1.0
"""The least that is billed when an instance begins to execute
(https://learn.microsoft.com/azure/azure-functions/flex-consumption-plan#billing)."""
OPERATIONS_A_MESSAGE = 3
"""Send, receive, complete. Whether the last is billed is not said; it is counted."""
INCLUDED_OPERATIONS = 13e6
"""A month, in the base charge of Standard."""
DUPLICATE_REQUESTS = 4
"""Of an event that was accepted before, as docs/design-notes.md counts them."""
STORED_BYTES = 3_100
"""Of an event of 400 bytes with one delivery, in all tables; a test weighs them."""
TOLD_BYTES = 1_000
"""Of a line or a span in Log Analytics, about: a row of some thirty columns. Not measured in Azure."""
MB_A_GB = 1_024
GB = 1e9
CORES = {512: 0.25, 2048: 1.0, 4096: 2.0}
"""By memory (https://learn.microsoft.com/azure/azure-functions/flex-consumption-plan#instance-sizes)."""


@cache
def chosen(name: str) -> str:
    """What production sets."""
    return dict(line.split("=", 1) for line in PROD.read_text().splitlines() if "=" in line)[name]


@dataclass(frozen=True, slots=True)
class Deployment:
    """What comes, and what it is kept and watched with: as `infra/parameters/prod.env` has it, unless it is said."""

    plan: Plan = field(default_factory=lambda: Plan(1e6))
    duplicates: float = 0.02
    """The share of what is sent that was accepted before."""
    memory_mb: int = 2048
    always_ready: int = field(default_factory=lambda: int(chosen("ALWAYS_READY_HTTP")))
    """Instances of the HTTP functions."""
    retention_days: int = 365
    traces: float = field(default_factory=lambda: float(chosen("TRACES_RATIO")))
    """The share of traces that is kept, with their lines."""
    lines: bool = True
    """Whether what went well leaves lines, as `SIGNALBOX_LOG_LEVEL` `INFO` has it."""
    daily_cap_gb: float = field(default_factory=lambda: float(chosen("DAILY_CAP_GB")))
    """Beyond which Log Analytics takes in nothing more that day."""


@cache
def prices() -> Mapping[str, Any]:
    """The price file."""
    found: dict[str, Any] = json.loads(PRICES.read_text())
    return found


def month(deployment: Deployment) -> dict[str, float]:
    """USD a month by part, once as much is stored as is kept. Free grants are left out: they hardly matter."""
    plan = deployment.plan
    events = plan.events_a_day * DAYS
    group = group_of(plan, plan.events_a_day / SECONDS_A_DAY, plan.events_a_day / SECONDS_A_DAY, measured())
    work = layout.whole_way(round(group), plan.destinations, new_share=plan.new_share)
    new = events * (1 - deployment.duplicates)
    requests = new / round(group) * layout.requests(work) + (events - new) * DUPLICATE_REQUESTS
    messages = new / round(group) * layout.messages(round(group), plan.destinations)
    kept = new / DAYS * deployment.retention_days * STORED_BYTES / GB
    return {
        "Functions: time": _time(deployment),
        "Functions: executions": _price("executions") * (events / plan.batch + messages) / 1e6,
        "Table Storage: requests": _price("tableRequests") * requests / 1e6,
        "Table Storage: what is kept": _price("tableGbMonth") * kept,
        "Service Bus": _bus(deployment, messages * OPERATIONS_A_MESSAGE),
        "Log Analytics": _price("logGb") * DAYS * min(told_gb(deployment), deployment.daily_cap_gb),
    }


def told_gb(deployment: Deployment) -> float:
    """What a day's lines and spans come to, in GB, if no cap ends them.

    A line and a span for each request, commit and message; a span besides for each event and each delivery.
    """
    plan = deployment.plan
    rate = plan.events_a_day / SECONDS_A_DAY
    group = group_of(plan, rate, rate, measured())
    steps = 1 / plan.batch + layout.messages(round(group), plan.destinations) / round(group)
    told = steps * deployment.lines + steps + 1 + plan.destinations
    return plan.events_a_day * told * deployment.traces * TOLD_BYTES / GB


def _price(name: str) -> float:
    return float(prices()["prices"][name]["usd"])


def _time(deployment: Deployment) -> float:
    """An instance costs while something executes on it: at least while events come at all, at most what CPU needs."""
    memory = deployment.memory_mb / MB_A_GB
    active = dict.fromkeys(("http", "rest"), 0.0)
    for height in day(deployment.plan.evening):
        for name, seconds in _active(deployment, height).items():
            active[name] += seconds * SECONDS_A_DAY / QUARTERS * DAYS
    ready = min(active["http"], deployment.always_ready * SECONDS_A_DAY * DAYS)
    on_demand = active["http"] - ready + active["rest"]
    waiting = deployment.always_ready * SECONDS_A_DAY * DAYS
    return memory * (
        on_demand * _price("executionGbSecond")
        + ready * _price("readyExecutionGbSecond")
        + waiting * _price("readyGbSecond")
    )


def _active(deployment: Deployment, height: float) -> dict[str, float]:
    """Instances that execute, on average: of HTTP, and of the functions for commits and for deliveries."""
    plan, cpu = deployment.plan, measured()
    rate = plan.events_a_day / SECONDS_A_DAY * height
    group = group_of(plan, rate, rate, cpu)
    used = 1000 * CORES[deployment.memory_mb] * plan.busy
    door = rate * cpu.door.of(group) / used
    rest = rate * (1 - deployment.duplicates) * (cpu.whole.of(group) - cpu.door.of(group)) / used
    commits = rate / group
    deliveries = commits * (layout.messages(round(group), plan.destinations) - 1)
    return {
        "http": max(door, _any_within(rate / plan.batch)),
        "rest": max(rest, _any_within(commits) + _any_within(deliveries)),
    }


def _any_within(rate: float) -> float:
    """The share of time in which something that comes at this rate executes, each for what is billed at least."""
    return 1 - exp(-rate * BILLED_SECONDS)


def _bus(deployment: Deployment, operations: float) -> float:
    """Standard while it has room for the busiest seconds, else one unit of Premium."""
    plan = deployment.plan
    if use(plan, simulate(plan))[CREDITS.name] > ROOM:
        return _price("busPremiumMonth")
    return _price("busBaseMonth") + _price("busOperations") * max(0.0, operations - INCLUDED_OPERATIONS) / 1e6


def per_million(deployment: Deployment) -> dict[str, float]:
    """USD for a million events that are sent, by part."""
    millions = deployment.plan.events_a_day * DAYS / 1e6
    return {part: usd / millions for part, usd in month(deployment).items()}
