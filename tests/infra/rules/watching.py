"""What is watched, who is told, and what they read then."""

import re
from collections.abc import Iterator
from typing import Any

from tests.infra.bicep import Deployment, Resource
from tests.infra.facts import Facts

QUERY, METRIC = "Microsoft.Insights/scheduledQueryRules", "Microsoft.Insights/metricAlerts"
DIAGNOSTICS = "Microsoft.Insights/diagnosticSettings"
LOGGED = {
    "dataStorage.tables": {"StorageDelete"},
    "dataStorage.blobs": {"StorageDelete"},
    "serviceBus.namespace": {"OperationalLogs"},
    "vault.vault": {"AuditEvent"},
    "functionApp.site": {"FunctionAppLogs"},
}
"""What is logged, and no more: reads and writes of storage cost more than storage, HTTP logs have credentials in URLs."""
# https://learn.microsoft.com/azure/azure-monitor/alerts/alerts-create-log-alert-rule
FREQUENCIES, LONGEST = ("PT5M", "PT15M", "PT1H"), {"PT15M", "PT1H", "P1D"}
_LINK = re.compile(r" See docs/operating\.md#([a-z-]+)$")
_NAMED = re.compile(r'Name == "([^"]+)"')
_ASKED = re.compile(r'tostring\(Properties(?:\.|\[")(\w+)(?:"\])?\)(?: (?:==|in) \(?((?:"\w+",? ?)+))?')
_WORD = re.compile(r'"(\w+)"')


def alerts(deployment: Deployment) -> list[Resource]:
    return [*deployment.of(QUERY), *deployment.of(METRIC)]


def every_alert_says_what_to_do(deployment: Deployment, facts: Facts) -> Iterator[str]:
    """In a sentence, and in a section of docs/operating.md; there is a section for nothing else."""
    linked = {}
    for alert in alerts(deployment):
        found = _LINK.search(alert.body["properties"]["description"])
        if not found or found.start() < 40:
            yield f"{alert.at}: does not say what to do, and where that stands"
        else:
            linked[found[1]] = alert
    if linked.keys() != {*facts.alerts}:
        yield f"there are other alerts than sections: {sorted(linked.keys() ^ {*facts.alerts})}"


def every_alert_tells_somebody(deployment: Deployment, _: Facts) -> Iterator[str]:
    group = "«alerts.actionGroup.id»"
    for alert in alerts(deployment):
        properties = alert.body["properties"]
        told = properties.get("actions", [])
        ids = told.get("actionGroups") if isinstance(told, dict) else [one["actionGroupId"] for one in told]
        if ids != [group]:
            yield f"{alert.at}: tells nobody"
        if not properties["autoMitigate"]:
            yield f"{alert.at}: is not taken back when it is over"
    for budget in deployment.of("Microsoft.Consumption/budgets"):
        for name, notice in budget.body["properties"]["notifications"].items():
            if notice["contactGroups"] != [group]:
                yield f"{budget.at}: {name} tells nobody"


def alerts_ask_for_what_is_measured(deployment: Deployment, _: Facts) -> Iterator[str]:
    """The names of metrics, their attributes and values are those of the one list that the code measures by."""
    known = _measured()
    asked = set()
    for rule in deployment.of(QUERY):
        (criterion,) = rule.body["properties"]["criteria"]["allOf"]
        query = criterion["query"]
        if (
            criterion["metricMeasureColumn"] != "Value"
            or "Value = " not in query
            or "TimeGenerated" not in query
        ):
            yield f"{rule.at}: gives no Value at a time"
        for name in _NAMED.findall(query):
            asked.add(name)
            yield from (f"{rule.at}: {fault}" for fault in _unmeasured(name, query, known))
    for name in sorted({"signalbox.waiting", "signalbox.unfinished.age", "signalbox.deliveries"} - asked):
        yield f"no alert asks for {name}"


def _measured() -> dict[str, Any]:
    from shared.metrics import METRICS

    return {one.name: one.attributes for one in METRICS}


def _unmeasured(name: str, query: str, known: dict[str, Any]) -> Iterator[str]:
    if name not in known:
        yield f"nothing measures {name}"
        return
    words = set()
    for attribute, values in _ASKED.findall(query):
        if attribute not in known[name]:
            yield f"{name} has no {attribute}"
            continue
        words |= {*known[name][attribute]}
        yield from (f"{attribute} is never {one}" for one in _WORD.findall(values) if one not in words)
    for condition in re.findall(r"sumif\(Sum, \w+ in \(([^)]*)\)", query):
        yield from (f"{name} has no {one}" for one in _WORD.findall(condition) if one not in words)


def alerts_are_asked_for_in_time(deployment: Deployment, _: Facts) -> Iterator[str]:
    for alert in alerts(deployment):
        properties = alert.body["properties"]
        frequency, window = properties["evaluationFrequency"], properties["windowSize"]
        if frequency not in FREQUENCIES or window not in LONGEST:
            yield f"{alert.at}: asked every {frequency} for {window}"
        if not 0 <= properties["severity"] <= 4:
            yield f"{alert.at}: there is no severity {properties['severity']}"


def what_is_logged_is_chosen(deployment: Deployment, _: Facts) -> Iterator[str]:
    logged = {}
    for one in deployment.of(DIAGNOSTICS):
        properties = one.body["properties"]
        logged[one.body["scope"].strip("«»")] = {
            log["category"] for log in properties["logs"] if log["enabled"]
        }
        if properties["workspaceId"] != "«monitoring.workspace.id»" or "metrics" in properties:
            yield f"{one.at}: goes elsewhere, or has metrics, which the platform keeps without cost"
    if logged != LOGGED:
        yield f"other things are logged than were chosen: {logged}"


def telemetry_costs_and_lasts_what_was_said(deployment: Deployment, _: Facts) -> Iterator[str]:
    workspace = deployment.at("monitoring.workspace").body["properties"]
    insights = deployment.at("monitoring.insights").body["properties"]
    if workspace["retentionInDays"] != 30 or insights["RetentionInDays"] != 30:
        yield "telemetry is not kept for 30 days"
    if not workspace.get("workspaceCapping", {}).get("dailyQuotaGb", -1) > 0:
        yield "a flood of telemetry has no cap"


RULES = (
    every_alert_says_what_to_do,
    every_alert_tells_somebody,
    alerts_ask_for_what_is_measured,
    alerts_are_asked_for_in_time,
    what_is_logged_is_chosen,
    telemetry_costs_and_lasts_what_was_said,
)
