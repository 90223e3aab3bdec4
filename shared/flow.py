"""The map of Signalbox: how an event travels. Read this first.

    source ──▶ receive ─▶ authenticate ─▶ translate ─▶ validate ─▶ record ─▶ hand off ─▶ 202
                                                                            │ queue: events
               resolve person ◀─ process ◀──────────────────────────────────┘
                  ─▶ gate consent ─▶ timeline ─▶ route ─▶ queue: deliveries
                                                              │
               deliver ◀──────────────────────────────────────┘
                  ─▶ build ─▶ send ─▶ delivered | retry later | held | dead letter ─▶ (replay)

The doors in `functions` receive and authenticate, and `hooks` does so for webhooks; what follows is here, a comment a step.
"""

import asyncio
from collections.abc import Mapping, Sequence

from shared import ids, steps
from shared.access.caller import Caller
from shared.access.sections import Section
from shared.errors import (
    SignalboxError,
    Unavailable,
)
from shared.event import Draft, Stored
from shared.killpoints import reached
from shared.line import Line
from shared.messages import CommitMessage, DeliveryMessage
from shared.people.identifiers import identifiers
from shared.ports import RowExists
from shared.stages import account
from shared.stages.check import Checked
from shared.stages.compare import earlier
from shared.stages.lanes import Lane
from shared.stages.record import Candidate, Outcome, Recorded, State
from shared.stages.route import Decision, decide
from shared.stages.verdict import Verdict, verdict
from shared.stores.reasons import Reason
from shared.stores.trail import Status, Trail

_TRIES = 3


async def intake(
    line: Line, caller: Caller, drafts: Sequence[Draft | SignalboxError], *, key_decides: bool = False
) -> list[Verdict]:
    """Take events in: each gets a verdict of its own, in order. Accepted means stored.

    `key_decides`: what comes again under a known key is a repeat whatever it says, as with webhooks.
    """
    section = await line.sections.read(caller.require_section())
    # Check each against its definition; a redelivery that no longer fits is still a repeat.
    checked = await asyncio.gather(
        *(line.checker.check(section, caller, draft, key_decides=key_decides) for draft in drafts)
    )
    # Store what is new, in one conditional insert a group.
    fresh = [n for n, one in enumerate(checked) if isinstance(one, Candidate)]
    recorded = await line.recorder.record(section, [one for one in checked if isinstance(one, Candidate)])
    outcomes: list[Outcome | Checked] = list(checked)
    for n, outcome in zip(fresh, recorded, strict=True):
        outcomes[n] = outcome
    # Hand off what is new, and what was stored once and maybe never handed off.
    await line.hand_off.commits(section.id, _unsent(outcomes))
    return [
        _told(outcome, one, draft, key_decides=key_decides)
        for outcome, one, draft in zip(outcomes, checked, drafts, strict=True)
    ]


async def process(line: Line, message: CommitMessage) -> None:
    """Decide where the events of a commit go, write that down, and hand the deliveries off."""
    with steps.step(line.spans, "process", "consumer", section=message.section) as step:
        step.note(commit=message.commit.id)
        await _process(line, message, step)


async def _process(line: Line, message: CommitMessage, step: steps.Step) -> None:
    section = await line.sections.find_now(message.section)
    if section is None:
        # It has been deleted, and its events with it.
        step.note(outcome="gone")
        return
    if section.paused:
        # It waits until the section is resumed; nobody sends it again meanwhile.
        await line.outbox.park(section.id, message.commit)
        reached("flow.commit-parked")
        step.note(outcome="parked", reason=Reason.SECTION_PAUSED.value)
        return
    stored = await line.ledger.commit(section.id, message.commit)
    reached("flow.commit-read")
    # Who is it about, what have they refused, which routes take it, and did an earlier one say the same?
    decisions = await asyncio.gather(*(_decide(line, section, one) for one in stored))
    reached("flow.decided")
    # What happened to whom, for everyone who asks later: before the trails, which say that an event is processed.
    people = [(d.person.person, d.stored) for d in decisions if d.person]
    await asyncio.gather(*(line.timeline.add(section.id, person, one) for person, one in people))
    reached("flow.timelines-written")
    trails = await _write(line, section, message, decisions)
    reached("flow.receipts-written")
    # Hand the deliveries off; a commit that never had one open is finished.
    pending = _pending(trails)
    whole = sum(map(len, pending.values())) == sum(trail.open_deliveries for trail in trails.values())
    for route, events in pending.items():
        await line.hand_off.deliveries(section.id, route, events, whole=whole and len(pending) == 1)
    if all(trail.starts_nothing for trail in trails.values()):
        await line.outbox.finish(section.id, message.commit)
    reached("flow.commit-processed")
    account.of_commit(line.meter, line.spans, step, decisions, trails)


async def deliver(line: Line, message: DeliveryMessage, *, slow: bool = False) -> None:
    """Take deliveries of one route a step further, each for itself. Raises what broke one once all had a go.

    `slow`: they come by the slow lane.
    """
    with steps.step(line.spans, "deliver", "consumer", section=message.section) as step:
        step.note(route=message.route, events=len(message.events))
        await _deliver(line, message, step, slow=slow)


