"""Promise 1 while storage or the bus is away: refused in a way that is worth repeating, and nothing lost."""

import json
import logging
import secrets
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import Any

import pytest

from local.client import Client, Response
from shared.access import tokens
from tests.kill import evidence, webhooks
from tests.kill.canaries import canaries, leaks
from tests.kill.later import sweep_hours_later
from tests.kill.outage import OF_ANY, OF_HTTP, How, Mode
from tests.kill.rig import Rig, clients, furnished, tick, wait_until
from tests.kill.sender import Doc, Sender, order, survey
from tests.running import Running

WARM, COLD = 0, 1
STOPPED = "stopped with SIGSTOP"
SWEPT_SECONDS = 90
"""What was never sent is sent after 30 s; a message that met an outage is put back for up to 40."""
ANSWER_SECONDS = 60
"""An insert has 5 s and reading it back 10; this leaves room for a machine that is busy."""
Knock = tuple[Any, ...]
"""A client, and what it sends."""
log = logging.getLogger("tests.kill")


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_without_storage_every_door_says_to_come_again(tmp_path, monkeypatch):
    monkeypatch.setattr("local.client.TIMEOUT_SECONDS", ANSWER_SECONDS)
    with furnished(tmp_path, hosts=2, behind_outages=True) as (rig, running):
        sender = Sender(clients(rig, running)[:1])
        wrong: list[str] = []
        for how in (*OF_ANY, *OF_HTTP, STOPPED):
            wrong += [f"{how}: {one}" for one in _knock_without_storage(rig, running, sender, how)]

        assert wrong == []
        _expect_everything_delivered(rig, running, sender)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_what_is_under_way_when_storage_goes_away_is_delivered(tmp_path):
    with furnished(tmp_path, hosts=2, behind_outages=True) as (rig, running):
        sender = Sender(clients(rig, running))
        for how in (*OF_ANY, *OF_HTTP):
            _break_under_way(rig, sender, how)

        _expect_everything_delivered(rig, running, sender)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_what_is_accepted_while_the_bus_is_away_is_delivered(tmp_path):
    with furnished(tmp_path, hosts=2, behind_outages=True) as (rig, running):
        sender = Sender(clients(rig, running))
        for how in (*OF_ANY, STOPPED):
            begun = time.monotonic()
            with _without_bus(rig, how):
                _send_many(sender, 40)
            log.warning("%s: 40 events were acknowledged in %.1f s", how, time.monotonic() - begun)

        assert sender.put_off == 0
        _expect_everything_delivered(rig, running, sender)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_what_a_lost_bus_held_is_sent_again_after_an_hour_and_what_it_never_got_after_seconds(tmp_path):
    with furnished(tmp_path, hosts=2) as (rig, running):
        sender = Sender(clients(rig, running))
        retried = [survey(f"retried-{secrets.token_hex(8)}") for _ in range(20)]
        sender.send(retried)
        wait_until(lambda: _attempts(rig) >= len(retried), "every first attempt to have failed", 20)
        rig.kill_bus()
        _send_many(sender, 20)
        rig.start_bus()
        wait_until(lambda: not evidence.read(rig).unsent, "all to be sent", 60, lambda: tick(running))
        # The second attempts were on the bus and nowhere else. They are watched: the sweeps of a later hour
        # send them, which are run here with a clock that is ahead.
        lost = {id for event in retried for id in sender.ids[event["id"]]} & evidence.read(rig).unsettled
        assert lost
        log.warning("%s", sweep_hours_later(rig))

        _expect_everything_delivered(rig, running, sender)


def _knock_without_storage(rig: Rig, running: Running, sender: Sender, how: How | str) -> list[str]:
    """Every answer that does not say to come again, of a host that knows its way and of one that starts now."""
    id = _delivered(rig, sender)
    rig.kill(COLD)
    begun = time.monotonic()
    events = [order(secrets.token_hex(8)) for _ in range(4)]
    with _without_storage(rig, how):
        rig.start(COLD)
        answers = _knock_everywhere(rig, running, id, events)
    log.warning("%s: %d answers within %.1f s", how, len(answers), time.monotonic() - begun)
    # What was refused may be stored all the same, when only the answer was lost: the repeat finds it.
    sender.send(events)
    return [f"{one.asked}: {one.status} {one.doc}" for one in answers if not _says_come_again(one)]


