"""Plays Dataverse's Web API as far as custom triggers of Customer Insights - Journeys go, and Entra's token endpoint.

https://learn.microsoft.com/dynamics365/customer-insights/journeys/real-time-marketing-custom-actions
"""

from collections.abc import Iterator, Mapping
from uuid import UUID

from local.standins import Asked, Taken, Told
from local.standins.parts.dataverse import ROOT, refusal, unknown, wrong_payload
from shared import exact, times
from shared.exact import Json

_TIMES = ("msdynmkt_signaltimestamp", "msdynmkt_signalingestiontimestamp")
_IDS = ("msdynmkt_signaluserauthid", "msdynmkt_profileid")
_SYSTEM = {*_TIMES, *_IDS}
MOST_ATTRIBUTES = 29
UNKNOWN_TRIGGER = "msdynmkt_unknown_000000000"
"""A name that no trigger here has."""


def answer(asked: Asked) -> Told:
    """204 for a trigger that is raised, as an action without a return value has it (OData 4.0, 11.5.4.1)."""
    if refused := refusal(asked):
        return refused
    if asked.path.removeprefix(ROOT) == UNKNOWN_TRIGGER:
        return unknown(asked)
    doc = exact.members(asked.body)
    if doc is None:
        return wrong_payload()
    wrong = next(_wrongs(doc), None)
    raised = Told(204, headers={"odata-version": "4.0"}, taken=Taken(doc))
    return wrong_payload(wrong) if wrong else raised


def _wrongs(doc: Mapping[str, Json]) -> Iterator[str]:
    yield from (f"Required field '{name}' is missing." for name in sorted(_SYSTEM) if name not in doc)
    for name in _TIMES:
        if not times.is_time(doc.get(name)):
            yield f"Cannot convert the value of '{name}' to the expected type 'Edm.DateTimeOffset'."
    yield from (f"The value of '{name}' is no record's id." for name in _IDS if not _is_guid(doc.get(name)))
    if len(doc) - len(_SYSTEM) > MOST_ATTRIBUTES:
        yield f"A trigger has {MOST_ATTRIBUTES} attributes at most."
    for name, value in doc.items():
        yield from _wrong_attribute(name, value)


def _wrong_attribute(name: str, value: Json) -> Iterator[str]:
    if not name.startswith("msdynmkt_") or name != name.lower():
        yield f"The parameter '{name}' in the request payload is not a valid parameter for the operation."
    if value is None:
        yield f"All attributes must be defined: '{name}' is null."
    if isinstance(value, list) or (isinstance(value, dict) and "@odata.type" not in value):
        yield f"The value of '{name}' is of no type that an attribute has."


def _is_guid(value: Json) -> bool:
    try:
        UUID(str(value))
    except ValueError:
        return False
    return isinstance(value, str)
