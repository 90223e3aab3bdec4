"""Promise 5: what was sent to the hosts, and what they were given to keep, is looked for in their logs."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from local.demo.furnish import SHOP_SECRET
from tests.kill.rig import Rig
from tests.running import Running

PERSON = "@example.com"
"""What every address in these tests ends with."""


def canaries(rig: Rig, running: Running, bodies: Iterable[str]) -> Mapping[str, str]:
    """What must not be in a log, by what it is; `bodies` are values that were sent in bodies."""
    keys = {"a key": running.demo.key, "a deployment key": running.deployment_key}
    secrets = {name: key.rpartition("_")[2] for name, key in keys.items()}
    return {
        **secrets,
        "a webhook's secret": SHOP_SECRET,
        "a hook's id": running.demo.source,
        "a master key": rig.environment["SIGNALBOX_MASTER_KEYS"],
        "an address": PERSON,
        **{f"a body ({value})": value for value in bodies},
    }


def leaks(logs: Iterable[Path], looked_for: Mapping[str, str]) -> list[str]:
    """Where a log holds one, in a sentence that does not repeat it. A log without a line tells nothing."""
    found = []
    for log in logs:
        text = log.read_text(errors="replace")
        assert text.strip(), f"{log.name} is empty"
        found += [f"{log.name} holds {what}" for what, value in looked_for.items() if value in text]
    return found
