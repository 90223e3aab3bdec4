"""Verdict: what the sender of each event is told."""

from dataclasses import dataclass

from shared.errors import KeyReused, SignalboxError
from shared.stages.record import Recorded, State


@dataclass(frozen=True, slots=True)
class Accepted:
    """The good answer for one event. `replayed`: it was accepted before, and this is that answer again.

    `differs`: a webhook was repeated with another content under the same delivery id; the first one stands.
    """

    id: str
    event: str
    version: str
    replayed: bool = False
    keyed: bool = True
    differs: bool = False


Verdict = Accepted | SignalboxError


def verdict(recorded: Recorded, fingerprint: str, *, keyed: bool, key_decides: bool) -> Verdict:
    """A repeat under the same key is the first answer again; on the API only if it says the same."""
    replayed = recorded.state is not State.NEW
    differs = replayed and recorded.fingerprint != fingerprint
    if differs and not key_decides:
        return KeyReused(
            "This idempotency key was used for another event. Send a new key, or the same event."
        )
    return Accepted(recorded.id, recorded.event, recorded.version, replayed, keyed, differs)
