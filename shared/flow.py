"""The map of Signalbox: how an event travels. Read this first.

    source ──▶ receive ─▶ authenticate ─▶ translate ─▶ validate ─▶ record ─▶ hand off ─▶ 202
                                                                            │ queue: events
               resolve person ◀─ process ◀──────────────────────────────────┘
                  ─▶ gate consent ─▶ timeline ─▶ route ─▶ queue: deliveries
                                                              │
               deliver ◀──────────────────────────────────────┘
                  ─▶ build ─▶ send ─▶ delivered | retry later | held | dead letter ─▶ (replay)

The doors in `functions` receive and authenticate; what follows is here, a comment a step.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from shared import ids
from shared.access.caller import Caller
from shared.access.sections import Section
from shared.access.sources import Source
from shared.errors import (
    MethodNotAllowed,
    NotFound,
    PausedSource,
    SignalboxError,
    Unauthenticated,
    Unavailable,
)
from shared.event import Draft, Stored
from shared.killpoints import reached
from shared.line import Line
from shared.messages import CommitMessage, DeliveryMessage
from shared.people.identifiers import identifiers
from shared.ports import RowExists
from shared.sources import Facts, Greeting, Policy, Received, SourceKind
from shared.sources.doctor import Case, diagnose
from shared.sources.genuine import check
from shared.sources.verifier import Rejected
from shared.stages import receive, translate
from shared.stages.check import Checked
from shared.stages.record import Candidate, Outcome, Recorded, State
from shared.stages.route import Decision, decide
from shared.stages.verdict import Accepted, Verdict, verdict
from shared.stores.trail import Status, Trail

_TRIES = 3
_PAUSED = PausedSource("The source is paused. Its webhooks are kept, and taken in when it is resumed.")


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


@dataclass(frozen=True, slots=True)
class Hooked:
    """How a genuine webhook ended, and what its sender makes of answers.

    `events`: what it became, in order, or None: it cannot become that yet, and lies in quarantine.
    """

    policy: Policy
    events: tuple[Accepted, ...] | None


async def webhook(line: Line, source_id: str, request: Received) -> Hooked | Greeting:
    """Take a webhook in, or answer its sender's ping.

    Raises NotFound for an unknown source, Unauthenticated for a signature that does not hold, LengthRequired,
    QuotaExceeded, Unavailable.
    """
    section, source, kind, public = await _met(line, source_id, request)
    verified = check(kind.proofs, public, source.secrets, line.clock.now())
    if isinstance(verified, Rejected) and not source.unverified:
        if line.quotas.is_rejection_kept(source):
            why = diagnose(Case(kind.proofs, public, request.url, source.secrets, line.clock.now()), verified)
            await line.rejected.note(
                section.id, source.id, verified.reason, request.headers, request.body, why
            )
        reached("flow.webhook-rejected")
        raise Unauthenticated(f"The signature does not hold: {verified.reason}.")
    if (greeting := translate.greeting(source, kind, public)) is not None:
        return greeting
    line.quotas.of_source(source, section, kind.policy)
    # Whatever is wrong from here on, the sender cannot mend it, and some would disable us for refusing it: it is kept.
    told = [_PAUSED] if source.paused else await take(line, section, source, public)
    away = [one for one in told if isinstance(one, Unavailable)]
    if away:
        # All of it comes again, and what was accepted is a repeat then.
        raise max(away, key=lambda one: one.retry_after)
    wrong = next((one for one in told if isinstance(one, SignalboxError)), None)
    if wrong is None:
        return Hooked(kind.policy, tuple(one for one in told if isinstance(one, Accepted)))
    await line.quarantine.keep(section.id, line.quarantine.item(source.id, request, wrong, kind.headers))
    reached("flow.webhook-kept")
    return Hooked(kind.policy, None)


async def greet(line: Line, source_id: str, request: Received) -> Greeting:
    """Answer a sender that asks by GET, HEAD or OPTIONS whether we take its webhooks; a paused source does.

    Raises NotFound for an unknown source, MethodNotAllowed where its kind asks nothing in this way, Unavailable.
    """
    _, source, kind, public = await _met(line, source_id, request)
    greeting = translate.greeting(source, kind, public)
    if greeting is None:
        raise MethodNotAllowed("Send webhooks by POST to this path.", ("POST",))
    return greeting


async def _met(line: Line, source_id: str, request: Received) -> tuple[Section, Source, SourceKind, Received]:
    """Who is meant by a hook's path, and the request as its sender knows it."""
    source = await line.sources.find(source_id)
    if source is None:
        raise NotFound("There is no such source.")
    # The signature covers the bytes as they were sent, so they have to be here, and the URL as the sender knows it.
    receive.require_arrived(request)
    section = await line.sections.read(source.section)
    public = receive.at_public_url(request, section.public_base_url)
    return section, source, translate.kind_of(source), public


