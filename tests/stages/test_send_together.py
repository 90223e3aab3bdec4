"""Send together: what is on its way to one recipient goes in one request, and each delivery still ends for itself."""

import asyncio
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest

from shared import exact, flow, killpoints
from shared.destinations.kinds import apsis_one
from shared.messages import DeliveryMessage, read_delivery
from shared.ports import Answer, NoAnswer
from shared.stages.send import PATIENCE_SECONDS, REFUSED_TOGETHER, Sender
from shared.stores.trail import Attempt, Status
from tests.destinations.cases import SENT
from tests.house import body, build, order

CASE = SENT["apsis_one"]
TOKEN = Answer(200, {}, exact.dumps({"access_token": "t", "expires_in": 86_400}).encode())
TAKEN = Answer(204, {}, b"")
REFUSED = Answer(400, {}, b'{"detail":"data must be an object."}')


async def gathered(*answers, events=3, settings=None, **changes):
    """A house with so many events of one person on their way to Apsis One, and the message that tells of them."""
    house = await build(TOKEN, *answers).furnish()
    await house.line.routes.set_status("demo", "rt-crm", "paused")
    given = {**CASE["settings"], **(settings or {})}
    doc = {"name": "apsis", "kind": "apsis_one", "settings": given, "secrets": CASE["secrets"]}
    await house.line.destinations.create("demo", body(doc), bytes(32))
    await house.add_route("apsis")
    told = await house.post_all(*(numbered(n, **changes) for n in range(events)))
    ids = [one.id for one in told]
    await house.work("events")
    house.queue.sent.clear()
    return house, ids, DeliveryMessage("demo", "rt-apsis", tuple(ids))


def numbered(n, **changes):
    """An order, each a minute before the one before it."""
    at = f"2026-11-22T09:{10 - n:02}:00+00:00"
    told = {"orderId": str(n), "totalValue": 1}
    return order(**{"id": f"order-{n}", "occurredAt": at, "properties": told, **changes})


def brought(house):
    """What each request to the profile brought, by the orders' numbers."""
    requests = [one for one in house.http.requests if one.url.endswith("/events")]
    return [[item["data"]["orderId"] for item in exact.loads(one.body)["items"]] for one in requests]


async def seen(house, ids):
    return [await house.delivery(id, "rt-apsis") for id in ids]


async def test_events_of_one_profile_go_in_one_request_in_the_order_in_which_they_happened():
    house, ids, message = await gathered(TAKEN)

    await flow.deliver(house.line, message)

    assert brought(house) == [["2", "1", "0"]]
    ended = await seen(house, ids)
    assert {(one.status, one.attempt) for one in ended} == {(Status.DELIVERED, 1)}
    assert {one.attempts[0].status_code for one in ended} == {204}


async def test_events_of_others_go_in_requests_of_their_own():
    house, ids, message = await gathered(TAKEN, TAKEN, TAKEN, events=2)
    [other] = await house.post_all(numbered(7, person={"email": "bob@example.com"}))
    await house.work("events")
    house.queue.sent.clear()

    await flow.deliver(house.line, replace(message, events=(*ids, other.id)))

    assert sorted(brought(house)) == [["1", "0"], ["7"]]
    assert {one.status for one in await seen(house, [*ids, other.id])} == {Status.DELIVERED}


async def test_what_another_has_in_hand_is_left_out():
    house, ids, message = await gathered(TAKEN)
    claimed = replace(
        await house.delivery(ids[1], "rt-apsis"),
        status=Status.SENDING,
        attempt=1,
        claim_until=house.clock.now() + timedelta(seconds=30),
        attempts=(Attempt(1, "2026-11-22T09:15:00.000Z"),),
    )
    await house.line.receipts.save("demo", claimed)

    await flow.deliver(house.line, message)

    assert brought(house) == [["2", "0"]]
    assert [one.status for one in await seen(house, ids)] == [
        Status.DELIVERED,
        Status.SENDING,
        Status.DELIVERED,
    ]