async def _deliver(line: Line, message: DeliveryMessage, step: steps.Step, *, slow: bool) -> None:
    section = await line.sections.find_now(message.section)
    if section is None:
        step.note(outcome="gone")
        return
    # No destination holds up the others: one that lags goes on in the slow lane, and so does what exceeds its share.
    lane = line.lanes.slow if slow else line.lanes.quick
    route = await line.routes.find(section.id, message.route)
    place = (section.id, route.destination if route else "")
    step.note(destination=place[1] or None, queue=lane.queue)
    async with line.lanes.enter(lane, place) as may:
        if may:
            await _forward(line, section, message, lane)
        else:
            await line.hand_off.put_off(message, slow=slow)
            step.note(outcome="put off")


async def _forward(line: Line, section: Section, message: DeliveryMessage, lane: Lane) -> None:
    ended = await asyncio.gather(
        *(line.forwarder.forward(section, message.route, event, lane.slots) for event in message.events),
        return_exceptions=True,
    )
    reached("flow.forwarded")
    for result in ended:
        if isinstance(result, BaseException) and not isinstance(result, Unavailable):
            raise result
    # What could not be tried now comes again later, alone: the others have messages of their own.
    stopped = {
        event: why for event, why in zip(message.events, ended, strict=True) if isinstance(why, Unavailable)
    }
    if stopped:
        steps.note(outcome="put off", reason="unavailable")
        await line.hand_off.later(lane.queue, section.id, message.route, stopped)
        return
    # What has ended as a whole leaves the outbox at once; the sweeper sees to the rest.
    if all(ended):
        commits = dict.fromkeys(ids.commit_of(event) for event in message.events)
        await asyncio.gather(*(_finish(line, section.id, one, known=message.whole) for one in commits))
    reached("flow.delivered")


async def _finish(line: Line, section: str, commit: ids.Commit, *, known: bool) -> None:
    """Take a commit out of the outbox if it has ended: that is `known`, or its trails are asked."""
    trails = {} if known else await line.receipts.trails(section, commit)
    if not any(trail.open for trail in trails.values()):
        await line.outbox.finish(section, commit)


async def _decide(line: Line, section: Section, stored: Stored) -> Decision:
    event = stored.event
    existing = await line.routes.of_event(section.id, event.event)
    routes = [route for route in existing if route.takes(stored)]
    found = identifiers(event.person, section.country)
    # A test event starts nothing, so it makes nobody up either. What a browser says of a person is a claim: it may find
    # somebody, and adds nothing to them.
    create = event.trust == "server" and not event.test
    person = await line.people.resolve(section, found, create=create)
    # Consent belongs to addresses: those that came along, and those that are known of the person.
    said = person.refused if person else await line.people.refused(section, None, event.person)
    refused = {route.purpose for route in routes} & said
    alike = await earlier(line.firsts, section, stored, line.clock.now())
    return Decision(stored, person, refused, routes, alike, passed_by=len(existing) - len(routes))


async def _write(
    line: Line, section: Section, message: CommitMessage, decisions: Sequence[Decision]
) -> Mapping[str, Trail]:
    """Write the trails; when that was done before, or another worker was faster, what is there stands."""
    already: Mapping[str, Trail] = {}
    for _ in range(_TRIES):
        trails = {
            one.stored.id: decide(one, already.get(one.stored.id, Trail()), line.clock.now())
            for one in decisions
        }
        try:
            await line.receipts.write(section.id, message.commit, trails)
        except RowExists:
            already = await line.receipts.trails(section.id, message.commit)
            continue
        return trails
    raise Unavailable("Others are processing this commit right now.")


def _unsent(outcomes: Sequence[Outcome | Checked]) -> list[ids.Commit]:
    unsent = (State.NEW, State.PENDING)
    found = [one.id for one in outcomes if isinstance(one, Recorded) and one.state in unsent]
    return list(dict.fromkeys(ids.commit_of(id) for id in found))


def _told(
    outcome: Outcome | Checked, checked: Checked, draft: Draft | SignalboxError, *, key_decides: bool
) -> Verdict:
    if isinstance(outcome, Recorded) and isinstance(draft, Draft):
        said = checked.fingerprint if isinstance(checked, Candidate) else outcome.fingerprint
        return verdict(outcome, said, keyed=draft.key is not None, key_decides=key_decides)
    if isinstance(outcome, SignalboxError):
        return outcome
    raise TypeError("every candidate has an outcome")


def _pending(trails: Mapping[str, Trail]) -> dict[str, list[str]]:
    """The events to forward, by route. One that is being sent or waits has a message of its own."""
    routes: dict[str, list[str]] = {}
    for id, trail in trails.items():
        for delivery in trail.deliveries:
            if delivery.status is Status.PENDING:
                routes.setdefault(delivery.route, []).append(id)
    return routes
