"""Reasons: why an event did not go further, beside a destination's answer: the closed list, with a sentence for each.

What a destination answered, or did not, has its own list (`destinations.outcomes.Cause`).
"""

from enum import StrEnum


class Reason(StrEnum):
    """Why an event goes nowhere, or no further for now. Receipts, funnels and the answers to `why` name no other."""

    TEST = "test"
    UNTRUSTED = "untrusted"
    STALE = "stale"
    ALIKE = "alike"
    BACKFILL = "backfill"
    NO_IDENTIFIER = "no_identifier"
    OPTED_OUT = "opted_out"
    UNSUBSCRIBED = "unsubscribed"
    NO_ROUTE = "no_route"
    NO_CONDITION_MET = "no_condition_met"
    OTHER_VERSION = "other_version"
    ROUTE_PAUSED = "route_paused"
    ROUTE_LATER = "route_later"
    NOBODY = "nobody"
    NO_EVENT = "no_event"
    NOT_PROCESSED = "not_processed"
    SECTION_PAUSED = "section_paused"
    DESTINATION_PAUSED = "destination_paused"

    @property
    def sentence(self) -> str:
        """What happened and what to do, for the person who reads the receipt."""
        return _SENTENCES[self]


_SENTENCES = {
    Reason.TEST: "A test event starts nothing. Send it without `test` to have it go out.",
    Reason.UNTRUSTED: "It came from a browser, and its definition does not let such events start anything. "
    "Send it from a server, or have the definition say `fromBrowsers: start`.",
    Reason.STALE: "It happened too long before it came to start anything, as its definition's `staleAfterHours` says. "
    "Send it sooner, or give the definition a longer time.",
    Reason.ALIKE: "An earlier event says the same by its definition's `unique`, so that one started what this would have. "
    "There is nothing to do; if both are meant, give them different values in those fields.",
    Reason.BACKFILL: "It was sent to tell of the past (`backfill`), so it is with the person and starts nothing. There is "
    "nothing to do.",
    Reason.NO_IDENTIFIER: "The event names nobody who could be found. Send an identifier of the person with it.",
    Reason.OPTED_OUT: "The person has opted out of every purpose that it would serve. Nothing is sent until they opt in.",
    Reason.UNSUBSCRIBED: "Whoever had subscribed to it wants no more of it. There is nothing to do.",
    Reason.NO_ROUTE: "No active route takes this event. Make a route for its definition, or resume one; it is for "
    "events to come.",
    Reason.NO_CONDITION_MET: "It does not meet what its routes ask for. Ask `POST /v1/why` for the condition.",
    Reason.OTHER_VERSION: "The route takes other versions of the definition only. Make a route for this one.",
    Reason.ROUTE_PAUSED: "The route is paused. Resume it; it is for events to come.",
    Reason.ROUTE_LATER: "The route takes such events now and did not when this one came: it was made, resumed or changed "
    "since. It is for events to come.",
    Reason.NOBODY: "Nobody in this section has one of these identifiers. Look whether the sender sends them in the same form; "
    "a test event, or one from a browser, makes nobody known.",
    Reason.NO_EVENT: "No such event of this person came in that time. Look whether its sender sends it; what the API "
    "refused of the definition is counted in `refused`, and its sender was told.",
    Reason.NOT_PROCESSED: "It is stored and waits to be processed, which happens by itself.",
    Reason.SECTION_PAUSED: "The section is paused. Resume it, and the event goes on.",
    Reason.DESTINATION_PAUSED: "The destination is paused or disabled. Resume it, and the event goes on.",
}
