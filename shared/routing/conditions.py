"""A route's condition: which of a definition's events take the route, as data that a form can draw.

`{"all": [...]}`, `{"any": [...]}`, `{"not": ...}`, or a test: `{"field": "properties.totalValue", "is": "at-least", "value": 100}`.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from shared import documents
from shared.errors import Fault
from shared.event import Stored
from shared.exact import Json
from shared.faults import pointer, type_word
from shared.routing.operators import NUMBER, OPERATORS, TEXT, TIMESTAMP, Operator, comparable

MAX_PARTS = 20
"""Parts of one `all` or `any`."""
MAX_TESTS = 50
"""Tests in a condition."""
MAX_NESTED = 5
"""Levels of a condition."""
MAX_CHOICES = 100
"""Values of one `one-of` or `none-of`."""

Condition = Mapping[str, Json]
Types = Mapping[str, str]
"""What a test may look at, by its name, and how it is compared."""

_ENVELOPE: Types = {
    "version": TEXT,
    "source": TEXT,
    "occurredAt": TIMESTAMP,
    "receivedAt": TIMESTAMP,
    "person.email": TEXT,
    "person.mobile": TEXT,
    "person.crmId": TEXT,
    "person.deviceId": TEXT,
}
_EXTERNAL, _PROPERTY = "person.externalIds.", "properties."
_FORM = 'one of {"all": [...]}, {"any": [...]}, {"not": {...}}, {"field": ..., "is": ..., "value": ...}'


def types_of(fields: Mapping[str, str]) -> Types:
    """What a condition on a definition with these fields may look at, external ids apart."""
    numbers = {"integer": NUMBER, "decimal": NUMBER}
    properties = {_PROPERTY + name: numbers.get(type, type) for name, type in fields.items()}
    return {**_ENVELOPE, **properties}


def faults_in(condition: Json, types: Types, at: str) -> list[Fault]:
    """Everything that is wrong with a condition, which stands `at`."""
    found = [*_faults(condition, types, at, MAX_NESTED)]
    tests = sum(1 for _ in _tests(condition, MAX_NESTED))
    if tests > MAX_TESTS:
        found.append(Fault(at, "Use fewer tests.", f"at most {MAX_TESTS}", str(tests)))
    return found


def types_used(condition: Condition, types: Types) -> dict[str, str]:
    """The types of what a condition looks at: a route keeps them, since its definition may change."""
    return {test["field"]: _type(test["field"], types) or TEXT for test in _tests(condition, MAX_NESTED)}


def holds(condition: Condition, types: Types, stored: Stored) -> bool:
    """Whether an event meets a condition that was checked before."""
    return _holds(condition, types, documents.envelope(stored))


def unmet(condition: Condition, types: Types, stored: Stored) -> Sequence[Condition]:
    """The parts of a condition that keep an event from meeting it, the smallest that say so; none if it holds."""
    return [*_unmet(condition, types, documents.envelope(stored))]


def _unmet(condition: Condition, types: Types, event: Mapping[str, Json]) -> Iterator[Condition]:
    if _holds(condition, types, event):
        return
    match condition:
        case {"all": parts} | {"any": parts}:
            for part in parts:
                yield from _unmet(part, types, event)
        case _:
            yield condition


def _holds(condition: Condition, types: Types, event: Mapping[str, Json]) -> bool:
    match condition:
        case {"all": parts}:
            return all(_holds(part, types, event) for part in parts)
        case {"any": parts}:
            return any(_holds(part, types, event) for part in parts)
        case {"not": part}:
            return not _holds(part, types, event)
    return _test_holds(condition, types[condition["field"]], event)


def _test_holds(test: Condition, type: str, event: Mapping[str, Json]) -> bool:
    operator = OPERATORS[test["is"]]
    value = comparable(_value(test["field"], event), type)
    return operator.missing if value is None else operator.holds(value, _wanted(operator, type, test))


def _wanted(operator: Operator, type: str, test: Condition) -> Any:
    wanted = test.get("value")
    if operator.takes in ("two", "several"):
        return [comparable(one, type) for one in wanted or ()]
    return comparable(wanted, type)


def _value(field: str, event: Mapping[str, Json]) -> Json:
    found: Json = event
    for name in field.split(".", 2 if field.startswith(_EXTERNAL) else 1):
        found = found.get(name) if isinstance(found, dict) else None
    return found


def _type(field: str, types: Types) -> str | None:
    is_external = field.startswith(_EXTERNAL) and len(field) > len(_EXTERNAL)
    return TEXT if is_external else types.get(field)


def _tests(condition: Json, levels: int) -> Iterator[Condition]:
    """Every test, however deep it stands."""
    match condition:
        case {"all": [*parts]} | {"any": [*parts]} if levels:
            for part in parts:
                yield from _tests(part, levels - 1)
        case {"not": part} if levels:
            yield from _tests(part, levels - 1)
        case {"field": str()}:
            yield condition


def _faults(condition: Json, types: Types, at: str, levels: int) -> Iterator[Fault]:
    match condition:
        case {"all": [*parts]} | {"any": [*parts]} if levels and len(condition) == 1:
            [name] = condition
            if not 1 <= len(parts) <= MAX_PARTS:
                yield Fault(at + pointer(name), "Give it parts.", f"1 to {MAX_PARTS} parts", str(len(parts)))
            for number, part in enumerate(parts[:MAX_PARTS]):
                yield from _faults(part, types, at + pointer(name, number), levels - 1)
        case {"not": part} if levels and len(condition) == 1:
            yield from _faults(part, types, at + pointer("not"), levels - 1)
        case {"field": str(), "is": str()} if condition.keys() <= {"field", "is", "value"}:
            yield from _test_faults(condition, types, at)
        case dict() if not levels:
            yield Fault(at, "Nest it less.", f"at most {MAX_NESTED} levels", "more")
        case _:
            yield Fault(at, "Write a condition in one of its forms.", _FORM, type_word(condition))


def _test_faults(test: Condition, types: Types, at: str) -> Iterator[Fault]:
    type, operator = _type(test["field"], types), OPERATORS.get(test["is"])
    if type is None:
        names = ", ".join([*types, f"{_EXTERNAL}<name>"])
        yield Fault(at + pointer("field"), "Name something that the event has.", names, "another name")
    elif operator is None or type not in operator.types:
        names = ", ".join(name for name, one in OPERATORS.items() if type in one.types)
        yield Fault(at + pointer("is"), f"Choose an operator for the type {type}.", names, "another")
    elif not _fits(operator, type, test):
        expected = _EXPECTED[operator.takes].format(type=type, most=MAX_CHOICES)
        yield Fault(
            at + pointer("value"), "Give a value of that type.", expected, type_word(test.get("value"))
        )


_EXPECTED = {
    "none": "no value",
    "one": "a value of the type {type}",
    "two": "two values of the type {type}, the lower one first",
    "several": "a list of 1 to {most} values of the type {type}",
}


def _fits(operator: Operator, type: str, test: Condition) -> bool:
    match operator.takes, test.get("value"):
        case "none", None:
            return True
        case "one", value:
            return comparable(value, type) is not None
        case "two", [low, high]:
            ends = comparable(low, type), comparable(high, type)
            return None not in ends and ends[0] <= ends[1]
        case "several", [*values]:
            return 1 <= len(values) <= MAX_CHOICES and None not in [comparable(one, type) for one in values]
    return False
