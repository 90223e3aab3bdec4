"""Traces: what a header may say, and that a stored place is read again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import trace
from shared.trace import Trace

ID, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
digits = st.text("0123456789abcdef")


@pytest.mark.parametrize("flags", ["00", "01", "ff"])
def test_the_place_that_a_caller_names_is_taken_whether_it_keeps_the_trace_or_not(flags: str):
    assert trace.of_header(f"00-{ID}-{SPAN}-{flags}") == Trace(ID, SPAN)


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "x",
        f"00-{ID.upper()}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{ID}-{'0' * 16}-01",
        f"00-{ID}-{SPAN}-01\n",
        f"00-{ID}-{SPAN}-01-ada@example.com",
        f"{ID}\n",
    ],
)
def test_a_header_that_is_none_names_no_place(header: str | None):
    assert trace.of_header(header) is None


@given(st.text())
def test_whatever_a_header_says_what_is_taken_of_it_is_hexadecimal(text: str):
    found = trace.of_header(text)

    assert found is None or {*str(found)} <= {*"0123456789abcdef-"}


def test_what_was_written_is_read_again():
    here = Trace.new()

    assert trace.read(str(here)) == here
    assert trace.read(None) is trace.read("ada@example.com") is None


def test_a_child_is_another_place_in_the_same_trace():
    here = Trace.new()

    assert here.child().id == here.id
    assert here.child().span != here.span
    assert Trace.new().id != here.id


def test_what_happens_within_a_place_belongs_to_it_until_it_is_left():
    outer, inner = Trace.new(), Trace.new()

    with trace.within(outer):
        with trace.within(inner):
            assert trace.current() == inner
        assert trace.current() == outer
    assert trace.current() is None
