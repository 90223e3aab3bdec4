"""Dataverse and Dynamics 365: what a webhook step posts of a change, its lists of keys and values made objects."""

import re
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Annotated

from pydantic import Field, StringConstraints

from shared import exact, times
from shared.bodies import Body
from shared.errors import Invalid
from shared.exact import Json, Number
from shared.mapping import MappingDoc
from shared.sources import About, Facts, Policy, Received, SharedSecret, SourceKind, delivery_of

# https://learn.microsoft.com/power-apps/developer/data-platform/register-web-hook#authentication-options: HttpHeader with our
# header's name, or WebhookKey, which arrives as `?code=`. It signs nothing.
PROOF = SharedSecret()

# https://learn.microsoft.com/power-apps/developer/data-platform/use-webhooks
POLICY = Policy(
    seconds=60,
    retries="some",
    retried=frozenset({502, 503, 504}),
    gives_up="It repeats once. Then the system job fails, or the change itself where the step is synchronous.",
)

ABOUT = About(
    repeat="operation, message, record, time and stage",
    notes=(
        "register the webhook with the authentication HttpHeader (`X-Signalbox-Secret`) or WebhookKey. "
        "[More below](#dataverse)"
    ),
)

OVERSIZE = "x-ms-dynamics-msg-size-exceeded"
"""There when the message was over 256 KB, and the record and its images were left out of it."""
HEADERS = (OVERSIZE,)
_DATE = re.compile(r"/Date\((-?\d{1,15})([+-]\d{4})?\)/", re.ASCII)
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)

# Names of columns: https://learn.microsoft.com/power-apps/developer/data-platform/reference/entities/contact
MAPPINGS: Mapping[str, MappingDoc] = {
    "contact.create": {
        "event": "'conversions.contact-created'",
        "person": {
            "email": "target.emailaddress1",
            "mobile": "target.mobilephone || target.telephone1",
            "crmId": "id",
        },
        "properties": {"contactId": "id"},
    },
    "contact.update": {
        "event": "'signals.contact-changed'",
        "person": {"crmId": "id"},
        "properties": {"contactId": "id", "columns": "join(',', sort(keys(target)))"},
    },
}


class Settings(Body):
    """How a source of Dataverse is set up.

    `own_users`: the ids of the application users that write to Dataverse on our behalf (`systemuserid`, or the object id
    in Entra): what they change is not taken in again. `accept_oversize`: take in what is left of a message over 256 KB.
    """

    own_users: Annotated[
        list[Annotated[str, StringConstraints(pattern=f"^{_ID.pattern}$")]], Field(max_length=20)
    ] = Field(default_factory=list)
    accept_oversize: bool = False


def source(settings: Settings) -> SourceKind:
    """The kind as a source has it."""
    read_as_set = partial(read, settings)
    return SourceKind(
        proofs=(PROOF,), policy=POLICY, about=ABOUT, read=read_as_set, headers=HEADERS, mappings=MAPPINGS
    )


def read(settings: Settings, received: Received) -> Sequence[Facts]:
    """The facts of a RemoteExecutionContext; none where one of our own users caused it.

    https://learn.microsoft.com/power-apps/developer/data-platform/understand-the-data-context
    """
    context = exact.loads(received.body)
    if not isinstance(context, dict) or not all(
        isinstance(context.get(one), str) for one in ("MessageName", "PrimaryEntityName", "PrimaryEntityId")
    ):
        raise Invalid("This is no RemoteExecutionContext: it names no message and no record.")
    if _caused_by(settings.own_users, context):
        return []
    oversize = received.header(OVERSIZE) is not None
    if oversize and not settings.accept_oversize:
        raise Invalid(
            "Dataverse left the record out, because the message was over 256 KB. Give the step fewer columns and no "
            "image of large ones, or set acceptOversize in the source's settings."
        )
    return [_facts(context, oversize=oversize)]


def _caused_by(users: Sequence[str], context: Mapping[str, Json]) -> bool:
    named = ("InitiatingUserId", "InitiatingUserAzureActiveDirectoryObjectId")
    return any(str(context.get(name)).lower() in users for name in named)


def _facts(context: Mapping[str, Json], *, oversize: bool) -> Facts:
    """A message that is repeated is the same byte for byte, and no two operations agree in all of these members."""
    parts = ("OperationId", "CorrelationId", "MessageName", "PrimaryEntityId", "OperationCreatedOn", "Stage")
    created = _plain(context.get("OperationCreatedOn"))
    return Facts(
        type=f"{context['PrimaryEntityName']}.{context['MessageName']}".lower(),
        delivery_id=delivery_of(*(context.get(part) for part in parts)),
        payload=_payload(context, oversize=oversize),
        occurred_at=created if isinstance(created, str) else None,
    )


def _payload(context: Mapping[str, Json], *, oversize: bool) -> dict[str, Json]:
    target = _pairs(context.get("InputParameters")).get("Target")
    return {
        "message": context["MessageName"],
        "entity": context["PrimaryEntityName"],
        "id": context["PrimaryEntityId"],
        "target": _columns(target),
        "formatted": _pairs(target.get("FormattedValues")) if isinstance(target, dict) else {},
        "before": _images(context.get("PreEntityImages")),
        "after": _images(context.get("PostEntityImages")),
        "initiatingUserId": context.get("InitiatingUserId"),
        "organization": context.get("OrganizationName"),
        "depth": context.get("Depth"),
        "oversize": oversize,
    }


def _images(images: Json) -> dict[str, Json]:
    """The columns of each image, by the name that it was registered under."""
    return {name: _columns(image) for name, image in _pairs(images).items()}


def _columns(entity: Json) -> dict[str, Json]:
    attributes = _pairs(entity.get("Attributes")) if isinstance(entity, dict) else {}
    return {name: _plain(value) for name, value in attributes.items()}


def _pairs(pairs: Json) -> dict[str, Json]:
    """`[{"key": "a", "value": 1}]` as `{"a": 1}`."""
    items = pairs if isinstance(pairs, list) else []
    return {
        one["key"]: one.get("value")
        for one in items
        if isinstance(one, dict) and isinstance(one.get("key"), str)
    }


def _plain(value: Json) -> Json:
    """A choice or an amount of money as its number, a reference as the id of its record, a time as RFC 3339."""
    if isinstance(value, dict):
        return value.get("Value", value.get("Id", value))
    found = _DATE.fullmatch(value) if isinstance(value, str) else None
    return times.of_unix(Number(found[1]), 1000) if found else value
