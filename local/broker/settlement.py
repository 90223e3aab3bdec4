"""Turns the outcome that a client reports for a delivery into the queue's verb, and answers with the result.

Outcomes: https://learn.microsoft.com/azure/service-bus-messaging/service-bus-amqp-protocol-guide
"""

from collections.abc import Callable
from uuid import UUID

from proton import Condition, Delivery, symbol

from local.broker.errors import NotAllowed, Refused
from local.broker.queue import Queue


def condition(error: Refused) -> Condition:
    # Proton trims an empty info field, and azure-servicebus then fails to read the error.
    return Condition(error.condition, str(error), {symbol("com.microsoft:tracking-id"): "local"})


def settle(queue: Queue, delivery: Delivery) -> None:
    """Apply and echo the outcome; the echo of a refused one is a rejection with the reason."""
    try:
        _apply(queue, delivery)
    except Refused as error:
        refuse(delivery, error)
    else:
        delivery.local.failed = delivery.remote.failed
        delivery.local.undeliverable = delivery.remote.undeliverable
        delivery.update(delivery.remote_state)
        delivery.settle()


def refuse(delivery: Delivery, error: Refused) -> None:
    delivery.local.condition = condition(error)
    delivery.update(Delivery.REJECTED)
    delivery.settle()


def accept(delivery: Delivery) -> None:
    delivery.update(Delivery.ACCEPTED)
    delivery.settle()


def _apply(queue: Queue, delivery: Delivery) -> None:
    outcomes: dict[int, Callable[[Queue, UUID, Delivery], None]] = {
        Delivery.ACCEPTED: lambda queue, lock, _: queue.complete(lock),
        Delivery.RELEASED: lambda queue, lock, _: queue.release(lock),
        Delivery.MODIFIED: _modify,
        Delivery.REJECTED: _reject,
    }
    outcome = outcomes.get(delivery.remote_state)
    if outcome is None:
        raise NotAllowed("a delivery is settled with an outcome")
    outcome(queue, delivery.lock_token, delivery)


def _modify(queue: Queue, lock: UUID, delivery: Delivery) -> None:
    if delivery.remote.undeliverable:
        queue.defer(lock)
    else:
        queue.abandon(lock)


def _reject(queue: Queue, lock: UUID, delivery: Delivery) -> None:
    reported = delivery.remote.condition
    info = (reported.info if reported else None) or {}
    reason, description = info.get("DeadLetterReason"), info.get("DeadLetterErrorDescription")
    queue.dead_letter(lock, str(reason or ""), str(description or ""))
