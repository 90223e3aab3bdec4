"""The files of one deployment fit each other: what the host reads, the sample's values, azd's service, the package."""

import re

from azure.servicebus import ServiceBusClient

from local.host.settings import body_limit, read_host_json
from shared.azure.vault import MasterKeySeal
from shared.settings import Settings
from shared.stages.lanes import CALLS
from shared.stages.receive import MAX_BODY_BYTES
from tests.infra import bicep, parameters
from tests.infra.facts import ROOT, facts
from tests.infra.rules import app_settings

FIXED_LAYOUT = {"host.json", "requirements.txt", "function_app.py", "functions", "shared"}


def deployment():
    return bicep.deploy(bicep.read(), parameters.given("prod"))


def test_the_local_host_reads_host_json():
    extensions = read_host_json(ROOT).extensions
    assert extensions.http.route_prefix == ""
    assert extensions.service_bus.max_concurrent_calls == CALLS


def test_the_sample_names_usable_values():
    sample = facts().sample
    MasterKeySeal(sample["SIGNALBOX_MASTER_KEYS"])
    ServiceBusClient.from_connection_string(sample["ServiceBusConnection"])
    # The host lets a little too much through, so that our own limit answers it with a problem.
    assert body_limit(sample) > MAX_BODY_BYTES


def test_the_app_reads_the_settings_that_it_is_given(monkeypatch):
    tenant = "00000000-0000-0000-0000-000000000002"
    known = parameters.OF_AZD | parameters.values_of("prod") | {"ENTRA_AUDIENCES": "api://signalbox"}
    given = app_settings(bicep.deploy(bicep.read(), parameters.given("prod", known)))
    for name, value in given.items():
        monkeypatch.setenv(name, value.replace("«tenant.tenantId»", tenant))
    monkeypatch.setenv("SIGNALBOX_ENTRA_AUTHORITY", "https://login.microsoftonline.com/")

    read = Settings()

    assert read.signalbox_forbid_unverified is True
    assert read.signalbox_audit_days == 400
    assert (read.signalbox_telemetry, read.signalbox_log_level, read.signalbox_traces_ratio) == (
        "azure",
        "INFO",
        0.1,
    )
    assert read.issuer is not None
    assert read.issuer.tenant == tenant
    assert (read.storage_connection, read.service_bus_connection) == (None, None)
    assert (read.events_queue, read.deliveries_queue, read.slow_queue) == tuple(facts().emulator)


def test_azd_finds_the_app_by_its_service_name():
    service = re.search(r"^services:\n  (\w+):", (ROOT / "azure.yaml").read_text(), re.MULTILINE)
    assert service
    assert deployment().at("functionApp.site").body["tags"]["azd-service-name"] == service[1]


def test_the_package_holds_the_app_and_nothing_else():
    ignored = set((ROOT / ".funcignore").read_text().split())
    assert not ignored & FIXED_LAYOUT
    assert {
        "tests",
        "infra",
        "local",
        "docs",
        "bench",
        "requirements",
        ".azure",
        ".venv",
        "node_modules",
        ".git",
    } <= ignored
    assert {"local.settings.json", "local.settings.sample.json"} <= ignored


def test_a_deployer_may_grant_and_withdraw_the_roles_of_the_templates_and_no_other():
    """The hooks' own role is one of them: it is the app's on the tables."""
    guid = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    templates = "\n".join(at.read_text() for at in sorted((ROOT / "infra/app").glob("*.bicep")))
    lists = re.findall(r"GuidEquals \{(.*?)\}", (ROOT / "infra/may-grant.txt").read_text())

    assert [set(re.findall(guid, one)) for one in lists] == [set(re.findall(guid, templates))] * 2
