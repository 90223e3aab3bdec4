"""Identifiers: written in many ways, kept in one, and never a value that stands for nobody."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.event import Person
from shared.people.identifiers import Identifier, faults, identifiers

COUNTRIES = st.sampled_from(["SE", "GB", "US", "DE"])


def normalised(country="SE", **members):
    return [(one.kind, one.value) for one in identifiers(Person(**members), country)]


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("Ada@Example.com", "ada@example.com"),
        ("  ada@example.com ", "ada@example.com"),
        ("ada.b+shop@example.com", "ada.b+shop@example.com"),
        ("ADA@BÜCHER.example", "ada@xn--bcher-kva.example"),
        ("ada@xn--bcher-kva.example", "ada@xn--bcher-kva.example"),
        ("\uff41\uff44\uff41\uff20example.com", "ada@example.com"),
        ("\u00e5sa@example.com", "\u00e5sa@example.com"),
        ("a\u030asa@example.com", "\u00e5sa@example.com"),
        ('"a@b"@example.com', '"a@b"@example.com'),
    ],
)
def test_an_address_has_one_form(sent, kept):
    assert normalised(email=sent) == [("email", kept)]


@pytest.mark.parametrize(
    ("country", "sent", "kept"),
    [
        ("SE", "070-123 45 67", "+46701234567"),
        ("SE", "+46 70 123 45 67", "+46701234567"),
        ("SE", "0046701234567", "+46701234567"),
        ("GB", "07911 123456", "+447911123456"),
        ("SE", "+447911123456", "+447911123456"),
        ("US", "(201) 555-0123", "+12015550123"),
    ],
)
def test_a_number_has_one_form_completed_by_the_section_s_country(country, sent, kept):
    assert normalised(country, mobile=sent) == [("mobile", kept)]


@pytest.mark.parametrize(
    "email", ["ada", "@example.com", "ada@", "ada b@example.com", "ada@exa mple.com", "ada@-.com", "ada@a..b"]
)
def test_what_is_no_address_is_a_fault_and_identifies_nobody(email):
    [fault] = faults(Person(email=email), "SE")

    assert fault.pointer == "/person/email"
    assert fault.received == "text"
    assert normalised(email=email) == []


@pytest.mark.parametrize("mobile", ["12", "hello", "+", "+999999999999999999", "0"])
def test_what_is_no_number_is_a_fault_and_identifies_nobody(mobile):
    [fault] = faults(Person(mobile=mobile), "SE")

    assert fault.pointer == "/person/mobile"
    assert normalised(mobile=mobile) == []


def test_the_strongest_comes_first():
    found = normalised(
        email="ada@example.com",
        mobile="+46701234567",
        crm_id="c-1",
        device_id="d-1",
        external_ids={"shop": "s-1", "erp": "e-1"},
    )

    assert [kind for kind, _ in found] == [
        "crmId",
        "external:erp",
        "external:shop",
        "email",
        "mobile",
        "deviceId",
    ]


@pytest.mark.parametrize(
    "value",
    [
        "anonymous",
        "Guest",
        "NULL",
        "None",
        "nan",
        "undefined",
        "true",
        "[object Object]",
        "'null'",
        '"none"',
        " undefined ",
        "0",
        "-1",
        "00000000-0000-0000-0000-000000000000",
        "0000",
        "not_authenticated",
        "distinct_id",
    ],
)
def test_a_value_that_stands_for_nobody_identifies_nobody(value):
    assert normalised(crm_id=value, device_id=value, external_ids={"erp": value}) == []


@pytest.mark.parametrize("value", ["10", "guest-1", "nullable", "a0", "-1a"])
def test_a_value_that_only_looks_like_one_identifies(value):
    assert normalised(crm_id=value) == [("crmId", value)]


def test_identifiers_of_a_vendor_are_kept_as_they_are():
    assert normalised(crm_id="Ab-1 ", external_ids={"ERP": "x"}) == [
        ("crmId", "Ab-1 "),
        ("external:ERP", "x"),
    ]


def test_a_hash_tells_kinds_and_keys_apart():
    hashes = {
        Identifier("crmId", "1").hash(b"a"),
        Identifier("deviceId", "1").hash(b"a"),
        Identifier("crmId", "2").hash(b"a"),
        Identifier("crmId", "1").hash(b"b"),
    }

    assert len(hashes) == 4


@given(st.text(max_size=60), COUNTRIES)
def test_any_address_is_kept_in_one_form_or_is_a_fault(text, country):
    kept = normalised(country, email=text)

    assert len(kept) + len(faults(Person(email=text), country)) <= 1
    for _, value in kept:
        assert normalised(country, email=value) == [("email", value)]


@given(st.text("+0123456789 -()abcx;=.", max_size=40), COUNTRIES)
def test_any_number_is_kept_in_one_form_or_is_a_fault(text, country):
    kept = normalised(country, mobile=text)

    assert len(kept) + len(faults(Person(mobile=text), country)) <= 1
    for _, value in kept:
        assert value.startswith("+")
        assert normalised(country, mobile=value) == [("mobile", value)]


@given(st.text(st.characters(), max_size=60))
def test_no_text_breaks_it(text):
    person = Person(email=text, mobile=text, crm_id=text, device_id=text, external_ids={text: text})

    identifiers(person, "SE")
    faults(person, "SE")
