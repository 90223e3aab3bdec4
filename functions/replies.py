"""Answers: the only place where a result or an error becomes an HTTP status."""

import logging
import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import azure.functions as func

from shared import exact
from shared.errors import MethodNotAllowed, QuotaExceeded, SignalboxError, Unauthenticated, Unavailable
from shared.exact import Json

JSON = "application/json"
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-((?!0{32})[0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
_log = logging.getLogger("signalbox.replies")


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


def problem(error: SignalboxError, url: str, trace: str) -> func.HttpResponse:
    """The HTTP form of a refusal: problem details as RFC 9457 has them."""
    doc = {**problem_doc(error), "instance": instance(url), "traceId": trace}
    return func.HttpResponse(
        exact.dumps(doc).encode(),
        status_code=error.status,
        headers=_headers(error),
        mimetype="application/problem+json",
    )


def unexpected(error: Exception, url: str, trace: str) -> func.HttpResponse:
    """A fault of ours: logged by its kind and place, since its text may hold what a sender sent."""
    place = error.__traceback__
    while place and place.tb_next:
        place = place.tb_next
    at = f"{place.tb_frame.f_code.co_filename}:{place.tb_lineno}" if place else "nowhere"
    _log.error("unexpected %s at %s, trace %s", type(error).__name__, at, trace)
    return problem(SignalboxError("This is our fault. Tell the operator the traceId."), url, trace)


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


def trace_id(traceparent: str) -> str:
    """The trace that the caller started (W3C Trace Context), or a new one."""
    found = _TRACEPARENT.fullmatch(traceparent)
    return found.group(1) if found else secrets.token_hex(16)


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
