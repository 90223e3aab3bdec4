"""Promise 3 where several deliveries go in one request: when a host dies over it, each of them is looked up for itself."""

import secrets
import signal
from collections import Counter

import pytest

from local.took import taken
from tests.kill import evidence
from tests.kill.evidence import ENDED, event_of
from tests.kill.lookup import listed
from tests.kill.raw import rows
from tests.kill.rig import clients, furnished, wait_until
from tests.kill.scene import Scene
from tests.kill.sender import Sender

LIVING, OTHER = 0, 1
TOGETHER = 4
SECONDS = 90


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("point", ["forward.claimed", "forward.sent"])
def test_events_of_one_request_whose_host_died_are_taken_at_most_once_and_before_an_operators_eyes(
    point, tmp_path
):
    with furnished(tmp_path / "rig", hosts=2) as (rig, running):
        scene = Scene(rig, running, OTHER, LIVING, Sender(clients(rig, running)))
        name = profile_events(scene)
        ids: dict[str, str] = {}
        rig.kill(OTHER)
        rig.start_armed(OTHER, point)
        wait_until(lambda: not rig.is_alive(OTHER), "a host to die", SECONDS, lambda: post(scene, name, ids))
        assert rig.kill(OTHER) == -signal.SIGKILL
        rig.start(OTHER)
        wait_until(lambda: have_ended(scene, ids), "every delivery to have ended", SECONDS)

        requests = [
            [item["data"]["number"] for item in line["what"]] for line in taken(rig.took, f"apsis_one~{name}")
        ]
        times = Counter(number for request in requests for number in request)
        held = listed(scene)
        assert [number for number, count in times.items() if count > 1] == []
        assert {ids[number] for number in times} | held == {*ids.values()}
        assert held
        # What the dead host had sent is held as well, as nobody can say that it was taken; what it had not is not there.
        assert bool({ids[number] for number in times} & held) is (point == "forward.sent")
        assert max(map(len, requests)) > 1
        assert scene.sender.wrong == []
        assert evidence.given_up(rig) == []


def profile_events(scene: Scene) -> str:
    """A kind of event of its own with Apsis One as its destination."""
    name = f"profile-{secrets.token_hex(6)}"
    field = {"name": "number", "type": "text", "description": "A number"}
    about = {"event": f"signals.{name}", "title": "A kind", "description": "One of a test's own."}
    settings = {
        "api": f"{scene.rig.receiver_url}/apsis_one~{name}",
        "clientId": "client",
        "section": "usercreated.sections.shop-h4h3dpu3qi",
        "versionId": "5160a1b0-0000-4000-8000-0000000000e1",
    }
    place = {"kind": "apsis_one", "settings": settings, "secrets": {"clientSecret": "secret"}}
    scene.make("/v1/definitions", {**about, "purpose": "transactional", "fields": [field]})
    scene.make("/v1/destinations", {"name": name, **place})
    scene.make("/v1/routes", {"event": f"signals.{name}", "destination": name})
    return name


def post(scene: Scene, name: str, ids: dict[str, str]) -> None:
    """Some events of one person, together."""
    keys = [f"{name}-{secrets.token_hex(6)}" for _ in range(TOGETHER)]
    person = {"email": f"{secrets.token_hex(6)}@example.com"}
    scene.sender.send(
        [
            {"event": f"signals.{name}", "id": key, "person": person, "properties": {"number": key}}
            for key in keys
        ]
    )
    ids.update({key: next(iter(scene.sender.ids[key])) for key in keys})


def have_ended(scene: Scene, ids: dict[str, str]) -> bool:
    read = rows(scene.rig.storage, "receipts", "destination", "status")
    found = [row for row in read if row.get("destination") and event_of(row) in ids.values()]
    return len(found) == len(ids) and all(row["status"] in ENDED for row in found)
