"""Promise 1 while storage or the bus is away: refused in a way that is worth repeating, and nothing lost."""

import base64
import hashlib
import hmac
import json
import logging
import secrets
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from local.client import Client, Response
from local.demo.furnish import SHOP_SECRET
from shared.access import tokens
from tests.kill import evidence
from tests.kill.later import sweep_later
from tests.kill.outage import Mode
from tests.kill.rig import Rig, clients, furnished, wait_until
from tests.kill.sender import Doc, Sender, order, survey
from tests.running import Running

WARM, COLD = 0, 1
BUS_PAUSE_SECONDS = 6
SWEPT_SECONDS = 50
"""What was never sent is sent after 30 s; a message that met an outage is put back for up to 40."""
ANSWER_SECONDS = 35
"""An insert has 5 s and reading it back 10; this leaves room for a machine that is busy."""
LATER = timedelta(minutes=61), timedelta(minutes=90)
"""A look that finds deliveries stuck, and one that finds them still so."""
Knock = tuple[Any, ...]
"""A client, and what it sends."""
log = logging.getLogger("tests.kill")


@pytest.mark.slow
@pytest.mark.parametrize("mode", Mode.faults())
def test_without_storage_every_door_says_to_come_again(tmp_path, monkeypatch, mode):
    monkeypatch.setattr("local.client.TIMEOUT_SECONDS", ANSWER_SECONDS)
    with furnished(tmp_path, hosts=2, behind_outage=True) as (rig, running):
        sender = Sender(clients(rig, running)[:1])
        id = _delivered(rig, sender)
        rig.kill(COLD)
        rig.outage.set(mode)
        rig.start(COLD)
        begun = time.monotonic()
        events = [order(secrets.token_hex(8)) for _ in range(4)]
        answers = _knock_everywhere(rig, running, id, events)
        log.warning("%s: the slowest of %d answers took %.1f s", mode, len(answers), time.monotonic() - begun)
        rig.outage.set(Mode.PASS)
        # What was refused may be stored all the same, when only the answer was lost: the repeat finds it.
        sender.send(events)

        assert [f"{one.asked}: {one.status} {one.doc}" for one in answers if not _says_come_again(one)] == []
        _expect_everything_delivered(rig, running, sender)


@pytest.mark.slow
def test_what_is_under_way_when_storage_goes_away_is_delivered(tmp_path):
    with furnished(tmp_path, hosts=2, behind_outage=True) as (rig, running):
        sender = Sender(clients(rig, running))
        with ThreadPoolExecutor(1) as pool:
            posts = [
                pool.submit(sender.send, [order(f"under-way-{secrets.token_hex(8)}") for _ in range(25)])
                for _ in range(20)
            ]
            wait_until(lambda: len(sender.ids) >= 100, "some to be acknowledged", 20)
            rig.outage.set(Mode.REFUSE)
            wait_until(lambda: sender.put_off >= 3, "the sender to be put off", 20)
            rig.outage.set(Mode.PASS)
        for post in posts:
            post.result()
        log.warning("%d posts were put off", sender.put_off)

        _expect_everything_delivered(rig, running, sender)


@pytest.mark.slow
def test_what_is_accepted_while_the_bus_stands_still_is_delivered(tmp_path):
    with furnished(tmp_path, hosts=2) as (rig, running):
        sender = Sender(clients(rig, running))
        begun = time.monotonic()
        with rig.bus_paused():
            _send_many(sender, 40)
            took = time.monotonic() - begun
            wait_until(lambda: time.monotonic() - begun > BUS_PAUSE_SECONDS, "the pause to end", 60)
        log.warning("40 events were acknowledged in %.1f s without the bus", took)

        _expect_everything_delivered(rig, running, sender)


@pytest.mark.slow
def test_what_a_lost_bus_held_is_sent_again_after_an_hour_and_what_it_never_got_after_seconds(tmp_path):
    with furnished(tmp_path, hosts=2) as (rig, running):
        sender = Sender(clients(rig, running))
        retried = [survey(f"retried-{secrets.token_hex(8)}") for _ in range(20)]
        sender.send(retried)
        wait_until(lambda: _attempts(rig) >= len(retried), "every first attempt to have failed", 20)
        rig.kill_bus()
        _send_many(sender, 20)
        rig.start_bus()
        wait_until(lambda: not evidence.read(rig).unsent, "all to be sent", 40, lambda: _tick(running))
        # The second attempts were on the bus and nowhere else. They are watched: the sweeps of a later hour
        # send them, which are run here with a clock that is ahead.
        lost = {id for event in retried for id in sender.ids[event["id"]]} & evidence.read(rig).unsettled
        assert lost
        for later in LATER:
            log.warning("%s", sweep_later(rig, later))

        _expect_everything_delivered(rig, running, sender)


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


def _tick(running: Running) -> None:
    assert running.operator.post("/v1/tick").status == 200


def _delivered(rig: Rig, sender: Sender) -> str:
    """The id of an event that has been delivered."""
    first = order(f"before-{secrets.token_hex(8)}")
    sender.send([first])
    (id,) = sender.ids[first["id"]]
    wait_until(lambda: id in evidence.read(rig).rested, "the first event to be delivered", 20)
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
        (Client(url), "POST", running.demo.hook, *_webhook()),
        (Client(url), "POST", "/v1/hooks/0123456789abcdef0123456789abcdef", *_webhook()),
    ]


def _webhook() -> tuple[bytes, dict[str, str]]:
    """A signed one from the shop."""
    body = json.dumps({"id": 1, "total_price": "9.50", "currency": "EUR", "email": "a@example.com"}).encode()
    signature = base64.b64encode(hmac.digest(SHOP_SECRET.encode(), body, hashlib.sha256)).decode()
    named = {"X-Shopify-Topic": "orders/create", "X-Shopify-Webhook-Id": secrets.token_hex(8)}
    return body, {**named, "X-Shopify-Hmac-Sha256": signature}


def _says_come_again(answer: Response) -> bool:
    told = answer.doc["results"] if answer.status == 207 else []
    away = answer.status == 503 or (bool(told) and all(one["status"] == "retry" for one in told))
    return away and int(answer.headers.get("retry-after", "0")) > 0
