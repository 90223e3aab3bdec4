"""Capture: a kept webhook becomes a fixture that the shared tests take, says the same, and tells nobody's data."""

import gzip
import json
import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared import exact, hooks, sources
from shared.access.sources import Source, VendorType
from shared.errors import BrokenSource, MalformedBody, NotFound
from shared.exact import Number
from shared.operations import capture
from shared.stores.kept import Cause, Item
from shared.substitutes import CONSTANTS
from tests.house import build
from tests.sources import test_fixtures as shared_tests
from tests.sources import test_taking_in as taking_in
from tests.sources.cases import CASES
from tests.sources.test_fixtures import listed
from tests.sources.test_taking_in import HOOK, arrives, furnished, set_up

POSTED = [name for name, case in CASES.items() if "greeting" not in case]
READABLE = [name for name in POSTED if "facts" in CASES[name]]
OF_REQUESTS = [
    shared_tests.test_a_fixture_belongs_to_a_kind_and_says_where_it_comes_from,
    shared_tests.test_it_is_genuine_when_it_is_signed,
    shared_tests.test_whatever_stands_in_its_body_it_is_read_or_refused_with_a_sentence,
]
OF_READABLE = [
    shared_tests.test_its_facts_are_read_and_reading_twice_gives_the_same,
    shared_tests.test_what_quarantine_keeps_of_its_headers_is_enough_to_read_it,
    shared_tests.test_it_is_mapped_as_expected_to_the_letter,
    shared_tests.test_it_is_no_greeting,
]
OF_REFUSED = [shared_tests.test_what_cannot_be_read_is_refused_with_a_sentence]


def captured(name, *, types=None, **changes):
    """The fixture that is made of another one's request, as if it lay in quarantine."""
    case, (kind, set_to) = CASES[name], set_up(name)
    plugin = sources.load(kind, set_to)
    item = Item(
        **{
            "id": "1",
            "cause": Cause.INVALID,
            "source": HOOK,
            "at": "",
            "detail": "",
            "faults": (),
            "headers": {"content-type": "application/json", **kept(plugin, case["headers"])},
            "size": 0,
            "body": case["body"].encode(),
            **changes,
        }
    )
    source = Source(
        "demo", HOOK, "a", kind, "a", paused=False, types=types or {}, secrets=(), settings=set_to or {}
    )
    return capture.captured(source, plugin, item)


def kept(plugin, headers):
    patterns = [re.compile(one.replace("*", ".*")) for one in (*plugin.headers, "content-type")]
    return {name: value for name, value in headers.items() if any(one.fullmatch(name) for one in patterns)}


def shape(value):
    """What of a JSON value is no value: its members, how many items it has, and what sort each is of."""
    if isinstance(value, dict):
        return {name: shape(member) for name, member in value.items()}
    return [shape(item) for item in value] if isinstance(value, list) else type(value).__name__


@pytest.mark.parametrize("name", POSTED)
def test_what_is_captured_passes_the_shared_tests_of_fixtures_as_it_is(name, monkeypatch):
    doc = exact.loads(exact.dumps(captured(name).doc))
    place = f"{name.partition('/')[0]}/captured"
    monkeypatch.setitem(CASES, place, doc)

    for check in (*OF_REQUESTS, *(OF_REFUSED if "refused" in doc else OF_READABLE)):
        check(place)


@pytest.mark.parametrize("name", POSTED)
def test_it_says_the_same_of_somebody_else(name):
    """Types and members stay, and so does what cannot be read; so a fixture tests what its original would have."""
    told, case = exact.loads(exact.dumps(captured(name).doc)), CASES[name]

    assert ("refused" in told) == ("refused" in case)
    if "facts" in case:
        assert [one["type"] for one in listed(told["facts"])] == [
            one["type"] for one in listed(case["facts"])
        ]
        assert shape(listed(told["facts"])) == shape(listed(case["facts"]))
        assert shape(listed(told["mapped"])) == shape(listed(case["mapped"]))


def values(value, name=""):
    """Every value of some JSON but what captures keep on purpose: codes of currencies."""
    if isinstance(value, str | Number):
        if "currency" not in name:
            yield str(value)
    elif isinstance(value, dict):
        for member, below in value.items():
            yield from values(below, member)
    elif isinstance(value, list):
        for item in value:
            yield from values(item, name)


