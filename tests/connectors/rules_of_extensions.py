"""Where Microsoft's extensions of Swagger may stand, what they hold, and what they refer to.

The places and members are those of schemas/apiDefinition.swagger.schema.json and schemas/paconn-apiProperties.schema.json
of microsoft/PowerPlatformConnectors; what belongs together is told by
https://learn.microsoft.com/connectors/custom-connectors/openapi-extensions and .../create-webhook-trigger.
"""

from collections.abc import Iterator, Mapping

from tests.connectors.swagger import METHODS, Doc, Operation, Swagger

DROPDOWNS = ("x-ms-dynamic-values", "x-ms-dynamic-list")
SCHEMAS = ("x-ms-dynamic-schema", "x-ms-dynamic-properties")
_ANYWHERE = {"x-ms-summary", "x-ms-visibility", "x-ms-test-value", *DROPDOWNS, "x-ms-enum-values"}
ALLOWED: Mapping[str, set[str]] = {
    "document": {"x-ms-connector-metadata", "x-ms-docs"},
    "path": {"x-ms-notification-content"},
    "operation": {
        *("x-ms-visibility", "x-ms-trigger", "x-ms-trigger-hint", "x-ms-trigger-metadata", "x-ms-summary"),
        *("x-ms-pageable", "x-ms-api-annotation", "x-ms-no-generic-test", "x-ms-safe-operation"),
    },
    "parameter": {*_ANYWHERE, "x-ms-url-encoding", "x-ms-trigger-value"},
    "schema": {*_ANYWHERE, "x-ms-notification-url", "x-ms-media-kind"},
    "top schema": {*_ANYWHERE, "x-ms-notification-url", "x-ms-media-kind", *SCHEMAS},
}
MEMBERS: Mapping[str, set[str]] = {
    "x-ms-dynamic-values": {"operationId", "parameters", "value-collection", "value-path", "value-title"},
    "x-ms-dynamic-list": {"operationId", "parameters", "itemsPath", "itemValuePath", "itemTitlePath"},
    "x-ms-dynamic-schema": {"operationId", "parameters", "value-path"},
    "x-ms-dynamic-properties": {"operationId", "parameters", "itemValuePath"},
}
FORMATS = {
    *("int32", "int64", "float", "double", "byte", "binary", "date", "date-time"),
    *("password", "date-no-tz", "html", "uri"),
}
VISIBILITIES = {"important", "advanced", "internal"}


def nodes(swagger: Swagger) -> Iterator[tuple[str, str, Doc]]:
    """Each part of the document: what it is, where it is, and itself."""
    yield "document", "document", swagger.doc
    for path, item in swagger.doc["paths"].items():
        yield "path", path, {name: one for name, one in item.items() if name not in METHODS}
    for one in swagger.list:
        yield "operation", one.id, one.doc
        for name, parameter in one.parameters.items():
            yield "parameter", f"{one.id}/{name}", parameter
    for place in swagger.places():
        yield "top schema" if place.top else "schema", place.at, place.schema


def of_places(swagger: Swagger) -> Iterator[str]:
    """Extensions that do not exist, or not there; and values that they do not take."""
    for kind, at, node in nodes(swagger):
        unknown = [name for name in node if name.startswith("x-ms-") and name not in ALLOWED[kind]]
        yield from (f"{at}: {name} does not stand at a {kind}" for name in unknown)
        if node.get("x-ms-visibility", "internal") not in VISIBILITIES:
            yield f"{at}: there is no such visibility"
        if "schema" in kind and node.get("format", "uri") not in FORMATS:
            yield f"{at}: there is no such format"
        if kind == "operation" and node.get("x-ms-trigger", "single") not in ("single", "batch"):
            yield f"{at}: a trigger is single or batch"
        for name, known in MEMBERS.items():
            if name in node and not {"operationId"} <= node[name].keys() <= known:
                yield f"{at}: {name} has other members"