def _break_under_way(rig: Rig, sender: Sender, how: How) -> None:
    known, put_off = len(sender.ids), sender.put_off
    with ThreadPoolExecutor(2) as pool:
        posts = [
            pool.submit(sender.send, [order(f"under-way-{secrets.token_hex(8)}") for _ in range(6)], first)
            for first in range(8)
        ]
        wait_until(lambda: len(sender.ids) > known, "some to be acknowledged", 60)
        rig.break_storage(how)
        wait_until(lambda: sender.put_off > put_off or all(post.done() for post in posts), "503", 60)
        rig.break_storage(Mode.PASS)
        wait(posts)
    log.warning("%s: %d posts were put off", how, sender.put_off - put_off)
    for post in posts:
        post.result()


@contextmanager
def _without_storage(rig: Rig, how: How | str) -> Iterator[None]:
    if isinstance(how, str):
        with rig.paused("azurite"):
            yield
        return
    rig.break_storage(how)
    yield
    rig.break_storage(Mode.PASS)


@contextmanager
def _without_bus(rig: Rig, how: How | str) -> Iterator[None]:
    if isinstance(how, str):
        with rig.paused("broker"):
            yield
        return
    rig.break_bus(how)
    yield
    rig.break_bus(Mode.PASS)


def _send_many(sender: Sender, count: int) -> None:
    """From as many threads, each waiting for its own answer."""
    with ThreadPoolExecutor(count) as pool:
        posts = [
            pool.submit(sender.send, [order(f"away-{secrets.token_hex(8)}")], first) for first in range(count)
        ]
    for post in posts:
        post.result()


def _expect_everything_delivered(rig: Rig, running: Running, sender: Sender) -> None:
    begun = time.monotonic()
    found = evidence.settled(rig, running, SWEPT_SECONDS)
    log.warning("%d events settled after %.1f s", len(sender.ids), time.monotonic() - begun)
    assert sender.wrong == []
    assert evidence.wrongs(sender.ids, found) == []
    assert found.statuses == {"delivered": len(sender.ids)}
    assert leaks(rig.logs, canaries(rig, running, sender.ids)) == []


def _delivered(rig: Rig, sender: Sender) -> str:
    """The id of an event that has been delivered."""
    first = order(f"before-{secrets.token_hex(8)}")
    sender.send([first])
    (id,) = sender.ids[first["id"]]
    wait_until(lambda: id in evidence.read(rig).rested, "the first event to be delivered", 60)
    return id


def _attempts(rig: Rig) -> int:
    return len(evidence.requests(rig.received))


def _knock_everywhere(rig: Rig, running: Running, id: str, events: Sequence[Doc]) -> list[Response]:
    """Ask at every kind of door of both hosts, all at once, with half of the events at each."""
    half = len(events) // 2
    warm, cold = (json.dumps({"events": part}).encode() for part in (events[:half], events[half:]))
    knocks = [*_knocks(rig.urls[WARM], running, id, warm), *_knocks(rig.urls[COLD], running, id, cold)]
    with ThreadPoolExecutor(len(knocks)) as pool:
        return list(pool.map(lambda knock: knock[0].send(*knock[1:]), knocks))


def _knocks(url: str, running: Running, id: str, batch: bytes) -> list[Knock]:
    sender = Client.keyed(url, running.demo.key)
    stranger = Client.keyed(url, tokens.mint(secrets.token_bytes(42)).text)
    operator = Client.keyed(url, running.deployment_key, "demo")
    event = json.dumps(json.loads(batch)["events"][0]).encode()
    return [
        (sender, "POST", "/v1/events", event),
        (sender, "POST", "/v1/events/batch", batch),
        (sender, "GET", f"/v1/events/{id}"),
        (sender, "GET", "/v1/events?limit=1"),
        (operator, "GET", "/v1/definitions"),
        (operator, "GET", "/v1/dead-letters?limit=1"),
        (stranger, "POST", "/v1/events", event),
        (Client(url), "POST", running.demo.hook, *webhooks.signed(secrets.randbelow(10**12))),
        (Client(url), "POST", "/v1/hooks/0123456789abcdef0123456789abcdef", *webhooks.signed(1)),
    ]


def _says_come_again(answer: Response) -> bool:
    told = answer.doc["results"] if answer.status == 207 else []
    away = answer.status == 503 or (bool(told) and all(one["status"] == "retry" for one in told))
    return away and int(answer.headers.get("retry-after", "0")) > 0