def told_of(doc):
    """All values of a fixture, and of the body in it."""
    try:
        body = exact.loads(doc["body"])
    except MalformedBody:
        body = doc["body"]
    expected = [doc.get(one) for one in ("facts", "mapped", "payload")]
    return [one.casefold() for one in values([private(doc["headers"]), body, *expected])]


def private(headers):
    """All but what says how a body is written."""
    return {name: value for name, value in headers.items() if name != "content-type"}


def known_of(name):
    """The words that a capture of a fixture's kind keeps, told apart from the code that keeps them."""
    plugin = sources.load(*set_up(name))
    mapped = " ".join(exact.dumps(doc) for doc in plugin.mappings.values())
    types = [one["type"] for one in listed(CASES[name].get("facts", []))]
    texts = [*plugin.words, *types, *plugin.mappings, *CONSTANTS, mapped]
    return [part for text in texts for part in (text.casefold(), *re.split(r"[./:|-]+", text.casefold()))]


def is_known(word, known):
    return not re.search(r"[^\W0]", word) or any(word == one or word in one for one in known)


def echoes(name, originals, doc):
    """The values of more than three characters that a fixture repeats, whole or within another one."""
    told, known = told_of(doc), known_of(name)
    wanted = {one.casefold() for one in originals if len(one) > 3}
    return [one for one in wanted if not is_known(one, known) and any(one in text for text in told)]


@pytest.mark.parametrize("name", POSTED)
def test_no_value_of_the_request_is_in_it(name):
    case = CASES[name]
    try:
        body = exact.loads(case["body"])
    except MalformedBody:
        body = re.findall(r"[\w.+@-]+", case["body"])

    assert echoes(name, [*values(body), *values(private(case["headers"]))], captured(name).doc) == []


PERSONAL = st.one_of(
    st.text(min_size=1, max_size=30),
    st.text(st.sampled_from("abe1 "), max_size=6),
    st.from_regex(r"[a-z]{1,8}@[a-z]{1,8}\.com", fullmatch=True),
    st.from_regex(r"\+[1-9][0-9]{7,12}", fullmatch=True),
    st.from_regex(r"person[0-9]{1,2}@example\.com|https://example\.com/[0-9]", fullmatch=True),
    st.from_regex(r"[0-9]{4}", fullmatch=True),
    st.integers(0, 10**18).map(lambda n: Number(str(n))),
    st.decimals(-1000, 1000, places=2).map(lambda n: Number(str(n))),
)
BODIES = st.recursive(
    PERSONAL | st.none() | st.booleans(),
    lambda below: (
        st.lists(below, max_size=5)
        | st.dictionaries(st.from_regex(r"[a-z_]{1,8}", fullmatch=True), below, max_size=5)
    ),
    max_leaves=30,
)


@settings(deadline=None)
@given(BODIES)
@pytest.mark.parametrize("name", ["shopify/orders-create", "zendesk/trigger", "generic/slack"])
def test_whatever_a_body_holds_none_of_its_values_is_told(name, body):
    fixture = captured(name, body=exact.dumps(body).encode())

    headers = kept(sources.load(*set_up(name)), CASES[name]["headers"])
    assert echoes(name, [*values(body), *values(private(headers))], fixture.doc) == []


@settings(deadline=None)
@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace")))
def test_whatever_is_no_json_tells_no_word_of_it(raw):
    name = "shopify/orders-create"
    text = raw.decode(errors="replace")

    doc = captured(name, body=raw).doc

    words = re.findall(r"[^\W_]+@?[^\W_]*", text)
    assert echoes(name, [one for one in words if one.isalpha()], {**doc, "headers": {}}) == []


def test_the_same_value_has_the_same_substitute_and_another_one_another():
    body = {"id": 820982911946154508, "name": "#820982911946154508", "customer": {"id": "820982911946154508"}}
    customers = [{"email": f"p{n}@shop.se", "n": 1000 + n, "code": "A"} for n in range(200)]
    doc = captured("shopify/orders-create", body=json.dumps({**body, "all": customers}).encode()).doc
    told = exact.loads(doc["body"])

    assert str(told["id"]) == told["customer"]["id"] != "820982911946154508"
    for member in ("email", "n"):
        assert len({str(one[member]) for one in told["all"]}) == 200
    assert len({one["code"] for one in told["all"]}) == 1


