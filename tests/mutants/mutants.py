"""Mistakes that the suite must catch: each is a snippet of the code and what a hasty hand might make of it."""

from collections.abc import Mapping
from dataclasses import dataclass

REPLAYS = "tests/operations/test_replay_delivered.py"
CRASHES = "tests/operations/test_crash_points.py::test_what_was_acknowledged_ends_whichever_call_fails"


@dataclass(frozen=True, slots=True)
class Mutant:
    """`old` stands once in `file` and becomes `new`; `caught_by` is the test that must fail then."""

    file: str
    old: str
    new: str
    caught_by: str


MUTANTS: Mapping[str, Mutant] = {
    # Events only ever get fewer: what is counted late would tell of a quiet hour that was none.
    "what was purged since it was counted is uncounted": Mutant(
        "shared/operations/roll_up.py",
        "if one.stored >= hour.stored.get(event, 0)}",
        "}",
        "tests/operations/test_roll_up.py::test_what_was_purged_meanwhile_stays_counted",
    ),
    # Whoever was slower has counted what was there earlier.
    "of two who count an hour the slower one has the last word": Mutant(
        "shared/stores/rollups.py",
        "    return Operation(Verb.INSERT if row.etag is None else Verb.REPLACE, row)\n",
        "    return Operation(Verb.UPSERT, row)\n",
        "tests/operations/test_roll_up.py::test_of_two_who_count_an_hour_at_once_one_writes",
    ),
    # A test, or what anybody sent from a browser, would silence the real one.
    "what starts nothing keeps another from starting something": Mutant(
        "shared/stages/compare.py",
        "    if event.unique is None or mark is None or stopped(event, now):\n",
        "    if event.unique is None or mark is None:\n",
        "tests/stages/test_compare.py::test_what_starts_nothing_does_not_keep_another_from_it",
    ),
    # Whoever dies in between has promised the sweeper that a message is on its way.
    "a commit is marked as sent before it is": Mutant(
        "shared/stages/hand_off.py",
        '        reached("hand_off.sending")\n',
        '        await self._mark((section, commit.bucket), [commit])\n        reached("hand_off.sending")\n',
        f"{CRASHES}[one_event-killed-before-False]",
    ),
    # Accepted would mean "will be stored, we hope".
    "an event is acknowledged before it is stored": Mutant(
        "shared/stages/record.py",
        "            await self._ledger.insert(section.id, commit, entries, section.idempotency_days)\n",
        "            self.later = asyncio.ensure_future(\n"
        "                self._ledger.insert(section.id, commit, entries, section.idempotency_days)\n"
        "            )\n",
        f"{CRASHES}[one_event-unavailable-before-False]",
    ),
    # Who has the claim may be dead, and this message the last one.
    "a message is completed because another has the claim": Mutant(
        "shared/stages/forward.py",
        "                await self.hand_off.delivery_at(section.id, route, event, later)\n",
        "",
        f"{CRASHES}[one_event-killed-after-True]",
    ),
    # A process that dies in between has delivered what nobody got.
    "a delivery is marked as delivered before it is sent": Mutant(
        "shared/stages/send.py",
        "        return _sent(claimed, ready, request, *await self._exchange(ready, request))\n",
        "        marked = replace(claimed, status=Status.DELIVERED)\n"
        "        claimed = await self.receipts.save(ready.section.id, marked)\n"
        "        return _sent(claimed, ready, request, *await self._exchange(ready, request))\n",
        f"{CRASHES}[one_event-killed-before-True]",
    ),
    # Two workers may have read the same row.
    "a claim is written whatever stands there by now": Mutant(
        "shared/stages/send.py",
        "        return await self.receipts.save(ready.section.id, claimed)\n",
        "        return await self.receipts.save(ready.section.id, replace(claimed, etag=None))\n",
        "tests/operations/test_concurrency.py::test_two_workers_at_one_delivery_send_once",
    ),
    # Without the receipt nobody knows any more on whose timeline the event stands.
    "an expired event goes before what hangs on it": Mutant(
        "shared/operations/purge.py",
        "    await asyncio.gather(*(_forget(line, section, event) for event in events))\n"
        "    await line.ledger.purge(section, row)\n",
        "    await line.ledger.purge(section, row)\n"
        "    await asyncio.gather(*(_forget(line, section, event) for event in events))\n",
        "tests/operations/test_purge.py::test_a_purge_that_is_cut_short_anywhere_is_finished_by_the_next",
    ),
    # What is off the list and not on the bus waits for ever.
    "a parked delivery leaves the list before it is handed off": Mutant(
        "shared/operations/unpark.py",
        '        reached("unpark.reopened")\n',
        '        await line.due.remove(waiting)\n        reached("unpark.reopened")\n',
        f"{CRASHES}[a_park_and_resume-killed-after-True]",
    ),
    # Nobody sends the webhook again: its sender was told that it was taken.
    "a kept webhook is forgotten before it is an event": Mutant(
        "shared/operations/mend.py",
        "    told = await take(line, section, source, request)\n",
        "    await line.quarantine.remove(section.id, item)\n    told = await take(line, section, source, request)\n",
        f"{CRASHES}[a_quarantine_replay-killed-after-True]",
    ),
    # An app role is the tenant's word, and a section has its own.
    "a token may do all that its roles say": Mutant(
        "shared/access/clients.py",
        "        scopes=grant.scopes & reach(scopes_of(record)),\n",
        "        scopes=grant.scopes,\n",
        "tests/access/test_clients.py::test_a_registered_client_is_let_in_with_what_token_and_registration_both_give",
    ),
    # Whoever makes key ids up would have us ask the issuer as often.
    "an unknown key id is asked for each time": Mutant(
        "shared/access/signing_keys.py",
        "        self._next_at = now + (COOL_DOWN_SECONDS if found else AWAY_SECONDS)\n",
        "",
        "tests/access/test_signing_keys.py::test_a_key_that_is_not_known_is_fetched_once_a_cool_down",
    ),
    # A change that nobody is named for.
    "a change is not told": Mutant(
        "shared/registry.py",
        "            await self._tables.transact(REGISTRY.name, [row, self._audit(record, done)])\n",
        "            await self._tables.transact(REGISTRY.name, [row])\n",
        "tests/access/test_audit.py::test_what_was_refused_leaves_no_row",
    ),
    # A receiver that drops what it knows would answer that all is well, and do nothing.
    "what was delivered is replayed under the id that its receiver knows": Mutant(
        "shared/operations/replay.py",
        '    return wanted == "new" or (wanted is None and status == Status.DELIVERED)\n',
        '    return wanted == "new"\n',
        f"{REPLAYS}::test_what_was_delivered_goes_once_more_under_an_id_that_nobody_knows_and_its_receipt_says_so",
    ),
    # What did arrive would be a dead letter.
    "what was delivered is started anew though nobody may get it": Mutant(
        "shared/operations/replay.py",
        "        await _check(line, section, ended)\n",
        "        pass\n",
        f"{REPLAYS}::test_what_is_stale_by_now_stays_delivered",
    ),
    # Whoever mends a mapping has no need to know whose it is.
    "who reads a dead letter reads whose it is": Mutant(
        "shared/operations/letter.py",
        "documents.read_person(redaction.value(came))",
        "documents.read_person(came)",
        "tests/operations/test_letter.py::test_it_tells_what_came_back_and_the_request_without_values",
    ),
}
