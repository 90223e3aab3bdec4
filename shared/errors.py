"""Every refusal that Signalbox can give: its problem type, its status, and a sentence that says what to do.

    SignalboxError
    ├── MalformedBody 400          ├── NotFound 404               ├── Invalid 422
    ├── Unauthenticated 401        ├── Conflict 409               │   ├── UnknownEvent
    ├── Forbidden 403              ├── LengthRequired 411         │   ├── UnknownVersion
    ├── BodyTooLarge 413           ├── UnsupportedMediaType 415   │   └── KeyReused
    ├── MethodNotAllowed 405       ├── LimitReached 409
    ├── QuotaExceeded 429          └── Unavailable 503 (these two are worth repeating unchanged)
                                       └── Later (met by a message's work only: it knows when)

Types follow RFC 9457; each `type` is the path of a page, made of its section in docs/problems.md.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from math import ceil
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong in a body: where (RFC 6901 JSON Pointer), what to do, and what was seen."""

    pointer: str
    detail: str
    expected: str | None = None
    received: str | None = None

    def shown(self) -> dict[str, str]:
        """As it stands in a problem: only what is known of it."""
        return {name: value for name, value in asdict(self).items() if value is not None}


class SignalboxError(Exception):
    """A refusal. `detail` tells the caller what to do; it never repeats a secret or a person's data."""

    type: ClassVar[str] = "internal"
    title: ClassVar[str] = "Something went wrong here"
    status: ClassVar[int] = 500

    def __init__(self, detail: str, *, faults: Sequence[Fault] = ()) -> None:
        super().__init__(detail)
        self.detail = detail
        self.faults = tuple(faults)


class MalformedBody(SignalboxError):
    type, title, status = "malformed-body", "The body cannot be read", 400


class KeysDiffer(SignalboxError):
    type, title, status = "idempotency-keys-differ", "Two different idempotency keys", 400


class Unauthenticated(SignalboxError):
    type, title, status = "unauthenticated", "No valid credential", 401


class Forbidden(SignalboxError):
    type, title, status = "forbidden", "The credential does not reach this", 403


class NotFound(SignalboxError):
    type, title, status = "not-found", "There is no such thing here", 404


class MethodNotAllowed(SignalboxError):
    """`allowed` are the methods that the path does take."""

    type, title, status = "method-not-allowed", "This path takes other methods", 405

    def __init__(self, detail: str, allowed: Sequence[str] = ()) -> None:
        super().__init__(detail)
        self.allowed = tuple(allowed)


class Conflict(SignalboxError):
    type, title, status = "conflict", "It exists already or has changed", 409


class LimitReached(SignalboxError):
    """Nothing is wrong with what was asked but that there is no room for it."""

    type, title, status = "limit-reached", "There are as many as there may be", 409


class LengthRequired(SignalboxError):
    type, title, status = "length-required", "The request needs a Content-Length", 411


class BodyTooLarge(SignalboxError):
    type, title, status = "body-too-large", "The body is too large", 413


class UnsupportedMediaType(SignalboxError):
    type, title, status = "unsupported-media-type", "The content type is not accepted", 415


class Invalid(SignalboxError):
    type, title, status = "invalid", "The body does not fit its definition", 422


class UnknownEvent(Invalid):
    type, title = "unknown-event", "No such event is defined"


class UnknownVersion(Invalid):
    type, title = "unknown-version", "No such version of the event"


class KeyReused(Invalid):
    type, title = "idempotency-key-reused", "The idempotency key belongs to another event"


class UnknownType(Invalid):
    type, title = "unknown-type", "The source does not know this type"


class BrokenSource(SignalboxError):
    type, title, status = "broken-source", "The source's kind cannot read this", 500


class PausedSource(SignalboxError):
    type, title, status = "paused", "The source is paused", 409


class QuotaExceeded(SignalboxError):
    """A quota is used up: the same request may pass after `retry_after` seconds. `headers` say so too."""

    type, title, status = "quota-exceeded", "Too much was sent in a short time", 429

    def __init__(
        self, detail: str, *, headers: Mapping[str, str] | None = None, retry_after: int = 60
    ) -> None:
        super().__init__(detail)
        self.headers, self.retry_after = headers or {}, retry_after


class Unavailable(SignalboxError):
    """Storage or another part is away for now: the caller repeats the same request after `retry_after` seconds."""

    type, title, status = "unavailable", "Not available right now", 503

    def __init__(self, detail: str, *, retry_after: int = 5) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class Later(Unavailable):
    """Nothing is away, but now is not the time: nothing was begun, and the same work may go on after `seconds`.

    Deliveries of a message that wait the same whole seconds come back in one.
    """

    def __init__(self, detail: str, *, seconds: float) -> None:
        super().__init__(detail, retry_after=ceil(seconds))
        self.seconds = seconds
