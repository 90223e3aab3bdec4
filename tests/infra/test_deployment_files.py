"""The files of one deployment say the same: queues, settings, service name, what is left out of the package."""

import json
import re
from pathlib import Path

from azure.servicebus import ServiceBusClient

from local.host.settings import body_limit, read_host_json
from shared.azure.vault import MasterKeySeal
from shared.stages.lanes import CALLS
from shared.stages.receive import MAX_BODY_BYTES

ROOT = Path(__file__).parents[2]
FUNCTION_APP = (ROOT / "infra/app/function-app.bicep").read_text()
SAMPLE = json.loads((ROOT / "local.settings.sample.json").read_text())["Values"]
FIXED_LAYOUT = {"host.json", "requirements.txt", "function_app.py", "functions", "shared"}
# https://learn.microsoft.com/azure/role-based-access-control/built-in-roles/integration
DATA_SENDER = "69a216fc-b8fb-44d8-bc22-1f3c2cd27a39"
DATA_RECEIVER = "4f6d3b9b-027b-4f4c-9142-0e5a2a2247e0"
# One half of each is the platform's, the other the emulators': the app reads either.
ONLY_LOCAL = {"STORAGE_CONNECTION", "ServiceBusConnection", "AzureWebJobsStorage", "FUNCTIONS_WORKER_RUNTIME"}
ONLY_AZURE = (
    "STORAGE_",
    "ServiceBusConnection__",
    "AzureWebJobsStorage__",
    "APPLICATIONINSIGHTS_",
    "AZURE_CLIENT_ID",
)


def app_settings() -> dict[str, str]:
    block = re.search(r"name: 'appsettings'\n  properties: \{\n(.*?)\n  \}", FUNCTION_APP, re.DOTALL)
    assert block
    return dict(line.strip().split(": ", 1) for line in block[1].splitlines())


def test_the_local_host_reads_host_json():
    extensions = read_host_json(ROOT).extensions
    assert extensions.http.route_prefix == ""
    assert extensions.service_bus.max_concurrent_calls == CALLS


def test_the_sample_and_the_deployment_give_the_app_the_same_settings():
    deployed = {name for name in app_settings() if not name.startswith(ONLY_AZURE)}
    assert deployed == SAMPLE.keys() - ONLY_LOCAL


def test_the_sample_names_usable_values():
    MasterKeySeal(SAMPLE["SIGNALBOX_MASTER_KEYS"])
    ServiceBusClient.from_connection_string(SAMPLE["ServiceBusConnection"])
    # The host lets a little too much through, so that our own limit answers it with a problem.
    assert body_limit(SAMPLE) > MAX_BODY_BYTES
    assert app_settings()["FUNCTIONS_REQUEST_BODY_SIZE_LIMIT"] == f"'{body_limit(SAMPLE)}'"


def test_the_queues_are_the_same_everywhere():
    emulator = json.loads((ROOT / "local/compose/servicebus.json").read_text())
    (namespace,) = emulator["UserConfig"]["Namespaces"]
    declared = re.search(r"var queueNames = \[(.*)\]", (ROOT / "infra/app/service-bus.bicep").read_text())
    assert declared
    queues = ["events", "deliveries", "deliveries-slow"]
    assert [queue["Name"] for queue in namespace["Queues"]] == queues
    assert re.findall(r"'([\w-]+)'", declared[1]) == queues
    assert [SAMPLE["EVENTS_QUEUE"], SAMPLE["DELIVERIES_QUEUE"], SAMPLE["SLOW_QUEUE"]] == queues


def test_azd_finds_the_app_by_its_service_name():
    service = re.search(r"^services:\n  (\w+):", (ROOT / "azure.yaml").read_text(), re.MULTILINE)
    assert service
    assert f"'azd-service-name': '{service[1]}'" in FUNCTION_APP


def test_every_module_that_main_names_exists_and_every_file_is_named():
    named = set(
        re.findall(
            r"^module \w+ '(app/[\w-]+\.bicep)'", (ROOT / "infra/main.bicep").read_text(), re.MULTILINE
        )
    )
    assert named == {f"app/{file.name}" for file in (ROOT / "infra/app").iterdir()}


def test_every_module_is_given_exactly_the_parameters_that_it_declares():
    main = (ROOT / "infra/main.bicep").read_text()
    for path, given in re.findall(r"module \w+ '([^']+)'.*?params: \{\n(.*?)\n  \}", main, re.DOTALL):
        declared = re.findall(r"^param (\w+)", (ROOT / "infra" / path).read_text(), re.MULTILINE)
        assert sorted(re.findall(r"^    (\w+):", given, re.MULTILINE)) == sorted(declared), path


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
        ".venv",
        "node_modules",
        ".git",
    } <= ignored
    assert {"local.settings.json", "local.settings.sample.json"} <= ignored


def test_no_template_allows_a_key_or_a_password():
    templates = {file.name: file.read_text() for file in (ROOT / "infra").rglob("*.bicep")}
    text = "\n".join(templates.values())
    assert not re.search(
        r"listKeys|allowSharedKeyAccess: true|disableLocalAuth: false|allow: true|@secure", text
    )
    for name in ("runtime-storage.bicep", "data-storage.bicep"):
        assert "allowSharedKeyAccess: false" in templates[name]
    assert "disableLocalAuth: true" in templates["service-bus.bicep"]
    assert "DisableLocalAuth: true" in templates["monitoring.bicep"]


def test_the_app_may_send_to_the_queues_and_listen_which_peeking_needs():
    bus = (ROOT / "infra/app/service-bus.bicep").read_text()
    roles = dict(re.findall(r"^var (\w+) = '([0-9a-f-]{36})'", bus, re.MULTILINE))
    granted = re.search(r"appRoleIds = grantDataOwner \? \[.*\] : \[(.*)\]", bus)
    assert granted
    assert {roles[name] for name in granted[1].split(", ")} == {DATA_SENDER, DATA_RECEIVER}
