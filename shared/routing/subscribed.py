"""What a subscription's one document means to the line: a destination and, for each of its events, a route, both under its id.

So it begins and ends as a whole: there is no moment in which one of them is there without the others.
"""

from collections.abc import Mapping

from shared.catalog import own
from shared.exact import Json
from shared.registry import Kind, Record
from shared.routing.conditions import Condition
from shared.routing.operators import TEXT

KIND = "webhook"
"""Of destination."""
_PREFIX = "sub_"
"""No name that people give has an underscore."""
_ABOUT = {
    own.DELIVERY_FAILED: {"destination": "destination", "definition": "event"},
    own.DESTINATION_DISABLED: {"destination": "destination"},
    own.DEFINITION_CHANGED: {"definition": "event"},
}
"""By which of its properties an event of ours is about a destination or a definition."""


def new_id(random: bytes) -> str:
    """An id from random bytes."""
    return _PREFIX + random.hex()


def is_subscription(id: str) -> bool:
    """Whether a destination's or a route's id is a subscription's."""
    return id.startswith(_PREFIX)


def kind_of(id: str) -> Kind:
    """The kind of document that a destination's id leads to."""
    return Kind.SUBSCRIPTION if is_subscription(id) else Kind.DESTINATION


def context(section: str, id: str) -> str:
    """What a destination's secrets are sealed for."""
    return f"{kind_of(id)}/{section}/{id}"


def settings(record: Record) -> dict[str, Json]:
    """The destination's settings."""
    return {"url": record.doc["url"]}


def condition(record: Record, event: str) -> Condition | None:
    """Which of the events of that name it takes: of ours, those about the destination and the definition that it names."""
    tests = [
        {"field": f"properties.{member}", "is": "equals", "value": record.doc[name]}
        for name, member in _ABOUT.get(event, {}).items()
        if record.doc[name] is not None
    ]
    return {"all": tests} if tests else None


def types() -> Mapping[str, str]:
    """How what such a condition looks at is compared."""
    return {f"properties.{member}": TEXT for members in _ABOUT.values() for member in members.values()}
