"""How a webhook becomes events: its source, its signature, its facts and its mappings; then it flows like any other.

What is genuine is never refused for what we could not do with it: it is kept in quarantine.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from shared import flow, steps
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
from shared.event import Draft
from shared.killpoints import reached
from shared.line import Line
from shared.sources import Facts, Greeting, Policy, Received, SourceKind
from shared.sources.doctor import Case, diagnose
from shared.sources.genuine import check
from shared.sources.verifier import Rejected
from shared.stages import receive, translate
from shared.stages.account import of_verdicts
from shared.stages.recognise import meant, recognise
from shared.stages.verdict import Accepted, Verdict, verdict

_PAUSED = PausedSource("The source is paused. Its webhooks are kept, and taken in when it is resumed.")


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
    steps.note(section=section.id, source=source.label, kind=source.kind)
    verified = check(kind.proofs, public, source.secrets, line.clock.now())
    if isinstance(verified, Rejected) and not source.unverified:
        if line.quotas.is_rejection_kept(source):
            why = diagnose(Case(kind.proofs, public, request.url, source.secrets, line.clock.now()), verified)
            await line.rejected.note(
                section.id, source.id, verified.reason, request.headers, request.body, why
            )
        reached("hooks.webhook-rejected")
        raise Unauthenticated(f"The signature does not hold: {verified.reason}.")
    if (greeting := translate.greeting(source, kind, public)) is not None:
        return greeting
    line.quotas.of_source(source, section, kind.policy)
    # Whatever is wrong from here on, the sender cannot mend it, and some would disable us for refusing it: it is kept.
    told = [_PAUSED] if source.paused else await take(line, section, source, public, counted=True)
    away = [one for one in told if isinstance(one, Unavailable)]
    if away:
        # All of it comes again, and what was accepted is a repeat then.
        raise max(away, key=lambda one: one.retry_after)
    of_verdicts(line.meter, "webhook", told)
    wrong = next((one for one in told if isinstance(one, SignalboxError)), None)
    if wrong is None:
        return Hooked(kind.policy, tuple(one for one in told if isinstance(one, Accepted)))
    mentions = recognise(section, source, public)
    events = meant(source, public, told)
    kept = line.quarantine.item(source.id, request, wrong, kind.headers, mentions, events)
    await line.quarantine.keep(section.id, kept)
    reached("hooks.webhook-kept")
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
    section = None if source is None else await line.sections.find(source.section)
    if source is None or section is None:
        raise NotFound("There is no such source.")
    # The signature covers the bytes as they were sent, so they have to be here, and the URL as the sender knows it.
    receive.require_arrived(request)
    public = receive.at_public_url(request, section.public_base_url)
    return section, source, translate.kind_of(source), public


async def take(
    line: Line, section: Section, source: Source, request: Received, *, counted: bool = False
) -> Sequence[Verdict]:
    """What a genuine webhook becomes with its source's types and mappings of now: a verdict for each of its events.

    `counted`: its events are taken from the quotas, before anybody else has a turn.
    """
    caller = Caller(section.id, frozenset(), source.id, source.label, source.id)
    try:
        found = translate.facts(source, replace(request, body=receive.body_of(request)))
    except SignalboxError as error:
        return [error]
    if counted:
        line.quotas.carried(source, section, len(found))
    drafts = [_drafted(source, one) for one in found]
    verdicts = await flow.intake(line, caller, drafts, key_decides=True) if found else []
    for n, (one, draft, told) in enumerate(zip(found, drafts, verdicts, strict=True)):
        if isinstance(draft, SignalboxError) and one.delivery_id is not None:
            # Mappings move on; what was accepted once under this delivery id is that event still.
            repeated = await line.checker.repeated(section, caller, one.delivery_id)
            if repeated is not None:
                verdicts[n] = verdict(repeated, "", keyed=True, key_decides=True)
        elif isinstance(told, Accepted) and told.differs:
            reached("hooks.webhook-repeated")
            await line.receipts.note_difference(section.id, told.id)
    return verdicts


def _drafted(source: Source, found: Facts) -> Draft | SignalboxError:
    try:
        return translate.webhook(source, found)
    except SignalboxError as error:
        return error
