"""Every field type accepts and refuses what its fixture says, and leaves the value alone."""

import copy
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import exact
from shared.catalog.compiled import compile_fields
from shared.catalog.fields import FIELD_TYPES, MAX_TEXT
from shared.errors import Fault
from tests.catalog.field_samples import FIXTURES, Sample, samples

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.text()
    | st.integers()
    | st.decimals(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
).map(exact.dumps)


def check(type_: str, json: str) -> list[Fault]:
    version = compile_fields([{"name": "it", "type": type_, "required": False}])
    return version.check(exact.loads(f'{{"it":{json}}}'))


@pytest.mark.parametrize("sample", samples(), ids=str)
def test_a_value_is_taken_or_refused_as_the_fixture_says(sample: Sample):
    faults = check(sample.type, sample.json)

    assert [fault.pointer for fault in faults] == ([] if sample.accepted else ["/properties/it"])


@pytest.mark.parametrize("sample", [sample for sample in samples() if not sample.accepted], ids=str)
def test_a_refusal_says_what_is_expected_and_never_the_value(sample: Sample):
    (fault,) = check(sample.type, sample.json)

    assert fault.expected == FIELD_TYPES[sample.type].expected
    assert fault.received in {"text", "number", "true or false", "object", "list", "null"}
    assert fault.detail.endswith(".")


def test_every_type_has_samples_of_both_kinds_and_every_fixture_has_a_type():
    found = {(sample.type, sample.accepted) for sample in samples()}

    assert found == {(name, accepted) for name in FIELD_TYPES for accepted in (True, False)}
    assert {path.stem for path in FIXTURES.glob("*.json")} == set(FIELD_TYPES)


def test_people_see_number_and_number_with_decimals_as_two_types():
    labels = [type_.label for type_ in FIELD_TYPES.values()]

    assert labels == ["Text", "Number", "Number with decimals", "True or false", "Date", "Time stamp"]


def test_text_may_have_32768_characters_and_no_more():
    assert not check("text", exact.dumps("🚲" * MAX_TEXT))

    (fault,) = check("text", exact.dumps("a" * (MAX_TEXT + 1)))
    assert fault.received == "text of 32769 characters"


@given(st.sampled_from(sorted(FIELD_TYPES)), json_values)
def test_a_check_leaves_any_value_as_it_is(type_: str, json: str):
    properties = {"it": exact.loads(json)}
    before, text_before = copy.deepcopy(properties), exact.dumps(properties)
    version = compile_fields([{"name": "it", "type": type_, "required": True}])

    version.check(properties)

    assert properties == before
    assert exact.dumps(properties) == text_before


@given(st.integers())
def test_an_integer_is_taken_exactly_when_64_bits_hold_it(number: int):
    taken = len(str(abs(number))) <= 60 and not check("integer", str(number))

    assert taken == (-(2**63) <= number < 2**63)


@given(st.integers(1, 45), st.integers(0, 44), st.integers(0, 1))
def test_a_decimal_is_taken_exactly_when_it_has_38_significant_digits_or_fewer(
    digits: int, places: int, sign: int
):
    text = f"{Decimal((sign, (7,) * digits, -min(places, digits))):f}"

    assert (check("decimal", text) == []) == (digits <= 38)


offsets = st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(st.datetimes(timezones=offsets))
def test_every_time_that_python_writes_with_an_offset_is_taken(at: datetime):
    assert check("timestamp", f'"{at.isoformat()}"') == []


@given(st.dates())
def test_every_date_of_the_calendar_is_taken(day: date):
    assert check("date", f'"{day.isoformat()}"') == []
