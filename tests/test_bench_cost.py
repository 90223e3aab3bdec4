"""What a month costs follows from what an event takes, and docs/costs.md says what is computed."""

import re
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from bench.capacity import Plan
from bench.cost import DUPLICATE_REQUESTS, STORED_BYTES, Deployment, month, per_million, prices, told_gb
from bench.pages import DOCS, MARKS, between
from shared.ports import Row
from shared.storage import EVENTS, RECEIPTS, TIMELINE
from tests.fakes import FakeTables
from tests.house import OK, build
from tests.infra import parameters

NOTES = Path(__file__).parents[1] / "docs/design-notes.md"
MANY = 40


@pytest.mark.parametrize("mark", ["telemetry", "costs", "parameters", "prices"])
def test_the_page_has_the_table_that_is_computed_now(mark: str):
    """After a wanted change, new prices or new measurements: python -m bench.pages --write"""
    name, make = MARKS[mark]
    [told] = between(mark).findall((DOCS / name).read_text())

    assert told == make(), "python -m bench.pages --write"


def test_every_price_has_its_page_and_the_file_its_date():
    found = prices()

    assert date.fromisoformat(found["asOf"])
    assert found["asOf"] in (DOCS / "costs.md").read_text()
    for name, one in found["prices"].items():
        assert one["usd"] > 0, name
        assert one["source"].startswith("https://azure.microsoft.com/pricing/"), name
        assert one["seen"] is None or one["seen"].startswith("https://"), name


def test_a_million_events_cost_what_a_month_costs_by_its_millions():
    deployment = Deployment(Plan(2e6))

    ratio = sum(month(deployment).values()) / sum(per_million(deployment).values())
    assert ratio == pytest.approx(2 * 365 / 12)


def test_a_million_events_cost_less_where_there_are_more_of_them():
    costs = [sum(per_million(Deployment(Plan(one))).values()) for one in (1e5, 1e6, 2e6)]

    assert costs == sorted(costs, reverse=True)


@pytest.mark.parametrize(
    ("part", "more"),
    [
        ("Service Bus", {"plan": Plan(1e6, destinations=2)}),
        ("Table Storage: requests", {"plan": Plan(1e6, destinations=2)}),
        ("Table Storage: what is kept", {"retention_days": 730}),
        ("Log Analytics", {"traces": 0.2}),
        ("Functions: time", {"memory_mb": 4096}),
    ],
)
def test_what_is_more_costs_more(part: str, more: dict[str, Any]):
    assert month(replace(Deployment(), **more))[part] > month(Deployment())[part]


def test_a_duplicate_is_neither_stored_nor_sent():
    none, all_of_them = (month(replace(Deployment(), duplicates=share)) for share in (0, 1))

    assert all_of_them["Table Storage: what is kept"] == 0
    assert all_of_them["Table Storage: requests"] < none["Table Storage: requests"]


def test_less_is_told_where_fewer_traces_are_kept_and_lines_said():
    told = [
        told_gb(Deployment(traces=traces, lines=lines))
        for traces, lines in ((1, True), (0.1, True), (0.1, False), (0, True))
    ]

    assert told == sorted(told, reverse=True)
    assert told[-1] == 0


def test_it_is_computed_for_what_production_sets():
    set_there = parameters.values_of("prod")

    assert Deployment().daily_cap_gb == float(set_there["DAILY_CAP_GB"])
    assert Deployment().always_ready == int(set_there["ALWAYS_READY_HTTP"])
    assert Deployment().traces == float(set_there["TRACES_RATIO"])


def test_a_duplicate_takes_the_requests_that_the_design_notes_count():
    [counted] = re.findall(
        r"^\| duplicate check, one event \| .+ \| (\d+) \|$", NOTES.read_text(), re.MULTILINE
    )

    assert int(counted) == DUPLICATE_REQUESTS


async def test_an_event_is_kept_in_as_many_bytes_as_is_said():
    """As Azure measures a row (https://learn.microsoft.com/rest/api/storageservices/understanding-the-table-service-data-model)."""
    tables = FakeTables()
    house = await build(tables=tables).furnish()
    house.http.answers = [OK] * MANY
    before = weighed(tables)
    for n in range(MANY):
        await house.accept(id=f"order-{n}", person={"email": f"p{n}@example.com"})
    await house.work()

    assert (weighed(tables) - before) / MANY == pytest.approx(STORED_BYTES, rel=0.15)


def weighed(tables: FakeTables) -> float:
    kept = (EVENTS.name, RECEIPTS.name, TIMELINE.name)
    return sum(weight(row) for table in kept for row in tables.tables.get(table, {}).values())


def weight(row: Row) -> int:
    return (
        4 + 2 * len(row.pk + row.rk) + sum(8 + 2 * len(name) + size(one) for name, one in row.values.items())
    )


def size(value: object) -> int:
    if isinstance(value, bytes):
        return 4 + len(value)
    return 4 + 2 * len(value) if isinstance(value, str) else 8
