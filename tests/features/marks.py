"""Holds the marks `feature("F1", ...)` to what they promise: known rows, on tests that run, on the running app."""

import os
from collections.abc import Generator, Iterable, Iterator, Sequence

import pytest

from tests.features.register import faults, rows

THE_APP = "running"
"""The fixture that a test has when it drives the app through its doors."""
MAY_NOT_RUN = ("skip", "skipif", "xfail")


def rows_of(item: pytest.Item) -> Iterator[str]:
    """The rows that a test shows."""
    return (row for mark in item.iter_markers("feature") for row in mark.args)


def marked(items: Iterable[pytest.Item]) -> dict[str, set[str]]:
    """By row, the tests that show it; with its parameters where only some cases of a test do."""
    found: dict[str, set[str]] = {}
    for item in items:
        whole = getattr(getattr(item, "function", None), "pytestmark", ())
        for mark in item.iter_markers("feature"):
            name = item.nodeid.partition("[")[0] if mark in whole else item.nodeid
            for row in mark.args:
                found.setdefault(row, set()).add(name)
    return found


def unfit(items: Iterable[pytest.Item]) -> Iterator[str]:
    """Marked tests that could show nothing: they may not run, or do not meet the running app."""
    for item in items:
        if [*rows_of(item)]:
            if any(item.get_closest_marker(name) for name in MAY_NOT_RUN):
                yield f"{item.nodeid} shows a demand and may not run"
            if THE_APP not in getattr(item, "fixturenames", ()):
                yield f"{item.nodeid} shows a demand without the running app"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    wrong = [*unfit(items), *faults(rows(), marked(items))]
    if wrong:
        raise pytest.UsageError("; ".join(wrong))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fail a marked test that skips in CI, whatever it gives as its reason."""
    report = yield
    if os.environ.get("SIGNALBOX_REQUIRE_REAL") == "1" and report.skipped and [*rows_of(item)]:
        vars(report).pop("wasxfail", None)  # pytest counts no failure that was expected
        report.outcome = "failed"
        report.longrepr = "it shows a demand, and was skipped"
    return report
