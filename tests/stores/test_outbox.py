"""The outbox: a commit is found while something of it has to happen, and by nobody after."""

from datetime import UTC, datetime, timedelta

import pytest

from shared.ids import new_commit
from shared.ports import Operation, Verb
from shared.stores.outbox import FIRST_LOOK, Outbox, unsent_row
from tests.fakes import FakeTables

NOW = datetime(2026, 11, 22, 9, 15, tzinfo=UTC)
LATER = NOW + timedelta(days=1)
COMMIT = new_commit(NOW, 2, b"1234567")


async def outbox_with(*commits):
    tables = FakeTables()
    for commit in commits or (COMMIT,):
        await tables.transact("events", [Operation(Verb.INSERT, unsent_row("demo|2", commit))])
    return Outbox(tables)


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


async def test_a_look_moves_to_its_next_time_and_counts():
    outbox = await outbox_with()
    await outbox.sent("demo", [COMMIT], NOW)
    [first] = await due(outbox)

    await outbox.look_again(first, NOW + timedelta(hours=2), resent_at=None)
    assert await due(outbox, NOW + timedelta(hours=1)) == []
    [second] = await due(outbox)
    await outbox.look_again(second, NOW + timedelta(hours=3), resent_at=NOW + timedelta(hours=2))
    [third] = await due(outbox)

    assert [(one.looks, one.resends, one.sent_at) for one in (first, second, third)] == [
        (0, 0, NOW),
        (1, 0, NOW),
        (2, 1, NOW + timedelta(hours=2)),
    ]


async def test_a_look_that_somebody_else_closed_meanwhile_stays_closed():
    outbox = await outbox_with()
    await outbox.sent("demo", [COMMIT], NOW)
    [watched] = await due(outbox)
    await outbox.close(watched)

    await outbox.look_again(watched, NOW + timedelta(hours=2), resent_at=None)
    await outbox.close(watched)

    assert await due(outbox) == []


async def parked(outbox, most=100):
    return [one async for one in outbox.parked("demo", 2, most)]


async def park(outbox, state):
    """Park a commit that was unsent, watched since it was sent, watched under a later look, or has ended."""
    if state != "unsent":
        await outbox.sent("demo", [COMMIT], NOW)
    if state == "looked at":
        [watched] = await due(outbox)
        await outbox.look_again(watched, NOW + timedelta(hours=1), resent_at=None)
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
