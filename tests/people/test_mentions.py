"""Mentions: addresses and phone numbers are told by their form, wherever they stand, and as identifiers have them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import exact
from shared.event import Person
from shared.people.identifiers import identifiers
from shared.people.mentions import mentioned, mentioned_in_text


def found(payload, country="SE"):
    return {(one.kind, one.value) for one in mentioned(exact.loads(exact.dumps(payload)), country)}


@pytest.mark.parametrize(
    "text",
    [
        "ada@example.com",
        " Ada@Example.com ",
        "Ada Lovelace <ada@example.com>",
        "mailto:ada@example.com?subject=hello",
        "Write to 'ada@example.com'.",
        "...ada@example.com...",
        "ada\uff20example.com",
        "email=ada@example.com&name=Ada",
        "name=Ada&email=ada%40example.com",
    ],
)
def test_an_address_is_told_wherever_it_stands_in_a_text(text):
    assert ("email", "ada@example.com") in found({"note": [{"text": text}]})


@pytest.mark.parametrize("text", ["@", "a@", "@example.com", "a@b", "@@@", "ada at example.com", "4 @ 5.00"])
def test_what_is_no_address_is_not_told(text):
    assert found({"note": text}) == (set() if text != "a@b" else {("email", "a@b")})


@pytest.mark.parametrize(
    "payload",
    [
        {"note": "+46 70 174 06 05"},
        {"note": "Call +46701740605, please."},
        {"note": "0046701740605"},
        {"phone": "070-174 06 05"},
        {"customer": {"mobile_number": "0701740605"}},
        {"phones": ["0701740605"]},
        {"cell": 46701740605},
    ],
)
def test_a_phone_number_is_told_by_its_form_or_by_its_member_s_name(payload):
    assert ("mobile", "+46701740605") in found(payload)


@pytest.mark.parametrize(
    "payload",
    [
        {"orderId": "0701740605"},
        {"at": "2026-11-22T10:15:00+01:00"},
        {"phone": "none"},
        {"id": 820982911946154508},
    ],
)
def test_other_digits_are_no_phone_number(payload):
    assert found(payload) == set()


def test_the_name_of_a_member_may_be_an_address():
    assert found({"ada@example.com": {"opens": 3}}) == {("email", "ada@example.com")}


@given(
    st.from_regex(r"[a-z][a-z0-9._+-]{0,20}@[a-z0-9]{1,10}\.(com|se)", fullmatch=True),
    st.text(st.sampled_from(' <>(),;:"[]\n'), max_size=5),
)
def test_whoever_an_event_would_be_about_is_told_in_any_text_around(address, around):
    wanted = identifiers(Person(email=address), "SE")

    assert {*wanted} <= {*mentioned({"text": f"{around}{address}{around}"}, "SE")}


@given(st.text())
def test_any_text_can_be_looked_through(text):
    for one in mentioned_in_text(text, "SE"):
        assert one.kind in ("email", "mobile")


@pytest.mark.parametrize(
    "text", ["@" * 100_000, "a@" * 100_000, "a@a." * 50_000, "+1 " * 100_000, "0" * 200_000]
)
def test_a_long_text_takes_a_time_that_grows_with_it_and_no_more(text):
    assert len({*mentioned_in_text(text, "SE")}) < 10
