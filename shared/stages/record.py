"""Record: deduplicate and store in one conditional insert, and say what became of each event.

A group is one transaction. The commit's id is random and part of every id in it, so a key row that names another
commit is a duplicate, and one that names this commit is our own write whose answer got lost.
"""

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from shared import ids, logs
from shared.access.sections import Section
from shared.errors import BodyTooLarge, SignalboxError, Unavailable
from shared.event import Event
from shared.gather import Gather
from shared.ids import Commit
from shared.killpoints import reached
from shared.ports import Clock, RowExists, RowTooLarge
from shared.stores.ledger import MAX_ROW_BYTES, Entry, KeyRow, Ledger
from shared.stores.outbox import Outbox

MAX_EVENTS = 40
"""Events in one transaction: with key, outbox and expiry rows it stays under the 100 that Table Storage takes."""
MAX_BYTES = 2 * 1024 * 1024
"""Documents in one transaction: in Base64 and with what surrounds them they stay under its 4 MiB."""
MAX_WAITING = 5_000
"""Events that wait for their group in one bucket; one more is told to come again."""
_ROUNDS = 4
"""How often a group is tried again after conflicts; each round settles at least one event."""


class State(StrEnum):
    """What recording found: NEW was stored now; PENDING lies there, maybe never handed off; DONE was handed off."""

    NEW = "new"
    PENDING = "pending"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A valid event on its way into storage, with its document and its idempotency marks."""

    event: Event
    document: bytes
    key_hash: str | None
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Recorded:
    """Where an event lies: this one, or the first one under the same key."""

    id: str
    state: State
    event: str
    version: str
    fingerprint: str


Outcome = Recorded | SignalboxError
"""An error is the candidate's own: Unavailable (repeat it), BodyTooLarge, or SignalboxError itself where we broke."""
Numbered = tuple[int, Candidate]


