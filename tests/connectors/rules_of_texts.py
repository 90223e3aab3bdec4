"""What the texts of a connector have to be like, which no schema checks.

https://learn.microsoft.com/connectors/custom-connectors/connector-string-guidance
https://learn.microsoft.com/connectors/custom-connectors/certification-submission
"""

import re
from collections.abc import Iterator

from tests.connectors.swagger import Doc, Operation, Swagger

FORBIDDEN = re.compile(
    r"\b(API|Connector|Power ?Apps|Power ?Automate|Flow|Logic ?Apps|Power ?BI)\b", re.IGNORECASE
)
SMALL = {"a", "an", "and", "as", "at", "by", "for", "in", "of", "or", "the", "to"}
CATEGORIES = {
    *("AI", "Business Management", "Business Intelligence", "Collaboration", "Commerce", "Communication"),
    *("Content and Files", "Data", "Finance", "Human Resources", "Internet of Things", "IT Operations"),
    *("Lifestyle and Entertainment", "Marketing", "Productivity", "Sales and CRM", "Security"),
    *("Social Media", "Website"),
}
TAKEN = {"#007ee5", "#ffffff"}
"""Brand colours that mean that none was chosen."""


def of_the_whole(swagger: Swagger) -> Iterator[str]:
    """The title, the description, the contact and the metadata."""
    info = swagger.doc["info"]
    if not 0 < len(info["title"]) <= 30 or FORBIDDEN.search(info["title"]):
        yield "the title has up to 30 characters, and no word such as API"
    if not 30 <= len(info["description"]) <= 500:
        yield "the description has 30 to 500 characters"
    if {"name", "url", "email"} - info.get("contact", {}).keys():
        yield "the contact has a name, a URL and an email address"
    told = {one["propertyName"]: one["propertyValue"] for one in swagger.doc["x-ms-connector-metadata"]}
    if told.keys() != {"Website", "Privacy policy", "Categories"}:
        yield "the metadata says website, privacy policy and categories"
    elif not set(told["Categories"].split(";")) <= CATEGORIES:
        yield "a category is not one of Microsoft's"


def of_operations(swagger: Swagger) -> Iterator[str]:
    """Their ids, summaries and descriptions."""
    ids = [one.id for one in swagger.list]
    for one in swagger.list:
        if not re.fullmatch(r"[A-Z][A-Za-z]+", one.id) or ids.count(one.id) > 1:
            yield f"{one.id}: an operation's id is one of its own, in Pascal case"
        yield from _of_operation(one)


def _of_operation(one: Operation) -> Iterator[str]:
    summary, description = one.doc["summary"], one.doc["description"]
    if not re.fullmatch(r"[A-Z][^/]{0,78}[A-Za-z0-9]", summary) or re.search(r" [A-Z]", summary):
        yield f"{one.id}: a summary is in sentence case, up to 80 characters, without a slash, and ends in a letter"
    if not re.fullmatch(r"[A-Z].{9,}\.", description) or description.rstrip(".") == summary:
        yield f"{one.id}: a description is a sentence that says more than the summary"
    if one.is_trigger and not re.match(r"When an? ", summary):
        yield f"{one.id}: a trigger's summary begins with When a"
    if one.is_trigger and not description.startswith("This operation triggers when "):
        yield f"{one.id}: a trigger's description begins with This operation triggers when"


def of_members(swagger: Swagger) -> Iterator[str]:
    """What people read of each parameter and of each member that is sent or answered."""
    for one in swagger.list:
        for name, parameter in one.parameters.items():
            if name != "body":
                yield from _of_member(f"{one.id}/{name}", parameter)
    for place in swagger.places():
        if not place.top and not place.at.endswith("/items") and "$ref" not in place.schema:
            yield from _of_member(place.at, place.schema)


def _of_member(at: str, doc: Doc) -> Iterator[str]:
    summary, description = doc.get("x-ms-summary", ""), doc.get("description", "")
    words = summary.split()
    if not 0 < len(summary) <= 80 or any(word[0].islower() and word not in SMALL for word in words):
        yield f"{at}: a summary for people is in title case, up to 80 characters"
    if not re.fullmatch(r"[A-Z].*\.", description) and not description.startswith("dead,"):
        yield f"{at}: a description is a sentence"


def of_properties(properties: Doc) -> Iterator[str]:
    """The colour, and what is said of each connection parameter."""
    colour = properties["iconBrandColor"]
    if not re.fullmatch("#[0-9a-f]{6}", colour) or colour in TAKEN:
        yield "the brand colour is one of its own"
    for name, one in properties["connectionParameters"].items():
        if one["type"] == "oauthSetting":
            continue
        drawn = one.get("uiDefinition", {})
        if {"displayName", "description", "tooltip"} - drawn.keys():
            yield f"{name}: a connection parameter has a name, a description and a tooltip"
        if drawn.get("constraints", {}).get("required") != "true":
            yield f"{name}: a connection parameter is required, in quotes"
        if (one["type"] == "securestring") == drawn.get("constraints", {}).get("clearText"):
            yield f"{name}: a secret is not shown in clear, and nothing else is hidden"
