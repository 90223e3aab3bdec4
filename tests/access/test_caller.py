"""What a caller may do, and where."""

import pytest

from shared.access.caller import Caller, for_section
from shared.access.rights import Scope
from shared.errors import Forbidden, NotFound


def caller(section: str | None = "shop", *scopes: Scope, events: frozenset[str] | None = None) -> Caller:
    return Caller(section, frozenset(scopes), "k1", "checkout", "k1", events)


def test_a_scope_that_is_held_or_covered_passes() -> None:
    caller("shop", Scope.EVENTS_WRITE).require(Scope.EVENTS_WRITE)
    caller("shop", Scope.SOURCES_WRITE).require(Scope.SOURCES_READ)


def test_a_missing_scope_is_named_in_the_refusal() -> None:
    with pytest.raises(Forbidden, match="events:read"):
        caller("shop", Scope.EVENTS_WRITE).require(Scope.EVENTS_READ)


def test_a_caller_without_a_list_may_send_every_event() -> None:
    caller().require_event("orders.placed")


def test_a_caller_with_a_list_may_send_only_these() -> None:
    limited = caller(events=frozenset({"orders.placed"}))
    limited.require_event("orders.placed")

    with pytest.raises(Forbidden):
        limited.require_event("orders.cancelled")
    with pytest.raises(Forbidden):
        caller(events=frozenset()).require_event("orders.placed")


def test_a_section_key_stays_in_its_section() -> None:
    assert for_section(caller("shop"), None).section == "shop"
    assert for_section(caller("shop"), "shop").section == "shop"


@pytest.mark.parametrize("header", ["bank", "Shop", "", "*", "shop|key", " shop"])
def test_another_section_does_not_exist_for_a_section_key(header: str) -> None:
    with pytest.raises(NotFound):
        for_section(caller("shop"), header)


def test_a_deployment_key_goes_where_the_header_says() -> None:
    assert for_section(caller(None), "shop").require_section() == "shop"


@pytest.mark.parametrize("header", ["", "*", "s", "9lives", "shop|key", "SHOP", "shop\n", "a" * 32])
def test_no_header_reaches_what_is_no_section(header: str) -> None:
    with pytest.raises(NotFound):
        for_section(caller(None), header)


def test_a_deployment_key_that_names_no_section_is_told_how() -> None:
    with pytest.raises(Forbidden, match="Signalbox-Section"):
        for_section(caller(None), None).require_section()
