"""The stack as a whole: the sample on either queue, and what happens when a part of it ends."""

import json
import os
import re
import signal
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from local.client import Client
from local.demo.sample import SCENES, play
from local.process import accepts
from local.stack import PartEnded, Stack, has_proton
from tests.running import Running, fresh, started

pytestmark = pytest.mark.slow

LOCK_SECONDS = 5
WAIT_SECONDS = 30
CRASHED = "tests.crashed"


@pytest.fixture(scope="module")
def on_the_broker(tmp_path_factory) -> Iterator[Running]:
    """With locks so short that what a killed host held comes back soon."""
    if not has_proton():
        pytest.skip("Qpid Proton is not installed: make setup")
    queues = (f"events:{LOCK_SECONDS}", f"deliveries:{LOCK_SECONDS}")
    with started(tmp_path_factory.mktemp("broker"), embedded=False, queues=queues) as one:
        yield one


@pytest.fixture(scope="module")
def on_the_embedded_queue(tmp_path_factory) -> Iterator[Running]:
    with started(tmp_path_factory.mktemp("embedded"), embedded=True) as one:
        yield one


def surprises(running: Running) -> dict[str, str | None]:
    stack, run = running.stack, f"{datetime.now(UTC):%H%M%S%f}"
    scenes = list(play(running.demo, stack.receiver_url, stack.issuer_url, run))
    assert [scene.title for scene in scenes] == list(SCENES)
    return {scene.title: scene.surprise for scene in scenes if not scene.good}


def test_every_scene_ends_as_it_should_on_the_broker(on_the_broker):
    assert surprises(on_the_broker) == {}
    assert not (on_the_broker.stack.home / "queue.sqlite").exists()


def test_every_scene_ends_as_it_should_on_the_embedded_queue(on_the_embedded_queue):
    assert surprises(on_the_embedded_queue) == {}
    assert (on_the_embedded_queue.stack.home / "queue.sqlite").exists()
    assert not (on_the_embedded_queue.stack.home / "broker.log").exists()


def test_what_was_acknowledged_outlives_a_killed_host(on_the_broker):
    running, stack = on_the_broker, on_the_broker.stack
    route_to_a_destination_that_hangs(running)
    stuck = post(running, event=CRASHED, properties={})
    delivery = sending(running, stuck)
    acknowledged = [post(running) for _ in range(5)]
    stack.kill_host()
    running_again(running)
    for event in (*acknowledged, stuck):
        receipt = running.client.receipt(event, lambda doc: doc["status"] == "delivered", WAIT_SECONDS)
        assert receipt["status"] == "delivered"
    # The attempt that the crash cut off stays visible, and the next one had the same id.
    cut, completed = receipt["deliveries"][0]["attempts"]
    assert "outcome" not in cut
    assert completed["outcome"] == "delivered"
    assert [request["status"] for request in running.received(delivery)] == [None, 200]


def test_a_part_that_has_ended_is_named_with_its_log(tmp_path):
    with started(tmp_path, embedded=True) as running:
        running.stack.check()
        os.kill(noted(tmp_path)["receiver"], signal.SIGKILL)
        wait_until(lambda: not accepts(port_of(running.stack.receiver_url)))
        with pytest.raises(PartEnded, match=rf"^receiver has ended .*{tmp_path}/receiver\.log$"):
            running.stack.check()


def test_a_stack_that_cannot_start_leaves_nothing_running(tmp_path):
    kept = fresh()
    (tmp_path / "received.jsonl").mkdir()
    stack = Stack(kept, lambda _: None, tmp_path, embedded=True)
    with pytest.raises(RuntimeError, match="receiver ended with exit code 1"), stack:
        pass
    table = re.search(r"TableEndpoint=http://127\.0\.0\.1:(\d+)", stack.environment["STORAGE_CONNECTION"])
    assert table
    assert not accepts(int(table[1]))
    assert not (tmp_path / "children.jsonl").exists()


def route_to_a_destination_that_hangs(running: Running) -> None:
    fields = {"title": "Crashed", "description": "-", "purpose": "transactional", "retentionDays": 1}
    settings = {"url": running.stack.receiver_url + "/hang", "timeoutSeconds": 3}
    for path, doc in {
        "/v1/definitions": {"event": CRASHED, **fields, "fields": []},
        "/v1/destinations": {"name": "stuck", "kind": "webhook", "settings": settings},
        "/v1/routes": {"event": CRASHED, "destination": "stuck"},
    }.items():
        assert running.operator.post(path, doc).status == 201


def post(running: Running, **changes: Any) -> str:
    posted = running.post_order(**changes)
    assert posted.status == 202
    return str(posted.doc["id"])


def sending(running: Running, event: str) -> str:
    """The delivery of an event, once its destination has the request and has not answered."""
    receipt = running.client.receipt(event, lambda doc: doc["deliveries"])
    delivery = str(receipt["deliveries"][0]["id"])
    wait_until(lambda: running.received(delivery))
    return delivery


def running_again(running: Running) -> None:
    """Let the destination answer from now on, and start the host that was killed."""
    control = {"path": "/hang", "status": 200}
    assert Client(running.stack.receiver_url).post("/control", control).status == 200
    running.stack.start_host()


def noted(home: Path) -> dict[str, int]:
    """The process ids of the running stack's children, by name."""
    notes = [json.loads(line) for line in (home / "children.jsonl").read_text().splitlines()]
    return {note["name"]: note["pid"] for note in notes}


def port_of(url: str) -> int:
    return int(url.rpartition(":")[2])


def wait_until(condition: Any) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)
