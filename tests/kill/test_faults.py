"""Promises 1 and 3 while destinations fail in every way: each acknowledged event is looked up in their own files."""

import logging
import secrets
import signal
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from azure.servicebus import ServiceBusClient, ServiceBusMessageState

from tests.kill import evidence, faults
from tests.kill.canaries import canaries, leaks
from tests.kill.evidence import ENDED, event_of
from tests.kill.faults import Front
from tests.kill.lookup import Way, amiss, told
from tests.kill.raw import Entity, rows
from tests.kill.rig import Rig, clients, furnished, wait_until
from tests.kill.scene import Scene
from tests.kill.sender import Sender
from tests.secure import certificate

LIVING, OTHER = 0, 1
EVENTS = 2
"""For each destination."""
ATTEMPTS = 3
"""By then a fault was met twice, and an operator was slow."""
SECONDS = 90
log = logging.getLogger("tests.kill")


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_whatever_a_destination_does_each_event_is_in_its_own_file_or_before_an_operators_eyes(tmp_path):
    with _failing(tmp_path) as (scene, front):
        ways = [
            faults.way(scene, front, fault, drops=drops) for fault in faults.OPEN for drops in (True, False)
        ]
        for way in ways * EVENTS:
            faults.post(scene, way)
        _wait(scene, ways, "every event to have met its fault", _have_met)
        front.mend()
        for way in ways:
            faults.mend(scene, way)
        _wait(scene, ways, "every delivery to have ended", _have_ended)

        assert [
            wrong for way in ways for wrong in (*amiss(way, told(scene, way)), *_missed(scene, way))
        ] == []
        _expect_well(scene)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_what_was_sent_when_its_host_died_is_taken_once_and_before_an_operators_eyes(tmp_path):
    with _failing(tmp_path) as (scene, front):
        way = faults.way(scene, front, "killed", drops=False)
        scene.rig.kill(OTHER)
        scene.rig.start_armed(OTHER, "forward.sent")
        wait_until(
            lambda: not scene.rig.is_alive(OTHER), "a host to die", SECONDS, lambda: faults.post(scene, way)
        )
        assert scene.rig.kill(OTHER) == -signal.SIGKILL
        scene.rig.start(OTHER)
        _wait(scene, [way], "every delivery to have ended", _have_ended)
        found = told(scene, way)

        assert len(found.keys) == len(set(found.keys))
        assert {way.ids[key] for key in found.keys} | found.listed == {*way.ids.values()}
        assert {way.ids[key] for key in found.keys} & found.listed
        _expect_well(scene)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_of_two_hosts_with_one_delivery_one_sends_it_and_the_other_puts_it_off(tmp_path):
    with _failing(tmp_path) as (scene, _):
        # However slow this machine is, the claim lasts until the other host has met it.
        name = scene.kind("/slow/3000", seconds=15)
        with scene.rig.paused(f"host-{OTHER}"):
            key = secrets.token_hex(8)
            event = {"event": f"signals.{name}", "id": key, "properties": {"number": key}}
            id = scene.post(event, first=LIVING)
            scene.row(id, "sending")
        begun = time.monotonic()
        # The one that is sending stands still until the other one has put its message off.
        with scene.rig.paused(f"host-{LIVING}"):
            wait_until(
                lambda: _scheduled(scene.rig, id),
                "the message to be put off",
                SECONDS,
                lambda: scene.send_again(id, times=2),
            )
        log.warning("it was put off after %.1f s", time.monotonic() - begun)
        scene.row(id, "delivered")
        wait_until(lambda: not _on_bus(scene.rig, id), "all its messages to have come", SECONDS)

        had = [one for one in evidence.requests(scene.rig.received) if id in one["headers"]["webhook-id"]]
        assert [one["status"] for one in had] == [200]
        (row,) = _deliveries(scene, {id})
        assert (row["status"], int(row["attempt"])) == ("delivered", 1)
        _expect_well(scene)


@contextmanager
def _failing(home: Path) -> Iterator[tuple[Scene, Front]]:
    """Two hosts that trust one certificate, and the receiver behind another one."""
    begun = time.monotonic()
    pairs = []
    for name in ("good", "bad"):
        (home / name).mkdir()
        pairs.append(certificate(home / name))
    good, bad = pairs
    with furnished(home / "rig", hosts=2, trusted=good[0]) as (rig, running):
        scene = Scene(rig, running, OTHER, LIVING, Sender(clients(rig, running)))
        port = int(rig.receiver_url.rpartition(":")[2])
        with faults.behind_tls(port, good, bad) as front:
            log.warning("two hosts stood after %.0f s", time.monotonic() - begun)
            yield scene, front
        log.warning("all took %.0f s", time.monotonic() - begun)


def _wait(scene: Scene, ways: Sequence[Way], what: str, is_done: Callable[[Entity], bool]) -> None:
    ids = {id for way in ways for id in way.ids.values()}
    begun = time.monotonic()

    def all_are() -> bool:
        done = {event_of(row) for row in _deliveries(scene, ids) if is_done(row)}
        return done == ids

    wait_until(all_are, what, SECONDS)
    log.warning("%s took %.1f s", what, time.monotonic() - begun)


def _missed(scene: Scene, way: Way) -> list[str]:
    """The events whose receipts do not tell of the fault."""
    causes = faults.CAUSES[way.name.partition("-")[0]]
    receipts = [scene.operator.get(f"/v1/events/{id}").doc for id in way.ids.values()]
    first = [(doc["id"], doc["deliveries"][0]["attempts"][0]["reason"]) for doc in receipts]
    return [f"{id}: {reason}" for id, reason in first if reason not in {cause.sentence for cause in causes}]


def _have_ended(row: Entity) -> bool:
    return row["status"] in ENDED


def _have_met(row: Entity) -> bool:
    return _have_ended(row) or int(row["attempt"]) >= ATTEMPTS


def _deliveries(scene: Scene, ids: Collection[str]) -> list[Entity]:
    read = rows(scene.rig.storage, "receipts", "destination", "status", "attempt")
    return [row for row in read if row.get("destination") and event_of(row) in ids]


def _scheduled(rig: Rig, id: str) -> bool:
    return any(state is ServiceBusMessageState.SCHEDULED for state in _on_bus(rig, id))


def _on_bus(rig: Rig, id: str) -> list[ServiceBusMessageState]:
    """The states of the messages that wait for a delivery of an event."""
    with (
        ServiceBusClient.from_connection_string(rig.bus) as bus,
        bus.get_queue_receiver("deliveries") as receiver,
    ):
        peeked = receiver.peek_messages(evidence.MOST_PEEKED)
        return [message.state for message in peeked if id in str(message)]


def _expect_well(scene: Scene) -> None:
    rig = scene.rig
    assert scene.sender.wrong == []
    assert evidence.given_up(rig) == []
    assert leaks(rig.logs, canaries(rig, scene.running, scene.sender.ids)) == []
