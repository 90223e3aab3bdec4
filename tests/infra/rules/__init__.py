"""What a deployment has to be, beyond what a compiler asks. A rule tells of every fault that it finds."""

from collections.abc import Callable, Iterator

from tests.infra.bicep import Deployment
from tests.infra.facts import Facts

Rule = Callable[[Deployment, Facts], Iterator[str]]

SITE = "Microsoft.Web/sites"
SETTINGS = "functionApp.settings"
STORAGE = "Microsoft.Storage/storageAccounts"
NAMESPACE = "Microsoft.ServiceBus/namespaces"
QUEUE = "Microsoft.ServiceBus/namespaces/queues"


def app_settings(deployment: Deployment) -> dict[str, str]:
    settings: dict[str, str] = deployment.at(SETTINGS).body["properties"]
    return settings
