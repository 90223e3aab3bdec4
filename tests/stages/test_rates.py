"""Rates: what a destination takes in a minute holds under a burst, across instances, and what waits loses nothing."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared import destinations, exact, flow
from shared.azure.tables import AzureTables
from shared.counts import Counts
from shared.errors import Invalid, Later
from shared.messages import DeliveryMessage, read_delivery
from shared.ports import Answer
from shared.stages.rates import AT_ONCE, AT_ONCE_AT_LEAST, FURTHEST_SECONDS, TURN_SECONDS, Rates
from shared.storage import TABLES
from shared.stores.taken import Taken
from shared.stores.trail import Status
from tests.bursts import burst
from tests.destinations.cases import SENT
from tests.fakes import FakeClock, FakeTables
from tests.house import OK, body, build
from tests.real import azurite

__all__ = ["azurite"]


def most(per_minute: int, instances: int) -> int:
    """What is documented to be sent at most in any minute."""
    at_once, heard_late = max(per_minute * AT_ONCE, AT_ONCE_AT_LEAST), per_minute / 60
    return int(per_minute + (instances - 1) * (at_once + heard_late)) + 1


async def ended(found):
    """How each delivery of a burst has ended, and in how many attempts."""
    line = found.instances[0].line
    seen = [await line.receipts.delivery("demo", id, "rt-crm") for id in found.events]
    return {(one.status, one.attempt, len(one.attempts)) for one in seen}


@pytest.mark.parametrize(
    ("instances", "events"),
    [(1, 1_500), (2, 1_500), pytest.param(3, 5_000, marks=[pytest.mark.slow, pytest.mark.timeout(600)])],
)
async def test_a_burst_is_sent_no_faster_than_the_destination_takes_it_and_all_of_it_arrives(
    instances, events
):
    found = await burst(instances, events, perMinute=1_200)

    await found.work_off()

    assert found.http.most_in(60) <= most(1_200, instances)
    assert (
        len({one.headers["webhook-id"] for one in found.http.requests}) == len(found.http.requests) == events
    )
    assert await ended(found) == {(Status.DELIVERED, 1, 1)}
    # Nor is it much slower than it may be.
    assert found.http.times[-1] - found.http.times[0] <= events / 1_200 * 60 * 1.15


@pytest.mark.parametrize(("per_minute", "events"), [(10, 60), (30, 200), (100, 300)])
async def test_a_low_rate_is_used_up_too(per_minute, events):
    found = await burst(1, events, perMinute=per_minute)

    await found.work_off()

    assert found.http.most_in(60) <= per_minute
    assert found.http.times[-1] - found.http.times[0] <= events / per_minute * 60 * 1.4


@pytest.mark.slow
async def test_two_instances_keep_to_a_rate_on_real_storage(azurite):
    async with AzureTables(azurite.connection_string) as tables:
        for table in TABLES:
            await tables.get(table.name, "-", "-")
        found = await burst(2, 300, tables=tables, perMinute=120)
        await found.work_off(most_seconds=600)
        statuses = await ended(found)

    assert found.http.most_in(60) <= most(120, 2)
    assert statuses == {(Status.DELIVERED, 1, 1)}


@settings(max_examples=25, deadline=None)
@given(
    instances=st.integers(1, 6),
    per_minute=st.integers(2, 5_000),
    gaps=st.lists(st.sampled_from([0.0, 0.1, 1.0, 5.0, 20.0, 90.0]), min_size=1, max_size=60),
    wanted=st.integers(1, 400),
)
async def test_however_it_is_asked_no_minute_has_more_than_is_documented(instances, per_minute, gaps, wanted):
    clock, tables = FakeClock(), FakeTables()
    counts = [Counts(Taken(tables), clock) for _ in range(instances)]
    everywhere = [Rates(one, clock) for one in counts]
    times: list[float] = []
    for gap in gaps:
        clock.pass_(seconds=gap)
        for n in range(wanted):
            try:
                everywhere[n % instances].take("demo", "rt-crm", "crm", per_minute)
            except Later:
                continue
            times.append(clock.seconds())
        for one in counts:
            await one.idle()

    worst = max(sum(start <= time < start + 60 for time in times) for start in set(times))
    assert worst <= most(per_minute, instances) + instances


async def waiting(**changes):
    """A house whose destination has had all that it takes, and a delivery that it is not sent yet."""
    house = await build(*[OK] * 30).furnish()
    doc = {"settings": {"url": "https://crm.example.com/hook", "perMinute": 20, **changes}}
    await house.line.destinations.change("demo", "crm", body(doc))
    *first, last = [await house.accept(id=f"order-{n}") for n in range(3)]
    await house.work("events")
    house.queue.sent.clear()
    await flow.deliver(house.line, DeliveryMessage("demo", "rt-crm", tuple(first)))
    return house, last, DeliveryMessage("demo", "rt-crm", (last,))


async def test_what_waits_for_its_turn_is_not_touched_and_has_a_message_for_then():
    house, id, message = await waiting()
    before = house.tables.requests

    await flow.deliver(house.line, message)

    seen = await house.delivery(id)
    assert (seen.status, seen.attempt, seen.attempts, seen.claim_until) == (Status.PENDING, 0, (), None)
    [(queue, again, at)] = house.queue.sent
    assert (queue, read_delivery(again.encode())) == ("deliveries", message)
    assert timedelta(0) < at - house.clock.now() <= timedelta(seconds=60 / 19 + TURN_SECONDS + 1)
    # What is known to have nothing left costs no more than the look that this test had.
    assert house.tables.requests == before + 1


async def test_whose_turn_has_come_is_sent():
    house, id, message = await waiting()
    await flow.deliver(house.line, message)

    await house.pass_(seconds=10)

    seen = await house.delivery(id)
    assert (seen.status, seen.attempt) == (Status.DELIVERED, 1)


async def test_a_destination_that_is_paused_meanwhile_parks_what_waits():
    house, id, message = await waiting()
    await flow.deliver(house.line, message)
    await house.line.destinations.set_status("demo", "crm", "paused")

    await house.pass_(seconds=10)

    assert (await house.delivery(id)).status is Status.PARKED


async def test_without_a_rate_nothing_waits():
    house, _, _ = await waiting(perMinute=None)
    events = [await house.accept(id=f"more-{n}") for n in range(25)]

    await house.work()

    assert {(await house.delivery(one)).status for one in events} == {Status.DELIVERED}


async def test_turns_are_given_in_order_and_never_far_off():
    clock = FakeClock()
    rates = Rates(Counts(Taken(FakeTables()), clock), clock)
    waits = []
    for _ in range(2_000):
        try:
            rates.take("demo", "rt-crm", "crm", 100)
        except Later as later:
            waits.append(later.seconds)

    assert waits == sorted(waits)
    assert waits[0] <= 2 * TURN_SECONDS
    assert waits[-1] <= FURTHEST_SECONDS + TURN_SECONDS
    assert len({round(wait) for wait in waits[:100]}) <= 100 / (100 * AT_ONCE) + 2


@pytest.mark.parametrize(
    ("kind", "asked", "rate"),
    [
        ("webhook", None, None),
        ("webhook", 50, 50),
        ("dynamics_journeys", None, 1_200),
        ("dynamics_journeys", 2_500, 2_500),
        ("dataverse_row", None, 1_200),
        ("azure_email", None, 30),
        ("apsis_one", None, 6_000),
        ("apsis_one", 600, 600),
        ("voucherify", None, 100),
        ("voucherify", 2_000, 2_000),
    ],
)
def test_a_rate_is_what_the_kind_takes_unless_the_destination_says_another(kind, asked, rate):
    plugin = destinations.load(kind)
    given = SENT[kind]["settings"] | ({} if asked is None else {"perMinute": asked})

    assert plugin.per_minute(plugin.settings.model_validate(given)) == rate


@pytest.mark.parametrize(("client", "status"), [("same", Status.PENDING), ("other", Status.DELIVERED)])
async def test_destinations_of_one_account_have_its_rate_together(client, status):
    token = Answer(200, {}, exact.dumps({"access_token": "t", "expires_in": 86_400}).encode())
    house = await build(token, OK, token, OK).furnish()
    await house.line.routes.set_status("demo", "rt-crm", "paused")
    for name, of in (("first", "same"), ("second", client)):
        given = {**SENT["apsis_one"]["settings"], "clientId": of, "perMinute": 2}
        doc = {"name": name, "kind": "apsis_one", "settings": given, "secrets": {"clientSecret": "s"}}
        await house.line.destinations.create("demo", body(doc), bytes(32))
        await house.add_route(name)
    id = await house.accept()
    await house.work("events")

    for route in ("rt-first", "rt-second"):
        await flow.deliver(house.line, DeliveryMessage("demo", route, (id,)))

    assert (await house.delivery(id, "rt-first")).status is Status.DELIVERED
    assert (await house.delivery(id, "rt-second")).status is status


@pytest.mark.parametrize(
    ("kind", "secrets"), [("dynamics_journeys", {}), ("dataverse_row", {}), ("voucherify", {"appId": "a"})]
)
def test_what_counts_together_is_what_the_vendor_counts_together(kind, secrets):
    plugin = destinations.load(kind)
    first = plugin.settings.model_validate(SENT[kind]["settings"])

    assert plugin.account(first, secrets) == plugin.account(first, secrets) is not None
    for name in {"organization", "client_id", "api"} & type(first).model_fields.keys():
        other = first.model_copy(update={name: "another"})
        assert plugin.account(other, secrets) != plugin.account(first, secrets)


@pytest.mark.parametrize(("kind", "asked"), [("dynamics_journeys", 2_501), ("apsis_one", 6_001)])
async def test_more_than_a_kind_takes_is_refused(kind, asked):
    house = await build().furnish()
    case = SENT[kind]
    doc = {"name": "d", "kind": kind, "settings": case["settings"], "secrets": case["secrets"]}
    await house.line.destinations.create("demo", body(doc), bytes(32))
    wanted = {"settings": {**case["settings"], "perMinute": asked}}

    with pytest.raises(Invalid) as changed:
        await house.line.destinations.change("demo", "d", body(wanted))
    with pytest.raises(Invalid) as created:
        await house.line.destinations.create("demo", body({**doc, **wanted, "name": "e"}), bytes(32))

    for told in (changed, created):
        assert [fault.pointer for fault in told.value.faults] == ["/settings/perMinute"]


async def test_a_limit_that_was_lowered_since_holds_for_what_was_set_up_before(monkeypatch):
    from shared.destinations.kinds import webhook

    house = await build().furnish()
    limits = replace(webhook.DESTINATION.limits, per_minute=10)
    monkeypatch.setattr(webhook, "DESTINATION", replace(webhook.DESTINATION, limits=limits))

    target = await house.line.destinations.open("demo", "crm")

    assert target is not None
    assert webhook.DESTINATION.per_minute(target.settings.model_copy(update={"per_minute": 50})) == 10
