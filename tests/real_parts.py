"""Turn every skip into a failure where `SIGNALBOX_REQUIRE_REAL` is set, so that CI cannot pass without its real parts.

A test that skips because Azurite, Qpid Proton or the Functions runtime is missing is right on a bare machine
and wrong in CI. A test that can only run elsewhere (another system, a live namespace) says so: its reason
begins with "elsewhere:" and it stays a skip.
"""

import os
from collections.abc import Generator
from typing import TypeVar

import pytest

ELSEWHERE = "elsewhere:"

Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    return _strict((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    return _strict((yield))


def _strict(report: Report) -> Report:
    if os.environ.get("SIGNALBOX_REQUIRE_REAL") == "1" and report.skipped and not hasattr(report, "wasxfail"):
        reason = _reason(report)
        if not reason.startswith(ELSEWHERE):
            report.outcome = "failed"
            report.longrepr = f"skipped where SIGNALBOX_REQUIRE_REAL forbids it: {reason}"
    return report


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    text = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return text.removeprefix("Skipped: ")
