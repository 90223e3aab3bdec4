"""Promises 1 to 3 against real SIGKILLs: two hosts on one storage and bus, either or both killed at random moments.

`SIGNALBOX_KILL_SEED` repeats the choices of a run: what is posted, and who is killed when. Where the processes
were by then it cannot repeat. `SIGNALBOX_KILL_ROUNDS` repeats it so often, with a fresh stack each time (`make soak`).
"""

import logging
import os
import random
import secrets
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from tests.kill import evidence
from tests.kill.canaries import canaries, leaks
from tests.kill.evidence import Evidence
from tests.kill.later import end_waiting, sweep_later
from tests.kill.rig import Rig, clients, furnished
from tests.kill.sender import Doc, Sender, booking, order, survey

EVENTS = int(os.environ.get("SIGNALBOX_KILL_EVENTS") or 5_000)
KILLS = int(os.environ.get("SIGNALBOX_KILLS") or 30)
ROUNDS = int(os.environ.get("SIGNALBOX_KILL_ROUNDS") or 1)
"""The emulator gets slower with what it holds: many short rounds try more than a long one."""
THREADS = 12
LATEST_KILL_SECONDS = 0.5
SETTLE_SECONDS = 120 + EVENTS // 50
"""A mark that a kill took along is made up for after 30 s, a claim that it left ends after 20 s."""
EVERY_LOOK_HAS_PASSED = timedelta(hours=24)
log = logging.getLogger("tests.kill")


@pytest.mark.slow
@pytest.mark.timeout(300 + 4 * SETTLE_SECONDS)
@pytest.mark.parametrize("number", range(ROUNDS))
def test_nothing_acknowledged_is_lost_or_doubled_when_hosts_are_killed(tmp_path, number):
    seed = int(os.environ.get("SIGNALBOX_KILL_SEED") or secrets.randbelow(2**32))
    log.warning("SIGNALBOX_KILL_SEED=%d", seed)
    with furnished(tmp_path, hosts=2, ticking=True) as (rig, running):
        sender = Sender(clients(rig, running))
        begun = time.monotonic()
        _post_and_kill(rig, sender, random.Random(seed))
        log.warning("posted and killed in %.0f s", time.monotonic() - begun)
        found = evidence.settled(rig, running, SETTLE_SECONDS)
        took = time.monotonic() - begun
        lost = evidence.lost(rig, found)
        found = end_waiting(rig, running, found, SETTLE_SECONDS)
        _tell(sender, found, took)

        assert sender.wrong == []
        assert len(sender.ids) == EVENTS
        assert max(sender.new.values()) == 1
        assert lost == []
        assert evidence.wrongs(sender.ids, found) == []
        assert evidence.given_up(rig) == []
        # Looks at a commit come at growing distances: a sweeper of then, instead of waiting.
        log.warning("%s", sweep_later(rig, EVERY_LOOK_HAS_PASSED))
        assert evidence.read(rig).outbox == []
        run = next(iter(sender.ids)).partition("-")[0]
        assert leaks(rig.logs, canaries(rig, running, [run])) == []


def _post_and_kill(rig: Rig, sender: Sender, chance: random.Random) -> None:
    """Kill at moments that are spread over all that is acknowledged and all that arrives."""
    parcels = [*_parcels(chance)]
    moments = sorted(chance.sample(range(2 * EVENTS), KILLS))
    with ThreadPoolExecutor(THREADS) as pool, rig.received.open("rb") as received:
        posts = [pool.submit(sender.send, parcel, first) for parcel, first in parcels]
        arrived = 0
        for moment in moments:
            while len(sender.ids) + arrived < moment:
                time.sleep(0.05)
                arrived += received.read().count(b"\n")
            time.sleep(
                chance.uniform(0, LATEST_KILL_SECONDS)
            )  # chance alone says when: nothing is waited for
            _kill(rig, chance.choice([(0,), (1,), (0, 1)]))
    for post in posts:
        post.result()


def _parcels(chance: random.Random) -> Iterator[tuple[list[Doc], int]]:
    """What is posted together, and at which host first: many events alone, and most in batches.

    One parcel in ten goes to both hosts at once. In ten events one is posted once more, some of them in the same
    batch and some much later.
    """
    run = f"{chance.getrandbits(32):08x}"
    kinds = chance.choices([order, survey, booking], [70, 20, 10], k=EVENTS)
    events = [kind(f"{run}-{n}") for n, kind in enumerate(kinds)]
    posted = 0
    while posted < EVENTS:
        size = 1 if chance.random() < 0.85 else chance.randint(20, 100)
        parcel = events[posted : posted + size]
        posted += len(parcel)
        again = chance.sample(range(posted), min(posted, size // 10 + (chance.random() < 0.1)))
        first = chance.randrange(2)
        yield [*parcel, *(events[n] for n in again)], first
        if chance.random() < 0.1:
            yield parcel, 1 - first


def _kill(rig: Rig, doomed: Sequence[int]) -> None:
    for number in doomed:
        rig.kill(number)
    for number in doomed:
        rig.start(number)


def _tell(sender: Sender, found: Evidence, seconds: float) -> None:
    twice = len(found.requests) - len({one["headers"]["webhook-id"] for one in found.requests})
    log.warning("%d unanswered posts, %d put off", sender.unanswered, sender.put_off)
    log.warning("%s; %d requests again; %d in the outbox", dict(found.statuses), twice, len(found.outbox))
    log.warning("%d events and %d kills in %.0f s: %.0f events/s", EVENTS, KILLS, seconds, EVENTS / seconds)
