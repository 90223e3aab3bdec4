"""An AMQP message as Service Bus delivers it, read into a QueueMessage.

https://learn.microsoft.com/azure/service-bus-messaging/service-bus-amqp-protocol-guide
"""

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from proton import Delivery, Message

from local.host.servicebus_data import QueueMessage, utc_text

_ENQUEUED: Final = "x-opt-enqueued-time"
_SEQUENCE: Final = "x-opt-sequence-number"
_TEXTS: Final = {"PartitionKey": "x-opt-partition-key", "DeadLetterSource": "x-opt-deadletter-source"}
_TIMES: Final = {
    "LockedUntil": "x-opt-locked-until",
    "ScheduledEnqueueTimeUtc": "x-opt-scheduled-enqueue-time",
}
_DEAD_LETTER: Final = ("DeadLetterReason", "DeadLetterErrorDescription")


def read_message(delivery: Delivery, raw: bytes) -> QueueMessage:
    message = Message()
    message.decode(raw)
    annotations: Mapping[str, Any] = message.annotations or {}
    properties = dict(message.properties or {})
    return QueueMessage(
        body=_body(message.body),
        message_id=str(message.id or ""),
        # The header counts failed deliveries, the trigger counts this one too.
        delivery_count=message.delivery_count + 1,
        enqueued_at=_time(annotations.get(_ENQUEUED, 0)),
        sequence_number=int(annotations.get(_SEQUENCE, 0)),
        lock_token=lock_token(delivery),
        properties=properties,
        system=_system(message, annotations, properties),
    )


def lock_token(delivery: Delivery) -> str:
    """The lock token is the delivery's tag: 16 bytes, little-endian. Proton's `tag` reads tags as text."""
    from cproton import ffi, lib

    tag = lib.pn_delivery_tag(delivery._impl)  # noqa: SLF001 - the only way to a binary tag
    content = bytes(ffi.buffer(tag.start, tag.size))
    return str(uuid.UUID(bytes_le=content)) if len(content) == 16 else content.hex()


def _body(body: object) -> bytes:
    if isinstance(body, (bytes, memoryview)):
        return bytes(body)
    return b"" if body is None else str(body).encode()


def _system(
    message: Message, annotations: Mapping[str, Any], properties: Mapping[str, Any]
) -> dict[str, str]:
    fields = {
        "ContentType": message.content_type,
        "CorrelationId": message.correlation_id,
        "Subject": message.subject,
        "Label": message.subject,
        "To": message.address,
        "ReplyTo": message.reply_to,
        "SessionId": message.group_id,
        "ReplyToSessionId": message.reply_to_group_id,
    }
    fields |= {name: annotations.get(key) for name, key in _TEXTS.items()}
    fields |= {name: utc_text(_time(annotations[key])) for name, key in _TIMES.items() if key in annotations}
    fields |= {name: properties.get(name) for name in _DEAD_LETTER}
    return {name: str(value) for name, value in fields.items() if value}


def _time(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
