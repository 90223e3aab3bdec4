"""The only chooser of implementations: settings in, the line with its adapters out."""

import logging
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from time import monotonic
from typing import TypedDict

from shared.access.audit import KEPT, Audit
from shared.access.clients import Clients
from shared.access.entra import Entra
from shared.access.issuer import Issuer
from shared.access.keys import Keys
from shared.access.quotas import Quotas
from shared.access.reseal import Reseal
from shared.access.sections import Sections
from shared.access.sources import Sources
from shared.adapters import (
    app_identity,
    blobs_of,
    http_of,
    queue_of,
    seal_of,
    tables_of,
    telemetry_of,
)
from shared.catalog.compiled import Catalog
from shared.catalog.definitions import Definitions
from shared.counts import Counts
from shared.line import Line
from shared.off import NO_METER, NO_SPANS
from shared.people.consents import Consents
from shared.people.directory import Directory
from shared.people.identity import People
from shared.people.timeline import Timeline
from shared.ports import Blobs, Clock, Http, Identity, Meter, Queue, Seal, Spans, Tables
from shared.probe import Probe
from shared.registry import Registry
from shared.routing.access_tokens import AccessTokens
from shared.routing.destinations import Destinations
from shared.routing.routes import Routes
from shared.routing.subscriptions import Subscriptions
from shared.settings import settings
from shared.stages.account import Account
from shared.stages.breakers import Breakers
from shared.stages.check import Checker
from shared.stages.conclude import Conclude
from shared.stages.forward import Forwarder
from shared.stages.gate import Gate
from shared.stages.hand_off import HandOff
from shared.stages.lanes import Lane, Lanes
from shared.stages.rates import Rates
from shared.stages.record import Recorder
from shared.stages.send import Sender
from shared.stages.tell import Teller
from shared.stages.validate import Validator
from shared.stores.alerts import AlertStore
from shared.stores.beat import Beat
from shared.stores.belongings import Belongings
from shared.stores.contents import Contents
from shared.stores.dead_letters import DeadLetters
from shared.stores.delivered import Delivered
from shared.stores.due import Due
from shared.stores.firsts import Firsts
from shared.stores.ledger import Ledger
from shared.stores.notices import Notices
from shared.stores.outbox import Outbox
from shared.stores.quarantine import Quarantine
from shared.stores.receipts import Receipts
from shared.stores.refusals import Refusals
from shared.stores.rejected import Rejected
from shared.stores.replays import Replays
from shared.stores.rollups import Rollups
from shared.stores.spent import SpentStore
from shared.stores.taken import Taken
from shared.stores.used import Used

