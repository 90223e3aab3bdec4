"""What is measured, traced and told of events and deliveries, seen through the whole line on fakes."""

import asyncio
import json
import logging
from collections.abc import Mapping

import pytest

from shared import steps, trace
from shared.errors import Forbidden, QuotaExceeded, Unauthenticated, Unavailable
from shared.ports import Answer, NoAnswer, Outgoing
from shared.stages.account import of_refusal, of_verdicts
from shared.trace import Trace
from tests.fakes import Ended, FakeClock, FakeHttp, FakeMeter
from tests.house import OK, House, body, build, order

HERE = Trace("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7")
DELIVERY = "signalbox.deliveries"


def spans(house: House, name: str) -> list[Ended]:
    return [one for one in house.spans.ended if one.name == name]


def lines(caplog: pytest.LogCaptureFixture, step: str) -> list[Mapping[str, object]]:
    found = [json.loads(one.getMessage()) for one in caplog.records if one.name == f"signalbox.{step}"]
    return [one for one in found if "what" not in one]


async def test_one_trace_goes_with_an_event_from_the_door_to_its_destination_and_is_in_its_receipt():
    house = await build(OK).furnish()
    with trace.within(HERE):
        id = await house.accept()
    await house.work()

    [processed], [delivered] = spans(house, "process event"), spans(house, "deliver event")
    assert processed.parent == delivered.parent == HERE
    assert processed.fields["id"] == delivered.fields["id"] == id
    assert (await house.receipt(id))["traceId"] == HERE.id


async def test_each_event_of_a_commit_keeps_its_own_trace_and_names_the_step_that_took_them_all():
    house = await build(OK, OK, OK).furnish()
    traces = [Trace.new() for _ in range(3)]
    for number, one in enumerate(traces):
        with trace.within(one):
            await house.post(id=f"order-{number}")
    await house.work()

    events, batches = spans(house, "process event"), spans(house, "process")
    assert {one.parent for one in events} == {*traces}
    assert {link for one in events for link in one.links} == {one.trace for one in batches}
    assert not {one.trace.id for one in batches} & {one.id for one in traces}


async def test_an_event_of_before_there_were_traces_is_processed_and_has_none():
    house = await build(OK).furnish()
    id = await house.accept()
    await house.work()

    assert (await house.receipt(id))["traceId"] is None
    assert spans(house, "process event") == spans(house, "deliver event") == []


async def test_a_trace_costs_no_row_no_request_and_no_message():
    async def cost(here: Trace | None) -> tuple[int, list[int], list[tuple[str, str]]]:
        house = await build(OK).furnish(b"k" * 32)
        before = house.tables.requests
        if here:
            with trace.within(here):
                await house.accept()
        else:
            await house.accept()
        sent = [(queue, sorted(json.loads(body))) for queue, body, _ in house.queue.sent]
        await house.work()
        rows = [len(table) for table in house.tables.tables.values()]
        return house.tables.requests - before, rows, sent  # type: ignore[return-value]

    assert await cost(HERE) == await cost(None)


@pytest.mark.parametrize(
    ("answer", "outcome", "reason"),
    [
        (OK, "delivered", "none"),
        (Answer(503, {}, b""), "retry", "server_error"),
        (Answer(400, {}, b""), "dead", "rejected"),
        (Answer(429, {}, b""), "retry", "throttled"),
        (NoAnswer("tls"), "retry", "tls"),
    ],
)
async def test_a_delivery_is_counted_by_its_kind_and_what_it_came_to(
    answer: Answer | NoAnswer, outcome: str, reason: str
):
    house = await build(answer).furnish()
    await house.accept()
    await house.work()

    assert {key: n for key, n in house.meter.sums.items() if key[0] == DELIVERY} == {
        (DELIVERY, "webhook", outcome, reason): 1
    }
    assert len(house.meter.values["signalbox.delivery.duration", "webhook"]) == 1
    assert (("signalbox.event.duration", "webhook") in house.meter.values) == (outcome == "delivered")
    assert house.meter.sums["signalbox.throttled", "destination"] == (reason == "throttled")


class SlowHttp(FakeHttp):
    """A destination that takes two seconds to answer."""

    clock: FakeClock

    async def send(self, request: Outgoing, *, timeout_seconds: float) -> Answer | NoAnswer:
        self.clock.pass_(seconds=2)
        return await super().send(request, timeout_seconds=timeout_seconds)


async def test_how_long_a_destination_took_is_measured_in_seconds():
    http = SlowHttp(OK)
    http.clock = FakeClock()
    house = await build(http=http, clock=http.clock).furnish()
    id = await house.accept()
    await house.work()

    assert house.meter.values["signalbox.delivery.duration", "webhook"] == [2.0]
    assert (await house.delivery(id)).took == 2_000


async def test_how_long_an_event_took_counts_from_its_receipt():
    house = await build(OK).furnish()
    await house.accept()
    house.clock.pass_(seconds=90)
    await house.work()

    assert house.meter.values["signalbox.event.duration", "webhook"] == [90.0]


