"""The line as its parts: everything that the flow calls, put together once per process by `wiring`."""

from dataclasses import dataclass

from shared.access.audit import Audit
from shared.access.clients import Clients
from shared.access.keys import Keys
from shared.access.quotas import Quotas
from shared.access.reseal import Reseal
from shared.access.sections import Sections
from shared.access.sources import Sources
from shared.catalog.definitions import Definitions
from shared.people.consents import Consents
from shared.people.identity import People
from shared.people.timeline import Timeline
from shared.ports import Clock, Meter, Spans
from shared.probe import Probe
from shared.routing.destinations import Destinations
from shared.routing.routes import Routes
from shared.routing.subscriptions import Subscriptions
from shared.stages.check import Checker
from shared.stages.forward import Forwarder
from shared.stages.hand_off import HandOff
from shared.stages.lanes import Lanes
from shared.stages.record import Recorder
from shared.stages.tell import Teller
from shared.stores.alerts import AlertStore
from shared.stores.beat import Beat
from shared.stores.belongings import Belongings
from shared.stores.contents import Contents
from shared.stores.dead_letters import DeadLetters
from shared.stores.due import Due
from shared.stores.firsts import Firsts
from shared.stores.ledger import Ledger
from shared.stores.outbox import Outbox
from shared.stores.quarantine import Quarantine
from shared.stores.receipts import Receipts
from shared.stores.rejected import Rejected
from shared.stores.replays import Replays
from shared.stores.rollups import Rollups
from shared.stores.used import Used


@dataclass(frozen=True, slots=True)
class Line:
    """Stages first, in flow order, then what they and the services stand on."""

    checker: Checker
    recorder: Recorder
    hand_off: HandOff
    lanes: Lanes
    forwarder: Forwarder
    teller: Teller
    ledger: Ledger
    outbox: Outbox
    receipts: Receipts
    people: People
    consents: Consents
    timeline: Timeline
    routes: Routes
    destinations: Destinations
    subscriptions: Subscriptions
    definitions: Definitions
    sections: Sections
    reseal: Reseal
    keys: Keys
    clients: Clients
    audit: Audit
    sources: Sources
    quotas: Quotas
    used: Used
    rejected: Rejected
    quarantine: Quarantine
    dead_letters: DeadLetters
    due: Due
    firsts: Firsts
    belongings: Belongings
    contents: Contents
    replays: Replays
    rollups: Rollups
    alerts: AlertStore
    beat: Beat
    probe: Probe
    meter: Meter
    spans: Spans
    clock: Clock
