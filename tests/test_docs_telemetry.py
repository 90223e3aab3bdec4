"""docs/telemetry.md says every field and every measure, and the host is told to keep URLs to itself."""

import json
import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from shared.logs import FIELDS
from shared.metrics import DOORS, KINDS, METRICS, Metric

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs/telemetry.md").read_text()
HOST = json.loads((ROOT / "host.json").read_text())
APP = (ROOT / "infra/app/function-app.bicep").read_text()
LEVELS = ("Trace", "Debug", "Information", "Warning", "Error", "Critical", "None")
TELLS_URLS = ("Microsoft.AspNetCore", "Microsoft.Azure.WebJobs.Script.WebHost.Middleware", "Host.Results")
"""Categories of the host that log what was asked for, below `Warning`."""


def test_every_field_of_a_line_is_told_in_its_order():
    [table] = re.findall(r"^\| Field \| Says \|\n\|---\|---\|\n((?:\|.+\n)+)", PAGE, re.MULTILINE)

    assert re.findall(r"^\| `(\w+)` \| (.+) \|$", table, re.MULTILINE) == [*FIELDS.items()]


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_every_measure_is_told_with_all_its_values(metric: Metric):
    start = f"| `{metric.name}` | {metric.kind}, {metric.unit} | {metric.what} | "
    [row] = [line for line in PAGE.splitlines() if line.startswith(start)]

    for name, values in metric.attributes.items():
        assert f"`{name}`" in row
        told = PAGE if name in ("door", "kind", "reason") else row
        known = DOORS if name == "door" else () if name in ("kind", "reason") else values
        assert [value for value in known if f"`{value}`" not in told] == []


def test_no_measure_is_told_that_there_is_not():
    assert {*re.findall(r"^\| `(signalbox\.[\w.]+)` \|", PAGE, re.MULTILINE)} == {one.name for one in METRICS}


def test_questions_ask_for_what_there_is():
    questions = "".join(re.findall(r"```kusto\n(.*?)```", PAGE, re.DOTALL))
    names, attributes = {one.name for one in METRICS}, {name for one in METRICS for name in one.attributes}

    assert {*re.findall(r"signalbox\.[\w.]+", questions)} <= names
    assert {*re.findall(r"Properties\.(\w+)", questions)} <= {*FIELDS, *attributes}
    assert "webhook" in KINDS


def test_the_line_that_is_shown_has_only_such_fields():
    [line] = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)

    assert [*json.loads(line)] == [name for name in FIELDS if name in json.loads(line)]


def level_of(category: str, levels: Mapping[str, str]) -> str:
    """As the host finds it: the longest name that the category begins with, else the default."""
    fitting = [name for name in levels if name != "default" and category.startswith(name)]
    return levels[max(fitting, key=len)] if fitting else levels["default"]


def test_the_host_is_in_the_mode_of_which_the_page_tells():
    assert HOST["telemetryMode"] == "OpenTelemetry"
    assert "applicationInsights" not in HOST["logging"]


@pytest.mark.parametrize(
    "category", [*TELLS_URLS, "Host.Triggers.Warmup", "Microsoft.AspNetCore.Hosting.Diagnostics"]
)
def test_what_the_host_would_log_of_a_request_is_not_logged(category: str):
    level = level_of(category, HOST["logging"]["logLevel"])

    assert LEVELS.index(level) >= LEVELS.index("Warning")


def test_nothing_but_the_hosts_start_is_logged_below_a_warning():
    chatty = {
        name
        for name, level in HOST["logging"]["logLevel"].items()
        if LEVELS.index(level) < LEVELS.index("Warning")
    }

    assert chatty == {"Host.Startup"}


def test_the_host_keeps_no_trace_passes_nothing_on_and_shows_no_query():
    settings = dict(re.findall(r"^    (\w+): '([^']*)'$", APP, re.MULTILINE))

    assert settings["OTEL_TRACES_SAMPLER"] == "microsoft.fixed_percentage"
    assert float(settings["OTEL_TRACES_SAMPLER_ARG"]) == 0
    assert settings["PYTHON_ENABLE_OPENTELEMETRY"] == "true"
    assert settings["SIGNALBOX_TELEMETRY"] == "azure"
    assert "PYTHON_APPLICATIONINSIGHTS_ENABLE_TELEMETRY" not in settings
    assert not re.search(r"QUERY_REDACTION|OTEL_EXPORTER|OTLP", APP)


def test_what_azure_knows_the_host_by_is_no_instrumentation():
    """What would see URLs of itself is not installed, so that nobody can switch it on."""
    locked = (ROOT / "requirements.txt").read_text()

    assert (
        re.findall(r"^(opentelemetry-instrumentation\S*|azure-core-tracing\S*)", locked, re.MULTILINE) == []
    )
    assert re.findall(r"^(grpcio|protobuf|opentelemetry-exporter-otlp)\S*", locked, re.MULTILINE) == []