async def test_what_is_refused_is_counted_as_that_when_it_is_processed_and_when_it_would_be_sent():
    house = await build(OK).furnish()
    section = await house.line.sections.read("demo")
    await house.accept(id="first")
    await house.work("events")
    refusal = {"email": "ada@example.com", "purpose": "marketing", "state": "opted_out"}
    await house.line.consents.set(section, body(refusal))
    house.clock.pass_(minutes=1)
    await house.work()
    await house.accept(id="second")
    await house.work()

    assert house.meter.sums[DELIVERY, "webhook", "refused", "opted_out"] == 1
    assert house.meter.sums[DELIVERY, "none", "refused", "opted_out"] == 1


@pytest.mark.parametrize(
    ("answer", "level"), [(OK, "INFO"), (Answer(503, {}, b""), "INFO"), (Answer(400, {}, b""), "WARNING")]
)
async def test_what_ends_badly_is_told_as_a_warning(
    caplog: pytest.LogCaptureFixture, answer: Answer, level: str
):
    caplog.set_level(logging.INFO, "signalbox")
    house = await build(answer).furnish()
    await house.accept()
    await house.work()

    assert [one.levelname for one in caplog.records if one.name == "signalbox.deliver"] == [level]


async def test_a_line_about_one_event_names_its_trace_and_one_about_several_its_own(
    caplog: pytest.LogCaptureFixture,
):
    caplog.set_level(logging.INFO, "signalbox")
    house = await build(OK, OK, OK).furnish()
    with trace.within(HERE):
        await house.accept(id="alone")
    await house.work()
    drafts = [(Trace.new(), f"order-{n}") for n in range(2)]

    async def post(place: Trace, id: str) -> None:
        with trace.within(place):
            await house.post(id=id)

    await asyncio.gather(*(post(*one) for one in drafts))
    await house.work()

    told = [(line["events"], line["traceId"]) for line in lines(caplog, "process")]
    assert told[0] == (1, HERE.id)
    assert all(id in {place.id for place, _ in drafts} for events, id in told[1:] if events == 1)
    assert all(id not in {place.id for place, _ in drafts} for events, id in told[1:] if events == 2)
    assert lines(caplog, "deliver")[0]["traceId"] == HERE.id


async def test_a_commit_and_a_message_leave_one_line_each(caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO, "signalbox")
    house = await build(Answer(503, {}, b"")).furnish()
    id = await house.accept()
    await house.work()

    [processed], [delivered] = lines(caplog, "process"), lines(caplog, "deliver")
    common = {"section": "demo", "events": 1}
    event = {"event": "transactions.order-placed", "outcome": "routed", "deliveries": 1}
    assert {**common, **event}.items() <= processed.items()
    place = {"route": "rt-crm", "destination": "crm", "kind": "webhook"}
    assert {**common, **place, "retry": 1, "reason": "server_error"}.items() <= delivered.items()
    assert id.rpartition("-")[0] in str(processed["commit"])
    assert "ada@example.com" not in caplog.text


def test_verdicts_are_counted_by_door_outcome_and_reason():
    meter = FakeMeter()

    of_verdicts(meter, "batch", [Unavailable("Later."), Unauthenticated("No."), Unavailable("Later.")])

    assert meter.sums == {
        ("signalbox.events", "batch", "retry", "unavailable"): 2,
        ("signalbox.events", "batch", "rejected", "unauthenticated"): 1,
    }


def test_a_request_that_is_refused_for_its_quota_is_an_event_to_come_again_and_a_throttled_request():
    meter = FakeMeter()

    of_refusal(meter, "event", QuotaExceeded("Slow down."))
    of_refusal(meter, "", QuotaExceeded("Slow down."))

    assert meter.sums == {
        ("signalbox.events", "event", "retry", "quota-exceeded"): 1,
        ("signalbox.throttled", "quota"): 2,
    }


async def test_events_of_one_request_are_told_of_together(caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO, "signalbox")
    house = await build().furnish()
    with steps.step(house.spans, "request"):
        told = await house.post_all(order(id="1"), order(id="1"), order(id="2", properties={}))
        of_verdicts(house.meter, "batch", told)

    [line] = lines(caplog, "request")
    counts = {"events": 3, "accepted": 1, "duplicate": 1, "rejected": 1, "reason": "invalid"}
    assert counts.items() <= line.items()
    assert (line["outcome"], line["event"]) == ("several", "transactions.order-placed")


def test_what_came_of_several_is_told_in_numbers(caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO, "signalbox")
    house = build()
    with steps.step(house.spans, "request"):
        told = [Unavailable("Later."), Unauthenticated("No."), Unavailable("Later."), Forbidden("No.")]
        of_verdicts(house.meter, "batch", told)

    [line] = lines(caplog, "request")
    counts = {"events": 4, "retry": 2, "rejected": 2, "outcome": "several", "reason": "unavailable"}
    assert counts.items() <= line.items()
