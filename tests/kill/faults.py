"""What destinations do that fail: set up for it, told to do it, and mended."""

import secrets
import ssl
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from local.client import Client
from shared.destinations.outcomes import Cause
from tests.kill.lookup import Way
from tests.kill.outage import Outage
from tests.kill.scene import Scene

OPEN: Mapping[str, bool] = MappingProxyType(
    {"hang": True, "cut": True, "reset": True, "storm": False, "name": False, "tls": False}
)
"""What a destination can do, and whether that leaves anybody in doubt of the outcome."""
CAUSES: Mapping[str, Collection[Cause]] = MappingProxyType(
    {
        "hang": {Cause.TIMEOUT},
        "cut": {Cause.BROKEN},
        "reset": {Cause.BROKEN},
        "storm": {Cause.THROTTLED},
        # Where no name service answers in time there is no connection either.
        "name": {Cause.UNRESOLVED, Cause.UNREACHABLE},
        "tls": {Cause.TLS},
    }
)
"""What an attempt that met it says."""
TOLD: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "hang": {"status": "hang"},
        "cut": {"status": "cut"},
        "reset": {"status": "reset"},
        "storm": {"status": 429, "retryAfter": 1},
    }
)
"""How the receiver is told to do it, where it is the receiver that does."""
SETTINGS = {"timeoutSeconds": 1, "retrySeconds": [1] * 19}
SECRETS = {"appId": "app", "appToken": "token"}
NOWHERE = "https://nobody.invalid"
"""A name that never has an address (RFC 6761 section 6.4)."""


@dataclass(frozen=True, slots=True)
class Front:
    """The receiver behind TLS, at first with a certificate that nobody trusts."""

    url: str
    tls: ssl.SSLContext
    good: tuple[Path, Path]

    def mend(self) -> None:
        """Whoever connects from now on is shown the certificate that the hosts trust."""
        self.tls.load_cert_chain(*self.good)


@contextmanager
def behind_tls(port: int, good: tuple[Path, Path], bad: tuple[Path, Path]) -> Iterator[Front]:
    """Certificates with their keys, in files."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(*bad)
    with Outage(port, tls) as outage:
        yield Front(f"https://127.0.0.1:{outage.port}", tls, good)


def way(scene: Scene, front: Front, fault: str, *, drops: bool) -> Way:
    """A kind of event of its own with a destination that has the fault; one that `drops` repeats is a webhook's."""
    name = f"{fault}-{secrets.token_hex(6)}"
    made = Way(
        name,
        path=f"/ok/{name}" if drops else f"/voucherify~{name}",
        file="webhook" if drops else f"voucherify~{name}",
        drops=drops,
        leaves_open=OPEN.get(fault, True),
    )
    field = {"name": "number", "type": "text", "description": "A number"}
    about = {"event": f"signals.{name}", "title": "A kind", "description": "One of a test's own."}
    base = {"name": NOWHERE, "tls": front.url}.get(fault, scene.rig.receiver_url)
    scene.make("/v1/definitions", {**about, "purpose": "transactional", "fields": [field]})
    scene.make("/v1/destinations", {"name": name, **_destination(made, base)})
    scene.make("/v1/routes", {"event": f"signals.{name}", "destination": name})
    _control(scene, made, TOLD.get(fault, {"status": None}))
    return made


def mend(scene: Scene, made: Way) -> None:
    """It is well from now on, by what an operator can do."""
    _control(scene, made, {"status": None})
    if made.name.startswith("name-"):
        changed = {**_destination(made, scene.rig.receiver_url)}
        del changed["kind"]
        assert scene.operator.put(f"/v1/destinations/{made.name}", changed).status == 200


def post(scene: Scene, made: Way) -> None:
    """An event for it."""
    key = f"{made.name}-{secrets.token_hex(6)}"
    event = {"event": f"signals.{made.name}", "id": key, "person": {"crmId": key}}
    made.ids[key] = scene.post({**event, "properties": {"number": key}}, first=0)


def _destination(made: Way, base: str) -> dict[str, Any]:
    if made.drops:
        return {"kind": "webhook", "settings": {"url": base + made.path, **SETTINGS}}
    return {"kind": "voucherify", "settings": {"api": base + made.path, **SETTINGS}, "secrets": SECRETS}


def _control(scene: Scene, made: Way, told: Mapping[str, Any]) -> None:
    assert Client(scene.rig.receiver_url).post("/control", {"path": made.path, **told}).status == 200
