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
    # Storage by identity: .../functions-reference#connecting-to-host-storage-with-an-identity
    "AzureWebJobsStorage__accountName",
    "AzureWebJobsStorage__credential",
    "AzureWebJobsStorage__clientId",
}
HOST_HERE = {"FUNCTIONS_WORKER_RUNTIME", "AzureWebJobsStorage"}
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


def _drift(where: str, given: Iterable[str], read: set[str]) -> Iterator[str]:
    names = {*given}
    for name in sorted(read - names):
        yield f"{name} is read and not set in {where}"
    for name in sorted(names - read):
        yield f"{name} is set in {where} and read by nobody"


RULES = (
    deployed_settings_are_those_that_are_read,
    sample_settings_are_those_that_are_read,
    both_say_the_same_where_neither_is_a_place,
)
