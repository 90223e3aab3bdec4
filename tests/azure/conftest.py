"""The adapters are tested against the real parts."""

from tests.real import azurite, broker, fresh_queue

__all__ = ["azurite", "broker", "fresh_queue"]