def of_visibility(swagger: Swagger) -> Iterator[str]:
    """What is hidden and must be there has a value of its own, or nobody could give one."""
    for one in swagger.list:
        required = {name for name, doc in one.parameters.items() if doc.get("required")}
        hidden = {**one.parameters, **swagger.members(one.body)}
        for name in (*required, *swagger.resolved(one.body).get("required", [])):
            doc = hidden.get(name, {})
            if (
                doc.get("x-ms-visibility") == "internal"
                and not {"default", "x-ms-notification-url"} & doc.keys()
            ):
                yield f"{one.id}/{name}: what is internal and required has a default"


def of_answers(swagger: Swagger) -> Iterator[str]:
    """Every operation says what it answers, and what a refusal looks like."""
    for one in swagger.list:
        status, good = one.good
        if status != "204" and "schema" not in good:
            yield f"{one.id}: the good answer has a schema"
        if "default" not in one.doc["responses"]:
            yield f"{one.id}: a refusal is described"


def of_triggers(swagger: Swagger) -> Iterator[str]:
    """A trigger by webhook: what comes, where to, and how it ends."""
    ends = [one for one in swagger.list if one.method == "delete" and one.is_internal]
    for one in swagger.list:
        if not one.is_trigger:
            if "x-ms-notification-content" in one.item and one.method == "post":
                yield f"{one.id}: what tells of notifications is a trigger"
            continue
        if "schema" not in one.item.get("x-ms-notification-content", {}):
            yield f"{one.id}: beside post stands what comes, with its schema"
        if "x-ms-trigger-hint" not in one.doc:
            yield f"{one.id}: a trigger says how to try it"
        urls = [doc for doc in swagger.members(one.body).values() if doc.get("x-ms-notification-url") is True]
        if [doc.get("x-ms-visibility") for doc in urls] != ["internal"]:
            yield f"{one.id}: the body has one place for the notification URL, which is internal"
        if one.good[0] != "201" or "Location" not in one.good[1].get("headers", {}):
            yield f"{one.id}: subscribing is answered with 201 and a Location"
        if not ends:
            yield f"{one.id}: an internal operation unsubscribes"


def of_references(swagger: Swagger) -> Iterator[str]:
    """What a dropdown or a dynamic schema asks exists, in both of its styles, and gets what it needs."""
    for source, at, node in _dynamic(swagger):
        for styles in (DROPDOWNS, SCHEMAS):
            asked = [node[style] for style in styles if style in node]
            if asked and (len(asked) < 2 or asked[0]["operationId"] != asked[1]["operationId"]):
                yield f"{at}: both styles are there and ask the same"
            for one in asked:
                yield from (f"{at}: {fault}" for fault in _asking(swagger, source, one))


def _dynamic(swagger: Swagger) -> Iterator[tuple[Operation, str, Doc]]:
    """What is dynamic in each operation, its notifications included."""
    for one in swagger.list:
        for name, parameter in one.parameters.items():
            yield one, f"{one.id}/{name}", parameter
        told = one.item.get("x-ms-notification-content", {}).get("schema", {}) if one.is_trigger else {}
        for at, schema in ((f"{one.id}/body", one.body), (f"{one.id}/told", told)):
            yield from ((one, where, node) for where, node in _below(swagger, at, schema))


def _below(swagger: Swagger, at: str, schema: Doc) -> Iterator[tuple[str, Doc]]:
    for name, member in swagger.members(schema).items():
        yield f"{at}/{name}", swagger.resolved(member)
        yield from _below(swagger, f"{at}/{name}", member)


