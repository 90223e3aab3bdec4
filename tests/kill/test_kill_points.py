"""Promises 1 to 3 at every kill point: a host ends there, others live on, and nothing is lost or doubled.

`SIGNALBOX_KILL_POINTS` names those to try, by commas; without it all are tried.
"""

import logging
import os
import signal
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain

import pytest

from local.client import Client
from shared.killpoints import POINTS
from tests.kill import evidence, webhooks
from tests.kill.canaries import canaries, leaks
from tests.kill.later import end_waiting
from tests.kill.raw import rows
from tests.kill.reaching import REACHING, WITH
from tests.kill.rig import Rig, furnished, wait_until
from tests.kill.scene import Scene
from tests.kill.sender import Sender
from tests.running import Running

LIVING, LANES = 0, (1, 2)
ALONE = ("forward.put-off", "hand_off.slowed")
"""Until these are reached a host lives for seconds: it would not know the routes that the other lane makes meanwhile."""
REACH_SECONDS = 60
SETTLE_SECONDS = 90
"""A mark that a kill took along is made up for after 30 s, a claim that it left ends after 20 s."""
log = logging.getLogger("tests.kill")


def test_every_kill_point_has_a_way_to_it():
    assert REACHING.keys() == POINTS.keys()


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_host_killed_at_any_kill_point_loses_and_doubles_nothing(tmp_path):
    with furnished(tmp_path, hosts=3) as (rig, running):
        scenes = [_scene(rig, running, armed) for armed in LANES]
        begun = time.monotonic()
        _kill_at_every_point(scenes)
        log.warning("all points took %.0f s", time.monotonic() - begun)
        for scene in scenes:
            rig.start(scene.armed)
            for undo in scene.at_end:
                undo()
        _mend_sources(scenes)
        _expect_all_well(rig, running, scenes)


def _scene(rig: Rig, running: Running, armed: int) -> Scene:
    rig.kill(armed)
    hosts = [Client.keyed(rig.urls[number], running.demo.key) for number in (armed, LIVING)]
    return Scene(rig, running, armed, LIVING, Sender(hosts))


def _kill_at_every_point(scenes: Sequence[Scene]) -> None:
    """Each lane takes a share. What ticks is all in one of them: a tick of the other would be quicker."""
    chosen = os.environ.get("SIGNALBOX_KILL_POINTS")
    chosen_points = chosen.split(",") if chosen else [*REACHING]
    _kill_at_each(scenes[0], [point for point in chosen_points if point in ALONE])
    points = [point for point in chosen_points if point not in ALONE]
    middle = len(points) // 2
    with ThreadPoolExecutor(len(scenes)) as pool:
        for _ in pool.map(_kill_at_each, scenes, (points[:middle], points[middle:])):
            pass


def _kill_at_each(scene: Scene, points: Sequence[str]) -> None:
    for point in points:
        begun = time.monotonic()
        step = REACHING[point](scene)
        scene.rig.start_armed(scene.armed, point, **WITH.get(point, dict)())
        wait_until(lambda: not scene.rig.is_alive(scene.armed), f"a host at {point}", REACH_SECONDS, step)
        assert scene.rig.kill(scene.armed) == -signal.SIGKILL, f"the host ended before it was at {point}"
        log.warning("%s took %.1f s", point, time.monotonic() - begun)


def _mend_sources(scenes: Sequence[Scene]) -> None:
    """What is kept in quarantine becomes events, and the shop learns their ids by sending everything again."""
    operator = scenes[0].operator
    for source in chain(*(scene.sources for scene in scenes)):
        operator.put(f"/v1/sources/{source}/types", webhooks.MENDED)
        operator.post(f"/v1/sources/{source}/resume")
    while kept := operator.get("/v1/quarantine?limit=100").doc["quarantine"]:
        answers = [operator.post(f"/v1/quarantine/{one['id']}/replay") for one in kept]
        assert {answer.status for answer in answers} == {202}
    for scene in scenes:
        for hook, number in scene.shop:
            told = webhooks.send(scene.rig.urls[scene.living], hook, number)
            scene.sender.acknowledge(webhooks.key_of(number), told.doc["id"])


def _expect_all_well(rig: Rig, running: Running, scenes: Sequence[Scene]) -> None:
    expired = {*chain(*(scene.expired for scene in scenes))}
    longer = {*chain(*(scene.slow for scene in scenes))}
    found = evidence.settled(rig, running, SETTLE_SECONDS, but=longer)
    slow = [f"{id} is {found.by_event.get(id)}" for id in found.unsettled - longer]
    lost = evidence.lost(rig, found)
    # Hours pass: replays that were cut short are found by the sweeper, and long waits end.
    found = evidence.without(end_waiting(rig, running, found, SETTLE_SECONDS), expired)
    told = {key: ids - expired for scene in scenes for key, ids in scene.sender.ids.items()}
    told |= evidence.of_ours(found)

    assert [wrong for scene in scenes for wrong in scene.sender.wrong] == []
    assert slow == []
    assert lost == []
    assert evidence.wrongs(told, found) == []
    assert evidence.remains(rig, expired) == []
    # A large body that nobody knows of stays for its thirty days, by its name.
    assert [
        row for row in rows(rig.storage, "quarantine") if not row["PartitionKey"].endswith("|bodies")
    ] == []
    assert evidence.given_up(rig) == []
    assert leaks(rig.logs, canaries(rig, running, told)) == []