class Recorder:
    """Stores candidates, those of concurrent callers in common groups. Each gets an outcome of its own."""

    def __init__(self, ledger: Ledger, outbox: Outbox, clock: Clock) -> None:
        self._ledger, self._outbox, self._clock = ledger, outbox, clock
        self._groups = Gather(self._commit, most=MAX_EVENTS, most_waiting=MAX_WAITING)

    async def record(self, section: Section, candidates: Sequence[Candidate]) -> list[Outcome]:
        """Store what is new. Outcomes come in the order of the candidates; equal keys share the first one's."""
        anywhere = secrets.randbelow(section.buckets)
        return await asyncio.gather(*(self._record(section, candidate, anywhere) for candidate in candidates))

    async def _record(self, section: Section, candidate: Candidate, anywhere: int) -> Outcome:
        bucket = bucket_of(section, candidate.key_hash) if candidate.key_hash else anywhere
        try:
            return await self._groups.add((section, bucket), candidate)
        except Unavailable as full:
            return full

    async def _commit(self, place: tuple[Section, int], candidates: Sequence[Candidate]) -> list[Outcome]:
        """What has gathered in a bucket: equal keys are joined, the rest goes in as few groups as fit."""
        leaders: dict[str, int] = {}
        for number, candidate in enumerate(candidates):
            leaders.setdefault(candidate.key_hash or f"#{number}", number)
        groups = _fitting([(number, candidates[number]) for number in leaders.values()])
        parts = await asyncio.gather(*(self._store(*place, group) for group in groups))
        outcomes = {number: outcome for part in parts for number, outcome in part.items()}
        away = [outcome for outcome in outcomes.values() if isinstance(outcome, Unavailable)]
        if len(away) == len(outcomes):
            raise away[0]
        return [
            _follow(outcomes[leader := leaders[c.key_hash or f"#{n}"]], leads=leader == n)
            for n, c in enumerate(candidates)
        ]

    async def find(self, section: Section, key_hash: str) -> Recorded | None:
        """What lies under a key already, if anything."""
        row = await self._ledger.key(section.id, bucket_of(section, key_hash), key_hash)
        return None if row is None else (await self._found(section, [row]))[0]

    async def _store(
        self, section: Section, bucket: int, group: Sequence[Numbered], rounds: int = _ROUNDS
    ) -> dict[int, Outcome]:
        """Raises nothing: what is wrong with one candidate, or breaks over it, is the outcome of that one alone."""
        try:
            return await self._together(section, bucket, group, rounds)
        except RowTooLarge:
            alone: SignalboxError = BodyTooLarge("The event is larger than storage takes. Send less with it.")
        except Exception as error:  # noqa: BLE001  (whatever broke, the others go on)
            logs.fail(
                "record",
                "not stored together",
                section=section.id,
                events=len(group),
                error=logs.told_of(error),
            )
            alone = SignalboxError("This is our fault, and the event is not stored. Tell the operator.")
        if len(group) == 1:
            return {group[0][0]: alone}
        middle = len(group) // 2
        halves = await asyncio.gather(
            self._store(section, bucket, group[:middle], rounds),
            self._store(section, bucket, group[middle:], rounds),
        )
        return halves[0] | halves[1]

    async def _together(
        self, section: Section, bucket: int, group: Sequence[Numbered], rounds: int
    ) -> dict[int, Outcome]:
        commit = ids.new_commit(self._clock.now(), bucket, secrets.token_bytes(7))
        entries = [_entry(commit.event(n), candidate) for n, (_, candidate) in enumerate(group)]
        try:
            await self._insert(section, commit, entries)
        except RowExists:
            return await self._settle(section, bucket, group, rounds)
        except SignalboxError as error:
            return {number: error for number, _ in group}
        return {number: _new(entry) for (number, _), entry in zip(group, entries, strict=True)}

    async def _insert(self, section: Section, commit: Commit, entries: Sequence[Entry]) -> None:
        reached("record.inserting")
        try:
            await self._ledger.insert(section.id, commit, entries, section.idempotency_days)
        except (RowExists, Unavailable):
            # The answer may belong to a repeated request of our own, or have been lost after the commit.
            if not await self._ledger.holds(section.id, commit):
                raise
        reached("record.inserted")

    async def _settle(
        self, section: Section, bucket: int, group: Sequence[Numbered], rounds: int
    ) -> dict[int, Outcome]:
        """After a conflict: point reads say which keys are taken, the rest is stored as a group of its own."""
        reached("record.conflicted")
        keyed = [(number, candidate.key_hash) for number, candidate in group if candidate.key_hash]
        try:
            rows = await asyncio.gather(*(self._ledger.key(section.id, bucket, key) for _, key in keyed))
            held = [(number, row) for (number, _), row in zip(keyed, rows, strict=True) if row]
            found = await self._found(section, [row for _, row in held])
        except SignalboxError as error:
            return {number: error for number, _ in group}
        taken: dict[int, Outcome] = {number: one for (number, _), one in zip(held, found, strict=True)}
        rest = [(number, candidate) for number, candidate in group if number not in taken]
        if not rest:
            return taken
        if rounds == 0:
            busy = Unavailable("The same keys are being written at once. Send these events again.")
            return taken | {number: busy for number, _ in rest}
        return taken | await self._store(section, bucket, rest, rounds - 1)

    async def _found(self, section: Section, rows: Sequence[KeyRow]) -> list[Recorded]:
        """Whether what is bound to keys was handed off is asked once a commit."""
        commits = list(dict.fromkeys(ids.commit_of(row.id) for row in rows))
        unsent = await asyncio.gather(*(self._outbox.is_unsent(section.id, commit) for commit in commits))
        pending = {commit for commit, is_unsent in zip(commits, unsent, strict=True) if is_unsent}
        return [
            _earlier(row, State.PENDING if ids.commit_of(row.id) in pending else State.DONE) for row in rows
        ]


def bucket_of(section: Section, key_hash: str) -> int:
    """Equal keys meet in one bucket, whichever instance takes them."""
    return int(key_hash[:8], 16) % section.buckets


def _fitting(waiting: Sequence[Numbered]) -> list[list[Numbered]]:
    """Groups that fit a transaction. A body that goes to a blob goes alone: should that fail, it fails alone."""
    groups: list[list[Numbered]] = []
    free = 0
    for number, candidate in waiting:
        size = len(candidate.document)
        if size > MAX_ROW_BYTES or size > free or not groups or len(groups[-1]) == MAX_EVENTS:
            groups.append([])
            free = MAX_BYTES if size <= MAX_ROW_BYTES else size
        groups[-1].append((number, candidate))
        free -= size
    return groups


def _entry(id: str, candidate: Candidate) -> Entry:
    return Entry(id, candidate.event, candidate.document, candidate.key_hash, candidate.fingerprint)


def _new(entry: Entry) -> Recorded:
    return Recorded(entry.id, State.NEW, entry.event.event, entry.event.version, entry.fingerprint)


def _earlier(row: KeyRow, state: State) -> Recorded:
    return Recorded(row.id, state, row.event, row.version, row.fingerprint)


def _follow(outcome: Outcome, *, leads: bool) -> Outcome:
    """What an event with the key of an earlier one in the same call gets: a duplicate of that one."""
    if leads or isinstance(outcome, SignalboxError):
        return outcome
    return replace(outcome, state=State.DONE)
