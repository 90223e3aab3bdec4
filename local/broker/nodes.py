"""What an address leads to: an entity, or a node that answers requests."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial

from proton import Link, Message

from local.broker.entity import Entity, entity_path
from local.broker.errors import EntityNotFound
from local.broker.management import answer, authorize
from local.broker.message import QueueSettings
from local.broker.queue import Queue


@dataclass(frozen=True)
class RequestNode:
    answer: Callable[[Message], Message]


Node = Entity | RequestNode


class Nodes:
    """Every queue of the settings with its dead-letter queue, their management nodes, and $cbs."""

    def __init__(self, settings: Iterable[QueueSettings], now: Callable[[], float]) -> None:
        self._nodes: dict[str, Node] = {"$cbs": RequestNode(authorize)}
        for setting in settings:
            dead_letters = Queue(setting, now)
            self._add(setting.name, Queue(setting, now, dead_letters))
            self._add(f"{setting.name}/$deadletterqueue", dead_letters)

    def _add(self, name: str, queue: Queue) -> None:
        self._nodes[name.lower()] = Entity(queue)
        self._nodes[f"{name.lower()}/$management"] = RequestNode(partial(answer, queue))

    def find(self, address: str | None) -> Node:
        """Raises EntityNotFound."""
        node = self._nodes.get(entity_path(address))
        if node is None:
            raise EntityNotFound("The messaging entity could not be found.")
        return node

    def entities(self) -> Iterator[Entity]:
        return (node for node in self._nodes.values() if isinstance(node, Entity))

    def forget(self, is_gone: Callable[[Link], bool]) -> None:
        """Let no entity deliver to the links that are gone."""
        for entity in self.entities():
            entity.forget(is_gone)
