"""Remembers what was made of a document for as long as it is unchanged, so that its secrets are unsealed once."""

from collections.abc import Callable
from typing import Generic, TypeVar

from cachetools import LRUCache

from shared.registry import Record

V = TypeVar("V")


class Opened(Generic[V]):
    """`open(record)`, called again only when the record's etag has changed. Keeps the `most` recently used."""

    def __init__(self, open: Callable[[Record], V], *, most: int = 1_000) -> None:
        self._open = open
        self._kept: LRUCache[tuple[str, str], tuple[str | None, V]] = LRUCache(most)

    def get(self, record: Record) -> V:
        """The opened document. Raises what `open` raises, and remembers nothing of it."""
        place = (record.section, record.id)
        etag, value = self._kept.get(place) or (None, None)
        if value is None or etag != record.etag:
            value = self._open(record)
            self._kept[place] = (record.etag, value)
        return value
