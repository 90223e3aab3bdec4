"""The refusals of the broker, each with the words that a Service Bus client knows it by.

Conditions: https://learn.microsoft.com/azure/service-bus-messaging/service-bus-amqp-troubleshoot
"""

from typing import ClassVar


class Refused(Exception):
    """A request that the broker understood and will not do; the message is for the client."""

    condition: ClassVar[str]
    status: ClassVar[int]


class LockLost(Refused):
    condition = "com.microsoft:message-lock-lost"
    status = 410


class MessageNotFound(Refused):
    condition = "com.microsoft:message-not-found"
    status = 404


class EntityNotFound(Refused):
    condition = "amqp:not-found"
    status = 404


class QueueFull(Refused):
    condition = "amqp:resource-limit-exceeded"
    status = 403


class TooLarge(Refused):
    condition = "amqp:link:message-size-exceeded"
    status = 413


class Malformed(Refused):
    condition = "amqp:decode-error"
    status = 400


class NotAllowed(Refused):
    condition = "amqp:not-allowed"
    status = 400


class NotImplementedHere(Refused):
    condition = "amqp:not-implemented"
    status = 501
