"""What an audit row tells of a change, and what it never does."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from shared.acting import COMMAND, acting, actor
from shared.changes import LARGEST_TOLD, change, row_of, shown
from tests.fakes import FakeClock

NOW = FakeClock().now()
DOCS = st.dictionaries(
    st.sampled_from(["name", "status", "types", "events"]), st.one_of(st.none(), st.text(), st.integers())
)


def test_only_the_members_that_differ_are_told():
    told = change("route changed", "rt", {"a": 1, "b": 2, "c": 3}, {"a": 1, "b": 5, "d": 4})

    assert (told.before, told.after) == ({"b": 2, "c": 3}, {"b": 5, "d": 4})


@given(DOCS, DOCS)
def test_what_is_told_leads_from_the_one_document_to_the_other(before, after):
    told = change("x", "id", before, after)

    kept = {name: value for name, value in before.items() if name not in told.before}
    assert {**kept, **told.after} == after


def test_no_secret_is_told():
    key = [{"number": 1, "hash": "c0ffee", "createdAt": "then", "revokedAt": None}]
    docs = {"secrets": key}, {"secrets": ["sealed:one"]}, {"secrets": {"signingSecret": "sealed:two"}}

    told = [change("x", "id", {}, doc).after["secrets"] for doc in docs]

    assert told == [[{"number": 1, "revokedAt": None}], 1, ["signingSecret"]]
    assert change("x", "id", {}, {"hashKey": "sealed:three"}).after == {"hashKey": "sealed"}


def test_of_a_large_member_size_and_hash_are_told():
    told = change("x", "id", {"types": "small"}, {"types": "x" * LARGEST_TOLD})

    assert told.before == {"types": "small"}
    assert told.after["types"]["bytes"] == LARGEST_TOLD + 2
    assert len(told.after["types"]["sha256"]) == 64


def test_a_later_change_comes_first_and_two_of_one_moment_are_two():
    one = change("x", "id", {}, {"a": 1})
    first, later = row_of("p", one, NOW), row_of("p", one, NOW + timedelta(milliseconds=1))
    same = {row_of("p", one, NOW, etag).rk for etag in ("v1", "v2", None)}

    assert later.rk < first.rk
    assert len(same) == 3


def test_whoever_acts_is_named_and_outside_of_requests_it_is_a_command():
    one = change("x", "id", {}, {"a": 1})
    with acting("key-1"):
        inside = shown(row_of("p", one, NOW))
    outside = shown(row_of("p", one, NOW))

    assert (inside["by"], outside["by"], actor()) == ("key-1", COMMAND, COMMAND)
    assert inside == {
        "at": "2026-11-22T09:15:00.000Z",
        "by": "key-1",
        "what": "x",
        "id": "id",
        "before": {},
        "after": {"a": 1},
    }
