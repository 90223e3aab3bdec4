"""Conditions: what is wrong with one is told where it stands, and each operator says what its name says."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import exact
from shared.event import Event, Person, Stored
from shared.exact import Json
from shared.routing.conditions import (
    MAX_CHOICES,
    MAX_NESTED,
    MAX_PARTS,
    MAX_TESTS,
    faults_in,
    holds,
    types_of,
    types_used,
    unmet,
)
from shared.routing.operators import OPERATORS
from tests.house import body

FIELDS = {
    "orderId": "text",
    "totalValue": "decimal",
    "items": "integer",
    "isFirst": "boolean",
    "due": "date",
    "paidAt": "timestamp",
}
TYPES = types_of(FIELDS)
PROPERTIES: dict[str, Json] = {
    "orderId": "A-1001",
    "totalValue": 42.50,
    "items": 3,
    "isFirst": True,
    "due": "2026-11-30",
    "paidAt": "2026-11-22T10:15:00+01:00",
}


def stored(**properties: Json) -> Stored:
    event = Event(
        event="transactions.order-placed",
        version="ver_1",
        purpose="marketing",
        retention_days=30,
        person=Person(email="ada@example.com", external_ids={"erp": "7", "a.b": "8"}),
        properties=body({**PROPERTIES, **properties}),
        occurred_at="2026-11-22T10:15:00+01:00",
        received_at=datetime(2026, 11, 22, 9, 15, 1, tzinfo=UTC),
        source="checkout",
        source_id="src_1",
        trust="server",
        key=None,
        test=False,
    )
    return Stored("019aa9d2-0a80-8001-8000-000000000080", event)


def that(field: str, operator: str, *value: Json) -> Json:
    return {"field": field, "is": operator, **({"value": value[0]} if value else {})}


def met(condition: Json, event: Stored | None = None) -> bool:
    condition = body(condition)
    assert faults_in(condition, TYPES, "") == []
    return holds(condition, types_used(condition, TYPES), event or stored())


TRUE = [
    that("properties.orderId", "equals", "A-1001"),
    that("properties.orderId", "not-equals", "a-1001"),
    that("properties.orderId", "one-of", ["B", "A-1001"]),
    that("properties.orderId", "none-of", ["B"]),
    that("properties.orderId", "starts-with", "A-"),
    that("properties.orderId", "ends-with", "01"),
    that("properties.orderId", "contains", "-10"),
    that("properties.orderId", "present"),
    that("properties.totalValue", "equals", 42.5),
    that("properties.totalValue", "between", [42.5, 43]),
    that("properties.totalValue", "less", 42.51),
    that("properties.totalValue", "at-most", 42.5),
    that("properties.items", "more", 2.9),
    that("properties.items", "at-least", 3),
    that("properties.items", "one-of", [3, 4]),
    {"field": "properties.isFirst", "is": "equals", "value": True},
    {"field": "properties.isFirst", "is": "not-equals", "value": False},
    that("properties.due", "more", "2026-11-29"),
    that("properties.due", "between", ["2026-11-30", "2026-11-30"]),
    that("properties.paidAt", "equals", "2026-11-22T09:15:00Z"),
    that("properties.paidAt", "less", "2026-11-22T09:15:01Z"),
    that("receivedAt", "at-least", "2026-11-22T09:15:01Z"),
    that("occurredAt", "at-most", "2026-11-22T09:15:00Z"),
    that("version", "equals", "ver_1"),
    that("source", "starts-with", "check"),
    that("person.email", "ends-with", "@example.com"),
    that("person.mobile", "absent"),
    that("person.mobile", "not-equals", "+46"),
    that("person.externalIds.erp", "equals", "7"),
    that("person.externalIds.a.b", "equals", "8"),
    that("person.externalIds.shop", "absent"),
    {"not": that("properties.items", "more", 3)},
    {"all": [that("properties.items", "more", 2), that("source", "present")]},
    {"any": [that("properties.items", "more", 9), that("source", "present")]},
]


@pytest.mark.parametrize("condition", TRUE, ids=str)
def test_a_condition_that_holds(condition):
    assert met(condition)
    assert not met({"not": condition})


@pytest.mark.parametrize("operator", OPERATORS)
def test_of_what_is_not_there_only_a_denial_holds(operator):
    values = {"none": (), "one": ("x",), "two": ([1, 2],), "several": (["x"],)}[OPERATORS[operator].takes]
    field = "person.mobile"
    if "text" not in OPERATORS[operator].types:
        field, values = "properties.totalValue", ([1, 2],) if values != ("x",) else (1,)
    event = stored(totalValue=None)

    assert met(that(field, operator, *values), event) == (operator in ("absent", "not-equals", "none-of"))


@pytest.mark.parametrize(
    ("condition", "where"),
    [
        ({}, ""),
        ([], ""),
        ("properties.items > 3", ""),
        ({"all": []}, "/all"),
        ({"all": [{}], "any": [{}]}, ""),
        ({"all": {}}, ""),
        ({"any": [that("properties.items", "more", 3), {}]}, "/any/1"),
        ({"not": {"all": [{"field": "source"}]}}, "/not/all/0"),
        ({"field": "source", "is": "present", "type": "text"}, ""),
        (that("properties.nothing", "present"), "/field"),
        (that("person", "present"), "/field"),
        (that("person.externalIds.", "present"), "/field"),
        (that("properties.orderId", "more", "A"), "/is"),
        (that("properties.items", "contains", 3), "/is"),
        (that("properties.isFirst", "one-of", [True]), "/is"),
        (that("source", "like", "x"), "/is"),
        (that("properties.items", "more", "3"), "/value"),
        (that("properties.items", "more"), "/value"),
        (that("properties.items", "present", 3), "/value"),
        (that("properties.items", "between", [3]), "/value"),
        (that("properties.items", "between", [4, 3]), "/value"),
        (that("properties.due", "more", "2026-11-31"), "/value"),
        (that("properties.paidAt", "more", "2026-11-22"), "/value"),
        (that("properties.isFirst", "equals", 1), "/value"),
        (that("source", "one-of", []), "/value"),
        (that("source", "one-of", ["x"] * (MAX_CHOICES + 1)), "/value"),
        (that("source", "one-of", ["x", 1]), "/value"),
        ({"all": [that("source", "present")] * (MAX_PARTS + 1)}, "/all"),
    ],
    ids=str,
)
def test_what_is_wrong_is_told_where_it_stands(condition, where):
    faults = faults_in(body(condition), TYPES, "/condition")

    assert [fault.pointer for fault in faults] == ["/condition" + where]


def test_a_condition_has_so_many_tests_and_levels_at_most():
    many = {"all": [{"all": [that("source", "present")] * MAX_PARTS}] * (MAX_TESTS // MAX_PARTS + 1)}
    deep = that("source", "present")
    for _ in range(MAX_NESTED):
        deep = {"not": deep}

    assert faults_in(deep, TYPES, "") == []
    assert [fault.pointer for fault in faults_in({"not": deep}, TYPES, "")] == ["/not" * MAX_NESTED]
    assert [fault.detail for fault in faults_in(many, TYPES, "")] == ["Use fewer tests."]


ANY_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers().map(Decimal)
    | st.text(max_size=5)
    | st.sampled_from(list(TYPES)),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["all", "any", "not", "field", "is", "value", "x"]), inner, max_size=3
        )
    ),
    max_leaves=20,
)


@given(ANY_JSON)
def test_no_condition_breaks_the_check(condition):
    faults_in(condition, TYPES, "")


A_TEST = st.builds(
    that,
    st.sampled_from(["properties.items", "properties.totalValue"]),
    st.sampled_from(["less", "at-most", "more", "at-least", "equals"]),
    st.integers(-10, 10),
)


@given(st.lists(A_TEST, min_size=1, max_size=5), st.integers(-10, 10))
def test_none_of_them_is_the_same_as_not_any(tests, items):
    event = stored(items=items)

    assert met({"not": {"any": tests}}, event) == met({"all": [{"not": one} for one in tests]}, event)


NESTED = st.recursive(
    A_TEST,
    lambda part: st.one_of(
        st.builds(lambda some: {"all": some}, st.lists(part, min_size=1, max_size=3)),
        st.builds(lambda some: {"any": some}, st.lists(part, min_size=1, max_size=3)),
        st.builds(lambda one: {"not": one}, part),
    ),
    max_leaves=8,
)


@given(NESTED, st.integers(-10, 10))
def test_a_condition_names_parts_that_are_not_met_just_when_it_is_not(condition, items):
    event, written = stored(items=items), body(condition)
    types = types_used(written, TYPES)

    parts = unmet(written, types, event)

    assert bool(parts) != holds(written, types, event)
    assert not any(holds(one, types, event) for one in parts)
    assert not any(one.keys() & {"all", "any"} for one in parts)


@given(st.integers(-99, 99), st.integers(-99, 99))
def test_a_number_is_less_equal_or_more(items, wanted):
    event = stored(items=items)
    says = [met(that("properties.items", one, wanted), event) for one in ("less", "equals", "more")]

    assert says.count(True) == 1
    assert met(that("properties.items", "at-most", wanted), event) == (says[0] or says[1])


@given(st.dictionaries(st.sampled_from(list(FIELDS)), st.none() | st.text() | st.booleans() | st.integers()))
def test_no_event_breaks_a_condition(properties):
    """An event of an older version may have another type under a name."""
    for condition in TRUE:
        met(condition, stored(**properties))


def test_a_condition_survives_storage():
    for condition in TRUE:
        read = exact.loads(exact.dumps(body(condition)))
        assert holds(read, types_used(read, TYPES), stored())
