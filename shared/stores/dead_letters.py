"""Dead letters: deliveries that ended without success, listed by cause, replayed one by one.

Table `deadletters`: `{section}|{cause}` / `{id}|{route}`. The row is only an index: what happened stands in the
receipt. It is written before the delivery is marked dead, so that a dead delivery is never missing from the list.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import replace

from shared import ids, times
from shared.destinations.outcomes import Cause
from shared.errors import Conflict, NotFound
from shared.exact import Json
from shared.killpoints import reached
from shared.ports import Clock, Row, RowChanged, Tables
from shared.storage import DEAD_LETTERS
from shared.stores.outbox import Outbox
from shared.stores.receipts import Receipts
from shared.stores.trail import Delivery, Status

LISTED = (Status.DEAD, Status.HELD)
MOST_GROUPED = 10_000
"""Dead letters of a cause that are counted."""


class DeadLetters:
    """Lists and replays what could not be delivered. Held deliveries are listed with them."""

    def __init__(self, tables: Tables, receipts: Receipts, outbox: Outbox, clock: Clock) -> None:
        self._tables = tables
        self._receipts = receipts
        self._outbox = outbox
        self._clock = clock

    async def add(self, section: str, delivery: Delivery, cause: Cause, status: Status = Status.DEAD) -> None:
        """List a delivery that is about to be marked dead, or held."""
        values = {"destination": delivery.destination, "status": status.value, "schema": 1}
        row = Row(*_place(section, delivery, cause), values)
        await self._tables.upsert(DEAD_LETTERS.name, row)

    async def list(
        self, section: str, cause: str | None, most: int, after: str | None = None
    ) -> list[dict[str, Json]]:
        """The dead and held deliveries of one cause, or of all, oldest first within a cause.

        `after` is the event id to go on from. Raises NotFound.
        """
        low = f"{after}~" if after else ""
        found: list[dict[str, Json]] = []
        for one in _causes(cause):
            place = DEAD_LETTERS.name, f"{section}|{one}", low
            listed = [row async for row in self._tables.range(*place, limit=most - len(found))]
            dead = await asyncio.gather(*(self._is_dead(section, row) for row in listed))
            found += [_shown(row, one) for row, is_dead in zip(listed, dead, strict=True) if is_dead]
            if len(found) >= most:
                break
        return found

    async def each(self, section: str, cause: Cause, after: str = "") -> AsyncIterator[tuple[str, Delivery]]:
        """The dead and held deliveries of a cause, oldest first, each with the place to go on `after`."""
        async for row in self._tables.range(DEAD_LETTERS.name, f"{section}|{cause}", after):
            event, _, route = row.rk.partition("|")
            delivery = None if row.rk == after else await self._receipts.delivery(section, event, route)
            if delivery is not None and delivery.status in LISTED and delivery.cause == cause:
                yield row.rk, delivery

    async def groups(self, section: str) -> Sequence[dict[str, Json]]:
        """How many are listed for which cause and destination, and since which event; MOST_GROUPED of each cause.

        A row that a crash left is counted until somebody lists its cause.
        """
        parts = await asyncio.gather(*(self._groups(section, cause) for cause in Cause))
        return [group for part in parts for group in part]

    async def waiting(self, section: str, most: int) -> Counter[tuple[str, str]]:
        """How many of a section, or of all ("") are listed, by destination and status; of at most so many rows.

        One that a crash left counts until somebody lists its cause.
        """
        low, high = (f"{section}|", f"{section}|~") if section else ("", None)
        counts = Counter[tuple[str, str]]()
        async for row in self._tables.scan(DEAD_LETTERS.name, low, high, select=("destination", "status")):
            # An earlier version did not write which of the two it was.
            status = str(row.values.get("status") or Status.DEAD.value)
            counts[str(row.values["destination"]), status] += 1
            if counts.total() >= most:
                break
        return counts

    async def read(self, section: str, id: str) -> Delivery:
        """One that is dead or held. Raises NotFound."""
        delivery = await self.find(section, id)
        if delivery.status not in LISTED:
            raise NotFound(f"This delivery is no dead letter: it is {delivery.status}. Look at its receipt.")
        return delivery

    async def replay(self, section: str, id: str) -> Delivery:
        """Start a dead or held delivery anew, under its own id. The caller hands it off.

        Raises NotFound, and Conflict when it is not dead or held (any more).
        """
        delivery = await self.find(section, id)
        if delivery.status not in LISTED:
            raise Conflict(f"This delivery is {delivery.status}, so there is nothing to replay.")
        return await self.restart(section, delivery)

    async def restart(self, section: str, delivery: Delivery, *, as_new: bool = False) -> Delivery:
        """Start one that has ended anew, whatever its end was; `as_new`: under an id that no receiver has seen.

        The caller hands it off. Raises Conflict when it has not ended, or somebody else has changed it since it was read.
        """
        if delivery.status not in (*LISTED, Status.DELIVERED, Status.REFUSED):
            raise Conflict(f"This delivery is {delivery.status}: it goes on by itself.")
        number = delivery.replays + 1
        anew = replace(
            delivery,
            status=Status.PENDING,
            cause=None,
            attempt=0,
            due_at=None,
            claim_until=None,
            closed_since=None,
            done_at=None,
            took=None,
            replays=number,
            copy=number if as_new else delivery.copy,
        )
        # In the outbox first: if this process ends here, the sweeper still takes it along.
        await self._outbox.reopen(section, ids.commit_of(delivery.event_id), self._clock.now())
        reached("dead_letters.reopened")
        try:
            anew = await self._receipts.save(section, anew)
        except RowChanged:
            raise Conflict("Someone else is replaying this delivery. Look at its receipt.") from None
        reached("dead_letters.pending")
        if delivery.status in LISTED:
            await self.remove(section, delivery)
        return anew

    async def remove(self, section: str, delivery: Delivery) -> None:
        """Take a delivery off the list."""
        if delivery.cause:
            await self._tables.delete(DEAD_LETTERS.name, *_place(section, delivery, Cause(delivery.cause)))

    async def _groups(self, section: str, cause: Cause) -> Sequence[dict[str, Json]]:
        oldest: dict[str, str] = {}
        counts = Counter[str]()
        async for row in self._tables.range(DEAD_LETTERS.name, f"{section}|{cause}", limit=MOST_GROUPED):
            destination = str(row.values["destination"])
            oldest.setdefault(destination, row.rk.partition("|")[0])
            counts[destination] += 1
        about = {"cause": cause.value, "reason": cause.sentence}
        return [
            {**about, "destination": one, "count": count, "oldest": times.text(ids.time_of(oldest[one]))}
            for one, count in counts.most_common()
        ]

    async def _is_dead(self, section: str, row: Row) -> bool:
        """Whether a row tells the truth. One of a delivery that ended well, or is gone, is what a crash left."""
        event, _, route = row.rk.partition("|")
        cause = row.pk.rpartition("|")[2]
        delivery = await self._receipts.delivery(section, event, route)
        if delivery is None or delivery.status in (Status.DELIVERED, Status.REFUSED):
            await self._tables.delete(DEAD_LETTERS.name, row.pk, row.rk)
            return False
        return delivery.status in LISTED and delivery.cause == cause

    async def find(self, section: str, id: str) -> Delivery:
        """A delivery by its id, however it stands. Raises NotFound."""
        event, _, route = id.partition("_")
        try:
            delivery = await self._receipts.delivery(section, event, route)
        except ValueError:
            delivery = None
        if delivery is None:
            raise NotFound("There is no such delivery in this section.")
        return delivery


def _causes(cause: str | None) -> Iterable[Cause]:
    if cause is None:
        return Cause
    if cause not in set(Cause):
        raise NotFound(f"There is no such cause. Use one of: {', '.join(Cause)}.")
    return (Cause(cause),)


def _place(section: str, delivery: Delivery, cause: Cause) -> tuple[str, str]:
    return f"{section}|{cause}", f"{delivery.event_id}|{delivery.route}"


def _shown(row: Row, cause: Cause) -> dict[str, Json]:
    event, _, route = row.rk.partition("|")
    return {
        "id": f"{event}_{route}",
        "event": event,
        "route": route,
        "destination": row.values["destination"],
        "cause": cause.value,
        "reason": cause.sentence,
        "receipt": f"/v1/events/{event}",
    }
