"""Quotas: what is sent beyond them is refused, at no cost to anybody else, and they hold across instances."""

import asyncio
from dataclasses import replace

import pytest

from functions.calls import KeyedCall
from functions.receive import post_batch
from shared import exact
from shared.access.caller import DEPLOYMENT, Caller
from shared.access.quotas import REJECTIONS, Quotas
from shared.counts import ALONE, Counts
from shared.errors import QuotaExceeded, Unavailable
from shared.sources import Received
from shared.sources.kinds import shopify
from shared.stores.spent import SpentStore
from shared.stores.taken import Taken
from tests.failing import FailingTables
from tests.fakes import FakeClock, FakeTables
from tests.house import build, order

CALLER = Caller("demo", frozenset(), "key", "shop", "key", per_minute=100)
OTHER = replace(CALLER, key_id="other")


def passed(quotas, caller=CALLER, times=1, amount=1):
    """How many of so many requests pass."""
    count = 0
    for _ in range(times):
        try:
            quotas.of_caller(caller, None, amount)
        except QuotaExceeded:
            continue
        count += 1
    return count


def alone(tables=None, clock=None):
    tables, clock = tables or FakeTables(), clock or FakeClock()
    # What is told to whoever looks at usage is no part of a quota.
    return Quotas(Counts(Taken(tables), clock), SpentStore(FakeTables(), clock))


async def test_what_is_beyond_the_quota_is_refused_until_time_has_passed():
    clock = FakeClock()
    quotas = alone(clock=clock)

    assert passed(quotas, times=150) == 100
    with pytest.raises(QuotaExceeded, match="quota of this key is used up") as refused:
        quotas.of_caller(CALLER, None)
    clock.pass_(seconds=refused.value.retry_after)
    assert passed(quotas, times=5) == 1


async def test_the_headers_say_what_is_left_and_never_to_come_back_too_early():
    quotas = alone()
    standing = quotas.of_caller(CALLER, None)
    passed(quotas, times=100)

    with pytest.raises(QuotaExceeded) as refused:
        quotas.of_caller(CALLER, None)

    assert standing.headers() == {"RateLimit-Policy": '"key";q=100;w=60', "RateLimit": '"key";r=99;t=1'}
    assert refused.value.headers["RateLimit"] == f'"key";r=0;t={refused.value.retry_after}'


async def test_a_batch_passes_while_anything_is_left_and_is_then_waited_for():
    clock = FakeClock()
    quotas = alone(clock=clock)

    assert passed(quotas, times=2, amount=160) == 1
    clock.pass_(seconds=36)
    assert passed(quotas) == 0
    clock.pass_(seconds=1)
    assert passed(quotas) == 1


async def test_a_section_has_a_quota_for_all_its_keys_together():
    house = await build().furnish()
    section = replace(await house.line.sections.read("demo"), per_minute=10)
    quotas = alone()

    for caller in (CALLER, OTHER) * 5:
        quotas.of_caller(caller, section)
    with pytest.raises(QuotaExceeded, match="this section"):
        quotas.of_caller(OTHER, section)


async def test_a_key_that_floods_costs_no_request_and_takes_nothing_from_another():
    house = await build().furnish()
    flooding = replace(house.caller, per_minute=5)
    told = [await batch(house, flooding) for _ in range(6)]
    await house.line.quotas.idle()
    before = (house.tables.requests, len(house.queue.sent))

    refused = [await batch(house, flooding) for _ in range(50)]
    after = (house.tables.requests, len(house.queue.sent))

    assert told[0] == 207
    assert refused == [429] * 50
    assert after == before
    assert await batch(house, replace(house.caller, key_id="other")) == 207


async def batch(house, caller):
    """What a batch of two orders is answered."""
    body = exact.dumps({"events": [order(), order()]}).encode()
    request = Received("POST", "https://x/", {"content-type": "application/json"}, body)
    try:
        reply = await post_batch(KeyedCall(house.line, request, {}, {}, caller))
    except QuotaExceeded as error:
        return error.status
    return reply.status


@pytest.mark.parametrize("instances", [2, 4, 10])
async def test_across_instances_a_flood_gets_little_more_than_the_quota(instances):
    tables, clock = FakeTables(), FakeClock()
    everywhere = [alone(tables, clock) for _ in range(instances)]
    caller = replace(CALLER, per_minute=6_000)
    taken, minutes = 0, 3

    # Ten times the quota, spread over all instances, for three minutes.
    for _ in range(minutes * 60):
        clock.pass_(seconds=1)
        for quotas in everywhere:
            taken += passed(quotas, caller, times=6_000 * 10 // 60 // instances)
            await quotas.idle()

    allowed = caller.per_minute * (1 + minutes)  # one at once, and one for each minute
    assert allowed * 0.95 <= taken <= allowed * 1.1


async def test_a_key_that_is_used_little_asks_storage_for_nothing():
    tables, clock = FakeTables(), FakeClock()
    quotas = alone(tables, clock)

    for _ in range(10):
        passed(quotas, times=int(100 * ALONE))
        clock.pass_(minutes=1)
    await quotas.idle()

    assert tables.requests == 0


async def test_without_storage_each_instance_counts_alone_and_tells_later():
    tables, clock = FailingTables(), FakeClock()
    first, second = alone(tables, clock), alone(tables, clock)
    tables.before = lambda *_: Unavailable("away")

    assert passed(first, times=60) == 60
    await first.idle()
    tables.before = lambda *_: None
    clock.pass_(seconds=1)
    passed(first)
    await first.idle()
    passed(second, times=20)
    await second.idle()

    assert passed(second, times=100) < 40


async def test_two_who_tell_at_once_lose_nothing():
    tables, clock = FakeTables(), FakeClock()
    everywhere = [alone(tables, clock) for _ in range(3)]
    for quotas in everywhere:
        passed(quotas, times=30)
    await asyncio.gather(*(quotas.idle() for quotas in everywhere))
    for _ in range(3):
        clock.pass_(seconds=1)
        for quotas in everywhere:
            passed(quotas)
            await quotas.idle()

    [row] = tables.tables["usage"].values()
    assert row.values["taken"] == 3 * 33


async def test_a_new_quota_holds_at_once():
    quotas = alone()
    passed(quotas, times=100)

    assert passed(quotas, replace(CALLER, per_minute=200), times=300) == 200


async def test_a_flood_of_wrong_signatures_leaves_a_bounded_number_of_traces():
    house = await build().furnish()
    made = await house.line.sources.create(
        "demo",
        {"name": "s", "kind": "shopify", "label": "shop", "secrets": {"signing": "a secret of ours"}},
        bytes(16),
        ["shopify"],
    )
    source = await house.line.sources.find(made["id"])
    quotas = alone()

    assert sum(quotas.is_rejection_kept(source) for _ in range(500)) == REJECTIONS
    quotas.of_source(source, await house.line.sections.read("demo"), shopify.POLICY)


async def test_a_key_of_the_whole_deployment_has_one_quota_in_whichever_section_it_works():
    quotas = alone()
    everywhere = replace(CALLER, home=DEPLOYMENT)

    taken = sum(passed(quotas, replace(everywhere, section=section), times=60) for section in ("a", "b"))

    assert taken == 100
    assert passed(quotas, replace(CALLER, home="demo")) == 1