def _asking(swagger: Swagger, source: Operation, asked: Doc) -> Iterator[str]:
    target = swagger.operations.get(asked["operationId"])
    if target is None or not target.is_internal:
        yield "it asks an internal operation"
        return
    given = asked.get("parameters", {})
    needed = {name for name, doc in target.parameters.items() if doc.get("required")}
    if not needed <= given.keys() <= target.parameters.keys():
        yield f"it gives {target.id} what that needs"
    for one in given.values():
        if "parameter" in one and one["parameter"] not in {
            **source.parameters,
            **swagger.members(source.body),
        }:
            yield "it refers to a parameter, or to a member of the body"
        if "parameterReference" in one and not _leads(swagger, source, one["parameterReference"]):
            yield "its reference leads to a parameter, or into the body"
    members = swagger.members(target.good[1]["schema"])
    where = asked.get("value-collection") or asked.get("itemsPath")
    if where:
        found = swagger.members(members.get(where, {}))
        paths = [value for name, value in asked.items() if name in ("value-path", "value-title")]
        paths += [value for name, value in asked.items() if name in ("itemValuePath", "itemTitlePath")]
        if len(paths) != 2 or not set(paths) <= found.keys():
            yield f"it finds value and title in what {target.id} answers"


def _leads(swagger: Swagger, source: Operation, reference: str) -> bool:
    name, _, rest = reference.partition("/")
    return name in source.parameters and (not rest or rest in swagger.members(source.body))


def of_policies(swagger: Swagger, properties: Doc) -> Iterator[str]:
    """Policies that exist, with what they need, and with connection parameters that exist."""
    for one in properties["policyTemplateInstances"]:
        needed = POLICIES.get(one["templateId"])
        given = {name.rpartition(".")[2] for name in one["parameters"]}
        if needed is None or not needed[0] <= given <= needed[0] | needed[1]:
            yield f"{one['templateId']}: there is no such policy with these parameters"
        named = [value for value in one["parameters"].values() if "@connectionParameters" in value]
        for text in named:
            if text.partition("('")[2].partition("')")[0] not in properties["connectionParameters"]:
                yield f"{one['templateId']}: the connection has no such parameter"
    hosts = [one for one in properties["policyTemplateInstances"] if one["templateId"] == "dynamichosturl"]
    if [one["parameters"][URL].partition("@")[0] for one in hosts] != ["https://"]:
        yield "the address is the deployment's, over https"
    if swagger.doc["schemes"] != ["https"]:
        yield "only https is spoken"


URL = "x-ms-apimTemplateParameter.urlTemplate"
POLICIES: Mapping[str, tuple[set[str], set[str]]] = {
    "dynamichosturl": ({"urlTemplate"}, {"x-ms-apimTemplate-operationName"}),
    "setheader": (
        {"name", "value"},
        {"existsAction", "x-ms-apimTemplate-policySection", "x-ms-apimTemplate-operationName"},
    ),
}
"""What each policy that is used needs, and may have."""


PARAMETERS: Mapping[str, set[str]] = {
    "string": {"type", "allowedValues", "defaultValue", "uiDefinition"},
    "securestring": {"type", "allowedValues", "defaultValue", "uiDefinition"},
    "oauthSetting": {"type", "oAuthSettings", "uiDefinition"},
}
DRAWN = {"displayName", "description", "tooltip", "tabIndex", "constraints"}


def of_connections(properties: Doc) -> Iterator[str]:
    """Parameters of a connection that exist, and what they are drawn with."""
    for name, one in properties["connectionParameters"].items():
        if not one.keys() <= PARAMETERS.get(one["type"], set()) or not name.isidentifier():
            yield f"{name}: there is no such connection parameter"
        if not one.get("uiDefinition", {}).keys() <= DRAWN:
            yield f"{name}: a connection parameter is drawn with other members"


def of_tokens(properties: Doc) -> Iterator[str]:
    """A sign-in is Entra's, at addresses of its own, and holds no secret."""
    for one in properties["connectionParameters"].values():
        if one["type"] != "oauthSetting":
            continue
        settings = one["oAuthSettings"]
        if settings["identityProvider"] not in ("aad", "aadcertificate"):
            yield "people sign in with Entra"
        if settings["customParameters"].keys() != {"loginUri", "tenantId", "resourceUri"}:
            yield "signing in says where, in which tenant and for what, and nothing else"
        if settings.get("redirectMode") != "GlobalPerConnector":
            yield "each connector has a redirect address of its own"
        if "clientSecret" in settings or not settings["clientId"].startswith("REPLACE"):
            yield "no id and no secret is in the file"
