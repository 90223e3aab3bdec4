"""Promises 1 to 3 against real SIGKILLs: two hosts on one storage and bus, either or both killed at random moments.

`SIGNALBOX_KILL_SEED` repeats the choices of a run: what is posted, and who is killed when. Where the processes
were by then it cannot repeat.
"""

import logging
import os
import random
import secrets
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import timedelta

import pytest

from shared import ids
from tests.kill import evidence
from tests.kill.evidence import Evidence
from tests.kill.later import sweep_later
from tests.kill.rig import Rig, clients, furnished
from tests.kill.sender import Doc, Sender, booking, order, survey

EVENTS = 1_500
KILLS = 6
THREADS = 12
LATEST_KILL_SECONDS = 1.5
SETTLE_SECONDS = 50
"""A mark that a kill took along is made up for after 30 s, a claim that it left ends after 20 s."""
FIRST_LOOK_HAS_PASSED = timedelta(minutes=2)
log = logging.getLogger("tests.kill")


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_nothing_acknowledged_is_lost_or_doubled_when_hosts_are_killed(tmp_path):
    seed = int(os.environ.get("SIGNALBOX_KILL_SEED") or secrets.randbelow(2**32))
    log.warning("SIGNALBOX_KILL_SEED=%d", seed)
    chance = random.Random(seed)
    with furnished(tmp_path, hosts=2) as (rig, running):
        sender = Sender(clients(rig, running))
        for parcels in _rounds(chance):
            _post_and_kill(rig, sender, parcels, chance)
        begun = time.monotonic()
        found = evidence.settled(rig, running, SETTLE_SECONDS)
        log.warning("settled after %.1f s", time.monotonic() - begun)
        _tell(sender, found)

        assert sender.wrong == []
        assert len(sender.ids) == EVENTS
        assert evidence.wrongs(sender.ids, found) == []
        assert _lost(found.waiting, evidence.on_bus(rig, "deliveries")) == []
        assert evidence.on_bus(rig, "events", dead=True) + evidence.on_bus(rig, "deliveries", dead=True) == []
        # The first look at a commit comes a minute after it was made: a sweeper of then, instead of waiting.
        log.warning("%s", sweep_later(rig, FIRST_LOOK_HAS_PASSED))
        assert _left(evidence.read(rig)) == []


def _rounds(chance: random.Random) -> list[list[list[Doc]]]:
    """For each kill the parcels that are posted around it. One event in ten is posted twice, some a round later."""
    run = f"{chance.getrandbits(32):08x}"
    kinds = chance.choices([order, survey, booking], [70, 20, 10], k=EVENTS)
    events = [kind(f"{run}-{n}") for n, kind in enumerate(kinds)]
    share = EVENTS // KILLS
    rounds = [events[n : n + share] for n in range(0, EVENTS, share)]
    repeated = [events[: n * share] for n in range(1, KILLS + 1)]
    return [
        _parcels([*fresh, *chance.sample(known, share // 10)], chance)
        for fresh, known in zip(rounds, repeated, strict=True)
    ]


def _parcels(events: list[Doc], chance: random.Random) -> list[list[Doc]]:
    """A third goes one by one, the rest in batches, in no order."""
    chance.shuffle(events)
    single = len(events) // 3
    parcels = [[event] for event in events[:single]]
    start = single
    while start < len(events):
        size = chance.randint(2, 30)
        parcels.append(events[start : start + size])
        start += size
    chance.shuffle(parcels)
    return parcels


def _post_and_kill(rig: Rig, sender: Sender, parcels: Sequence[list[Doc]], chance: random.Random) -> None:
    doomed = chance.choice([(0,), (1,), (0, 1)])
    moment = chance.uniform(0, LATEST_KILL_SECONDS)
    with ThreadPoolExecutor(THREADS) as pool:
        posts = [pool.submit(sender.send, parcel, n) for n, parcel in enumerate(parcels)]
        time.sleep(moment)  # chance alone says when: there is nothing to wait for
        known = len(sender.ids)
        for number in doomed:
            rig.kill(number)
        for number in doomed:
            rig.start(number)
        wait(posts)
    for post in posts:
        post.result()
    log.warning("killed %s %.2f s into a round, with %d keys acknowledged", doomed, moment, known)


def _left(found: Evidence) -> list[str]:
    """What is in the outbox without reason: only a delivery that waits for its time keeps its commit there."""
    waiting = {ids.commit_of(id).id for id in found.waiting}
    return [name for name in found.outbox if name.rpartition("|")[2] not in waiting]


def _lost(waiting: set[str], bodies: Sequence[str]) -> list[str]:
    """Deliveries that wait for their time, and no message will bring them on."""
    return [id for id in waiting if not any(id in body for body in bodies)]


def _tell(sender: Sender, found: Evidence) -> None:
    twice = len(found.requests) - len({one["headers"]["webhook-id"] for one in found.requests})
    log.warning("%d unanswered posts, %d put off", sender.unanswered, sender.put_off)
    log.warning("%s; %d requests again; outbox %d", dict(found.statuses), twice, len(found.outbox))
