"""Every role that code or platform needs is granted beside what it is for, and no other."""

from collections.abc import Iterator

from tests.infra.bicep import Deployment
from tests.infra.facts import Facts
from tests.infra.parameters import OF_AZD
from tests.infra.rules import app_settings

ASSIGNMENT = "Microsoft.Authorization/roleAssignments"
# https://learn.microsoft.com/azure/role-based-access-control/built-in-roles
ROLES = {
    "b7e6dc6d-f1e8-4753-8033-0f276bb0955b": "Storage Blob Data Owner",
    "ba92f5b4-2d11-453d-a403-e96b0029c9fe": "Storage Blob Data Contributor",
    "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3": "Storage Table Data Contributor",
    "69a216fc-b8fb-44d8-bc22-1f3c2cd27a39": "Azure Service Bus Data Sender",
    "4f6d3b9b-027b-4f4c-9142-0e5a2a2247e0": "Azure Service Bus Data Receiver",
    "090c5cfd-751d-490a-894a-3ce6f1109419": "Azure Service Bus Data Owner",
    "3913510d-42f4-4e42-8a64-420c390055eb": "Monitoring Metrics Publisher",
    "4633458b-17de-408a-b874-0445c86b69e6": "Key Vault Secrets User",
    "b86a8fe4-44ce-4948-aee5-eccb2c155cd7": "Key Vault Secrets Officer",
}
APP, DEPLOYER = "«identity.identity.properties.principalId»", OF_AZD["AZURE_PRINCIPAL_ID"]
# What in shared/azure needs a role: a client of one of these kinds.
OF_ADAPTERS = {
    "azure.data.tables": ("Storage Table Data Contributor", "dataStorage.account"),
    "azure.storage.blob": ("Storage Blob Data Contributor", "dataStorage.account"),
    "get_queue_sender": ("Azure Service Bus Data Sender", "serviceBus.namespace"),
    "get_queue_receiver": ("Azure Service Bus Data Receiver", "serviceBus.namespace"),
}
# Whoever deploys uploads the package, and makes the first master key.
OF_DEPLOYER = {
    ("Storage Blob Data Contributor", "runtimeStorage.packages"),
    ("Key Vault Secrets Officer", "vault.vault"),
}
Grant = tuple[str, str]


def roles_are_those_that_are_needed(deployment: Deployment, facts: Facts) -> Iterator[str]:
    granted = {APP: set[Grant](), DEPLOYER: set[Grant]()}
    for one in deployment.of(ASSIGNMENT):
        properties = one.body["properties"]
        role = properties["roleDefinitionId"].rpartition("/")[2]
        if properties["principalId"] not in granted:
            yield f"{one.at}: granted to somebody who is neither the app nor the deployer"
            continue
        granted[properties["principalId"]].add((ROLES.get(role, role), one.body["scope"].strip("«»")))
    yield from _drift("the app", granted[APP], {*_needed(deployment, facts)})
    yield from _drift("the deployer", granted[DEPLOYER], OF_DEPLOYER)


def grants_say_whose_they_are(deployment: Deployment, _: Facts) -> Iterator[str]:
    """Without the kind of principal Azure looks a new identity up, and may not find it yet."""
    for one in deployment.of(ASSIGNMENT):
        properties = one.body["properties"]
        if properties["principalId"] == APP and properties.get("principalType") != "ServicePrincipal":
            yield f"{one.at}: the app's identity is a ServicePrincipal"
        if properties["principalId"] == DEPLOYER and not one.conditional:
            yield f"{one.at}: nobody may deploy, in a preview for example; then it is to be left out"


def _needed(deployment: Deployment, facts: Facts) -> Iterator[Grant]:
    for what, grant in OF_ADAPTERS.items():
        if what in facts.adapters:
            yield grant
    settings = app_settings(deployment)
    if facts.connections:
        yield "Azure Service Bus Data Receiver", "serviceBus.namespace"
        # Without Manage rights the scale controller cannot read a queue's length:
        # https://github.com/Azure/azure-functions-host/issues/8261
        yield "Azure Service Bus Data Owner", "serviceBus.namespace"
    if settings.get("AzureWebJobsStorage__credential") == "managedidentity":
        yield "Storage Blob Data Owner", "runtimeStorage.account"
    if "Authorization=AAD" in settings.get("APPLICATIONINSIGHTS_AUTHENTICATION_STRING", ""):
        yield "Monitoring Metrics Publisher", "monitoring.insights"
    if any(str(value).startswith("@Microsoft.KeyVault(") for value in settings.values()):
        yield "Key Vault Secrets User", "vault.vault"


def _drift(who: str, granted: set[Grant], needed: set[Grant]) -> Iterator[str]:
    for role, scope in sorted(needed - granted):
        yield f"{who} needs {role} on {scope}"
    for role, scope in sorted(granted - needed):
        yield f"{who} is granted {role} on {scope}, which nothing needs"


RULES = (
    roles_are_those_that_are_needed,
    grants_say_whose_they_are,
)
