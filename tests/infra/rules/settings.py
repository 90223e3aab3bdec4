"""The app is given every setting that is read, and none that is not: by the code, its triggers, or the platform."""

from collections.abc import Iterable, Iterator

from tests.infra.bicep import Deployment
from tests.infra.facts import AZURE, LOCAL, Facts
from tests.infra.rules import app_settings

# Read by the host, in both places. https://learn.microsoft.com/azure/azure-functions/functions-app-settings
HOST = {"FUNCTIONS_REQUEST_BODY_SIZE_LIMIT"}
HOST_IN_AZURE = {
    "APPLICATIONINSIGHTS_CONNECTION_STRING",
    "APPLICATIONINSIGHTS_AUTHENTICATION_STRING",
    # What the host and the worker make of telemetry: docs/telemetry.md.
    "OTEL_TRACES_SAMPLER",
    "OTEL_TRACES_SAMPLER_ARG",
    "PYTHON_ENABLE_OPENTELEMETRY",
    # Storage by identity: .../functions-reference#connecting-to-host-storage-with-an-identity
    "AzureWebJobsStorage__accountName",
    "AzureWebJobsStorage__credential",
    "AzureWebJobsStorage__clientId",
}
HOST_HERE = {"FUNCTIONS_WORKER_RUNTIME", "AzureWebJobsStorage"}
MASTER_KEYS = "signalbox-master-keys"
"""What infra/scripts calls the secret that it makes."""
# Service Bus by identity: .../functions-reference#configure-an-identity-based-connection
OF_A_CONNECTION = ("fullyQualifiedNamespace", "credential", "clientId")


def deployed_settings_are_those_that_are_read(deployment: Deployment, facts: Facts) -> Iterator[str]:
    read = {name for name, told in facts.settings.items() if LOCAL not in told}
    connections = {f"{one}__{part}" for one in facts.connections for part in OF_A_CONNECTION}
    yield from _drift(
        "the function app",
        app_settings(deployment).keys(),
        read | facts.bound | connections | HOST | HOST_IN_AZURE,
    )


def sample_settings_are_those_that_are_read(_: Deployment, facts: Facts) -> Iterator[str]:
    read = {name for name, told in facts.settings.items() if AZURE not in told}
    yield from _drift(
        "local.settings.sample.json",
        facts.sample.keys(),
        read | facts.bound | facts.connections | HOST | HOST_HERE,
    )


def both_say_the_same_where_neither_is_a_place(deployment: Deployment, facts: Facts) -> Iterator[str]:
    for name in (*sorted(HOST | facts.bound), *facts.queues):
        if app_settings(deployment).get(name) != facts.sample.get(name):
            yield f"{name} is {app_settings(deployment).get(name)!r} deployed, {facts.sample.get(name)!r} in the sample"


def settings_lead_to_the_deployments_own_resources(deployment: Deployment, _: Facts) -> Iterator[str]:
    client, data = (
        "«identity.identity.properties.clientId»",
        "«dataStorage.account.properties.primaryEndpoints",
    )
    bus, host = deployment.at("serviceBus.namespace"), deployment.at("runtimeStorage.account")
    for name, wanted in {
        "APPLICATIONINSIGHTS_AUTHENTICATION_STRING": f"ClientId={client};Authorization=AAD",
        "APPLICATIONINSIGHTS_CONNECTION_STRING": "«monitoring.insights.properties.ConnectionString»",
        "AZURE_CLIENT_ID": client,
        "AzureWebJobsStorage__accountName": host.body["name"],
        "AzureWebJobsStorage__clientId": client,
        "ServiceBusConnection__clientId": client,
        "ServiceBusConnection__fullyQualifiedNamespace": f"{bus.body['name']}.servicebus.windows.net",
        "SIGNALBOX_MASTER_KEYS": f"@Microsoft.KeyVault(SecretUri=«vault.vault.properties.vaultUri»secrets/{MASTER_KEYS})",
        "STORAGE_BLOB_ENDPOINT": f"{data}.blob»",
        "STORAGE_TABLE_ENDPOINT": f"{data}.table»",
    }.items():
        if (found := app_settings(deployment).get(name)) != wanted:
            yield f"{name} is {found}, not {wanted}"
    identities = deployment.at("functionApp.site").body["identity"]["userAssignedIdentities"]
    if [*identities] != ["«identity.identity.id»"]:
        yield f"the app has other identities: {[*identities]}"


def _drift(where: str, given: Iterable[str], read: set[str]) -> Iterator[str]:
    names = {*given}
    for name in sorted(read - names):
        yield f"{name} is read and not set in {where}"
    for name in sorted(names - read):
        yield f"{name} is set in {where} and read by nobody"


RULES = (
    *(deployed_settings_are_those_that_are_read, sample_settings_are_those_that_are_read),
    *(both_say_the_same_where_neither_is_a_place, settings_lead_to_the_deployments_own_resources),
)
