"""Hold resources against Microsoft's own models of their kinds: names of properties, types of values, words of an enumeration.

A program of its own: the models are in the environment of `make infra`, not in ours. Reads a list of resources as JSON, writes a
list of faults. The models are those of the management SDKs (azure-mgmt-web and so on), of the
newest version of each API; what is new in one may therefore pass, what is misspelt may not.
"""

import json
import re
import sys
import typing
from collections.abc import Iterable, Iterator
from decimal import Decimal
from enum import Enum
from importlib import import_module
from typing import Any

MODELS = {
    "Microsoft.Authorization/roleAssignments": "authorization.v2022_04_01.models.RoleAssignmentCreateParameters",
    "Microsoft.Consumption/budgets": "consumption.models.Budget",
    "Microsoft.Insights/actionGroups": "monitor.models.ActionGroupResource",
    "Microsoft.Insights/components": "applicationinsights.v2020_02_02.models.ApplicationInsightsComponent",
    "Microsoft.Insights/metricAlerts": "monitor.models.MetricAlertResource",
    "Microsoft.Insights/scheduledQueryRules": "monitor.models.ScheduledQueryRuleResource",
    "Microsoft.KeyVault/vaults": "keyvault.models.VaultCreateOrUpdateParameters",
    "Microsoft.ManagedIdentity/userAssignedIdentities": "msi.models.Identity",
    "Microsoft.OperationalInsights/workspaces": "loganalytics.models.Workspace",
    "Microsoft.Resources/resourceGroups": "resource.resources.models.ResourceGroup",
    "Microsoft.ServiceBus/namespaces": "servicebus.models.SBNamespace",
    "Microsoft.ServiceBus/namespaces/queues": "servicebus.models.SBQueue",
    "Microsoft.Storage/storageAccounts": "storage.models.StorageAccountCreateParameters",
    "Microsoft.Storage/storageAccounts/blobServices": "storage.models.BlobServiceProperties",
    "Microsoft.Storage/storageAccounts/blobServices/containers": "storage.models.BlobContainer",
    "Microsoft.Storage/storageAccounts/tableServices": "storage.models.TableServiceProperties",
    "Microsoft.Web/serverfarms": "web.models.AppServicePlan",
    "Microsoft.Web/sites": "web.models.Site",
    "Microsoft.Web/sites/basicPublishingCredentialsPolicies": "web.models.CsmPublishingCredentialsPoliciesEntity",
    "Microsoft.Web/sites/config": "web.models.StringDictionary",
}
LOG = {"category": str, "enabled": bool}
OURS: dict[str, dict[str, Any]] = {
    # The SDK's newest version has none: https://learn.microsoft.com/azure/templates/microsoft.insights/diagnosticsettings
    "Microsoft.Insights/diagnosticSettings": {
        "properties": {"workspaceId": str, "logs": list[LOG]}  # type: ignore[valid-type]
    },
}
OF_BICEP = {"name", "parent", "scope"}
"""What says where a resource lies, and is no part of what is sent."""
SYMBOL = re.compile("«.*»")
PLAIN = {"str": str, "bool": bool, "int": int, "float": float, "duration": str, "iso-8601": str}


def faults(resources: list[dict[str, Any]]) -> Iterator[str]:
    for one in resources:
        body = {key: value for key, value in one["body"].items() if key not in OF_BICEP}
        if one["type"] in MODELS:
            module, _, name = MODELS[one["type"]].rpartition(".")
            yield from unfit(one["at"], body, getattr(import_module(f"azure.mgmt.{module}"), name))
        elif one["type"] in OURS:
            yield from unfit(one["at"], body, OURS[one["type"]])
        else:
            yield f"{one['at']}: no model is known of {one['type']}"


def unfit(where: str, value: Any, wanted: Any) -> Iterator[str]:
    """How a value is not of the type that is wanted: a model, `list[...]`, `dict[str, ...]`, an enumeration or a plain type."""
    if wanted is Any or (isinstance(value, str) and SYMBOL.search(value)):
        return
    container, inner = typing.get_origin(wanted), typing.get_args(wanted)
    if container in {list, dict}:
        yield from _unfit_items(where, value, container, inner[-1])
    elif isinstance(wanted, type) and issubclass(wanted, Enum):
        words = [one.value for one in wanted]
        if value not in words:
            yield f"{where} is {value!r}, none of {words}"
    elif wanted in PLAIN.values():
        if not (type(value) is wanted or (wanted is float and type(value) is int)):
            yield f"{where} is to be {wanted.__name__} and is {value!r}"
    elif isinstance(value, dict) and isinstance(wanted, dict):
        yield from _unfit_members(where, value, wanted)
    elif isinstance(value, dict):
        yield from _unfit_members(where, value, members(wanted, value))
        yield from (f"{where} needs {name}" for name in needed(wanted, value) if not _has(value, name))
    else:
        yield f"{where} is to be an object and is {value!r}"


