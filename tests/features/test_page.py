"""The page on features says what the marks say, and the marks say nothing that they should not."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.features.register import PAGE, Row, faults, page, rows, unshown

pytest_plugins = ["pytester"]
ROOT = Path(__file__).parents[2]
SHOWN = Row("F1", "Sending", "It sends")
WAITING = Row("F2", "Sending", "It sings", waits="a voice")
MISSING = Row("F3", "Sending", "It dances", lacks="legs")
REGISTER = {row.id: row for row in (SHOWN, WAITING, MISSING)}


@pytest.mark.slow
def test_the_page_is_what_the_marks_make_of_it():
    """After a wanted change: python -m tests.features.page"""
    made = subprocess.run(
        [sys.executable, "-m", "tests.features.page", "--print"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )

    assert made.returncode == 0, made.stderr
    assert made.stdout == PAGE.read_text()


def test_every_demand_about_sending_is_in_the_register_and_each_says_one_thing():
    register = rows()

    assert {f"F{number}" for number in range(101, 166)} <= register.keys()
    assert all(row.demand and not (row.waits and row.lacks) for row in register.values())


def test_only_what_is_claimed_may_be_marked():
    marks = {"F1": {"t"}, "F2": {"t"}, "F3": {"t"}, "F4": {"t"}}

    assert [told.partition(" ")[0] for told in faults(REGISTER, marks)] == ["F2", "F3", "F4"]


def test_what_is_claimed_needs_a_test():
    assert unshown(REGISTER, {}) == ["F1"]
    assert unshown(REGISTER, {"F1": {"t"}}) == []


def test_a_row_says_who_shows_it_or_what_it_waits_for_or_lacks():
    text = page(REGISTER, {"F1": {"tests/a.py::test_b"}})

    assert "| F1 | It sends | **shown** by [`test_b`](../tests/a.py) |" in text
    for names, told in (("pq", "(`p`, `q`)"), ("pqrs", "(4 of its cases)")):
        some = page(REGISTER, {"F1": {f"tests/a.py::test_b[{name}]" for name in names}})
        assert f"[`test_b`](../tests/a.py) {told} |" in some
    assert "| F2 | It sings | waits for a voice |" in text
    assert "| F3 | It dances | not yet: legs |" in text


@pytest.mark.parametrize(
    ("test", "told"),
    [
        ('@pytest.mark.feature("F110")\ndef test_it(running): pass', None),
        ('@pytest.mark.feature("F110")\ndef test_it(): pass', "without the running app"),
        ('@pytest.mark.skip\n@pytest.mark.feature("F110")\ndef test_it(running): pass', "may not run"),
        ('@pytest.mark.xfail\n@pytest.mark.feature("F110")\ndef test_it(running): pass', "may not run"),
        ('@pytest.mark.feature("F134")\ndef test_it(running): pass', "not there yet"),
        ('@pytest.mark.feature("F999")\ndef test_it(running): pass', "not in the register"),
        ('@pytest.mark.feature("F110")\ndef test_it(running): pytest.skip("no")', "was skipped"),
        ('@pytest.mark.feature("F110")\ndef test_it(running): pytest.skip("elsewhere: no")', "was skipped"),
        ('@pytest.mark.feature("F110")\ndef test_it(running): pytest.xfail("no")', "was skipped"),
    ],
    ids=[
        "good",
        "no app",
        "skip",
        "xfail",
        "waits",
        "unknown",
        "skips",
        "skips elsewhere",
        "fails as expected",
    ],
)
def test_a_mark_that_could_lie_is_an_error(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, test: str, told: str | None
):
    pytester.makeconftest('import pytest\npytest_plugins = ["tests.features.marks"]\n'
                          "@pytest.fixture\ndef running(): pass\n")  # fmt: skip
    pytester.makepyfile(f"import pytest\n{test}\n")
    monkeypatch.setenv("SIGNALBOX_REQUIRE_REAL", "1")

    done = pytester.runpytest_inprocess("-p", "no:randomly", "-p", "no:schemathesis", "-W", "ignore")

    assert (done.ret == 0) == (told is None)
    assert told is None or told in "".join([*done.outlines, *done.errlines])
