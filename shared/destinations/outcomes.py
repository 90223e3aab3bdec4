"""What a destination's answer means for the delivery: one table, and when to try again."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Literal

from shared.ports import Answer, NoAnswer

MAX_RETRY_AFTER = timedelta(hours=24)
JITTER = 0.2


class Meaning(StrEnum):
    """What an answer says by itself. UNKNOWN: it was sent, and nobody can say whether it was taken."""

    DELIVERED = "delivered"
    RETRY = "retry"
    UNKNOWN = "unknown"
    DEAD = "dead"


class Cause(StrEnum):
    """Why a delivery is not delivered: the closed list that receipts, dead letters and metrics use."""

    BAD_URL = "bad_url"
    BROKEN = "broken"
    BROKEN_DESTINATION = "broken_destination"
    EXPIRED = "expired"
    EXHAUSTED = "exhausted"
    GATEWAY_TIMEOUT = "gateway_timeout"
    GONE = "gone"
    LIMITS = "limits"
    MAPPING = "mapping"
    NO_ACCESS = "no_access"
    NO_DESTINATION = "no_destination"
    NO_HTTP = "no_http"
    OUTCOME_UNKNOWN = "outcome_unknown"
    REDIRECTED = "redirected"
    REFUSED_ADDRESS = "refused_address"
    REJECTED = "rejected"
    RESTING = "resting"
    SERVER_ERROR = "server_error"
    THROTTLED = "throttled"
    TIMEOUT = "timeout"
    TLS = "tls"
    UNREACHABLE = "unreachable"
    UNRESOLVED = "unresolved"

    @property
    def sentence(self) -> str:
        """What happened and what to do, for the person who reads the receipt."""
        return _SENTENCES[self]


_SENTENCES = {
    Cause.BAD_URL: "The destination's URL cannot be used. Correct it and replay.",
    Cause.BROKEN: "The connection broke before the answer was complete; the event may have arrived.",
    Cause.BROKEN_DESTINATION: "This version cannot load the code for the destination. Update Signalbox, then replay.",
    Cause.EXPIRED: "The event is older than its definition or the destination lets it be sent.",
    Cause.EXHAUSTED: "Every attempt failed. Look at the last one's reason, then replay.",
    Cause.GATEWAY_TIMEOUT: "A gateway passed the event on and had no answer in time; it may have arrived.",
    Cause.GONE: "The destination says that it is gone for good. Disable or correct it.",
    Cause.LIMITS: "The event does not fit what the destination takes. Correct the mapping and replay.",
    Cause.MAPPING: "The event could not be turned into a request. Correct the mapping and replay.",
    Cause.NO_ACCESS: "The destination, or its token endpoint, lets us in no more. Correct its secrets.",
    Cause.NO_DESTINATION: "The event, its route or its destination is no longer there. Nothing can be sent.",
    Cause.NO_HTTP: "What came back is not an answer that HTTP allows. Check that the URL is the right one.",
    Cause.OUTCOME_UNKNOWN: "An attempt stopped midway, so the event may have arrived. Look there before resending.",
    Cause.REDIRECTED: "The destination redirects, which is not followed. Set the URL that it points to and replay.",
    Cause.REFUSED_ADDRESS: "The URL leads to an address that is not on the public internet. Use a public one.",
    Cause.REJECTED: "The destination refused the event. Read its answer, correct the cause and replay.",
    Cause.RESTING: "Most of what was sent there lately failed, so the destination is left alone for a while.",
    Cause.SERVER_ERROR: "The destination had an error of its own.",
    Cause.THROTTLED: "The destination asked to be sent the event again later.",
    Cause.TIMEOUT: "The event was sent and no answer came in time; it may have arrived.",
    Cause.TLS: "No secure connection: check the destination's certificate, its host name and its date.",
    Cause.UNREACHABLE: "No connection to the destination.",
    Cause.UNRESOLVED: "The destination's host name has no address.",
}


@dataclass(frozen=True, slots=True)
class Ruling:
    """A row of the table: what an answer says, and the cause to name."""

    meaning: Meaning
    cause: Cause | None = None


NO_ACCESS = Ruling(Meaning.RETRY, Cause.NO_ACCESS)
"""For an answer that says that the access token is good no more: the next attempt has another."""

TABLE: Mapping[str, Ruling] = {
    "1xx": Ruling(Meaning.DEAD, Cause.NO_HTTP),
    "2xx": Ruling(Meaning.DELIVERED),
    "3xx": Ruling(Meaning.DEAD, Cause.REDIRECTED),
    "4xx": Ruling(Meaning.DEAD, Cause.REJECTED),
    "408": Ruling(Meaning.RETRY, Cause.THROTTLED),
    "410": Ruling(Meaning.DEAD, Cause.GONE),
    "425": Ruling(Meaning.RETRY, Cause.THROTTLED),
    "429": Ruling(Meaning.RETRY, Cause.THROTTLED),
    "5xx": Ruling(Meaning.RETRY, Cause.SERVER_ERROR),
    # The gateway did pass it on (RFC 9110 section 15.6.5): the only status that leaves the outcome open.
    "504": Ruling(Meaning.UNKNOWN, Cause.GATEWAY_TIMEOUT),
    "other": Ruling(Meaning.DEAD, Cause.NO_HTTP),
    "bad_url": Ruling(Meaning.DEAD, Cause.BAD_URL),
    "refused_address": Ruling(Meaning.DEAD, Cause.REFUSED_ADDRESS),
    "unresolved": Ruling(Meaning.RETRY, Cause.UNRESOLVED),
    "connect": Ruling(Meaning.RETRY, Cause.UNREACHABLE),
    "tls": Ruling(Meaning.RETRY, Cause.TLS),
    "timeout": Ruling(Meaning.UNKNOWN, Cause.TIMEOUT),
    "broken": Ruling(Meaning.UNKNOWN, Cause.BROKEN),
}
"""Every answer and every failure there is: a status before its class, a `ports.Failure` by its name."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What becomes of a delivery after an attempt. `retry_after` is set only where it is tried again."""

    state: Literal["delivered", "retry", "held", "dead"]
    cause: Cause | None = None
    retry_after: timedelta | None = None