MARK_PAUSE_SECONDS = 0.2
"""How long marks of what was sent gather: nobody waits for them, and without one a commit is only sent once more."""
SPENT_PAUSE_SECONDS = 60
"""How long what was taken of quotas gathers before it is told to whoever looks at usage."""
JOIN_PAUSE_SECONDS = 0.01
"""How long what is added to people and timelines gathers, and deliveries that have ended: these are as long unknown to
whoever comes next if the process ends."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def seconds(self) -> float:
        return monotonic()


@lru_cache
def _telemetry() -> tuple[Meter, Spans]:
    """Of the process, once: it begins threads, and where the rest of the line cannot be made each request tries anew."""
    return telemetry_of(settings())


@lru_cache
def line() -> Line:
    """The line of this process, put together on first use."""
    chosen = settings()
    logging.getLogger("signalbox").setLevel(chosen.signalbox_log_level)
    meter, spans = _telemetry()
    return assemble(
        tables=tables_of(chosen, meter=meter),
        blobs=blobs_of(chosen),
        queue=queue_of(chosen, meter),
        seal=seal_of(chosen),
        http=http_of(chosen),
        identity=app_identity(),
        clock=SystemClock(),
        issuer=chosen.issuer,
        queues=(chosen.events_queue, chosen.deliveries_queue, chosen.slow_queue),
        mark_pause=MARK_PAUSE_SECONDS,
        join_pause=JOIN_PAUSE_SECONDS,
        spent_pause=SPENT_PAUSE_SECONDS,
        forbid_unverified=chosen.signalbox_forbid_unverified,
        audit_kept=timedelta(days=chosen.signalbox_audit_days),
        meter=meter,
        spans=spans,
    )


def assemble(  # noqa: PLR0913  (one argument a port: this is where they meet)
    *,
    tables: Tables,
    blobs: Blobs,
    queue: Queue,
    seal: Seal,
    http: Http,
    identity: Identity,
    clock: Clock,
    issuer: Issuer | None = None,
    queues: tuple[str, str, str] = ("events", "deliveries", "deliveries-slow"),
    mark_pause: float = 0,
    join_pause: float = 0,
    spent_pause: float = 0,
    forbid_unverified: bool = False,
    audit_kept: timedelta = KEPT,
    meter: Meter = NO_METER,
    spans: Spans = NO_SPANS,
) -> Line:
    """The line on the given ports: real adapters in a deployment, fakes in a test."""
    registry, directory = Registry(tables, clock.seconds, clock.now), Directory(tables, clock, join_pause)
    ledger, outbox, receipts, due = _kept(tables, blobs, join_pause)
    routes, destinations = Routes(registry, clock), Destinations(registry, seal, clock)
    dead_letters, sections = DeadLetters(tables, receipts, outbox, clock), Sections(registry, seal, clock)
    hand_off = HandOff(queue, outbox, due, clock, queues, mark_pause)
    recorder, people = Recorder(ledger, outbox, clock), People(directory)
    gate = Gate(ledger, routes, destinations, people, AccessTokens(http, identity, clock), clock)
    conclude = _conclude(tables, routes, destinations, Subscriptions(registry, seal, clock), clock)
    account = Account(meter, spans, clock)
    breakers, counts = Breakers(clock), Counts(Taken(tables), clock)
    sender = Sender(receipts, gate, http, breakers, Rates(counts, clock), meter, clock, join_pause)
    return Line(
        checker=Checker(Validator(Catalog(registry)), recorder, Refusals(tables, clock, mark_pause), clock),
        recorder=recorder,
        hand_off=hand_off,
        lanes=Lanes(Lane(queues[1]), Lane(queues[2]), breakers),
        forwarder=Forwarder(gate, receipts, dead_letters, due, hand_off, sender, conclude, account, clock),
        teller=conclude.teller,
        ledger=ledger,
        outbox=outbox,
        receipts=receipts,
        people=people,
        consents=Consents(directory, clock),
        timeline=Timeline(tables, join_pause),
        routes=routes,
        destinations=destinations,
        subscriptions=conclude.subscriptions,
        sections=sections,
        clients=Clients(registry, clock, Entra(issuer, http, clock) if issuer else None),
        sources=Sources(registry, seal, clock, forbid_unverified=forbid_unverified),
        quotas=Quotas(counts, SpentStore(tables, clock, spent_pause)),
        dead_letters=dead_letters,
        due=due,
        probe=Probe(Beat(tables), sections, blobs, (queue, queues[0]), clock),
        meter=meter,
        spans=spans,
        clock=clock,
        **_documents(registry, seal, clock, audit_kept),
        **_stores(tables, blobs, clock),
    )


class _Documents(TypedDict):
    """What of a line needs the configuration, and nothing else of it."""

    definitions: Definitions
    reseal: Reseal
    keys: Keys
    audit: Audit


def _documents(registry: Registry, seal: Seal, clock: Clock, audit_kept: timedelta) -> _Documents:
    return {
        "definitions": Definitions(registry, clock),
        "reseal": Reseal(registry, seal),
        "keys": Keys(registry, clock),
        "audit": Audit(registry, audit_kept),
    }


class _Stores(TypedDict):
    """What of a line needs storage, and perhaps a clock, and nothing else of it."""

    quarantine: Quarantine
    belongings: Belongings
    beat: Beat
    alerts: AlertStore
    used: Used
    rejected: Rejected
    contents: Contents
    firsts: Firsts
    replays: Replays
    rollups: Rollups


def _stores(tables: Tables, blobs: Blobs, clock: Clock) -> _Stores:
    return {
        "quarantine": Quarantine(tables, blobs, clock),
        "belongings": Belongings(tables, blobs),
        "beat": Beat(tables),
        "alerts": AlertStore(tables),
        "used": Used(tables, clock),
        "rejected": Rejected(tables, clock),
        "contents": Contents(tables),
        "firsts": Firsts(tables),
        "replays": Replays(tables),
        "rollups": Rollups(tables),
    }


def _kept(tables: Tables, blobs: Blobs, join_pause: float) -> tuple[Ledger, Outbox, Receipts, Due]:
    return Ledger(tables, blobs), Outbox(tables), Receipts(tables, join_pause), Due(tables)


def _conclude(
    tables: Tables, routes: Routes, destinations: Destinations, subscriptions: Subscriptions, clock: Clock
) -> Conclude:
    teller = Teller(routes, Notices(tables), clock)
    return Conclude(destinations, subscriptions, Delivered(tables, clock), teller, clock)
