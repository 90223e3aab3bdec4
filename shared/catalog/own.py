"""The events that Signalbox makes itself: what happened to its own parts, for those who route or subscribe to it.

They are defined here and nowhere else, in every section, and nobody else defines or sends them. They are about no person.
"""

from collections.abc import Mapping

from shared.errors import Fault, UnknownEvent
from shared.exact import Json, Number
from shared.registry import Kind, Record

CATEGORY = "system"
"""Reserved as a whole, for those to come."""
SENDER = "signalbox"
"""The source of these events; no key and no source has this id."""
PURPOSE = "system"
RETENTION_DAYS = 30
DELIVERY_FAILED = "delivery.failed"
DESTINATION_DISABLED = "destination.disabled"
DEFINITION_CHANGED = "definition.changed"
QUOTA_NEARLY_USED = "quota.nearly-used"
VOLUME_SILENT = "volume.silent"
VOLUME_UNUSUAL = "volume.unusual"
VOLUME_RESOLVED = "volume.resolved"
_SUMMARY = {"summary": "What happened, in a sentence"}
_VOLUME = {
    **_SUMMARY,
    "of": "definition, or source",
    "name": "Which: an event's name, or a source's label",
    "since": "The beginning of the first hour in which it was so",
}
_FIELDS: Mapping[str, Mapping[str, str]] = {
    DELIVERY_FAILED: {
        **_SUMMARY,
        "delivery": "Its id, by which it is replayed",
        "eventId": "The event that was not delivered",
        "event": "That event's name",
        "route": "The route that it took, or a subscription",
        "destination": "Where it was to go",
        "status": "dead, or held for a person to decide",
        "cause": "Why, in a word",
        "reason": "Why, and what to do",
        "receipt": "Where all attempts are told",
    },
    DESTINATION_DISABLED: {
        **_SUMMARY,
        "destination": "Which",
        "disabledAt": "When",
        "reason": "Why",
    },
    DEFINITION_CHANGED: {
        **_SUMMARY,
        "event": "The name of the event that is defined",
        "version": "The id of the version that is active now",
        "number": "Its number; 1 is a new definition",
        "definition": "Where it is read",
    },
    QUOTA_NEARLY_USED: {
        **_SUMMARY,
        "of": "key, source, or section",
        "name": "Its id",
        "at": "The minute in which most was taken",
        "count": "How much was taken in it",
        "perMinute": "How much may be taken in one",
        "refused": "How many were refused in that hour, because nothing was left",
    },
    VOLUME_SILENT: {**_VOLUME, "least": "How many came in that time in other weeks, at least"},
    VOLUME_UNUSUAL: {
        **_VOLUME,
        "count": "How many came in that hour",
        "least": "How many came in it in other weeks, at least",
        "most": "And at most",
    },
    VOLUME_RESOLVED: {**_VOLUME, "was": "silent, or unusual", "reason": "Why it is over"},
}
_TYPES = {
    **dict.fromkeys(("number", "count", "least", "most", "perMinute", "refused"), "integer"),
    **dict.fromkeys(("disabledAt", "since", "at"), "timestamp"),
}
EVENTS = tuple(_FIELDS)


def is_own(event: str) -> bool:
    """Whether a name is one of Signalbox's own events, or may become one."""
    return event in _FIELDS or event.partition(".")[0] == CATEGORY


def definition(event: str) -> Record | None:
    """Its definition, in the form that the registry has of others."""
    if event not in _FIELDS:
        return None
    entry = {"id": _version_id(event), "number": Number("1")}
    doc = {
        "event": event,
        "purpose": PURPOSE,
        "retentionDays": Number(str(RETENTION_DAYS)),
        "versions": [entry],
        "active": Number("1"),
    }
    return Record(Kind.DEFINITION, "", event, doc)


def fields(event: str) -> list[dict[str, Json]]:
    """The fields of its version."""
    return [
        {"name": name, "type": _TYPES.get(name, "text"), "required": True, "description": description}
        for name, description in _FIELDS[event].items()
    ]


def require_sender(event: str, sender: str) -> None:
    """Raises UnknownEvent for an event of ours that somebody else sends."""
    if is_own(event) and sender != SENDER:
        detail = f"{event} is an event of Signalbox itself, which nobody else sends. Define and send one of your own."
        raise UnknownEvent(detail, faults=[Fault("/event", detail, "the name of an event of this section")])


def _version_id(event: str) -> str:
    return f"ver_{event.replace('.', '_')}_1"