async def test_two_workers_on_one_message_send_each_event_once():
    house, ids, message = await gathered(TAKEN, TAKEN, TAKEN, TAKEN)
    other = build(tables=house.tables, queue=house.queue, clock=house.clock, http=house.http)
    house.http.answers.insert(0, TOKEN)
    house.http.answers.insert(0, TOKEN)

    await asyncio.gather(flow.deliver(house.line, message), flow.deliver(other.line, message))

    assert sorted(number for request in brought(house) for number in request) == ["0", "1", "2"]
    assert {one.status for one in await seen(house, ids)} == {Status.DELIVERED}


@pytest.mark.parametrize("rate", [6_000, 2])
async def test_one_bad_event_fails_alone_and_being_refused_together_counts_no_attempt(rate):
    house, ids, message = await gathered(settings={"retrySeconds": [], "perMinute": rate})

    async def picky(request, *, timeout_seconds):
        house.http.requests.append(request)
        if "oauth" in request.url:
            return TOKEN
        return REFUSED if b'"orderId":"1"' in request.body else TAKEN

    house.http.send = picky
    await flow.deliver(house.line, message)

    together, *alone = brought(house)
    assert (together, sorted(alone)) == (["2", "1", "0"], [["0"], ["1"], ["2"]])
    ended = await seen(house, ids)
    assert [one.status for one in ended] == [Status.DELIVERED, Status.DEAD, Status.DELIVERED]
    assert ended[1].cause == "rejected"
    for one in ended:
        assert (one.attempt, one.attempts[0].status_code) == (1, 400)
        assert one.attempts[0].reason == REFUSED_TOGETHER


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (Answer(503, {}, b""), Status.RETRYING),
        (Answer(401, {}, b""), Status.RETRYING),
        (Answer(429, {"retry-after": "60"}, b""), Status.RETRYING),
        (NoAnswer("timeout"), Status.HELD),
        (NoAnswer("broken"), Status.HELD),
        (Answer(410, {}, b""), Status.DEAD),
    ],
)
async def test_any_other_answer_is_each_ones_own(answer, status):
    house, ids, message = await gathered(answer)

    await flow.deliver(house.line, message)

    assert len(brought(house)) == 1
    assert {(one.status, one.attempt) for one in await seen(house, ids)} == {(status, 1)}


async def test_what_does_not_fit_into_one_request_goes_in_the_next(monkeypatch):
    house, ids, message = await gathered(TAKEN, TAKEN, events=5)
    small = replace(apsis_one.DESTINATION.limits, body=400)
    monkeypatch.setattr(apsis_one, "DESTINATION", replace(apsis_one.DESTINATION, limits=small))
    house.http.answers += [TAKEN] * 5

    await flow.deliver(house.line, message)

    requests = [one for one in house.http.requests if one.url.endswith("/events")]
    assert all(len(one.body) <= 400 for one in requests)
    assert 1 < len(requests) < 5
    assert {one.status for one in await seen(house, ids)} == {Status.DELIVERED}


async def test_a_kind_that_breaks_on_joining_sends_each_alone(monkeypatch):
    def broken(requests):
        raise ZeroDivisionError

    monkeypatch.setattr(apsis_one, "DESTINATION", replace(apsis_one.DESTINATION, join=broken))
    house, ids, message = await gathered(TAKEN, TAKEN, TAKEN)

    await flow.deliver(house.line, message)

    assert sorted(brought(house)) == [["0"], ["1"], ["2"]]
    assert {(one.status, one.attempt) for one in await seen(house, ids)} == {(Status.DELIVERED, 1)}


async def test_one_that_cannot_become_a_request_ends_without_the_others():
    house, ids, message = await gathered(TAKEN)
    nobody = replace(await house.delivery(ids[1], "rt-apsis"), person=None)
    await house.line.receipts.save("demo", nobody)
    [other] = await house.post_all(numbered(7, person={"deviceId": "d-1"}))
    await house.work("events")
    house.queue.sent.clear()

    await flow.deliver(house.line, replace(message, events=(*ids, other.id)))

    ended = (await seen(house, [other.id]))[0]
    assert (ended.status, ended.cause) == (Status.DEAD, "mapping")
    assert {one.status for one in await seen(house, ids)} == {Status.DELIVERED}


