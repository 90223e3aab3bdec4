"""Queue messages as a Service Bus trigger hands them to a worker: one, or many at once.

Names and forms of the metadata: `azure/functions/servicebus.py` in the azure-functions package reads them.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import SimpleNamespace

from local.host.protos import TypedData


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueMessage:
    """A received message. `delivery_count` is 1 at the first delivery.

    `properties` are the application's; `system` holds the further ones by their metadata name
    (ContentType, CorrelationId, Subject, LockedUntil ...), as text.
    """

    body: bytes
    message_id: str
    delivery_count: int
    enqueued_at: datetime
    sequence_number: int
    lock_token: str
    properties: Mapping[str, object] = field(default_factory=dict)
    system: Mapping[str, str] = field(default_factory=dict)


def single_data(message: QueueMessage) -> tuple[TypedData, dict[str, TypedData]]:
    """Input data and trigger metadata for `cardinality` one."""
    metadata = {
        "MessageId": TypedData(string=message.message_id),
        "LockToken": TypedData(string=message.lock_token),
    }
    metadata |= {name: _json(value) for name, value in _described(message).items()}
    return TypedData(bytes=message.body), metadata


def batch_data(messages: Sequence[QueueMessage]) -> tuple[TypedData, dict[str, TypedData]]:
    """Input data and trigger metadata for `cardinality` many: one array per property, in the same order."""
    described = [_described(message) for message in messages]
    names = {name: None for properties in described for name in properties if name != "SequenceNumber"}
    metadata = {
        "MessageIdArray": _strings([message.message_id for message in messages]),
        "LockTokenArray": _strings([message.lock_token for message in messages]),
        "SequenceNumberArray": TypedData(
            collection_sint64=SimpleNamespace(sint64=[message.sequence_number for message in messages])
        ),
    }
    metadata |= {f"{name}Array": _json([properties.get(name) for properties in described]) for name in names}
    bodies = SimpleNamespace(bytes=[message.body for message in messages])
    return TypedData(collection_bytes=bodies), metadata


def utc_text(moment: datetime) -> str:
    """ISO 8601 with Z, from an aware UTC time."""
    return moment.replace(tzinfo=None).isoformat() + "Z"


def _described(message: QueueMessage) -> dict[str, object]:
    return {
        **message.system,
        "DeliveryCount": message.delivery_count,
        "SequenceNumber": message.sequence_number,
        "EnqueuedTimeUtc": utc_text(message.enqueued_at),
        "ApplicationProperties": message.properties,
        "UserProperties": message.properties,
    }


def _json(value: object) -> TypedData:
    return TypedData(json=json.dumps(value, default=str))


def _strings(values: list[str]) -> TypedData:
    return TypedData(collection_string=SimpleNamespace(string=values))
