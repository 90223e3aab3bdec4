"""Plays the platform with a connector's own files: draws forms by what they refer to, calls, subscribes, and is told.

It knows nothing of Signalbox but those files; what is not in them it cannot do.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

import jsonschema_rs

from local.client import Client, Response
from tests.connectors.rules_of_extensions import DROPDOWNS, SCHEMAS
from tests.connectors.swagger import Doc, Operation, Swagger, read

PARAMETER = "x-ms-apimTemplateParameter."
READ: Mapping[str, Callable[[str], Any]] = {
    "integer": int,
    "number": float,
    "boolean": lambda text: text == "true",
}
"""What a form makes of what was typed into it."""


@dataclass(frozen=True, slots=True)
class Designer:
    """A connection, made with one of the files of properties and what its parameters are given."""

    properties: Doc
    connection: Mapping[str, str]
    swagger: Swagger = field(default_factory=lambda: Swagger(read("apiDefinition.swagger.json")))

    def choices(self, operation: str, member: str, values: Mapping[str, Any], style: str) -> dict[str, str]:
        """What a dropdown offers, its titles by their values; `style` is one of DROPDOWNS."""
        source = self.swagger.operations[operation]
        node = {**source.parameters, **self.swagger.members(source.body)}[member][style]
        at, value, title = (
            ("value-collection", "value-path", "value-title")
            if style == DROPDOWNS[0]
            else ("itemsPath", "itemValuePath", "itemTitlePath")
        )
        items = self._asked(node, values).doc[node[at]]
        return {item[node[value]]: item[node[title]] for item in items}

    def fields(self, operation: str, member: str, values: Mapping[str, Any], style: str) -> Doc:
        """The schema that a dynamic member of the body gets; `style` is one of SCHEMAS."""
        body = self.swagger.members(self.swagger.operations[operation].body)
        found: Doc = self._asked(self.swagger.resolved(body[member])[style], values).doc
        return found

    def call(self, operation: str, values: Mapping[str, Any]) -> Response:
        """Run an operation; its answer has to be as it is described."""
        one = self.swagger.operations[operation]
        path = re.sub(r"\{(\w+)\}", lambda found: quote(values[found[1]], safe=""), one.path)
        places = {name: doc["in"] for name, doc in one.parameters.items() if name in values}
        query = urlencode({name: values[name] for name, place in places.items() if place == "query"})
        headers = {name: values[name] for name, place in places.items() if place == "header"}
        body = json.dumps(values["body"]).encode() if "body" in values else None
        answer = self._send(one.method, f"{path}?{query}" if query else path, body, headers)
        self._check(one, answer)
        return answer

    def subscribe(self, operation: str, values: Mapping[str, Any], url: str) -> str:
        """Turn a flow on: its Location."""
        body = self.swagger.members(self.swagger.operations[operation].body)
        [member] = [name for name, doc in body.items() if doc.get("x-ms-notification-url")]
        answer = self.call(operation, {**values, "body": {**values["body"], member: url}})
        return answer.headers["location"]

    def unsubscribe(self, location: str) -> Response:
        """Turn a flow off: a DELETE of its Location, with what the connection has and no more."""
        return self._send("delete", location, None, {})

    def told(self, operation: str, values: Mapping[str, Any]) -> jsonschema_rs.Draft4Validator:
        """What a notification has to be like, with the fields of what was chosen."""
        content = self.swagger.operations[operation].item["x-ms-notification-content"]["schema"]
        return jsonschema_rs.Draft4Validator(self._plain(content, values))

    def _send(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> Response:
        policies = {
            one["templateId"]: one["parameters"] for one in self.properties["policyTemplateInstances"]
        }
        # The local stack speaks http. Everything else of the address is as the policy has it.
        host = self._filled(policies["dynamichosturl"][PARAMETER + "urlTemplate"]).replace("https:", "http:")
        if "setheader" in policies:
            given = policies["setheader"]
            headers = {**headers, given[PARAMETER + "name"]: self._filled(given[PARAMETER + "value"])}
        elif self.properties["connectionParameters"]["token"]["type"] == "oauthSetting":
            headers = {**headers, "Authorization": f"Bearer {self.connection['token']}"}
        return Client(host).send(method.upper(), path, body, headers)

    def _filled(self, template: str) -> str:
        return re.sub(r"@connectionParameters\('(\w+)'\)", lambda found: self.connection[found[1]], template)

    def _asked(self, node: Doc, values: Mapping[str, Any]) -> Response:
        """What the operation answers that a dynamic part refers to."""
        given = {name: _value(how, values) for name, how in node.get("parameters", {}).items()}
        known = {name: value for name, value in given.items() if value is not None}
        return self.call(node["operationId"], known)

    def _check(self, operation: Operation, answer: Response) -> None:
        responses = operation.doc["responses"]
        described = responses.get(str(answer.status)) or responses["default"]
        assert (answer.status >= 400) == (str(answer.status) not in responses), answer
        if "schema" in described:
            jsonschema_rs.Draft4Validator(self._plain(described["schema"], None)).validate(answer.doc)

    def _plain(self, schema: Doc, values: Mapping[str, Any] | None) -> Doc:
        """A schema without references; where it is dynamic, with the fields that belong to what was chosen."""
        whole = self.swagger.resolved(schema)
        if values is not None and SCHEMAS[1] in whole:
            dynamic: Doc = self._asked(whole[SCHEMAS[1]], values).doc
            return {name: one for name, one in dynamic.items() if not name.startswith("$")}
        plain = {name: one for name, one in whole.items() if not name.startswith("x-")}
        if "properties" in whole:
            plain["properties"] = {
                name: self._plain(one, values) for name, one in whole["properties"].items()
            }
        if "items" in whole:
            plain["items"] = self._plain(whole["items"], values)
        return {"anyOf": [plain, {"type": "null"}]} if whole.get("x-nullable") else plain


def entered(schema: Doc, typed: Mapping[str, str]) -> dict[str, Any]:
    """What a form sends of what was typed into its fields."""
    members = schema["properties"]
    return {name: READ.get(members[name]["type"], str)(text) for name, text in typed.items()}


def labels(schema: Doc) -> Iterator[tuple[str, str, bool]]:
    """What a form shows of each field: its label, its type, and whether it must be filled."""
    for name, one in schema["properties"].items():
        yield one["x-ms-summary"], one["type"], name in schema["required"]


def _value(how: Any, values: Mapping[str, Any]) -> Any:
    """What a reference means, in either style: a literal, a parameter, or a member of the body by its name or way."""
    if not isinstance(how, Mapping):
        return how
    if "value" in how:
        return how["value"]
    body = values.get("body", {})
    if "parameter" in how:
        return values.get(how["parameter"], body.get(how["parameter"]))
    name, _, member = how["parameterReference"].partition("/")
    return body.get(member) if member else values.get(name)