async def take(line: Line, section: Section, source: Source, request: Received) -> Sequence[Verdict]:
    """What a genuine webhook becomes with its source's types and mappings of now: a verdict for each of its events."""
    caller = Caller(section.id, frozenset(), source.id, source.label, source.id)
    try:
        found = translate.facts(source, replace(request, body=receive.body_of(request)))
    except SignalboxError as error:
        return [error]
    drafts = [_drafted(source, one) for one in found]
    verdicts = await intake(line, caller, drafts, key_decides=True) if found else []
    for n, (one, draft, told) in enumerate(zip(found, drafts, verdicts, strict=True)):
        if isinstance(draft, SignalboxError) and one.delivery_id is not None:
            # Mappings move on; what was accepted once under this delivery id is that event still.
            repeated = await line.checker.repeated(section, caller, one.delivery_id)
            if repeated is not None:
                verdicts[n] = verdict(repeated, "", keyed=True, key_decides=True)
        elif isinstance(told, Accepted) and told.differs:
            reached("flow.webhook-repeated")
            await line.receipts.note_difference(section.id, told.id)
    return verdicts


def _drafted(source: Source, found: Facts) -> Draft | SignalboxError:
    try:
        return translate.webhook(source, found)
    except SignalboxError as error:
        return error


async def process(line: Line, message: CommitMessage) -> None:
    """Decide where the events of a commit go, write that down, and hand the deliveries off."""
    section = await line.sections.read(message.section)
    if section.paused:
        # It waits until the section is resumed; nobody sends it again meanwhile.
        await line.outbox.park(section.id, message.commit)
        reached("flow.commit-parked")
        return
    stored = await line.ledger.commit(section.id, message.commit)
    reached("flow.commit-read")
    # Who is it about, what have they refused, and which routes take it?
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


async def deliver(line: Line, message: DeliveryMessage) -> None:
    """Take deliveries of one route a step further, each for itself. Raises what broke one once all had a go."""
    section = await line.sections.read(message.section)
    ended = await asyncio.gather(
        *(line.forwarder.forward(section, message.route, event) for event in message.events),
        return_exceptions=True,
    )
    reached("flow.forwarded")
    for result in ended:
        if isinstance(result, BaseException) and not isinstance(result, Unavailable):
            raise result
    # What could not be tried now comes again later, alone: the others have messages of their own.
    later = [
        event for event, result in zip(message.events, ended, strict=True) if isinstance(result, Unavailable)
    ]
    if later:
        again = DeliveryMessage(section.id, message.route, tuple(later)).write()
        await line.hand_off.again(line.hand_off.deliveries_queue, again)
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
    routes = await line.routes.of_event(section.id, event.event)
    found = identifiers(event.person, section.country)
    # A test event starts nothing, so it makes nobody up either. What a browser says of a person is a claim: it may find
    # somebody, and adds nothing to them.
    create = event.trust == "server" and not event.test
    person = await line.people.resolve(section, found, create=create)
    # Consent belongs to addresses: those that came along, and those that are known of the person.
    said = person.refused if person else await line.people.refused(section, None, event.person)
    refused = {route.purpose for route in routes} & said
    return Decision(stored, person, refused, routes)


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
