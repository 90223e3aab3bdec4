"""Which parts of a payload a mapping takes: it watches the expressions being computed."""

from collections.abc import Iterator
from typing import Any

from shared.exact import Json

_PROJECTIONS = frozenset({"projection", "flatten", "value_projection", "filter_projection", "slice"})


class Watch:
    """Notes the leaves (what is no object and no list) that expressions over one payload have taken.

    What is taken whole, or given to a function, is taken with all that it holds.
    """

    def __init__(self, payload: Json) -> None:
        self._payload = payload
        self._taken: set[tuple[int, object]] = set()
        self._ours = {id(one) for one in _containers(payload)}
        self._whole: set[int] = set()
        self._last: dict[int, Any] = {}

    def saw(self, node: Any, value: Any, result: Any) -> None:
        """An expression's node was computed over a value."""
        kind = node["type"]
        if kind in ("field", "index") and id(value) in self._ours:
            self._taken.add((id(value), node["value"]))
        elif kind in _PROJECTIONS:
            self._take_items(self._last.get(id(node["children"][0])))
        elif kind == "function_expression":
            for child in node["children"]:
                self.took(self._last.get(id(child)))
        self._last[id(node)] = result

    def took(self, result: Any) -> None:
        """A value became a part of what the mapping makes."""
        if isinstance(result, dict | list) and id(result) not in self._whole:
            self._take_items(result)
            if id(result) in self._ours:
                self._whole.add(id(result))
            for item in result.values() if isinstance(result, dict) else result:
                self.took(item)

    def left(self) -> Iterator[str]:
        """The JSON Pointers (RFC 6901) of the leaves that nothing took, in the payload's order."""
        yield from self._left(self._payload, "")

    def _take_items(self, container: Any) -> None:
        if id(container) in self._ours:
            self._taken |= {(id(container), name) for name, _ in _members(container)}

    def _left(self, container: Json, at: str) -> Iterator[str]:
        for name, item in _members(container):
            place = f"{at}/{str(name).replace('~', '~0').replace('/', '~1')}"
            if isinstance(item, dict | list) and item:
                yield from self._left(item, place)
            elif (id(container), name) not in self._taken:
                yield place


def _members(container: Json) -> Iterator[tuple[object, Json]]:
    if isinstance(container, dict):
        yield from container.items()
    elif isinstance(container, list):
        yield from enumerate(container)


def _containers(value: Json) -> Iterator[Json]:
    if isinstance(value, dict | list):
        yield value
        for _, item in _members(value):
            yield from _containers(item)
