"""The table of rights."""

import pytest

from shared.access.rights import COVERS, NEEDS, Scope, covers


def test_every_scope_opens_some_route() -> None:
    opened = {scope for scope in Scope if any(covers({scope}, needed) for needed in NEEDS.values())}

    assert opened == set(Scope)


def test_whoever_edits_configuration_sees_it() -> None:
    assert covers({Scope.DEFINITIONS_WRITE}, Scope.DEFINITIONS_READ)
    assert covers({Scope.DELIVERY_WRITE}, Scope.DELIVERY_READ)
    assert covers({Scope.SOURCES_WRITE}, Scope.SOURCES_READ)


def test_whoever_writes_events_or_people_reads_none() -> None:
    assert not covers({Scope.EVENTS_WRITE}, Scope.EVENTS_READ)
    assert not covers({Scope.PEOPLE_WRITE}, Scope.PEOPLE_READ)


def test_reading_never_covers_writing() -> None:
    for held in (scope for scope in Scope if scope.endswith(":read")):
        assert [scope for scope in Scope if covers({held}, scope)] == [held]


def test_what_a_scope_covers_covers_nothing_more() -> None:
    # covers() looks one step far; a chain in the table would be lost
    assert not [scope for covered in COVERS.values() for scope in covered if scope in COVERS]


def test_a_route_without_a_right_cannot_be_looked_up() -> None:
    with pytest.raises(KeyError):
        NEEDS["GET /v1/secrets"]


def test_a_reading_route_needs_no_writing_scope_where_a_reading_one_exists() -> None:
    for route, scope in NEEDS.items():
        room = scope.split(":")[0]
        if route.startswith("GET ") and f"{room}:read" in list(Scope):
            assert scope.endswith(":read"), route
