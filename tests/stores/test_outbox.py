"""The outbox: a commit is found while something of it has to happen, and by nobody after."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from shared.ids import new_commit
from shared.ports import Operation, Verb
from shared.stores.outbox import FIRST_LOOK, MARKED_AT_ONCE, Outbox, unsent_row
from tests.fakes import FakeTables

NOW = datetime(2026, 11, 22, 9, 15, tzinfo=UTC)
LATER = NOW + timedelta(days=1)
COMMIT = new_commit(NOW, 2, b"1234567")


async def outbox_with(*commits):
    return (await furnished(*commits or (COMMIT,)))[1]


async def furnished(*commits):
    tables = FakeTables()
    for commit in commits:
        await tables.transact("events", [Operation(Verb.INSERT, unsent_row("demo|2", commit))])
    return tables, Outbox(tables)


async def unsent(outbox, before=LATER, most=100):
    return [one async for one in outbox.unsent("demo", 2, before, most)]


async def due(outbox, now=LATER, most=100):
    return [one async for one in outbox.due("demo", 2, now, most)]


async def test_a_commit_is_unsent_until_it_was_handed_off():
    outbox = await outbox_with()
    assert await outbox.is_unsent("demo", COMMIT)

    await outbox.sent("demo", [COMMIT], NOW)

    assert not await outbox.is_unsent("demo", COMMIT)
    assert await unsent(outbox) == []
    assert [one.commit for one in await due(outbox)] == [COMMIT]


async def test_only_what_is_old_enough_is_unsent_oldest_first_and_bounded():
    commits = [new_commit(NOW + timedelta(seconds=n), 2, b"1234567") for n in (2, 0, 1)]
    outbox = await outbox_with(*commits)

    assert await unsent(outbox, NOW + timedelta(seconds=2)) == [commits[1], commits[2]]
    assert await unsent(outbox, most=1) == [commits[1]]


async def test_a_commit_is_looked_at_first_a_minute_after_it_was_made():
    outbox = await outbox_with()
    await outbox.sent("demo", [COMMIT], NOW)

    assert await due(outbox, NOW + FIRST_LOOK) == []
    assert len(await due(outbox, NOW + FIRST_LOOK + timedelta(milliseconds=1))) == 1


async def test_what_has_ended_is_neither_unsent_nor_due():
    outbox = await outbox_with()
    await outbox.sent("demo", [COMMIT], NOW)

    await outbox.finish("demo", COMMIT)

    assert (await unsent(outbox), await due(outbox)) == ([], [])


async def test_what_ended_before_its_hand_off_was_noted_stays_ended():
    outbox = await outbox_with()

    await outbox.finish("demo", COMMIT)
    await outbox.sent("demo", [COMMIT], NOW)

    assert (await unsent(outbox), await due(outbox)) == ([], [])


async def test_what_was_reopened_is_looked_at_although_it_is_finished_at_that_moment():
    outbox = await outbox_with()
    await outbox.sent("demo", [COMMIT], NOW)

    await outbox.reopen("demo", COMMIT, NOW + timedelta(hours=1))
    await outbox.finish("demo", COMMIT)

    assert [one.commit for one in await due(outbox)] == [COMMIT]


async def test_a_look_moves_to_its_next_time_and_remembers_what_was_seen():
    outbox = await outbox_with()
    await outbox.sent("demo", [COMMIT], NOW)
    [first] = await due(outbox)

    stuck = replace(first, look_at=NOW + timedelta(hours=2), looks=1, stuck_at=NOW + timedelta(hours=1))
    await outbox.looked([stuck])
    assert await due(outbox, NOW + timedelta(hours=1)) == []
    [second] = await due(outbox)
    resent = replace(
        second,
        look_at=NOW + timedelta(hours=3),
        looks=2,
        resends=1,
        sent_at=NOW + timedelta(hours=2),
        stuck_at=None,
    )
    await outbox.looked([resent])
    [third] = await due(outbox)

    assert [replace(one, row=first.row) for one in (second, third)] == [
        replace(one, row=first.row) for one in (stuck, resent)
    ]


async def test_a_look_that_somebody_else_closed_meanwhile_stays_closed():
    outbox = await outbox_with()
    await outbox.sent("demo", [COMMIT], NOW)
    [watched] = await due(outbox)
    await outbox.looked([replace(watched, look_at=None)])

    await outbox.looked([replace(watched, look_at=NOW + timedelta(hours=2))])
    await outbox.looked([replace(watched, look_at=None)])

    assert await due(outbox) == []


async def test_commits_that_end_at_once_are_taken_out_together():
    commits = [new_commit(NOW + timedelta(seconds=n), 2, b"1234567") for n in range(5)]
    outbox = await outbox_with(*commits)
    await outbox.sent("demo", commits, NOW)
    before = outbox._tables.requests

    await asyncio.gather(*(outbox.finish("demo", commit) for commit in (*commits, commits[0])))

    assert outbox._tables.requests - before == 1
    assert await due(outbox) == []


async def test_one_that_was_not_marked_yet_ends_with_the_others():
    commits = [new_commit(NOW + timedelta(seconds=n), 2, b"1234567") for n in range(3)]
    outbox = await outbox_with(*commits)
    await outbox.sent("demo", commits[:2], NOW)

    await asyncio.gather(*(outbox.finish("demo", commit) for commit in commits))

    assert (await due(outbox), await unsent(outbox)) == ([], [])


async def test_many_looks_are_one_request_and_one_that_is_gone_disturbs_no_other():
    commits = [new_commit(NOW + timedelta(seconds=n), 2, b"1234567") for n in range(MARKED_AT_ONCE)]
    tables, outbox = await furnished(*commits)
    await outbox.sent("demo", commits, NOW)
    watches = [replace(one, look_at=LATER + timedelta(days=1)) for one in await due(outbox)]

    tables.requests = 0
    await outbox.looked(watches)
    assert tables.requests == 1

    watches = await due(outbox, LATER + timedelta(days=2))
    await outbox.looked([replace(watches[0], look_at=None)])
    await outbox.looked([replace(one, look_at=None) for one in watches])
    assert await due(outbox, LATER + timedelta(days=2)) == []


async def parked(outbox, most=100):
    return [one async for one in outbox.parked("demo", 2, most)]


async def park(outbox, state):
    """Park a commit that was unsent, watched since it was sent, watched under a later look, or has ended."""
    if state != "unsent":
        await outbox.sent("demo", [COMMIT], NOW)
    if state == "looked at":
        [watched] = await due(outbox)
        await outbox.looked([replace(watched, look_at=NOW + timedelta(hours=1))])
    if state == "ended":
        await outbox.finish("demo", COMMIT)
    await outbox.park("demo", COMMIT)


@pytest.mark.parametrize("state", ["unsent", "watched", "looked at", "ended"])
async def test_a_parked_commit_is_listed_and_no_longer_unsent(state):
    outbox = await outbox_with()

    await park(outbox, state)
    await outbox.park("demo", COMMIT)

    assert await parked(outbox) == [COMMIT]
    assert await unsent(outbox) == []


@pytest.mark.parametrize("state", ["unsent", "watched"])
async def test_a_parked_commit_is_nothing_to_sweep_also_when_its_mark_comes_late(state):
    outbox = await outbox_with()
    await park(outbox, state)

    await outbox.sent("demo", [COMMIT], NOW)

    assert await unsent(outbox) == await due(outbox) == []
    assert await parked(outbox) == [COMMIT]


async def test_an_unparked_commit_is_one_to_hand_off():
    outbox = await outbox_with()
    await park(outbox, "watched")

    assert await outbox.unpark("demo", COMMIT)
    assert not await outbox.unpark("demo", COMMIT), "somebody else has it"

    assert await parked(outbox) == []
    assert await unsent(outbox) == [COMMIT]
    await outbox.sent("demo", [COMMIT], LATER)
    await outbox.finish("demo", COMMIT)
    assert await unsent(outbox) == await due(outbox) == []


async def test_parked_commits_are_listed_oldest_first_and_bounded():
    commits = [new_commit(NOW + timedelta(seconds=n), 2, b"1234567") for n in (2, 0, 1)]
    outbox = await outbox_with(*commits)
    for commit in commits:
        await outbox.park("demo", commit)

    assert await parked(outbox) == [commits[1], commits[2], commits[0]]
    assert await parked(outbox, most=1) == [commits[1]]