async def test_a_group_counts_as_one_request_of_the_rate_and_what_has_no_turn_is_not_claimed():
    house, ids, message = await gathered(TAKEN, TAKEN, events=3, settings={"perMinute": 2})
    [other] = await house.post_all(numbered(7, person={"email": "bob@example.com"}))
    await house.work("events")
    house.queue.sent.clear()

    await flow.deliver(house.line, message)
    await flow.deliver(house.line, replace(message, events=(other.id,)))

    assert {one.status for one in await seen(house, ids)} == {Status.DELIVERED}
    assert (await house.delivery(other.id, "rt-apsis")).status is Status.PENDING
    [(_, again, _)] = house.queue.sent
    assert read_delivery(again.encode()).events == (other.id,)


class Killed(BaseException):
    """The process ends here."""


@contextmanager
def killed_at(point, time=1):
    """The process ends when that kill point is reached so many times."""
    met: list[str] = []

    def on_reached(name):
        met.extend([name] * (name == point))
        if len(met) == time:
            raise Killed

    killpoints.arm(on_reached)
    try:
        yield
    finally:
        killpoints.arm(None)


def restarted(house, *answers):
    """Another process on the same storage."""
    return build(TOKEN, *answers, tables=house.tables, queue=house.queue, clock=house.clock)


@pytest.mark.parametrize("point", ["forward.claimed", "forward.sent"])
@pytest.mark.parametrize(("on_unknown", "status"), [("hold", Status.HELD), ("resend", Status.DELIVERED)])
async def test_what_a_killed_process_had_in_one_request_is_held_or_sent_again_each_for_itself(
    point, on_unknown, status
):
    house, ids, message = await gathered(TAKEN, settings={"onUnknown": on_unknown})
    with killed_at(point), pytest.raises(Killed):
        await flow.deliver(house.line, message)
    house.clock.pass_(seconds=31)

    again = restarted(house, TAKEN)
    await flow.deliver(again.line, message)

    assert {one.status for one in await seen(again, ids)} == {status}
    assert brought(again) == ([["2", "1", "0"]] if on_unknown == "resend" else [])


async def test_a_process_that_is_killed_after_a_refusal_of_several_leaves_only_what_it_had_begun_alone_in_doubt():
    house, ids, message = await gathered(REFUSED)
    with killed_at("forward.claimed", time=2), pytest.raises(Killed):
        await flow.deliver(house.line, message)
    left = await seen(house, ids)
    house.clock.pass_(seconds=31)

    again = restarted(house, TAKEN)
    await flow.deliver(again.line, message)

    in_doubt = [one.event_id for one in left if one.status is Status.SENDING]
    assert sorted(one.status for one in left) == [Status.RETRYING, Status.RETRYING, Status.SENDING]
    for one in await seen(again, ids):
        assert (one.status, one.attempt) == (Status.HELD if one.event_id in in_doubt else Status.DELIVERED, 1)


async def test_who_waits_long_for_anothers_request_is_looked_at_anew(monkeypatch):
    house, ids, message = await gathered(events=3)
    asked, held, all_there = asyncio.Event(), asyncio.Event(), asyncio.Event()
    send, sent = Sender.send, []

    def sending(sender, *what):
        sent.append(what)
        if len(sent) == 3:
            all_there.set()
        return send(sender, *what)

    monkeypatch.setattr(Sender, "send", sending)

    async def slow(request, *, timeout_seconds):
        house.http.requests.append(request)
        if "oauth" in request.url:
            return TOKEN
        asked.set()
        await held.wait()
        return TAKEN

    house.http.send = slow
    first = asyncio.create_task(flow.deliver(house.line, replace(message, events=(ids[0],))))
    await asked.wait()
    others = asyncio.create_task(flow.deliver(house.line, replace(message, events=tuple(ids[1:]))))
    await all_there.wait()
    house.clock.pass_(seconds=PATIENCE_SECONDS + 1)
    held.set()
    await asyncio.gather(first, others)

    assert brought(house) == [["0"]]
    [(_, again, _)] = house.queue.sent
    assert read_delivery(again.encode()).events == tuple(ids[1:])
    await house.pass_(seconds=5)
    assert {one.status for one in await seen(house, ids)} == {Status.DELIVERED}
    assert brought(house)[1:] == [["2", "1"]]
