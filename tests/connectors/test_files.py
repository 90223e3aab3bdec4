"""The connector's files are what Power Automate and Logic Apps take: by the schema of Swagger 2.0, and by each rule beyond it."""

import copy
import struct
from collections.abc import Iterator
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV2SpecValidator

from tests.connectors import rules_of_extensions as extensions
from tests.connectors import rules_of_texts as texts
from tests.connectors.swagger import FOLDER, Doc, Swagger, read

DEFINITION, KEY, ENTRA = "apiDefinition.swagger.json", "apiProperties.json", "apiProperties.entra.json"
EVENTS, ME = "/paths/~1v1~1events/post", "/paths/~1v1~1me/get"
SUBSCRIBE = "/paths/~1v1~1subscriptions"
EVENT = f"{EVENTS}/parameters/1/schema/properties/event"
FIELDS = "/definitions/EventFields"
GONE = object()


def files() -> dict[str, Doc]:
    return {name: read(name) for name in (DEFINITION, KEY, ENTRA)}


def faults(found: dict[str, Doc]) -> Iterator[str]:
    """Everything that is wrong with the files."""
    swagger = Swagger(found[DEFINITION])
    for rule in (
        *(texts.of_the_whole, texts.of_operations, texts.of_members, extensions.of_places),
        *(extensions.of_visibility, extensions.of_answers, extensions.of_triggers, extensions.of_references),
    ):
        yield from rule(swagger)
    for name in (KEY, ENTRA):
        properties = found[name]["properties"]
        yield from extensions.of_policies(swagger, properties)
        for of in (texts.of_properties, extensions.of_connections, extensions.of_tokens):
            yield from of(properties)


def test_the_definition_is_swagger_2():
    assert [error.message for error in OpenAPIV2SpecValidator(read(DEFINITION)).iter_errors()] == []


def test_the_files_keep_every_rule():
    assert list(faults(files())) == []


