"""Spans as OpenTelemetry has them, in the traces that their events came by."""

from collections.abc import Mapping, Sequence
from typing import Final

from opentelemetry.context import Context
from opentelemetry.sdk.trace.sampling import Decision, Sampler
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    Tracer,
    set_span_in_context,
)
from opentelemetry.trace import Span as OpenSpan

from shared import ports
from shared.logs import FIELDS, Value
from shared.trace import Trace

_KINDS: Final[Mapping[str, SpanKind]] = {
    "server": SpanKind.SERVER,
    "consumer": SpanKind.CONSUMER,
    "client": SpanKind.CLIENT,
    "internal": SpanKind.INTERNAL,
}
NOWHERE: Final = Context()
"""Not what may be current in this process: the host's worker sets a context of its own for each call."""


class OtelSpan:
    """A span that is under way."""

    __slots__ = ("_span", "trace")

    def __init__(self, span: OpenSpan) -> None:
        self._span = span
        place = span.get_span_context()
        self.trace = Trace(f"{place.trace_id:032x}", f"{place.span_id:016x}")

    def end(self, fields: Mapping[str, Value], *, failed: bool = False) -> None:
        """End it with fields of the closed list; any other is left out."""
        if self._span.is_recording():
            told = {name: value for name, value in fields.items() if name in FIELDS and value is not None}
            self._span.set_attributes({**told, **self._http(fields)})
            if failed:
                self._span.set_status(Status(StatusCode.ERROR))
        self._span.end()

    def _http(self, fields: Mapping[str, Value]) -> Mapping[str, str | int]:
        """What makes it a request for whoever reads it: method, route template and status, and no URL.

        https://opentelemetry.io/docs/specs/semconv/http/http-spans/
        """
        method, _, route = str(fields.get("door") or "").partition(" ")
        status = fields.get("status")
        code = {"http.response.status_code": status} if isinstance(status, int) else {}
        if not route:
            return code
        self._span.update_name(f"{method} {route}")
        return {"http.request.method": method, "http.route": route, **code}


class OtelSpans:
    """The `Spans` port. Which traces are kept follows from their ids, so that one is kept whole or not at all.

    What the caller's `traceparent` says of that counts for nothing, and neither does what the host decides for itself.
    """

    def __init__(self, tracer: Tracer, sampler: Sampler) -> None:
        self._tracer, self._sampler = tracer, sampler

    def wants(self, trace: Trace | None) -> bool:
        """Whether spans of this trace are kept."""
        if trace is None:
            return False
        decided = self._sampler.should_sample(None, int(trace.id, 16), "", attributes={})
        return decided.decision is Decision.RECORD_AND_SAMPLE

    def start(
        self,
        name: str,
        kind: ports.SpanKind,
        parent: Trace | None = None,
        links: Sequence[Trace] = (),
        *,
        at: int | None = None,
    ) -> OtelSpan:
        """Begin a span."""
        context = context_of(parent) if parent else NOWHERE
        linked = [Link(_place(one)) for one in links]
        return OtelSpan(
            self._tracer.start_span(name, context, _KINDS[kind], links=linked, start_time=at, attributes={})
        )


def context_of(trace: Trace) -> Context:
    """The place of whatever belongs there."""
    return set_span_in_context(NonRecordingSpan(_place(trace)), NOWHERE)


def _place(trace: Trace) -> SpanContext:
    return SpanContext(
        int(trace.id, 16), int(trace.span, 16), is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED)
    )
