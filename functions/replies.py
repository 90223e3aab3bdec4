"""Answers: the only place where a result or an error becomes an HTTP status."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import azure.functions as func

from shared import exact, trace
from shared.errors import MethodNotAllowed, QuotaExceeded, SignalboxError, Unauthenticated, Unavailable
from shared.exact import Json

JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Reply:
    """A good answer. `doc` is JSON, or bytes where it is written already: of `media`."""

    status: int
    doc: Json | bytes = None
    headers: Mapping[str, str] = field(default_factory=dict)
    media: str = JSON


def answer(reply: Reply) -> func.HttpResponse:
    """The HTTP form of a good answer."""
    return func.HttpResponse(
        _written(reply.doc),
        status_code=reply.status,
        headers=dict(reply.headers),
        mimetype=reply.media,
    )


def _written(doc: Json | bytes) -> bytes | None:
    return doc if doc is None or isinstance(doc, bytes) else exact.dumps(doc).encode()


def problem(error: SignalboxError, url: str) -> func.HttpResponse:
    """The HTTP form of a refusal: problem details as RFC 9457 has them, with the trace that the request belongs to."""
    here = trace.current() or trace.Trace.new()
    doc = {**problem_doc(error), "instance": instance(url), "traceId": here.id}
    return func.HttpResponse(
        exact.dumps(doc).encode(),
        status_code=error.status,
        headers=_headers(error),
        mimetype="application/problem+json",
    )


def unexpected(url: str) -> func.HttpResponse:
    """The answer to a fault of ours, which says nothing of it: its text may hold what a sender sent."""
    return problem(SignalboxError("This is our fault. Tell the operator the traceId."), url)


def problem_doc(error: SignalboxError) -> dict[str, Json]:
    """The members of a problem that do not depend on the request."""
    doc: dict[str, Json] = {
        "type": f"/problems/{error.type}",
        "title": error.title,
        "status": error.status,
        "detail": error.detail,
    }
    if error.faults:
        doc["errors"] = [fault.shown() for fault in error.faults]
    return doc


def instance(url: str) -> str:
    """The path of a request, without its query."""
    return re.sub(r"^[a-z]+://[^/]*", "", url.partition("?")[0]) or "/"


def retry_after(told: Iterable[object]) -> dict[str, str]:
    """The header that says when to repeat what of these is unavailable: the longest wait, in seconds. None: no header."""
    waits = [one.retry_after for one in told if isinstance(one, Unavailable)]
    return {"Retry-After": str(max(waits))} if waits else {}


def _headers(error: SignalboxError) -> dict[str, str]:
    if isinstance(error, MethodNotAllowed):
        return {"Allow": ", ".join(error.allowed)}
    if isinstance(error, Unauthenticated):
        return {"WWW-Authenticate": 'Bearer realm="signalbox"'}
    if isinstance(error, QuotaExceeded):
        return {**error.headers, "Retry-After": str(error.retry_after)}
    return retry_after([error])