MUTATIONS: list[tuple[str, str, Any, str]] = [
    (DEFINITION, "/info/title", "Signalbox API", "the title has"),
    (DEFINITION, "/info/description", "Short.", "the description has"),
    (DEFINITION, "/info/contact/email", GONE, "the contact has"),
    (DEFINITION, "/x-ms-connector-metadata/2/propertyValue", "Signals", "a category is"),
    (DEFINITION, "/x-ms-connector-metadata/1/propertyName", "Imprint", "the metadata says"),
    (DEFINITION, f"{EVENTS}/operationId", "post_event", "in Pascal case"),
    (DEFINITION, f"{ME}/operationId", "ListEvents", "one of its own"),
    (DEFINITION, f"{EVENTS}/summary", "Post an event.", "ends in a letter"),
    (DEFINITION, f"{EVENTS}/summary", "Post/send an event", "without a slash"),
    (DEFINITION, f"{EVENTS}/summary", "Post An Event", "in sentence case"),
    (DEFINITION, f"{EVENTS}/description", "Post an event.", "says more than the summary"),
    (DEFINITION, f"{SUBSCRIBE}/post/summary", "An event arrives", "begins with When a"),
    (
        DEFINITION,
        f"{SUBSCRIBE}/post/description",
        "Triggers when an event arrives.",
        "begins with This operation",
    ),
    (DEFINITION, f"{EVENT}/x-ms-summary", "the event", "in title case"),
    (DEFINITION, f"{EVENT}/x-ms-summary", GONE, "in title case"),
    (DEFINITION, f"{EVENTS}/parameters/0/x-ms-summary", "x" * 81, "up to 80 characters"),
    (
        DEFINITION,
        "/definitions/Receipt/properties/steps/items/properties/at/description",
        "when",
        "is a sentence",
    ),
    (DEFINITION, f"{EVENT}/x-ms-colour", "red", "does not stand at a schema"),
    (DEFINITION, f"{EVENT}/x-ms-dynamic-schema", {"operationId": "ListEvents"}, "does not stand at a schema"),
    (DEFINITION, f"{SUBSCRIBE}/post/x-ms-notification-content", {}, "does not stand at a operation"),
    (DEFINITION, f"{EVENT}/x-ms-visibility", "hidden", "no such visibility"),
    (DEFINITION, f"{EVENT}/format", "email", "no such format"),
    (DEFINITION, f"{SUBSCRIBE}/post/x-ms-trigger", "many", "single or batch"),
    (DEFINITION, f"{EVENT}/x-ms-dynamic-list/value-path", "event", "has other members"),
    (DEFINITION, f"{EVENT}/x-ms-visibility", "internal", "has a default"),
    (DEFINITION, f"{EVENTS}/responses/202/schema", GONE, "the good answer has a schema"),
    (DEFINITION, f"{EVENTS}/responses/default", GONE, "a refusal is described"),
    (DEFINITION, f"{SUBSCRIBE}/x-ms-notification-content", GONE, "beside post stands what comes"),
    (DEFINITION, f"{SUBSCRIBE}/post/x-ms-trigger", GONE, "is a trigger"),
    (DEFINITION, f"{SUBSCRIBE}/post/x-ms-trigger-hint", GONE, "says how to try it"),
    (
        DEFINITION,
        f"{SUBSCRIBE}/post/parameters/1/schema/properties/url/x-ms-notification-url",
        GONE,
        "one place for the notification URL",
    ),
    (
        DEFINITION,
        f"{SUBSCRIBE}/post/parameters/1/schema/properties/url/x-ms-visibility",
        "important",
        "which is internal",
    ),
    (DEFINITION, f"{SUBSCRIBE}/post/responses/201/headers", GONE, "201 and a Location"),
    (DEFINITION, f"{SUBSCRIBE}~1{{id}}/delete/x-ms-visibility", GONE, "an internal operation unsubscribes"),
    (DEFINITION, f"{EVENT}/x-ms-dynamic-list", GONE, "both styles are there"),
    (DEFINITION, f"{FIELDS}/x-ms-dynamic-schema", GONE, "both styles are there"),
    (DEFINITION, f"{FIELDS}/x-ms-dynamic-schema/operationId", "GetFields", "asks an internal operation"),
    (DEFINITION, f"{ME}/x-ms-visibility", GONE, "asks an internal operation"),
    (
        DEFINITION,
        f"{FIELDS}/x-ms-dynamic-schema/parameters/event",
        GONE,
        "gives GetEventFields what that needs",
    ),
    (DEFINITION, f"{FIELDS}/x-ms-dynamic-schema/parameters/event/parameter", "evnt", "refers to a parameter"),
    (
        DEFINITION,
        f"{FIELDS}/x-ms-dynamic-properties/parameters/event/parameterReference",
        "body/evnt",
        "its reference leads",
    ),
    (DEFINITION, f"{EVENT}/x-ms-dynamic-values/value-title", "caption", "finds value and title"),
    (DEFINITION, f"{EVENT}/x-ms-dynamic-list/itemsPath", "events", "finds value and title"),
    (DEFINITION, "/schemes", ["http", "https"], "only https"),
    (KEY, "/properties/iconBrandColor", "#007ee5", "the brand colour"),
    (
        KEY,
        "/properties/connectionParameters/api_key/uiDefinition/constraints/clearText",
        True,
        "not shown in clear",
    ),
    (KEY, "/properties/connectionParameters/host/uiDefinition/constraints/required", True, "in quotes"),
    (KEY, "/properties/connectionParameters/host/uiDefinition/tooltip", GONE, "a description and a tooltip"),
    (KEY, "/properties/connectionParameters/host/pattern", ".", "there is no such connection parameter"),
    (KEY, "/properties/connectionParameters/host/uiDefinition/label", "Host", "drawn with other members"),
    (
        ENTRA,
        "/properties/connectionParameters/token/oAuthSettings/customParameters/enableOnbehalfOfLogin",
        {"value": "false"},
        "and nothing else",
    ),
    (KEY, "/properties/connectionParameters/host", GONE, "has no such parameter"),
    (KEY, "/properties/policyTemplateInstances/1/templateId", "addheader", "no such policy"),
    (
        KEY,
        "/properties/policyTemplateInstances/0/parameters/x-ms-apimTemplateParameter.urlTemplate",
        "http://@connectionParameters('host')",
        "over https",
    ),
    (ENTRA, "/properties/connectionParameters/token/oAuthSettings/identityProvider", "oauth2", "with Entra"),
    (
        ENTRA,
        "/properties/connectionParameters/token/oAuthSettings/redirectMode",
        "Global",
        "a redirect address",
    ),
    (
        ENTRA,
        "/properties/connectionParameters/token/oAuthSettings/customParameters/resourceUri",
        GONE,
        "for what",
    ),
    (ENTRA, "/properties/connectionParameters/token/oAuthSettings/clientSecret", "s", "no secret"),
]


@pytest.mark.parametrize(("name", "pointer", "value", "fault"), MUTATIONS)
def test_what_breaks_a_rule_is_found_out(name: str, pointer: str, value: object, fault: str):
    found = copy.deepcopy(files())
    *way, last = [part.replace("~1", "/") for part in pointer.split("/")[1:]]
    node: Any = found[name]
    for part in way:
        node = node[int(part) if isinstance(node, list) else part]
    if value is GONE:
        del node[last]
    else:
        node[last] = value

    assert [one for one in faults(found) if fault in one]


def test_the_settings_name_files_that_are_there_and_nothing_else():
    settings = read("settings.json")

    assert settings.keys() == {"apiProperties", "apiDefinition", "icon"}
    assert all((FOLDER / name).is_file() for name in settings.values())


def test_the_icon_is_a_small_square_with_the_brand_colour_behind():
    """https://learn.microsoft.com/connectors/custom-connectors/certification-submission: PNG, 1:1, 100 to 230 pixels."""
    data = (FOLDER / "icon.png").read_bytes()
    width, height = struct.unpack(">II", data[16:24])

    assert data.startswith(b"\x89PNG")
    assert 100 <= width == height <= 230
    assert len(data) < 1_000_000
