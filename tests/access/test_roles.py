"""The table of roles."""

import pytest

from shared.access.rights import COVERS, DEPLOYMENT_ONLY, Scope, reach
from shared.access.roles import GRANTS, ON_BEHALF, Role, granted


def test_every_role_and_every_scope_stands_in_it_and_nothing_else():
    assert GRANTS.keys() == {*Role, ON_BEHALF, *Scope}


@pytest.mark.parametrize("scope", Scope)
def test_a_scope_grants_itself_with_what_comes_along(scope):
    assert granted([scope]) == {scope, *COVERS.get(scope, ())}


def test_an_admin_may_do_everything_and_nobody_else_hands_out_rights():
    assert granted(["admin"]) == set(Scope)
    for role in set(Role) - {"admin"}:
        assert not granted([role]) & {Scope.KEYS_WRITE, Scope.SECTIONS_WRITE}, role


def test_a_tool_that_posts_events_reads_nothing():
    assert granted(["ingest"]) == {Scope.EVENTS_WRITE}


@pytest.mark.parametrize("role", ["developer", "ingest", "operator"])
def test_who_works_on_the_line_sees_nobodys_timeline(role):
    assert not granted([role]) & {Scope.PEOPLE_READ, Scope.PEOPLE_WRITE}


def test_what_is_not_in_the_table_grants_nothing():
    assert granted(["Admin", "root", "", "events:*"]) == set()


def test_several_roles_add_up():
    assert granted(["ingest", "events:read"]) == {Scope.EVENTS_WRITE, Scope.EVENTS_READ}


def test_what_scopes_reach_is_what_they_cover():
    assert reach([]) == set()
    assert reach(Scope) == set(Scope)
    assert {Scope.TICK, Scope.SECTIONS_WRITE} == DEPLOYMENT_ONLY