@pytest.mark.parametrize(
    ("value", "form"),
    [
        ("ada@lovelace.se", r"person\d+@example\.com"),
        ("+46701740605", r"\+447700900\d{3}"),
        ("+46 70-174 06 05", r"\+44 7700 900\d{3}"),
        ("https://shop.example.se/orders/1?token=abc", r"https://example\.com/\d+"),
        ("2026-11-22T10:15:00-05:00", r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00"),
        ("2026-11-22T10:15:00.877Z", r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"),
        ("1815-12-10", r"20\d\d-\d\d-\d\d"),
        ("/Date(1763806500000+0100)/", r"/Date\([1-9]\d{12}\+0000\)/"),
        ("75c226c7-d3bb-ed11-83ff-000d3a2f4a8b", r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
        ("75C226C7-D3BB-ED11-83FF-000D3A2F4A8B", r"[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}"),
        ("Ada Lovelace", r"[A-Z][a-z]{2} [A-Z][a-z]{7}"),
        ("Åsa", r"[ÅÄÖÉÜ][a-z]{2}"),
        ("evt_1QNxyz2", r"[a-z]{3}_\d[A-Z]{2}[a-z]{3}\d"),
        ("199.65", r"[1-9]\d\d\.[1-9]\d"),
        ("0.00", r"0\.00"),
        ("", ""),
        (Number("42.50"), r"[1-9]\d\.[1-9]\d"),
        (Number("-1e-7"), r"-[2-9]e-7"),
    ],
)
def test_a_substitute_has_the_form_of_what_it_stands_for(value, form):
    told = exact.loads(captured("shopify/orders-create", body=exact.dumps({"x": value}).encode()).doc["body"])

    assert re.fullmatch(form, str(told["x"]))
    assert type(told["x"]) is type(value)


@pytest.mark.parametrize(
    ("name", "stays"),
    [
        ("first_name", True),
        ("Favourite colour", True),
        ("förnamn", True),
        ("$ref", True),
        ("ada@lovelace.se", False),
        ("46701740605", False),
        ("order 20261122", False),
        ("x" * 65, False),
        ("75c226c7-d3bb", False),
    ],
)
def test_the_name_of_a_member_stays_unless_it_looks_like_data(name, stays):
    told = exact.loads(captured("shopify/orders-create", body=exact.dumps({name: 1}).encode()).doc["body"])

    assert (name in told) is stays


def test_the_words_of_a_source_s_own_mapping_stay_so_that_it_finds_what_it_found():
    mapping = {"properties": {"size": "fields[?ref=='shoe_size'].answer | [0]"}}
    body = {"fields": [{"ref": "shoe_size", "answer": "forty"}], "currency": "SEK", "country": "SE"}
    types = {"orders/create": VendorType("a.b", None, mapping)}
    doc = captured("shopify/orders-create", types=types, body=json.dumps(body).encode()).doc
    told = exact.loads(doc["body"])

    assert told["fields"][0]["ref"] == "shoe_size"
    assert told["fields"][0]["answer"] != "forty"
    assert (told["currency"], told["country"] == "SE") == ("SEK", False)


def test_a_type_that_looks_like_somebody_s_data_is_replaced():
    name, body = "generic/slack", {"event": {"type": "Ada Lovelace"}, "event_id": "1"}
    fixture = captured(name, body=json.dumps(body).encode())

    assert "Lovelace" not in exact.dumps(fixture.doc)
    assert fixture.case == "invalid"


def test_what_a_mapping_cannot_take_is_told_with_its_place(monkeypatch):
    body = b'{"MessageName": "Update", "PrimaryEntityName": "contact", "PrimaryEntityId": "1", "InputParameters": 5}'
    doc = exact.loads(exact.dumps(captured("dataverse/contact-update", body=body).doc))

    monkeypatch.setitem(CASES, "dataverse/captured", doc)
    shared_tests.test_it_is_mapped_as_expected_to_the_letter("dataverse/captured")


def test_what_is_packed_is_unpacked_and_what_cannot_be_is_taken_as_it_is():
    headers = {
        "content-type": "application/json",
        "content-encoding": "gzip",
        **CASES["shopify/orders-create"]["headers"],
    }
    packed = captured("shopify/orders-create", headers=headers, body=gzip.compress(b'{"id": 7}')).doc
    broken = captured("shopify/orders-create", headers=headers, body=b"\x1f\x8b ada@lovelace.se").doc

    assert "content-encoding" not in packed["headers"]
    assert list(exact.loads(packed["body"])) == ["id"]
    assert "refused" in broken
    assert "lovelace" not in exact.dumps(broken)


def test_a_kind_that_breaks_over_a_request_says_so():
    plugin = replace(sources.load("shopify"), read=lambda _: 1 / 0)
    item = Item("1", Cause.BROKEN_SOURCE, HOOK, "", "", (), {}, 2, body=b"{}")
    source = Source("demo", HOOK, "a", "shopify", "a", paused=False, types={}, secrets=())

    with pytest.raises(BrokenSource, match="ZeroDivisionError"):
        capture.captured(source, plugin, item)


@pytest.mark.parametrize(
    "name", [name for name in READABLE if name.split("/")[0] in ("shopify", "hubspot", "cloudevents")]
)
async def test_what_lies_in_quarantine_is_captured_the_same_each_time_and_stays_there(name):
    house, secret = await furnished(name)
    await house.line.sources.pause("demo", HOOK)
    await hooks.webhook(house.line, HOOK, arrives(house, name, secret))
    [item] = await house.line.quarantine.list("demo", None, 10)

    first, again = [await capture.fixture(house.line, "demo", item["id"]) for _ in range(2)]

    assert first == again
    assert [one["type"] for one in listed(first.doc["facts"])] == [
        one["type"] for one in listed(CASES[name]["facts"])
    ]
    assert "signature" not in exact.dumps(first.doc["headers"])
    assert len(await house.line.quarantine.list("demo", None, 10)) == 1


async def test_what_is_not_in_quarantine_is_not_found():
    with pytest.raises(NotFound):
        await capture.fixture((await build().furnish()).line, "demo", "019a0000-0000-8000-8000-000000000000")


@pytest.mark.parametrize("kind", sources.KINDS)
def test_the_words_that_a_kind_keeps_are_those_of_requests_that_its_vendor_published(kind):
    words = sources.load(kind, shared_tests.settings_of(kind)).words
    published = [case for name, case in CASES.items() if name.startswith(f"{kind}/")]
    texts = exact.dumps([[case["headers"], case.get("body")] for case in published])

    assert [one for one in words if one not in texts] == []


ADA = {
    "email": "ada@lovelace.se",
    "mobile": "+46701740605",
    "externalIds": {"erp": "7700-1"},
    "deviceId": "d-99x1",
}
BOUGHT = {"orderId": "order-1001", "totalValue": Number("1042.50"), "currency": "SEK"}


async def test_an_event_becomes_a_body_that_fits_the_same_definition_and_tells_nobody_s_data():
    house = await build().furnish()
    id = await house.accept(person=ADA, properties={**BOUGHT, "totalValue": 1042.5})

    made = await capture.posted(house.line, house.caller, id)
    again = await house.accept(id="another", **json.loads(exact.dumps(dict(made.doc))))

    assert again != id
    assert shape(made.doc["person"]) == shape(ADA)
    assert shape(made.doc["properties"]) == shape(BOUGHT)
    assert made.doc["properties"]["currency"] == "SEK"
    told = [
        one.casefold() for one in values([made.doc["person"], made.doc["properties"], made.doc["source"]])
    ]
    assert [one for one in values([ADA, BOUGHT, "checkout"]) if any(one in text for text in told)] == []
    assert made == await capture.posted(house.line, house.caller, id)


async def test_an_event_that_a_key_may_not_read_is_not_captured_for_it():
    house = await build().furnish()
    id = await house.accept()

    with pytest.raises(NotFound):
        await capture.posted(house.line, replace(house.caller, events=frozenset({"tests.other"})), id)


@pytest.mark.parametrize("name", READABLE)
async def test_what_is_captured_goes_the_whole_way_as_every_fixture_does(name, monkeypatch):
    doc = exact.loads(exact.dumps(captured(name).doc))
    place = f"{name.partition('/')[0]}/captured"
    monkeypatch.setitem(CASES, place, doc)

    await taking_in.test_it_becomes_its_events_once_however_often_it_comes(place)
    await taking_in.test_to_a_paused_source_it_is_answered_well_kept_and_taken_in_later(place)
    await taking_in.test_signed_with_another_secret_it_is_refused(place)
