"""Ids that carry their place: when, which bucket, which commit, and the number within it.

An event id is a UUIDv8 (RFC 9562 section 5.8):
    48 bits Unix milliseconds | version 8 | 12 bits bucket | variant | 55 bits random | 7 bits number
All events of one commit share everything but the number, so they lie side by side in storage, and a commit is
named by its event number 0. Ids sort by time as text.
"""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from uuid import UUID

MAX_EVENTS_A_COMMIT = 128
MAX_BUCKETS = 4096
_NUMBER = MAX_EVENTS_A_COMMIT - 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Commit:
    """One group of events stored together, and their one bus message."""

    id: str
    bucket: int

    def event(self, number: int) -> str:
        """The id of this commit's event `number`, 0 to 127."""
        if not 0 <= number < MAX_EVENTS_A_COMMIT:
            raise ValueError(f"a commit numbers its events 0 to {_NUMBER}, not {number}")
        return str(UUID(int=UUID(self.id).int | number))

    @property
    def last(self) -> str:
        """The highest id that an event of this commit can have."""
        return self.event(_NUMBER)


def new_commit(now: datetime, bucket: int, random: bytes) -> Commit:
    """A commit made at `now` in `bucket`; `random` is at least 7 random bytes."""
    return Commit(_uuid(now, bucket, int.from_bytes(random[:7], "big") >> 1), bucket)


@lru_cache(maxsize=4_096)
def commit_of(event: str) -> Commit:
    """The commit that an event id belongs to. Raises ValueError for anything but an event id."""
    value = UUID(event)
    if value.version != 8 or str(value) != event:
        raise ValueError("not an event id")
    return Commit(str(UUID(int=value.int & ~_NUMBER)), value.int >> 64 & MAX_BUCKETS - 1)


def time_of(event: str) -> datetime:
    """When the id was made, to the millisecond."""
    return _EPOCH + timedelta(milliseconds=UUID(event).int >> 80)


def lowest(at: datetime) -> str:
    """The smallest id of that millisecond, in any bucket: the edge of a range by time."""
    return str(UUID(int=_milliseconds(at) << 80))


def keyed_hash(key: bytes, *parts: str) -> str:
    """HMAC-SHA256 over length-framed parts, in hex: equal parts in another split never collide."""
    encoded = [part.encode("utf-8", "surrogatepass") for part in parts]
    framed = b"".join(len(part).to_bytes(8, "big") + part for part in encoded)
    return hmac.digest(key, framed, hashlib.sha256).hex()


def _uuid(now: datetime, bucket: int, random: int) -> str:
    if not 0 <= bucket < MAX_BUCKETS:
        raise ValueError(f"a bucket is 0 to {MAX_BUCKETS - 1}, not {bucket}")
    high = _milliseconds(now) << 16 | 0x8000 | bucket
    low = 0b10 << 62 | random << 7
    return str(UUID(int=high << 64 | low))


def _milliseconds(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(milliseconds=1)
