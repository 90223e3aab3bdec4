"""A Service Bus broker for one machine: AMQP 1.0 queues in memory, for the real azure-servicebus client.

A development tool. It has queues and their dead-letter queues; it has no sessions, no topics, no
duplicate detection and no durability: what it holds is gone when it ends, and every token is accepted.
"""

from local.broker.message import QueueSettings
from local.broker.server import Broker

__all__ = ["Broker", "QueueSettings"]
