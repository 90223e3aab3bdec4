"""What Flex Consumption takes and refuses, what nobody may get in by, and what every resource carries."""

import re
from collections.abc import Iterator
from typing import Any

from tests.infra.bicep import Deployment
from tests.infra.facts import Facts
from tests.infra.rules import SITE, app_settings

PLAN = "Microsoft.Web/serverfarms"
CONTAINER = "Microsoft.Storage/storageAccounts/blobServices/containers"
PUBLISHING = "Microsoft.Web/sites/basicPublishingCredentialsPolicies"
# https://learn.microsoft.com/azure/azure-functions/functions-app-settings#flex-consumption-plan-deprecations
NOT_ON_FLEX = re.compile(
    "FUNCTIONS_WORKER_RUNTIME|FUNCTIONS_EXTENSION_VERSION|FUNCTIONS_WORKER_PROCESS_COUNT|ENABLE_ORYX_BUILD"
    "|SCM_DO_BUILD_DURING_DEPLOYMENT|FUNCTIONS_MAX_HTTP_CONCURRENCY|FUNCTIONS_WORKER_DYNAMIC_CONCURRENCY_ENABLED"
    "|WEBSITE_(?!AUTH_|CORS_).*"
)
CONFIG_NOT_ON_FLEX = {
    "alwaysOn", "appSettings", "containerRegistry", "functionAppScaleLimit", "healthCheckPath", "linuxFxVersion",
    "minimumElasticInstanceCount", "netFrameworkVersion", "numberOfWorkers", "preWarmedInstanceCount", "pythonVersion",
}  # fmt: skip
GROUPS = re.compile(r"http|blob|durable|function:\w+")
"""What can be kept ready: https://learn.microsoft.com/azure/azure-functions/flex-consumption-plan#per-function-scaling"""
NOT_BY_KEY: dict[str, tuple[tuple[str, ...], Any]] = {
    "Microsoft.Storage/storageAccounts": (("allowSharedKeyAccess",), False),
    "Microsoft.ServiceBus/namespaces": (("disableLocalAuth",), True),
    "Microsoft.OperationalInsights/workspaces": (("features", "disableLocalAuth"), True),
    "Microsoft.Insights/components": (("DisableLocalAuth",), True),
    "Microsoft.KeyVault/vaults": (("enableRbacAuthorization",), True),
    PUBLISHING: (("allow",), False),
}
"""The property by which each kind of resource lets nobody in who has a key, a password or an access policy."""
WITHOUT_TAGS = {
    "Microsoft.Authorization/roleAssignments",
    "Microsoft.Consumption/budgets",
    "Microsoft.Insights/diagnosticSettings",
    "Microsoft.ServiceBus/namespaces/queues",
    "Microsoft.Storage/storageAccounts/blobServices",
    "Microsoft.Storage/storageAccounts/tableServices",
    CONTAINER,
    PUBLISHING,
    "Microsoft.Web/sites/config",
}
"""Kinds of resources that cannot carry any."""
WITHOUT_KEYS = {
    "Microsoft.Insights/actionGroups",
    "Microsoft.Insights/metricAlerts",
    "Microsoft.Insights/scheduledQueryRules",
    "Microsoft.ManagedIdentity/userAssignedIdentities",
    "Microsoft.Resources/resourceGroups",
    PLAN,
    SITE,
}
"""Kinds that nobody gets into by a key; the site's passwords are a resource of their own."""
KEYS = re.compile(
    r"list(Keys|AccountSas|ServiceSas|Secrets|ConnectionStrings?)\b|\.listKeys|AccountKey=|SharedAccessKey|"
    r"SharedAccessSignature|authorizationRules|[?&]sig=|InstrumentationKey=",
    re.IGNORECASE,
)
# 32 bytes and more in base64 or hexadecimal are a key, or look like one.
SECRET = re.compile(r"(?<![\w/.-])(?:(?=[A-Za-z+/]*\d)[A-Za-z0-9+/]{43,}={0,2}|[0-9a-f]{40,})(?![\w/.-])")


def flex_takes_it(deployment: Deployment, _: Facts) -> Iterator[str]:
    for name in app_settings(deployment):
        if NOT_ON_FLEX.fullmatch(name):
            yield f"{name} cannot be set on Flex Consumption"
    for site in deployment.of(SITE):
        properties = site.body["properties"]
        for name in sorted(CONFIG_NOT_ON_FLEX & properties.get("siteConfig", {}).keys()):
            yield f"{site.at}: siteConfig.{name} is not of Flex Consumption"
        yield from _unfit(properties.get("functionAppConfig", {}))
    for plan in deployment.of(PLAN):
        if (plan.body["sku"], plan.body["properties"]) != (
            {"name": "FC1", "tier": "FlexConsumption"},
            {"reserved": True},
        ):
            yield f"{plan.at} is not a plan of Flex Consumption"


