"""Kill points: the moments between two effects at which a test ends the process. In a deployment they do nothing.

Each says what has just happened. What heals it stands in the table of crash points in docs/design-notes.md.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

POINTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "authenticate.known": "The caller is known.",
        "validate.fits": "The draft fits its definition.",
        "check.refused": "The draft does not fit; whether its key is known is not asked yet.",
        "ledger.body-put": "A large body lies in its blob, and no row names it.",
        "record.inserting": "Nothing is stored.",
        "record.inserted": "The event is stored; its sender has no answer.",
        "record.conflicted": "A key of the group is taken; nothing of the group is stored.",
        "hand_off.sending": "The commit is stored, and its message not sent.",
        "hand_off.sent": "The message is on the bus; the outbox says unsent.",
        "hand_off.marked": "The outbox says sent.",
        "hooks.webhook-rejected": "A trace of a wrong signature is kept; its sender has no answer.",
        "hooks.webhook-kept": "A webhook lies in quarantine; its sender has no answer.",
        "hooks.webhook-repeated": "A webhook is known with another content, and its receipt does not say so.",
        "hand_off.caught-up": "Messages of commits that were left behind are on the bus; the outbox says unsent.",
        "flow.commit-parked": "A commit waits for its section to be resumed; its message is not completed.",
        "flow.commit-read": "The commit's message was received, and its events were read.",
        "directory.made": "A person is made of one identifier, and knows no other.",
        "directory.bound": "An identifier means a person whose profile does not list it.",
        "directory.listed": "The person's profile lists the identifiers.",
        "compare.claimed": "An event is known as the first of its like, or as alike it; nothing else says so.",
        "flow.decided": "It is decided where the events go, and written nowhere.",
        "flow.timelines-written": "The events are on the timelines; their receipts say nothing.",
        "flow.receipts-written": "The deliveries are pending, and not on the bus.",
        "hand_off.deliveries-sent": "Deliveries are on the bus; what called for it does not know.",
        "flow.commit-processed": "Everything of a commit is done but completing its message.",
        "lanes.entered": "A message of deliveries may be worked on.",
        "hand_off.slowed": "Deliveries are sent on by the slow lane; the message that brought them is not completed.",
        "gate.opened": "The delivery may be sent.",
        "slots.taken": "The attempt has its slots, and no claim.",
        "forward.claimed": "The delivery is claimed and not sent.",
        "forward.sent": "The destination has answered, and nothing says so.",
        "forward.listed": "The dead letter is listed; the delivery is open.",
        "forward.parking": "The delivery is listed as parked and not marked so.",
        "forward.retrying": "The delivery waits for its next attempt, which is not scheduled.",
        "forward.closed": "A destination that cannot be opened is to be tried again, which is not scheduled.",
        "forward.ended": "The delivery has ended; the outbox still watches its commit.",
        "tell.listed": "Something of ours is listed to be told, and has not happened yet.",
        "notices.recorded": "Events of ours are stored, and what they tell of is still listed.",
        "define.written": "A definition has changed; who asked for it has no answer.",
        "conclude.unsubscribed": "A subscription has ended because of a delivery that is still open.",
        "conclude.disabled": "A destination is disabled because of a delivery that has ended.",
        "forward.put-off": "A new message waits for another's claim to end; the old one is not completed.",
        "hand_off.scheduled": "A message for later is on the bus; the one that called for it is not completed.",
        "hand_off.due-listed": "A retry waits in the due table; the message that led to it is not completed.",
        "hand_off.put-back": "A message was put back for later, and not completed.",
        "flow.forwarded": "Every delivery of a message had its go.",
        "flow.delivered": "Everything of a message is done but completing it.",
        "dead_letters.reopened": "The outbox watches the commit of a dead delivery.",
        "dead_letters.pending": "The delivery is pending and still listed as dead.",
        "replay.unlisted": "The delivery is pending and not on the bus.",
        "replay_many.begun": "A minute's share of a replay is taken, and nothing of it replayed.",
        "replay_many.replayed": "Dead letters of a replay were replayed, and it does not say so.",
        "mend.taken": "A kept webhook is an event, and still lies in quarantine.",
        "quarantine.body-listed": "A large body is to lie in a blob, and does not yet.",
        "quarantine.body-put": "A large body lies in its blob, and is no webhook in quarantine yet.",
        "quarantine.moving": "A kept webhook lies under both its causes.",
        "quarantine.unlisted": "A webhook has left quarantine; its large body is still there.",
        "unpark.reopened": "The outbox watches the commit of a parked delivery.",
        "unpark.pending": "The delivery is pending and listed as parked.",
        "unpark.handed-off": "The delivery is on the bus and listed as parked.",
        "unpark.commits-unsent": "Commits of a resumed section are to be handed off, and are not.",
        "tick.due-handed-off": "A due retry is on the bus and still listed.",
        "sweep.resent": "What was lost is on the bus again; its watch is as it was.",
        "roll_up.counted": "An hour was counted, and what came of it is written nowhere.",
        "alert.told": "What became silent or unusual is told, and not written down as told.",
        "nearly.told": "It is told that little of a quota was left, and not written down as told.",
        "purge.timeline-removed": "An expired event is on no timeline and has its receipt.",
        "purge.receipts-removed": "An expired event has no receipt and still has its row.",
        "ledger.bodies-deleted": "An expired event has no body and still has its row.",
        "clear.bodies-deleted": "A deleted section has no bodies, and all its rows.",
        "clear.rows-deleted": "Some rows of a deleted section are gone.",
        "registry.pointer-written": "A key or a source has a pointer and no document.",
    }
)
"""Every kill point by its name, `<module>.<what has happened>`."""

_on_reached: Callable[[str], None] | None = None


def reached(name: str) -> None:
    """Say that one of POINTS is reached. Only a process that a test has armed does anything about it."""
    if _on_reached is not None:
        _on_reached(name)


def arm(on_reached: Callable[[str], None] | None) -> None:
    """Call this with the name of each point that is reached from now on; None disarms."""
    global _on_reached  # noqa: PLW0603  (one a process, as the process is what ends)
    _on_reached = on_reached
