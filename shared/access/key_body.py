"""What creates a key: who uses it, what for, and until when."""

from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints, ValidationInfo

from shared import times
from shared.access.rights import DEPLOYMENT_ONLY, Scope
from shared.bodies import DATE_TIME, Body, Discriminator, Text, context
from shared.faults import refusal

MAX_EVENTS = 100


def _grantable(scope: Scope, info: ValidationInfo) -> Scope:
    if scope in DEPLOYMENT_ONLY and not context(info)["deployment"]:
        raise refusal("Leave this scope out.", "a scope that stays within one section")
    return scope


def _later(text: str, info: ValidationInfo) -> str:
    try:
        at = times.parse(text)
        later = times.text(at)
    except (ValueError, OverflowError):
        raise refusal("Write it in the expected form.", "an RFC 3339 time with an offset") from None
    if at <= context(info)["now"]:
        raise refusal("Choose a later time.", "a time that has not passed yet")
    return later


Scopes = Annotated[
    list[Annotated[Scope, Field(strict=False), AfterValidator(_grantable)]],
    Field(min_length=1, max_length=50),
]
"""Validated with `deployment` as context: whether they are for the whole deployment."""
Events = Annotated[list[Discriminator], Field(min_length=1, max_length=MAX_EVENTS)]
KeyId = Annotated[str, StringConstraints(max_length=64)]


class KeyBody(Body):
    """A key to create."""

    # Validated with `now` and `deployment` as context.

    name: Text
    scopes: Scopes
    source: Text
    """What its events carry as their source, unless they name one."""
    events: Events | None = None
    expires_at: Annotated[str, AfterValidator(_later), DATE_TIME] | None = None
    replaces: KeyId | None = None
    """The id of the key whose place it takes: the two then share their idempotency keys."""
