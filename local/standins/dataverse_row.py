"""Plays Dataverse's Web API as far as creating and upserting a row goes, and Entra's token endpoint.

https://learn.microsoft.com/power-apps/developer/data-platform/webapi/create-entity-web-api ,
https://learn.microsoft.com/power-apps/developer/data-platform/use-upsert-insert-update-record and, for what a wrong key is
answered, https://learn.microsoft.com/power-apps/developer/data-platform/use-alternate-key-reference-record
"""

import re
from collections.abc import Iterator, Mapping

from local.standins import Asked, Taken, Told
from local.standins.parts.dataverse import ROOT, error, refusal, unknown, wrong_payload
from shared import exact
from shared.exact import Json

UNKNOWN_TABLE = "contoso_unknowns"
UNKNOWN_COLUMN = "contoso_unknown"
UNKNOWN_ROW = "00000000-0000-0000-0000-000000000404"
"""A row that no table here has."""
KEYS = ("contoso_signalboxid", "contoso_number")
"""The columns that are alternate keys."""
_ROW = re.compile(r"(\w+)(?:\((?:(\w+)=)?(.+)\))?")
_VALUE = re.compile(r"'(?:[^'/<>*%&:\\?+]|'')+'|-?\d+")
_REFERENCE = re.compile(r"/?\w+\((.+)\)")
_BIND = "@odata.bind"


def answer(asked: Asked) -> Told:
    """204 with the row's address, whether it was created or changed."""
    if refused := refusal(asked, ("POST", "PATCH")):
        return refused
    if (wrong := _wrong_address(asked)) is not None:
        return wrong
    doc = exact.members(asked.body)
    if doc is None:
        return wrong_payload()
    row = asked.path.removeprefix(ROOT) if asked.method == "PATCH" else None
    told = Told(204, headers={"odata-version": "4.0", "odata-entityid": asked.path}, taken=Taken(doc, row))
    return next(_wrongs(doc), None) or told


def _wrong_address(asked: Asked) -> Told | None:
    found = _ROW.fullmatch(asked.path.removeprefix(ROOT))
    if found is None or found[1] == UNKNOWN_TABLE:
        return unknown(asked)
    if (asked.method == "PATCH") != (found[3] is not None):
        return error(
            405, "0x80060888", f"The requested resource does not support http method '{asked.method}'."
        )
    if asked.method == "PATCH" and (found[2] not in KEYS or not _VALUE.fullmatch(found[3])):
        resource = f"Microsoft.Dynamics.CRM.{found[1].removesuffix('s')}"
        return error(400, "0x80060888", f"The key in the request URI is not valid for resource '{resource}'.")
    return None


def _wrongs(doc: Mapping[str, Json]) -> Iterator[Told]:
    for name, value in doc.items():
        column = name.removesuffix(_BIND)
        if column == UNKNOWN_COLUMN or not column.isidentifier():
            yield wrong_payload(f"Invalid property '{column}' was found in the entity.")
        if name.endswith(_BIND):
            yield from _wrong_reference(value)
        elif isinstance(value, dict | list):
            yield wrong_payload(f"The value of '{name}' cannot be converted to the column's type.")


def _wrong_reference(value: Json) -> Iterator[Told]:
    found = _REFERENCE.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        yield wrong_payload("The odata.bind value is no reference to a row.")
    elif found[1] == UNKNOWN_ROW:
        yield error(404, "0x80040217", f"Entity 'Contact' With Id = {UNKNOWN_ROW} Does Not Exist")