def judge(answer: Answer | NoAnswer, *, resends: bool, final: Mapping[int, Ruling], now: datetime) -> Outcome:
    """What the answer means. `final` goes before the table.

    An unknown outcome is tried again if it `resends`, else held.
    """
    ruling = _ruling(answer, final)
    match ruling.meaning:
        case Meaning.DELIVERED:
            return Outcome("delivered")
        case Meaning.DEAD:
            return Outcome("dead", ruling.cause)
        case Meaning.UNKNOWN if not resends:
            return Outcome("held", ruling.cause)
        case _:
            return Outcome("retry", ruling.cause, _asked_wait(answer, now))


def next_attempt(
    attempt: int,
    schedule: Sequence[timedelta],
    now: datetime,
    retry_after: timedelta | None,
    jitter: float,
) -> datetime | None:
    """When to try again after `attempt` attempts (1 or more), or None when the schedule is exhausted.

    `schedule` are the waits before each repeat. `jitter` is a random number from 0 to 1: it moves the schedule's wait by up to 20 % either way, and what the
    destination asked for only later, so that not all its deliveries come back in one moment.
    """
    if attempt > len(schedule):
        return None
    planned = schedule[attempt - 1] * (1 + JITTER * (2 * jitter - 1))
    asked = min(retry_after or timedelta(0), MAX_RETRY_AFTER) * (1 + JITTER * jitter)
    return now + max(planned, asked)


def _ruling(answer: Answer | NoAnswer, final: Mapping[int, Ruling]) -> Ruling:
    if isinstance(answer, NoAnswer):
        return TABLE[answer.failure]
    return (
        final.get(answer.status)
        or TABLE.get(str(answer.status))
        or TABLE.get(f"{answer.status // 100}xx", TABLE["other"])
    )


def _asked_wait(answer: Answer | NoAnswer, now: datetime) -> timedelta | None:
    """`Retry-After` (RFC 9110 section 10.2.3: seconds or a date), at most 24 hours; None if absent or unreadable."""
    text = answer.headers.get("retry-after", "").strip() if isinstance(answer, Answer) else ""
    if re.fullmatch(r"[0-9]{1,10}", text):
        return min(timedelta(seconds=int(text)), MAX_RETRY_AFTER)
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return min(max(at - now, timedelta(0)), MAX_RETRY_AFTER)