def _unfit(config: dict[str, Any]) -> Iterator[str]:
    scale = config.get("scaleAndConcurrency", {})
    if config.get("runtime") != {"name": "python", "version": "3.13"}:
        yield "the app does not run on Python 3.13"
    if scale.get("instanceMemoryMB") not in {512, 2048, 4096}:
        yield "there is no instance of that size"
    if not 40 <= scale.get("maximumInstanceCount", 0) <= 1000:
        yield "an app may have 40 to 1000 instances"
    # https://learn.microsoft.com/azure/azure-functions/functions-concurrency: Python has 1 without it
    if scale.get("triggers", {}).get("http", {}).get("perInstanceConcurrency", 1) < 2:
        yield "an instance takes one request at a time"
    for group in scale.get("alwaysReady", []):
        if not GROUPS.fullmatch(group["name"]):
            yield f"{group['name']} is nothing that can be kept ready"


def package_lies_where_the_app_looks(deployment: Deployment, _: Facts) -> Iterator[str]:
    storage = deployment.of(SITE)[0].body["properties"]["functionAppConfig"]["deployment"]["storage"]
    containers = {
        f"«runtimeStorage.account.properties.primaryEndpoints.blob»{one.body['name']}"
        for one in deployment.of(CONTAINER)
    }
    if storage["value"] not in containers:
        yield f"there is no container at {storage['value']}"
    if storage["authentication"]["type"] != "UserAssignedIdentity":
        yield "the package is not read by identity"


def nobody_gets_in_by_a_key(deployment: Deployment, _: Facts) -> Iterator[str]:
    for one in deployment.resources:
        if one.type in NOT_BY_KEY:
            path, wanted = NOT_BY_KEY[one.type]
            found: Any = one.body.get("properties", {})
            for step in path:
                found = found.get(step, {}) if isinstance(found, dict) else {}
            if found is not wanted:
                yield f"{one.at}: {'.'.join(path)} is not {wanted}"
        elif one.type not in WITHOUT_KEYS | WITHOUT_TAGS:
            yield f"{one.at}: nobody has said yet how {one.type} is kept from being used by key"
    if {one.body["name"] for one in deployment.of(PUBLISHING)} != {"ftp", "scm"}:
        yield "publishing by password is open"


def connections_are_by_identity_over_tls(deployment: Deployment, _: Facts) -> Iterator[str]:
    for path, text in deployment.texts.items():
        for found in KEYS.finditer(re.sub("(?m)//.*$", "", text)):
            yield f"{path}: {found[0]} is of a key"
    for one in deployment.resources:
        properties = one.body.get("properties", {})
        if one.type == "Microsoft.Storage/storageAccounts" and not (
            properties.get("supportsHttpsTrafficOnly") and properties.get("minimumTlsVersion") == "TLS1_2"
        ):
            yield f"{one.at}: taken without TLS 1.2"
        if one.type == SITE and not (
            properties.get("httpsOnly")
            and properties["siteConfig"].get("minTlsVersion") == "1.2"
            and properties["siteConfig"].get("ftpsState") == "Disabled"
        ):
            yield f"{one.at}: taken without TLS 1.2, or by FTP"
        if properties.get("allowBlobPublicAccess") or properties.get("publicAccess", "None") != "None":
            yield f"{one.at}: anybody may read it"


def no_template_has_a_secret(deployment: Deployment, _: Facts) -> Iterator[str]:
    for path, text in deployment.texts.items():
        for found in SECRET.finditer(text):
            yield f"{path}: {found[0][:8]}... looks like a secret"
        for found in re.finditer(r"@secure\(\)\n(?:@.*\n)*param (\w+) string(?: = '([^']*)')?", text):
            if found[2]:
                yield f"{path}: {found[1]} has a default, which everybody can read"
    for name, value in deployment.outputs.items():
        if "properties.ConnectionString" in str(value) or "listKeys" in str(value):
            yield f"the output {name} stands in the deployment's history"


def everything_carries_the_environments_tags(deployment: Deployment, _: Facts) -> Iterator[str]:
    for one in deployment.resources:
        if (
            one.type not in WITHOUT_TAGS
            and not {"azd-env-name", "application", "stage"} <= one.body.get("tags", {}).keys()
        ):
            yield f"{one.at} has not the tags of the environment"


RULES = (
    flex_takes_it,
    package_lies_where_the_app_looks,
    nobody_gets_in_by_a_key,
    connections_are_by_identity_over_tls,
    no_template_has_a_secret,
    everything_carries_the_environments_tags,
)
