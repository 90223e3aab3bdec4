"""Every resource fits Microsoft's own model of its kind; what is misspelt or of another type does not."""

import json
import subprocess

import pytest

from tests.infra import bicep, parameters
from tests.infra.facts import ROOT

PYTHON = ROOT / ".venv/templates/bin/python"
pytestmark = pytest.mark.skipif(not PYTHON.exists(), reason="`make infra` installs the models")
WRONG = [
    ("app/service-bus.bicep", "lockDuration:", "lockTime:", "has no lockTime"),
    ("app/service-bus.bicep", "maxDeliveryCount: 10", "maxDeliveryCount: '10'", "maxDeliveryCount is to be int"),
    ("app/service-bus.bicep", "name: 'Standard'", "name: 'Standart'", "sku.name is 'Standart', none of"),
    ("app/data-storage.bicep", "allowSharedKeyAccess", "allowSharedKeys", "has no allowSharedKeys"),
    ("app/data-storage.bicep", "minimumTlsVersion: 'TLS1_2'", "minimumTlsVersion: '1.2'", "minimumTlsVersion is '1.2'"),
    ("app/data-storage.bicep", "containerDeleteRetentionPolicy", "containersDeleteRetentionPolicy", "has no containersDelete"),
    ("app/runtime-storage.bicep", "publicAccess: 'None'", "publicAccess: 'none'", "publicAccess is 'none'"),
    ("app/vault.bicep", "enablePurgeProtection", "purgeProtection", "has no purgeProtection"),
    ("app/function-app.bicep", "instanceMemoryMB: instanceMemoryMB", "instanceMemory: instanceMemoryMB", "has no instanceMemory"),
    ("app/function-app.bicep", "perInstanceConcurrency:", "perInstance:", "has no perInstance"),
    ("app/function-app.bicep", "type: 'blobContainer'", "type: 'blob'", "type is 'blob', none of"),
    ("app/function-app.bicep", "minTlsVersion: '1.2'", "minTlsVersion: 1", "minTlsVersion"),
    ("app/function-app.bicep", "reserved: true", "isLinux: true", "has no isLinux"),
    ("app/monitoring.bicep", "dailyQuotaGb:", "dailyCapGb:", "has no dailyCapGb"),
    ("app/monitoring.bicep", "    WorkspaceResourceId:", "    WorkspaceId:", "has no WorkspaceId"),
    ("app/alerts.bicep", "numberOfEvaluationPeriods", "evaluationPeriods", "has no evaluationPeriods"),
    ("app/alerts.bicep", "metricNamespace:", "namespace:", "has no namespace"),
    ("app/alerts.bicep", "emailAddress:", "address:", "has no address"),
    ("app/alerts.bicep", "severity: 3", "severity: 'low'", "severity is to be int"),
    ("app/budget.bicep", "timeGrain: 'Monthly'", "timeGrain: 'Weekly'", "timeGrain is 'Weekly'"),
    ("app/budget.bicep", "contactGroups:", "actionGroups:", "has no actionGroups"),
    ("app/budget.bicep", "    amount: amount\n", "", "properties needs amount"),
    ("app/alerts.bicep", "      windowSize: 'PT15M'\n", "", "needs properties.windowSize"),
    ("app/vault.bicep", "    tenantId: tenant().tenantId\n", "", "properties needs tenantId"),
    ("app/vault.bicep", "category: 'AuditEvent'", "kategory: 'AuditEvent'", "has no kategory"),
    ("app/identity.bicep", "'Microsoft.ManagedIdentity/", "'Microsoft.Unknown/", "no model is known"),
]  # fmt: skip


def faults(texts):
    """What is wrong with the resources that these templates come to, at any stage."""
    stages = [bicep.deploy(texts, parameters.given(stage)) for stage in parameters.STAGES]
    resources = [vars(one) | {"at": one.at} for stage in stages for one in stage.resources]
    given, program = json.dumps(resources), [PYTHON, "tests/infra/kinds.py"]
    run = subprocess.run(program, input=given, capture_output=True, text=True, cwd=ROOT, check=True)  # noqa: S603
    return json.loads(run.stdout)


def test_every_resource_is_as_its_kind():
    assert faults(bicep.read()) == []


def test_what_is_of_no_kind_is_found_out():
    texts = bicep.read()
    for path, right, wrong, _ in WRONG:
        assert right in texts[path]
        texts[path] = texts[path].replace(right, wrong)

    found = faults(texts)

    assert [told for *_, told in WRONG if not any(told in one for one in found)] == []
