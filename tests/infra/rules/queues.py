"""Every queue that is used is there, and is as the code that works on its messages needs it."""

from collections.abc import Iterator
from datetime import timedelta

from pydantic import TypeAdapter

from functions.queues import PAUSE_SECONDS
from shared.destinations.settings import Timeout
from shared.stages.hand_off import LONGEST_ON_THE_BUS
from shared.stages.send import CLAIM_MARGIN, PATIENCE_SECONDS
from tests.infra.bicep import Deployment
from tests.infra.facts import Facts
from tests.infra.rules import NAMESPACE, QUEUE, app_settings

# https://learn.microsoft.com/azure/service-bus-messaging/service-bus-quotas
LONGEST_LOCK = timedelta(minutes=5)
AS_IN_THE_EMULATOR = {
    "lockDuration": "LockDuration",
    "maxDeliveryCount": "MaxDeliveryCount",
    "deadLetteringOnMessageExpiration": "DeadLetteringOnMessageExpiration",
    "requiresDuplicateDetection": "RequiresDuplicateDetection",
    "requiresSession": "RequiresSession",
}
_DURATION = TypeAdapter(timedelta)
_MOST_TIMEOUT = TypeAdapter(Timeout).json_schema()["maximum"]


def queues_are_those_that_are_used(deployment: Deployment, facts: Facts) -> Iterator[str]:
    settings, queues = app_settings(deployment), {one.body["name"] for one in deployment.of(QUEUE)}
    used = {settings.get(name) for name in facts.queues}
    for name in sorted(facts.queues):
        if settings.get(name) not in queues:
            yield f"{name} names no queue: {settings.get(name)!r}"
        if settings.get(name) != facts.queues[name]:
            yield f"{name} is {settings.get(name)!r}, and {facts.queues[name]!r} in the code"
    for name in sorted(queues - used):
        yield f"nobody uses the queue {name}"
    for one in facts.bindings:
        if one["type"] == "serviceBusTrigger" and one["queueName"].strip("%") not in facts.queues:
            yield f"{one['queueName']} is not a setting that names a queue"
    if queues != facts.emulator.keys():
        yield f"the emulator has other queues: {sorted(facts.emulator)}"


def queues_let_messages_be_worked_off(deployment: Deployment, facts: Facts) -> Iterator[str]:
    """A message stays locked as long as a function may run, and lives longer than it may be scheduled ahead."""
    host = facts.host["extensions"]["serviceBus"]
    renewed = _DURATION.validate_python(host["maxAutoLockRenewalDuration"])
    if renewed < _DURATION.validate_python(facts.host["functionTimeout"]):
        yield "a function may run for longer than its message's lock is renewed"
    longest = timedelta(seconds=PATIENCE_SECONDS + _MOST_TIMEOUT) + CLAIM_MARGIN
    for queue in deployment.of(QUEUE):
        properties, name = queue.body["properties"], queue.body["name"]
        lock = _DURATION.validate_python(properties["lockDuration"])
        if not longest <= lock <= LONGEST_LOCK:
            yield f"{name}: a lock of {lock} is no time for one attempt ({longest}), or longer than there is"
        if _DURATION.validate_python(properties["defaultMessageTimeToLive"]) < 2 * LONGEST_ON_THE_BUS:
            yield f"{name}: messages end before the time that they are scheduled for"
        if properties["maxDeliveryCount"] * PAUSE_SECONDS < 45:
            yield f"{name}: an outage of less than a minute uses up a message's deliveries"


def queues_neither_drop_nor_order(deployment: Deployment, facts: Facts) -> Iterator[str]:
    """Claims make repeats harmless; a queue that drops them would swallow replays. No order is promised."""
    for queue in deployment.of(QUEUE):
        properties, name = queue.body["properties"], queue.body["name"]
        for what in ("requiresDuplicateDetection", "requiresSession"):
            if properties.get(what) is not False:
                yield f"{name}: {what} is not off"
        if properties.get("deadLetteringOnMessageExpiration") is not True:
            yield f"{name}: an expired message would vanish"
        for ours, theirs in AS_IN_THE_EMULATOR.items():
            if properties.get(ours) != facts.emulator.get(name, {}).get(theirs):
                yield f"{name}: {ours} is another than the emulator's"


def bus_has_queues_only(deployment: Deployment, _: Facts) -> Iterator[str]:
    """No code here listens to a topic; those of destinations are their owners'."""
    for one in deployment.resources:
        if one.type.startswith(NAMESPACE) and one.type not in {NAMESPACE, QUEUE}:
            yield f"{one.at}: a {one.type.removeprefix(NAMESPACE)} that nobody uses"
    for one in deployment.of(NAMESPACE):
        if one.body["sku"]["name"] != "Standard":
            yield f"{one.at} is not Standard, which has scheduled messages and no monthly price of Premium"


RULES = (
    queues_are_those_that_are_used,
    queues_let_messages_be_worked_off,
    queues_neither_drop_nor_order,
    bus_has_queues_only,
)