def _unfit_items(where: str, value: Any, container: Any, wanted: Any) -> Iterator[str]:
    if type(value) is not container:
        yield f"{where} is to be a {container.__name__} and is {value!r}"
        return
    places: Iterable[Any] = value if container is dict else range(len(value))
    for place in places:
        yield from unfit(f"{where}[{place}]", value[place], wanted)


def _unfit_members(where: str, value: dict[str, Any], wanted: dict[str, Any]) -> Iterator[str]:
    for name, one in value.items():
        if name not in wanted:
            yield f"{where} has no {name}"
        else:
            yield from unfit(f"{where}.{name}", one, wanted[name])


def members(model: Any, value: dict[str, Any]) -> dict[str, Any]:
    """The properties of a model, as the API calls them, each with its type."""
    if hasattr(model, "_attribute_map"):
        return _mapped(_kind_of(model, value))
    return {name: _bare(hint) for name, hint, _ in _fields(model)}


def needed(model: Any, value: dict[str, Any]) -> list[str]:
    """What the API asks for, as `name` or, in the SDK's older form, `properties.name`."""
    if not hasattr(model, "_attribute_map"):
        return [
            name
            for name, hint, read_only in _fields(model)
            if not read_only and type(None) not in typing.get_args(hint)
        ]
    kind = _kind_of(model, value)
    asked = [name for name, rules in kind._validation.items() if rules.get("required")]
    return [kind._attribute_map[name]["key"] for name in asked]


def _has(value: Any, name: str) -> bool:
    """Whether there is such a member; `\\.` is part of a name."""
    for step in re.split(r"(?<!\\)\.", name):
        value = value.get(step.replace("\\", "")) if isinstance(value, dict) else None
    return value is not None


def _fields(model: Any) -> Iterator[tuple[str, Any, bool]]:
    """The properties in the SDK's newer form, with their types, and whether they can only be read."""
    model.__new__(model)
    models = import_module(model.__module__.rpartition(".")[0])
    hints = typing.get_type_hints(model, localns={"_models": models, "datetime": __import__("datetime")})
    for name, rest in model._attr_to_rest_field.items():
        yield rest._rest_name, hints[name], rest._visibility == ["read"]


def _bare(hint: Any) -> Any:
    """`Optional[Union[str, Enum]]` is its enumeration; what may be several things is anything."""
    if typing.get_origin(hint) is typing.Union:
        kinds = [one for one in typing.get_args(hint) if one is not type(None)]
        words = [one for one in kinds if isinstance(one, type) and issubclass(one, Enum)]
        return _bare((words or kinds)[0]) if words or len(kinds) == 1 else Any
    if typing.get_origin(hint) in {list, dict}:
        *key, inner = typing.get_args(hint)
        return typing.get_origin(hint)[(*key, _bare(inner))] if key else list[_bare(inner)]  # type: ignore[misc]
    if hint is Decimal:
        return float
    return hint if hint is Any or (isinstance(hint, type) and hint.__module__ != "datetime") else str


def _kind_of(model: Any, value: dict[str, Any]) -> Any:
    """The model that a discriminator such as `odata.type` chooses."""
    for attribute, kinds in getattr(model, "_subtype_map", {}).items():
        key = model._attribute_map[attribute]["key"].replace("\\", "")
        if value.get(key) in kinds:
            chosen = getattr(import_module(model.__module__), kinds[value[key]])
            return model if chosen is model else _kind_of(chosen, value)
    return model


def _mapped(model: Any) -> dict[str, Any]:
    """The properties in the SDK's older form: `properties.enabled`, with types as texts."""
    found: dict[str, Any] = {}
    for one in model._attribute_map.values():
        *path, name = re.split(r"(?<!\\)\.", one["key"])
        at = found
        for step in path:
            at = at.setdefault(step, {})
        at[name.replace("\\", "")] = _told(one["type"], model)
    return found


def _told(text: str, model: Any) -> Any:
    if text.startswith(("[", "{")):
        inner = _told(text[1:-1], model)
        return list[inner] if text.startswith("[") else dict[str, inner]  # type: ignore[valid-type]
    return PLAIN.get(text) or getattr(import_module(model.__module__), text, Any)


if __name__ == "__main__":
    json.dump([*faults(json.load(sys.stdin))], sys.stdout)
