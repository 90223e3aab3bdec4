"""What the local stack keeps between runs in `.local/`: its ports, its master key and the keys of the sample."""

import json
import os
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from local.process import accepts, free_ports
from shared.azure.vault import new_master_key

ROOT = Path(__file__).resolve().parent.parent
HOME = Path(os.environ.get("SIGNALBOX_HOME", ROOT / ".local"))
FORMAT = 2
"""Of everything in `.local/`. What another version wrote is set aside, never read and never deleted."""
DATA = (
    "settings.json",
    "run.json",
    "azurite",
    "queue.sqlite",
    "queue.sqlite-wal",
    "queue.sqlite-shm",
    "received.jsonl",
)
PREFERRED_PORT = 7071
"""Where `func start` would serve too."""


class PortTaken(RuntimeError):
    """A port of the last run is in use by something else."""

    def __init__(self, ports: list[int], home: Path) -> None:
        several = len(ports) > 1
        super().__init__(
            f"Port{'s' if several else ''} {' and '.join(map(str, ports))} of the last run "
            f"{'are' if several else 'is'} in use by another program. Stop that program, "
            f"or start afresh without the data of earlier runs: rm -r {home}"
        )


@dataclass(frozen=True, slots=True)
class Kept:
    """The ports stay the same from run to run, because the demo section's documents name them."""

    port: int
    receiver_port: int
    master_keys: str
    deployment_key: str | None = None
    demo_key: str | None = None

    @classmethod
    def new(cls) -> Self:
        """Settings for a first run, with the preferred port if it is free."""
        spare, receiver = free_ports(2)
        port = spare if accepts(PREFERRED_PORT) else PREFERRED_PORT
        return cls(port, receiver, new_master_key())

    def with_keys(self, deployment: str, demo: str) -> Self:
        return replace(self, deployment_key=deployment, demo_key=demo)


def set_aside(home: Path = HOME) -> Path | None:
    """Move what another version has left, or data whose settings are gone: nothing here could open its secrets.

    The folder where it lies from now on, or None when all is well. For who holds the claim.
    """
    found = [home / name for name in DATA if (home / name).exists()]
    if not found or known(home):
        return None
    old = home / f"old-{datetime.now(UTC):%Y%m%d-%H%M%S}"
    old.mkdir()
    for path in found:
        path.rename(old / path.name)
    return old


def load(home: Path = HOME) -> Kept:
    """The settings of the last run, or new ones. Raises PortTaken."""
    kept = known(home)
    if kept is None:
        kept = Kept.new()
        save(kept, home)
    taken = [port for port in (kept.port, kept.receiver_port) if accepts(port)]
    if taken:
        raise PortTaken(taken, home)
    return kept


def save(kept: Kept, home: Path = HOME) -> None:
    """Write the settings."""
    write_private(home / "settings.json", {"format": FORMAT, **asdict(kept)})


def write_private(path: Path, doc: Any) -> None:
    """Write JSON for this user only, whole or not at all: it holds keys."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(json.dumps(doc, indent=2) + "\n")
    draft.replace(path)


def known(home: Path = HOME) -> Kept | None:
    """The settings of a run, also of one that is running; None where there are none of this version."""
    try:
        doc = json.loads((home / "settings.json").read_text())
        return Kept(**doc) if doc.pop("format") == FORMAT else None
    except (FileNotFoundError, ValueError, KeyError, TypeError, AttributeError):
        return None
