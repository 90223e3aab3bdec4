"""Declarative mapping: a document whose leaves are JMESPath expressions, computed over exact JSON."""

from collections import abc
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Union

from cachetools import LRUCache
from jmespath.exceptions import JMESPathTypeError
from jmespath.parser import ParsedResult

from shared import exact, expression
from shared.errors import Fault, Invalid, MalformedBody
from shared.exact import Json, Number
from shared.watch import Watch

MAX_EXPRESSIONS = 100
"""Expressions in a mapping document."""
MAX_NESTING = 8
"""Levels of objects in a mapping document."""
MAX_VALUES = 20_000
"""Values in the result of one application, at any depth."""

MAX_COMPILED = 1_000
"""Mappings that an instance keeps compiled."""

MappingDoc = abc.Mapping[str, Union[str, "MappingDoc"]]
"""Member name to JMESPath expression, or to a nested document."""


@dataclass(frozen=True, slots=True)
class CompiledMapping:
    """A mapping that was checked once and is applied many times."""

    members: abc.Mapping[str, Union[ParsedResult, "CompiledMapping"]]


_COMPILED: LRUCache[str, CompiledMapping] = LRUCache(MAX_COMPILED)


def compile_mapping(doc: MappingDoc, at: str = "") -> CompiledMapping:
    """Check a mapping document; `at` is the JSON Pointer of where it stands in the body it came with.

    Raises Invalid with a fault for every expression that is wrong.
    """
    compiler = _Compiler()
    mapping = compiler.mapping(doc, at, MAX_NESTING)
    if compiler.faults:
        raise Invalid("The mapping has errors. Correct each member that is listed.", faults=compiler.faults)
    return mapping


def compiled(doc: MappingDoc) -> CompiledMapping:
    """The same for a document that is used again and again: it is compiled once. Raises Invalid."""
    text = exact.dumps(doc)
    found = _COMPILED.get(text)
    if found is None:
        found = _COMPILED[text] = compile_mapping(doc)
    return found


def apply(mapping: CompiledMapping, payload: Json, watch: Watch | None = None) -> dict[str, Json]:
    """The mapped object; `watch` sees what of the payload is taken. A null is left out of every object, since JMESPath cannot tell it from a missing member.

    Raises Invalid with a fault for every member (of the result) that this payload has no value of the right type for.
    """
    application = _Application(payload, watch)
    result = application.mapping(mapping, "")
    if application.faults:
        raise Invalid(
            "The payload does not fit the source's mapping. Change the members listed.",
            faults=application.faults,
        )
    return result


def words(mapping: CompiledMapping) -> abc.Iterator[str]:
    """The names of members that a mapping reads and makes, and its literal texts."""
    for name, member in mapping.members.items():
        yield name
        yield from words(member) if isinstance(member, CompiledMapping) else expression.words(member.parsed)


class _Compiler:
    """Walks a mapping document and collects what is wrong with it."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self._count = 0

    def mapping(self, doc: MappingDoc, at: str, levels: int) -> CompiledMapping:
        members: dict[str, ParsedResult | CompiledMapping] = {}
        for name, value in doc.items():
            place = _below(at, name)
            if isinstance(value, str):
                members |= self._expression(name, value, place)
            elif not isinstance(value, abc.Mapping):
                self._fault(place, "Write a JMESPath expression or an object.", "string or object")
            elif levels == 1:
                self._fault(place, f"Nest objects at most {MAX_NESTING} levels deep.")
            else:
                members[name] = self.mapping(value, place, levels - 1)
        return CompiledMapping(members)

    def _expression(self, name: str, text: str, at: str) -> dict[str, ParsedResult]:
        self._count += 1
        if self._count > MAX_EXPRESSIONS:
            if self._count == MAX_EXPRESSIONS + 1:
                self._fault(at, f"A mapping has at most {MAX_EXPRESSIONS} expressions. Map fewer members.")
            return {}
        try:
            return {name: expression.parse(text)}
        except expression.Wrong as error:
            self._fault(at, str(error), "JMESPath expression")
            return {}

    def _fault(self, at: str, detail: str, expected: str | None = None) -> None:
        self.faults.append(Fault(at, detail, expected))


class _Application:
    """Computes a mapping for one payload and collects the members that have no value."""

    def __init__(self, payload: Json, watch: Watch | None) -> None:
        self.faults: list[Fault] = []
        self._watch = watch
        self._computation = expression.Computation(payload, watch)
        self._left = MAX_VALUES

    def mapping(self, mapping: CompiledMapping, at: str) -> dict[str, Json]:
        result = {}
        for name, member in mapping.members.items():
            place = _below(at, name)
            if isinstance(member, CompiledMapping):
                result[name] = self.mapping(member, place)
            else:
                result[name] = self._member(member, place)
        return _without_nulls(result)

    def _member(self, member: ParsedResult, at: str) -> Json:
        try:
            value = self._computation.of(member)
            if self._watch:
                self._watch.took(value)
            return self._exact(value, exact.MAX_DEPTH)
        except JMESPathTypeError as error:
            expected, received = " or ".join(error.expected_types), expression.type_name(error.actual_type)
            self.faults.append(
                Fault(at, f"{error.function_name}() cannot take this value.", expected, received)
            )
        except (ValueError, TypeError, AttributeError, ArithmeticError, RecursionError, MalformedBody):
            # these errors can quote a person's data, so none of their text is passed on
            self.faults.append(Fault(at, "The expression mixes types or its result is out of bounds."))
        return None

    def _exact(self, value: Any, levels: int) -> Json:
        self._left -= 1
        if levels < 0 or self._left < 0:
            raise ValueError("too deep or too large")
        if value is None or isinstance(value, (bool, str, Number)):
            return value
        if isinstance(value, (int, float, Decimal)):
            return exact.loads(str(value))
        if isinstance(value, list):
            return [self._exact(item, levels - 1) for item in value]
        if isinstance(value, dict):
            return _without_nulls({name: self._exact(member, levels - 1) for name, member in value.items()})
        raise TypeError("not a JSON value")


def _without_nulls(members: dict[str, Json]) -> dict[str, Json]:
    return {name: value for name, value in members.items() if value is not None}


def _below(at: str, name: str) -> str:
    return f"{at}/{name.replace('~', '~0').replace('/', '~1')}"
