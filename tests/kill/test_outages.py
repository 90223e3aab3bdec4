"""Promise 1 while storage or the bus is away: refused in a way that is worth repeating, and nothing lost."""

import base64
import hashlib
import hmac
import json
import logging
import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from local.client import Client, Response
from local.demo.furnish import SHOP_SECRET
from shared.access import tokens
from tests.kill import evidence
from tests.kill.later import sweep_later
from tests.kill.outage import Mode
from tests.kill.rig import Rig, clients, furnished, wait_until
from tests.kill.sender import Sender, order, survey
from tests.running import Running

WARM, COLD = 0, 1
BUS_PAUSE_SECONDS = 6
SWEPT_SECONDS = 50
"""What was never sent is sent after 30 s; a message that met an outage is put back for up to 40."""
AN_HOUR_HAS_PASSED = timedelta(minutes=61)
log = logging.getLogger("tests.kill")


@pytest.mark.slow
@pytest.mark.parametrize("mode", [Mode.REFUSE, Mode.CUT, Mode.HANG])
def test_without_storage_every_door_says_to_come_again(tmp_path, mode):
    with furnished(tmp_path, hosts=2, behind_outage=True) as (rig, running):
        sender = Sender(clients(rig, running)[:1])
        known = f"before-{secrets.token_hex(8)}"
        sender.send([order(known)])
        (id,) = sender.ids[known]
        rig.kill(COLD)
        rig.outage.set(mode)
        rig.start(COLD)
        begun = time.monotonic()
        answers = _knock_everywhere(rig, running, id)
        log.warning("%s: the slowest of %d answers took %.1f s", mode, len(answers), time.monotonic() - begun)
        with ThreadPoolExecutor(1) as pool:
            patient = pool.submit(sender.send, [order(f"during-{secrets.token_hex(8)}")])
            wait_until(lambda: sender.put_off, "a sender to be put off", 30)
            rig.outage.set(Mode.PASS)
            patient.result()

        assert [f"{one.asked}: {one.status} {one.doc}" for one in answers if not _says_come_again(one)] == []
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
        wait_until(lambda: _waiting_for_retry(rig) == len(retried), "every first attempt to have failed", 20)
        rig.kill_bus()
        _send_many(sender, 20)
        rig.start_bus()
        lost = {id for event in retried for id in sender.ids[event["id"]]}
        # Those retries were on the bus and nowhere else, so they are watched: a sweeper of an hour later sends them.
        wait_until(lambda: not _unsent(rig), "what was sent to be marked so", 40, lambda: _tick(running))
        assert evidence.read(rig).unsettled >= lost
        log.warning("%s", sweep_later(rig, AN_HOUR_HAS_PASSED))

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

    def settled() -> bool:
        found = evidence.read(rig)
        return not found.unsettled and not [name for name in found.outbox if name.startswith("u|")]

    wait_until(settled, "everything to settle", SWEPT_SECONDS, lambda: _tick(running))
    log.warning("%d events settled after %.1f s", len(sender.ids), time.monotonic() - begun)
    found = evidence.read(rig)
    assert sender.wrong == []
    assert evidence.wrongs(sender.ids, found) == []
    assert found.statuses == {"delivered": len(sender.ids)}


def _tick(running: Running) -> None:
    assert running.operator.post("/v1/tick").status == 200


def _unsent(rig: Rig) -> list[str]:
    return [name for name in evidence.read(rig).outbox if name.startswith("u|")]


def _waiting_for_retry(rig: Rig) -> int:
    return evidence.read(rig).statuses["retrying"]


def _knock_everywhere(rig: Rig, running: Running, id: str) -> list[Response]:
    """Ask at every kind of door of both hosts, all at once."""
    hosts = [_knocks(url, running, id) for url in rig.urls]
    knocks = [knock for host in hosts for knock in host]
    with ThreadPoolExecutor(len(knocks)) as pool:
        return list(pool.map(lambda knock: knock[0].send(*knock[1:]), knocks))


def _knocks(url: str, running: Running, id: str) -> list[tuple]:
    sender = Client.keyed(url, running.demo.key)
    stranger = Client.keyed(url, tokens.mint(secrets.token_bytes(42)).text)
    operator = Client.keyed(url, running.deployment_key, "demo")
    event, other, third = (json.dumps(order(secrets.token_hex(8))).encode() for _ in range(3))
    return [
        (sender, "POST", "/v1/events", event),
        (sender, "POST", "/v1/events/batch", b'{"events": [%s, %s]}' % (other, third)),
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
    if answer.status == 207:
        return all(result["status"] == "retry" for result in answer.doc["results"])
    return answer.status == 503 and int(answer.headers.get("retry-after", "0")) > 0
