"""docs/operating.md tells of every alert there is, in the words of the metrics, and docs/runbooks.md has what they lead to."""

import re
from pathlib import Path

import pytest

from shared.logs import FIELDS
from shared.metrics import METRICS

ROOT = Path(__file__).parents[1]
OPERATING = (ROOT / "docs/operating.md").read_text()
RUNBOOKS = (ROOT / "docs/runbooks.md").read_text()
ALERTS = sorted((ROOT / "infra/app").glob("alerts*.bicep"))
"""None, as long as no template has alerts."""
AGREED = {
    "held",
    "dead-letters",
    "oldest-unfinished",
    "failure-rate",
    "throttling",
    "silence",
    "unusual-volume",
    "server-errors",
    "daily-cap",
    "storage",
}
BROKEN_OR_ASKED = {
    "A stuck queue",
    "A poisoned message",
    "A secret is rotated",
    "A destination is down",
    "Restore",
    "A region is lost",
    "A subject request",
}
PARTS = ("**Means**:", "**Look**:", "**Do**:", "**Ends** ")
ATTRIBUTES = {name: values for metric in METRICS for name, values in metric.attributes.items()}
[TOLD] = re.findall(r"^## Alerts\n(.+?)(?=^## )", OPERATING, re.MULTILINE | re.DOTALL)
SECTIONS = dict(re.findall(r"^### (\S+)\n(.+?)(?=^### |\Z)", TOLD, re.MULTILINE | re.DOTALL))
WRITTEN = re.findall(r"```kusto\n(.*?)```", OPERATING + RUNBOOKS, re.DOTALL)
OF_LINES = [one for one in WRITTEN if one.lstrip().startswith("AppTraces")]
QUESTIONS = [*(one for one in WRITTEN if one not in OF_LINES), *(at.read_text() for at in ALERTS)]


def test_every_alert_has_its_section():
    named = {
        name for at in ALERTS for name in re.findall(r"^ +section: '([\w-]+)'", at.read_text(), re.MULTILINE)
    }

    assert AGREED | named == SECTIONS.keys()


@pytest.mark.parametrize("name", sorted(AGREED))
def test_a_section_says_what_it_means_how_to_look_what_to_do_and_when_it_ends(name: str):
    at = [SECTIONS[name].find(part) for part in PARTS]

    assert -1 not in at
    assert at == sorted(at)


@pytest.mark.parametrize("name", sorted(BROKEN_OR_ASKED))
def test_what_may_break_or_be_asked_has_its_runbook(name: str):
    assert f"\n## {name}\n" in RUNBOOKS


def test_the_questions_ask_for_metrics_that_there_are():
    named = {name for one in QUESTIONS for name in re.findall(r'"(signalbox\.[\w.]+)"', one)}

    assert named
    assert named <= {metric.name for metric in METRICS}


def test_the_questions_ask_for_attributes_and_values_that_there_are():
    asked = [
        found for one in QUESTIONS for found in re.findall(r"Properties\.(\w+)\)(?: == \"(\w+)\")?", one)
    ]

    assert asked
    assert {name for name, _ in asked} <= ATTRIBUTES.keys()
    assert [(name, value) for name, value in asked if value and value not in ATTRIBUTES[name]] == []


def test_the_questions_about_lines_ask_for_fields_that_there_are():
    asked = {name for one in OF_LINES for name in re.findall(r"Properties\.(\w+)\)", one)}

    assert asked
    assert asked <= FIELDS.keys()
