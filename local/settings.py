"""What the local stack keeps between runs in `.local/`: its ports, its master key and its deployment key."""

import json
from pathlib import Path
from typing import Any

from local.process import accepts, free_ports
from shared.azure.vault import new_master_key

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / ".local"
SETTINGS = HOME / "settings.json"
RUN = HOME / "run.json"
PREFERRED_PORT = 7071
"""Where `func start` would serve too."""


class PortTaken(RuntimeError):
    """A port of the last run is in use by something else."""


def load() -> dict[str, Any]:
    """The settings of the last run, or new ones. Raises PortTaken."""
    HOME.mkdir(exist_ok=True)
    if not SETTINGS.exists():
        save(_new())
    kept: dict[str, Any] = json.loads(SETTINGS.read_text())
    taken = [str(port) for port in (kept["port"], kept["receiverPort"]) if accepts(port)]
    if taken:
        raise PortTaken(
            f"Port {' and '.join(taken)} of the last run is in use. Stop what runs there, or start afresh: rm -r {HOME.name}"
        )
    return kept


def save(kept: dict[str, Any]) -> None:
    """Write the settings, readable for this user only: they hold keys."""
    SETTINGS.touch(mode=0o600)
    SETTINGS.write_text(json.dumps(kept, indent=2) + "\n")


def _new() -> dict[str, Any]:
    spare, receiver = free_ports(2)
    port = spare if accepts(PREFERRED_PORT) else PREFERRED_PORT
    return {"port": port, "receiverPort": receiver, "masterKeys": new_master_key(), "deploymentKey": None}
